/*
 * Header fields: folding, encoded words (RFC 2047), parameters (RFC 2231) and
 * addresses. Nothing that a client wrote reaches a header but through here, so
 * this file is what keeps CR, LF and controls out of them.
 */
#include "mime/mime_text.h"

#include "base/codec.h"
#include "model/code.h"

#define FOLD_COLUMN 76
#define WORD_PLAIN_MAX 70  /* longer words of free text are encoded */
#define WORD_BYTES 42      /* of text in one encoded word */
#define TOKEN_MAX 900
#define PARAMETER_PLAIN_MAX 60
#define FILE_NAME_MAX 512

struct field field_open_span(struct buf *out, struct span name)
{
    buf_add_span(out, name);
    buf_add_char(out, ':');
    return (struct field){ out, name.len + 1 };
}

struct field field_open(struct buf *out, const char *name)
{
    return field_open_span(out, span_of(name));
}

void field_word(struct field *field, struct span word)
{
    if (field->column + 1 + word.len > FOLD_COLUMN && field->column > 1) {
        buf_add(field->out, "\r\n ", 3);
        field->column = 1;
    } else {
        buf_add_char(field->out, ' ');
        field->column++;
    }
    buf_add_span(field->out, word);
    field->column += word.len;
}

void field_glue(struct field *field, const char *text)
{
    buf_add_str(field->out, text);
    field->column += strlen(text);
}

void field_close(struct field *field)
{
    buf_add(field->out, "\r\n", 2);
}

static bool text_is_plain(struct span text)
{
    size_t word = 0;

    if (text.len == 0 || text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ')
        return text.len == 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < ' ' || c > '~' || (c == ' ' && text.ptr[i + 1] == ' '))
            return false;
        if (c == '=' && i + 1 < text.len && text.ptr[i + 1] == '?')
            return false;
        word = c == ' ' ? 0 : word + 1;
        if (word > WORD_PLAIN_MAX)
            return false;
    }
    return true;
}

/* At most WORD_BYTES, not cutting a UTF-8 sequence. */
static size_t word_cut(struct span text)
{
    size_t n = text.len < WORD_BYTES ? text.len : WORD_BYTES;
    size_t cut = n;

    while (cut < text.len && cut > 0 && ((unsigned char)text.ptr[cut] & 0xc0) == 0x80)
        cut--;
    return cut > 0 ? cut : n;
}

static void add_encoded_words(struct field *field, struct span text)
{
    while (text.len > 0) {
        char clean[WORD_BYTES];
        char room[96];
        size_t n = word_cut(text);
        struct buf word = BUF_INIT(sizeof(room));

        for (size_t i = 0; i < n; i++) {
            unsigned char c = (unsigned char)text.ptr[i];
            clean[i] = c < ' ' || c == 0x7f ? ' ' : (char)c;
        }
        buf_add_str(&word, "=?UTF-8?B?");
        base64_encode(&word, clean, n);
        buf_add_str(&word, "?=");
        field_word(field, buf_span(&word));
        if (buf_error(&word) && !field->out->error)
            field->out->error = buf_error(&word);
        buf_done(&word);
        text = (struct span){ text.ptr + n, text.len - n };
    }
}

/* Text that is no UTF-8 is labelled as Latin-1 would be wrong: its high bytes
 * become question marks. Returns text itself when there is nothing to do. */
static struct span without_bad_bytes(struct span text, struct buf *room)
{
    if (span_utf8_ok(text))
        return text;
    for (size_t i = 0; i < text.len; i++)
        buf_add_char(room, (unsigned char)text.ptr[i] < 0x80 ? text.ptr[i] : '?');
    return buf_span(room);
}

