/*
 * The tables of a store: made, or brought up to date, by the rows of
 * migrations.def in their order, and all gone. Both are part of the transaction
 * that opens the store.
 */
#include "store/store_core.h"
#include "store/store_tables.h"

#include <errno.h>
#include <stdio.h>

static int run_text(struct store_tx *tx, const char *text, const struct store_value *args, size_t n, int64_t *ret_number)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open_text(tx, text, args, n, &sql);

    if (r == 0)
        r = sql_next(&sql);
    if (r < 0)
        return r;
    if (r == 1 && ret_number)
        *ret_number = sql_int(&sql, 0);
    return r == 1 ? 0 : 1;
}

int store_migrate(struct store_tx *tx, bool opening)
{
    int64_t version = 0;
    int r = tx->driver->define(tx->conn, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)", 0);

    if (r != 0)
        return r;
    r = run_text(tx, "SELECT version FROM schema_version", NULL, 0, &version);
    bool fresh = r == 1;
    if (r < 0)
        return r;
    int newest = migrations[migrations_n - 1].version;
    if (version > newest)
        return -ENOTSUP;
    if (opening)
        tx->store->version_found = (int)version;
    if (version == newest)
        return 0;
    r = tx->driver->be_patient ? tx->driver->be_patient(tx->conn) : 0;
    for (unsigned i = 0; r == 0 && i < migrations_n; i++) {
        if (migrations[i].version <= version || !migration_is_for(&migrations[i], tx->driver->name))
            continue;
        r = tx->driver->define(tx->conn, migrations[i].text, migration_form(&migrations[i]));
    }
    if (r != 0)
        return r;
    const char *text = fresh ? "INSERT INTO schema_version (version) VALUES ($1)" : "UPDATE schema_version SET version = $1";
    r = run_text(tx, text, ARGS(V_INT(newest)), NULL);
    return r < 0 ? r : 0;
}

/* What this engine alone has, which tables_read leaves out. */
static int drop_own_tables(struct store_tx *tx)
{
    char name[64], text[128];
    int r = 0;

    for (unsigned i = 0; r == 0 && i < migrations_n; i++) {
        const struct migration *row = &migrations[i];
        if (row->kind == MIGRATION_PLAIN || row->kind == MIGRATION_CLUSTERED || !migration_is_for(row, tx->driver->name) ||
            (sscanf(row->text, "CREATE TABLE %63[a-z_]", name) != 1 && sscanf(row->text, "CREATE VIRTUAL TABLE %63[a-z_]", name) != 1))
            continue;
        snprintf(text, sizeof(text), "DROP TABLE IF EXISTS %s", name);
        r = tx->driver->define(tx->conn, text, 0);
    }
    return r;
}

int store_drop_tables(struct store_tx *tx)
{
    struct tables tables;
    char text[128];
    int r = tables_read(migrations, migrations_n, &tables);

    if (r == 0)
        r = drop_own_tables(tx);
    for (size_t i = 0; r == 0 && i < tables.n; i++) {
        snprintf(text, sizeof(text), "DROP TABLE %.*s", (int)tables.v[i].name.len, tables.v[i].name.ptr);
        r = tx->driver->define(tx->conn, text, 0);
    }
    return r == 0 ? tx->driver->define(tx->conn, "DROP TABLE schema_version", 0) : r;
}
