/*
 * SyncFolderItems (protocol.md 3.5): what is in a folder, newest first and a page
 * at a time, then what became of it (store_sync.h). The client's place is all in
 * its SyncState (model/sync.h), so there is nothing here to lose; a state that
 * says anything else than this server told the client, of this folder and since
 * the log was cut, is ErrorInvalidSyncStateData, and the client starts anew.
 */
#include "model/sync.h"
#include "ops/target.h"
#include "store/store_sync.h"

struct syncing {
    struct shape shape;
    const struct xml_node *folder_node;
    const struct xml_node *ignore;
    uint64_t limit;
    bool hidden; /* associated items, too */
    struct span state;
};

/* An answer while it is put together. */
struct synced {
    struct target_folder folder;
    struct sync_state state;
    bool last;
    struct item *items; /* of a first sync */
    size_t items_n;
    struct store_sync_change *changes; /* later */
    size_t changes_n;
    uint64_t *ignored; /* item numbers of this folder */
    size_t ignored_n;
};

/* ---- the request ---- */

static int parse(struct op_call *call, struct syncing *s, struct op_result *bad)
{
    const struct xml_node *folder = xml_child(call->node, "SyncFolderId"), *shape = xml_child(call->node, "ItemShape");
    struct span text;
    int64_t limit = 0;
    bool mime = false;
    s->folder_node = folder ? folder->child : NULL;
    s->ignore = xml_child(call->node, "Ignore");
    if (xml_child_text(call->node, "SyncState", &text))
        s->state = span_trim(text);
    if (xml_child_text(call->node, "MaxChangesReturned", &text))
        (void)span_int(span_trim(text), false, 1, 512, &limit);
    s->limit = (uint64_t)limit;
    s->hidden = xml_child_text(call->node, "SyncScope", &text) && span_is(span_trim(text), "NormalAndAssociatedItems");
    if (xml_child_text(shape, "IncludeMimeContent", &text) && span_bool(span_trim(text), &mime) && mime)
        return CODE_ErrorInvalidPropertyForOperation;
    return shape_parse(call->arena, shape, call->level, true, &s->shape, &bad->culprit);
}

/* The ids that are not to be told of; another folder's are none of this one. */
static int read_ignored(struct op_call *call, const struct syncing *s, struct synced *a)
{
    a->ignored = arena_array(call->arena, (s->ignore ? xml_count(s->ignore) : 0) + 1, sizeof(*a->ignored));
    if (!a->ignored)
        return -ENOMEM;
    for (const struct xml_node *c = s->ignore ? s->ignore->child : NULL; c; c = c->next) {
        struct span text = { 0 };
        struct ews_id id;
        (void)xml_attr(c, "Id", &text);
        int r = id_decode(&call->env->id_key, text, &id);
        if (!r)
            r = id_expect(&id, ID_ITEM);
        if (r)
            return r;
        if (id.folder == a->folder.folder.folder_no && memcmp(id.mailbox, a->folder.access->mailbox.guid, GUID_SIZE) == 0)
            a->ignored[a->ignored_n++] = id.item;
    }
    return 0;
}

static bool is_ignored(const struct synced *a, uint64_t item_no)
{
    for (size_t i = 0; i < a->ignored_n; i++)
        if (a->ignored[i] == item_no)
            return true;
    return false;
}

static int find_folder(struct op_call *call, struct store_tx *tx, const struct syncing *s, struct synced *a)
{
    int r = target_folder(call, tx, s->folder_node, FOLDER_RIGHT_READ, &a->folder);
    /* In another's mailbox absent and hidden look the same (decisions 6). */
    return r == CODE_ErrorFolderNotFound && !xml_child(s->folder_node, "Mailbox") ? CODE_ErrorSyncFolderNotFound : r;
}

/* Where the client is; without a state, at the beginning. */
static int find_place(struct op_call *call, const struct syncing *s, const struct store_sync_now *now, struct synced *a)
{
    const struct folder *folder = &a->folder.folder;
    struct sync_state *state = &a->state;
    if (!s->state.len) {
        *state = (struct sync_state){ .folder = folder->folder_no, .change = now->change, .position = STORE_SYNC_FIRST,
                                      .item = STORE_SYNC_FIRST, .bound = now->bound };
        return 0;
    }
    int r = sync_decode(&call->env->id_key, SYNC_ITEMS, a->folder.access->mailbox.guid, call->ids.epoch, s->state, state);
    bool cut = state->change < now->forgotten || (state->change == now->forgotten && state->item && !state->bound);
    return r ? r : state->folder != folder->folder_no || state->change > now->change || cut ? CODE_ErrorInvalidSyncStateData : 0;
}

/* ---- the work ---- */

/* A page of a first sync; behind the last of the normal items, hidden ones. */
static int read_items(struct op_call *call, struct store_tx *tx, const struct syncing *s, const struct store_sync_now *now,
                      struct synced *a)
{
    struct sync_state *state = &a->state;
    const struct store_sync_page page = { .mailbox_id = a->folder.folder.mailbox_id, .folder_no = state->folder,
                                          .associated = state->round, .received = (int64_t)state->position,
                                          .item_no = state->item, .bound = state->bound, .limit = s->limit,
                                          .depth = shape_wants_recipients(&s->shape) ? STORE_RECIPIENTS : STORE_HOT };
    int r = store_sync_items(tx, call->arena, &page, &a->items, &a->items_n);
    if (r)
        return r;
    if (a->items_n == s->limit) {
        state->position = (uint64_t)a->items[a->items_n - 1].received;
        state->item = a->items[a->items_n - 1].item_no;
    } else if (s->hidden && !state->round) {
        state->position = state->item = STORE_SYNC_FIRST;
        state->round = 1;
    } else {
        *state = (struct sync_state){ .folder = state->folder, .change = state->change };
        a->last = state->change == now->change;
    }
    return 0;
}

