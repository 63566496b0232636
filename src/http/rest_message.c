/*
 * Messages and attachments for people who look at them (rest.h): as JSON, as a
 * page, or to be saved. Names of attachments and types come from strangers: none
 * of either gets into a header but in a form that cannot end it.
 */
#include "http/rest.h"

#include "base/codec.h"
#include "base/json.h"
#include "mime/mime.h"
#include "soap/html.h"

#include <ctype.h>

/* ---- as JSON ---- */

void rest_add_person(struct buf *out, const char *name, const struct rcpt *person)
{
    json_add_open(out, name, '{');
    json_add_text(out, "name", person->name);
    json_add_text(out, "address", person->address);
    buf_add_char(out, '}');
}

void rest_add_people(struct buf *out, const char *name, const struct rcpt_list *people)
{
    json_add_open(out, name, '[');
    for (size_t i = 0; i < people->n; i++)
        rest_add_person(out, NULL, &people->v[i]);
    buf_add_char(out, ']');
}

void rest_add_headers(struct buf *out, const char *name, const struct item_header_list *headers)
{
    json_add_open(out, name, '[');
    for (size_t i = 0; i < headers->n; i++) {
        json_add_open(out, NULL, '{');
        json_add_text(out, "name", headers->v[i].name);
        json_add_text(out, "value", headers->v[i].value);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

/* The body as text, whatever it is. */
static int add_text(struct buf *out, const struct item *item)
{
    struct buf text = BUF_INIT(out->max);
    int r = 0;
    if (item->body_type == BODY_HTML) {
        r = html_to_text(item->body, &text);
        r = r ? r : buf_error(&text);
        json_add_text(out, "text", buf_span(&text));
        json_add_text(out, "html", item->body);
    } else {
        json_add_text(out, "text", item->body);
        json_add_null(out, "html");
    }
    buf_done(&text);
    return r;
}

static void add_attachment(struct buf *out, const struct attachment *attachment, size_t n)
{
    json_add_open(out, NULL, '{');
    json_add_number(out, "n", n);
    json_add_text(out, "name", attachment->name);
    json_add_text(out, "type", attachment->content_type);
    json_add_number(out, "size", attachment_content_size(attachment));
    json_add_bool(out, "inline", attachment->is_inline);
    json_add_text(out, "content_id", attachment->content_id);
    buf_add_char(out, '}');
}

int rest_add_content(struct buf *out, const struct item *item)
{
    int r = add_text(out, item);
    json_add_open(out, "attachments", '[');
    for (size_t i = 0; i < item->attachments.n; i++)
        add_attachment(out, &item->attachments.v[i], i + 1);
    buf_add_char(out, ']');
    return r;
}

/* ---- what is saved ---- */

/* A token of RFC 9110. */
static bool is_token(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* RFC 6266 and 8187: for whoever knows no encoding only plain letters. */
static void add_disposition(struct buf *out, struct span name)
{
    static const char hex[] = "0123456789ABCDEF";
    bool plain = true;
    buf_add_str(out, "attachment; filename=\"");
    for (size_t i = 0; i < name.len; i++) {
        bool letter = (unsigned char)name.ptr[i] < 0x80 && (isalnum((unsigned char)name.ptr[i]) || strchr("._- ", name.ptr[i]));
        buf_add_char(out, letter ? name.ptr[i] : '_');
        plain = plain && letter;
    }
    buf_add_char(out, '"');
    if (plain)
        return;
    buf_add_str(out, "; filename*=UTF-8''");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c < 0x80 && (isalnum(c) || strchr("._-", c))) {
            buf_add_char(out, (char)c);
        } else {
            const char code[] = { '%', hex[c >> 4], hex[c & 15] };
            buf_add(out, code, sizeof(code));
        }
    }
}

/* A name without what could be a folder. */
static struct span base_name(struct span name)
{
    for (size_t i = name.len; i > 0; i--)
        if (name.ptr[i - 1] == '/' || name.ptr[i - 1] == '\\')
            return (struct span){ name.ptr + i, name.len - i };
    return name;
}

static int add_piece(void *arg, struct span piece)
{
    buf_add_span(arg, piece);
    return buf_error(arg);
}

int rest_save(struct http_request *request, struct http_response *response, const char *type, struct span name, struct source *source,
              struct span bytes)
{
    struct buf text = BUF_INIT(8192);
    struct span value;
    name = base_name(name);
    if (name.len == 0 || name.len > 512 || !span_utf8_ok(name) || memchr(name.ptr, 0, name.len))
        name = SPAN("attachment");
    add_disposition(&text, name);
    int r = buf_error(&text);
    if (r == 0)
        r = arena_copy(request->arena, buf_span(&text), &value);
    buf_done(&text);
    if (r)
        return r;
    response->content_type = type;
    http_response_add(response, "X-Content-Type-Options", SPAN("nosniff"));
    http_response_add(response, "Content-Disposition", value);
    http_response_add(response, "Content-Security-Policy", SPAN("default-src 'none'; sandbox"));
    return source_each(source, bytes, add_piece, &response->body);
}

int rest_save_message(struct http_request *request, struct http_response *response, struct span bytes)
{
    return rest_save(request, response, "message/rfc822", SPAN("message.eml"), NULL, bytes);
}

/* An attached item is saved as the message it is. */
static int save_item(struct http_request *request, struct http_response *response, const struct attachment *attachment)
{
    const struct mime_options options = { .keep_bcc = true, .attached = true };
    struct buf bytes = BUF_INIT(response->body.max);
    struct span name;
    int r = arena_printf(request->arena, &name, "%.*s.eml", (int)attachment->name.len, attachment->name.ptr);
    if (r == 0)
        r = mime_write(attachment->item, &options, &bytes);
    if (r == 0)
        r = rest_save(request, response, "message/rfc822", name, NULL, buf_span(&bytes));
    buf_done(&bytes);
    return r > 0 ? rest_error(response, 404, "NotFound", "The attached item cannot be written as a message.") : r;
}

int rest_save_attachment(struct http_request *request, const struct item *item, struct span part, struct http_response *response)
{
    uint64_t n;
    if (!rest_part(part, &n) || n > item->attachments.n)
        return rest_not_found(response, "attachment");
    const struct attachment *attachment = &item->attachments.v[n - 1];
    if (attachment->item)
        return save_item(request, response, attachment);
    return rest_save(request, response, "application/octet-stream", attachment->name, attachment->source, attachment->data);
}

/* ---- what is shown ---- */

/* The types of pictures that may be in the page; anything else is a picture no more. */
static bool is_picture(struct span type)
{
    static const char *const types[] = { "image/png", "image/jpeg", "image/gif", "image/webp" };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (span_eq_nocase(type, span_of(types[i])))
            return true;
    return false;
}

static const struct attachment *picture_at(const struct item *item, struct span rest, size_t *ret_len)
{
    for (size_t i = 0; i < item->attachments.n; i++) {
        const struct attachment *attachment = &item->attachments.v[i];
        struct span id = attachment->content_id;
        if (id.len > 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>')
            id = (struct span){ id.ptr + 1, id.len - 2 };
        bool ends = rest.len == id.len || (rest.len > id.len && !is_token(rest.ptr[id.len]) && rest.ptr[id.len] != '@');
        if (id.len && span_starts(rest, id) && ends && is_picture(attachment->content_type)) {
            *ret_len = id.len;
            return attachment;
        }
    }
    return NULL;
}

/* cid: becomes data:, as the page may load nothing. */
static int add_html(struct buf *out, const struct item *item)
{
    struct span rest = item->body;
    while (rest.len) {
        const char *at = memmem(rest.ptr, rest.len, "cid:", 4);
        size_t before = at ? (size_t)(at - rest.ptr) : rest.len, len;
        buf_add(out, rest.ptr, before);
        rest = (struct span){ rest.ptr + before, rest.len - before };
        if (!rest.len)
            break;
        struct span id = { rest.ptr + 4, rest.len - 4 };
        const struct attachment *picture = picture_at(item, id, &len);
        if (picture) {
            buf_printf(out, "data:%.*s;base64,", (int)picture->content_type.len, picture->content_type.ptr);
            size_t begin = out->len;
            int r = source_each(picture->source, picture->data, add_piece, out);
            if (r)
                return r;
            base64_encode_in_place(out, begin);
            rest = (struct span){ id.ptr + len, id.len - len };
        } else {
            buf_add_str(out, "cid:");
            rest = id;
        }
    }
    return 0;
}

int rest_show(const struct item *item, struct http_response *response)
{
    struct buf *out = &response->body;
    response->content_type = "text/html; charset=utf-8";
    http_response_add(response, "Content-Security-Policy",
               SPAN("default-src 'none'; sandbox; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
                    "frame-ancestors 'self'"));
    http_response_add(response, "X-Content-Type-Options", SPAN("nosniff"));
    http_response_add(response, "Referrer-Policy", SPAN("no-referrer"));
    if (item->body_type == BODY_HTML)
        return add_html(out, item);
    text_to_html(item->body, out);
    return buf_error(out);
}
