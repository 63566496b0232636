/*
 * Jobs that share a transaction: each as if it were alone, in whatever turns they
 * run, and where the engine is far away with the ways there and back in common.
 */
#include "world.h"

#include "model/code.h"
#include "store/store_core.h"
#include "store/store_item.h"
#include "store/writer.h"

#include <errno.h>
#include <sched.h>

enum { BOXES = 8, ASKED = 3, TASKS_MAX = 64 };

/* What happens in a group, and its mailboxes. */
struct stage {
    struct world *world;
    int64_t boxes[BOXES];
    bool others; /* made after eight of them */
    int under_way[BOXES]; /* jobs of the mailbox that have begun and not ended */
    int all_under_way;
    int told;
    int told_before_commit;
    int told_when_stored;
};

/* A job: it asks, writes an item, and does what it is for. */
struct task {
    struct stage *stage;
    size_t box, other;   /* indexes of mailboxes */
    int asks;
    int code;            /* fails with it... */
    bool before_writing; /* ...before it writes, or behind */
    bool guarded;        /* undoes one more item by a savepoint */
    bool crosses;        /* writes into the other mailbox, too */
    bool breaks;         /* by a statement that the engine refuses */
    int runs;
    int overlaps;
    int seen;            /* how many items its mailbox had */
    int64_t order;
};

static _Atomic int64_t clock_now;

static int insert(struct store_tx *tx, int64_t mailbox_id)
{
    struct item item;

    item_init(&item);
    item.mailbox_id = mailbox_id;
    item.folder_no = FOLDER_ROLE_inbox;
    return store_item_insert(tx, &item);
}

static int count(struct store_tx *tx, int64_t mailbox_id, int *ret_total)
{
    struct folder folder;
    int r = store_folder_by_role(tx, tx->scratch, mailbox_id, FOLDER_ROLE_inbox, &folder);

    if (r == 0)
        *ret_total = (int)folder.total;
    return r;
}

/* Nobody else is in the middle of something meanwhile, who could lose by it. */
static int try_and_undo(struct store_tx *tx, struct task *task)
{
    int r = store_savepoint(tx), began = 0, after = 0;

    if (r == 0)
        r = count(tx, task->stage->boxes[(task->box + 1) % BOXES], &began);
    if (r == 0)
        r = insert(tx, task->stage->boxes[task->box]);
    if (r == 0)
        r = count(tx, task->stage->boxes[(task->box + 1) % BOXES], &after);
    task->overlaps += began != after;
    return r == 0 ? store_savepoint_rollback(tx) : r;
}

static int work_on(struct store_tx *tx, struct task *task)
{
    const struct stage *stage = task->stage;
    int64_t box = stage->boxes[task->box], size;
    int r = 0, now = 0;

    for (int i = 0; r == 0 && i < task->asks; i++)
        r = sql_number(tx, SQL_mailbox_size, ARGS(V_INT(box)), &size);
    if (r == 0)
        r = count(tx, box, &task->seen);
    if (r == 0 && task->before_writing)
        return task->code;
    if (r == 0)
        r = insert(tx, box);
    if (r == 0 && task->guarded)
        r = try_and_undo(tx, task);
    if (r == 0 && task->crosses)
        r = insert(tx, stage->boxes[task->other]);
    if (r == 0 && task->breaks)
        r = sql_run_text(tx, "INSERT INTO meta (name, value) VALUES ('id_secret', NULL)", NULL, 0);
    if (r == 0)
        r = count(tx, box, &now);
    task->overlaps += r == 0 && now != task->seen + 1;
    return r != 0 ? r : task->code;
}

static int run_task(struct store_tx *tx, void *arg)
{
    struct task *task = arg;
    struct stage *stage = task->stage;

    task->runs++;
    task->order = ++clock_now;
    task->overlaps += stage->under_way[task->box]++ > 0;
    int r = work_on(tx, task);
    stage->under_way[task->box]--;
    return r;
}

/* ---- the stage ---- */

