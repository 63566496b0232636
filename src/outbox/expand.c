/*
 * See expand.h. A member that is a group is expanded in its own turn; one that
 * the message has already as a recipient gets it once, so groups that hold each
 * other come to an end.
 */
#include "outbox/expand.h"

#include "outbox/local.h"
#include "store/store_group.h"

#include <errno.h>

static int make_rcpt(struct store_tx *tx, const struct transport_job *job, const struct store_listing *member,
                     struct store_outbox_rcpt *ret_rcpt)
{
    struct span folded;
    bool local = member->kind != STORE_ENTRY_OTHER;
    int r = local ? 0 : rcpt_address_fold(job->arena, member->address, &folded);
    if (r == 0 && !local)
        r = local_address(tx, job->arena, job->conf, folded, &local);
    if (r)
        return r;
    *ret_rcpt = (struct store_outbox_rcpt){ .address = member->address, .name = member->name,
                                            .kind = local ? STORE_RCPT_LOCAL : STORE_RCPT_REMOTE, .state = STORE_RCPT_QUEUED,
                                            .next_attempt = when_now() };
    return 0;
}

int expand_group(struct store_tx *tx, const struct transport_job *job, struct span address, struct transport_result *ret_result)
{
    struct store_group group;
    struct store_listing *members;
    size_t n = 0;
    int r = store_group_get(tx, job->arena, address, &group);
    if (r == 0)
        r = store_group_members(tx, job->arena, address, &members, &n);
    struct store_outbox_rcpt *rcpts = r == 0 ? arena_array(job->arena, n + 1, sizeof(*rcpts)) : NULL;
    if (r || !rcpts)
        return r ? r : -ENOMEM;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = make_rcpt(tx, job, &members[i], &rcpts[i]);
    if (r == 0 && n > 0)
        r = store_outbox_add(tx, (struct store_outbox_key){ job->entry->mailbox_id, job->entry->outbox_no }, rcpts, n);
    if (r)
        return r;
    *job->added |= n > 0;
    *ret_result = n > 0 ? (struct transport_result){ TRANSPORT_SENT, SPAN("2.0.0 a group: sent to its members") }
                        : (struct transport_result){ TRANSPORT_FAILED, SPAN("5.2.4 the group has no members") };
    return 0;
}
