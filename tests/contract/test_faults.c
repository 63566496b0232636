/*
 * The disk fails at each read, write, sync, truncation, opening, deletion and
 * mapping: under what clients do, deliveries, a bounce, recovery and migration;
 * once, or until the fault is cleared; with EIO or as a full disk. Whoever asked
 * hears of it in the words of store.h, and what was answered stands, what was
 * not happened wholly or not at all. Then, with the fault gone, the same store,
 * still open, does it, once.
 * Of the places one in STRIDE is tried, others with each kind of fault;
 * --everywhere tries all.
 */
#include "base/log.h"
#include "deeds.h"
#include "faulty.h"
#include "mime/mime.h"
#include "nth.h"
#include "store/store_content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "world.h"

#define STRIDE 7
#define LONG_RUN 60 /* behind so many places it is pieces of an attachment, one like the other */
#define RECIPIENTS 3 /* of what test_delivery sends */

static bool everywhere;
static size_t injected;

struct fault {
    enum faulty_error error;
    bool lasting;
};
static const struct fault faults[] = { { FAULTY_EIO, false }, { FAULTY_EIO, true }, { FAULTY_ENOSPC, false }, { FAULTY_ENOSPC, true } };

/* ---- a store for each trial ---- */

static void copy_file(const char *from_folder, const char *to_folder, const char *name)
{
    char from[512], to[512], piece[65536];
    snprintf(from, sizeof(from), "%s/%s", from_folder, name);
    snprintf(to, sizeof(to), "%s/%s", to_folder, name);
    (void)unlink(to);
    int in = open(from, O_RDONLY);
    if (in < 0)
        return;
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(out >= 0);
    for (ssize_t n; (n = read(in, piece, sizeof(piece))) > 0;)
        assert_int_equal(write(out, piece, (size_t)n), n);
    close(in);
    close(out);
}

/* A copy of the store in folder, as a kill at this instant would leave it. */
static void copy_store(const char *folder, struct deeds *trial)
{
    copy_file(folder, trial->path, "ewsd.db");
    copy_file(folder, trial->path, "ewsd.db-wal");
    copy_file("/dev/null", trial->path, "ewsd.db-shm"); /* none */
}

static bool is_told(int r, enum faulty_error error)
{
    return r == 0 || r == -EIO || (r == -ENOSPC && error == FAULTY_ENOSPC);
}

static size_t next_place(size_t at)
{
    return everywhere ? at + 1 : at < LONG_RUN ? at + STRIDE : at + 4 * STRIDE;
}

static size_t first_place(size_t run)
{
    return everywhere ? 1 : 1 + run % STRIDE;
}

/* ---- what clients do ---- */

struct deed {
    const char *name;
    int (*run)(struct deeds *deeds);
    size_t place; /* of its count in the ledger */
    bool once;    /* repeated, it is the same deed */
};

#define PLACE(member) (offsetof(struct ledger, member) / sizeof(size_t))

static size_t count(struct deeds *deeds, const struct deed *deed)
{
    struct ledger ledger = deeds_count(deeds);
    return ((const size_t *)&ledger)[deed->place];
}

/* True: something failed. */
static bool try_deed(struct deeds *trial, const char *base, const struct deed *deed, size_t at, const struct fault *fault)
{
    copy_store(base, trial);
    assert_int_equal(deeds_open(trial), 0);
    faulty_arm((unsigned)at, fault->error, fault->lasting);
    int r = deed->run(trial);
    unsigned failed = nth_clear();
    injected += failed;
    size_t done = count(trial, deed);
    if (!is_told(r, fault->error) || done > 1 || (r == 0 && done != 1))
        fail_msg("%s, fault %d at %zu: %d, and %zu there", deed->name, (int)fault->error, at, r, done);
    if (r) { /* the client asks again */
        assert_int_equal(deed->run(trial), 0);
        assert_int_equal(count(trial, deed), deed->once ? 1 : done + 1);
    }
    struct ledger before = deeds_count(trial);
    deeds_close(trial);
    assert_int_equal(deeds_open(trial), 0);
    struct ledger after = deeds_count(trial);
    assert_memory_equal(&before, &after, sizeof(before));
    deeds_check_chunks(trial);
    deeds_close(trial);
    return failed > 0;
}

static void test_clients(void **state)
{
    static const struct deed deeds_of_clients[] = {
        { "create", deeds_create, PLACE(created), false },
        { "create with a long attachment", deeds_create_long, PLACE(longs), false },
        { "update", deeds_update, PLACE(edited), true },
        { "send", deeds_send, PLACE(sent), true },
    };
    struct deeds base, trial;
    (void)state;
    deeds_prepare(&base);
    trial = base;
    deeds_make_folder(trial.path);
    for (size_t d = 0; d < ARRAY_LEN(deeds_of_clients); d++) {
        for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
            size_t at = first_place(f);
            while (try_deed(&trial, base.path, &deeds_of_clients[d], at, &faults[f]))
                at = next_place(at);
            print_message("%s, %s %s: %zu places\n", deeds_of_clients[d].name, faults[f].error == FAULTY_EIO ? "EIO" : "ENOSPC",
                          faults[f].lasting ? "from then on" : "once", at - 1);
        }
    }
    deeds_remove_folder(trial.path);
    deeds_done(&base);
}

