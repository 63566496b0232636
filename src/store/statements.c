/*
 * The tables of statements.def and migrations.def as arrays.
 */
#include "base/base.h"
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