static int read_changes(struct op_call *call, struct store_tx *tx, const struct syncing *s, struct synced *a)
{
    struct store_sync_place place = { a->state.change, a->state.item };
    bool more = false;
    int r = store_sync_changes(tx, call->arena, a->folder.folder.mailbox_id, a->state.folder, s->limit, &place, &a->changes,
                               &a->changes_n, &more);
    a->state.change = place.change;
    a->state.item = place.item_no;
    a->last = !more;
    return r;
}

static int sync(struct op_call *call, struct store_tx *tx, const struct syncing *s, struct synced *a)
{
    struct store_sync_now now;
    int r = find_folder(call, tx, s, a);
    if (r || (r = read_ignored(call, s, a)) || (r = store_sync_now(tx, a->folder.folder.mailbox_id, &now)) ||
        (r = find_place(call, s, &now, a)))
        return r;
    return a->state.bound ? read_items(call, tx, s, &now, a) : read_changes(call, tx, s, a);
}

/* ---- the answer ---- */

static int write_item(struct op_call *call, const struct syncing *s, const struct synced *a, const char *element, const struct item *item)
{
    struct shape_ids ids = access_ids(call, a->folder.access);
    ids.rights = access_item_rights(call, a->folder.access, a->folder.rights, item);
    xw_open(call->xw, element);
    int r = shape_write_item(call->xw, call->arena, &s->shape, &ids, item, NULL);
    xw_close(call->xw);
    return r;
}

static void write_deleted(struct op_call *call, const struct synced *a, const struct store_sync_change *change)
{
    const struct shape_ids ids = access_ids(call, a->folder.access);
    const struct item gone = { .folder_no = a->state.folder, .item_no = change->item_no, .key_no = change->change_no };
    xw_open(call->xw, "t:Delete");
    shape_write_item_id(call->xw, &ids, &gone);
    xw_close(call->xw);
}

static void write_read(struct op_call *call, const struct synced *a, const struct item *item)
{
    const struct shape_ids ids = access_ids(call, a->folder.access);
    xw_open(call->xw, "t:ReadFlagChange");
    shape_write_item_id(call->xw, &ids, item);
    xw_leaf_bool(call->xw, "t:IsRead", item->flags & ITEM_READ);
    xw_close(call->xw);
}

/* As it is now; what has gone meanwhile will be told. */
static int write_change(struct op_call *call, struct store_tx *tx, const struct syncing *s, const struct synced *a,
                        const struct store_sync_change *change)
{
    const unsigned depth = STORE_DAMAGED | (shape_wants_recipients(&s->shape) ? STORE_RECIPIENTS : STORE_HOT);
    struct item item;
    if (change->kind == STORE_SYNC_DELETE) {
        write_deleted(call, a, change);
        return 0;
    }
    int r = store_item_get(tx, call->arena, a->folder.folder.mailbox_id, change->item_no, depth, &item);
    if (r == CODE_ErrorItemNotFound || (r == 0 && item.flags & ITEM_ASSOCIATED && !s->hidden))
        return 0;
    if (r)
        return r;
    if (change->kind != STORE_SYNC_READ)
        return write_item(call, s, a, change->kind == STORE_SYNC_CREATE ? "t:Create" : "t:Update", &item);
    write_read(call, a, &item);
    return 0;
}

static int write_changes(struct op_call *call, struct store_tx *tx, const struct syncing *s, const struct synced *a)
{
    int r = 0;
    for (size_t i = 0; !r && i < a->items_n; i++)
        if (!is_ignored(a, a->items[i].item_no))
            r = write_item(call, s, a, "t:Create", &a->items[i]);
    for (size_t i = 0; !r && i < a->changes_n; i++)
        if (!is_ignored(a, a->changes[i].item_no))
            r = write_change(call, tx, s, a, &a->changes[i]);
    return r;
}

static void write_state(struct op_call *call, const struct synced *a, bool ok)
{
    struct buf text = BUF_INIT(1024);
    if (ok)
        sync_encode(&call->env->id_key, SYNC_ITEMS, a->folder.access->mailbox.guid, call->ids.epoch, &a->state, &text);
    xw_leaf(call->xw, "m:SyncState", buf_span(&text));
    xw_leaf_bool(call->xw, "m:IncludesLastItemInRange", !ok || a->last);
    buf_done(&text);
}

int op_run_SyncFolderItems(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct syncing s = { 0 };
    struct synced a = { 0 };
    struct op_result result = { 0 };
    result.code = parse(call, &s, &result);
    int r = result.code < 0 ? result.code : store_read_begin(call->env->store, &tx);
    if (r)
        return r;
    if (!result.code)
        result.code = sync(call, tx, &s, &a);
    if (result.code < 0)
        return result.code;
    op_messages_begin(call);
    op_message_begin(call, "m:SyncFolderItemsResponseMessage", &result);
    write_state(call, &a, result.code == 0);
    if (!result.code) {
        xw_open(call->xw, "m:Changes");
        r = write_changes(call, tx, &s, &a);
        xw_close(call->xw);
    }
    op_message_end(call);
    op_messages_end(call);
    return r;
}
