/*
 * ewsctl user: mailboxes, their passwords, and all that is known of one. A
 * disabled mailbox keeps its password hash behind AUTH_DISABLED.
 */
#include "auth/auth.h"
#include "bin/ctl.h"
#include "model/rights.h"
#include "model/sid.h"
#include "store/store_outbox.h"

#define NAME_MAX_BYTES 255

static int hash_password(struct ctl_call *call, struct span *ret_hash)
{
    char hash[AUTH_HASH_SIZE];

    if (call->password.len == 0)
        return ctl_fail(call, EX_DATAERR, "the password is empty; give it as the first line of standard input");
    if (call->password.len > AUTH_PASSWORD_MAX)
        return ctl_fail(call, EX_DATAERR, "the password is longer than %d bytes", AUTH_PASSWORD_MAX);
    int r = auth_hash(call->password, call->conf->auth_hash_cost, hash);
    return r ? r : arena_copy(call->arena, span_of(hash), ret_hash);
}

static bool is_disabled(const struct store_mailbox *mailbox)
{
    return span_starts(mailbox->password_hash, SPAN(AUTH_DISABLED));
}

/* ---- add, passwd ---- */

struct account {
    struct span address, name, hash;
};

static int add(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct account *account = data;
    int64_t mailbox_id;
    int r = store_mailbox_create(tx, account->address, account->name, account->hash, &mailbox_id);

    if (r > 0)
        return ctl_fail(call, EX_CANTCREAT, "%.*s is a mailbox, an alias or a group already", (int)account->address.len,
                        account->address.ptr);
    return r;
}

int ctl_user_add(struct ctl_call *call)
{
    struct account account = { .name = span_of(ctl_option(call, "name")) };
    int r = ctl_address(call, call->operands[0], &account.address);

    if (r)
        return r;
    if (account.name.len > NAME_MAX_BYTES || !ctl_is_one_line(account.name))
        return ctl_fail(call, EX_DATAERR, "a display name is one line of UTF-8, at most %d bytes", NAME_MAX_BYTES);
    r = hash_password(call, &account.hash);
    return r ? r : ctl_write(call, add, &account);
}

/* Who is disabled stays so. */
static int passwd(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct store_mailbox mailbox;
    struct span hash = *(const struct span *)data;
    int r = ctl_mailbox(tx, call, call->operands[0], &mailbox);

    if (r == 0 && is_disabled(&mailbox))
        r = arena_printf(call->arena, &hash, AUTH_DISABLED "%.*s", (int)hash.len, hash.ptr);
    return r ? r : store_mailbox_set_password(tx, mailbox.mailbox_id, hash);
}

int ctl_user_passwd(struct ctl_call *call)
{
    struct span hash;
    int r = hash_password(call, &hash);

    return r ? r : ctl_write(call, passwd, &hash);
}

/* ---- disable, enable ---- */

static int set_disabled(struct store_tx *tx, struct ctl_call *call, void *data)
{
    bool disable = *(const bool *)data;
    struct store_mailbox mailbox;
    struct span hash;
    int r = ctl_mailbox(tx, call, call->operands[0], &mailbox);

    if (r || is_disabled(&mailbox) == disable)
        return r;
    hash = mailbox.password_hash;
    if (disable)
        r = arena_printf(call->arena, &hash, AUTH_DISABLED "%.*s", (int)hash.len, hash.ptr);
    else
        hash = (struct span){ hash.ptr + strlen(AUTH_DISABLED), hash.len - strlen(AUTH_DISABLED) };
    return r ? r : store_mailbox_set_password(tx, mailbox.mailbox_id, hash);
}

int ctl_user_disable(struct ctl_call *call)
{
    return ctl_write(call, set_disabled, &(bool){ true });
}

int ctl_user_enable(struct ctl_call *call)
{
    return ctl_write(call, set_disabled, &(bool){ false });
}

/* ---- list, show ---- */

static void put_ids(struct ctl_call *call, const struct store_mailbox *mailbox)
{
    char guid[GUID_TEXT_SIZE], sid[SID_TEXT_SIZE];

    guid_format(mailbox->guid, guid);
    sid_format(mailbox->guid, sid);
    out_text(&call->out, "guid", span_of(guid));
    out_text(&call->out, "sid", span_of(sid));
}

static int list(struct store_tx *tx, struct ctl_call *call, void *data ATTR_UNUSED)
{
    struct store_mailbox *mailboxes;
    size_t n;
    int r = store_mailbox_list(tx, call->arena, &mailboxes, &n);

    for (size_t i = 0; r == 0 && i < n; i++) {
        out_record(&call->out);
        out_text(&call->out, "address", mailboxes[i].address);
        out_text(&call->out, "name", mailboxes[i].display_name);
        out_text(&call->out, "state", is_disabled(&mailboxes[i]) ? SPAN("disabled") : SPAN("enabled"));
        if (call->out.json)
            put_ids(call, &mailboxes[i]);
        out_record_end(&call->out);
    }
    return r;
}

int ctl_user_list(struct ctl_call *call)
{
    return ctl_read(call, list, NULL);
}