static int make_boxes(struct store_tx *tx, struct world *world, void *data)
{
    struct stage *stage = data;
    int r = 0;

    for (size_t i = 0; r == 0 && i < BOXES; i++) {
        char address[] = "box0@example.test";
        address[0] = stage->others ? 'f' : 'b';
        address[3] = (char)('0' + i);
        r = store_mailbox_create(tx, span_of(address), SPAN(""), SPAN("$y$hash"), &stage->boxes[i]);
    }
    (void)world;
    return r;
}

static void write_tasks(struct stage *stage, struct task *tasks, size_t n, int *ret_results)
{
    struct store_work work[TASKS_MAX];

    for (size_t i = 0; i < n; i++) {
        tasks[i].stage = stage;
        work[i] = (struct store_work){ .job = run_task, .arg = &tasks[i], .mailbox_id = stage->boxes[tasks[i].box] };
    }
    store_write_all(stage->world->store, work, n);
    for (size_t i = 0; i < n; i++)
        ret_results[i] = work[i].result;
}

/* One writer, so that what is handed in together is one group; its connection has
 * been used. */
static struct stage stage_of(struct world *world)
{
    struct stage stage = { .world = world };
    struct task first = { .box = 0 };
    int result;

    world->options.writers = 1;
    reopen(world);
    assert_int_equal(do_write(world, make_boxes, &stage), 0);
    write_tasks(&stage, &first, 1, &result);
    assert_int_equal(result, 0);
    return stage;
}

static int items_in(const struct stage *stage, size_t box)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(stage->world);
    int total = -1;

    assert_int_equal(count(tx, stage->boxes[box], &total), 0);
    return total;
}

static uint64_t commits_of(const struct stage *stage)
{
    uint64_t commits, jobs;

    store_stats(stage->world->store, &commits, &jobs);
    return commits;
}

/* ---- cases ---- */

/* The job with most questions says how often the engine is asked. */
static void test_rounds_are_shared(void **state)
{
    struct stage stage = stage_of(*state);
    struct task tasks[BOXES] = { 0 };
    int results[BOXES];
    uint64_t rounds[2];

    for (int more = 0; more < 2; more++) {
        uint64_t before = stage.world->store->shared_rounds, commits = commits_of(&stage);
        for (size_t i = 0; i < BOXES; i++)
            tasks[i] = (struct task){ .box = i, .asks = (i == 5 ? ASKED : 1) + more };
        write_tasks(&stage, tasks, BOXES, results);
        rounds[more] = stage.world->store->shared_rounds - before;
        assert_int_equal(commits_of(&stage) - commits, 1);
        for (size_t i = 0; i < BOXES; i++) {
            assert_int_equal(results[i], 0);
            assert_int_equal(tasks[i].runs, 1);
            assert_int_equal(tasks[i].seen, more + (i == 0));
        }
    }
    assert_int_equal(rounds[1] - rounds[0], is_sqlite(stage.world) ? 0 : 1);
    assert_in_range(rounds[0], is_sqlite(stage.world) ? 0 : ASKED + 3, is_sqlite(stage.world) ? 0 : ASKED + 6);
}

static void test_jobs_of_a_mailbox_keep_their_order(void **state)
{
    struct stage stage = stage_of(*state);
    struct task tasks[12] = { 0 };
    int results[ARRAY_LEN(tasks)];

    for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
        tasks[i] = (struct task){ .box = 1 + i % 2, .asks = (int)(i % 4) };
    write_tasks(&stage, tasks, ARRAY_LEN(tasks), results);
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        assert_int_equal(results[i], 0);
        assert_int_equal(tasks[i].overlaps, 0);
        assert_int_equal(tasks[i].seen, i / 2);
        assert_true(i < 2 || tasks[i].order > tasks[i - 2].order);
    }
}

