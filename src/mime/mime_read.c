/*
 * The content of a message: which part is the body, what is an attachment.
 * The first text is the body, HTML in an alternative wins over plain; all else
 * is attached, messages as items, read in the same way. Depth and number of
 * parts are bounded. What is long and encoded
 * stays where it is, as a source that decodes it.
 */
#include "mime/mime_read.h"
#include "mime/mime_text.h"
#include "model/mapi.h"

#include <errno.h>

/* Of all that is attached together. */
struct bounds {
    int depth;
    size_t parts;
};

struct reader {
    struct arena *arena;
    struct span message;
    struct item *item;
    bool has_body;
    int alternative; /* number of the alternative that gave the body */
    unsigned level;  /* of the item among those attached to each other */
    struct bounds *bounds;
    size_t room; /* attachments allocated */
};

void mime_init(void)
{
    g_mime_init();
}

static int add_attachment(struct reader *reader, struct attachment **ret_attachment)
{
    struct attachment_list *list = &reader->item->attachments;

    if (list->n == reader->room) {
        size_t room = reader->room ? reader->room * 2 : 8;
        struct attachment *v = arena_array(reader->arena, room, sizeof(*v));
        if (!v)
            return -ENOMEM;
        if (list->n)
            memcpy(v, list->v, list->n * sizeof(*v));
        list->v = v;
        reader->room = room;
    }
    *ret_attachment = &list->v[list->n++];
    **ret_attachment = (struct attachment){ .no = (uint32_t)list->n, .modified = when_now() };
    return 0;
}

/* The content of a part. */
static int put_content(struct reader *reader, GMimePart *part, struct attachment *attachment)
{
    int r = mime_part_read(reader->arena, reader->message, part, &attachment->source, &attachment->data);
    attachment->size = attachment->source ? attachment->source->len : attachment->data.len;
    return r;
}

static int put_type(struct reader *reader, struct attachment *attachment, GMimeObject *object)
{
    char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));
    int r = mime_to_utf8(reader->arena, span_of(type), NULL, &attachment->content_type);

    g_free(type);
    if (r == 0 && g_mime_object_get_content_id(object))
        r = mime_to_utf8(reader->arena, span_of(g_mime_object_get_content_id(object)), NULL, &attachment->content_id);
    return r;
}

static bool is_disposed(GMimeObject *object, const char *disposition)
{
    const char *is = g_mime_object_get_disposition(object);
    return is && span_eq_nocase(span_of(is), span_of(disposition));
}

static int read_attachment(struct reader *reader, GMimePart *part, bool related)
{
    struct attachment *attachment;
    int r = add_attachment(reader, &attachment);

    if (r == 0)
        r = put_type(reader, attachment, GMIME_OBJECT(part));
    if (r == 0)
        r = mime_decode_text(reader->arena, g_mime_part_get_filename(part), &attachment->name);
    if (r == 0)
        r = mime_decode_text(reader->arena, g_mime_part_get_content_location(part), &attachment->content_location);
    if (r == 0)
        r = put_content(reader, part, attachment);
    if (r)
        return r;
    attachment->is_inline = is_disposed(GMIME_OBJECT(part), "inline") || (related && attachment->content_id.len);
    if (!attachment->is_inline || !attachment->content_id.len)
        reader->item->flags |= ITEM_HAS_ATTACHMENTS;
    if (!attachment->name.len)
        return arena_printf(reader->arena, &attachment->name, "attachment%u", attachment->no);
    return 0;
}

static int read_message(GMimeMessage *message, struct reader *reader);

/* A message that lies too deep stays a file. */
static int put_message_bytes(struct reader *reader, GMimeMessage *message, struct attachment *attachment)
{
    CLEANUP(free_ptr_stream) GMimeStream *bytes = g_mime_stream_mem_new();

    g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, bytes);
    int r = arena_copy(reader->arena, mime_stream_span(bytes), &attachment->data);
    attachment->size = attachment->data.len;
    return r;
}

static int put_message(struct reader *reader, GMimeMessage *message, struct attachment *attachment)
{
    struct item *item = arena_alloc(reader->arena, sizeof(*item));
    struct reader inner = { .arena = reader->arena, .message = reader->message, .item = item, .level = reader->level + 1,
                            .bounds = reader->bounds };
    int r = item ? read_message(message, &inner) : -ENOMEM;

    if (r)
        return r;
    item->flags |= ITEM_UNMODIFIED | ITEM_READ;
    item->created = item->modified = when_now();
    item->received = item->sent != WHEN_NONE ? item->sent : item->created;
    if (!item->conversation_topic.len)
        item->conversation_topic = mapi_subject_plain(item->subject);
    item->size = item_content_size(item);
    attachment->kind = ATTACHMENT_ITEM;
    attachment->item = item;
    attachment->size = item->size;
    return 0;
}

