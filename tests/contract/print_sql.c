/*
 * Prints every migration and a PREPARE of every statement, for psql: what
 * prepare_pg.sh feeds to a real PostgreSQL. With an argument, "NAME TEXT" of
 * every statement alone, for tests/postgres/plans.
 */
#include "model/query.h"
#include "store/driver.h"
#include "store/statements.h"
#include "store/store_filter.h"
#include "store/store_words.h"

#include <stdio.h>

static const char *const sorts[] = {
#define SORT(column) #column,
#include "store/sorts.def"
#undef SORT
};

/* A search by columns, and one by words, that are put together as they are asked for. */
static void print_searches(void)
{
    static const char query[] = "(received:today OR size:>5 OR NOT size:>7 OR importance:high) sent:<today \"some words\" more*";
    const struct query_limits limits = { .length = 1000, .nodes = 100, .depth = 10 };
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct buf text = BUF_INIT(65536), words = BUF_INIT(65536);
    struct store_value args[5 + FILTER_ARGS_MAX] = { 0 };
    struct filter *filter = NULL;
    size_t n = 5;
    bool exact;
    if (arena_new(1 << 20, &arena) || query_read(arena, span_of(query), 0, &limits, &filter))
        return;
    words_select(&store_words_postgres, &text);
    store_filter_sql(filter, &text, args, &n);
    (void)words_query(&store_words_postgres, 7, filter, &words, &exact);
    printf("PREPARE words AS %.*s;\n", (int)text.len, text.ptr);
    printf("PREPARE newer AS " STORE_SEARCH_NEWER ";\nPREPARE everything AS " STORE_SEARCH_ALL ";\nPREPARE deleted AS " STORE_SEARCH_DELETED ";\n");
    printf("EXECUTE words (1, 4, 0, 10, $q$%.*s$q$", (int)words.len, words.ptr);
    for (size_t i = 5; i < n; i++)
        printf(", %lld", (long long)args[i].number);
    puts(");");
    buf_done(&text);
    buf_done(&words);
}

static const char *const names[] = {
#define STATEMENT(name, text) #name,
#include "store/statements.def"
#undef STATEMENT
};

static void print_statements(void)
{
    for (unsigned i = 0; i < STATEMENT_COUNT; i++)
        printf("%s %s\n", names[i], statement_text[i]);
    puts("search_newer " STORE_SEARCH_NEWER "\nsearch_all " STORE_SEARCH_ALL "\nsearch_deleted " STORE_SEARCH_DELETED);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        print_statements();
        return 0;
    }
    puts("CREATE TABLE schema_version (version BIGINT NOT NULL);");
    for (unsigned i = 0; i < migrations_n; i++)
        if (migration_is_for(&migrations[i], "postgres"))
            printf("%s;\n", migrations[i].text);
    for (unsigned i = 0; i < STATEMENT_COUNT; i++)
        printf("PREPARE s%u AS %s;\n", i, statement_text[i]);
    for (unsigned i = 0; i < ARRAY_LEN(sorts); i++)
        printf("PREPARE sort%u AS SELECT " ITEM_COLUMNS " FROM item WHERE mailbox_id = $1 AND folder_no = $2 "
               "AND associated = $3 ORDER BY %s DESC, item_no DESC LIMIT $4 OFFSET $5;\n",
               i, sorts[i]);
    print_searches();
    return 0;
}
