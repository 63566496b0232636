/*
 * Messages of a seed: from their fields, or from a whole message in the seed or
 * in a file beside it. No file is read that is not below the seed's folder,
 * whatever links there are.
 */
#include "http/seed_plan.h"

#include "mime/mime.h"
#include "model/conversation.h"
#include "model/id.h"
#include "model/mapi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

/* Whether the file is below the folder, once all links are followed. */
static bool is_below(const char *folder, const char *path, char ret_real[PATH_MAX])
{
    char top[PATH_MAX];
    size_t len = realpath(folder, top) ? strlen(top) : 0;
    if (!len || !realpath(path, ret_real))
        return false;
    return strncmp(ret_real, top, len) == 0 && (ret_real[len] == '/' || top[len - 1] == '/');
}

static int read_all(struct seed *seed, int fd, size_t size, struct span *ret_bytes)
{
    char *bytes = arena_alloc(seed->arena, size + 1);
    size_t len = 0;
    if (!bytes)
        return -ENOMEM;
    while (len < size) {
        ssize_t n = read(fd, bytes + len, size - len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    *ret_bytes = (struct span){ bytes, len };
    return 0;
}

static int read_file(struct seed *seed, struct seed_at at, struct span name, struct span *ret_bytes)
{
    struct span path;
    struct stat info;
    char real[PATH_MAX];
    if (!seed->folder)
        return seed_wrong(seed, "messages[%zu].eml_file is only for the file of --seed; send the message as eml", at.index);
    int r = arena_printf(seed->arena, &path, "%s/%.*s", seed->folder, (int)name.len, name.ptr);
    if (r)
        return r;
    if (name.len == 0 || name.ptr[0] == '/' || !is_below(seed->folder, path.ptr, real))
        return seed_wrong(seed, "messages[%zu].eml_file must name a file below the folder of the seed", at.index);
    int fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) || !S_ISREG(info.st_mode) || info.st_size > seed->env->conf->http_max_body)
        r = seed_wrong(seed, "messages[%zu].eml_file cannot be read, or is larger than http.max_body", at.index);
    else
        r = read_all(seed, fd, (size_t)info.st_size, ret_bytes);
    if (fd >= 0)
        close(fd);
    return r;
}

/* ---- a whole message ---- */

/* ret_bytes: ptr NULL when none of the three is there. */
static int read_bytes(struct seed *seed, const struct json_read *value, struct seed_at at, struct span *ret_bytes)
{
    struct span eml = { 0 }, base64 = { 0 }, file = { 0 };
    int r = seed_text(seed, value, at, "eml", &eml);
    if (r == 0)
        r = seed_text(seed, value, at, "eml_base64", &base64);
    if (r == 0)
        r = seed_text(seed, value, at, "eml_file", &file);
    if (r)
        return r;
    *ret_bytes = eml;
    if ((eml.ptr != NULL) + (base64.ptr != NULL) + (file.ptr != NULL) > 1)
        return seed_wrong(seed, "messages[%zu] must have one of eml, eml_base64 and eml_file", at.index);
    if (file.ptr)
        return read_file(seed, at, file, ret_bytes);
    r = base64.ptr ? base64_decode(seed->arena, base64, ret_bytes) : 0;
    return r > 0 ? seed_wrong(seed, "messages[%zu].eml_base64 is no base64", at.index) : r;
}

static int take_bytes(struct seed *seed, const struct json_read *value, struct seed_at at, struct span bytes, struct item *item)
{
    static const char *const fields[] = { "subject", "from", "to", "cc", "bcc", "text", "html", "attachments" };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (json_read_member(value, fields[i]))
            return seed_wrong(seed, "messages[%zu] is a whole message, which has its own %s", at.index, fields[i]);
    int r = mime_read(bytes, seed->arena, item);
    if (r > 0)
        return seed_wrong(seed, "messages[%zu] cannot be read as a message (RFC 5322)", at.index);
    item->mime = bytes;
    return r;
}

/* ---- fields ---- */