void field_text(struct field *field, struct span text)
{
    if (!text_is_plain(text)) {
        struct buf room = BUF_INIT(text.len + 1);
        add_encoded_words(field, without_bad_bytes(text, &room));
        if (buf_error(&room) && !field->out->error)
            field->out->error = buf_error(&room);
        buf_done(&room);
        return;
    }
    while (text.len > 0) {
        const char *space = memchr(text.ptr, ' ', text.len);
        size_t n = space ? (size_t)(space - text.ptr) : text.len;
        field_word(field, (struct span){ text.ptr, n });
        n += space ? 1 : 0;
        text = (struct span){ text.ptr + n, text.len - n };
    }
}

void field_add_text(struct buf *out, const char *name, struct span text)
{
    struct field field = field_open(out, name);
    field_text(&field, text);
    field_close(&field);
}

static bool token_ok(struct span token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
            return false;
    return token.len > 0 && token.len <= TOKEN_MAX;
}

static struct span next_token(struct span *rest)
{
    size_t from = 0, to;

    while (from < rest->len && strchr(" \t\r\n", rest->ptr[from]))
        from++;
    for (to = from; to < rest->len && !strchr(" \t\r\n", rest->ptr[to]);)
        to++;
    struct span token = { rest->ptr + from, to - from };
    *rest = (struct span){ rest->ptr + to, rest->len - to };
    return token;
}

void field_add_tokens(struct buf *out, const char *name, struct span text)
{
    struct field field = { NULL, 0 };

    while (text.len > 0) {
        struct span token = next_token(&text);
        if (!token_ok(token))
            continue;
        if (!field.out)
            field = field_open(out, name);
        field_word(&field, token);
    }
    if (field.out)
        field_close(&field);
}

/* ---- addresses ---- */

static bool is_atom_text(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && c != ' ' && c != '-' && c != '_')
            return false;
    }
    return true;
}

static void add_quoted(struct field *field, struct span name)
{
    struct buf word = BUF_INIT(name.len * 2 + 3);

    buf_add_char(&word, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"' || name.ptr[i] == '\\')
            buf_add_char(&word, '\\');
        buf_add_char(&word, name.ptr[i]);
    }
    buf_add_char(&word, '"');
    field_word(field, buf_span(&word));
    if (buf_error(&word) && !field->out->error)
        field->out->error = buf_error(&word);
    buf_done(&word);
}

static void add_phrase(struct field *field, struct span name)
{
    if (!text_is_plain(name) || is_atom_text(name) || name.len > TOKEN_MAX / 2)
        field_text(field, name);
    else
        add_quoted(field, name);
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

/* An address that 7-bit headers can't hold, or none at all, becomes an empty
 * group named after it (RFC 6857). */
static int add_rcpt(struct field *field, const struct rcpt *rcpt)
{
    bool smtp = !rcpt->routing.len || span_eq_nocase(rcpt->routing, SPAN("SMTP"));
    struct span name = span_trim(rcpt->name);

    if (smtp && rcpt_address_is_hazard(rcpt->address))
        return CODE_ErrorInvalidRecipients;
    if (!smtp || !rcpt->address.len || !is_ascii(rcpt->address)) {
        add_phrase(field, name.len ? name : rcpt->address.len ? rcpt->address : SPAN("undisclosed"));
        field_glue(field, ":;");
        return 0;
    }
    if (!name.len || span_eq(name, rcpt->address)) {
        field_word(field, rcpt->address);
        return 0;
    }
    char room[RCPT_ADDRESS_MAX + 2];
    room[0] = '<';
    memcpy(room + 1, rcpt->address.ptr, rcpt->address.len);
    room[rcpt->address.len + 1] = '>';
    add_phrase(field, name);
    field_word(field, (struct span){ room, rcpt->address.len + 2 });
    return 0;
}

static bool is_sound(const struct rcpt *rcpt)
{
    bool smtp = !rcpt->routing.len || span_eq_nocase(rcpt->routing, SPAN("SMTP"));
    return !smtp || !rcpt_address_is_hazard(rcpt->address);
}

static int add_rcpts(struct buf *out, const char *name, const struct rcpt *v, size_t n, bool sound)
{
    struct field field = { NULL, 0 };
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (!rcpt_is_set(&v[i]) || (sound && !is_sound(&v[i])))
            continue;
        if (field.out)
            field_glue(&field, ",");
        else
            field = field_open(out, name);
        r = add_rcpt(&field, &v[i]);
    }
    if (field.out)
        field_close(&field);
    return r;
}

