/*
 * FindFolder (protocol.md 3.5): the folders below each parent, shallow or
 * deep, paged. Restrictions are not served yet: ErrorUnsupportedQueryFilter.
 */
#include "ops/page.h"
#include "ops/target.h"

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

static int find(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct finding *f,
                struct folder **ret_v, size_t *ret_n)
{
    struct folder parent;
    int r = target_folder(call, tx, node, &parent);
    if (r || f->nothing)
        return r;
    return store_folder_list(tx, call->arena, call->mailbox->mailbox_id, parent.folder_no, f->deep, ret_v, ret_n);
}

static void answer(struct op_call *call, const struct op_result *result, const struct finding *f, const struct folder *v, size_t total)
{
    op_message_begin(call, "m:FindFolderResponseMessage", result);
    if (!result->code) {
        uint64_t start, n;
        page_place(&f->page, total, &start, &n);
        xw_open(call->xw, "m:RootFolder");
        page_write(call->xw, &f->page, total, start, n);
        xw_open(call->xw, "t:Folders");
        for (uint64_t i = start; i < start + n; i++)
            shape_write_folder(call->xw, &f->shape, &call->ids, &v[i]);
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
        struct folder *v = NULL;
        size_t n = 0;
        if (!result.code)
            result.code = find(call, tx, c, &f, &v, &n);
        if (result.code < 0)
            return result.code;
        answer(call, &result, &f, v, n);
    }
    op_messages_end(call);
    return 0;
}
