/*
 * The statements by number and text: one row of statements.def each, in SQL
 * that every engine takes ($n arguments; BIGINT, TEXT, BYTEA; ON CONFLICT DO
 * NOTHING, RETURNING). A test prepares all of them on every engine.
 */
#ifndef EWSD_STORE_STATEMENTS_H
#define EWSD_STORE_STATEMENTS_H

#include "base/base.h"

/* The columns that item and outbox (a frozen item) share; $4 to $25, in the
 * order that item_args() and item_from_row() of store_item.c use. */
#define ITEM_COLUMNS \
    "content_no, change_no, key_no, item_class, flags, subject, body_type, importance, " \
    "sensitivity, created, modified, sent, received, size, from_name, from_address, " \
    "from_routing, sender_name, sender_address, sender_routing, message_id, props"
#define ITEM_VALUES \
    "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, " \
    "$23, $24, $25"
/* The same, of an attached item: $2 to $23. */
#define ATTACHED_VALUES \
    "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, " \
    "$22, $23"
/* The same, assigned. */
#define ITEM_SETS \
    "content_no = $4, change_no = $5, key_no = $6, item_class = $7, flags = $8, subject = $9, " \
    "body_type = $10, importance = $11, sensitivity = $12, created = $13, modified = $14, " \
    "sent = $15, received = $16, size = $17, from_name = $18, from_address = $19, " \
    "from_routing = $20, sender_name = $21, sender_address = $22, sender_routing = $23, " \
    "message_id = $24, props = $25"
#define ITEM_COLUMNS_N 22

enum store_statement {
#define STATEMENT(name, text) SQL_##name,
#include "store/statements.def"
#undef STATEMENT
    STATEMENT_COUNT
};

extern const char *const statement_text[];
/* Of a STATEMENT_SKIPPING. */
extern const bool statement_skipping[];

/* What store_search.c puts conditions and an order behind: the items of a
 * folder, and those of them that are newer than change $4. */
#define STORE_SEARCH_ALL \
    "SELECT item_no, folder_no, " ITEM_COLUMNS " FROM item WHERE mailbox_id = $1 AND folder_no = $2 AND associated = $3"
/* 16: recoverableitemsdeletions; those that were deleted from the folder. */
#define STORE_SEARCH_DELETED \
    "SELECT item_no, folder_no, " ITEM_COLUMNS " FROM item WHERE mailbox_id = $1 AND folder_no = 16 AND origin_no = $2 " \
    "AND associated = $3"
#define STORE_SEARCH_NEWER \
    STORE_SEARCH_ALL " AND change_no > $4 AND item_no IN " \
    "(SELECT c.item_no FROM change c WHERE c.mailbox_id = $1 AND c.change_no > $4 UNION " \
    "SELECT c.to_item_no FROM change c WHERE c.mailbox_id = $1 AND c.change_no > $4)"

struct migration {
    int version;    /* rises; rows of one version belong together */
    enum { MIGRATION_PLAIN, MIGRATION_CLUSTERED, MIGRATION_SQLITE, MIGRATION_POSTGRES } kind;
    const char *text;
};
extern const struct migration migrations[];
/* Is that row for the engine of this name? */
bool migration_is_for(const struct migration *migration, const char *engine);
/* Bits of enum store_form, of one that makes a table. */
unsigned migration_form(const struct migration *migration);
extern const unsigned migrations_n;
/* Is one of STORE_BY_MAILBOX called so? */
bool table_is_by_mailbox(struct span name);

#endif
