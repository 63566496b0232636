/*
 * MoveItem and CopyItem (protocol.md 3.5): one target folder, new ids in the
 * answer unless the client does not want them. After a move the old id is
 * dead; a copy shares its content until one of the two is changed. Items stay
 * in their mailbox (decisions 2): ErrorCrossMailboxMoveCopy.
 */
#include "ops/items.h"
#include "ops/limits.h"
#include "ops/target.h"

struct moving {
    bool copy;
    bool wants_ids;
    const char *element;           /* of a response message */
    const struct xml_node *folder; /* FolderId or the like */
    const struct op_items *items;
    struct item *moved;
    const struct access **accesses; /* to the mailboxes of those moved */
};

static int target_of(struct op_call *call, struct store_tx *tx, const struct moving *m, struct target_folder *ret_target)
{
    int r = target_folder(call, tx, m->folder, FOLDER_RIGHT_CREATE, ret_target);
    /* In another's mailbox absent and hidden look the same (decisions 6). */
    return r == CODE_ErrorFolderNotFound && !xml_child(m->folder, "Mailbox") ? CODE_ErrorToFolderNotFound : r;
}

static int move_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    (void)ret_result;
    struct moving *m = arg;
    struct target_item target;
    struct target_folder to;
    struct item item;
    int r = target_of(call, tx, m, &to);
    if (r || (r = target_load(call, tx, m->items->nodes[index], m->copy ? ACCESS_READ : ACCESS_DELETE, STORE_HOT, &target, &item)))
        return r;
    if (to.folder.mailbox_id != item.mailbox_id)
        return CODE_ErrorCrossMailboxMoveCopy;
    if (m->copy)
        item.creator_id = access_creator(call, target.access);
    r = m->copy ? store_item_copy(tx, &item, to.folder.folder_no) : store_item_move(tx, &item, to.folder.folder_no, true);
    if (r)
        return r;
    m->moved[index] = item;
    m->accesses[index] = target.access;
    return 0;
}

static bool wants_ids(const struct op_call *call)
{
    struct span text;
    bool wanted = true;
    if (xml_child_text(call->node, "ReturnNewItemIds", &text))
        (void)span_bool(span_trim(text), &wanted);
    return wanted;
}

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct moving *m = arg;
    op_message_begin(call, m->element, result);
    xw_open(call->xw, "m:Items");
    if (!result->code && m->wants_ids) {
        struct shape_ids ids = access_ids(call, m->accesses[index]);
        shape_write_item_ref(call->xw, &ids, &m->moved[index]);
    }
    xw_close(call->xw);
    op_message_end(call);
}

static int run(struct op_call *call, bool copy, const char *element)
{
    static const struct op_verbs verbs = { move_one, answer, NULL };
    const struct xml_node *folder = xml_child(call->node, "ToFolderId");
    struct op_items *items;
    struct moving *m = arena_alloc(call->arena, sizeof(*m));
    int r = m ? items_of(call, "ItemIds", &verbs, m, &items) : -ENOMEM;
    if (r)
        return r;
    *m = (struct moving){ .copy = copy, .wants_ids = wants_ids(call), .element = element, .folder = folder ? folder->child : NULL,
                          .items = items, .moved = arena_array(call->arena, items->n + 1, sizeof(*m->moved)),
                          .accesses = arena_array(call->arena, items->n + 1, sizeof(*m->accesses)) };
    if (!m->moved || !m->accesses)
        return -ENOMEM;
    const int full = copy ? limits_room(call) : 0;
    for (size_t i = 0; i < items->n; i++)
        items->results[i].code = full;
    return items_write(call, items);
}

int op_run_MoveItem(struct op_call *call)
{
    return run(call, false, "m:MoveItemResponseMessage");
}

int op_run_CopyItem(struct op_call *call)
{
    return run(call, true, "m:CopyItemResponseMessage");
}