/* What the engine needs for the rows of a part is still at hand for the next of it. */
static void test_jobs_of_a_part_follow_one_another(void **state)
{
    struct stage stage = stage_of(*state);
    const struct store *store = stage.world->store;
    struct task tasks[BOXES] = { 0 }; /* of mailboxes that lie in both parts */
    unsigned part[BOXES], ascents = 0, descents = 0;
    int results[BOXES];

    if (!store->parts)
        return;
    stage.others = true;
    assert_int_equal(do_write(stage.world, make_boxes, &stage), 0);
    for (size_t i = 0; i < BOXES; i++) {
        tasks[i] = (struct task){ .box = i, .asks = 1 };
        part[i] = store->driver->part(stage.boxes[i], store->parts);
        ascents += i > 0 && part[i - 1] < part[i];
        descents += i > 0 && part[i - 1] > part[i];
    }
    assert_true(ascents > 0 && descents > 0);
    write_tasks(&stage, tasks, BOXES, results);
    for (size_t i = 0; i < BOXES; i++)
        for (size_t k = 0; k < BOXES; k++)
            assert_true(part[i] >= part[k] || tasks[i].order < tasks[k].order);
}

static void test_failing_jobs_fail_alone(void **state)
{
    struct stage stage = stage_of(*state);
    struct task tasks[BOXES] = { 0 };
    int results[BOXES];

    for (size_t i = 0; i < BOXES; i++)
        tasks[i] = (struct task){ .box = i, .asks = 1, .code = i == 2 ? CODE_ErrorItemSave : 0, .before_writing = i == 2 };
    write_tasks(&stage, tasks, BOXES, results);
    for (size_t i = 0; i < BOXES; i++) { /* who has written nothing leaves nothing to undo */
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(results[i], i == 2 ? CODE_ErrorItemSave : 0);
        assert_int_equal(items_in(&stage, i), i == 0 ? 2 : i == 2 ? 0 : 1);
    }
    for (size_t i = 0; i < BOXES; i++)
        tasks[i] = (struct task){ .box = i, .asks = 1, .code = i == 4 ? CODE_ErrorItemSave : i == 6 ? -EPROTO : 0 };
    write_tasks(&stage, tasks, BOXES, results);
    for (size_t i = 0; i < BOXES; i++) {
        assert_int_equal(results[i], tasks[i].code);
        assert_int_equal(items_in(&stage, i), (i == 0 ? 3 : i == 2 ? 1 : 2) - (tasks[i].code ? 1 : 0));
    }
}

static void test_engine_refuses_one(void **state)
{
    struct stage stage = stage_of(*state);
    struct task tasks[BOXES] = { 0 };
    int results[BOXES];

    for (size_t i = 0; i < BOXES; i++)
        tasks[i] = (struct task){ .box = i, .asks = (int)i, .breaks = i == 3 };
    write_tasks(&stage, tasks, BOXES, results);
    for (size_t i = 0; i < BOXES; i++) {
        assert_true(i == 3 ? results[i] < 0 : results[i] == 0);
        assert_int_equal(items_in(&stage, i), i == 0 ? 2 : i == 3 ? 0 : 1);
    }
}

/* What is undone by a savepoint is nobody else's. */
static void test_savepoints_are_alone(void **state)
{
    struct stage stage = stage_of(*state);
    struct task tasks[BOXES] = { 0 };
    int results[BOXES];

    for (size_t i = 0; i < BOXES; i++)
        tasks[i] = (struct task){ .box = i, .asks = i % 3 == 1 ? 0 : (int)i, .guarded = i % 3 == 1 }; /* others write meanwhile */
    write_tasks(&stage, tasks, BOXES, results);
    for (size_t i = 0; i < BOXES; i++) {
        assert_int_equal(results[i], 0);
        assert_int_equal(tasks[i].overlaps, 0);
        assert_int_equal(items_in(&stage, i), i == 0 ? 2 : 1);
    }
}

