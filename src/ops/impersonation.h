/*
 * The header ExchangeImpersonation (protocol.md 1.4, 2.9): the caller acts
 * wholly as the owner of another mailbox, if the right to impersonate is
 * granted on it.
 */
#ifndef EWSD_OPS_IMPERSONATION_H
#define EWSD_OPS_IMPERSONATION_H

#include "ops/call.h"

/* The mailbox that the request's header names. CODE_ErrorImpersonateUserDenied,
 * -InvalidExchangeImpersonationHeaderData, -MoreThanOneAccessModeSpecified,
 * -InvalidUserPrincipalName, -InvalidUserSid, -NonExistentMailbox,
 * -NonPrimarySmtpAddress. */
int impersonation_resolve(const struct op_call *call, struct store_mailbox *ret_mailbox);

#endif
