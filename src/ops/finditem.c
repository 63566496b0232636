/*
 * FindItem (protocol.md 3.5): one page of each parent folder's items, sorted.
 * Restriction, QueryString, grouping and the views of calendars and contacts
 * are not served yet: they answer
 * ErrorUnsupportedQueryFilter rather than wrong results.
 */
#include "ops/page.h"
#include "ops/target.h"

struct finding {
    struct shape shape;
    struct page page;
    struct store_sort sort[STORE_FIND_SORTS];
    size_t sorts;
    bool associated;
    bool nothing; /* SoftDeleted */
};

static const char *sort_column(const struct xml_node *order)
{
    struct span uri;
    const struct xml_node *field = xml_child(order, "FieldURI");
    const struct prop_info *prop = field && xml_attr(field, "FieldURI", &uri) ? prop_by_uri(uri) : NULL;
    return prop ? prop->column : NULL;
}

static int parse_sort(const struct xml_node *node, struct finding *f)
{
    struct span order;
    for (const struct xml_node *c = node ? node->child : NULL; c; c = c->next) {
        if (f->sorts == STORE_FIND_SORTS)
            return 0;
        f->sort[f->sorts].column = sort_column(c);
        if (!f->sort[f->sorts].column)
            return CODE_ErrorUnsupportedPathForSortGroup;
        f->sort[f->sorts++].descending = xml_attr(c, "Order", &order) && span_is(order, "Descending");
    }
    return 0;
}

static int parse(struct op_call *call, struct finding *f, struct op_result *bad)
{
    static const char *const unserved[] = { "Restriction", "QueryString", "GroupBy", "DistinguishedGroupBy", "SeekToConditionPageItemView",
                                            "CalendarView", "ContactsView" };
    struct span traversal = { 0 };
    (void)xml_attr(call->node, "Traversal", &traversal);
    f->associated = span_is(traversal, "Associated");
    f->nothing = span_is(traversal, "SoftDeleted");
    for (size_t i = 0; i < ARRAY_LEN(unserved); i++)
        if (xml_child(call->node, unserved[i]))
            return CODE_ErrorUnsupportedQueryFilter;
    int r = page_parse(call->node, "ItemView", &f->page);
    if (!r)
        r = parse_sort(xml_child(call->node, "SortOrder"), f);
    return r ? r : shape_parse(call->arena, xml_child(call->node, "ItemShape"), call->level, true, &f->shape, &bad->culprit);
}

struct found {
    struct target_folder folder;
    struct item *v;
    size_t n;
    uint64_t total, start;
};

static int find(struct op_call *call, struct store_tx *tx, const struct xml_node *node, const struct finding *f, struct found *ret)
{
    struct found found = { 0 };
    uint64_t n;
    int r = target_folder(call, tx, node, FOLDER_RIGHT_READ, &found.folder);
    if (r)
        return r;
    *ret = found;
    if (f->nothing)
        return 0;
    struct store_find find = { .mailbox_id = found.folder.folder.mailbox_id, .folder_no = found.folder.folder.folder_no, .sort = f->sort,
                               .sorts = f->sorts, .associated = f->associated };
    if ((r = store_item_find(tx, call->arena, &find, &found.v, &found.n, &found.total)))
        return r;
    page_place(&f->page, found.total, &found.start, &n);
    find.offset = found.start;
    find.limit = n;
    find.depth = (shape_wants_recipients(&f->shape) ? STORE_RECIPIENTS : 0u) | (shape_wants_body(&f->shape) ? STORE_BODY : 0u);
    if (n && (r = store_item_find(tx, call->arena, &find, &found.v, &found.n, &found.total)))
        return r;
    *ret = found;
    return 0;
}

static int write_items(struct op_call *call, const struct finding *f, const struct found *found)
{
    struct shape_ids ids = access_ids(call, found->folder.access);
    int r = 0;
    for (size_t i = 0; !r && i < found->n; i++) {
        ids.rights = access_item_rights(call, found->folder.access, found->folder.rights, &found->v[i]);
        r = shape_write_item(call->xw, call->arena, &f->shape, &ids, &found->v[i], NULL);
    }
    return r;
}

static int answer(struct op_call *call, const struct op_result *result, const struct finding *f, const struct found *found)
{
    int r = 0;
    op_message_begin(call, "m:FindItemResponseMessage", result);
    if (!result->code) {
        xw_open(call->xw, "m:RootFolder");
        page_write(call->xw, &f->page, found->total, found->start, found->n);
        xw_open(call->xw, "t:Items");
        r = write_items(call, f, found);
        xw_close(call->xw);
        xw_close(call->xw);
    }
    op_message_end(call);
    return r;
}

int op_run_FindItem(struct op_call *call)
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
    bool stopped = false; /* protocol.md 2.10 */
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next) {
        struct op_result result = bad;
        struct found found = { 0 };
        if (stopped)
            result = (struct op_result){ .code = CODE_ErrorBatchProcessingStopped };
        if (!result.code)
            result.code = find(call, tx, c, &f, &found);
        stopped = stopped || code_stops_batch(result.code);
        r = result.code < 0 ? result.code : answer(call, &result, &f, &found);
        if (r)
            return r;
    }
    op_messages_end(call);
    return 0;
}
