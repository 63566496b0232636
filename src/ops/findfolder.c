/*
 * FindFolder (protocol.md 3.5): the folders below each parent, shallow or deep, or
 * those that were deleted from it and can be recovered; those that fulfil a
 * Restriction, paged. Folders that may not be seen are not counted either.
 */
#include "ops/findask.h"
#include "ops/folders.h"

#include <errno.h>

enum { FOLDER_CAP = 64 * 1024 * 1024 }; /* bytes that matching one folder may need */

struct finding {
    struct folder_shape shape;
    struct page page;
    bool deep, deleted;
    struct filter *filter; /* or NULL: all */
};

static int parse(struct op_call *call, struct finding *f, struct op_result *bad)
{
    struct span traversal = { 0 };
    (void)xml_attr(call->node, "Traversal", &traversal);
    f->deep = span_is(traversal, "Deep");
    f->deleted = span_is(traversal, "SoftDeleted");
    const struct xml_node *restriction = xml_child(call->node, "Restriction");
    int r = restriction ? findask_filter(call, restriction, FIELD_OF_FOLDERS, &f->filter, &bad->culprit) : 0;
    if (r || (r = page_parse(call->node, "FolderView", &f->page)))
        return r;
    return folder_shape_parse(call->arena, xml_child(call->node, "FolderShape"), call->level, &f->shape, &bad->culprit);
}

struct found {
    const struct access *access;
    struct folder *v;
    uint32_t *rights; /* in each of them */
    size_t n;
};

/* meanwhile: emptied for each folder. */
static int matches(const struct finding *f, struct arena *meanwhile, const struct folder *folder, bool *ret_match)
{
    struct filter_item one = { .folder = folder, .arena = meanwhile };
    *ret_match = true;
    if (!f->filter)
        return 0;
    arena_reset(meanwhile);
    return filter_match(f->filter, &one, ret_match);
}

static int filter(struct op_call *call, struct store_tx *tx, const struct finding *f, struct found *found)
{
    CLEANUP(free_ptr_arena) struct arena *meanwhile = NULL;
    size_t kept = 0;
    found->rights = arena_array(call->arena, found->n + 1, sizeof(*found->rights));
    if (!found->rights)
        return -ENOMEM;
    int r = access_rights_each(call, tx, found->access, found->v, found->n, found->rights);
    if (r == 0 && f->filter)
        r = arena_new(FOLDER_CAP, &meanwhile);
    for (size_t i = 0; r == 0 && i < found->n; i++) {
        bool match = false;
        if (access_sees_folder(found->rights[i]))
            r = matches(f, meanwhile, &found->v[i], &match);
        if (!match)
            continue;
        found->v[kept] = found->v[i];
        found->rights[kept++] = found->rights[i];
    }
    found->n = kept;
    return r;
}

static int find(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct finding *f, struct found *ret)
{
    struct target_folder parent;
    int r = target_folder(call, tx, node, 0, &parent);
    if (r)
        return r;
    const int64_t mailbox_id = parent.folder.mailbox_id;
    const uint64_t no = parent.folder.folder_no;
    *ret = (struct found){ .access = parent.access };
    r = f->deleted ? store_folder_list_recoverable(tx, call->arena, mailbox_id, no, &ret->v, &ret->n)
                   : store_folder_list(tx, call->arena, mailbox_id, no, f->deep, &ret->v, &ret->n);
    return r ? r : filter(call, tx, f, ret);
}

static void write_folders(struct op_call *call, const struct finding *f, const struct found *found, uint64_t start, uint64_t n)
{
    struct shape_ids ids = access_ids(call, found->access ? found->access : &call->own);
    for (uint64_t i = start; i < start + n; i++) {
        ids.rights = found->rights[i];
        shape_write_folder(call->xw, &f->shape, &ids, &found->v[i], NULL);
    }
}

static void answer(struct op_call *call, const struct op_result *result, const struct finding *f, const struct found *found)
{
    op_message_begin(call, "m:FindFolderResponseMessage", result);
    if (!result->code) {
        uint64_t start, n;
        page_place(&f->page, found->n, &start, &n);
        xw_open(call->xw, "m:RootFolder");
        page_write(call->xw, &f->page, found->n, start, n);
        xw_open(call->xw, "t:Folders");
        write_folders(call, f, found, start, n);
        xw_close(call->xw);
        xw_close(call->xw);
    }
    op_message_end(call);
}

int op_run_FindFolder(struct op_call *call)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct finding f = { 0 };
    struct op_result bad = { 0 };
    bad.code = parse(call, &f, &bad);
    int r = bad.code < 0 ? bad.code : store_read_begin(call->env->store, &tx);
    if (r)
        return r;
    op_messages_begin(call);
    const struct xml_node *list = xml_child(call->node, "ParentFolderIds");
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next) {
        struct op_result result = bad;
        struct found found = { 0 };
        if (!result.code)
            result.code = find(call, tx, c, &f, &found);
        if (result.code < 0)
            return result.code;
        answer(call, &result, &f, &found);
    }
    op_messages_end(call);
    return 0;
}
