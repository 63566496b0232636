/*
 * Messages both ways: nothing a client writes forges a header or a second
 * message, equal items give equal bytes, what is written reads back, and
 * hostile input is refused or repaired.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mime/mime.h"

#include <stdio.h>
#include <stdlib.h>

#define assert_span(span, text) assert_true(span_is((span), (text)))

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    return arena_new(256u << 20, &arena);
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct item note(void)
{
    static struct rcpt to = { .name = { "Bob", 3 }, .address = { "bob@example.com", 15 } };
    static struct rcpt bcc = { .address = { "hidden@example.com", 18 } };
    struct item item;

    item_init(&item);
    item.subject = SPAN("Hello");
    item.body = SPAN("Hi Bob\n");
    item.from = (struct rcpt){ .name = SPAN("Alice"), .address = SPAN("alice@example.com") };
    item.sent = 1795494484000;
    item.message_id = SPAN("<1@example.com>");
    item.to = (struct rcpt_list){ &to, 1 };
    item.bcc = (struct rcpt_list){ &bcc, 1 };
    item.boundary_seed = 42;
    return item;
}

static char *write_with(const struct item *item, bool keep_bcc)
{
    struct buf out = BUF_INIT(64u << 20);
    struct mime_options options = { .keep_bcc = keep_bcc };

    assert_int_equal(mime_write(item, &options, &out), 0);
    buf_add_char(&out, '\0');
    assert_int_equal(strlen(out.ptr), out.len - 1);
    return out.ptr;
}

static char *write_item(const struct item *item)
{
    return write_with(item, false);
}

static int read_text(const char *text, struct item *ret_item)
{
    return mime_read(span_of(text), arena, ret_item);
}

/* Every message: CRLF alone, ASCII, lines of at most 998. */
static void assert_travels(const char *text)
{
    size_t column = 0;

    for (size_t i = 0; text[i]; i++) {
        assert_true((unsigned char)text[i] < 0x80);
        if (text[i] == '\r')
            assert_int_equal(text[i + 1], '\n');
        if (text[i] == '\n')
            assert_true(i > 0 && text[i - 1] == '\r');
        column = text[i] == '\n' ? 0 : column + 1;
        assert_true(column <= 999);
    }
}

static size_t header_lines(const char *text, const char *start)
{
    const char *end = strstr(text, "\r\n\r\n");
    size_t n = strncmp(text, start, strlen(start)) == 0;

    assert_non_null(end);
    for (const char *at = text; (at = strstr(at, "\r\n")) && at < end; at += 2)
        n += strncmp(at + 2, start, strlen(start)) == 0;
    return n;
}

static void test_plain(void **state)
{
    struct item item = note();
    char *text = write_item(&item);

    (void)state;
    assert_string_equal(text, "From: Alice <alice@example.com>\r\n"
                              "To: Bob <bob@example.com>\r\n"
                              "Subject: Hello\r\n"
                              "Date: Tue, 24 Nov 2026 04:28:04 +0000\r\n"
                              "Message-ID: <1@example.com>\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: 7bit\r\n"
                              "\r\n"
                              "Hi Bob\r\n");
    free(text);
    text = write_with(&item, true);
    assert_int_equal(header_lines(text, "Bcc: hidden@example.com"), 1);
    free(text);
}

