/*
 * Forgetting answers. All that are kept are gone through in slices, by a reader,
 * and what is to go is deleted by its key: an index of when each expires would be
 * written by every send.
 * What gives way over the bound is the answer to a SendItem whose draft is gone
 * or has a new ChangeKey: repeating that is refused, not sent again. An
 * Idempotency-Key may be all that keeps a CreateItem from being done twice, so
 * its record stays until it expires; while such records fill the bound alone,
 * requests with new keys are refused (ops/once.c).
 */
#include "outbox/forget.h"

#include "base/log.h"
#include "base/when.h"
#include "store/store_outbox.h"

#include <errno.h>
#include <stdlib.h>

#define SLICE 2000 /* rows, so that senders don't wait for a transaction of so many */
#define MEMORY (1u << 20)
#define SPANS 65536 /* of the time in which answers expire, as finely as the oldest are found */

struct walk {
    bool (*goes)(struct walk *walk, const struct store_replay *replay);
    int64_t until; /* what expires before that goes */
    struct store_replays kept;
    int64_t first, last; /* when those for drafts expire that are kept */
    uint32_t *spans;     /* how many of them in each part of that time */
};

/* ---- going through them ---- */

/* Those of one mailbox. */
struct portion {
    const struct store_replay *replays;
    size_t n;
};

static int forget_job(struct store_tx *tx, void *arg)
{
    const struct portion *portion = arg;
    return store_replays_forget(tx, portion->replays, portion->n);
}

static int forget_listed(struct store *store, struct arena *arena, const struct store_replay *replays, size_t n)
{
    struct portion *portions = arena_array(arena, n, sizeof(*portions));
    struct store_work *works = arena_array(arena, n, sizeof(*works));
    size_t works_n = 0;
    int r = 0;
    if (!portions || !works)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || replays[i].mailbox_id != replays[i - 1].mailbox_id) {
            portions[works_n] = (struct portion){ .replays = &replays[i] };
            works[works_n] = (struct store_work){ .job = forget_job, .arg = &portions[works_n], .mailbox_id = replays[i].mailbox_id };
            works_n++;
        }
        portions[works_n - 1].n++;
    }
    store_write_all(store, works, works_n);
    for (size_t i = 0; r == 0 && i < works_n; i++)
        r = works[i].result;
    return r;
}

static int list(struct store *store, struct arena *arena, const struct store_replay *after, struct store_replay **ret_replays, size_t *ret_n)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(store, &tx);
    return r ? r : store_replays_list(tx, arena, after, SLICE, ret_replays, ret_n);
}

static int go_through(struct store *store, struct walk *walk, const atomic_bool *stop)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct store_replay after = { 0 };
    int r = arena_new(MEMORY, &arena);
    for (size_t n = SLICE; r == 0 && n == SLICE && !atomic_load(stop); arena_reset(arena)) {
        struct store_replay *replays = NULL;
        size_t gone = 0;
        n = 0;
        r = list(store, arena, &after, &replays, &n);
        if (r || n == 0)
            return r;
        after = replays[n - 1];
        for (size_t i = 0; i < n; i++)
            if (walk->goes(walk, &replays[i]))
                replays[gone++] = replays[i];
        r = forget_listed(store, arena, replays, gone);
    }
    return r == 0 && atomic_load(stop) ? -ECANCELED : r;
}

/* ---- what goes ---- */

static bool expired_goes(struct walk *walk, const struct store_replay *replay)
{
    if (replay->expires <= walk->until)
        return true;
    if (replay->item_no == 0) {
        walk->kept.others++;
        return false;
    }
    if (walk->kept.drafts++ == 0)
        walk->first = walk->last = replay->expires;
    walk->first = replay->expires < walk->first ? replay->expires : walk->first;
    walk->last = replay->expires > walk->last ? replay->expires : walk->last;
    return false;
}

static uint64_t width_of(const struct walk *walk)
{
    return (uint64_t)(walk->last - walk->first) / SPANS + 1;
}

static bool none_goes(struct walk *walk, const struct store_replay *replay)
{
    if (replay->item_no != 0 && replay->expires >= walk->first && replay->expires <= walk->last)
        walk->spans[(uint64_t)(replay->expires - walk->first) / width_of(walk)]++;
    return false;
}

static bool oldest_goes(struct walk *walk, const struct store_replay *replay)
{
    bool goes = replay->item_no != 0 && replay->expires < walk->until;
    walk->kept.drafts -= goes;
    return goes;
}

/* Before which time so many expire, to the end of a span. */
static int64_t end_of_oldest(const struct walk *walk, uint64_t n)
{
    uint64_t spans = 0;
    for (uint64_t found = 0; spans < SPANS && found < n; spans++)
        found += walk->spans[spans];
    uint64_t end = (uint64_t)walk->first + spans * width_of(walk);
    return end < INT64_MAX ? (int64_t)end : INT64_MAX;
}

/* A sixteenth more than is over it goes, so that this is seldom done. */
static int drop(struct store *store, struct walk *walk, uint64_t max, const atomic_bool *stop)
{
    const struct store_replays before = walk->kept;
    uint64_t over = before.drafts + before.others - (max - max / 16);
    over = over < before.drafts ? over : before.drafts;
    if (over == 0)
        return 0;
    log_event(LOG_WARN_LEVEL, "too many answers are kept: the oldest of SendItem give way", LOG_N("answers", over));
    walk->spans = calloc(SPANS, sizeof(*walk->spans));
    if (!walk->spans)
        return -ENOMEM;
    walk->goes = none_goes;
    int r = go_through(store, walk, stop);
    walk->until = end_of_oldest(walk, over);
    free(walk->spans);
    walk->goes = oldest_goes;
    if (r == 0)
        r = go_through(store, walk, stop);
    if (r == 0)
        store_replays_correct(store, &before, &walk->kept);
    return r;
}

bool forget_has_many(const struct store *store, const struct conf *conf)
{
    struct store_replays seen;
    store_replays_seen(store, &seen);
    return seen.drafts + seen.others >= (uint64_t)conf->send_replay_max;
}

int forget_answers(struct store *store, const struct conf *conf, const atomic_bool *stop)
{
    struct walk walk = { .goes = expired_goes, .until = when_now() };
    struct store_replays seen;
    store_replays_seen(store, &seen);
    int r = go_through(store, &walk, stop);
    if (r == 0)
        store_replays_correct(store, &seen, &walk.kept);
    if (r == 0 && walk.kept.drafts + walk.kept.others > (uint64_t)conf->send_replay_max)
        r = drop(store, &walk, (uint64_t)conf->send_replay_max, stop);
    return r == -ECANCELED ? 0 : r;
}
