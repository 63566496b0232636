/*
 * See captured.h. A search reads every entry in turn, and its raw message only
 * where nothing else fits.
 */
#include "http/captured.h"

#include "base/json.h"
#include "mime/mime.h"
#include "model/fold.h"

#define PAGE 200
#define SCRATCH_MAX ((size_t)256 << 20)

static bool read_folded(const struct http_request *request, const char *name, struct span *ret_folded, struct http_response *response)
{
    struct span text = { 0 };
    if (!rest_text(request, name, &text, response))
        return false;
    if (fold_text(request->arena, text, FOLD_CASE, ret_folded) == 0)
        return true;
    rest_refuse(500, response);
    return false;
}

bool captured_read_query(const struct http_request *request, struct captured_query *ret_query, struct http_response *response)
{
    return read_folded(request, "q", &ret_query->text, response) && read_folded(request, "from", &ret_query->from, response) &&
           read_folded(request, "to", &ret_query->to, response) && read_folded(request, "subject", &ret_query->subject, response);
}

/* ---- does it fit? ---- */

static int holds(struct arena *arena, struct span text, struct span wanted, bool *ret_holds)
{
    struct span folded;
    int r = fold_text(arena, text, FOLD_CASE, &folded);
    if (r)
        return r;
    *ret_holds = wanted.len == 0 || (folded.len && memmem(folded.ptr, folded.len, wanted.ptr, wanted.len));
    return 0;
}

static int any_holds(struct arena *arena, const struct store_capture *entry, struct span wanted, bool *ret_holds)
{
    int r = 0;
    *ret_holds = wanted.len == 0;
    for (size_t i = 0; r == 0 && !*ret_holds && i < entry->rcpts_n; i++)
        r = holds(arena, entry->rcpts[i], wanted, ret_holds);
    return r;
}

static int text_fits(struct store_tx *tx, struct arena *arena, const struct store_capture *entry, struct span wanted, bool *ret_fits)
{
    struct span raw;
    int r = holds(arena, entry->sender, wanted, ret_fits);
    if (r == 0 && !*ret_fits)
        r = any_holds(arena, entry, wanted, ret_fits);
    if (r == 0 && !*ret_fits)
        r = holds(arena, entry->subject, wanted, ret_fits);
    if (r || *ret_fits)
        return r;
    r = store_capture_raw(tx, arena, entry->capture_no, &raw);
    return r ? r < 0 ? r : -EIO : holds(arena, raw, wanted, ret_fits);
}

static int fits(struct store_tx *tx, struct arena *arena, const struct captured_query *query, const struct store_capture *entry,
                bool *ret_fits)
{
    int r = holds(arena, entry->sender, query->from, ret_fits);
    if (r == 0 && *ret_fits)
        r = holds(arena, entry->subject, query->subject, ret_fits);
    if (r == 0 && *ret_fits)
        r = any_holds(arena, entry, query->to, ret_fits);
    return r || !*ret_fits ? r : text_fits(tx, arena, entry, query->text, ret_fits);
}

/* ---- all of them ---- */

static bool is_within(const struct captured_range *range, uint64_t no)
{
    return no > range->after && (range->before == 0 || no < range->before);
}

static int visit_page(struct store_tx *tx, struct arena *scratch, const struct captured_query *query,
                      const struct captured_range *range, const struct store_capture *entries, size_t n, captured_visit *visit,
                      void *arg)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        bool fit = false;
        if (!is_within(range, entries[i].capture_no))
            return CAPTURED_ENOUGH;
        r = fits(tx, scratch, query, &entries[i], &fit);
        if (r == 0 && range->ret_last)
            *range->ret_last = entries[i].capture_no;
        if (r == 0 && fit)
            r = visit(arg, &entries[i]);
        arena_reset(scratch);
    }
    return r;
}

int captured_each(struct store_tx *tx, const struct captured_query *query, const struct captured_range *range, captured_visit *visit,
                  void *arg)
{
    CLEANUP(free_ptr_arena) struct arena *scratch = NULL;
    CLEANUP(free_ptr_arena) struct arena *page = NULL;
    struct store_capture *entries;
    uint64_t at = range->newest ? range->before : range->after;
    size_t n = PAGE;
    int r = arena_new(SCRATCH_MAX, &scratch);
    if (r == 0)
        r = arena_new(SCRATCH_MAX, &page);
    while (r == 0 && n == PAGE) {
        arena_reset(page);
        r = range->newest ? store_capture_list_down(tx, page, at, PAGE, &entries, &n)
                          : store_capture_list(tx, page, at, PAGE, &entries, &n);
        if (r == 0 && n > 0) {
            at = entries[n - 1].capture_no;
            r = visit_page(tx, scratch, query, range, entries, n, visit, arg);
        }
    }
    return r;
}

/* ---- shown ---- */

void captured_add(struct buf *out, const struct store_capture *entry)
{
    json_add_number(out, "id", entry->capture_no);
    json_add_text(out, "sender", entry->sender);
    json_add_open(out, "recipients", '[');
    for (size_t i = 0; i < entry->rcpts_n; i++)
        json_add_text(out, NULL, entry->rcpts[i]);
    buf_add_char(out, ']');
    json_add_text(out, "subject", entry->subject);
    json_add_number(out, "size", entry->size);
    json_add_time(out, "time", entry->at);
}

static int add_message(struct buf *out, const struct item *item, const struct item_header_list *headers)
{
    rest_add_person(out, "from", &item->from);
    rest_add_people(out, "to", &item->to);
    rest_add_people(out, "cc", &item->cc);
    rest_add_people(out, "reply_to", &item->reply_to);
    json_add_time(out, "date", item->sent);
    json_add_text(out, "message_id", item->message_id);
    rest_add_headers(out, "headers", headers);
    return rest_add_content(out, item);
}

int captured_answer(struct http_request *request, uint64_t capture_no, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct item_header_list headers;
    struct store_capture entry;
    struct item item;
    struct span raw;
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0)
        r = store_capture_get(tx, request->arena, capture_no, &entry);
    if (r == 0)
        r = store_capture_raw(tx, request->arena, capture_no, &raw);
    if (r)
        return r < 0 ? r : rest_not_found(response, "message");
    item_init(&item);
    r = mime_fields(raw, request->arena, &headers);
    if (r == 0)
        r = mime_read(raw, request->arena, &item);
    if (r)
        return r < 0 ? r : rest_error(response, 500, "Internal", "The message cannot be parsed; it can be fetched as it is.");
    captured_add(rest_begin(response), &entry);
    r = add_message(&response->body, &item, &headers);
    return r ? r : rest_end(response);
}
