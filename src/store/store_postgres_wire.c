/*
 * The way to PostgreSQL and back: what is sent, and the answers that are owed.
 * Nobody waits for an answer longer than PATIENCE_MS, or LONG_MS where all of a
 * store is gone through: then the connection is given up.
 */
#include "store/store_postgres.h"

#include "base/when.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#define PATIENCE_MS 60000
#define LONG_MS 21600000

/* ---- what failed ---- */

static int error_of(const char *state)
{
    static const struct {
        const char *state; /* or its beginning */
        int error;
    } errors[] = {
        { "23505", -EEXIST }, { "53100", -ENOSPC }, { "53200", -ENOMEM }, { "40001", -EAGAIN },
        { "40P01", -EAGAIN }, { "55P03", -EAGAIN }, { "22021", -EILSEQ }, { "XX001", -EUCLEAN },
        { "XX002", -EUCLEAN }, { "57P", -EIO },
    };

    for (size_t i = 0; state && i < ARRAY_LEN(errors); i++)
        if (strncmp(state, errors[i].state, strlen(errors[i].state)) == 0)
            return errors[i].error;
    return -EIO;
}

int postgres_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC)
        return 0;
    return error_of(result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL);
}

int postgres_fail(struct store_conn *conn, int error)
{
    if (!conn->failed)
        conn->error = error;
    conn->failed = true;
    return conn->error;
}

int postgres_break_off(struct store_conn *conn)
{
    if (!conn->failed)
        conn->unknown = true;
    conn->broken = true;
    conn->owed_n = 0;
    return postgres_fail(conn, -EIO);
}

/* ---- sending ---- */

static int owe(struct store_conn *conn, int32_t what)
{
    conn->owed[conn->owed_n++] = (struct postgres_owed){ .what = what };
    return 0;
}

/* Room for the answers of one more statement that is prepared, and a sync. */
static int make_room(struct store_conn *conn)
{
    if (conn->broken)
        return postgres_fail(conn, -EIO);
    return conn->owed_n + 4 > POSTGRES_OWED_MAX ? postgres_drain(conn) : 0;
}

int postgres_sync(struct store_conn *conn)
{
    if (!PQpipelineSync(conn->pg))
        return postgres_break_off(conn);
    return owe(conn, OWED_SYNC);
}

/* The database may have a patience of its own. */
int postgres_be_patient(struct store_conn *conn)
{
    int r = conn->patient ? 0 : postgres_send(conn, 0, "SET LOCAL statement_timeout = 0", NULL, 0);

    conn->patient = true;
    return r;
}

/* Arguments as libpq takes them. */
struct arguments {
    int64_t numbers[POSTGRES_ARGS_MAX];
    const char *values[POSTGRES_ARGS_MAX];
    int lengths[POSTGRES_ARGS_MAX], formats[POSTGRES_ARGS_MAX];
    Oid types[POSTGRES_ARGS_MAX];
    int n;
};

static int set_argument(struct arguments *to, size_t i, const struct store_value *arg)
{
    if (arg->bytes.len > INT32_MAX)
        return -EFBIG;
    to->formats[i] = 1;
    to->lengths[i] = (int)arg->bytes.len;
    to->values[i] = arg->bytes.ptr ? arg->bytes.ptr : "";
    switch (arg->type) {
    case STORE_NULL:
        to->values[i] = NULL;
        to->types[i] = TYPE_UNKNOWN;
        break;
    case STORE_INT:
        to->numbers[i] = (int64_t)htobe64((uint64_t)arg->number);
        to->values[i] = (const char *)&to->numbers[i];
        to->lengths[i] = sizeof(to->numbers[i]);
        to->types[i] = TYPE_INT8;
        break;
    case STORE_TEXT:
        to->types[i] = TYPE_TEXT;
        return span_utf8_ok(arg->bytes) && (arg->bytes.len == 0 || !memchr(arg->bytes.ptr, 0, arg->bytes.len)) ? 0 : -EILSEQ;
    case STORE_BLOB:
        to->types[i] = TYPE_BYTEA;
        break;
    }
    return 0;
}

static int set_arguments(struct arguments *to, const struct store_value *args, size_t n)
{
    int r = n > POSTGRES_ARGS_MAX ? -EINVAL : 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = set_argument(to, i, &args[i]);
    to->n = (int)n;
    return r;
}

static const char *const own_text[] = {
    [POSTGRES_LOCK - STATEMENT_COUNT] =
        "SELECT FROM unnest(CAST($1 AS BIGINT[])) AS key WHERE pg_advisory_xact_lock(key) IS NULL", /* in their order */
    [POSTGRES_TRY_LOCKS - STATEMENT_COUNT] =
        "SELECT pg_try_advisory_xact_lock(key) FROM unnest(CAST($1 AS BIGINT[])) AS key",
    [POSTGRES_TRY_LOCK - STATEMENT_COUNT] = "SELECT pg_try_advisory_xact_lock($1)",
};
_Static_assert(ARRAY_LEN(own_text) == POSTGRES_STATEMENTS - STATEMENT_COUNT, "a text for each");

static int text_of(unsigned statement, char ret_text[POSTGRES_TEXT_SIZE])
{
    const char *text = statement < STATEMENT_COUNT ? statement_text[statement] : own_text[statement - STATEMENT_COUNT];
    bool skipping = statement < STATEMENT_COUNT && statement_skipping[statement];
    int n = snprintf(ret_text, POSTGRES_TEXT_SIZE, "%s%s", text, skipping ? " FOR UPDATE SKIP LOCKED" : "");

    return n < POSTGRES_TEXT_SIZE ? 0 : -E2BIG;
}

