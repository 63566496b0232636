/*
 * The full-text indexes of the engines, as SQL: FTS5, which has no copy of the
 * words and is told what comes and goes, and a GIN index over search_item, which
 * follows by itself. Both take the words as they are given, each for itself and
 * without their places.
 */
#include "store/driver.h"

#define UNINDEX "INSERT INTO search_words (search_words, rowid, words) SELECT 'delete', doc_no, words FROM search_item "

const struct store_words_dialect store_words_sqlite = {
    .add = "INSERT INTO search_words (rowid, words) SELECT doc_no, words FROM search_item WHERE mailbox_id = $1 AND item_no = $2",
    .remove = UNINDEX "WHERE mailbox_id = $1 AND item_no = $2",
    .sweep = UNINDEX "WHERE mailbox_id = $1 ORDER BY item_no LIMIT $2",
    /* CROSS: in this order, or each item would be looked for in the index. */
    .match = "SELECT s.item_no, s.words FROM search_words CROSS JOIN search_item s ON s.doc_no = search_words.rowid "
             "WHERE search_words MATCH $5 AND s.mailbox_id = $1",
    .and = " AND ", .or = " OR ", .open = "\"", .close = "\"", .close_prefix = "\" *",
};

const struct store_words_dialect store_words_postgres = {
    /* The query by itself: postgres_fdw sends its value to where the index is, a CAST never. */
    .match = "SELECT s.item_no, s.words FROM search_item s WHERE s.mailbox_id = $1 "
             "AND array_to_tsvector(string_to_array(s.words, ' ')) @@ (SELECT CAST($5 AS tsquery))",
    .and = " & ", .or = " | ", .open = "'", .close = "'", .close_prefix = "':*",
};