int field_add_rcpts(struct buf *out, const char *name, const struct rcpt *v, size_t n)
{
    return add_rcpts(out, name, v, n, false);
}

int field_add_sound_rcpts(struct buf *out, const char *name, const struct rcpt *v, size_t n)
{
    return add_rcpts(out, name, v, n, true);
}

/* ---- parameters ---- */

static bool parameter_is_plain(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~' || value.ptr[i] == '"' || value.ptr[i] == '\\' || value.ptr[i] == '%')
            return false;
    return value.len > 0 && value.len <= PARAMETER_PLAIN_MAX && !text_contains(value, SPAN("=?"));
}

static void add_percent(struct buf *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c < ' ' || c == 0x7f)
            c = '_';
        if (is_atom_text((struct span){ (const char[]){ (char)c }, 1 }) && c != ' ')
            buf_add_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* name*0*=UTF-8''...; name*1*=... */
static void add_extended(struct field *field, const char *name, struct span value)
{
    unsigned part = 0;

    if (value.len > FILE_NAME_MAX)
        value.len = FILE_NAME_MAX;
    for (size_t at = 0; at < value.len; part++) {
        size_t n = value.len - at < 16 ? value.len - at : 16;
        struct buf word = BUF_INIT(256);
        buf_printf(&word, "%s*%u*=%s", name, part, part == 0 ? "UTF-8''" : "");
        add_percent(&word, (struct span){ value.ptr + at, n });
        at += n;
        buf_add_str(&word, at < value.len ? ";" : "");
        field_word(field, buf_span(&word));
        if (buf_error(&word) && !field->out->error)
            field->out->error = buf_error(&word);
        buf_done(&word);
    }
}

void field_parameter(struct field *field, const char *name, struct span value)
{
    char room[PARAMETER_PLAIN_MAX + 64];
    struct span word = { room, strlen(name) };

    field_glue(field, ";");
    if (!parameter_is_plain(value)) {
        add_extended(field, name, value);
        return;
    }
    memcpy(room, name, word.len);
    room[word.len++] = '=';
    room[word.len++] = '"';
    memcpy(room + word.len, value.ptr, value.len);
    word.len += value.len;
    room[word.len++] = '"';
    field_word(field, word);
}

/* ---- names ---- */

bool field_name_ok(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == ':')
            return false;
    return name.len > 0 && name.len <= 70;
}

static bool begins(struct span name, struct span with)
{
    return name.len >= with.len && span_eq_nocase((struct span){ name.ptr, with.len }, with);
}

bool field_is_carriers(struct span name)
{
    return begins(name, SPAN("Resent-")) || begins(name, SPAN("ARC-")) || span_eq_nocase(name, SPAN("Return-Path")) ||
           span_eq_nocase(name, SPAN("Authentication-Results"));
}

bool field_name_free(struct span name)
{
    static const char *const taken[] = { "From",       "Sender",      "Reply-To",    "To",
                                         "Cc",         "Bcc",         "Subject",     "Date",
                                         "Message-ID", "In-Reply-To", "References",  "Importance",
                                         "Sensitivity", "MIME-Version", "Received",    "DKIM-Signature",
                                         "Disposition-Notification-To", "Return-Receipt-To",
                                         "Thread-Topic", "Thread-Index", "Apparently-To", "Envelope-To" };

    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (span_eq_nocase(name, span_of(taken[i])))
            return false;
    return field_name_ok(name) && !begins(name, SPAN("Content-")) && !field_is_carriers(name);
}