static int prepare(struct store_conn *conn, unsigned statement, unsigned part, const char *name, const struct arguments *args)
{
    unsigned at = part * POSTGRES_STATEMENTS + statement;
    char text[POSTGRES_TEXT_SIZE];

    if (conn->prepared[at])
        return 0;
    int r = text_of(statement, text);
    if (r == 0 && part)
        r = postgres_part_text(part, text);
    if (r != 0)
        return r;
    if (!PQsendPrepare(conn->pg, name, text, args->n, statement < STATEMENT_COUNT ? args->types : NULL))
        return postgres_break_off(conn);
    conn->prepared[at] = true; /* until its answer says otherwise */
    return owe(conn, (int32_t)at);
}

static int send_kept(struct store_conn *conn, unsigned statement, unsigned part, const struct arguments *args)
{
    char name[32];

    snprintf(name, sizeof(name), "s%u_%u", statement, part);
    int r = prepare(conn, statement, part, name, args);
    if (r != 0)
        return r;
    if (!PQsendQueryPrepared(conn->pg, name, args->n, args->values, args->lengths, args->formats, 1))
        return postgres_break_off(conn);
    return owe(conn, OWED_RESULT);
}

static int send_text(struct store_conn *conn, const char *text, const struct arguments *args)
{
    if (!PQsendQueryParams(conn->pg, text, args->n, args->types, args->values, args->lengths, args->formats, 1))
        return postgres_break_off(conn);
    return owe(conn, OWED_RESULT);
}

int postgres_send(struct store_conn *conn, unsigned statement, const char *text, const struct store_value *args, size_t n)
{
    struct arguments arguments;
    unsigned part = 0;
    int r = text ? 0 : postgres_part(conn, statement, args, n, &part);

    if (r == 0)
        r = conn->failed ? conn->error : make_room(conn);
    if (r == 0)
        r = set_arguments(&arguments, args, n);
    if (r != 0)
        return r;
    return text ? send_text(conn, text, &arguments) : send_kept(conn, statement, part, &arguments);
}

/* ---- answers ---- */

static PGresult *next_result(struct store_conn *conn)
{
    int64_t until = when_monotonic() + (conn->patient ? LONG_MS : PATIENCE_MS);

    while (PQisBusy(conn->pg)) {
        struct pollfd fd = { .fd = PQsocket(conn->pg), .events = POLLIN };
        int64_t wait = until - when_monotonic();
        int n = wait > 0 ? poll(&fd, 1, (int)wait) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || !PQconsumeInput(conn->pg)) {
            (void)postgres_break_off(conn);
            return NULL;
        }
    }
    return PQgetResult(conn->pg);
}

/* What one statement is answered; after it comes a NULL. */
static PGresult *take_answer(struct store_conn *conn, int32_t owed)
{
    PGresult *result = next_result(conn);

    if (!result && !conn->broken)
        (void)postgres_break_off(conn);
    int r = result ? postgres_error(result) : -EIO;
    if (PQstatus(conn->pg) != CONNECTION_OK && !conn->broken)
        (void)postgres_break_off(conn);
    if (r != 0 && owed >= 0)
        conn->prepared[owed] = false;
    if (r != 0 && owed == OWED_COMMIT && conn->spread && PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
        conn->unknown = true; /* another server may have done it */
    if (r != 0 && PQresultStatus(result) != PGRES_PIPELINE_ABORTED) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        (void)(state && strncmp(state, "57P", 3) == 0 ? postgres_break_off(conn) : postgres_fail(conn, r));
    } else if (r != 0) {
        (void)postgres_fail(conn, -EIO);
    }
    if (!conn->broken && owed != OWED_SYNC)
        PQclear(next_result(conn));
    return result;
}

static bool synced(const struct store_conn *conn)
{
    return conn->owed_n && conn->owed[conn->owed_n - 1].what == OWED_SYNC;
}

/* Who waits for an answer gets it, also when it says that something failed. */
int postgres_drain(struct store_conn *conn)
{
    int r = conn->broken ? postgres_fail(conn, -EIO) : synced(conn) ? 0 : postgres_sync(conn);
    unsigned n = conn->owed_n;

    if (r == 0 && PQflush(conn->pg) < 0)
        r = postgres_break_off(conn);
    for (unsigned i = 0; r == 0 && i < n && !conn->broken; i++) {
        PGresult *result = take_answer(conn, conn->owed[i].what);
        if (conn->owed[i].to)
            *conn->owed[i].to = result;
        else
            PQclear(result);
    }
    conn->owed_n = 0;
    return r == 0 && conn->failed ? conn->error : r;
}

int postgres_wait(struct store_conn *conn)
{
    if (!conn->wait || conn->owed_n == 0)
        return postgres_drain(conn);
    conn->wait(conn->wait_arg);
    return 0;
}

int postgres_answer(struct store_conn *conn, PGresult **ret_result)
{
    PGresult *result = NULL;

    if (conn->owed_n > 0) /* none when the connection broke */
        conn->owed[conn->owed_n - 1].to = &result;
    int r = postgres_wait(conn);
    if (r == 0 && (conn->failed || !result))
        r = postgres_fail(conn, -EIO);
    if (r == 0)
        *ret_result = result;
    else
        PQclear(result);
    return r;
}

void postgres_share(struct store_conn *conn, void (*wait)(void *arg), void *arg)
{
    conn->wait = wait;
    conn->wait_arg = arg;
}

bool postgres_collect(struct store_conn *conn)
{
    if (conn->owed_n == 0)
        return false;
    (void)postgres_drain(conn); /* each is told by its own answer */
    return true;
}
