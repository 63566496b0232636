/*
 * The tables of PostgreSQL: those of mailboxes are partitioned by a hash of
 * mailbox_id, all of them alike, so that the partitions of one remainder hold
 * all of a mailbox and can be on another server together (doc/SCALING.md).
 * How many there are was settled when the store was made: its first table that
 * has some says so to those that come later.
 */
#include "store/store_postgres.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>

enum { TEXT_SIZE = 4096, NAME_MAX_SIZE = 48 };

static int execute(struct store_conn *conn, const char *text, PGresult **ret_result)
{
    int r = postgres_send(conn, 0, text, NULL, 0);

    return r == 0 ? postgres_drain(conn, ret_result) : r;
}

static int read_partitions(struct store_conn *conn, unsigned *ret_n)
{
    PGresult *result = NULL;
    uint64_t n = 0;
    int r = execute(conn,
                    "SELECT COUNT(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent WHERE c.relkind = 'p' "
                    "AND c.relnamespace = to_regnamespace(current_schema()) GROUP BY c.oid ORDER BY c.oid LIMIT 1",
                    &result);

    if (r != 0)
        return r;
    if (PQntuples(result) == 1 && PQgetlength(result, 0, 0) == sizeof(n))
        memcpy(&n, PQgetvalue(result, 0, 0), sizeof(n));
    *ret_n = n ? (unsigned)be64toh(n) : conn->db->partitions;
    PQclear(result);
    return 0;
}

static int add_partitions(struct store_conn *conn, const char *table, unsigned n)
{
    char text[TEXT_SIZE];
    int r = 0;

    for (unsigned i = 0; r == 0 && i < n; i++) {
        snprintf(text, sizeof(text), "CREATE TABLE %s_p%u PARTITION OF %s FOR VALUES WITH (MODULUS %u, REMAINDER %u)", table, i, table, n, i);
        r = execute(conn, text, NULL);
    }
    return r;
}

int postgres_define(struct store_conn *conn, const char *text, unsigned form)
{
    char table[NAME_MAX_SIZE], whole[TEXT_SIZE];
    unsigned n = 0;

    if (!(form & STORE_BY_MAILBOX))
        return execute(conn, text, NULL);
    if (sscanf(text, "CREATE TABLE %40[a-z_]", table) != 1 ||
        snprintf(whole, sizeof(whole), "%s PARTITION BY HASH (mailbox_id)", text) >= (int)sizeof(whole))
        return -EINVAL;
    int r = read_partitions(conn, &n);
    if (r == 0)
        r = execute(conn, whole, NULL);
    return r == 0 ? add_partitions(conn, table, n) : r;
}
