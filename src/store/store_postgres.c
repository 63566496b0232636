/*
 * The PostgreSQL engine: statements and rows over libpq. Several servers may
 * have the store open, and each commits on several connections; what they do in
 * one mailbox excludes each other by hold().
 * A statement is sent when it is started and its answer read when somebody needs
 * it: what only writes waits for nothing, and fails at the next answer that is
 * read, at the latest that of COMMIT. Whatever fails ends the transaction.
 * Numbers are BIGINT and travel in binary, as everything does. Nobody waits for
 * an answer longer than PATIENCE_MS: then the connection is given up.
 */
#include "store/store_postgres.h"

#include "base/when.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_MS 60000
#define LOCK_SPACE INT64_C(0x6577736400000000) /* "ewsd": advisory locks of other programs are elsewhere */

/* The types of PostgreSQL that are used here; of its catalog, and for good. */
enum { TYPE_UNKNOWN = 0, TYPE_BOOL = 16, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23, TYPE_TEXT = 25,
       TYPE_NAME = 19, TYPE_VOID = 2278 };

struct store_rows {
    struct store_conn *conn;
    unsigned statement;
    bool kept;
    PGresult *result; /* NULL: not read yet */
    int at;           /* the row, from 0 on; -1 before the first */
};

static const char *const control_text[] = {
    [STORE_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    [STORE_BEGIN_WRITE] = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_ROLLBACK] = "ROLLBACK",
    [STORE_JOB_BEGIN] = "SAVEPOINT job",
    [STORE_JOB_RELEASE] = "RELEASE job",
    [STORE_JOB_ROLLBACK] = "ROLLBACK TO job",
    [STORE_ITEM_BEGIN] = "SAVEPOINT item",
    [STORE_ITEM_RELEASE] = "RELEASE item",
    [STORE_ITEM_ROLLBACK] = "ROLLBACK TO item",
};
_Static_assert(ARRAY_LEN(control_text) == STORE_CONTROL_COUNT, "a text for each control");

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

static int fail(struct store_conn *conn, int error)
{
    if (!conn->failed)
        conn->error = error;
    conn->failed = true;
    return conn->error;
}

static int break_off(struct store_conn *conn)
{
    if (!conn->failed)
        conn->unknown = true;
    conn->broken = true;
    conn->owed_n = 0;
    return fail(conn, -EIO);
}

/* ---- sending ---- */

static int drain(struct store_conn *conn, PGresult **ret_last);

static int owe(struct store_conn *conn, int16_t what)
{
    conn->owed[conn->owed_n++] = what;
    return 0;
}

/* Room for the answers of one more statement that is prepared, and a sync. */
static int make_room(struct store_conn *conn)
{
    if (conn->broken)
        return fail(conn, -EIO);
    return conn->owed_n + 4 > POSTGRES_OWED_MAX ? drain(conn, NULL) : 0;
}

static int sync_up(struct store_conn *conn)
{
    if (!PQpipelineSync(conn->pg))
        return break_off(conn);
    return owe(conn, OWED_SYNC);
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

static int prepare(struct store_conn *conn, unsigned statement, const char *name, const struct arguments *args)
{
    if (conn->prepared[statement])
        return 0;
    if (!PQsendPrepare(conn->pg, name, statement_text[statement], args->n, args->types))
        return break_off(conn);
    conn->prepared[statement] = true; /* until its answer says otherwise */
    return owe(conn, (int16_t)statement);
}

static int send_kept(struct store_conn *conn, unsigned statement, const struct arguments *args)
{
    char name[16];

    snprintf(name, sizeof(name), "s%u", statement);
    int r = prepare(conn, statement, name, args);
    if (r != 0)
        return r;
    if (!PQsendQueryPrepared(conn->pg, name, args->n, args->values, args->lengths, args->formats, 1))
        return break_off(conn);
    return owe(conn, OWED_RESULT);
}

static int send_text(struct store_conn *conn, const char *text, const struct arguments *args)
{
    if (!PQsendQueryParams(conn->pg, text, args->n, args->types, args->values, args->lengths, args->formats, 1))
        return break_off(conn);
    return owe(conn, OWED_RESULT);
}

static int send_it(struct store_conn *conn, unsigned statement, const char *text, const struct store_value *args, size_t n)
{
    struct arguments arguments;
    int r = conn->failed ? conn->error : make_room(conn);

    if (r == 0)
        r = set_arguments(&arguments, args, n);
    if (r != 0)
        return r;
    return text ? send_text(conn, text, &arguments) : send_kept(conn, statement, &arguments);
}

/* ---- answers ---- */

static PGresult *next_result(struct store_conn *conn)
{
    int64_t until = when_monotonic() + PATIENCE_MS;

    while (PQisBusy(conn->pg)) {
        struct pollfd fd = { .fd = PQsocket(conn->pg), .events = POLLIN };
        int64_t wait = until - when_monotonic();
        int n = wait > 0 ? poll(&fd, 1, (int)wait) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || !PQconsumeInput(conn->pg)) {
            (void)break_off(conn);
            return NULL;
        }
    }
    return PQgetResult(conn->pg);
}

