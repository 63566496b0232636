/*
 * The tables of PostgreSQL: those of mailboxes are partitioned by a hash of
 * mailbox_id, all of them alike, so that the partitions of one remainder hold
 * all of a mailbox and can be on another server together (doc/SCALING.md).
 * How many there are was settled when the store was made: its first table that
 * has some says so to those that come later.
 * A plan over a partitioned table locks every partition before it leaves out all
 * but one, so a statement about one mailbox names the partition instead. That
 * needs PostgreSQL's hash here; where the database has another, as it is asked
 * once, tables are named as a whole.
 */
#include "store/store_postgres.h"
#include "store/store_sql.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

enum { NAME_SIZE = 48 };

/* ---- which partition ---- */

static uint32_t turn(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

/* Bob Jenkins' lookup3, of one word and a seed, as hashint8extended() has it. */
static uint64_t hash_word(uint32_t word, uint64_t seed)
{
    uint32_t a = 0x9e3779b9 + sizeof(word) + 3923095, b = a, c = a;

    a += (uint32_t)(seed >> 32);
    b += (uint32_t)seed;
    a = (a - c) ^ turn(c, 4), c += b;
    b = (b - a) ^ turn(a, 6), a += c;
    c = (c - b) ^ turn(b, 8), b += a;
    a = (a - c) ^ turn(c, 16), c += b;
    b = (b - a) ^ turn(a, 19), a += c;
    c = (c - b) ^ turn(b, 4), b += a;
    a += word;
    c = (c ^ b) - turn(b, 14);
    a = (a ^ c) - turn(c, 11);
    b = (b ^ a) - turn(a, 25);
    c = (c ^ b) - turn(b, 16);
    a = (a ^ c) - turn(c, 4);
    b = (b ^ a) - turn(a, 14);
    c = (c ^ b) - turn(b, 24);
    return (uint64_t)b << 32 | c;
}

unsigned postgres_remainder(int64_t mailbox_id, unsigned partitions)
{
    uint32_t low = (uint32_t)mailbox_id, high = (uint32_t)((uint64_t)mailbox_id >> 32);
    uint64_t hash = hash_word(low ^ (mailbox_id >= 0 ? high : ~high), UINT64_C(0x7A5B22367996DCFD));

    return (unsigned)((hash + UINT64_C(0x49a0f4dd15e5a8e3)) % partitions);
}

/* ---- which statements ---- */

static bool has_parts[STATEMENT_COUNT], of_mailbox[STATEMENT_COUNT];

static bool is_name(char c)
{
    return islower((unsigned char)c) || c == '_';
}

/* The next table of mailboxes that is named behind *at, which moves behind it. */
static bool next_table(const char **at, const char **ret_name)
{
    static const char *const before[] = { "FROM ", "JOIN ", "INTO ", "UPDATE " };

    for (const char *p = *at; *p; p++)
        for (size_t i = 0; i < ARRAY_LEN(before); i++) {
            size_t len = strlen(before[i]), n = 0;
            if (strncmp(p, before[i], len) != 0)
                continue;
            while (is_name(p[len + n]))
                n++;
            if (table_is_by_mailbox((struct span){ p + len, n })) {
                *ret_name = p + len;
                *at = p + len + n;
                return true;
            }
        }
    return false;
}

static void read_statements(void)
{
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        const char *text = statement_text[i], *name;
        has_parts[i] = next_table(&text, &name);
        of_mailbox[i] = statement_is_of_mailbox((enum store_statement)i);
    }
}

int postgres_part_text(unsigned part, char *text)
{
    char from[POSTGRES_TEXT_SIZE];
    const char *rest = from, *name, *end = from;
    size_t n = 0;

    memcpy(from, text, strlen(text) + 1);
    while (next_table(&end, &name)) {
        bool named = end[0] == ' ' && (end[1] == '(' || islower((unsigned char)end[1]));
        int len = (int)(end - name);
        n += (size_t)snprintf(text + n, POSTGRES_TEXT_SIZE - n, "%.*s_p%u%s%.*s", (int)(end - rest), rest, part - 1, named ? "" : " AS ",
                              named ? 0 : len, name);
        if (n >= POSTGRES_TEXT_SIZE)
            return -E2BIG;
        rest = end;
    }
    n += (size_t)snprintf(text + n, POSTGRES_TEXT_SIZE - n, "%s", rest);
    return n < POSTGRES_TEXT_SIZE ? 0 : -E2BIG;
}

/* ---- the tables ---- */

static int execute(struct store_conn *conn, const char *text, PGresult **ret_result)
{
    int r = postgres_send(conn, 0, text, NULL, 0);

    return r == 0 ? postgres_answer(conn, ret_result) : r;
}

static int execute_command(struct store_conn *conn, const char *text)
{
    PGresult *result = NULL;
    int r = execute(conn, text, &result);

    PQclear(result);
    return r;
}

