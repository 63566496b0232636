/*
 * Prints every migration and a PREPARE of every statement, for psql: what
 * prepare_pg.sh feeds to a real PostgreSQL.
 */
#include "store/statements.h"

#include <stdio.h>

static const char *const sorts[] = {
#define SORT(column) #column,
#include "store/sorts.def"
#undef SORT
};

int main(void)
{
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
    return 0;
}