static void test_other_mailboxes(void **state)
{
    struct stage stage = stage_of(*state);
    struct task tasks[4] = { 0 };
    int results[ARRAY_LEN(tasks)];

    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) /* into one of which no job is */
        tasks[i] = (struct task){ .box = i, .asks = 1, .crosses = i == 1, .other = 7 };
    write_tasks(&stage, tasks, ARRAY_LEN(tasks), results);
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        assert_int_equal(results[i], 0);
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(items_in(&stage, i), i == 0 ? 2 : 1);
    }
    assert_int_equal(items_in(&stage, 7), 1);
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) /* in a circle */
        tasks[i] = (struct task){ .box = i, .asks = 1, .crosses = true, .other = (i + 1) % ARRAY_LEN(tasks) };
    write_tasks(&stage, tasks, ARRAY_LEN(tasks), results);
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        assert_int_equal(results[i], 0);
        assert_int_equal(tasks[i].overlaps, 0);
        assert_int_equal(items_in(&stage, i), i == 0 ? 4 : 3);
    }
}

/* They come behind the others. */
static void test_jobs_of_no_mailbox(void **state)
{
    struct stage stage = stage_of(*state);
    struct task tasks[BOXES] = { 0 };
    struct store_work work[BOXES];

    for (size_t i = 0; i < BOXES; i++) {
        tasks[i] = (struct task){ .stage = &stage, .box = i, .asks = 1 };
        work[i] = (struct store_work){ .job = run_task, .arg = &tasks[i], .mailbox_id = i % 4 == 3 ? 0 : stage.boxes[i] };
    }
    store_write_all(stage.world->store, work, BOXES);
    for (size_t i = 0; i < BOXES; i++) {
        assert_int_equal(work[i].result, 0);
        assert_int_equal(items_in(&stage, i), i == 0 ? 2 : 1);
    }
}

static int ask_domain(struct store_tx *tx, void *arg)
{
    bool *local = arg;
    const char *domain = local[1] ? "elsewhere.test" : "example.test";

    return store_domain_is_local(tx, span_of(domain), local);
}

static void test_domains_are_asked_once(void **state)
{
    struct stage stage = stage_of(*state);
    bool local[BOXES][2];
    struct store_work work[BOXES];
    uint64_t before = stage.world->store->shared_rounds;

    for (size_t i = 0; i < BOXES; i++) {
        local[i][0] = local[i][1] = i % 2;
        work[i] = (struct store_work){ .job = ask_domain, .arg = local[i], .mailbox_id = stage.boxes[i] };
    }
    store_write_all(stage.world->store, work, BOXES);
    for (size_t i = 0; i < BOXES; i++) {
        assert_int_equal(work[i].result, 0);
        assert_int_equal(local[i][0], i % 2 == 0);
    }
    assert_int_equal(stage.world->store->shared_rounds - before, is_sqlite(stage.world) ? 0 : 1);
}

static unsigned writer_of(const struct store *store, int64_t mailbox_id, unsigned writers)
{
    return store->parts >= writers ? store->driver->part(mailbox_id, store->parts) % writers : (unsigned)(mailbox_id % writers);
}

/* Whose numbers would have them go to different writers, but not their parts. */
static bool are_neighbours(const struct store *store, int64_t a, int64_t b)
{
    return a % 2 != b % 2 && writer_of(store, a, 2) == writer_of(store, b, 2);
}

static void test_writers_keep_to_their_parts(void **state)
{
    struct stage stage = stage_of(*state);
    struct task tasks[2] = { { .box = 0 }, { .box = 1 } };
    int results[2];

    stage.world->options.writers = 2;
    reopen(stage.world);
    const struct store *store = stage.world->store;
    assert_int_equal(store->parts > 0, !is_sqlite(stage.world));
    while (store->parts && tasks[1].box < BOXES && !are_neighbours(store, stage.boxes[0], stage.boxes[tasks[1].box]))
        tasks[1].box++;
    assert_in_range(tasks[1].box, 1, BOXES - 1);
    uint64_t before = commits_of(&stage);
    write_tasks(&stage, tasks, ARRAY_LEN(tasks), results);
    assert_int_equal(results[0], 0);
    assert_int_equal(results[1], 0);
    assert_int_equal(commits_of(&stage) - before, 1);
}

