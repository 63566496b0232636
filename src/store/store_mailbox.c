/*
 * The directory: mailboxes, addresses, grants. A mailbox is born with all the
 * distinguished folders of model/folders.def; such a folder's number is the
 * number of its role.
 */
#include "store/store_mailbox.h"

#include "model/code.h"
#include "model/folder.h"
#include "model/rcpt.h"
#include "store/store_node.h"
#include "store/store_sql.h"

#include <errno.h>

enum { KEY_ARENA = 16384 };

static uint32_t count_children(enum folder_role parent)
{
    uint32_t n = 0;

    for (int i = 1; i < FOLDER_ROLE_COUNT; i++) {
        const struct folder_role_info *info = folder_role_info((enum folder_role)i);
        if (info && info->parent == parent && (enum folder_role)i != parent)
            n++;
    }
    return n;
}

static int create_folders(struct store_tx *tx, struct arena *arena, int64_t mailbox_id)
{
    for (int i = 1; i < FOLDER_ROLE_COUNT; i++) {
        enum folder_role role = (enum folder_role)i;
        const struct folder_role_info *info = folder_role_info(role);
        struct span key = { 0 };
        if (!info)
            continue;
        int r = store_fold(arena, span_of(info->name), &key);
        if (r == 0)
            r = sql_run(tx, SQL_folder_insert,
                        ARGS(V_INT(mailbox_id), V_INT(i), V_INT(info->parent), V_INT(i), V_INT(1), V_TEXT(span_of(info->name)),
                             V_BLOB(key), V_TEXT(span_of(info->class)), V_INT(count_children(role))),
                        NULL);
        if (r != 0)
            return r;
    }
    return 0;
}

int store_address_insert(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct span address)
{
    struct span key = { 0 };
    int64_t written = 0;
    int r = store_fold(arena, address, &key);

    store_forget_kept(tx);
    if (r == 0)
        r = sql_run(tx, SQL_address_insert,
                    ARGS(V_TEXT(key), V_INT(mailbox_id), V_TEXT(rcpt_address_local(key, false)),
                         V_TEXT(rcpt_address_domain(key))),
                    &written);
    return r != 0 ? r : written == 0;
}

/* Where the directory is committed by itself, the rest of one may be there that
 * never came to be. */
static int clear_place(struct store_tx *tx, int64_t mailbox_id)
{
    int r = sql_run(tx, SQL_remove_counter, ARGS(V_INT(mailbox_id)), NULL);

    return r == 0 ? sql_run(tx, SQL_remove_folders, ARGS(V_INT(mailbox_id)), NULL) : r;
}

static int create_mailbox(struct store_tx *tx, struct arena *arena, const struct store_mailbox *mailbox)
{
    int r = store_address_insert(tx, arena, mailbox->mailbox_id, mailbox->address);

    if (r != 0)
        return r;
    r = sql_run(tx, SQL_mailbox_insert,
                ARGS(V_INT(mailbox->mailbox_id), V_RAW(mailbox->guid, STORE_GUID_SIZE), V_TEXT(mailbox->address),
                     V_TEXT(mailbox->display_name), V_TEXT(mailbox->password_hash)),
                NULL);
    if (r == 0)
        r = clear_place(tx, mailbox->mailbox_id);
    if (r == 0)
        r = sql_run(tx, SQL_counter_insert, ARGS(V_INT(mailbox->mailbox_id)), NULL);
    return r != 0 ? r : create_folders(tx, arena, mailbox->mailbox_id);
}

int store_mailbox_create(struct store_tx *tx, struct span address, struct span display_name, struct span password_hash,
                         int64_t *ret_mailbox_id)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct store_mailbox mailbox = { .address = address, .display_name = display_name, .password_hash = password_hash };
    int r = arena_new(KEY_ARENA, &arena);

    if (display_name.len == 0)
        mailbox.display_name = rcpt_address_local(address, false);
    if (r == 0)
        r = random_bytes(mailbox.guid, sizeof(mailbox.guid));
    if (r == 0)
        r = sql_number(tx, SQL_mailbox_next, NULL, 0, &mailbox.mailbox_id);
    if (r == 0)
        r = store_hold_new(tx, mailbox.mailbox_id);
    if (r == 0)
        r = create_mailbox(tx, arena, &mailbox);
    if (r == 0)
        *ret_mailbox_id = mailbox.mailbox_id;
    return r;
}