/* What one statement is answered; after it comes a NULL. */
static PGresult *take_answer(struct store_conn *conn, int16_t owed)
{
    PGresult *result = next_result(conn);

    if (!result && !conn->broken)
        (void)break_off(conn);
    int r = result ? postgres_error(result) : -EIO;
    if (PQstatus(conn->pg) != CONNECTION_OK && !conn->broken)
        (void)break_off(conn);
    if (r != 0 && owed >= 0)
        conn->prepared[owed] = false;
    if (r != 0 && PQresultStatus(result) != PGRES_PIPELINE_ABORTED) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        conn->unknown = conn->unknown || (!conn->failed && state && strncmp(state, "57P", 3) == 0);
        (void)fail(conn, r);
    } else if (r != 0) {
        (void)fail(conn, -EIO);
    }
    if (!conn->broken && owed != OWED_SYNC)
        PQclear(next_result(conn));
    return result;
}

/* Reads all that is owed. ret_last: the answer of the last statement, the
 * caller's to clear. */
static int drain(struct store_conn *conn, PGresult **ret_last)
{
    PGresult *last = NULL;
    int16_t owed[POSTGRES_OWED_MAX];
    int r = conn->broken ? fail(conn, -EIO) : conn->owed_n && conn->owed[conn->owed_n - 1] == OWED_SYNC ? 0 : sync_up(conn);
    unsigned n = conn->owed_n;

    if (r == 0 && PQflush(conn->pg) < 0)
        r = break_off(conn);
    memcpy(owed, conn->owed, n * sizeof(*owed));
    for (unsigned i = 0; r == 0 && i < n && !conn->broken; i++) {
        PGresult *result = take_answer(conn, owed[i]);
        if (owed[i] == OWED_SYNC) {
            PQclear(result);
            continue;
        }
        PQclear(last);
        last = result;
    }
    conn->owed_n = 0;
    if (r == 0 && conn->failed)
        r = conn->error;
    if (r == 0 && ret_last)
        *ret_last = last;
    else
        PQclear(last);
    return r;
}

/* ---- transactions ---- */

static int begin(struct store_conn *conn, enum store_control what)
{
    conn->failed = conn->unknown = false;
    conn->error = 0;
    int r = send_it(conn, 0, control_text[what], NULL, 0);
    conn->in_tx = r == 0;
    return r;
}

/* Nobody waits for it. What is owed has been answered before, so that what may
 * have failed is not taken for a failure of the next transaction. */
static int roll_back(struct store_conn *conn)
{
    if (!conn->in_tx)
        return -EIO;
    conn->in_tx = false;
    if (conn->owed_n)
        (void)drain(conn, NULL);
    conn->failed = false;
    int r = make_room(conn);
    if (r == 0)
        r = send_it(conn, 0, control_text[STORE_ROLLBACK], NULL, 0);
    if (r == 0)
        r = sync_up(conn);
    if (r == 0 && PQflush(conn->pg) < 0)
        r = break_off(conn);
    return r;
}

