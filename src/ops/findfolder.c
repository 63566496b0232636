/*
 * FindFolder (protocol.md 3.5): the folders below each parent, shallow or
 * deep, paged. Restrictions are not served yet: ErrorUnsupportedQueryFilter.
 */
#include "ops/page.h"
#include "ops/target.h"

#include <errno.h>

struct finding {
    struct folder_shape shape;
    struct page page;
    bool deep;
    bool nothing; /* SoftDeleted: folders are never kept */
};

static int parse(struct op_call *call, struct finding *f, struct op_result *bad)
{
    struct span traversal = { 0 };
    (void)xml_attr(call->node, "Traversal", &traversal);
    f->deep = span_is(traversal, "Deep");
    f->nothing = span_is(traversal, "SoftDeleted");
    if (xml_child(call->node, "Restriction"))
        return CODE_ErrorUnsupportedQueryFilter;
    int r = page_parse(call->node, "FolderView", &f->page);
    return r ? r : folder_shape_parse(call->arena, xml_child(call->node, "FolderShape"), call->level, &f->shape, &bad->culprit);
}

struct found {
    const struct access *access;
    struct folder *v;
    uint32_t *rights; /* in each of them */
    size_t n;
};

/* Only what may be seen. */
static int filter(struct op_call *call, struct store_tx *tx, struct found *found)
{
    size_t kept = 0;
    found->rights = arena_array(call->arena, found->n + 1, sizeof(*found->rights));
    if (!found->rights)
        return -ENOMEM;
    for (size_t i = 0; i < found->n; i++) {
        int r = access_rights(call, tx, found->access, found->v[i].folder_no, &found->rights[kept]);
        if (r)
            return r;
        found->v[kept] = found->v[i];
        kept += access_sees_folder(found->rights[kept]);
    }
    found->n = kept;
    return 0;
}

static int find(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct finding *f, struct found *ret)
{
    struct target_folder parent;
    int r = target_folder(call, tx, node, 0, &parent);
    if (r || f->nothing)
        return r;
    *ret = (struct found){ .access = parent.access };
    r = store_folder_list(tx, call->arena, parent.folder.mailbox_id, parent.folder.folder_no, f->deep, &ret->v, &ret->n);
    return r ? r : filter(call, tx, ret);
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
