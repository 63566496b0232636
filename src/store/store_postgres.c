/*
 * The PostgreSQL engine: statements and rows over libpq. Several servers may
 * have the store open, and each commits on several connections; what they do in
 * one mailbox excludes each other by hold().
 * A statement is sent when it is started and its answer read when somebody needs
 * it: what only writes waits for nothing, and fails at the next answer that is
 * read, at the latest that of COMMIT. Whatever fails ends the transaction.
 * Numbers are BIGINT and travel in binary, as everything does.
 */
#include "store/store_postgres.h"
#include "store/store_sql.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define LOCK_SPACE INT64_C(0x6577736400000000) /* "ewsd": advisory locks of other programs are elsewhere */

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
    STORE_CONTROL_ENDS,
};
_Static_assert(ARRAY_LEN(control_text) == STORE_CONTROL_COUNT, "a text for each control");

/* ---- transactions ---- */

static int begin(struct store_conn *conn, enum store_control what)
{
    conn->failed = conn->unknown = conn->patient = conn->asked = false;
    conn->error = 0;
    postgres_forget_expected(conn);
    int r = postgres_send(conn, 0, control_text[what], NULL, 0);
    conn->in_tx = conn->untouched = r == 0;
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
        (void)postgres_drain(conn);
    conn->failed = false;
    int r = postgres_send(conn, 0, control_text[STORE_ROLLBACK], NULL, 0);
    if (r == 0)
        r = postgres_sync(conn);
    if (r == 0 && PQflush(conn->pg) < 0)
        r = postgres_break_off(conn);
    return r;
}

/* A transaction in which something failed is rolled back by its COMMIT. */
static int commit(struct store_conn *conn)
{
    PGresult *result = NULL;

    if (!conn->in_tx)
        return -EIO;
    int r = postgres_send(conn, 0, control_text[STORE_COMMIT], NULL, 0);
    bool sent = r == 0;
    if (sent)
        conn->owed[conn->owed_n - 1].what = OWED_COMMIT;
    if (r == 0)
        r = postgres_answer(conn, &result);
    if (r == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        r = postgres_fail(conn, -EIO);
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
    case STORE_JOB_ROLLBACK:
    case STORE_ITEM_ROLLBACK:
        postgres_expect_nothing(conn);
        break;
    case STORE_JOB_BEGIN:
    case STORE_JOB_RELEASE:
    case STORE_ITEM_BEGIN:
    case STORE_ITEM_RELEASE:
    case STORE_CONTROL_COUNT:
        break;
    }
    return postgres_send(conn, 0, control_text[what], NULL, 0);
}

static bool in_transaction(struct store_conn *conn)
{
    if (conn->in_tx && conn->failed)
        (void)roll_back(conn);
    return conn->in_tx;
}

/* Also one that the other end has closed since it was used. Its last words may
 * stand before that, behind the answers that are owed. */
static bool is_broken(struct store_conn *conn)
{
    struct pollfd fd = { .fd = PQsocket(conn->pg), .events = POLLIN };

    while (!conn->broken && poll(&fd, 1, 0) > 0)
        conn->broken = !PQconsumeInput(conn->pg) || PQstatus(conn->pg) != CONNECTION_OK;
    return conn->broken;
}

/* An array of BIGINT, as PostgreSQL writes it. */
struct key_array {
    uint32_t dimensions, has_nulls, type, n, first;
    struct {
        uint32_t len, high, low;
    } keys[];
};

/* For a statement about several. */
static int send_keys(struct store_conn *conn, unsigned statement, const int64_t *keys, size_t n)
{
    size_t size = sizeof(struct key_array) + n * sizeof(((struct key_array *)0)->keys[0]);
    struct key_array *array = malloc(size);

    if (!array)
        return postgres_fail(conn, -ENOMEM);
    *array = (struct key_array){ htobe32(1), 0, htobe32(TYPE_INT8), htobe32((uint32_t)n), htobe32(1) };
    for (size_t i = 0; i < n; i++) {
        uint64_t key = (uint64_t)(LOCK_SPACE + keys[i]);
        array->keys[i].len = htobe32(sizeof(key));
        array->keys[i].high = htobe32((uint32_t)(key >> 32));
        array->keys[i].low = htobe32((uint32_t)key);
    }
    int r = postgres_send(conn, statement, NULL, &V_RAW(array, size), 1);
    free(array);
    return r;
}

static int hold_all(struct store_conn *conn, const int64_t *keys, size_t n)
{
    int r = send_keys(conn, POSTGRES_LOCK, keys, n);

    return r == 0 ? postgres_hold_far(conn, keys, n) : r;
}

