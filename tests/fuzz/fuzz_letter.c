/*
 * An item with anything in it, written as a message. The input is fields with
 * 0xfe between them, each a letter and its value, in which 0xff separates the
 * parts: "sSubject", "tName\xffaddress". What is written keeps the rules of
 * the wire, has the headers that it should have and no other, and is read back
 * with the same people, text and attachments.
 */
#include "wire_rules.h"

#include "mime/mime.h"

#define LIST_MAX 16
#define SEPARATOR ((char)0xfe)
#define PART ((char)0xff)

struct letter {
    struct item item;
    struct rcpt to[LIST_MAX], cc[LIST_MAX], bcc[LIST_MAX], reply_to[LIST_MAX];
    struct attachment attachments[LIST_MAX];
    struct xprop xprops[LIST_MAX];
    struct span values[LIST_MAX];
};

static struct rcpt rcpt_from(struct span value)
{
    struct rcpt rcpt = { 0 };
    (void)fuzz_next(&value, PART, &rcpt.name);
    (void)fuzz_next(&value, PART, &rcpt.address);
    return rcpt;
}

static void add_rcpt(struct rcpt_list *list, struct rcpt *room, struct span value)
{
    list->v = room;
    if (list->n < LIST_MAX)
        list->v[list->n++] = rcpt_from(value);
}

static void add_attachment(struct letter *letter, struct span value)
{
    struct attachment_list *list = &letter->item.attachments;
    struct attachment attachment = { .data = SPAN("") };
    list->v = letter->attachments;
    if (list->n == LIST_MAX)
        return;
    (void)fuzz_next(&value, PART, &attachment.name);
    (void)fuzz_next(&value, PART, &attachment.content_type);
    (void)fuzz_next(&value, PART, &attachment.content_id);
    (void)fuzz_next(&value, PART, &attachment.content_location);
    attachment.is_inline = attachment.content_id.len > 0;
    attachment.data = value.len ? value : SPAN("");
    list->v[list->n++] = attachment;
}

/* A header of the client's own. */
static void add_header(struct letter *letter, struct span value)
{
    struct xprop_list *list = &letter->item.xprops;
    struct xprop xprop = { .set = SPAN("InternetHeaders"), .tag = -1, .id = -1, .type = SPAN("String") };
    list->v = letter->xprops;
    if (list->n == LIST_MAX || !fuzz_next(&value, PART, &xprop.name))
        return;
    letter->values[list->n] = value;
    xprop.values = (struct span_list){ &letter->values[list->n], 1 };
    list->v[list->n++] = xprop;
}

static void set_field(struct letter *letter, char what, struct span value)
{
    struct item *item = &letter->item;
    switch (what) {
    case 's': item->subject = value; break;
    case 'f': item->from = rcpt_from(value); break;
    case 'S': item->sender = rcpt_from(value); break;
    case 't': add_rcpt(&item->to, letter->to, value); break;
    case 'c': add_rcpt(&item->cc, letter->cc, value); break;
    case 'b': add_rcpt(&item->bcc, letter->bcc, value); break;
    case 'r': add_rcpt(&item->reply_to, letter->reply_to, value); break;
    case 'm': item->message_id = value; break;
    case 'i': item->in_reply_to = value; break;
    case 'R': item->references = value; break;
    case 'B': item->body = value; item->body_type = BODY_TEXT; break;
    case 'H': item->body = value; item->body_type = BODY_HTML; break;
    case 'a': add_attachment(letter, value); break;
    case 'x': add_header(letter, value); break;
    case 'k': item->boundary_seed = fuzz_number(value); break;
    case 'M': item->mime = value; break;
    case 'F': item->flags = (uint32_t)fuzz_number(value); break;
    case 'I': item->importance = (int)fuzz_number(value) & 3; break;
    case 'y': item->sensitivity = (int)fuzz_number(value) & 3; break;
    case 'd': item->sent = (int64_t)fuzz_number(value) >> 20; break;
    default: break;
    }
}

static void letter_read(struct letter *letter, struct span bytes)
{
    struct span field;
    item_init(&letter->item);
    letter->item.from.address = SPAN("alice@example.test");
    letter->item.message_id = SPAN("<0123@example.test>");
    while (fuzz_next(&bytes, SEPARATOR, &field))
        if (field.len)
            set_field(letter, field.ptr[0], (struct span){ field.ptr + 1, field.len - 1 });
    if (!rcpt_is_set(&letter->item.from)) /* the outbox sees to it */
        letter->item.from.address = SPAN("alice@example.test");
}

/* ---- what must hold ---- */

