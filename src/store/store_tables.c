/*
 * See store_tables.h. It knows the forms that migrations.def uses, and refuses
 * every other, so that a new one is noticed.
 */
#include "store/store_tables.h"

#include <errno.h>

/* ---- words ---- */

static bool is_word(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The word, or the one other character, that comes next; empty at the end. */
static struct span next_token(struct span *text)
{
    while (text->len > 0 && *text->ptr == ' ')
        *text = (struct span){ text->ptr + 1, text->len - 1 };
    size_t n = 0;
    while (n < text->len && is_word(text->ptr[n]))
        n++;
    n = n == 0 && text->len > 0 ? 1 : n;
    struct span token = { text->ptr, n };
    *text = (struct span){ text->ptr + n, text->len - n };
    return token;
}

/* Takes these words, or nothing. */
static bool take(struct span *text, const char *words)
{
    struct span rest = *text, wanted = span_of(words);

    while (wanted.len > 0)
        if (!span_eq(next_token(&rest), next_token(&wanted)))
            return false;
    *text = rest;
    return true;
}

/* Over what is between here and the comma, or the closing bracket, that ends it. */
static void skip_item(struct span *text)
{
    int depth = 0;

    for (; text->len > 0; *text = (struct span){ text->ptr + 1, text->len - 1 }) {
        if (depth == 0 && (*text->ptr == ',' || *text->ptr == ')'))
            return;
        depth += (*text->ptr == '(') - (*text->ptr == ')');
    }
}

/* ---- tables ---- */

static struct table *find(struct tables *tables, struct span name)
{
    for (size_t i = 0; i < tables->n; i++)
        if (span_eq(tables->v[i].name, name))
            return &tables->v[i];
    return NULL;
}

static int add_key(struct table *table, struct span column)
{
    for (size_t i = 0; i < table->columns_n && table->key_n < TABLE_KEY_MAX; i++)
        if (span_eq(table->columns[i].name, column)) {
            table->key[table->key_n++] = i;
            return 0;
        }
    return -EINVAL;
}

static int read_column(struct span *text, struct table *table)
{
    struct span name = next_token(text), type = next_token(text);

    if (table->columns_n == TABLE_COLUMNS_MAX)
        return -EINVAL;
    struct table_column *column = &table->columns[table->columns_n++];
    column->name = name;
    if (span_is(type, "BIGINT"))
        column->type = STORE_INT;
    else if (span_is(type, "TEXT"))
        column->type = STORE_TEXT;
    else if (span_is(type, "BYTEA"))
        column->type = STORE_BLOB;
    else
        return -EINVAL;
    const char *from = text->ptr;
    skip_item(text);
    const struct span rest = { from, (size_t)(text->ptr - from) };
    return memmem(rest.ptr, rest.len, "PRIMARY KEY", 11) ? add_key(table, name) : 0;
}

static int read_key(struct span *text, struct table *table)
{
    int r = take(text, "(") ? 0 : -EINVAL;

    while (r == 0) {
        r = add_key(table, next_token(text));
        if (r == 0 && take(text, ")"))
            return 0;
        if (r == 0 && !take(text, ","))
            r = -EINVAL;
    }
    return r;
}

static int create(struct span *text, struct tables *tables)
{
    struct span name = next_token(text);
    int r = take(text, "(") && tables->n < TABLES_MAX && !find(tables, name) ? 0 : -EINVAL;

    if (r != 0)
        return r;
    struct table *table = &tables->v[tables->n++];
    *table = (struct table){ .name = name };
    while (r == 0) {
        if (take(text, "PRIMARY KEY"))
            r = read_key(text, table);
        else if (take(text, "UNIQUE"))
            skip_item(text);
        else
            r = read_column(text, table);
        if (r == 0 && take(text, ")"))
            return table->key_n > 0 && text->len == 0 ? 0 : -EINVAL;
        if (r == 0 && !take(text, ","))
            r = -EINVAL;
    }
    return r;
}

/* One that is no part of the key. */
static int drop_column(struct table *table, struct span name)
{
    size_t at = 0;

    while (at < table->columns_n && !span_eq(table->columns[at].name, name))
        at++;
    if (at == table->columns_n)
        return -EINVAL;
    for (size_t i = 0; i < table->key_n; i++) {
        if (table->key[i] == at)
            return -EINVAL;
        table->key[i] -= table->key[i] > at;
    }
    memmove(&table->columns[at], &table->columns[at + 1], (--table->columns_n - at) * sizeof(*table->columns));
    return 0;
}

static int alter(struct span *text, struct tables *tables)
{
    struct table *table = find(tables, next_token(text));

    if (table && take(text, "DROP COLUMN"))
        return drop_column(table, next_token(text));
    if (!table || !take(text, "ADD COLUMN"))
        return -EINVAL;
    return read_column(text, table);
}

static int drop(struct span *text, struct tables *tables)
{
    struct table *table = find(tables, next_token(text));

    if (!table || text->len > 0)
        return -EINVAL;
    size_t after = (size_t)(&tables->v[tables->n--] - table) - 1;
    memmove(table, table + 1, after * sizeof(*table));
    return 0;
}

static int read_one(struct span text, struct tables *tables)
{
    static const char *const others[] = { "CREATE INDEX", "CREATE UNIQUE INDEX", "DROP INDEX", "INSERT INTO", "UPDATE", "DELETE FROM" };

    if (take(&text, "CREATE TABLE"))
        return create(&text, tables);
    if (take(&text, "ALTER TABLE"))
        return alter(&text, tables);
    if (take(&text, "DROP TABLE"))
        return drop(&text, tables);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (take(&text, others[i]))
            return 0;
    return -EINVAL;
}

int tables_read(const struct migration *rows, size_t n, struct tables *ret_tables)
{
    int r = 0;

    ret_tables->n = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        if (rows[i].kind == MIGRATION_PLAIN || rows[i].kind == MIGRATION_CLUSTERED)
            r = read_one(span_of(rows[i].text), ret_tables);
    return r;
}
