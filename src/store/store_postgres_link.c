/*
 * Connecting to PostgreSQL. The URL is libpq's: several hosts, TLS and the like
 * are its own parameters; what it leaves open gets defaults that keep a database
 * that is away from holding anybody for long. After a failure nobody tries again
 * for a moment, so that callers hear of it at once.
 */
#include "base/when.h"
#include "store/store_postgres.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define AWAY_MS 100
#define READER_NAME "ewsd reader"

static const struct {
    const char *name, *value;
} defaults[] = {
    { "connect_timeout", "5" },
    { "tcp_user_timeout", "15000" },
    { "keepalives_idle", "10" },
    { "keepalives_interval", "3" },
    { "keepalives_count", "3" },
    { "target_session_attrs", "read-write" },
    { "client_encoding", "UTF8" },
};

/* Waiting for others comes to an end, and so do transactions that their program
 * left: of one that writes soon, since it keeps others from its mailboxes. What was
 * committed is on the disk at least of the primary. Statements find rows by their
 * keys, so one plan is as good as another: it is not made anew each time. What writes
 * is not to read a whole table either that was small when it was planned: of one whose
 * rows are written all the time, the old ones of them are read, too. */
#define SETTINGS                                                                       \
    "SET lock_timeout = '10s'; SET plan_cache_mode = force_generic_plan; "              \
    "SET idle_in_transaction_session_timeout = '60s'; "                                 \
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
#define WRITER_SETTINGS                                                                \
    "SET idle_in_transaction_session_timeout = '5s'; "                                  \
    "SET enable_seqscan = off; SET enable_bitmapscan = off"

/* ---- the parameters ---- */

enum { PARAMETERS_MAX = 64 };

struct parameters {
    const char *names[PARAMETERS_MAX + 1], *values[PARAMETERS_MAX + 1];
    size_t n;
};

static void add(struct parameters *parameters, const char *name, const char *value)
{
    if (parameters->n == PARAMETERS_MAX)
        return;
    parameters->names[parameters->n] = name;
    parameters->values[parameters->n++] = value;
}

static bool given(const PQconninfoOption *options, const char *name)
{
    for (; options->keyword; options++)
        if (strcmp(options->keyword, name) == 0)
            return options->val != NULL;
    return false;
}

static void gather(const struct store_db *db, const char *name, const PQconninfoOption *options, struct parameters *parameters)
{
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (o->val)
            add(parameters, o->keyword, o->val);
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (!given(options, defaults[i].name))
            add(parameters, defaults[i].name, defaults[i].value);
    if (*db->passfile && !given(options, "passfile"))
        add(parameters, "passfile", db->passfile);
    add(parameters, "application_name", name);
}

/* ---- connecting ---- */