/* ---- what the runner does ---- */

static bool try_delivery(struct deeds *trial, const char *base, size_t at, const struct fault *fault)
{
    copy_store(base, trial);
    assert_int_equal(deeds_open(trial), 0);
    uint64_t before = deeds_outcomes();
    faulty_arm((unsigned)at, fault->error, fault->lasting);
    struct outbox *outbox = deeds_start(trial);
    deeds_wait_for_fault(before + RECIPIENTS, fault->lasting);
    unsigned failed = nth_clear();
    injected += failed;
    deeds_wait(trial, outbox);
    outbox_stop(outbox);
    struct ledger ledger = deeds_count(trial);
    if (ledger.inbox != 1 || ledger.captured != 1 || ledger.reports != 1 || ledger.sent != 1)
        fail_msg("fault %d at %zu: %zu in the Inbox, %zu captured, %zu reports", (int)fault->error, at, ledger.inbox,
                 ledger.captured, ledger.reports);
    deeds_check_chunks(trial);
    deeds_close(trial);
    return failed > 0;
}

/* A message for bob and for elsewhere, and one that comes back. */
static void test_delivery(void **state)
{
    struct deeds base, trial;
    (void)state;
    deeds_prepare(&base);
    assert_int_equal(deeds_open(&base), 0);
    assert_int_equal(deeds_send(&base), 0);
    assert_int_equal(deeds_send_lost(&base), 0);
    deeds_close(&base);
    trial = base;
    deeds_make_folder(trial.path);
    for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
        size_t at = first_place(f);
        while (try_delivery(&trial, base.path, at, &faults[f]))
            at = next_place(at);
        print_message("delivery, fault %zu: %zu places\n", f, at - 1);
    }
    deeds_remove_folder(trial.path);
    deeds_done(&base);
}

/* ---- opening ---- */

/* Opens the copy while the disk fails: it opens, or says why not, and can be
 * opened afterwards. True: something failed. */
static bool try_open(struct deeds *trial, size_t at, const struct fault *fault)
{
    faulty_arm((unsigned)at, fault->error, fault->lasting);
    int r = deeds_open(trial);
    if (r == 0)
        deeds_close(trial);
    unsigned failed = nth_clear();
    injected += failed;
    if (!is_told(r, fault->error))
        fail_msg("opening, fault %d at %zu: %d", (int)fault->error, at, r);
    assert_int_equal(deeds_open(trial), 0);
    return failed > 0;
}

/* What a kill left in the log. */
static void test_recovery(void **state)
{
    struct deeds base, trial;
    char left[64];
    (void)state;
    deeds_prepare(&base);
    deeds_make_folder(left);
    assert_int_equal(deeds_open(&base), 0);
    assert_int_equal(deeds_create_long(&base), 0);
    assert_int_equal(deeds_send(&base), 0);
    trial = base;
    trial.store = NULL;
    snprintf(trial.path, sizeof(trial.path), "%s", left);
    copy_store(base.path, &trial);
    deeds_close(&base);
    deeds_make_folder(trial.path);
    for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
        bool more = true;
        for (size_t at = first_place(f); more; at = next_place(at)) {
            copy_store(left, &trial);
            more = try_open(&trial, at, &faults[f]);
            struct ledger ledger = deeds_count(&trial);
            assert_int_equal(ledger.longs, 1);
            assert_int_equal(ledger.sent, 1);
            assert_int_equal(ledger.queued, 1);
            deeds_close(&trial);
        }
    }
    deeds_remove_folder(trial.path);
    deeds_remove_folder(left);
    deeds_done(&base);
}

static void test_migration(void **state)
{
    struct deeds trial = { 0 };
    char old[64];
    (void)state;
    deeds_make_folder(old);
    deeds_make_folder(trial.path);
    make_version("sqlite", old, 1);
    assert_int_equal(arena_new(16u << 20, &trial.arena), 0);
    for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
        bool more = true;
        for (size_t at = first_place(f); more; at = next_place(at)) {
            int found, newest;
            copy_store(old, &trial);
            more = try_open(&trial, at, &faults[f]);
            store_versions(trial.store, &found, &newest);
            assert_true(found == 1 || found == newest);
            deeds_close(&trial);
        }
    }
    deeds_remove_folder(trial.path);
    deeds_remove_folder(old);
    arena_free(trial.arena);
}

static void test_the_sum(void **state)
{
    (void)state;
    print_message("%zu faults were injected\n", injected);
    assert_true(injected > 200);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = { cmocka_unit_test(test_clients), cmocka_unit_test(test_delivery),
                                        cmocka_unit_test(test_recovery), cmocka_unit_test(test_migration),
                                        cmocka_unit_test(test_the_sum) };
    everywhere = argc > 1 && strcmp(argv[1], "--everywhere") == 0;
    mime_init();
    log_set_level(LOG_ERROR_LEVEL);
    faulty_install();
    return cmocka_run_group_tests(cases, NULL, NULL);
}