static void test_injection(void **state)
{
    struct item item = note();
    struct rcpt to[2] = { { .name = SPAN("B\r\nBcc: evil@x.org\r\n\r\nbody \"q\""), .address = SPAN("b@example.com") },
                          { .name = SPAN("\r\nX-Evil: 1 \\\""), .address = SPAN("c@example.com") } };
    static const char *const forged[] = { "c@example.com>\r\nX-Evil: 1", "c@example.com\nDATA", "<c@example.com>", "c d@e.f" };
    struct span values[] = { SPAN("v\r\nX-Evil: 1\n\nX") };
    struct xprop xprops[] = {
        { .set = SPAN("InternetHeaders"), .tag = -1, .id = -1, .name = SPAN("X-Good"), .values = { values, 1 } },
        { .set = SPAN("InternetHeaders"), .tag = -1, .id = -1, .name = SPAN("X-Evil: 1\r\nX-Evil"), .values = { values, 1 } },
        { .set = SPAN("InternetHeaders"), .tag = -1, .id = -1, .name = SPAN("Bcc"), .values = { values, 1 } },
        { .set = SPAN("00020386-0000-0000-C000-000000000046"), .set_is_guid = true, .tag = -1, .id = -1,
          .name = SPAN("x-guid"), .values = { values, 1 } },
    };
    struct attachment attachment = { .no = 1, .name = SPAN("a\"\r\nX-Evil: 1.txt"), .content_type = SPAN("text/x\r\nX-Evil: 1"),
                                     .content_id = SPAN("a>\r\nX-Evil: 1"), .data = SPAN("d") };
    struct item back;
    struct buf none = BUF_INIT(65536);
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        struct rcpt bad = { .address = span_of(forged[i]) };
        item.to = (struct rcpt_list){ &bad, 1 };
        assert_int_equal(mime_write(&item, &(struct mime_options){ 0 }, &none), CODE_ErrorInvalidRecipients);
    }
    buf_done(&none);
    item.subject = SPAN("S\r\nX-Evil: 1\rX-Evil: 2\nX-Evil: 3");
    item.message_id = SPAN("<1@x>\r\nX-Evil: 1");
    item.to = (struct rcpt_list){ to, 2 };
    item.xprops = (struct xprop_list){ xprops, ARRAY_LEN(xprops) };
    item.attachments = (struct attachment_list){ &attachment, 1 };
    text = write_item(&item);
    assert_travels(text);
    assert_int_equal(header_lines(text, "X-Evil"), 0);
    assert_null(strstr(text, "\nX-Evil"));
    assert_int_equal(header_lines(text, "Bcc"), 0);
    assert_int_equal(header_lines(text, "X-Good: "), 1);
    assert_int_equal(header_lines(text, "x-guid: "), 1);
    assert_int_equal(read_text(text, &back), 0);
    assert_int_equal(back.to.n, 2);
    assert_int_equal(back.bcc.n, 0);
    assert_int_equal(back.attachments.n, 1);
    free(text);
}

static void test_lines(void **state)
{
    static const char *const bodies[] = { "a\n.\nb", "a\r.\rb", "a\n.\r\nb", ".", "..\n", "a\r\n.\r\nMAIL FROM:<x>\r\n", "From me\n" };
    struct item item = note();
    struct item back;
    char *longest = calloc(1, 5001);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        item.body = span_of(bodies[i]);
        char *text = write_item(&item);
        assert_travels(text);
        assert_int_equal(read_text(text, &back), 0);
        assert_true(back.body.len >= item.body.len);
        free(text);
    }
    memset(longest, 'x', 5000);
    item.body = item.subject = item.references = (struct span){ longest, 5000 };
    char *text = write_item(&item);
    assert_travels(text);
    assert_int_equal(read_text(text, &back), 0);
    assert_true(span_eq(back.subject, item.subject));
    assert_true(span_starts(back.body, item.body));
    free(text);
    free(longest);
    item = note();
    item.body = (struct span){ "a\0b\x01", 4 };
    text = write_item(&item);
    assert_travels(text);
    assert_non_null(strstr(text, "\r\n\r\nab"));
    free(text);
}