static int read_mailbox(struct sql *sql, struct arena *arena, struct store_mailbox *ret_mailbox)
{
    struct store_mailbox mailbox = { .mailbox_id = sql_int(sql, 0) };
    struct span guid = sql_bytes(sql, 1);

    if (guid.len != STORE_GUID_SIZE)
        return -EIO;
    memcpy(mailbox.guid, guid.ptr, STORE_GUID_SIZE);
    int r = sql_copy(sql, 2, arena, &mailbox.address);
    if (r == 0)
        r = sql_copy(sql, 3, arena, &mailbox.display_name);
    if (r == 0)
        r = sql_copy(sql, 4, arena, &mailbox.password_hash);
    if (r == 0)
        *ret_mailbox = mailbox;
    return r;
}

static int find_mailbox(struct store_tx *tx, struct arena *arena, enum store_statement statement, struct store_value key,
                        struct store_mailbox *ret_mailbox)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, statement, &key, 1, &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorNonExistentMailbox;
    return read_mailbox(&sql, arena, ret_mailbox);
}

int store_mailbox_by_address(struct store_tx *tx, struct arena *arena, struct span address, struct store_mailbox *ret_mailbox)
{
    struct span key = { 0 };
    int r = store_fold(arena, address, &key);

    return r != 0 ? r : find_mailbox(tx, arena, SQL_mailbox_by_address, V_TEXT(key), ret_mailbox);
}

int store_mailbox_by_name(struct store_tx *tx, struct arena *arena, struct span name, struct store_mailbox *ret_mailbox)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_mailbox_by_name, ARGS(V_TEXT(name)), &sql);

    if (r != 0)
        return r < 0 ? r : CODE_ErrorNonExistentMailbox;
    r = read_mailbox(&sql, arena, ret_mailbox);
    if (r == 0)
        r = sql_next(&sql);
    return r > 0 ? CODE_ErrorNameResolutionMultipleResults : r;
}

int store_mailbox_by_guid(struct store_tx *tx, struct arena *arena, const uint8_t guid[STORE_GUID_SIZE],
                          struct store_mailbox *ret_mailbox)
{
    return find_mailbox(tx, arena, SQL_mailbox_by_guid, V_RAW(guid, STORE_GUID_SIZE), ret_mailbox);
}

int store_mailbox_by_id(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct store_mailbox *ret_mailbox)
{
    return find_mailbox(tx, arena, SQL_mailbox_by_id, V_INT(mailbox_id), ret_mailbox);
}

static bool label_fits(struct span domain, struct span label)
{
    if (label.len == 0 || span_eq(domain, label))
        return true;
    return span_starts(domain, label) && domain.ptr[label.len] == '.';
}

int store_mailbox_by_login(struct store_tx *tx, struct arena *arena, struct span label, struct span user,
                           struct store_mailbox *ret_mailbox)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct store_mailbox found = { 0 };
    struct span local = { 0 };
    struct span domain = { 0 };
    int r = store_fold(arena, user, &local);

    if (r == 0)
        r = store_fold(arena, label, &domain);
    if (r == 0)
        r = sql_open(tx, SQL_mailbox_by_local, ARGS(V_TEXT(local)), &sql);
    while (r == 0 && (r = sql_next(&sql)) == 1) {
        r = 0;
        if (!label_fits(sql_bytes(&sql, 5), domain) || found.mailbox_id == sql_int(&sql, 0))
            continue;
        if (found.mailbox_id != 0)
            return CODE_ErrorNonExistentMailbox;
        r = read_mailbox(&sql, arena, &found);
    }
    if (r != 0)
        return r;
    if (found.mailbox_id == 0)
        return CODE_ErrorNonExistentMailbox;
    *ret_mailbox = found;
    return 0;
}

static int read_mailbox_row(struct sql *sql, struct arena *arena, void *ret_row)
{
    return read_mailbox(sql, arena, ret_row);
}

