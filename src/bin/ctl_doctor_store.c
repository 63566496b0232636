/*
 * ewsctl doctor store: what only who has the store can see. Nothing is changed.
 */
#include "bin/ctl_doctor.h"

#include "base/when.h"
#include "store/store_keep.h"

#include <inttypes.h>

#define AHEAD_MS 300000             /* a clock may differ so much */
#define OLD_MS INT64_C(14400000)    /* mail that waits longer deserves a look */

int doctor_schema(struct doctor *doctor)
{
    int found, now;

    store_versions(doctor->call->store, &found, &now);
    return doctor_find(doctor, FINDING_OK, NULL, "version %d", now);
}

/* ---- integrity ---- */

struct looking {
    struct doctor *doctor;
    uint64_t n;
};

static int found_problem(void *arg, const struct store_problem *problem)
{
    struct looking *looking = arg;

    if (++looking->n > 20)
        return 0;
    return doctor_find(looking->doctor, FINDING_FAIL, problem->advice, "%.*s%s%s: %.*s", (int)problem->mailbox.len, problem->mailbox.ptr,
                       problem->mailbox.len ? ", " : "", problem->table, (int)problem->what.len, problem->what.ptr);
}

static bool tell(void *arg, uint64_t done, uint64_t all)
{
    return ctl_progress(arg, all ? "checking" : "checking the file", done, all, "mailboxes");
}

int doctor_integrity(struct doctor *doctor)
{
    struct looking looking = { .doctor = doctor };
    bool full = ctl_option(doctor->call, "full") != NULL;
    const struct store_check check = { .quick = !full, .found = found_problem, .arg = &looking, .watch = { tell, doctor->call } };
    int r = store_check(doctor->call->store, &check);

    if (r == 0 && looking.n == 0)
        return doctor_find(doctor, FINDING_OK, NULL, full ? "all of the store agrees with itself" : "no damage at a quick look; --full looks at all");
    if (r == 0 && looking.n > 20)
        return doctor_find(doctor, FINDING_FAIL, "ewsctl store check tells all", "%" PRIu64 " problems", looking.n);
    return r;
}

/* ---- mailbox by mailbox ---- */

static int see_times(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct doctor *doctor = data;
    struct store_mailbox *mailboxes;
    size_t n, ahead = 0, last = 0;
    int64_t at;
    int r = store_mailbox_list(tx, call->arena, &mailboxes, &n);

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = store_health_newest(tx, mailboxes[i].mailbox_id, &at);
        if (r == 0 && at > when_now() + AHEAD_MS) {
            ahead++;
            last = i;
        }
        r = r < 0 ? r : 0;
    }
    if (r || ahead == 0)
        return r ? r : doctor_find(doctor, FINDING_OK, NULL, "nothing in the store is of the future");
    return doctor_find(doctor, FINDING_FAIL, "set the clock; if it was ahead before, wait until it is as late",
                       "in %zu mailboxes the newest item is of the future, as in that of %.*s: this clock is behind, or was ahead", ahead,
                       (int)mailboxes[last].address.len, mailboxes[last].address.ptr);
}

int doctor_times(struct doctor *doctor)
{
    return ctl_read(doctor->call, see_times, doctor);
}

static int see_drafts(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct doctor *doctor = data;
    struct store_mailbox *mailboxes;
    uint64_t found = 0;
    size_t n;
    int r = store_mailbox_list(tx, call->arena, &mailboxes, &n);

    for (size_t i = 0; r == 0 && i < n; i++) {
        uint64_t drafts = 0;
        r = store_health_drafts(tx, mailboxes[i].mailbox_id, &drafts);
        if (r == 0 && drafts)
            doctor_find(doctor, FINDING_WARN, "they can be deleted; senditem.delegate_copy = requested leaves none",
                        "%" PRIu64 " drafts of %.*s were sent, with a copy in another mailbox, and lie there still", drafts,
                        (int)mailboxes[i].address.len, mailboxes[i].address.ptr);
        found += drafts;
    }
    return r || found ? r : doctor_find(doctor, FINDING_OK, NULL, "no draft was sent and left");
}

int doctor_drafts(struct doctor *doctor)
{
    return ctl_read(doctor->call, see_drafts, doctor);
}

/* ---- the queue ---- */

static int see_outbox(struct store_tx *tx, struct ctl_call *call ATTR_UNUSED, void *data)
{
    char text[WHEN_XS_SIZE];
    int64_t since;
    int r = store_held(tx, &since);

    if (r < 0)
        return r;
    if (r > 0)
        return doctor_find(data, FINDING_OK, NULL, "it is not held");
    when_format_xs(since, text);
    return doctor_find(data, FINDING_FAIL, "ewsctl queue list shows what waits; then ewsctl queue release --all",
                       "since %s all of it is held, as the store is a copy or was restored: no mail leaves", text);
}

int doctor_outbox(struct doctor *doctor)
{
    return ctl_read(doctor->call, see_outbox, doctor);
}

static int see_queue(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct store_health_queue queue;
    int64_t age;
    int r = store_health_queue(tx, &queue);

    if (r)
        return r;
    age = queue.oldest ? when_now() - queue.oldest : 0;
    if (queue.aside)
        doctor_find(data, FINDING_FAIL, "ewsctl store check says what is damaged; then ewsctl queue remove, or restore a backup",
                    "%" PRIu64 " recipients wait in messages that cannot be read", queue.aside);
    if (queue.held > (queue.aside ? 1 : 0))
        doctor_find(data, FINDING_WARN, "ewsctl queue list, and queue release", "%" PRIu64 " messages are held", queue.held);
    if (age > call->conf->outbox_expire * 1000 + OLD_MS)
        return doctor_find(data, FINDING_FAIL, "see that the server runs, and what its log says",
                           "a message waits for %" PRId64 " hours, longer than outbox.expire", age / 3600000);
    if (age > OLD_MS)
        return doctor_find(data, FINDING_WARN, "ewsctl queue list says why", "%" PRIu64 " messages wait, the oldest for %" PRId64 " hours",
                           queue.entries - queue.held, age / 3600000);
    return queue.held ? 0 : doctor_find(data, FINDING_OK, NULL, "%" PRIu64 " messages wait", queue.entries);
}

int doctor_queue(struct doctor *doctor)
{
    return ctl_read(doctor->call, see_queue, doctor);
}

int ctl_doctor_store(struct ctl_call *call)
{
    static const struct exam exams[] = {
#define HERE(name)
#define STORE(name) { #name, doctor_##name },
#define EXAM(place, name) place(name)
#include "bin/doctor.def"
#undef EXAM
#undef HERE
#undef STORE
    };

    return doctor_run(call, exams, ARRAY_LEN(exams));
}