/* Other nodes have theirs: of four writers two are left, then one. */
static void test_nodes_share_the_writers(void **state)
{
    static const struct { unsigned nodes, used; } cases[] = { { 0, 4 }, { 1, 4 }, { 2, 2 }, { 3, 1 }, { 4, 1 }, { 9, 1 }, { 1, 4 } };
    struct stage stage = stage_of(*state);
    struct task tasks[BOXES];
    int results[BOXES];

    stage.world->options.writers = 4;
    reopen(stage.world);
    struct store *store = stage.world->store;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool used[4] = { false };
        unsigned n = 0;
        for (size_t box = 0; box < BOXES; box++)
            tasks[box] = (struct task){ .box = box };
        store_share_writers(store, cases[i].nodes);
        uint64_t before = commits_of(&stage);
        write_tasks(&stage, tasks, BOXES, results);
        for (size_t box = 0; store->parts && box < BOXES; box++)
            used[writer_of(store, stage.boxes[box], cases[i].used)] = true;
        for (size_t k = 0; k < ARRAY_LEN(used); k++)
            n += used[k];
        for (size_t box = 0; box < BOXES; box++)
            assert_int_equal(results[box], 0);
        assert_int_equal(commits_of(&stage) - before, store->parts ? n : 1);
    }
}

/* ---- what is told when ---- */

static void before_commit(void *arg)
{
    struct stage *stage = arg;

    stage->told_before_commit += stage->told;
}

static struct stage *told_stage;
static sem_t all_told;

static void tell(struct store_pending *pending)
{
    (void)pending;
    told_stage->told++;
    sem_post(&all_told);
}

/* The only writer, until all are queued that are to be in one group. */
static void keep_from_writing(struct store *store, bool keep)
{
    struct store_writer *writer = store->writers;

    pthread_mutex_lock(&writer->lock);
    writer->writing = keep;
    pthread_mutex_unlock(&writer->lock);
    if (!keep)
        sem_post(&writer->filled);
}

/* A job in each mailbox, all of them in one group of the writer's thread. */
static void write_later(struct stage *stage)
{
    struct task tasks[BOXES];
    struct store_pending pending[BOXES];

    told_stage = stage;
    assert_int_equal(sem_init(&all_told, 0, 0), 0);
    keep_from_writing(stage->world->store, true);
    for (size_t i = 0; i < BOXES; i++) {
        tasks[i] = (struct task){ .stage = stage, .box = i, .asks = 2 };
        pending[i] = (struct store_pending){ .job = run_task, .arg = &tasks[i], .done = tell, .mailbox_id = stage->boxes[i] };
        store_write_later(stage->world->store, &pending[i]);
    }
    stage->told_before_commit = 0;
    keep_from_writing(stage->world->store, false);
    for (size_t i = 0; i < BOXES; i++)
        while (sem_wait(&all_told) != 0)
            continue; /* a signal */
    for (size_t i = 0; i < BOXES; i++) {
        assert_int_equal(pending[i].result, 0);
        assert_int_equal(items_in(stage, i), i == 0 ? 2 : 1);
    }
}

static void test_nobody_is_told_before_commit(void **state)
{
    struct stage stage = stage_of(*state);

    stage.world->options.before_commit = before_commit;
    stage.world->options.hook_arg = &stage;
    reopen(stage.world);
    write_later(&stage);
    assert_int_equal(stage.told_before_commit, 0);
    store_close(stage.world->store);
    sem_destroy(&all_told);
    stage.world->options.before_commit = NULL;
    assert_int_equal(store_open(&stage.world->options, &stage.world->store), 0);
}

/* ---- two nodes ---- */

enum { ROUNDS = 40 };

struct node {
    struct stage stage;
    bool down; /* the last mailbox first */
    int bad;
};

static void *run_node(void *arg)
{
    struct node *node = arg;
    struct task tasks[BOXES];
    int results[BOXES];

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BOXES; i++)
            tasks[i] = (struct task){ .box = node->down ? BOXES - 1 - i : i, .asks = (int)(i % 3) };
        write_tasks(&node->stage, tasks, BOXES, results);
        for (size_t i = 0; i < BOXES; i++)
            node->bad += results[i] != 0 || tasks[i].overlaps != 0;
    }
    return NULL;
}