static void test_round_trip(void **state)
{
    struct item item = note(), back;
    struct attachment attachments[] = {
        { .no = 1, .name = SPAN("Gr\xc3\xbc\xc3\x9f" "e with a rather long name that has to be split over lines.pdf"),
          .content_type = SPAN("application/pdf"), .data = { "\0\1\2\xff", 4 } },
        { .no = 2, .name = SPAN("i.png"), .content_type = SPAN("image/png"), .content_id = SPAN("img1"), .is_inline = true,
          .data = SPAN("PNG") },
        { .no = 3, .name = SPAN("m.eml"), .content_type = SPAN("message/rfc822"), .data = SPAN("Subject: inner\n\nx\n") },
    };

    (void)state;
    item.subject = SPAN("Gr\xc3\xbc\xc3\x9f" "e aus K\xc3\xb6ln, eine lange Betreffzeile mit \xe2\x82\xac und noch mehr W\xc3\xb6rtern");
    item.body = SPAN("<p>\xc3\xa4 = caf\xc3\xa9</p>\r\n");
    item.body_type = BODY_HTML;
    item.sender = (struct rcpt){ .name = SPAN("S\xc3\xa9" "c"), .address = SPAN("sec@example.com") };
    item.reply_to = item.bcc;
    item.importance = IMPORTANCE_HIGH;
    item.sensitivity = SENSITIVITY_CONFIDENTIAL;
    item.flags = ITEM_READ_RECEIPT | ITEM_DELIVERY_RECEIPT;
    item.in_reply_to = SPAN("<0@example.com>");
    item.references = SPAN("<a@x> <b@x>");
    item.attachments = (struct attachment_list){ attachments, 3 };
    char *text = write_with(&item, true);
    char *again = write_with(&item, true);
    assert_string_equal(text, again);
    assert_travels(text);
    assert_int_equal(read_text(text, &back), 0);
    assert_true(span_eq(back.subject, item.subject));
    assert_true(span_eq(back.body, item.body));
    assert_int_equal(back.body_type, BODY_HTML);
    assert_span(back.from.address, "alice@example.com");
    assert_true(span_eq(back.sender.name, item.sender.name));
    assert_span(back.reply_to.v[0].address, "hidden@example.com");
    assert_span(back.bcc.v[0].address, "hidden@example.com");
    assert_span(back.to.v[0].name, "Bob");
    assert_int_equal(back.importance, IMPORTANCE_HIGH);
    assert_int_equal(back.sensitivity, SENSITIVITY_CONFIDENTIAL);
    assert_int_equal(back.flags, ITEM_READ_RECEIPT | ITEM_DELIVERY_RECEIPT | ITEM_HAS_ATTACHMENTS);
    assert_span(back.message_id, "<1@example.com>");
    assert_span(back.in_reply_to, "<0@example.com>");
    assert_span(back.references, "<a@x> <b@x>");
    assert_int_equal(back.sent, item.sent);
    assert_int_equal(back.attachments.n, 3);
    assert_true(back.attachments.v[0].is_inline);
    assert_span(back.attachments.v[0].content_id, "img1");
    assert_true(span_eq(back.attachments.v[1].name, attachments[0].name));
    assert_true(span_eq(back.attachments.v[1].data, attachments[0].data));
    assert_span(back.attachments.v[2].name, "m.eml");
    assert_true(span_eq(back.attachments.v[2].data, attachments[2].data));
    item.boundary_seed = 43;
    free(again);
    again = write_with(&item, true);
    assert_string_not_equal(text, again);
    free(text);
    free(again);
}

static void test_supplied(void **state)
{
    struct item item = note();
    char *text;

    (void)state;
    item.mime = SPAN("From: mallory@example.com\nTo: x@y.org\nX-A: 1\rBcc: a@b.c\nBcc: d@e.f,\n g@h.i\n"
                     "Resent-Bcc: q@r.s\nSubject: s\n\nline\n.\nend");
    text = write_item(&item);
    assert_travels(text);
    assert_string_equal(text, "From: Alice <alice@example.com>\r\nDate: Tue, 24 Nov 2026 04:28:04 +0000\r\n"
                              "Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\nTo: x@y.org\r\nX-A: 1\r\nSubject: s\r\n\r\n"
                              "line\r\n.\r\nend");
    free(text);
    item.message_id = SPAN("");
    item.mime = SPAN("Sender: eve@example.com\r\nDate: d\r\nMessage-Id: <k@x>\r\n"
                     "MIME-Version: 1.0\r\nSubject: s\r\n\r\nb\r\n");
    text = write_with(&item, true);
    assert_string_equal(text, "From: Alice <alice@example.com>\r\nBcc: hidden@example.com\r\nDate: d\r\nMessage-Id: <k@x>\r\n"
                              "MIME-Version: 1.0\r\nSubject: s\r\n\r\nb\r\n");
    free(text);
}

