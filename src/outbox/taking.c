/*
 * See taking.h. Where nobody else writes to the store, one job leases the whole
 * batch. In a store that nodes share, it is looked at first what is due, and then
 * leased by a job for each mailbox, which passes over what another node is
 * leasing at the same time.
 */
#include "outbox/taking.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_MAX 256  /* entries; each node picks its own among them */
#define AGAIN_MS 50   /* all that was due, others took */

/* A look before the writer is bothered. */
static int look(const struct outbox_options *options, struct arena *arena, size_t limit, struct store_outbox_key **ret_keys,
                size_t *ret_n, int64_t *ret_next)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(options->store, &tx);
    return r ? r : store_outbox_due(tx, arena, when_now(), limit, ret_keys, ret_n, ret_next);
}

/* ---- at once ---- */

struct grab {
    struct taking *taking;
    struct arena *arena;
    int64_t now;
};

static int grab_job(struct store_tx *tx, void *arg)
{
    const struct grab *grab = arg;
    struct taking *taking = grab->taking;
    struct store_outbox_key *keys;
    int r = store_outbox_take(tx, grab->arena, taking->lease.owner, grab->now, taking->lease.until, TAKING_MAX, &keys, &taking->n);
    if (r == 0 && taking->n > 0)
        memcpy(taking->keys, keys, taking->n * sizeof(*keys));
    return r;
}

/* ---- mailbox by mailbox ---- */

struct share {
    const struct lease *lease;
    int64_t mailbox_id, now;
    struct store_outbox_key *keys; /* of the mailbox; what was seen due, then what was leased */
    size_t room, n;
};

static int share_job(struct store_tx *tx, void *arg)
{
    struct share *share = arg;
    return store_outbox_take_of(tx, share->mailbox_id, share->lease->owner, share->now, share->lease->until, share->room, share->keys,
                                &share->n);
}

static int by_mailbox(const void *a, const void *b)
{
    const struct store_outbox_key *one = a, *other = b;
    if (one->mailbox_id != other->mailbox_id)
        return one->mailbox_id < other->mailbox_id ? -1 : 1;
    return one->outbox_no < other->outbox_no ? -1 : one->outbox_no > other->outbox_no;
}

/* keys are sorted; each share has a part of them to itself. */
static size_t divide(const struct taking *taking, struct store_outbox_key *keys, size_t n, struct share *shares)
{
    size_t shares_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (shares_n == 0 || shares[shares_n - 1].mailbox_id != keys[i].mailbox_id)
            shares[shares_n++] = (struct share){ .lease = &taking->lease, .mailbox_id = keys[i].mailbox_id, .now = when_now(),
                                                 .keys = &keys[i] };
        shares[shares_n - 1].room++;
    }
    return shares_n;
}

/* A job that failed may have leased all the same, when its COMMIT was in doubt: nobody
 * else would come to that before the lease has ended. */
static int take_shares(struct outbox *outbox, struct taking *taking, struct store_outbox_key *keys, size_t n)
{
    struct share shares[TAKING_MAX];
    struct store_work work[TAKING_MAX];
    qsort(keys, n, sizeof(*keys), by_mailbox);
    size_t shares_n = divide(taking, keys, n, shares);
    for (size_t i = 0; i < shares_n; i++)
        work[i] = (struct store_work){ .job = share_job, .arg = &shares[i] };
    store_write_all(outbox->options.store, work, shares_n);
    for (size_t i = 0; i < shares_n; i++) {
        for (size_t k = 0; k < shares[i].n; k++)
            taking->keys[taking->n++] = shares[i].keys[k];
        taking->error = work[i].result < 0 ? work[i].result : taking->error;
    }
    return taking->n ? 0 : taking->error;
}

/* ---- */

int taking_begin(struct outbox *outbox, struct arena *arena, struct fleet *fleet, struct taking *ret_taking, int64_t *ret_next)
{
    const struct outbox_options *options = &outbox->options;
    bool shared = store_has_nodes(options->store);
    struct store_outbox_key *keys;
    size_t n = 0;
    int r = look(options, arena, shared ? LOOK_MAX : 1, &keys, &n, ret_next);
    if (r || n == 0)
        return r ? r : 1;
    *ret_taking = (struct taking){ .fleet = fleet, .lease = node_lease(outbox->node, fleet->conf->outbox_lease * 1000) };
    if (!shared)
        return store_write(options->store, grab_job, &(struct grab){ ret_taking, arena, when_now() });
    size_t from = n > TAKING_MAX ? (size_t)ret_taking->lease.owner % (n - TAKING_MAX + 1) : 0;
    r = take_shares(outbox, ret_taking, keys + from, n - from < TAKING_MAX ? n - from : TAKING_MAX);
    if (r == 0 && ret_taking->n == 0) {
        *ret_next = when_now() + AGAIN_MS;
        r = 1;
    }
    outbox->taken += ret_taking->n;
    return r;
}
