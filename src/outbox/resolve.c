/*
 * See resolve.h. Other forms than SMTP addresses (EX, contacts) name something
 * in a directory that is not ours: those are not looked up.
 */
#include "outbox/resolve.h"

#include "model/code.h"
#include "store/store_group.h"
#include "store/store_mail.h"
#include "store/store_mailbox.h"

#include <errno.h>

static bool is_name_alone(const struct rcpt *rcpt)
{
    return rcpt->address.len == 0 && rcpt->name.len > 0 && rcpt->routing.len == 0;
}

static bool has_names(const struct rcpt_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (is_name_alone(&list->v[i]))
            return true;
    return false;
}

static int resolve_one(struct store_tx *tx, struct arena *arena, struct rcpt *rcpt)
{
    struct store_mailbox mailbox;
    struct store_group group;
    struct span name = span_trim(rcpt->name);
    if (rcpt_address_ok(name)) {
        rcpt->address = name;
        return 0;
    }
    int r = store_mailbox_by_name(tx, arena, name, &mailbox);
    if (r == 0)
        rcpt->address = mailbox.address;
    if (r != CODE_ErrorNonExistentMailbox)
        return r < 0 ? r : 0;
    r = store_group_by_name(tx, arena, name, &group);
    if (r == 0)
        rcpt->address = group.address;
    return r < 0 ? r : 0;
}

/* In a copy: the list may be the request's, and the job may run again. */
static int resolve_list(struct store_tx *tx, struct arena *arena, struct rcpt_list *list)
{
    struct rcpt_list copy = { .v = arena_array(arena, list->n, sizeof(*copy.v)), .n = list->n };
    if (!copy.v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        copy.v[i] = list->v[i];
        int r = is_name_alone(&copy.v[i]) ? resolve_one(tx, arena, &copy.v[i]) : 0;
        if (r)
            return r;
    }
    *list = copy;
    return 0;
}

int resolve_names(struct store_tx *tx, struct arena *arena, struct item *item)
{
    struct rcpt_list *const lists[] = { &item->to, &item->cc, &item->bcc };
    bool any = false;
    int r = 0;
    if (item->mime.len || item->flags & ITEM_HAS_MIME)
        return 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++) {
        if (!has_names(lists[i]))
            continue;
        any = true;
        r = resolve_list(tx, arena, lists[i]);
    }
    return r == 0 && any && item->item_no != 0 ? store_item_rewrite(tx, item, STORE_RECIPIENTS, false) : r;
}