static int put_aliases(struct store_tx *tx, struct ctl_call *call, const struct store_mailbox *mailbox)
{
    struct store_address *addresses;
    size_t n;
    int r = store_address_list(tx, call->arena, mailbox->mailbox_id, &addresses, &n);

    if (r)
        return r;
    out_list(&call->out, "aliases");
    for (size_t i = 0; i < n; i++)
        if (!span_eq_nocase(addresses[i].address, mailbox->address))
            out_text(&call->out, NULL, addresses[i].address);
    out_list_end(&call->out);
    return 0;
}

/* given: what others may do here; else what the mailbox may do elsewhere. */
static int put_grants(struct store_tx *tx, struct ctl_call *call, int64_t mailbox_id, bool given)
{
    struct store_grant *grants;
    size_t n;
    int r = store_grant_list(tx, call->arena, given ? mailbox_id : 0, given ? 0 : mailbox_id, &grants, &n);

    if (r)
        return r;
    struct store_permission *permissions;
    size_t folders;
    r = store_permission_list(tx, call->arena, given ? mailbox_id : 0, given ? 0 : mailbox_id, &permissions, &folders);
    if (r)
        return r;
    out_list(&call->out, given ? "grants_given" : "grants_held");
    for (size_t i = 0; i < n; i++) {
        uint32_t left = grants[i].rights;
        out_record(&call->out);
        out_text(&call->out, given ? "grantee" : "mailbox", given ? grants[i].grantee : grants[i].mailbox);
        out_list(&call->out, "rights");
        for (const char *right; (right = right_next(&left));)
            out_text(&call->out, NULL, span_of(right));
        out_list_end(&call->out);
        out_record_end(&call->out);
    }
    for (size_t i = 0; i < folders; i++) {
        out_record(&call->out);
        out_text(&call->out, given ? "grantee" : "mailbox", given ? permissions[i].grantee : permissions[i].mailbox);
        out_text(&call->out, "folder", ctl_folder_name(&permissions[i]));
        ctl_put_folder_rights(&call->out, permissions[i].rights);
        out_record_end(&call->out);
    }
    out_list_end(&call->out);
    return 0;
}

static int put_usage(struct store_tx *tx, struct ctl_call *call, int64_t mailbox_id)
{
    struct store_usage *folders;
    uint64_t queued = 0, size = 0;
    size_t n;
    int r = store_outbox_count(tx, mailbox_id, &queued);

    if (r == 0)
        r = store_mailbox_usage(tx, call->arena, mailbox_id, &folders, &n);
    if (r)
        return r;
    for (size_t i = 0; i < n; i++)
        size += folders[i].size;
    out_number(&call->out, "queued", queued);
    out_number(&call->out, "size", size);
    if ((r = ctl_put_quota(tx, call, mailbox_id)))
        return r;
    out_list(&call->out, "folders");
    for (size_t i = 0; i < n; i++) {
        out_record(&call->out);
        out_text(&call->out, "name", folders[i].name);
        out_number(&call->out, "items", folders[i].total);
        out_number(&call->out, "unread", folders[i].unread);
        out_number(&call->out, "size", folders[i].size);
        out_record_end(&call->out);
    }
    out_list_end(&call->out);
    return 0;
}

static int show(struct store_tx *tx, struct ctl_call *call, void *data ATTR_UNUSED)
{
    struct store_mailbox mailbox;
    int r = ctl_mailbox(tx, call, call->operands[0], &mailbox);

    if (r)
        return r;
    call->out.style = OUT_SHEET;
    out_record(&call->out);
    out_text(&call->out, "address", mailbox.address);
    out_text(&call->out, "name", mailbox.display_name);
    out_text(&call->out, "state", is_disabled(&mailbox) ? SPAN("disabled") : SPAN("enabled"));
    put_ids(call, &mailbox);
    r = put_aliases(tx, call, &mailbox);
    if (r == 0)
        r = put_grants(tx, call, mailbox.mailbox_id, true);
    if (r == 0)
        r = put_grants(tx, call, mailbox.mailbox_id, false);
    if (r == 0)
        r = put_usage(tx, call, mailbox.mailbox_id);
    out_record_end(&call->out);
    return r;
}

int ctl_user_show(struct ctl_call *call)
{
    return ctl_read(call, show, NULL);
}

/* ---- remove ---- */

static int remove_mailbox(struct store_tx *tx, struct ctl_call *call, void *data ATTR_UNUSED)
{
    struct store_mailbox mailbox;
    struct span address = { 0 };
    int r = ctl_mailbox(tx, call, call->operands[0], &mailbox);

    if (r == 0)
        r = ctl_address(call, call->operands[0], &address);
    if (r)
        return r;
    if (!span_eq_nocase(address, mailbox.address))
        return ctl_fail(call, EX_DATAERR, "%.*s is an alias of %.*s; name the mailbox itself", (int)address.len, address.ptr,
                        (int)mailbox.address.len, mailbox.address.ptr);
    r = store_mailbox_remove(tx, mailbox.mailbox_id, ctl_option(call, "force") != NULL);
    if (r > 0)
        return ctl_fail(call, EX_TEMPFAIL,
                        "mail from %.*s still waits (ewsctl queue list); wait until it has left, or discard it with --force",
                        (int)mailbox.address.len, mailbox.address.ptr);
    return r;
}

int ctl_user_remove(struct ctl_call *call)
{
    return ctl_write(call, remove_mailbox, NULL);
}
