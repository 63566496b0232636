/*
 * SyncFolderHierarchy (protocol.md 3.5): what became of the folders below one, or
 * below the root where none is named, since the SyncState; counts alone are no
 * change. The first answer gives them all, parents before children, in pages; a
 * later one is exact whatever happened in between (store_hierarchy.c), and comes
 * in pages, too, where there is much of it. A position is a depth and a number,
 * as they are sorted. Folders that may not be seen are left out.
 */
#include "model/sync.h"
#include "ops/folders.h"

#define PAGE 1000
#define GONE (UINT64_C(0xffff) << 48)

struct following {
    struct folder_shape shape;
    struct target_folder top;
    struct sync_state state; /* as it came, then as it goes */
    uint64_t since;          /* what is known */
    struct store_followed *changes;
    size_t n;
    uint32_t *rights;
    bool last;
};

static int find_top(struct op_call *call, struct store_tx *tx, struct target_folder *ret_top)
{
    const struct xml_node *node = folders_id(call, "SyncFolderId");
    if (node)
        return folders_target(call, tx, node, CODE_ErrorSyncFolderNotFound, ret_top);
    target_own_folder(call, FOLDER_ROLE_root, ret_top);
    return 0;
}

static int read_state(struct op_call *call, struct store_tx *tx, struct following *f)
{
    struct span text = { 0 };
    uint64_t now = 0;
    int r = store_hierarchy_now(tx, f->top.folder.mailbox_id, &now);
    if (r)
        return r;
    if (!xml_child_text(call->node, "SyncState", &text) || !span_trim(text).len) {
        f->state = (struct sync_state){ .folder = f->top.folder.folder_no, .change = now };
        return 0;
    }
    r = sync_decode(&call->env->id_key, SYNC_HIERARCHY, f->top.access->mailbox.guid, call->ids.epoch, text, &f->state);
    if (r == 0 && (f->state.folder != f->top.folder.folder_no || f->state.change > now))
        r = CODE_ErrorInvalidSyncStateData;
    if (r)
        return r;
    f->since = f->state.position ? f->state.since : f->state.change;
    if (!f->state.position)
        f->state.change = now;
    return 0;
}

static uint64_t position(const struct store_followed *change)
{
    return (change->folder ? (uint64_t)change->depth << 48 : GONE) | change->folder_no;
}

/* Of the changes, those that may be seen and come after the position; a page. */
static int turn_page(struct op_call *call, struct store_tx *tx, struct following *f)
{
    struct folder *folders = arena_array(call->arena, f->n + 1, sizeof(*folders));
    uint32_t *rights = arena_array(call->arena, f->n + 1, sizeof(*rights));
    size_t kept = 0;
    if (!folders || !rights)
        return -ENOMEM;
    for (size_t i = 0; i < f->n; i++)
        folders[i].folder_no = f->changes[i].folder_no;
    int r = access_rights_each(call, tx, f->top.access, folders, f->n, rights);
    f->last = true;
    for (size_t i = 0; r == 0 && i < f->n; i++) {
        if (position(&f->changes[i]) <= f->state.position || (f->changes[i].folder && !access_sees_folder(rights[i])))
            continue;
        if (kept == PAGE) {
            f->last = false;
            break;
        }
        f->changes[kept] = f->changes[i];
        rights[kept++] = rights[i];
    }
    f->n = kept;
    f->rights = rights;
    return r;
}

static int follow(struct op_call *call, struct store_tx *tx, struct following *f, struct op_result *result)
{
    int r = folder_shape_parse(call->arena, xml_child(call->node, "FolderShape"), call->level, &f->shape, &result->culprit);
    if (r || (r = find_top(call, tx, &f->top)) || (r = read_state(call, tx, f)))
        return r;
    r = store_hierarchy_changes(tx, call->arena, f->top.folder.mailbox_id, f->top.folder.folder_no, f->since, f->state.change,
                                &f->changes, &f->n);
    if (r)
        return r < 0 ? r : CODE_ErrorInvalidSyncStateData;
    if ((r = turn_page(call, tx, f)))
        return r;
    f->state.position = f->last ? 0 : position(&f->changes[f->n - 1]);
    f->state.since = f->last ? 0 : f->since;
    return 0;
}

static void write_change(struct op_call *call, const struct following *f, struct shape_ids *ids, size_t i)
{
    const struct store_followed *change = &f->changes[i];
    const struct folder gone = { .folder_no = change->folder_no };
    xw_open(call->xw, !change->folder ? "t:Delete" : change->was ? "t:Update" : "t:Create");
    ids->rights = f->rights[i];
    if (change->folder)
        shape_write_folder(call->xw, &f->shape, ids, change->folder, NULL);
    else
        shape_write_folder_id(call->xw, "t:FolderId", ids, &gone);
    xw_close(call->xw);
}

static int write_success(struct op_call *call, const struct following *f)
{
    struct shape_ids ids = access_ids(call, f->top.access);
    struct buf text = BUF_INIT(1024);
    sync_encode(&call->env->id_key, SYNC_HIERARCHY, f->top.access->mailbox.guid, call->ids.epoch, &f->state, &text);
    xw_leaf(call->xw, "m:SyncState", buf_span(&text));
    int r = buf_error(&text);
    buf_done(&text);
    xw_leaf_bool(call->xw, "m:IncludesLastFolderInRange", f->last);
    xw_open(call->xw, "m:Changes");
    for (size_t i = 0; i < f->n; i++)
        write_change(call, f, &ids, i);
    xw_close(call->xw);
    return r;
}

int op_run_SyncFolderHierarchy(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct following f = { 0 };
    struct op_result result = { 0 };
    int r = store_read_begin(call->env->store, &tx);
    if (r == 0)
        r = result.code = follow(call, tx, &f, &result);
    if (r < 0)
        return r;
    op_messages_begin(call);
    op_message_begin(call, "m:SyncFolderHierarchyResponseMessage", &result);
    if (!result.code) {
        r = write_success(call, &f);
    } else {
        op_empty(call, "m:SyncState");
        xw_leaf_bool(call->xw, "m:IncludesLastFolderInRange", true);
        r = 0;
    }
    op_message_end(call);
    op_messages_end(call);
    return r;
}