/* "Name <address>", or an address alone. */
static bool split_person(struct span text, struct rcpt *ret_person)
{
    text = span_trim(text);
    const char *open = text.len && text.ptr[text.len - 1] == '>' ? memrchr(text.ptr, '<', text.len) : NULL;
    *ret_person = (struct rcpt){ .address = text };
    if (open) {
        ret_person->address = (struct span){ open + 1, (size_t)(text.ptr + text.len - 1 - open) - 1 };
        ret_person->name = span_trim((struct span){ text.ptr, (size_t)(open - text.ptr) });
    }
    return rcpt_address_ok(ret_person->address);
}

static int read_people(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, enum rcpt_type type,
                       struct rcpt_list *ret_people)
{
    struct span_list texts;
    int r = seed_texts(seed, value, at, name, &texts);
    if (r || texts.n == 0)
        return r;
    ret_people->v = arena_array(seed->arena, texts.n, sizeof(*ret_people->v));
    if (!ret_people->v)
        return -ENOMEM;
    for (; ret_people->n < texts.n; ret_people->n++) {
        if (!split_person(texts.v[ret_people->n], &ret_people->v[ret_people->n]))
            return seed_wrong(seed, "messages[%zu].%s[%zu] must be an address, or: Name <address>", at.index, name, ret_people->n);
        ret_people->v[ret_people->n].type = type;
    }
    return 0;
}

static int read_body(struct seed *seed, const struct json_read *value, struct seed_at at, struct item *item)
{
    struct span text = { 0 }, html = { 0 };
    int r = seed_text(seed, value, at, "text", &text);
    if (r == 0)
        r = seed_text(seed, value, at, "html", &html);
    if (r)
        return r;
    if (text.ptr && html.ptr)
        return seed_wrong(seed, "messages[%zu] must have text or html: an item has one body", at.index);
    item->body_type = html.ptr ? BODY_HTML : BODY_TEXT;
    item->body = html.ptr ? html : text.ptr ? text : SPAN("");
    return 0;
}

static int read_attachment(struct seed *seed, const struct json_read *value, struct seed_at at, struct attachment *attachment)
{
    static const char *const names[] = { "name", "type", "text", "base64" };
    struct span base64 = { 0 };
    *attachment = (struct attachment){ .kind = ATTACHMENT_FILE, .no = (uint32_t)at.index + 1, .modified = when_now(),
                                       .content_type = SPAN("application/octet-stream"), .data = SPAN("") };
    int r = seed_object(seed, value, at, names, ARRAY_LEN(names));
    if (r == 0)
        r = seed_text(seed, value, at, "name", &attachment->name);
    if (r == 0)
        r = seed_text(seed, value, at, "type", &attachment->content_type);
    if (r == 0)
        r = seed_text(seed, value, at, "text", &attachment->data);
    if (r == 0)
        r = seed_text(seed, value, at, "base64", &base64);
    if (r == 0 && base64.ptr)
        r = base64_decode(seed->arena, base64, &attachment->data);
    if (r > 0 && base64.ptr)
        r = seed_wrong(seed, "attachments[%zu].base64 is no base64", at.index);
    if (r == 0 && attachment->name.len == 0)
        r = seed_wrong(seed, "attachments[%zu] must have a name", at.index);
    attachment->size = attachment->data.len;
    return r;
}

static int read_attachments(struct seed *seed, const struct json_read *value, struct item *item)
{
    const struct json_read *list;
    size_t n;
    int r = seed_list(seed, value, "attachments", &list, &n);
    if (r || n == 0)
        return r;
    if ((int64_t)n > seed->env->conf->send_max_attachments)
        return seed_wrong(seed, "attachments has more than %lld entries", (long long)seed->env->conf->send_max_attachments);
    item->attachments.v = arena_array(seed->arena, n, sizeof(*item->attachments.v));
    if (!item->attachments.v)
        return -ENOMEM;
    for (; r == 0 && item->attachments.n < n; item->attachments.n++)
        r = read_attachment(seed, json_read_at(list, item->attachments.n), (struct seed_at){ "attachments", item->attachments.n },
                            &item->attachments.v[item->attachments.n]);
    item->flags |= ITEM_HAS_ATTACHMENTS;
    return r;
}