static void say_nothing(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static int connect_now(const struct store_db *db, const char *name, PGconn **ret_pg)
{
    struct parameters parameters = { .n = 0 };
    PQconninfoOption *options = PQconninfoParse(db->url, NULL);

    if (!options)
        return -EINVAL;
    gather(db, name, options, &parameters);
    PGconn *pg = PQconnectdbParams(parameters.names, parameters.values, 0);
    PQconninfoFree(options);
    if (!pg || PQstatus(pg) != CONNECTION_OK) {
        int r = !pg ? -ENOMEM : PQconnectionNeedsPassword(pg) ? -EACCES : -EIO;
        PQfinish(pg);
        return r;
    }
    PQsetNoticeProcessor(pg, NULL, NULL);
    PQsetNoticeReceiver(pg, say_nothing, NULL);
    *ret_pg = pg;
    return 0;
}

/* A failure says nothing about later than it began: somebody may have got
 * through since. */
int postgres_link(struct store_db *db, const char *name, PGconn **ret_pg)
{
    int64_t began = when_monotonic();

    if (began < db->away_until)
        return -EIO;
    int r = connect_now(db, name, ret_pg);
    if (r == 0) {
        db->there_at = when_monotonic();
        db->away_until = 0;
    } else if (db->there_at < began) {
        db->away_until = when_monotonic() + AWAY_MS;
    }
    return r;
}

/* One or several statements, now. */
static int run(PGconn *pg, const char *text, PGresult **ret_result)
{
    PGresult *result = PQexec(pg, text);
    int r = PQstatus(pg) == CONNECTION_OK ? postgres_error(result) : -EIO;

    if (r == 0 && ret_result)
        *ret_result = result;
    else
        PQclear(result);
    return r;
}

/* A writer that comes anew ends what its last connection may be at: nobody else
 * has its name. */
static int end_old(PGconn *pg)
{
    return run(pg,
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid() "
               "AND application_name = current_setting('application_name')",
               NULL);
}

static int make_ready(struct store_conn *conn, const char *name)
{
    int r = postgres_link(conn->db, name, &conn->pg);

    if (r == 0)
        r = run(conn->pg, SETTINGS, NULL);
    if (r == 0 && conn->writer)
        r = run(conn->pg, WRITER_SETTINGS, NULL);
    if (r == 0 && conn->writer)
        r = end_old(conn->pg);
    return r == 0 && !PQenterPipelineMode(conn->pg) ? -EIO : r;
}

int postgres_connect(struct store_db *db, bool writer, uint64_t number, struct store_conn **ret_conn)
{
    char name[POSTGRES_NAME_SIZE] = READER_NAME;
    struct store_conn *conn = calloc(1, sizeof(*conn));

    if (!conn)
        return -ENOMEM;
    conn->db = db;
    conn->writer = writer;
    conn->partitions = -1;
    if (writer)
        snprintf(name, sizeof(name), "ewsd writer %016llx", (unsigned long long)number);
    int r = make_ready(conn, name);
    if (r != 0) {
        postgres_disconnect(conn);
        return r;
    }
    *ret_conn = conn;
    return 0;
}

/* What its statements were prepared as, and what it owed, went with the old one. */
int postgres_connect_again(struct store_conn *conn)
{
    PQfinish(conn->pg);
    *conn = (struct store_conn){ .db = conn->db, .partitions = -1, .broken = true };
    int r = make_ready(conn, READER_NAME);
    conn->broken = r != 0;
    return r;
}

void postgres_disconnect(struct store_conn *conn)
{
    if (!conn)
        return;
    postgres_forget_expected(conn);
    PQfinish(conn->pg);
    free(conn);
}

/* ---- the store ---- */

/* Where it is: a standby that takes over is the same place. */
static int read_place(PGconn *pg, struct store_place *ret_place)
{
    PGresult *result = NULL;
    int r = run(pg,
                "SELECT s.system_identifier, d.oid, CAST(to_regnamespace(current_schema()) AS OID) "
                "FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()",
                &result);

    if (r != 0)
        return r;
    ret_place->number = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    ret_place->born = strtoull(PQgetvalue(result, 0, 1), NULL, 10) << 32 | strtoull(PQgetvalue(result, 0, 2), NULL, 10);
    PQclear(result);
    return 0;
}

static int check_mode(PGconn *pg, enum store_mode mode)
{
    PGresult *result = NULL;
    int r = run(pg, "SELECT to_regclass('schema_version') IS NOT NULL", &result);

    if (r != 0)
        return r;
    bool there = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    if (mode == STORE_NEW && there)
        return -EEXIST;
    return mode == STORE_EXISTING && !there ? -ENOENT : 0;
}

/* Statements are in UTF-8, and so is what they write. */
static int check_encoding(PGconn *pg)
{
    const char *encoding = PQparameterStatus(pg, "server_encoding");

    if (PQserverVersion(pg) < 150000)
        return -EPROTONOSUPPORT;
    return encoding && strcmp(encoding, "UTF8") == 0 ? 0 : -EILSEQ;
}

int postgres_open(const struct store_options *options, struct store_db **ret_db)
{
    struct store_db *db = calloc(1, sizeof(*db));
    PGconn *pg = NULL;

    if (!db)
        return -ENOMEM;
    db->wake = db->stop = -1;
    db->partitions = options->partitions ? options->partitions : 4;
    db->url = strdup(options->path);
    db->passfile = strdup(options->passfile ? options->passfile : "");
    int r = db->url && db->passfile ? postgres_link(db, "ewsd", &pg) : -ENOMEM;
    if (r == 0)
        r = check_encoding(pg);
    if (r == 0)
        r = check_mode(pg, options->mode);
    if (r == 0)
        r = read_place(pg, &db->place);
    PQfinish(pg);
    if (r != 0) {
        postgres_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

void postgres_close(struct store_db *db)
{
    if (!db)
        return;
    postgres_unwatch(db);
    if (db->url)
        explicit_bzero(db->url, strlen(db->url));
    free(db->url);
    free(db->passfile);
    free(db);
}

int postgres_place(struct store_db *db, struct store_place *ret_place)
{
    *ret_place = db->place;
    return 0;
}