static bool is_ours(const struct item *item, struct span name)
{
    static const char *const names[] = {
        "From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Importance",
        "Sensitivity", "Disposition-Notification-To", "Return-Receipt-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq_nocase(name, span_of(names[i])))
            return true;
    for (size_t i = 0; i < item->xprops.n; i++)
        if (span_eq_nocase(name, item->xprops.v[i].name))
            return true;
    return false;
}

static void check_head(const struct item *item, struct span message)
{
    static const char *const once[] = { "From", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Sender",
                                        "Reply-To", "In-Reply-To", "References" };
    struct span rest = message, name;
    while (wire_field(&rest, &name))
        FUZZ_CHECK_TEXT(is_ours(item, name), message);
    for (size_t i = 0; i < ARRAY_LEN(once); i++)
        FUZZ_CHECK_TEXT(wire_count(message, once[i]) <= 1, message);
    FUZZ_CHECK_TEXT(wire_count(message, "From") == 1 && wire_count(message, "Date") == 1, message);
}

/* One that everybody writes the same. */
static bool is_simple(struct span address)
{
    size_t ats = 0;
    char before = '.';
    for (size_t i = 0; i < address.len; i++) {
        char c = address.ptr[i];
        bool edge = c == '.' || c == '@';
        if (edge && (before == '.' || before == '@'))
            return false;
        if (c == '-' && before == '-') /* xn--: read as what it stands for */
            return false;
        if (!edge && c != '-' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return false;
        ats += c == '@';
        before = c;
    }
    return ats == 1 && before != '.' && before != '@';
}

/* Those with a simple address are there, in their order, and nobody is there
 * who was not wanted. */
static void check_people(const struct rcpt_list *wanted, const struct rcpt_list *got, struct span message)
{
    size_t at = 0;
    FUZZ_CHECK_TEXT(got->n <= wanted->n, message);
    for (size_t i = 0; i < wanted->n; i++) {
        if (!is_simple(wanted->v[i].address))
            continue;
        while (at < got->n && !span_eq_nocase(wanted->v[i].address, got->v[at].address))
            at++;
        FUZZ_CHECK_TEXT(at++ < got->n, message);
    }
}

/* Line ends aside, which become CRLF, and one at the end. */
static bool same_text(struct span a, struct span b)
{
    size_t i = 0, j = 0;
    while (a.len && (a.ptr[a.len - 1] == '\n' || a.ptr[a.len - 1] == '\r'))
        a.len--;
    while (b.len && (b.ptr[b.len - 1] == '\n' || b.ptr[b.len - 1] == '\r'))
        b.len--;
    while (i < a.len && j < b.len) {
        bool end_a = a.ptr[i] == '\r' || a.ptr[i] == '\n', end_b = b.ptr[j] == '\r' || b.ptr[j] == '\n';
        if (end_a != end_b || (!end_a && a.ptr[i] != b.ptr[j]))
            return false;
        i += a.ptr[i] == '\r' && i + 1 < a.len && a.ptr[i + 1] == '\n' ? 2 : 1;
        j += b.ptr[j] == '\r' && j + 1 < b.len && b.ptr[j + 1] == '\n' ? 2 : 1;
    }
    return i == a.len && j == b.len;
}

static void check_content(const struct item *item, const struct item *again, struct span message)
{
    FUZZ_CHECK_TEXT(again->attachments.n == item->attachments.n, message);
    for (size_t i = 0; i < item->attachments.n; i++) {
        bool found = false;
        for (size_t j = 0; j < again->attachments.n; j++)
            found = found || span_eq(item->attachments.v[i].data, again->attachments.v[j].data);
        FUZZ_CHECK_TEXT(found, message);
    }
    if (span_utf8_ok(item->body))
        FUZZ_CHECK_TEXT(same_text(item->body, again->body), message);
}

static void check_reading(const struct item *item, struct span message)
{
    struct arena *arena = fuzz_arena(256u << 20);
    struct item again;
    FUZZ_CHECK_TEXT(mime_read(message, arena, &again) == 0, message);
    if (fuzz_is_plain(item->subject))
        FUZZ_CHECK_TEXT(span_eq(item->subject, again.subject), message);
    check_people(&item->to, &again.to, message);
    check_people(&item->cc, &again.cc, message);
    FUZZ_CHECK_TEXT(again.bcc.n == 0, message);
    if (is_simple(item->from.address))
        FUZZ_CHECK_TEXT(span_eq_nocase(item->from.address, again.from.address), message);
    check_content(item, &again, message);
    arena_free(arena);
}

static void check_writing(const struct item *item, bool eight_bit)
{
    struct buf out = BUF_INIT(64u << 20);
    int r = mime_write(item, &(struct mime_options){ .eight_bit = eight_bit }, &out);
    FUZZ_CHECK(r >= 0);
    if (r == 0) {
        wire_check(buf_span(&out), eight_bit);
        if (item->mime.len)
            FUZZ_CHECK_TEXT(wire_count(buf_span(&out), "From") == 1, buf_span(&out));
        else
            check_head(item, buf_span(&out));
        if (!item->mime.len)
            check_reading(item, buf_span(&out));
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct letter letter = { 0 };
    if (!ready)
        mime_init();
    ready = true;
    letter_read(&letter, (struct span){ (const char *)data, size });
    check_writing(&letter.item, false);
    check_writing(&letter.item, true);
    return 0;
}
