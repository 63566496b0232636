/*
 * ewsctl grant: who may do what in whose mailbox, or in one folder of it.
 */
#include "bin/ctl.h"
#include "model/folder.h"
#include "model/rights.h"

/* The first operand, MAILBOX or MAILBOX:FOLDER, in its two halves. */
struct place {
    const char *mailbox;
    enum folder_role folder; /* none: the whole mailbox */
};

static int take_place(struct ctl_call *call, struct place *ret_place)
{
    const char *text = call->operands[0], *colon = strchr(text, ':');
    struct span mailbox;
    *ret_place = (struct place){ .mailbox = text };
    if (!colon)
        return 0;
    ret_place->folder = folder_role_by_id(span_of(colon + 1));
    if (ret_place->folder == FOLDER_ROLE_none)
        return ctl_fail(call, EX_DATAERR, "there is no folder %s; folders are named as in inbox, drafts, sentitems", colon + 1);
    int r = arena_printf(call->arena, &mailbox, "%.*s", (int)(colon - text), text);
    ret_place->mailbox = mailbox.ptr;
    return r;
}

/* The rights that the operands name, checked before the store is asked. */
static int check_rights(struct ctl_call *call, const struct place *place)
{
    uint32_t right;
    bool role;

    for (size_t i = 2; i < call->operands_n; i++) {
        struct span name = span_of(call->operands[i]);
        if (!place->folder && !right_by_name(name, &right))
            return ctl_fail(call, EX_DATAERR, "there is no right %s; there are: %s", call->operands[i], rights_names);
        if (place->folder && !folder_right_by_name(name, &right, &role))
            return ctl_fail(call, EX_DATAERR, "there is no right %s in a folder; there are: %s", call->operands[i],
                            folder_rights_names);
    }
    return 0;
}

static int find(struct store_tx *tx, struct ctl_call *call, const struct place *place, struct store_mailbox *mailbox,
                struct store_mailbox *grantee)
{
    int r = ctl_mailbox(tx, call, place->mailbox, mailbox);

    if (r == 0)
        r = ctl_mailbox(tx, call, call->operands[1], grantee);
    if (r == 0 && mailbox->mailbox_id == grantee->mailbox_id)
        r = ctl_fail(call, EX_DATAERR, "%.*s has every right on its own mailbox", (int)mailbox->address.len, mailbox->address.ptr);
    return r;
}

/* ---- on the whole mailbox ---- */

static int change(struct store_tx *tx, struct ctl_call *call, bool give, int64_t mailbox_id, int64_t grantee_id)
{
    uint32_t held, right;
    int r = store_grant_get(tx, mailbox_id, grantee_id, &held);

    for (size_t i = 2; r == 0 && i < call->operands_n; i++) {
        if (right_by_name(span_of(call->operands[i]), &right))
            held = give ? rights_add(held, right) : held & ~right;
    }
    if (!give && call->operands_n == 2)
        held = 0;
    return r ? r : store_grant_set(tx, mailbox_id, grantee_id, held);
}

/* ---- in one folder ---- */

static int change_folder(struct store_tx *tx, struct ctl_call *call, bool give, int64_t mailbox_id, uint64_t folder_no,
                         int64_t grantee_id)
{
    uint32_t held = 0, rights = 0;
    bool role = false;
    int r = store_permission_get(tx, mailbox_id, folder_no, grantee_id, &held);

    if (r < 0)
        return r;
    if (!give && call->operands_n == 2)
        return store_permission_clear(tx, mailbox_id, folder_no, grantee_id);
    for (size_t i = 2; i < call->operands_n; i++) {
        if (!folder_right_by_name(span_of(call->operands[i]), &rights, &role))
            continue;
        if (!give)
            held &= ~rights;
        else
            held = role ? rights : held | rights | FOLDER_RIGHT_VISIBLE; /* who may do something there may see it */
    }
    return store_permission_set(tx, mailbox_id, folder_no, grantee_id, held);
}

