/*
 * A COMMIT whose answer was lost may stand or not, and to run its jobs once
 * more would be to do them twice. So each transaction of an engine that is
 * reached over a connection writes the number of its step into the writer's row
 * of the table `writer`, and after reconnecting that is read. The row is written
 * to before it is read: that waits for the end of the old transaction, if it is
 * still under way, and what is read then has reached every place that a commit
 * has to reach.
 */
#include "base/when.h"
#include "store/writer.h"

#include <errno.h>
#include <time.h>

#define PATIENCE_MS 15000
#define PAUSE_MS 50
#define KEEP_MS 86400000 /* rows of writers that are no more */

int writer_mark(struct store_writer *writer)
{
    if (writer->id == 0)
        return 0;
    writer->step++;
    return sql_run(&writer->tx, SQL_writer_step, ARGS(V_INT(writer->id), V_INT(writer->step), V_INT(when_now())), NULL);
}

static int look(struct store_writer *writer, bool *ret_stands)
{
    struct store_tx *tx = &writer->tx;
    int64_t step = 0;
    int r = tx->driver->control(tx->conn, STORE_BEGIN_WRITE);

    if (r == 0)
        r = sql_run(tx, SQL_writer_touch, ARGS(V_INT(writer->id)), NULL);
    if (r == 0)
        r = sql_number(tx, SQL_writer_get, ARGS(V_INT(writer->id)), &step);
    if (r == 1)
        step = 0;
    if (r >= 0)
        r = sql_run(tx, SQL_writer_forget, ARGS(V_INT(when_now() - KEEP_MS)), NULL);
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
