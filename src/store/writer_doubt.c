/*
 * A COMMIT whose answer was lost may stand or not, and to run its jobs once
 * more would be to do them twice. So each transaction of an engine that is
 * reached over a connection writes the number of its step into the writer's row
 * of the table `writer`, before anything else that it writes, and after
 * reconnecting that is read. The row is written to before it is read: that waits
 * for the end of the old transaction, if it is still under way, and what is read
 * then has reached every place that a commit has to reach.
 * Where an engine has several sites (driver.h), the mark is at the one that is
 * written to, and a transaction writes at no other. Jobs that don't go together are
 * run each alone. One that writes into the directory and a mailbox, as it makes that,
 * may: whether its transaction stands is then what the directory says, which is
 * committed last, and what it did elsewhere must bear being done again. One that
 * would write into mailboxes of two sites is refused the second.
 */
#include "base/when.h"
#include "store/writer.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define PATIENCE_MS 15000
#define PAUSE_MS 50
#define KEEP_MS 86400000 /* rows of writers that are no more */

/* ---- where a statement writes ---- */

static enum writes { WRITES_NOTHING, WRITES_DIRECTORY, WRITES_MAILBOX, WRITES_ANYWHERE } writes[STATEMENT_COUNT];

static enum writes read_statement(enum store_statement statement)
{
    static const char *const begins[] = { "INSERT INTO ", "UPDATE ", "DELETE FROM " };
    const char *text = statement_text[statement];

    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        size_t len = strlen(begins[i]);
        if (strncmp(text, begins[i], len) != 0)
            continue;
        if (!table_is_by_mailbox((struct span){ text + len, strcspn(text + len, " ") }))
            return WRITES_DIRECTORY;
        return statement_is_of_mailbox(statement) ? WRITES_MAILBOX : WRITES_ANYWHERE;
    }
    return WRITES_NOTHING;
}

static void read_statements(void)
{
    for (unsigned i = 0; i < STATEMENT_COUNT; i++)
        writes[i] = read_statement((enum store_statement)i);
}

/* 1: at no site in particular: what is in the way of many mailboxes may be done twice. */
static int site_of(struct store_tx *tx, enum writes what, int64_t mailbox_id, int64_t *ret_site)
{
    *ret_site = 0;
    if (what == WRITES_MAILBOX && mailbox_id > 0)
        return tx->driver->site(tx->conn, mailbox_id, ret_site);
    return what == WRITES_DIRECTORY ? 0 : tx->driver->site(tx->conn, 0, ret_site);
}

/* ---- the mark ---- */

static int write_mark(struct store_tx *tx)
{
    const struct store_mark *mark = &tx->holds->mark;
    const struct store_writer *writer = mark->writer;
    const struct store_value args[] = { V_INT(mark->site), V_INT(writer->id), V_INT(writer->step), V_INT(when_now()) };
    int64_t written = 0;

    if (mark->site == 0)
        return sql_run(tx, SQL_writer_step, args + 1, ARRAY_LEN(args) - 1, NULL);
    int r = sql_run(tx, SQL_mark_step, args, ARRAY_LEN(args), &written);
    return r == 0 && written == 0 ? sql_run(tx, SQL_mark_put, args, ARRAY_LEN(args), NULL) : r;
}

/* Than before in this transaction. */
static int write_elsewhere(struct store_tx *tx, int64_t site)
{
    struct store_mark *mark = &tx->holds->mark;

    if (!mark->shared && mark->site != 0 && site != 0)
        return -EXDEV;
    mark->apart = mark->shared;
    mark->directory = !mark->shared;
    tx->holds->refused = true;
    return -EAGAIN;
}

int mark_for_statement(struct store_tx *tx, enum store_statement statement, const struct store_value *args, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct store_mark *mark = &tx->holds->mark;
    int64_t site = 0;

    pthread_once(&once, read_statements);
    if (mark->state == MARK_NONE || writes[statement] == WRITES_NOTHING)
        return 0;
    int r = site_of(tx, writes[statement], n > 0 && args[0].type == STORE_INT ? args[0].number : 0, &site);
    if (r != 0)
        return r < 0 ? r : 0;
    if (mark->state == MARK_THERE && mark->site == site)
        return 0;
    if (mark->state != MARK_WANTED && mark->site != site)
        return write_elsewhere(tx, site);
    mark->state = MARK_THERE;
    mark->site = site;
    return write_mark(tx);
}

void mark_again(struct store_tx *tx)
{
    if (tx->holds && tx->holds->mark.state == MARK_THERE)
        tx->holds->mark.state = MARK_LOST;
}

int writer_begin_step(struct store_writer *writer, size_t jobs)
{
    struct store_mark *mark = &writer->holds.mark;

    if (writer->id == 0)
        return 0;
    writer->step++;
    mark->site = 0;
    mark->shared = jobs > 1;
    mark->state = mark->directory ? MARK_NONE : MARK_WANTED;
    return mark->directory ? write_mark(&writer->tx) : 0;
}

/* ---- in doubt ---- */

/* A row that is not there yet waits for the one that the old transaction puts. */
static int read_mark(struct store_writer *writer, int64_t *ret_step)
{
    struct store_tx *tx = &writer->tx;
    const int64_t site = writer->holds.mark.site, old = when_now() - KEEP_MS;
    const struct store_value args[] = { V_INT(site), V_INT(writer->id), V_INT(0), V_INT(when_now()) };
    const size_t key = site ? 0 : 1;
    int r = sql_run(tx, site ? SQL_mark_put : SQL_writer_put, args + key, ARRAY_LEN(args) - key, NULL);

    if (r == 0)
        r = sql_run(tx, site ? SQL_mark_touch : SQL_writer_touch, args + key, 2 - key, NULL);
    if (r == 0)
        r = sql_number(tx, site ? SQL_mark_get : SQL_writer_get, args + key, 2 - key, ret_step);
    if (r != 0)
        return r < 0 ? r : -EIO;
    return site ? sql_run(tx, SQL_mark_forget, ARGS(V_INT(site), V_INT(old)), NULL) : sql_run(tx, SQL_writer_forget, ARGS(V_INT(old)), NULL);
}

static int look(struct store_writer *writer, bool *ret_stands)
{
    struct store_tx *tx = &writer->tx;
    int64_t step = 0;
    int r = tx->driver->control(tx->conn, STORE_BEGIN_WRITE);

    if (r == 0)
        r = read_mark(writer, &step);
    if (r == 0)
        r = tx->driver->control(tx->conn, STORE_COMMIT);
    *ret_stands = (uint64_t)step == writer->step;
    return r;
}

int writer_settle_doubt(struct store_writer *writer)
{
    int64_t until = when_monotonic() + PATIENCE_MS;
    bool stands = false;

    do {
        writer_let_go(writer);
        int r = store_connect_writer(writer, false);
        if (r == 0)
            r = look(writer, &stands);
        if (r == 0)
            return stands ? 0 : 1;
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
    } while (when_monotonic() < until);
    return -EIO;
}
