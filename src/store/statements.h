/*
 * The statements by number and text: one row of statements.def each, in SQL
 * that every engine takes ($n arguments; BIGINT, TEXT, BYTEA; ON CONFLICT DO
 * NOTHING, RETURNING). A test prepares all of them on every engine.
 */
#ifndef EWSD_STORE_STATEMENTS_H
#define EWSD_STORE_STATEMENTS_H

#include "base/base.h"

enum store_statement {
#define STATEMENT(name, text) SQL_##name,
#include "store/statements.def"
#undef STATEMENT
    STATEMENT_COUNT
};

extern const char *const statement_text[];

struct migration {
    int version;    /* rises; rows of one version belong together */
    bool clustered; /* a table, stored in the order of its primary key */
    const char *text;
};
extern const struct migration migrations[];
extern const unsigned migrations_n;

#endif
