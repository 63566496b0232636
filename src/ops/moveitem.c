/*
 * MoveItem and CopyItem (protocol.md 3.5): one target folder, new ids in the
 * answer unless the client does not want them. After a move the old id is
 * dead; a copy shares its content until one of the two is changed.
 *
 * Into another mailbox (decisions 2): the job writes copies into the mailbox of
 * the target, and no other; when that is on the disk each original goes, in a
 * job of its own mailbox, if it still is what was copied. Whatever ends the
 * program in between leaves both, and the mark that came with the copy makes the
 * same request, sent again, only take away the original. Such answers have no
 * ids.
 */
#include "ops/items.h"
#include "ops/limits.h"
#include "ops/target.h"
#include "store/store_outbox.h"

#define MARK_LIFE_MS (30 * 86400000LL)
#define MEMORY (256u << 20) /* for one item that goes elsewhere; what is long of it is passed on in pieces */

/* Of an item that was moved elsewhere. */
struct original {
    int64_t mailbox_id; /* 0: there is none */
    uint64_t item_no;
    uint64_t change_no;
};

struct moving {
    bool copy;
    bool wants_ids;
    const char *element;           /* of a response message */
    const struct xml_node *folder; /* FolderId or the like */
    const struct op_items *items;
    struct item *moved;
    const struct access **accesses; /* to the mailboxes of those moved; NULL: into another one */
    struct original *originals;
};

static int target_of(struct op_call *call, struct store_tx *tx, const struct moving *m, struct target_folder *ret_target)
{
    int r = target_folder(call, tx, m->folder, FOLDER_RIGHT_CREATE, ret_target);
    /* In another's mailbox absent and hidden look the same (decisions 6). */
    return r == CODE_ErrorFolderNotFound && !xml_child(m->folder, "Mailbox") ? CODE_ErrorToFolderNotFound : r;
}

/* ---- into another mailbox ---- */

/* 1: it is there since an earlier attempt. */
static int mark(struct store_tx *tx, const struct item *item, const struct folder *to)
{
    const uint64_t numbers[] = { (uint64_t)item->mailbox_id, item->item_no, item->change_no, to->folder_no };
    const struct span parts[] = { SPAN("move"), { (const char *)numbers, sizeof(numbers) } };
    uint8_t key[SHA256_SIZE];
    sha256_parts(parts, ARRAY_LEN(parts), key);
    return store_delivery_mark(tx, to->mailbox_id, key, when_now() + MARK_LIFE_MS);
}

static int insert_elsewhere(struct op_call *call, struct store_tx *tx, const struct item *item, const struct target_folder *to)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct item copy;
    int r = arena_new(MEMORY, &arena);
    if (r || (r = store_item_get(tx, arena, item->mailbox_id, item->item_no, STORE_ALL | STORE_LAZY | STORE_LAZY_BODY, &copy)))
        return r;
    copy.mailbox_id = to->folder.mailbox_id;
    copy.folder_no = to->folder.folder_no;
    copy.item_no = copy.content_no = copy.change_no = copy.key_no = 0;
    copy.flags &= ~ITEM_LENT;
    copy.creator_id = access_creator(call, to->access);
    return store_item_insert(tx, &copy);
}

/* Named before in this request: gone, but for the job that takes it away. */
static bool has_gone(const struct moving *m, size_t index, const struct item *item)
{
    for (size_t i = 0; i < index; i++)
        if (m->originals[i].item_no == item->item_no && m->originals[i].mailbox_id == item->mailbox_id)
            return true;
    return false;
}

static int send_elsewhere(struct op_call *call, struct store_tx *tx, const struct item *item, const struct target_folder *to,
                          struct moving *m, size_t index)
{
    if (has_gone(m, index, item))
        return CODE_ErrorItemNotFound;
    int r = m->copy ? 0 : mark(tx, item, &to->folder);
    if (r == 0)
        r = insert_elsewhere(call, tx, item, to);
    else if (r == 1)
        r = 0;
    if (r == 0 && !m->copy)
        m->originals[index] = (struct original){ item->mailbox_id, item->item_no, item->change_no };
    return r;
}

struct clearing {
    struct op_call *call;
    const struct original *original;
};

/* Gone already is as good. */
static int clear_job(struct store_tx *tx, void *arg)
{
    const struct clearing *c = arg;
    const struct original *original = c->original;
    struct item item;
    int r = store_item_get(tx, c->call->arena, original->mailbox_id, original->item_no, STORE_HOT | STORE_DAMAGED, &item);
    if (r)
        return r == CODE_ErrorItemNotFound ? 0 : r;
    return item.change_no == original->change_no ? store_item_delete(tx, original->mailbox_id, original->item_no)
                                                 : CODE_ErrorMoveCopyFailed;
}

static int finish(struct op_call *call, int r, struct op_items *items)
{
    const struct moving *m = items->arg;
    for (size_t i = 0; r == 0 && i < items->n; i++) {
        struct clearing c = { call, &m->originals[i] };
        if (!items->results[i].code && m->originals[i].mailbox_id)
            items->results[i].code = op_code_of(store_write(call->env->store, clear_job, &c));
    }
    return r ? r : items_answer(call, items);
}

/* ---- within one ---- */

static int move_here(struct op_call *call, struct store_tx *tx, struct item *item, const struct target_item *target,
                     const struct target_folder *to, struct moving *m, size_t index)
{
    if (m->copy)
        item->creator_id = access_creator(call, target->access);
    int r = m->copy ? store_item_copy(tx, item, to->folder.folder_no) : store_item_move(tx, item, to->folder.folder_no, true);
    if (r)
        return r;
    m->moved[index] = *item;
    m->accesses[index] = target->access;
    return 0;
}

static int move_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    (void)ret_result;
    struct moving *m = arg;
    struct target_item target;
    struct target_folder to;
    struct item item;
    m->accesses[index] = NULL; /* the job may run again */
    m->originals[index] = (struct original){ 0 };
    int r = target_of(call, tx, m, &to);
    if (r || (r = target_load(call, tx, m->items->nodes[index], m->copy ? ACCESS_READ : ACCESS_DELETE, STORE_HOT, &target, &item)))
        return r;
    if (to.folder.mailbox_id != item.mailbox_id)
        return send_elsewhere(call, tx, &item, &to, m, index);
    return move_here(call, tx, &item, &target, &to, m, index);
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
    if (!result->code && m->wants_ids && m->accesses[index]) {
        struct shape_ids ids = access_ids(call, m->accesses[index]);
        shape_write_item_ref(call->xw, &ids, &m->moved[index]);
    }
    xw_close(call->xw);
    op_message_end(call);
}

static int run(struct op_call *call, bool copy, const char *element)
{
    static const struct op_verbs verbs = { move_one, answer, finish };
    const struct xml_node *folder = xml_child(call->node, "ToFolderId");
    struct op_items *items;
    struct moving *m = arena_alloc(call->arena, sizeof(*m));
    int r = m ? items_of(call, "ItemIds", &verbs, m, &items) : -ENOMEM;
    if (r)
        return r;
    *m = (struct moving){ .copy = copy, .wants_ids = wants_ids(call), .element = element, .folder = folder ? folder->child : NULL,
                          .items = items, .moved = arena_array(call->arena, items->n + 1, sizeof(*m->moved)),
                          .accesses = arena_array(call->arena, items->n + 1, sizeof(*m->accesses)),
                          .originals = arena_array(call->arena, items->n + 1, sizeof(*m->originals)) };
    if (!m->moved || !m->accesses || !m->originals)
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