/* What only carriers may say is dropped; the owner's own view keeps it. */
static void test_supplied_traces(void **state)
{
    static const char *const traces[] = { "Resent-From: boss@example.com", "resent-sender: boss@example.com", "Resent-To: a@b.c",
                                          "Resent-Message-ID: <1@b.c>", "Return-Path: <boss@example.com>",
                                          "Authentication-Results: example.com; dkim=pass", "ARC-Seal: i=1; cv=none" };
    struct item item = note();
    char head[512], *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
        snprintf(head, sizeof(head), "%s\r\n\tmore\r\nTo: x@y.org\r\n\r\nline\r\n", traces[i]);
        item.mime = span_of(head);
        text = write_item(&item);
        assert_travels(text);
        assert_int_equal(header_lines(text, traces[i]), 0);
        assert_null(strstr(text, "more"));
        assert_non_null(strstr(text, "\r\nTo: x@y.org\r\n\r\nline\r\n"));
        free(text);
        text = write_with(&item, true);
        assert_int_equal(header_lines(text, traces[i]), 1);
        free(text);
    }
}

static void test_supplied_8bit(void **state)
{
    struct item item = note(), back;
    struct buf mime = BUF_INIT(1u << 20);
    char *text;

    (void)state;
    buf_add_str(&mime, "Subject: caf\xc3\xa9\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\xc3\xa4\n");
    for (int i = 0; i < 3000; i++)
        buf_add_char(&mime, 'y');
    item.mime = buf_span(&mime);
    text = write_item(&item);
    assert_travels(text);
    assert_int_equal(read_text(text, &back), 0);
    assert_span(back.subject, "caf\xc3\xa9");
    assert_true(span_starts(back.body, SPAN("\xc3\xa4\r\nyyyy")));
    assert_true(back.body.len >= 3000);
    free(text);
    buf_done(&mime);
}

static void test_charsets(void **state)
{
    struct item item;

    (void)state;
    assert_int_equal(read_text("Subject: =?iso-8859-1?Q?caf=E9?=\nContent-Type: text/plain; charset=iso-8859-1\n\nna\xefve", &item), 0);
    assert_span(item.subject, "caf\xc3\xa9");
    assert_span(item.body, "na\xc3\xafve");
    assert_int_equal(read_text("Subject: a\nContent-Type: text/plain; charset=no-such/thing\n\nna\xefve\xc3\xa9", &item), 0);
    assert_span(item.body, "na\xef\xbf\xbdve\xc3\xa9");
    assert_int_equal(read_text("Subject: a\nContent-Type: text/plain; charset=iso-2022-jp\n\nx\xff\xffy\x1b$B$", &item), 0);
    assert_true(span_utf8_ok(item.body) && item.body.len > 0);
    assert_int_equal(read_text("Subject: \xff\xfe=?utf-8?B?////?=\n\nx", &item), 0);
    assert_true(span_utf8_ok(item.subject));
    for (size_t i = 0; i < item.headers.n; i++)
        assert_true(span_utf8_ok(item.headers.v[i].value));
}

/* Each padded, as most programs write them. */
static void test_words_side_by_side(void **state)
{
    struct item item;

    (void)state;
    assert_int_equal(read_text("Subject: a =?UTF-8?B?YWE=?= =?utf-8?b?YmI=?=\n =?UTF-8?B?w7Zsbg==?= =?iso-8859-1?B?6Q==?= =?UTF-8?B?"
                               "?= z\n"
                               "From: =?UTF-8?B?w4Q=?= =?UTF-8?B?bm5l?= <aenne@example.test>\n"
                               "To: =?UTF-8?B?YQ==?= =?UTF-8?B?Yg==?= <b@example.test>, =?UTF-8?Q?c=C3=A9?= <c@example.test>\n"
                               "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x\n"
                               "Content-Type: application/pdf; name=\"=?UTF-8?B?YQ==?=\n =?UTF-8?B?Yi5wZGY=?=\"\n"
                               "Content-Disposition: attachment;\n filename=\"=?UTF-8?B?YQ==?=\n =?UTF-8?B?Yi5wZGY=?=\"\n\nPDF\n--x--\n", &item), 0);
    assert_span(item.subject, "a aabb\xc3\xb6ln\xc3\xa9 z");
    assert_span(item.from.name, "\xc3\x84nne");
    assert_span(item.from.address, "aenne@example.test");
    assert_int_equal(item.to.n, 2);
    assert_span(item.to.v[0].name, "ab");
    assert_span(item.to.v[1].name, "c\xc3\xa9");
    assert_int_equal(item.attachments.n, 1);
    assert_span(item.attachments.v[0].name, "ab.pdf");
}