/* What lies somewhere else is waited for. */
static int hold_free(struct store_conn *conn, const int64_t *keys, size_t n, bool *ret_held)
{
    PGresult *result = NULL;
    unsigned parts = 0;
    int r = postgres_parts(conn, &parts); /* and whether they are all here */

    memset(ret_held, true, n);
    if (r == 0 && conn->spread)
        return hold_all(conn, keys, n);
    if (r == 0)
        r = send_keys(conn, POSTGRES_TRY_LOCKS, keys, n);
    if (r == 0)
        r = postgres_answer(conn, &result);
    for (int i = 0; r == 0 && i < PQntuples(result); i++)
        ret_held[i] = *PQgetvalue(result, i, 0);
    PQclear(result);
    return r;
}

/* Somewhere else, where what is asked from now on would see what was there before. */
static bool is_too_late(struct store_conn *conn, int64_t key)
{
    int64_t site = 0;

    return conn->asked && key > 0 && postgres_site(conn, key, &site) == 0 && site != 0;
}

static int hold(struct store_conn *conn, const int64_t *keys, size_t n, bool wait)
{
    const struct store_value arg = { .type = STORE_INT, .number = LOCK_SPACE + keys[0] };
    PGresult *result = NULL;

    if (is_too_late(conn, keys[0]))
        return 1;
    if (wait)
        return hold_all(conn, keys, n);
    int r = postgres_send(conn, POSTGRES_TRY_LOCK, NULL, &arg, 1);
    if (r == 0)
        r = postgres_answer(conn, &result);
    if (r == 0)
        r = *PQgetvalue(result, 0, 0) ? postgres_hold_far(conn, keys, n) : 1;
    PQclear(result);
    return r;
}

/* ---- rows ---- */

static int run(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n, int64_t *ret_changes)
{
    PGresult *result = NULL;
    int r = postgres_send(conn, statement, NULL, args, n);

    postgres_written(conn, statement, args, n);
    if (r != 0)
        return postgres_fail(conn, r);
    if (!ret_changes)
        return 0;
    r = postgres_answer(conn, &result);
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

static bool reads(unsigned statement, const char *text)
{
    return strncmp(text ? text : statement_text[statement], "SELECT ", 7) == 0;
}

static int ask(struct store_conn *conn, unsigned statement, const char *text, const struct store_value *args, size_t n,
               PGresult **ret_result)
{
    int r = text ? 1 : postgres_take_expected(conn, statement, args, n, ret_result);

    if (r != 1)
        return r;
    if (!reads(statement, text) && text)
        postgres_expect_nothing(conn);
    else if (!reads(statement, text))
        postgres_written(conn, statement, args, n);
    r = postgres_send(conn, statement, text, args, n);
    return r == 0 ? postgres_answer(conn, ret_result) : r;
}

/* A connection can end unnoticed while nobody uses it. Of a snapshot out of which
 * nothing was read a new one is as good, so a reader tries once more. */
static int begin_again(struct store_conn *conn)
{
    bool patient = conn->patient;
    int r = postgres_connect_again(conn);

    if (r == 0)
        r = begin(conn, STORE_BEGIN_READ);
    return r == 0 && patient ? postgres_be_patient(conn) : r;
}

static int start(struct store_conn *conn, unsigned statement, const char *text, const struct store_value *args, size_t n,
                 struct store_rows **ret_rows)
{
    struct store_rows *rows = calloc(1, sizeof(*rows));

    if (!rows)
        return -ENOMEM;
    *rows = (struct store_rows){ .conn = conn, .statement = statement, .kept = !text, .at = -1 };
    conn->asked = conn->asked || text;
    int r = ask(conn, statement, text, args, n, &rows->result);
    if (r != 0 && conn->broken && conn->untouched && !conn->writer && begin_again(conn) == 0)
        r = ask(conn, statement, text, args, n, &rows->result);
    conn->untouched = conn->untouched && r != 0;
    if (r != 0) {
        (void)postgres_fail(conn, r);
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
        return postgres_fail(rows->conn, r);
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
    .define = postgres_define,
    .start = start,
    .step = step,
    .get_int = get_int,
    .get_bytes = get_bytes,
    .is_null = is_null,
    .changes = changes,
    .finish = finish,
    .run = run,
    .expect = postgres_expect,
    .is_expected = postgres_is_expected,
    .hold = hold,
    .hold_free = hold_free,
    .site = postgres_site,
    .parts = postgres_parts,
    .part = postgres_remainder,
    .share = postgres_share,
    .collect = postgres_collect,
    .be_patient = postgres_be_patient,
    .is_broken = is_broken,
    .watch = postgres_watch,
    .unwatch = postgres_unwatch,
    .wake_others = postgres_wake_others,
    .place = postgres_place,
    .words = &store_words_postgres,
    .analyze = "ANALYZE ",
};