int store_mailbox_list(struct store_tx *tx, struct arena *arena, struct store_mailbox **ret_mailboxes, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_mailbox_list, NULL, 0, sizeof(struct store_mailbox), read_mailbox_row, ret_mailboxes, ret_n);
}

static int read_usage(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_usage *usage = ret_row;

    usage->folder_no = (uint64_t)sql_int(sql, 0);
    usage->total = (uint64_t)sql_int(sql, 2);
    usage->unread = (uint64_t)sql_int(sql, 3);
    usage->size = (uint64_t)sql_int(sql, 4);
    return sql_copy(sql, 1, arena, &usage->name);
}

int store_mailbox_usage(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct store_usage **ret_folders,
                        size_t *ret_n)
{
    return sql_list(tx, arena, SQL_mailbox_usage, ARGS(V_INT(mailbox_id)), sizeof(struct store_usage), read_usage, ret_folders, ret_n);
}

int store_mailbox_size(struct store_tx *tx, int64_t mailbox_id, uint64_t *ret_size)
{
    int64_t size = 0;
    int r = sql_number(tx, SQL_mailbox_size, ARGS(V_INT(mailbox_id)), &size);

    if (r == 0)
        *ret_size = (uint64_t)size;
    return r == 1 ? CODE_ErrorNonExistentMailbox : r;
}

int store_mailbox_pace(struct store_tx *tx, int64_t mailbox_id, int64_t now, int64_t interval, int64_t burst, int64_t *ret_wait)
{
    int64_t written = 0, at = 0;
    int r = sql_run(tx, SQL_pace_take, ARGS(V_INT(mailbox_id), V_INT(now), V_INT(interval), V_INT(burst)), &written);

    if (r != 0 || written != 0)
        return r;
    r = sql_number(tx, SQL_pace_get, ARGS(V_INT(mailbox_id)), &at);
    if (r != 0)
        return r < 0 ? r : CODE_ErrorNonExistentMailbox;
    *ret_wait = at + interval - now - burst;
    return 1;
}

int store_mailbox_set_password(struct store_tx *tx, int64_t mailbox_id, struct span password_hash)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_mailbox_password, ARGS(V_INT(mailbox_id), V_TEXT(password_hash)), &written);

    if (r == 0 && written == 0)
        return CODE_ErrorNonExistentMailbox;
    return r == 0 ? store_credentials_changed(tx) : r;
}

int store_address_add(struct store_tx *tx, int64_t mailbox_id, struct span address)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    int r = arena_new(KEY_ARENA, &arena);

    return r != 0 ? r : store_address_insert(tx, arena, mailbox_id, address);
}

int store_address_remove(struct store_tx *tx, struct span address)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct span key = { 0 };
    int64_t written = 0;
    int r = arena_new(KEY_ARENA, &arena);

    if (r == 0)
        r = store_fold(arena, address, &key);
    store_forget_kept(tx);
    if (r == 0)
        r = sql_run(tx, SQL_address_delete, ARGS(V_TEXT(key)), &written);
    if (r == 0 && written > 0)
        r = store_credentials_changed(tx);
    return r != 0 ? r : written == 0;
}

static int read_address(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_address *address = ret_row;
    int r = sql_copy(sql, 0, arena, &address->address);

    return r == 0 ? sql_copy(sql, 1, arena, &address->mailbox) : r;
}

int store_address_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, struct store_address **ret_addresses,
                       size_t *ret_n)
{
    return sql_list(tx, arena, SQL_address_list, ARGS(V_INT(mailbox_id)), sizeof(struct store_address), read_address, ret_addresses, ret_n);
}

void store_forget_kept(struct store_tx *tx)
{
    if (!tx->kept)
        return;
    memset(tx->kept->domains, 0, sizeof(tx->kept->domains));
    memset(tx->kept->numbers, 0, sizeof(tx->kept->numbers));
}

/* Who writes to whom changes slowly: what one transaction asks, the next one will. */
static void expect_domain(struct store_tx *tx, struct span key)
{
    if (!tx->driver->expect)
        return;
    for (size_t i = 0; i < DOMAINS_EXPECTED; i++) {
        char *name = tx->kept->expected[i];
        if (span_is(key, name))
            return;
        if (*name)
            continue;
        memcpy(name, key.ptr, key.len);
        name[key.len] = 0;
        return;
    }
}

