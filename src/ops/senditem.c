/*
 * SendItem (protocol.md 2). Save settings and the save folder are checked once
 * and answered per id; the rest is outbox_submit's, inside the store job
 * (decisions 1). A replayed answer comes from there too.
 */
#include "ops/once.h"
#include "ops/respond.h"
#include "ops/sending.h"

#include <stdlib.h>

struct sends {
    const struct op_items *items;
    const struct xml_node *folder; /* FolderId or the like; NULL: Sent Items, or no copy */
    bool save;
    bool *first;                   /* not a repetition of an earlier id of this request */
    struct sent_ids sent;
};

static int save_folder(struct op_call *call, struct store_tx *tx, const struct sends *s, struct target_folder *ret_folder)
{
    if (!s->save)
        return s->folder ? CODE_ErrorInvalidSendItemSaveSettings : 0;
    return sending_save_folder(call, tx, s->folder, ret_folder);
}

/* In another's mailbox: may the draft be taken? One that is not there is left
 * to outbox_submit, which may know it as sent. */
static int check_draft(struct op_call *call, struct store_tx *tx, const struct outbox_submit *submit, const struct target_item *target)
{
    struct item draft;
    if (target->access->own)
        return 0;
    int r = target_read(call, tx, target, STORE_HOT, &draft);
    if (r == CODE_ErrorItemNotFound)
        return 0;
    return r ? r : sending_check_draft(call, submit, target, &draft);
}

static int send_one(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg)
{
    struct sends *s = arg;
    struct target_item target;
    struct target_folder folder = { .access = &call->own };
    struct outbox_sent sent;
    const int refused = sending_target(call, tx, s->items->nodes[index], &target);
    int r = refused ? refused : store_item_expect(tx, target.access->mailbox.mailbox_id, target.id.item);
    if (r >= 0)
        r = save_folder(call, tx, s, &folder); /* is told first */
    if (r || (r = refused))
        return r;
    if (!s->first[index])
        return CODE_ErrorItemNotFound;
    struct outbox_submit submit = sending_submit(call, target.access);
    if (s->save)
        sending_into(&submit, &folder);
    if ((r = check_draft(call, tx, &submit, &target)))
        return r;
    (void)xml_attr(s->items->nodes[index], "Id", &submit.id_text);
    submit.folder_no = target.id.folder;
    submit.item_no = target.id.item;
    submit.key_no = target.key;
    r = outbox_submit(tx, &submit, &sent);
    if (r)
        return sending_refused(call, target_told(&target, r), &sent, ret_result);
    s->sent.v[index] = sent;
    s->sent.copies = folder.access;
    return respond_mark_later(call, tx, target.access, &sent.answers);
}

struct place {
    struct span id;
    size_t index;
};

static int by_id_and_index(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    size_t len = x->id.len < y->id.len ? x->id.len : y->id.len;
    int order = len ? memcmp(x->id.ptr, y->id.ptr, len) : 0;
    if (order == 0)
        order = (x->id.len > y->id.len) - (x->id.len < y->id.len);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Repetitions within one request are not replays. Sorted, since ids are chosen
 * by the client: whatever it chooses, thousands of them take no time. */
static int mark_repetitions(struct op_call *call, struct sends *s)
{
    const size_t n = s->items->n;
    struct place *places = arena_array(call->arena, n + 1, sizeof(*places));
    if (!places)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        places[i].index = i;
        (void)xml_attr(s->items->nodes[i], "Id", &places[i].id);
    }
    qsort(places, n, sizeof(*places), by_id_and_index);
    for (size_t i = 0; i < n; i++)
        s->first[places[i].index] = i == 0 || !places[i].id.len || !span_eq(places[i].id, places[i - 1].id);
    return 0;
}

static void answer(struct op_call *call, size_t index ATTR_UNUSED, const struct op_result *result, void *arg ATTR_UNUSED)
{
    op_message_begin(call, "m:SendItemResponseMessage", result);
    op_message_end(call);
}

static int finish(struct op_call *call, int r, struct op_items *items)
{
    const struct sends *s = items->arg;
    if (r)
        return r;
    sending_done(call, &s->sent, items->results);
    return items_answer(call, items);
}

int op_run_SendItem(struct op_call *call)
{
    static const struct op_verbs verbs = { send_one, answer, finish };
    struct op_items *items;
    struct sends *s = arena_alloc(call->arena, sizeof(*s));
    int r = s ? items_of(call, "ItemIds", &verbs, s, &items) : -ENOMEM;
    if (r)
        return r;
    *s = (struct sends){ .items = items, .folder = target_saved_folder(call),
                         .save = xml_attr_bool(call->node, "SaveItemToFolder", true),
                         .first = arena_array(call->arena, items->n + 1, sizeof(*s->first)),
                         .sent = { .v = arena_array(call->arena, items->n + 1, sizeof(*s->sent.v)), .n = items->n } };
    if (!s->first || !s->sent.v)
        return -ENOMEM;
    if ((r = once_check(call, items->n)) || (r = mark_repetitions(call, s)))
        return r;
    return once_write_items(call, items, &s->sent);
}