/* Named by its subject; a file, as one of messages is. */
static int put_name(struct reader *reader, GMimeMessage *message, struct attachment *attachment)
{
    struct span name = { 0 };
    int r = 0;

    if (attachment->item)
        name = attachment->item->subject;
    else
        r = mime_decode_text(reader->arena, message ? g_mime_message_get_subject(message) : NULL, &name);
    if (name.len == 0 || name.len > 200)
        name = SPAN("message");
    attachment->name = name;
    return r || attachment->item ? r : arena_printf(reader->arena, &attachment->name, "%.*s.eml", (int)name.len, name.ptr);
}

static int read_message_part(struct reader *reader, GMimeMessagePart *part)
{
    GMimeMessage *inner = g_mime_message_part_get_message(part);
    struct attachment *attachment;
    int r = add_attachment(reader, &attachment);

    if (r)
        return r;
    attachment->data = SPAN("");
    r = put_type(reader, attachment, GMIME_OBJECT(part));
    if (r == 0 && inner && reader->level < ATTACHMENT_LEVELS_MAX)
        r = put_message(reader, inner, attachment);
    else if (r == 0 && inner)
        r = put_message_bytes(reader, inner, attachment);
    reader->item->flags |= ITEM_HAS_ATTACHMENTS;
    return r ? r : put_name(reader, inner, attachment);
}

static int read_body(struct reader *reader, GMimePart *part, enum body_type type)
{
    const char *charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
    struct span bytes;
    int r = mime_part_read(reader->arena, reader->message, part, NULL, &bytes);

    if (r)
        return r;
    reader->has_body = true;
    reader->item->body_type = type;
    if (bytes.len >= MIME_LONG && mime_is_utf8(bytes, charset)) { /* it needs no copy */
        reader->item->body = bytes;
        return 0;
    }
    return mime_to_utf8(reader->arena, bytes, charset, &reader->item->body);
}

static int read_leaf(struct reader *reader, GMimePart *part, int alternative, bool related)
{
    GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
    bool html = g_mime_content_type_is_type(type, "text", "html");
    bool plain = g_mime_content_type_is_type(type, "text", "plain");
    bool better = html && reader->item->body_type == BODY_TEXT && alternative && alternative == reader->alternative;

    if ((html || plain) && !is_disposed(GMIME_OBJECT(part), "attachment")) {
        if (!reader->has_body || better) {
            reader->alternative = alternative;
            return read_body(reader, part, html ? BODY_HTML : BODY_TEXT);
        }
        if (plain && alternative && alternative == reader->alternative)
            return 0; /* the poorer text of the same alternative */
    }
    return read_attachment(reader, part, related);
}

/* alternative: number of the innermost alternative around, 0 for none. */
static int read_object(struct reader *reader, GMimeObject *object, int alternative, bool related)
{
    int r = 0;

    if (reader->bounds->depth >= MIME_DEPTH_MAX || ++reader->bounds->parts > MIME_PARTS_MAX)
        return CODE_ErrorMimeContentInvalid;
    reader->bounds->depth++;
    mime_join_fields(object);
    if (GMIME_IS_MULTIPART(object)) {
        GMimeContentType *type = g_mime_object_get_content_type(object);
        int n = g_mime_multipart_get_count(GMIME_MULTIPART(object));
        related = g_mime_content_type_is_type(type, "multipart", "related");
        if (g_mime_content_type_is_type(type, "multipart", "alternative"))
            alternative = (int)reader->bounds->parts;
        for (int i = 0; i < n && r == 0; i++)
            r = read_object(reader, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), alternative, related);
    } else if (GMIME_IS_MESSAGE_PART(object)) {
        r = read_message_part(reader, GMIME_MESSAGE_PART(object));
    } else if (GMIME_IS_PART(object)) {
        r = read_leaf(reader, GMIME_PART(object), alternative, related);
    }
    reader->bounds->depth--;
    return r;
}

/* Into reader->item, which is made anew. */
static int read_message(GMimeMessage *message, struct reader *reader)
{
    GMimeObject *content = g_mime_message_get_mime_part(message);

    item_init(reader->item);
    mime_join_fields(GMIME_OBJECT(message));
    int r = mime_read_head(message, reader->arena, reader->item);
    return r == 0 && content ? read_object(reader, content, 0, false) : r;
}

int mime_read(struct span bytes, struct arena *arena, struct item *ret_item)
{
    CLEANUP(free_ptr_message) GMimeMessage *message = mime_parse(bytes);
    struct item item;
    struct bounds bounds = { 0 };
    struct reader reader = { .arena = arena, .message = bytes, .item = &item, .bounds = &bounds };

    if (!message)
        return CODE_ErrorMimeContentInvalid;
    int r = read_message(message, &reader);
    if (r == 0)
        *ret_item = item;
    return r;
}
