/*
 * See impersonation.h. A user principal name is an address of the mailbox: it
 * is what people log in with here.
 */
#include "ops/impersonation.h"

#include "model/sid.h"

static int by_principal_name(struct store_tx *tx, struct arena *arena, struct span name, struct store_mailbox *ret_mailbox)
{
    int r = store_mailbox_by_address(tx, arena, name, ret_mailbox);
    return r == CODE_ErrorNonExistentMailbox ? CODE_ErrorInvalidUserPrincipalName : r;
}

static int by_sid(struct store_tx *tx, struct arena *arena, struct span sid, struct store_mailbox *ret_mailbox)
{
    uint8_t guid[GUID_SIZE];
    if (!sid_parse(sid, guid))
        return CODE_ErrorInvalidUserSid;
    int r = store_mailbox_by_guid(tx, arena, guid, ret_mailbox);
    return r == CODE_ErrorNonExistentMailbox ? CODE_ErrorInvalidUserSid : r;
}

static int by_primary_address(struct store_tx *tx, struct arena *arena, struct span address, struct store_mailbox *ret_mailbox)
{
    int r = store_mailbox_by_address(tx, arena, address, ret_mailbox);
    return r || span_eq_nocase(address, ret_mailbox->address) ? r : CODE_ErrorNonPrimarySmtpAddress;
}

static const struct {
    const char *element;
    int (*find)(struct store_tx *tx, struct arena *arena, struct span text, struct store_mailbox *ret_mailbox);
} ways[] = {
    { "PrincipalName", by_principal_name },
    { "SID", by_sid },
    { "PrimarySmtpAddress", by_primary_address },
    { "SmtpAddress", store_mailbox_by_address },
};

static int find(const struct op_call *call, struct store_tx *tx, const struct xml_node *who, struct store_mailbox *ret_mailbox)
{
    struct span text = span_trim(who->text);
    for (size_t i = 0; text.len && i < ARRAY_LEN(ways); i++)
        if (xml_is(who, XML_NS_T, ways[i].element))
            return ways[i].find(tx, call->arena, text, ret_mailbox);
    return CODE_ErrorInvalidExchangeImpersonationHeaderData;
}

static int check_right(const struct op_call *call, struct store_tx *tx, const struct store_mailbox *mailbox)
{
    uint32_t held;
    if (mailbox->mailbox_id == call->caller->mailbox_id)
        return 0;
    int r = store_grant_get(tx, mailbox->mailbox_id, call->caller->mailbox_id, &held);
    return r || held & RIGHT_impersonate ? r : CODE_ErrorImpersonateUserDenied;
}

int impersonation_resolve(const struct op_call *call, struct store_mailbox *ret_mailbox)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    const struct xml_node *sid = call->request->impersonation->child;
    struct store_mailbox mailbox;
    if (!sid || !xml_is(sid, XML_NS_T, "ConnectingSID") || !sid->child)
        return CODE_ErrorInvalidExchangeImpersonationHeaderData;
    if (sid->next || sid->child->next)
        return CODE_ErrorMoreThanOneAccessModeSpecified;
    int r = store_read_begin(call->env->store, &tx);
    if (r || (r = find(call, tx, sid->child, &mailbox)) || (r = check_right(call, tx, &mailbox)))
        return r;
    *ret_mailbox = mailbox;
    return 0;
}