static int make_message_id(struct seed *seed, struct item *item)
{
    uint8_t guid[GUID_SIZE];
    char text[GUID_TEXT_SIZE];
    int r = random_bytes(guid, sizeof(guid));
    if (r)
        return r;
    guid_format(guid, text);
    return arena_printf(seed->arena, &item->message_id, "<%s@seed.invalid>", text);
}

static int take_fields(struct seed *seed, const struct json_read *value, struct seed_at at, struct item *item)
{
    struct span from = { 0 };
    int r = seed_text(seed, value, at, "subject", &item->subject);
    if (r == 0)
        r = seed_text(seed, value, at, "from", &from);
    if (r == 0 && from.ptr && !split_person(from, &item->from))
        r = seed_wrong(seed, "messages[%zu].from must be an address, or: Name <address>", at.index);
    if (r == 0)
        r = read_people(seed, value, at, "to", RCPT_TO, &item->to);
    if (r == 0)
        r = read_people(seed, value, at, "cc", RCPT_CC, &item->cc);
    if (r == 0)
        r = read_people(seed, value, at, "bcc", RCPT_BCC, &item->bcc);
    if (r == 0)
        r = read_body(seed, value, at, item);
    if (r == 0)
        r = read_attachments(seed, value, item);
    return r ? r : make_message_id(seed, item);
}

/* ---- what both have ---- */

static int read_time(struct seed *seed, const struct json_read *value, struct seed_at at, const char *name, int64_t *ret_at)
{
    struct span text = { 0 };
    int r = seed_text(seed, value, at, name, &text);
    if (r == 0 && text.ptr && !when_parse_xs(text, ret_at))
        r = seed_wrong(seed, "messages[%zu].%s must be a time, such as 2024-05-01T09:30:00Z", at.index, name);
    return r;
}

static int complete(struct seed *seed, const struct json_read *value, struct seed_at at, struct seed_message *message)
{
    struct item *item = &message->item;
    bool read = false, draft = false;
    int r = seed_flag(seed, value, at, "read", &read);
    if (r == 0)
        r = seed_flag(seed, value, at, "draft", &draft);
    if (r == 0)
        r = read_time(seed, value, at, "sent", &item->sent);
    if (r == 0)
        r = read_time(seed, value, at, "received", &item->received);
    if (r)
        return r;
    item->flags |= ITEM_UNMODIFIED | (read ? ITEM_READ : 0) | (draft ? ITEM_DRAFT : 0);
    item->created = item->modified = when_now();
    if (item->received == WHEN_NONE)
        item->received = item->sent != WHEN_NONE ? item->sent : item->created;
    if (item->sent == WHEN_NONE && !draft)
        item->sent = item->received;
    if (!item->conversation_topic.len)
        item->conversation_topic = mapi_subject_plain(item->subject);
    item->size = item_content_size(item);
    if (message->folder.len == 0)
        message->folder = draft ? SPAN("drafts") : SPAN("inbox");
    return conversation_begin(seed->arena, item);
}

int seed_read_message(struct seed *seed, const struct json_read *value, struct seed_at at, struct seed_message *message)
{
    static const char *const names[] = { "mailbox", "folder", "eml",  "eml_base64", "eml_file",    "subject", "from",  "to",      "cc",
                                         "bcc",     "text",   "html", "read",       "attachments", "draft",   "sent", "received" };
    struct span bytes = { 0 };
    item_init(&message->item);
    int r = seed_object(seed, value, at, names, ARRAY_LEN(names));
    if (r == 0)
        r = seed_text(seed, value, at, "mailbox", &message->mailbox);
    if (r == 0)
        r = seed_text(seed, value, at, "folder", &message->folder);
    if (r == 0)
        r = read_bytes(seed, value, at, &bytes);
    if (r == 0)
        r = bytes.ptr ? take_bytes(seed, value, at, bytes, &message->item) : take_fields(seed, value, at, &message->item);
    return r ? r : complete(seed, value, at, message);
}
