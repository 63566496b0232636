/*
 * See store_group.h. Keys are folded addresses; a row of address with the
 * mailbox_id 0 keeps the group's address from being given to anybody else, and
 * makes its domain ours.
 */
#include "store/store_group.h"

#include "model/code.h"
#include "model/rcpt.h"
#include "store/store_sql.h"

#include <errno.h>

enum { NO_MAILBOX_ID = 0 };

static int fold(struct store_tx *tx, struct span address, struct span *ret_key)
{
    return store_fold(tx->scratch, address, ret_key);
}

int store_group_hold(struct store_tx *tx)
{
    return store_hold_mailbox(tx, HOLD_DIRECTORY);
}

int store_group_create(struct store_tx *tx, struct span address, struct span name)
{
    struct span key = { 0 };
    int r = store_group_hold(tx);

    if (r == 0)
        r = store_address_insert(tx, tx->scratch, NO_MAILBOX_ID, address);
    if (r == 0)
        r = fold(tx, address, &key);
    if (r == 0)
        r = sql_run(tx, SQL_group_insert,
                    ARGS(V_TEXT(key), V_TEXT(address), V_TEXT(name.len ? name : rcpt_address_local(address, false))), NULL);
    return r;
}

int store_group_remove(struct store_tx *tx, struct span address)
{
    static const enum store_statement rest[] = { SQL_group_clear, SQL_group_leave, SQL_address_delete };
    struct span key = { 0 };
    int64_t written = 0;
    int r = store_group_hold(tx);

    if (r == 0)
        r = fold(tx, address, &key);
    if (r == 0)
        r = sql_run(tx, SQL_group_delete, ARGS(V_TEXT(key)), &written);
    if (r == 0 && written == 0)
        return 1;
    store_forget_kept(tx);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(rest); i++)
        r = sql_run(tx, rest[i], ARGS(V_TEXT(key)), NULL);
    return r;
}

static int read_group(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_group *group = ret_row;
    int r = sql_copy(sql, 0, arena, &group->address);

    group->members = (uint64_t)sql_int(sql, 2);
    return r == 0 ? sql_copy(sql, 1, arena, &group->name) : r;
}

static int one_group(struct store_tx *tx, struct arena *arena, enum store_statement statement, const struct store_value *args, size_t n,
                     struct store_group *ret_group)
{
    struct store_group *rows = NULL;
    size_t found = 0;
    int r = sql_list(tx, arena, statement, args, n, sizeof(*rows), read_group, &rows, &found);

    if (r != 0 || found != 1)
        return r != 0 ? r : found == 0 ? 1 : CODE_ErrorNameResolutionMultipleResults;
    *ret_group = *rows;
    return 0;
}

int store_group_get(struct store_tx *tx, struct arena *arena, struct span address, struct store_group *ret_group)
{
    struct span key = { 0 };
    int r = fold(tx, address, &key);

    return r != 0 ? r : one_group(tx, arena, SQL_group_get, ARGS(V_TEXT(key)), ret_group);
}

int store_group_by_name(struct store_tx *tx, struct arena *arena, struct span name, struct store_group *ret_group)
{
    struct span key = { 0 };
    int r = fold(tx, name, &key);

    return r != 0 ? r : one_group(tx, arena, SQL_group_by_name, ARGS(V_TEXT(key), V_TEXT(name)), ret_group);
}

int store_group_list(struct store_tx *tx, struct arena *arena, struct store_group **ret_groups, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_group_list, NULL, 0, sizeof(struct store_group), read_group, ret_groups, ret_n);
}

/* The statement's arguments: the keys of both, and the member's address if it
 * takes that. */
static int write_member(struct store_tx *tx, enum store_statement statement, size_t args_n, struct span group, struct span member)
{
    struct span key = { 0 }, member_key = { 0 };
    int64_t written = 0;
    int r = store_group_hold(tx);

    if (r == 0)
        r = fold(tx, group, &key);
    if (r == 0)
        r = fold(tx, member, &member_key);
    const struct store_value args[] = { V_TEXT(key), V_TEXT(member_key), V_TEXT(member) };
    if (r == 0)
        r = sql_run(tx, statement, args, args_n, &written);
    return r != 0 ? r : written == 0;
}

int store_group_add_member(struct store_tx *tx, struct span group, struct span member)
{
    return write_member(tx, SQL_group_member_put, 3, group, member);
}