/* What is no word is left as it stands. */
static void test_words_half(void **state)
{
    struct item item;

    (void)state;
    assert_int_equal(read_text("Subject: =?a?B?YQ=?= =?UTF-8?B?YQ==?= =? =?= =?UTF-8?B?YQ= =?x\n\nx", &item), 0);
    assert_true(span_utf8_ok(item.subject) && item.subject.len > 3);
    assert_memory_equal(item.subject.ptr + item.subject.len - 3, "=?x", 3);
}

static void test_alternative(void **state)
{
    struct item item;

    (void)state;
    assert_int_equal(read_text("From: a@b.c\nX-One: 1\nx-one: 2\nSubject: s\nContent-Type: multipart/alternative; boundary=b\n\n"
                               "--b\nContent-Type: text/plain\n\nplain\n--b\nContent-Type: text/html\n\n<b>html</b>\n--b--\n",
                               &item), 0);
    assert_int_equal(item.body_type, BODY_HTML);
    assert_span(item.body, "<b>html</b>");
    assert_int_equal(item.attachments.n, 0);
    assert_int_equal(item.headers.n, 4);
    assert_span(item.headers.v[3].name, "Content-Type");
    assert_span(item.headers.v[0].name, "X-One");
    assert_span(item.headers.v[1].value, "2");
    assert_int_equal(read_text("Subject: fwd\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\n"
                               "Content-Type: message/rfc822\n\nSubject: inner\n\nx\n--b--\n", &item), 0);
    assert_span(item.body, "see");
    assert_int_equal(item.attachments.n, 1);
    assert_span(item.attachments.v[0].name, "inner");
    assert_span(item.attachments.v[0].content_type, "message/rfc822");
    assert_int_equal(item.attachments.v[0].kind, ATTACHMENT_ITEM);
    assert_span(item.attachments.v[0].item->subject, "inner");
    assert_span(item.attachments.v[0].item->body, "x");
    assert_int_equal(read_text("To: G: a@b.c, \"D, E\" <d@e.f>;, g@h.i\n\nx", &item), 0);
    assert_int_equal(item.to.n, 3);
    assert_span(item.to.v[1].name, "D, E");
    assert_span(item.to.v[2].address, "g@h.i");
}

/* An item in an item in an item: each with its own boundaries, and as it was. */
static void test_attached_items(void **state)
{
    struct item item = note(), middle = note(), inner = note(), back;
    struct rcpt forged = { .name = SPAN("F"), .address = SPAN("f@x.y\r\nBcc: g@x.y") };
    struct attachment file = { .no = 1, .name = SPAN("f.txt"), .content_type = SPAN("text/plain"), .data = SPAN("file") };
    struct attachment in = { .no = 1, .kind = ATTACHMENT_ITEM, .name = SPAN("in"), .item = &inner };
    struct attachment mid = { .no = 2, .kind = ATTACHMENT_ITEM, .name = SPAN("mid"), .item = &middle };

    (void)state;
    inner.subject = SPAN("the innermost");
    inner.body = SPAN("--=_ewsd_0000000000000000_0--\r\nFrom here\r\n.");
    inner.attachments = (struct attachment_list){ &file, 1 };
    inner.to = (struct rcpt_list){ &forged, 1 };
    inner.bcc = (struct rcpt_list){ (struct rcpt[]){ { .address = SPAN("secret@x.y") } }, 1 };
    middle.subject = SPAN("in the middle");
    middle.attachments = (struct attachment_list){ &in, 1 };
    item.attachments = (struct attachment_list){ &mid, 1 };
    char *text = write_item(&item);
    assert_travels(text);
    assert_null(strstr(text, "g@x.y"));
    assert_null(strstr(text, "secret@x.y"));
    assert_int_equal(read_text(text, &back), 0);
    assert_int_equal(back.attachments.n, 1);
    const struct item *one = back.attachments.v[0].item;
    assert_span(one->subject, "in the middle");
    assert_span(back.attachments.v[0].name, "in the middle");
    assert_true(back.flags & ITEM_HAS_ATTACHMENTS && one->flags & ITEM_HAS_ATTACHMENTS);
    assert_int_equal(one->attachments.n, 1);
    const struct item *two = one->attachments.v[0].item;
    assert_span(two->subject, "the innermost");
    assert_span(two->body, "--=_ewsd_0000000000000000_0--\r\nFrom here\r\n.");
    assert_int_equal(two->attachments.n, 1);
    assert_span(two->attachments.v[0].data, "file");
    assert_int_equal(item_levels(&back), 2);
    free(text);
}

