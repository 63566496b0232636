/*
 * Which mailboxes a writer's transaction has to itself, on an engine where
 * several write at the same time. Before the first statement about a mailbox
 * runs in a job, the mailbox is held, so that what a job reads of it stays true
 * until the commit, as with one writer.
 * Nobody waits for anybody in a circle: who waits, waits for a mailbox of a
 * higher number than all that he holds. What comes out of order is only tried;
 * when it is not to be had, the transaction begins anew with all that it is
 * known to need, in order.
 */
#include "store/store_core.h"

#include <errno.h>
#include <pthread.h>

/* ---- statements ---- */

static bool of_mailbox[STATEMENT_COUNT];

/* Who is who is asked for without a hold: it says nothing about what is in a
 * mailbox, and is asked about many. */
static bool is_about_one(const char *text)
{
    if (strncmp(text, "SELECT m.", 9) == 0)
        return false;
    if (strstr(text, "mailbox_id = $1"))
        return true;
    const char *columns = strncmp(text, "INSERT INTO ", 12) == 0 ? strchr(text, '(') : NULL;
    return columns && strncmp(columns, "(mailbox_id,", 12) == 0;
}

static void read_statements(void)
{
    for (unsigned i = 0; i < STATEMENT_COUNT; i++)
        of_mailbox[i] = is_about_one(statement_text[i]);
}

bool statement_is_of_mailbox(enum store_statement statement)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_statements);
    return of_mailbox[statement];
}

int hold_for_statement(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n)
{
    int r = 0;

    if (!tx->holds)
        return 0;
    /* They give the next number of all. */
    if (statement == SQL_mailbox_next || statement == SQL_capture_next)
        r = store_hold_mailbox(tx, HOLD_DIRECTORY);
    else if (n > 0 && args[0].type == STORE_INT && args[0].number > 0 && statement_is_of_mailbox(statement))
        r = store_hold_mailbox(tx, args[0].number);
    return r == 0 ? mark_for_statement(tx, statement, args, n) : r;
}

/* ---- holds ---- */

/* Where id is, or would be. */
static size_t place_of(const int64_t *ids, size_t n, int64_t id)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

static bool has(const int64_t *ids, size_t n, int64_t id)
{
    size_t at = place_of(ids, n, id);

    return at < n && ids[at] == id;
}

/* False: there is no room. */
static bool add(int64_t *ids, size_t *n, int64_t id)
{
    size_t at = place_of(ids, *n, id);

    if (at < *n && ids[at] == id)
        return true;
    if (*n == HOLDS_MAX)
        return false;
    memmove(ids + at + 1, ids + at, (*n - at) * sizeof(*ids));
    ids[at] = id;
    (*n)++;
    return true;
}

void holds_want(struct store_holds *holds, int64_t mailbox_id)
{
    (void)add(holds->wanted, &holds->wanted_n, mailbox_id); /* what has no room is taken when it is needed */
}

static int refuse(struct store_holds *holds, int64_t mailbox_id)
{
    for (size_t i = 0; i < holds->held_n; i++)
        holds_want(holds, holds->held[i]);
    holds_want(holds, mailbox_id);
    holds->refused = true;
    return -EAGAIN;
}

int store_hold_mailbox(struct store_tx *tx, int64_t mailbox_id)
{
    struct store_holds *holds = tx->holds;

    if (!holds)
        return 0;
    int alone = tx->lane ? lane_be_alone(tx, mailbox_id) : 0;
    if (alone != 0 || has(holds->held, holds->held_n, mailbox_id))
        return alone;
    if (holds->refused)
        return -EAGAIN;
    bool in_order = holds->held_n == 0 || mailbox_id > holds->held[holds->held_n - 1];
    int r = tx->driver->hold(tx->conn, &mailbox_id, 1, in_order);
    if (r == 1)
        return refuse(holds, mailbox_id);
    if (r == 0 && !add(holds->held, &holds->held_n, mailbox_id))
        return -E2BIG;
    return r;
}

int store_hold_new(struct store_tx *tx, int64_t mailbox_id)
{
    return !tx->holds || add(tx->holds->held, &tx->holds->held_n, mailbox_id) ? 0 : -E2BIG;
}

static int take_free(struct store_tx *tx)
{
    struct store_holds *holds = tx->holds;
    bool held[HOLDS_MAX];
    int r = tx->driver->hold_free(tx->conn, holds->wanted, holds->wanted_n, held);

    for (size_t i = 0; r == 0 && i < holds->wanted_n; i++)
        if (held[i])
            holds->held[holds->held_n++] = holds->wanted[i];
    return r;
}

int holds_begin(struct store_tx *tx, bool only_free)
{
    struct store_holds *holds = tx->holds;

    if (!holds)
        return 0;
    holds->held_n = 0;
    holds->refused = false;
    if (holds->wanted_n == 0)
        return 0;
    int r = only_free ? take_free(tx) : 0;
    if (r != 0 || holds->held_n > 0)
        return r;
    r = tx->driver->hold(tx->conn, holds->wanted, holds->wanted_n, true);
    if (r != 0)
        return r;
    memcpy(holds->held, holds->wanted, holds->wanted_n * sizeof(*holds->held));
    holds->held_n = holds->wanted_n;
    return 0;
}

bool holds_have(const struct store_holds *holds, int64_t mailbox_id)
{
    return has(holds->held, holds->held_n, mailbox_id);
}