/* Each takes its mailboxes at once, and in one order: none waits in a circle, and
 * what a job counts is not changed by the other node. */
static void test_nodes_in_opposite_order(void **state)
{
    struct stage stage = stage_of(*state);
    struct world other = *stage.world;
    struct node nodes[2] = { { .stage = stage }, { .stage = stage, .down = true } };
    pthread_t threads[2];

    if (is_sqlite(stage.world))
        return; /* has one node */
    assert_int_equal(store_open(&other.options, &other.store), 0);
    nodes[1].stage.world = &other;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_node, &nodes[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    store_close(other.store);
    assert_int_equal(nodes[0].bad + nodes[1].bad, 0);
    for (size_t i = 0; i < BOXES; i++)
        assert_int_equal(items_in(&stage, i), 2 * ROUNDS + (i == 0));
}

/* A node that has a mailbox until it is let go. */
struct holder {
    struct stage stage;
    sem_t has, let_go;
    int result;
};

static int hold_on(struct store_tx *tx, void *arg)
{
    struct holder *holder = arg;
    int total;
    int r = count(tx, holder->stage.boxes[0], &total);

    sem_post(&holder->has);
    while (r == 0 && sem_trywait(&holder->let_go) != 0)
        r = count(tx, holder->stage.boxes[0], &total); /* or the engine takes its program for dead */
    return r;
}

static void *run_holder(void *arg)
{
    struct holder *holder = arg;
    struct store_work work = { .job = hold_on, .arg = holder, .mailbox_id = holder->stage.boxes[0] };

    store_write_all(holder->stage.world->store, &work, 1);
    holder->result = work.result;
    return NULL;
}

static bool somebody_waits(struct world *world)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = reader(world);
    struct sql sql;

    assert_int_equal(sql_open_text(tx, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", NULL, 0, &sql), 0);
    int r = sql_next(&sql);
    sql_close(&sql);
    return r == 1;
}

/* Jobs of a node, in pairs: the second of each is queued when the one before is told. */
enum { PAIRED = 4 };
static struct store_pending paired[PAIRED];
static _Atomic int paired_told[PAIRED];
static sem_t some_told;

static void tell_pair(struct store_pending *pending)
{
    size_t i = (size_t)(pending - paired);

    paired_told[i] = true;
    if (i > 0 && i + 1 < PAIRED)
        store_write_later(told_stage->world->store, pending + 1);
    sem_post(&some_told);
}

/* A mailbox that another node has is passed over, but not more than twice; then all of
 * its group wait for it. */
static void test_what_another_node_has_is_put_off(void **state)
{
    struct stage stage = stage_of(*state);
    struct world other = *stage.world;
    struct holder holder = { .stage = stage };
    struct task tasks[PAIRED];
    bool told[PAIRED]; /* while somebody waits for the mailbox */
    pthread_t thread;

    if (is_sqlite(stage.world))
        return; /* has one node */
    assert_int_equal(store_open(&other.options, &other.store), 0);
    holder.stage.world = &other;
    sem_init(&holder.has, 0, 0);
    sem_init(&holder.let_go, 0, 0);
    sem_init(&some_told, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, run_holder, &holder), 0);
    while (sem_wait(&holder.has) != 0)
        continue; /* a signal */
    told_stage = &stage;
    store_share_writers(stage.world->store, 2);
    for (size_t i = 0; i < PAIRED; i++) {
        paired_told[i] = false;
        tasks[i] = (struct task){ .stage = &stage, .box = i, .asks = 1 };
        paired[i] = (struct store_pending){ .job = run_task, .arg = &tasks[i], .done = tell_pair, .mailbox_id = stage.boxes[i] };
    }
    keep_from_writing(stage.world->store, true);
    store_write_later(stage.world->store, &paired[0]);
    store_write_later(stage.world->store, &paired[1]);
    keep_from_writing(stage.world->store, false);
    while (!somebody_waits(stage.world))
        sched_yield();
    for (size_t i = 0; i < PAIRED; i++)
        told[i] = paired_told[i];
    sem_post(&holder.let_go);
    for (size_t i = 0; i < PAIRED; i++)
        while (sem_wait(&some_told) != 0)
            continue; /* a signal */
    pthread_join(thread, NULL);
    store_close(other.store);
    assert_int_equal(holder.result, 0);
    for (size_t i = 0; i < PAIRED; i++) {
        assert_int_equal(told[i], i == 1 || i == 2);
        assert_int_equal(paired[i].result, 0);
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(items_in(&stage, i), i == 0 ? 2 : 1);
    }
    assert_int_equal(paired[0].times_put_off, 2);
}

/* It is asked before any job runs, and nothing is lost by it. */
static int break_asking(struct store_tx *tx, struct world *world, void *data)
{
    (void)world, (void)data;
    int r = sql_run_text(tx, "CREATE FUNCTION public.pg_try_advisory_xact_lock(key BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql AS "
                             "$$ BEGIN RAISE 'not now'; END $$", NULL, 0);
    return r ? r : sql_run_text(tx, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', "
                                    "current_database()); END $$", NULL, 0);
}

static void test_what_is_free_cannot_be_asked(void **state)
{
    struct stage stage = stage_of(*state);

    if (is_sqlite(stage.world))
        return; /* has one node */
    assert_int_equal(do_write(stage.world, break_asking, NULL), 0);
    reopen(stage.world);
    store_share_writers(stage.world->store, 2);
    uint64_t before = commits_of(&stage);
    write_later(&stage);
    assert_int_equal(commits_of(&stage) - before, 1);
    store_close(stage.world->store);
    sem_destroy(&all_told);
    assert_int_equal(store_open(&stage.world->options, &stage.world->store), 0);
}

/* Where it is of use, until half of those who were answered are there again; but a group
 * need not be larger than 32. */
static void test_whom_a_group_waits_for(void **state)
{
    static const struct { unsigned writers, nodes; size_t answered, queued, awaits; } cases[] = {
        { 2, 2, 8, 0, 4 }, { 2, 2, 9, 3, 8 }, { 2, 3, 2, 0, 1 }, { 1, 2, 60, 10, 32 },
        { 2, 2, 8, 31, 32 }, { 2, 2, 8, 32, 0 }, /* as many as are enough */
        { 2, 2, 1, 0, 0 },                       /* a client alone */
        { 2, 1, 8, 0, 0 }, { 2, 0, 8, 0, 0 },    /* no other node */
        { 4, 2, 8, 0, 0 },                       /* who was answered comes back to either writer */
    };
    struct stage stage = stage_of(*state);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        stage.world->options.writers = cases[i].writers;
        reopen(stage.world);
        store_share_writers(stage.world->store, cases[i].nodes);
        assert_int_equal(writer_awaits(stage.world->store, cases[i].answered, cases[i].queued),
                         is_sqlite(stage.world) ? 0 : cases[i].awaits);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        WORLD_CASE(test_rounds_are_shared),
        WORLD_CASE(test_jobs_of_a_mailbox_keep_their_order),
        WORLD_CASE(test_jobs_of_a_part_follow_one_another),
        WORLD_CASE(test_failing_jobs_fail_alone),
        WORLD_CASE(test_engine_refuses_one),
        WORLD_CASE(test_savepoints_are_alone),
        WORLD_CASE(test_other_mailboxes),
        WORLD_CASE(test_jobs_of_no_mailbox),
        WORLD_CASE(test_domains_are_asked_once),
        WORLD_CASE(test_writers_keep_to_their_parts),
        WORLD_CASE(test_nodes_share_the_writers),
        WORLD_CASE(test_nobody_is_told_before_commit),
        WORLD_CASE(test_nodes_in_opposite_order),
        WORLD_CASE(test_what_another_node_has_is_put_off),
        WORLD_CASE(test_what_is_free_cannot_be_asked),
        WORLD_CASE(test_whom_a_group_waits_for),
    };

    return world_run(cases, ARRAY_LEN(cases));
}
