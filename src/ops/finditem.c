/*
 * FindItem (protocol.md 3.5): of each parent folder one page of the items that
 * the filter leaves, in the order that was asked for. Items go into the answer
 * one by one as they are read.
 */
#include "ops/findask.h"
#include "ops/target.h"
#include "store/store_words.h"

enum { BODY_SEARCHED = 1048576 };

struct found {
    struct target_folder folder;
    struct store_search search;
    struct store_found found;
    uint64_t start, n;
};

/* A folder that is small is searched as fast without an index. */
static void want_index(struct op_call *call, const struct found *found)
{
    enum { NEWER_MAX = 64 };
    const uint64_t smallest = (uint64_t)call->env->conf->soap_index_from;
    const uint64_t enough = smallest < NEWER_MAX ? smallest : NEWER_MAX;
    if (found->found.words && !found->search.deleted && found->found.unindexed > enough && (uint64_t)found->folder.folder.total >= smallest)
        store_words_want(call->env->store, found->search.mailbox_id, BODY_SEARCHED);
}

/* The page that begins where the condition is first met, or that ends where it
 * is last met; empty, behind everything, where it never is. */
static int place_seek(struct store_tx *tx, const struct findask *ask, struct found *found)
{
    uint64_t at = 0, total = found->found.total;
    int r = store_search_seek(tx, &found->search, &found->found, ask->condition, ask->from_end, &at);
    if (r == 0 && ask->from_end) {
        found->n = at + 1 < ask->page.max ? at + 1 : ask->page.max;
        found->start = at + 1 - found->n;
        return 0;
    }
    found->start = r == 0 ? at : total;
    found->n = total - found->start < ask->page.max ? total - found->start : ask->page.max;
    return r < 0 ? r : 0;
}

static int find(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct findask *ask, struct found *found)
{
    int r = target_folder(call, tx, node, FOLDER_RIGHT_READ, &found->folder);
    const struct folder *folder = &found->folder.folder;
    if (r == 0 && ask->folder_class && !item_class_is(folder->class, ask->folder_class))
        r = (int)ask->misplaced;
    if (r)
        return r;
    found->search = (struct store_search){
        .mailbox_id = folder->mailbox_id, .folder_no = folder->folder_no, .associated = ask->associated,
        .deleted = ask->deleted, .filter = ask->filter,
        .order = ask->order, .orders = ask->orders, .listed = ask->seek, .max = (uint64_t)call->env->conf->soap_find_count,
        .body_max = BODY_SEARCHED,
    };
    r = store_search(tx, call->arena, &found->search, &found->found);
    if (r)
        return r;
    want_index(call, found);
    if (ask->seek)
        return place_seek(tx, ask, found);
    page_place(&ask->page, found->found.total, &found->start, &found->n);
    return 0;
}

struct writing {
    struct op_call *call;
    const struct findask *ask;
    const struct found *found;
    struct shape_ids ids;
};

static int write_item(void *arg, struct arena *arena, const struct item *item)
{
    struct writing *w = arg;
    const struct target_folder *folder = &w->found->folder;
    w->ids.rights = access_item_rights(w->call, folder->access, folder->rights, item);
    return shape_write_item(w->call->xw, arena, &w->ask->shape, &w->ids, item, NULL);
}

static int write_items(struct op_call *call, struct store_tx *tx, const struct findask *ask, const struct found *found)
{
    struct writing w = { .call = call, .ask = ask, .found = found };
    unsigned depth = (shape_wants_recipients(&ask->shape) ? STORE_RECIPIENTS : 0u) | (shape_wants_body(&ask->shape) ? STORE_BODY : 0u);
    if (!found->n)
        return 0;
    w.ids = access_ids(call, found->folder.access);
    return store_search_each(tx, &found->search, &found->found, found->start, found->n, depth, write_item, &w);
}

static int write_message(struct op_call *call, struct store_tx *tx, const struct op_result *result, const struct findask *ask,
                         const struct found *found)
{
    int r = 0;
    op_message_begin(call, "m:FindItemResponseMessage", result);
    if (!result->code) {
        xw_open(call->xw, "m:RootFolder");
        page_write(call->xw, &ask->page, found->found.total, found->start, found->n);
        xw_open(call->xw, "t:Items");
        r = write_items(call, tx, ask, found);
        xw_close(call->xw);
        xw_close(call->xw);
    }
    op_message_end(call);
    return r;
}

/* What turns out to be unreadable while it is written takes its folder's
 * message back. */
static int answer(struct op_call *call, struct store_tx *tx, struct op_result *result, const struct findask *ask,
                  const struct found *found)
{
    const struct xml_writer before = *call->xw;
    const size_t len = call->body->len;
    int r = write_message(call, tx, result, ask, found);
    if (r <= 0)
        return r;
    *call->xw = before;
    call->body->len = len;
    *result = (struct op_result){ .code = r };
    return write_message(call, tx, result, ask, found);
}

int op_run_FindItem(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct findask ask = { 0 };
    struct op_result bad = { 0 };
    bad.code = findask_parse(call, &ask, &bad.culprit);
    int r = bad.code < 0 ? bad.code : store_read_begin(call->env->store, &tx);
    if (r)
        return r;
    op_messages_begin(call);
    const struct xml_node *list = xml_child(call->node, "ParentFolderIds");
    bool stopped = false; /* protocol.md 2.10 */
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next) {
        struct op_result result = bad;
        struct found found = { 0 };
        if (stopped)
            result = (struct op_result){ .code = CODE_ErrorBatchProcessingStopped };
        if (!result.code)
            result.code = find(call, tx, c, &ask, &found);
        r = result.code < 0 ? result.code : answer(call, tx, &result, &ask, &found);
        if (r)
            return r;
        stopped = stopped || code_stops_batch(result.code);
    }
    op_messages_end(call);
    return 0;
}
