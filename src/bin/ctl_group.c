/*
 * ewsctl group: addresses whose mail goes to several.
 */
#include "bin/ctl.h"
#include "store/store_group.h"

#define NAME_MAX_BYTES 255
#define MEMBERS_MAX 10000 /* of a group: each becomes a recipient of its own */

static int no_group(struct ctl_call *call, struct span address)
{
    return ctl_fail(call, EX_NOUSER, "there is no group %.*s; see ewsctl group list", (int)address.len, address.ptr);
}

struct naming {
    struct span address, name;
};

static int add(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct naming *naming = data;
    int r = store_group_create(tx, naming->address, naming->name);

    if (r > 0)
        return ctl_fail(call, EX_CANTCREAT, "%.*s is a mailbox, an alias or a group already", (int)naming->address.len,
                        naming->address.ptr);
    return r;
}

int ctl_group_add(struct ctl_call *call)
{
    struct naming naming = { .name = span_of(ctl_option(call, "name")) };
    int r = ctl_address(call, call->operands[0], &naming.address);

    if (r == 0 && (naming.name.len > NAME_MAX_BYTES || !ctl_is_one_line(naming.name)))
        return ctl_fail(call, EX_DATAERR, "a display name is one line of UTF-8, at most %d bytes", NAME_MAX_BYTES);
    return r ? r : ctl_write(call, add, &naming);
}

struct membership {
    struct span group;
    struct span members[CTL_WORDS_MAX];
    size_t n;
    bool remove;
};

static int change_member(struct store_tx *tx, struct ctl_call *call, const struct membership *membership, struct span member)
{
    int r = membership->remove ? store_group_remove_member(tx, membership->group, member)
                               : store_group_add_member(tx, membership->group, member);

    if (r > 0 && membership->remove)
        return ctl_fail(call, EX_NOUSER, "%.*s is no member of it", (int)member.len, member.ptr);
    if (r > 0)
        return ctl_fail(call, EX_CANTCREAT, "%.*s is a member already", (int)member.len, member.ptr);
    return r;
}

static int change(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct membership *membership = data;
    struct store_group group;
    int r = store_group_hold(tx);

    if (r == 0)
        r = store_group_get(tx, call->arena, membership->group, &group);
    if (r > 0)
        return no_group(call, membership->group);
    if (r == 0 && !membership->remove && group.members + membership->n > MEMBERS_MAX)
        return ctl_fail(call, EX_CANTCREAT, "a group has at most %d members; put groups into it", MEMBERS_MAX);
    for (size_t i = 0; r == 0 && i < membership->n; i++)
        r = change_member(tx, call, membership, membership->members[i]);
    return r;
}

int ctl_group_member(struct ctl_call *call)
{
    struct membership membership = { .remove = ctl_option(call, "remove") != NULL };
    int r = ctl_address(call, call->operands[0], &membership.group);

    for (size_t i = 1; r == 0 && i < call->operands_n; i++)
        r = ctl_address(call, call->operands[i], &membership.members[membership.n++]);
    return r ? r : ctl_write(call, change, &membership);
}

static int take_away(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct span *address = data;
    int r = store_group_remove(tx, *address);

    return r > 0 ? no_group(call, *address) : r;
}

int ctl_group_remove(struct ctl_call *call)
{
    struct span address;
    int r = ctl_address(call, call->operands[0], &address);

    return r ? r : ctl_write(call, take_away, &address);
}

static int list_members(struct store_tx *tx, struct ctl_call *call, struct span address)
{
    static const char *const kinds[] = { "address", "mailbox", "group" };
    struct store_listing *members;
    struct store_group group;
    size_t n = 0;
    int r = store_group_get(tx, call->arena, address, &group);

    if (r > 0)
        return no_group(call, address);
    if (r == 0)
        r = store_group_members(tx, call->arena, address, &members, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        out_record(&call->out);
        out_text(&call->out, "member", members[i].address);
        out_text(&call->out, "kind", span_of(kinds[members[i].kind]));
        out_record_end(&call->out);
    }
    return r;
}

static int list(struct store_tx *tx, struct ctl_call *call, void *data)
{
    const struct span *address = data;
    struct store_group *groups;
    size_t n = 0;
    int r;

    if (address->len > 0)
        return list_members(tx, call, *address);
    r = store_group_list(tx, call->arena, &groups, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        out_record(&call->out);
        out_text(&call->out, "group", groups[i].address);
        out_text(&call->out, "name", groups[i].name);
        out_number(&call->out, "members", groups[i].members);
        out_record_end(&call->out);
    }
    return r;
}

int ctl_group_list(struct ctl_call *call)
{
    struct span address = { 0 };
    int r = call->operands_n ? ctl_address(call, call->operands[0], &address) : 0;

    return r ? r : ctl_read(call, list, &address);
}
