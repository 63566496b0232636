/*
 * See header.h.
 */
#include "outbox/header.h"

#include "outbox/names.h"
#include "outbox/relay.h"

bool header_next(struct span *rest, struct span *ret_name, struct span *ret_field)
{
    size_t at = 0;
    while (at < rest->len) {
        const char *end = memmem(rest->ptr + at, rest->len - at, "\r\n", 2);
        at = end ? (size_t)(end - rest->ptr) + 2 : rest->len;
        if (at == 2 || at >= rest->len || (rest->ptr[at] != ' ' && rest->ptr[at] != '\t'))
            break;
    }
    size_t len = at >= 2 && rest->ptr[at - 1] == '\n' ? at - 2 : at;
    const char *colon = len ? memchr(rest->ptr, ':', len) : NULL;
    struct span field = { rest->ptr, len };
    *rest = (struct span){ rest->ptr + at, rest->len - at };
    if (!colon)
        return false;
    *ret_field = field;
    *ret_name = span_trim((struct span){ field.ptr, (size_t)(colon - field.ptr) });
    return true;
}

size_t header_hops(struct span raw)
{
    struct span name, field;
    size_t n = 0;
    while (header_next(&raw, &name, &field))
        n += span_eq_nocase(name, SPAN("Received"));
    return n;
}

/* Does its value begin with this word? */
static bool says(struct span name, struct span field, struct span word)
{
    const char *colon = memchr(field.ptr, ':', field.len);
    size_t at = colon ? (size_t)(colon - field.ptr) + 1 : name.len;
    struct span value = span_trim((struct span){ field.ptr + at, field.len - at });
    return value.len >= word.len && span_eq_nocase((struct span){ value.ptr, word.len }, word);
}

bool header_is_report(const struct item *item, struct span raw)
{
    struct span name, field;
    if (item->kind == ITEM_KIND_REPORT)
        return true;
    while (header_next(&raw, &name, &field))
        if ((span_eq_nocase(name, SPAN("Content-Type")) && says(name, field, SPAN("multipart/report"))) ||
            (span_eq_nocase(name, SPAN("Auto-Submitted")) && says(name, field, SPAN("auto-replied"))))
            return true;
    return false;
}

void header_add_received(struct buf *out, const struct conf *conf, const struct store_outbox *entry)
{
    char host[RELAY_HOST_SIZE], date[WHEN_RFC5322_SIZE], id[OUTBOX_ID_SIZE];
    relay_own_name(conf, host);
    when_format_rfc5322(entry->created, date);
    outbox_id_write((struct store_outbox_key){ entry->mailbox_id, entry->outbox_no }, id);
    buf_printf(out, "Received: by %s (ewsd) with HTTP id %s;\r\n %s\r\n", host, id, date);
}