/* How many each table has: 0: none is there yet. ret_known: their hash is ours. */
static int read_partitions(struct store_conn *conn, unsigned *ret_n, bool *ret_known)
{
    static const int64_t probe = INT64_C(1234567890123456789);
    PGresult *result = NULL;
    char text[POSTGRES_TEXT_SIZE];
    uint64_t n = 0;
    int r = execute(conn,
                    "SELECT COUNT(*), CAST(i.inhparent AS BIGINT) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent "
                    "WHERE c.relkind = 'p' AND c.relnamespace = to_regnamespace(current_schema()) "
                    "GROUP BY i.inhparent ORDER BY i.inhparent LIMIT 1",
                    &result);

    if (r != 0)
        return r;
    *ret_n = 0;
    *ret_known = false;
    if (PQntuples(result) == 1) {
        memcpy(&n, PQgetvalue(result, 0, 0), sizeof(n));
        *ret_n = (unsigned)be64toh(n);
        memcpy(&n, PQgetvalue(result, 0, 1), sizeof(n));
    }
    PQclear(result);
    if (*ret_n == 0 || *ret_n > POSTGRES_PARTITIONS_MAX)
        return 0;
    snprintf(text, sizeof(text), "SELECT satisfies_hash_partition(%llu, %u, %u, CAST(%lld AS BIGINT))", (unsigned long long)be64toh(n), *ret_n,
             postgres_remainder(probe, *ret_n), (long long)probe);
    r = execute(conn, text, &result);
    if (r == 0)
        *ret_known = *PQgetvalue(result, 0, 0) == 1;
    PQclear(r == 0 ? result : NULL);
    return r;
}

/* Asked once for each connection. */
static int know_partitions(struct store_conn *conn)
{
    unsigned partitions = 0;
    bool known = false;
    int r = conn->partitions >= 0 ? 0 : conn->failed ? conn->error : read_partitions(conn, &partitions, &known);

    if (r != 0 || conn->partitions >= 0)
        return r;
    if (partitions > 0)
        r = postgres_read_sites(conn, partitions, known);
    if (r == 0)
        conn->partitions = known ? (int)partitions : 0;
    return r;
}

/* A partition of a table that has a key could never be on another server, so each
 * has it for itself; as mailbox_id is in it that says the same. ret_whole: the
 * table without; ret_key: its columns. */
static int take_key(const char *text, char ret_whole[POSTGRES_TEXT_SIZE], char ret_key[NAME_SIZE * 2])
{
    const char *key = strstr(text, ", PRIMARY KEY ("), *of_column = strstr(text, " PRIMARY KEY");
    const char *rest = key ? strchr(key, ')') + 1 : of_column ? of_column + strlen(" PRIMARY KEY") : NULL;
    const char *columns = key ? key + strlen(", PRIMARY KEY (") : "mailbox_id";
    int len = key ? (int)(rest - 1 - columns) : (int)strlen(columns);

    if (!rest || len >= NAME_SIZE * 2)
        return -EINVAL;
    snprintf(ret_key, NAME_SIZE * 2, "%.*s", len, columns);
    int n = snprintf(ret_whole, POSTGRES_TEXT_SIZE, "%.*s%s PARTITION BY HASH (mailbox_id)", (int)((key ? key : of_column) - text), text, rest);
    return n < POSTGRES_TEXT_SIZE ? 0 : -EINVAL;
}

static int add_partitions(struct store_conn *conn, const char *table, const char *key, unsigned n)
{
    char text[POSTGRES_TEXT_SIZE];
    int r = 0;

    for (unsigned i = 0; r == 0 && i < n; i++) {
        snprintf(text, sizeof(text), "CREATE TABLE %s_p%u PARTITION OF %s (PRIMARY KEY (%s)) FOR VALUES WITH (MODULUS %u, REMAINDER %u)",
                 table, i, table, key, n, i);
        r = postgres_send(conn, 0, text, NULL, 0);
    }
    return r == 0 ? postgres_drain(conn) : r;
}

int postgres_define(struct store_conn *conn, const char *text, unsigned form)
{
    char table[NAME_SIZE], whole[POSTGRES_TEXT_SIZE], key[NAME_SIZE * 2];
    unsigned n = 0;
    bool known;

    int r = strncmp(text, "CREATE TABLE IF NOT EXISTS", 26) == 0 ? 0 : know_partitions(conn);
    if (r != 0 || conn->spread)
        return r != 0 ? r : -EXDEV;
    if (!(form & STORE_BY_MAILBOX))
        return execute_command(conn, text);
    if (sscanf(text, "CREATE TABLE %40[a-z_]", table) != 1 || take_key(text, whole, key) != 0)
        return -EINVAL;
    r = read_partitions(conn, &n, &known);
    if (r == 0)
        r = execute_command(conn, whole);
    conn->partitions = -1;
    return r == 0 ? add_partitions(conn, table, key, n ? n : conn->db->partitions) : r;
}

int postgres_part_of(struct store_conn *conn, int64_t mailbox_id, unsigned *ret_part)
{
    int r = know_partitions(conn);

    if (r == 0)
        *ret_part = conn->partitions > 0 && mailbox_id != 0 ? 1 + postgres_remainder(mailbox_id, (unsigned)conn->partitions) : 0;
    return r;
}

int postgres_parts(struct store_conn *conn, unsigned *ret_n)
{
    int r = know_partitions(conn);

    if (r == 0)
        *ret_n = (unsigned)conn->partitions;
    return r;
}

int postgres_part(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n, unsigned *ret_part)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_statements);
    *ret_part = 0;
    if (statement >= STATEMENT_COUNT || !has_parts[statement])
        return 0;
    conn->asked = true;
    if (n == 0 || args[0].type != STORE_INT || !of_mailbox[statement])
        return 0;
    return postgres_part_of(conn, args[0].number, ret_part);
}
