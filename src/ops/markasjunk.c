/*
 * MarkAsJunk (protocol.md 3.5): a message to Junk Email, or back to the Inbox,
 * of the mailbox that it is in. There is no list of blocked senders: what would
 * only change that list succeeds and changes nothing.
 */
#include "ops/items.h"
#include "ops/target.h"

struct marking {
    const struct op_items *items;
    bool junk, move;
    struct item *moved;
    const struct access **accesses; /* NULL: it was not moved */
};

/* Putting something there takes the same right as with MoveItem. */
static int check_folder(const struct op_call *call, struct store_tx *tx, const struct access *access, enum folder_role role)
{
    uint32_t rights;
    int r = access_rights(call, tx, access, role, &rights);
    return r ? r : rights & FOLDER_RIGHT_CREATE ? 0 : CODE_ErrorAccessDenied;
}

static int mark_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    struct marking *m = arg;
    const enum folder_role role = m->junk ? FOLDER_ROLE_junkemail : FOLDER_ROLE_inbox;
    struct target_item target;
    struct item *item = &m->moved[index];
    m->accesses[index] = NULL; /* the job may run again */
    int r = target_load(call, tx, m->items->nodes[index], ACCESS_DELETE, STORE_HOT, &target, item);
    if (r)
        return r;
    if (!kind_is_message(item->kind)) {
        ret_result->text = "Only messages can be marked as junk.";
        return CODE_ErrorInvalidOperation;
    }
    if (m->move && (r = check_folder(call, tx, target.access, role)))
        return r;
    if (m->move)
        m->accesses[index] = target.access;
    return m->move && item->folder_no != role ? store_item_move(tx, item, role, true) : 0;
}

static void answer(struct op_call *call, size_t index, const struct op_result *result, void *arg)
{
    const struct marking *m = arg;
    op_message_begin(call, "m:MarkAsJunkResponseMessage", result);
    if (!result->code && m->accesses[index]) {
        const struct shape_ids ids = access_ids(call, m->accesses[index]);
        shape_write_item_id_as(call->xw, "m:MovedItemId", &ids, &m->moved[index]);
    }
    op_message_end(call);
}

static bool flag(const struct op_call *call, const char *attribute)
{
    struct span text;
    bool value = false;
    return xml_attr(call->node, attribute, &text) && span_bool(span_trim(text), &value) && value;
}

int op_run_MarkAsJunk(struct op_call *call)
{
    static const struct op_verbs verbs = { mark_one, answer, NULL };
    struct op_items *items;
    struct marking *m = arena_alloc(call->arena, sizeof(*m));
    int r = m ? items_of(call, "ItemIds", &verbs, m, &items) : -ENOMEM;
    if (r)
        return r;
    *m = (struct marking){ .items = items, .junk = flag(call, "IsJunk"), .move = flag(call, "MoveItem"),
                           .moved = arena_array(call->arena, items->n + 1, sizeof(*m->moved)),
                           .accesses = arena_array(call->arena, items->n + 1, sizeof(*m->accesses)) };
    return m->moved && m->accesses ? items_write(call, items) : -ENOMEM;
}
