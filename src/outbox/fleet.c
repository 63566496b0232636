/*
 * See fleet.h. The outbox' lock guards which fleet is the current one, and who
 * holds which.
 */
#include "outbox/runner.h"

#include <errno.h>
#include <stdlib.h>

static int load(struct fleet *fleet, struct conf_report *report)
{
    const struct outbox_options *options = &fleet->outbox->options;
    if (options->capture || fleet->conf->outbox_workers == 0)
        return 0;
    int r = relays_load(fleet->conf, &fleet->relays, report);
    return r ? r : signer_load(fleet->conf, &fleet->signer, report);
}

static int start_lanes(struct fleet *fleet)
{
    int r = 0;
    for (size_t i = 0; r == 0 && fleet->relays && i < fleet->relays->n; i++)
        r = lane_start(fleet, &fleet->relays->v[i], &fleet->lanes[i]);
    return r;
}

int fleet_new(struct outbox *outbox, const struct conf *conf, struct conf_report *report, struct fleet **ret_fleet)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    if (!fleet)
        return -ENOMEM;
    fleet->outbox = outbox;
    fleet->conf = conf;
    if (outbox->options.live)
        conf_hold_same(outbox->options.live, conf);
    int r = load(fleet, report);
    if (r == 0 && outbox->node && !node_bears(outbox->node, fleet->relays)) {
        conf_report(report, 0, "[relay] timeout and final_timeout are together longer than what this server told the others that "
                               "share its store when it started: that needs a restart");
        r = 1;
    }
    if (r == 0)
        r = start_lanes(fleet);
    if (r) {
        atomic_store(&fleet->retired, true);
        fleet_wake(fleet);
        fleet_free(fleet);
        return r;
    }
    *ret_fleet = fleet;
    return 0;
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    for (size_t i = 0; i < CONF_RELAYS_MAX; i++)
        lane_free(fleet->lanes[i]);
    relays_free(fleet->relays);
    signer_free(fleet->signer);
    if (fleet->outbox->options.live)
        conf_release(fleet->outbox->options.live, fleet->conf);
    free(fleet);
}

struct fleet *fleet_hold(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    struct fleet *fleet = outbox->fleet;
    fleet->holders++;
    pthread_mutex_unlock(&outbox->lock);
    return fleet;
}

void fleet_release(struct fleet *fleet)
{
    struct outbox *outbox = fleet->outbox;
    pthread_mutex_lock(&outbox->lock);
    fleet->holders--;
    pthread_mutex_unlock(&outbox->lock);
}

void fleet_take_over(struct fleet *fleet)
{
    struct outbox *outbox = fleet->outbox;
    pthread_mutex_lock(&outbox->lock);
    struct fleet *old = outbox->fleet;
    outbox->fleet = fleet;
    old->next = outbox->retired;
    outbox->retired = old;
    atomic_store(&old->retired, true);
    fleet_wake(old);
    pthread_mutex_unlock(&outbox->lock);
    outbox_call_help(outbox);
}

/* One of the retired in which something waits, until fleet_release; or NULL. */
static struct fleet *hold_laden(struct outbox *outbox)
{
    struct fleet *found = NULL;
    pthread_mutex_lock(&outbox->lock);
    for (struct fleet *fleet = outbox->retired; fleet && !found; fleet = fleet->next)
        for (size_t i = 0; i < CONF_RELAYS_MAX && !found; i++)
            found = fleet->lanes[i] && lane_is_laden(fleet->lanes[i]) ? fleet : NULL;
    if (found)
        found->holders++;
    pthread_mutex_unlock(&outbox->lock);
    return found;
}

void fleet_give_back(struct outbox *outbox, struct arena *arena)
{
    struct fleet *fleet;
    while (!atomic_load(&outbox->closing) && (fleet = hold_laden(outbox))) {
        for (size_t i = 0; i < CONF_RELAYS_MAX; i++)
            if (fleet->lanes[i])
                lane_give_back(fleet->lanes[i], arena);
        fleet_release(fleet);
    }
}

bool fleet_is_through(const struct fleet *fleet)
{
    bool through = fleet->holders == 0;
    for (size_t i = 0; through && i < CONF_RELAYS_MAX; i++)
        through = !fleet->lanes[i] || lane_is_over(fleet->lanes[i]);
    return through;
}

void fleet_reap(struct outbox *outbox)
{
    struct fleet *through = NULL;
    pthread_mutex_lock(&outbox->lock);
    for (struct fleet **at = &outbox->retired; *at;) {
        struct fleet *fleet = *at;
        if (!fleet_is_through(fleet)) {
            at = &fleet->next;
            continue;
        }
        *at = fleet->next;
        fleet->next = through;
        through = fleet;
    }
    pthread_mutex_unlock(&outbox->lock);
    for (struct fleet *next; through; through = next) {
        next = through->next;
        fleet_free(through);
    }
}

void fleet_wake(struct fleet *fleet)
{
    for (size_t i = 0; i < CONF_RELAYS_MAX; i++)
        if (fleet->lanes[i])
            lane_wake(fleet->lanes[i]);
}

void fleet_forgive(struct fleet *fleet)
{
    for (size_t i = 0; i < CONF_RELAYS_MAX; i++)
        if (fleet->lanes[i])
            lane_forgive(fleet->lanes[i]);
}

enum lane_answer fleet_hand_over(struct fleet *fleet, const struct relay *relay, const struct lane_ticket *ticket,
                                 struct arena *arena, int64_t *ret_again, struct span *ret_reason)
{
    enum lane_answer answer = LANE_DEAD;
    for (; relay && answer == LANE_DEAD; relay = relay->next)
        answer = lane_push(fleet->lanes[relay - fleet->relays->v], ticket, arena, ret_again, ret_reason);
    return answer;
}