/* What lies deeper than items may is a file. */
static void test_levels(void **state)
{
    struct item item;
    struct buf text = BUF_INIT(100000);

    (void)state;
    for (int i = 0; i < ATTACHMENT_LEVELS_MAX + 3; i++)
        buf_printf(&text, "Subject: s%d\nContent-Type: message/rfc822\n\n", i);
    buf_add_str(&text, "Subject: last\n\nx\n");
    buf_add_char(&text, '\0');
    assert_int_equal(read_text(text.ptr, &item), 0);
    assert_int_equal(item_levels(&item), ATTACHMENT_LEVELS_MAX);
    const struct item *at = &item;
    while (at->attachments.v[0].item)
        at = at->attachments.v[0].item;
    assert_int_equal(at->attachments.n, 1);
    assert_non_null(memmem(at->attachments.v[0].data.ptr, at->attachments.v[0].data.len, "Subject: last", 13));
    buf_done(&text);
}

static void test_invalid(void **state)
{
    static const char *const bad[] = { "", "\n\n", "no header at all", "two words: x\n\n", ": x\n\n", "\r\n\r\nSubject: x\r\n" };
    struct item item;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(read_text(bad[i], &item), CODE_ErrorMimeContentInvalid);
    assert_int_equal(read_text("Subject: only", &item), 0);
}

static char *nested(size_t depth, const char *format)
{
    struct buf out = BUF_INIT(64u << 20);

    buf_add_str(&out, "Subject: deep\n");
    for (size_t i = 0; i < depth; i++)
        buf_printf(&out, format, i, i);
    buf_add_str(&out, "\nx\n");
    buf_add_char(&out, '\0');
    return out.ptr;
}

static void test_hostile(void **state)
{
    static const char *const formats[] = { "Content-Type: multipart/mixed; boundary=b%zu\n\n--b%zu\n",
                                           "Content-Type: message/rfc822; x=%zu%zu\n\n",
                                           "Content-Type: multipart/mixed; boundary*0=b; boundary*1=%zu\n\n--b%zu\n",
                                           "Content-Type: multipart/digest; boundary=b%zu\n\n--b%zu\n\n" };
    struct item item;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        char *text = nested(10000, formats[i]);
        assert_int_equal(read_text(text, &item), CODE_ErrorMimeContentInvalid);
        item = note();
        item.mime = span_of(text);
        free(write_item(&item));
        free(text);
        text = nested(10, formats[i]);
        assert_int_equal(read_text(text, &item), 0);
        free(text);
    }
    char *text = nested(1, "Content-Type: multipart/mixed; boundary=b\n\n--b\nX-Y: %zu%zu\n");
    struct buf parts = BUF_INIT(64u << 20);
    buf_add_str(&parts, text);
    for (int i = 0; i < 2000; i++)
        buf_add_str(&parts, "--b\n\nx\n");
    assert_int_equal(mime_read(buf_span(&parts), arena, &item), CODE_ErrorMimeContentInvalid);
    free(text);
    buf_clear(&parts);
    buf_add_str(&parts, "To: ");
    for (int i = 0; i < 500000; i++)
        buf_add_str(&parts, i % 2 ? "a:" : "(");
    mime_read(buf_span(&parts), arena, &item);
    buf_clear(&parts);
    buf_add_str(&parts, "To: ");
    for (int i = 0; i < 9000; i++)
        buf_add_str(&parts, "a:");
    assert_int_equal(mime_read(buf_span(&parts), arena, &item), CODE_ErrorMimeContentInvalid);
    buf_clear(&parts);
    for (int i = 0; i < 100000; i++)
        buf_add_str(&parts, "a: b\n");
    assert_int_equal(mime_read(buf_span(&parts), arena, &item), CODE_ErrorMimeContentInvalid);
    buf_done(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_injection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_supplied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_supplied_traces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_supplied_8bit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attached_items, setup, teardown),
        cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_charsets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words_half, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alternative, setup, teardown),
        cmocka_unit_test_setup_teardown(test_invalid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
    };

    mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