int store_group_remove_member(struct store_tx *tx, struct span group, struct span member)
{
    return write_member(tx, SQL_group_member_delete, 2, group, member);
}

/* ---- entries: address, name, mailbox_id, and the address that was looked for ---- */

static int read_entry(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_listing *entry = ret_row;
    struct span address = sql_bytes(sql, 0);

    entry->kind = address.len == 0 ? STORE_ENTRY_OTHER : sql_int(sql, 2) != NO_MAILBOX_ID ? STORE_ENTRY_MAILBOX : STORE_ENTRY_GROUP;
    int r = sql_copy(sql, entry->kind == STORE_ENTRY_OTHER ? 3 : 0, arena, &entry->address);
    return r == 0 ? sql_copy(sql, 1, arena, &entry->name) : r;
}

int store_group_members(struct store_tx *tx, struct arena *arena, struct span group, struct store_listing **ret_members, size_t *ret_n)
{
    struct span key = { 0 };
    int r = fold(tx, group, &key);

    return r == 0 ? sql_list(tx, arena, SQL_group_members, ARGS(V_TEXT(key)), sizeof(**ret_members), read_entry, ret_members, ret_n) : r;
}

struct finding {
    struct store_tx *tx;
    struct arena *arena;
    struct store_listing *entries;
    size_t n, limit;
    struct span key; /* folded */
    bool alone;      /* the one whose address it is was found */
};

static int take_entry(struct finding *finding, struct sql *sql)
{
    struct store_listing entry = { 0 };
    struct span address = sql_bytes(sql, 0);

    if (span_eq(sql_bytes(sql, 3), finding->key))
        finding->alone = true;
    for (size_t i = 0; i < finding->n; i++)
        if (span_eq(finding->entries[i].address, address))
            return 0;
    int r = address.len ? read_entry(sql, finding->arena, &entry) : 0;
    if (r == 0 && address.len)
        finding->entries[finding->n++] = entry;
    return r;
}

static int find(struct finding *finding, enum store_statement statement, struct span first, struct span second)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_open(finding->tx, statement, ARGS(V_TEXT(first), V_TEXT(second), V_INT(finding->limit)), &sql);

    while (r == 0 && !finding->alone && finding->n < finding->limit && (r = sql_next(&sql)) == 1)
        r = take_entry(finding, &sql);
    return r;
}

/* The text as a pattern of LIKE, with what is special to it escaped. */
static int pattern_of(struct arena *arena, const char *before, struct span text, struct span *ret_pattern)
{
    char *out = arena_alloc(arena, 2 * text.len + strlen(before) + 2);
    size_t len = strlen(before);

    if (!out)
        return -ENOMEM;
    memcpy(out, before, len);
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("!%_", text.ptr[i]))
            out[len++] = '!';
        out[len++] = text.ptr[i];
    }
    out[len++] = '%';
    *ret_pattern = (struct span){ out, len };
    return 0;
}

static int find_names(struct finding *finding, struct span text)
{
    static const enum store_statement statements[] = { SQL_entry_by_name, SQL_entry_group_by_name };
    struct span whole = { 0 }, word = { 0 };
    int r = pattern_of(finding->tx->scratch, "", text, &whole);

    if (r == 0)
        r = pattern_of(finding->tx->scratch, "% ", text, &word);
    for (size_t i = 0; r == 0 && !finding->alone && i < ARRAY_LEN(statements); i++)
        r = find(finding, statements[i], whole, word);
    return r;
}

int store_entry_find(struct store_tx *tx, struct arena *arena, struct span text, size_t limit, struct store_listing **ret_entries,
                     size_t *ret_n)
{
    struct finding finding = { .tx = tx, .arena = arena, .limit = limit };
    struct span end = { 0 };

    finding.entries = arena_array(arena, limit, sizeof(*finding.entries));
    int r = finding.entries ? fold(tx, text, &finding.key) : -ENOMEM;
    if (r == 0) /* up to the last character there is */
        r = arena_printf(tx->scratch, &end, "%.*s\xf4\x8f\xbf\xbf", (int)finding.key.len, finding.key.ptr);
    if (r == 0)
        r = find(&finding, SQL_entry_by_address, finding.key, end);
    if (r == 0)
        r = find_names(&finding, text);
    if (r == 0) {
        *ret_entries = finding.entries;
        *ret_n = finding.n;
    }
    return r;
}