/* A transaction in which something failed is rolled back by its COMMIT. */
static int commit(struct store_conn *conn)
{
    PGresult *result = NULL;

    if (!conn->in_tx)
        return -EIO;
    int r = send_it(conn, 0, control_text[STORE_COMMIT], NULL, 0);
    bool sent = r == 0;
    if (r == 0)
        r = drain(conn, &result);
    if (r == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        r = fail(conn, -EIO);
    PQclear(result);
    if (r != 0 && sent && conn->unknown)
        r = -EINPROGRESS;
    if (r != 0 && !conn->broken && r != -EINPROGRESS)
        (void)roll_back(conn);
    conn->in_tx = false;
    return r;
}

static int control(struct store_conn *conn, enum store_control what)
{
    switch (what) {
    case STORE_BEGIN_READ:
    case STORE_BEGIN_WRITE:
        return begin(conn, what);
    case STORE_COMMIT:
        return commit(conn);
    case STORE_ROLLBACK:
        return roll_back(conn);
    case STORE_JOB_BEGIN:
    case STORE_JOB_RELEASE:
    case STORE_JOB_ROLLBACK:
    case STORE_ITEM_BEGIN:
    case STORE_ITEM_RELEASE:
    case STORE_ITEM_ROLLBACK:
    case STORE_CONTROL_COUNT:
        break;
    }
    return send_it(conn, 0, control_text[what], NULL, 0);
}

static bool in_transaction(struct store_conn *conn)
{
    if (conn->in_tx && conn->failed)
        (void)roll_back(conn);
    return conn->in_tx;
}

/* Also one that the other end has closed since it was used. */
static bool is_broken(struct store_conn *conn)
{
    struct pollfd fd = { .fd = PQsocket(conn->pg), .events = POLLIN };

    if (!conn->broken && poll(&fd, 1, 0) > 0 && (!PQconsumeInput(conn->pg) || PQstatus(conn->pg) != CONNECTION_OK))
        conn->broken = true;
    return conn->broken;
}

static int define(struct store_conn *conn, const char *text, bool clustered ATTR_UNUSED)
{
    int r = send_it(conn, 0, text, NULL, 0);

    return r == 0 ? drain(conn, NULL) : r;
}

static int hold(struct store_conn *conn, int64_t key, bool wait)
{
    const struct store_value arg = { .type = STORE_INT, .number = LOCK_SPACE + key };
    PGresult *result = NULL;

    if (wait)
        return send_it(conn, 0, "SELECT pg_advisory_xact_lock($1)", &arg, 1);
    int r = send_it(conn, 0, "SELECT pg_try_advisory_xact_lock($1)", &arg, 1);
    if (r == 0)
        r = drain(conn, &result);
    if (r == 0)
        r = *PQgetvalue(result, 0, 0) ? 0 : 1;
    PQclear(result);
    return r;
}

/* ---- rows ---- */

static int run(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n, int64_t *ret_changes)
{
    PGresult *result = NULL;
    int r = send_it(conn, statement, NULL, args, n);

    if (r != 0)
        return fail(conn, r);
    if (!ret_changes)
        return 0;
    r = drain(conn, &result);
    if (r == 0)
        *ret_changes = strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return r;
}

static void finish(struct store_rows *rows)
{
    if (!rows)
        return;
    PQclear(rows->result);
    free(rows);
}

static int start(struct store_conn *conn, unsigned statement, const char *text, const struct store_value *args, size_t n,
                 struct store_rows **ret_rows)
{
    struct store_rows *rows = calloc(1, sizeof(*rows));

    if (!rows)
        return -ENOMEM;
    *rows = (struct store_rows){ .conn = conn, .statement = statement, .kept = !text, .at = -1 };
    int r = send_it(conn, statement, text, args, n);
    if (r == 0)
        r = drain(conn, &rows->result);
    if (r != 0) {
        (void)fail(conn, r);
        finish(rows);
        return r;
    }
    *ret_rows = rows;
    return 0;
}

/* A statement whose columns are of other types, a sum of BIGINTs for one, lacks
 * a CAST. */
static int check_types(struct store_rows *rows)
{
    if (rows->kept && rows->conn->checked[rows->statement])
        return 0;
    for (int i = 0; i < PQnfields(rows->result); i++) {
        switch (PQftype(rows->result, i)) {
        case TYPE_BOOL:
        case TYPE_BYTEA:
        case TYPE_INT8:
        case TYPE_INT4:
        case TYPE_INT2:
        case TYPE_TEXT:
        case TYPE_NAME:
        case TYPE_VOID:
            continue;
        default:
            return -EPROTO;
        }
    }
    if (rows->kept)
        rows->conn->checked[rows->statement] = true;
    return 0;
}

static int step(struct store_rows *rows)
{
    int r = rows->at < 0 ? check_types(rows) : 0;

    if (r != 0)
        return fail(rows->conn, r);
    if (rows->at < PQntuples(rows->result))
        rows->at++;
    return rows->at < PQntuples(rows->result) ? 1 : 0;
}

static int64_t get_int(struct store_rows *rows, unsigned column)
{
    const char *bytes = PQgetvalue(rows->result, rows->at, (int)column);
    uint64_t eight;
    uint32_t four;

    switch (PQgetlength(rows->result, rows->at, (int)column)) {
    case sizeof(eight):
        memcpy(&eight, bytes, sizeof(eight));
        return (int64_t)be64toh(eight);
    case sizeof(four):
        memcpy(&four, bytes, sizeof(four));
        return (int32_t)be32toh(four);
    case 1:
        return *bytes;
    default:
        return 0;
    }
}

static struct span get_bytes(struct store_rows *rows, unsigned column)
{
    int len = PQgetlength(rows->result, rows->at, (int)column);

    return (struct span){ len > 0 ? PQgetvalue(rows->result, rows->at, (int)column) : NULL, len > 0 ? (size_t)len : 0 };
}

static bool is_null(struct store_rows *rows, unsigned column)
{
    return PQgetisnull(rows->result, rows->at, (int)column);
}

/* run() tells what it wrote. */
static int64_t changes(struct store_conn *conn ATTR_UNUSED)
{
    return 0;
}

const struct store_driver store_driver_postgres = {
    .name = "postgres",
    .open = postgres_open,
    .close = postgres_close,
    .connect = postgres_connect,
    .disconnect = postgres_disconnect,
    .control = control,
    .in_transaction = in_transaction,
    .define = define,
    .start = start,
    .step = step,
    .get_int = get_int,
    .get_bytes = get_bytes,
    .is_null = is_null,
    .changes = changes,
    .finish = finish,
    .run = run,
    .hold = hold,
    .is_broken = is_broken,
    .watch = postgres_watch,
    .unwatch = postgres_unwatch,
    .wake_others = postgres_wake_others,
    .place = postgres_place,
};