struct granting {
    struct place place;
    bool give;
};

static int grant(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct granting *granting = data;
    struct store_mailbox mailbox, grantee;
    int r = find(tx, call, &granting->place, &mailbox, &grantee);

    if (r)
        return r;
    if (granting->place.folder)
        return change_folder(tx, call, granting->give, mailbox.mailbox_id, granting->place.folder, grantee.mailbox_id);
    return change(tx, call, granting->give, mailbox.mailbox_id, grantee.mailbox_id);
}

static int run(struct ctl_call *call, bool give)
{
    struct granting granting = { .give = give };
    int r = take_place(call, &granting.place);

    if (r == 0)
        r = check_rights(call, &granting.place);
    return r ? r : ctl_write(call, grant, &granting);
}

int ctl_grant_add(struct ctl_call *call)
{
    return run(call, true);
}

int ctl_grant_remove(struct ctl_call *call)
{
    return run(call, false);
}

/* ---- list ---- */

static int list_mailboxes(struct store_tx *tx, struct ctl_call *call, int64_t mailbox_id)
{
    struct store_grant *grants;
    size_t n;
    int r = store_grant_list(tx, call->arena, mailbox_id, 0, &grants, &n);

    for (size_t i = 0; r == 0 && i < n; i++) {
        out_record(&call->out);
        out_text(&call->out, "mailbox", grants[i].mailbox);
        out_text(&call->out, "grantee", grants[i].grantee);
        out_list(&call->out, "rights");
        for (const char *right; (right = right_next(&grants[i].rights));)
            out_text(&call->out, NULL, span_of(right));
        out_list_end(&call->out);
        out_record_end(&call->out);
    }
    return r;
}

struct span ctl_folder_name(const struct store_permission *permission)
{
    const struct folder_role_info *info = folder_role_info((enum folder_role)permission->role);

    return info ? span_of(info->id) : permission->name;
}

/* MAILBOX:FOLDER in the first column, as one gives it. */
static int put_place(struct ctl_call *call, const struct store_permission *permission)
{
    struct span folder = ctl_folder_name(permission), place;
    int r = arena_printf(call->arena, &place, "%.*s:%.*s", (int)permission->mailbox.len, permission->mailbox.ptr, (int)folder.len,
                         folder.ptr);

    if (r == 0)
        out_text(&call->out, "mailbox", call->out.json ? permission->mailbox : place);
    if (r == 0 && call->out.json)
        out_text(&call->out, "folder", folder);
    return r;
}

void ctl_put_folder_rights(struct ctl_out *out, uint32_t rights)
{
    const char *role = folder_role_name(rights);

    out_list(out, "rights");
    if (role)
        out_text(out, NULL, span_of(role));
    for (const char *right; !role && (right = folder_right_next(&rights));)
        out_text(out, NULL, span_of(right));
    out_list_end(out);
}

static int list_folders(struct store_tx *tx, struct ctl_call *call, int64_t mailbox_id)
{
    struct store_permission *permissions;
    size_t n;
    int r = store_permission_list(tx, call->arena, mailbox_id, 0, &permissions, &n);

    for (size_t i = 0; r == 0 && i < n; i++) {
        out_record(&call->out);
        r = put_place(call, &permissions[i]);
        out_text(&call->out, "grantee", permissions[i].grantee);
        ctl_put_folder_rights(&call->out, permissions[i].rights);
        out_record_end(&call->out);
    }
    return r;
}

static int list(struct store_tx *tx, struct ctl_call *call, void *data ATTR_UNUSED)
{
    struct store_mailbox mailbox = { 0 };
    int r = call->operands_n ? ctl_mailbox(tx, call, call->operands[0], &mailbox) : 0;

    if (r == 0)
        r = list_mailboxes(tx, call, mailbox.mailbox_id);
    return r ? r : list_folders(tx, call, mailbox.mailbox_id);
}

int ctl_grant_list(struct ctl_call *call)
{
    return ctl_read(call, list, NULL);
}