int store_domains_expect(struct store_tx *tx)
{
    int r = 0;

    if (!tx->kept || !tx->driver->expect)
        return 0;
    for (size_t i = 0; r == 0 && i < DOMAINS_EXPECTED && tx->kept->expected[i][0]; i++)
        r = sql_expect(tx, SQL_address_domain, ARGS(V_TEXT(span_of(tx->kept->expected[i]))));
    memset(tx->kept->expected, 0, sizeof(tx->kept->expected));
    return r;
}

/* Where a domain is kept, or would be. */
static size_t domain_slot(struct span key)
{
    uint32_t at = 5381;

    for (size_t i = 0; i < key.len; i++)
        at = at * 33 + (unsigned char)key.ptr[i];
    return at % DOMAINS_KEPT;
}

/* Or will be, when another job has its answer. */
static bool domain_is_kept(struct store_tx *tx, size_t slot, struct span key)
{
    while (tx->lane && tx->kept->domains[slot].asked && span_is(key, tx->kept->domains[slot].name))
        lane_let_others(tx);
    return span_is(key, tx->kept->domains[slot].name);
}

static void keep_domain(struct store_tx *tx, size_t slot, struct span key)
{
    memcpy(tx->kept->domains[slot].name, key.ptr, key.len);
    tx->kept->domains[slot].name[key.len] = 0;
    tx->kept->domains[slot].asked = true;
}

int store_domain_is_local(struct store_tx *tx, struct span domain, bool *ret_local)
{
    struct span key = { 0 };
    int64_t one = 0;
    int r = store_fold(tx->scratch, domain, &key);

    if (r != 0)
        return r;
    size_t slot = domain_slot(key);
    bool keep = tx->kept && key.len > 0 && key.len < DOMAIN_SIZE && !memchr(key.ptr, 0, key.len);
    if (keep)
        expect_domain(tx, key);
    if (keep && domain_is_kept(tx, slot, key)) {
        *ret_local = tx->kept->domains[slot].local;
        return 0;
    }
    if (keep)
        keep_domain(tx, slot, key);
    r = sql_number(tx, SQL_address_domain, ARGS(V_TEXT(key)), &one);
    keep = keep && span_is(key, tx->kept->domains[slot].name); /* nobody needed the place meanwhile */
    if (r < 0 && keep)
        tx->kept->domains[slot].name[0] = 0;
    if (r < 0)
        return r;
    *ret_local = r == 0;
    if (keep) {
        tx->kept->domains[slot].local = *ret_local;
        tx->kept->domains[slot].asked = false;
    }
    return 0;
}

int store_grant_set(struct store_tx *tx, int64_t mailbox_id, int64_t grantee_id, uint32_t rights)
{
    if (rights == 0)
        return sql_run(tx, SQL_grant_delete, ARGS(V_INT(mailbox_id), V_INT(grantee_id)), NULL);
    return sql_run(tx, SQL_grant_put, ARGS(V_INT(mailbox_id), V_INT(grantee_id), V_INT(rights)), NULL);
}

int store_grant_get(struct store_tx *tx, int64_t mailbox_id, int64_t grantee_id, uint32_t *ret_rights)
{
    int64_t rights = 0;
    int r = sql_number(tx, SQL_grant_get, ARGS(V_INT(mailbox_id), V_INT(grantee_id)), &rights);

    if (r < 0)
        return r;
    *ret_rights = (uint32_t)rights;
    return 0;
}

static int read_grant(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_grant *grant = ret_row;

    grant->mailbox_id = sql_int(sql, 0);
    grant->grantee_id = sql_int(sql, 1);
    grant->rights = (uint32_t)sql_int(sql, 2);
    int r = sql_copy(sql, 3, arena, &grant->mailbox);
    return r == 0 ? sql_copy(sql, 4, arena, &grant->grantee) : r;
}

int store_grant_list(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, int64_t grantee_id,
                     struct store_grant **ret_grants, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_grant_list, ARGS(V_INT(mailbox_id), V_INT(grantee_id)), sizeof(struct store_grant),
                    read_grant, ret_grants, ret_n);
}
