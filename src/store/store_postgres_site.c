/*
 * Partitions that are foreign tables, on other servers (doc/SCALING.md): a site is
 * the partitions on one of them, or those that are here beside them. One that is on
 * another server is committed by itself, before the rest, so what fails then may
 * stand there or not.
 * The transaction at a site sees what was there at its first statement, and nothing
 * that was committed since. So whoever holds a mailbox that is there writes into its
 * row of `counter` first: a transaction that had the mailbox before, and whose end
 * is still under way since its connection died, is waited for, and if it has been
 * committed meanwhile the writer begins anew.
 */
#include "store/store_postgres.h"

#include <endian.h>
#include <errno.h>

#define FAR_TABLES                                                                                               \
    "SELECT CAST(substr(c.relname, 10) AS BIGINT), CAST(f.ftserver AS BIGINT) FROM pg_foreign_table f "          \
    "JOIN pg_class c ON c.oid = f.ftrelid WHERE c.relnamespace = to_regnamespace(current_schema()) "             \
    "AND c.relname ~ '^counter_p[0-9]+$' ORDER BY 1"

static int64_t number_at(const PGresult *result, int row, int column)
{
    uint64_t value;

    memcpy(&value, PQgetvalue(result, row, column), sizeof(value));
    return (int64_t)be64toh(value);
}

/* The number of the site is the first below 0 that is a mailbox_id of the first
 * partition there. */
static int64_t name_site(unsigned part, unsigned partitions)
{
    int64_t site = -1;

    while (postgres_remainder(site, partitions) != part)
        site--;
    return site;
}

static void name_sites(struct store_conn *conn, unsigned partitions, const int64_t *servers)
{
    for (unsigned i = 0; i < partitions; i++) {
        unsigned first = 0;
        while (servers[first] != servers[i])
            first++;
        conn->sites[i] = first == i ? name_site(i, partitions) : conn->sites[first];
    }
}

/* known: the hash of the database is ours. */
int postgres_read_sites(struct store_conn *conn, unsigned partitions, bool known)
{
    int64_t servers[POSTGRES_PARTITIONS_MAX] = { 0 };
    PGresult *result = NULL;
    int r = postgres_send(conn, 0, FAR_TABLES, NULL, 0);

    if (r == 0)
        r = postgres_answer(conn, &result);
    if (r != 0)
        return r;
    conn->spread = PQntuples(result) > 0;
    for (int i = 0; r == 0 && i < PQntuples(result); i++) {
        int64_t part = number_at(result, i, 0);
        if (known && part < (int64_t)partitions)
            servers[part] = number_at(result, i, 1);
        else
            r = -ENOTSUP;
    }
    PQclear(result);
    if (r == 0 && conn->spread)
        name_sites(conn, partitions, servers);
    return r;
}

int postgres_site(struct store_conn *conn, int64_t mailbox_id, int64_t *ret_site)
{
    unsigned part = 0;
    int r = postgres_part_of(conn, mailbox_id, &part);

    if (r != 0)
        return r;
    *ret_site = part ? conn->sites[part - 1] : 0;
    return conn->spread && mailbox_id == 0;
}

int postgres_hold_far(struct store_conn *conn, const int64_t *keys, size_t n)
{
    int64_t site = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct store_value id = { .type = STORE_INT, .number = keys[i] };
        r = keys[i] > 0 ? postgres_site(conn, keys[i], &site) : 0;
        if (r == 0 && keys[i] > 0 && site != 0)
            r = postgres_send(conn, SQL_counter_touch, NULL, &id, 1);
    }
    return r;
}
