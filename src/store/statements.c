/*
 * The tables of statements.def and migrations.def as arrays.
 */
#include "store/driver.h"
#include "store/statements.h"

const char *const statement_text[] = {
#define STATEMENT(name, text) [SQL_##name] = text,
#include "store/statements.def"
#undef STATEMENT
};
_Static_assert(ARRAY_LEN(statement_text) == STATEMENT_COUNT, "a text for each statement");

#undef STATEMENT_SKIPPING
const bool statement_skipping[STATEMENT_COUNT] = {
#define STATEMENT(name, text)
#define STATEMENT_SKIPPING(name, text) [SQL_##name] = true,
#include "store/statements.def"
#undef STATEMENT
#undef STATEMENT_SKIPPING
};
const struct migration migrations[] = {
#define MIGRATION(version, kind, text) { version, MIGRATION_##kind, text },
#include "store/migrations.def"
#undef MIGRATION
};
const unsigned migrations_n = ARRAY_LEN(migrations);

bool migration_is_for(const struct migration *migration, const char *engine)
{
    const char *only = migration->kind == MIGRATION_SQLITE ? "sqlite" : migration->kind == MIGRATION_POSTGRES ? "postgres" : NULL;

    return !only || strcmp(only, engine) == 0;
}

/* Who is who, and what may they do: whole, for whoever asks about many. */
static bool is_directory(const char *table)
{
    static const char *const names[] = { "mailbox (", "grant_ (", "removed (" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strncmp(table, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Those whose key has mailbox_id in it. */
unsigned migration_form(const struct migration *migration)
{
    static const char create[] = "CREATE TABLE ";
    unsigned form = migration->kind == MIGRATION_CLUSTERED ? STORE_CLUSTERED : 0;
    const char *key = strstr(migration->text, "PRIMARY KEY ("), *table = migration->text + sizeof(create) - 1;

    if (strncmp(migration->text, create, sizeof(create) - 1) != 0 || is_directory(table))
        return form;
    if (strstr(key ? key : table, key ? "mailbox_id" : "(mailbox_id BIGINT NOT NULL PRIMARY KEY"))
        return form | STORE_BY_MAILBOX;
    return form;
}

bool table_is_by_mailbox(struct span name)
{
    static const char create[] = "CREATE TABLE ";

    for (unsigned i = 0; i < migrations_n; i++) {
        const char *table = migrations[i].text + sizeof(create) - 1;
        if (strncmp(migrations[i].text, create, sizeof(create) - 1) == 0 && strncmp(table, name.ptr, name.len) == 0 &&
            table[name.len] == ' ' && migration_form(&migrations[i]) & STORE_BY_MAILBOX)
            return true;
    }
    return false;
}
