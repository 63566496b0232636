/*
 * MoveItem and CopyItem (protocol.md 3.5): one target folder, new ids in the
 * answer unless the client does not want them. After a move the old id is
 * dead; a copy shares its content until one of the two is changed.
 */
#include "ops/target.h"

struct moving {
    bool copy;
    const struct xml_node *folder; /* FolderId or the like */
    const struct xml_node **ids;
    struct item *moved;
};

static int target_of(struct op_call *call, struct store_tx *tx, const struct moving *m, uint64_t *ret_folder_no)
{
    struct folder folder;
    int r = target_folder(call, tx, m->folder, &folder);
    /* In another's mailbox absent and hidden look the same (decisions 6). */
    if (r == CODE_ErrorFolderNotFound && !xml_child(m->folder, "Mailbox"))
        return CODE_ErrorToFolderNotFound;
    if (!r)
        *ret_folder_no = folder.folder_no;
    return r;
}

static int move_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    (void)ret_result;
    struct moving *m = arg;
    struct target_item target;
    struct item item;
    uint64_t folder_no = 0;
    int r = target_of(call, tx, m, &folder_no);
    if (r || (r = target_item(call, m->ids[index], &target)) ||
        (r = store_item_get(tx, call->arena, call->mailbox->mailbox_id, target.id.item, STORE_HOT, &item)))
        return r;
    r = m->copy ? store_item_copy(tx, &item, folder_no) : store_item_move(tx, &item, folder_no, true);
    if (!r)
        m->moved[index] = item;
    return r;
}

static bool wants_ids(const struct op_call *call)
{
    struct span text;
    bool wanted = true;
    if (xml_child_text(call->node, "ReturnNewItemIds", &text))
        (void)span_bool(span_trim(text), &wanted);
    return wanted;
}

static int run(struct op_call *call, bool copy, const char *element)
{
    const struct xml_node *list = xml_child(call->node, "ItemIds"), *folder = xml_child(call->node, "ToFolderId");
    size_t n = list ? xml_count(list) : 0, i = 0;
    struct op_result *results = arena_array(call->arena, n + 1, sizeof(*results));
    struct moving m = { .copy = copy, .folder = folder ? folder->child : NULL, .ids = arena_array(call->arena, n + 1, sizeof(*m.ids)),
                        .moved = arena_array(call->arena, n + 1, sizeof(*m.moved)) };
    if (!results || !m.ids || !m.moved)
        return -ENOMEM;
    for (const struct xml_node *c = list ? list->child : NULL; c; c = c->next)
        m.ids[i++] = c;
    int r = op_write_items(call, n, results, move_one, &m);
    if (r)
        return r;
    bool wanted = wants_ids(call);
    op_messages_begin(call);
    for (i = 0; i < n; i++) {
        op_message_begin(call, element, &results[i]);
        xw_open(call->xw, "m:Items");
        if (!results[i].code && wanted)
            shape_write_item_ref(call->xw, &call->ids, &m.moved[i]);
        xw_close(call->xw);
        op_message_end(call);
    }
    op_messages_end(call);
    return 0;
}

int op_run_MoveItem(struct op_call *call)
{
    return run(call, false, "m:MoveItemResponseMessage");
}

int op_run_CopyItem(struct op_call *call)
{
    return run(call, true, "m:CopyItemResponseMessage");
}
