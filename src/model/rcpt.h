/*
 * Recipients and originators: name, address, routing type, and what is an
 * address that we carry (decisions 8, 9).
 */
#ifndef EWSD_MODEL_RCPT_H
#define EWSD_MODEL_RCPT_H

#include "base/arena.h"

#define RCPT_ADDRESS_MAX 320
/* The routing type of somebody known by the id of a contact or a list alone. */
#define RCPT_ROUTING_CONTACT "MAPIPDL"

enum rcpt_type { RCPT_FROM, RCPT_SENDER, RCPT_TO, RCPT_CC, RCPT_BCC, RCPT_REPLY_TO };

struct rcpt {
    struct span name;
    struct span address; /* empty when the client gave a name alone */
    struct span routing; /* empty means SMTP */
    enum rcpt_type type;
};

struct rcpt_list {
    struct rcpt *v;
    size_t n;
};

static inline bool rcpt_is_set(const struct rcpt *rcpt)
{
    return rcpt->address.len > 0 || rcpt->name.len > 0;
}

/* local@domain without control characters, white space, angle brackets or a
 * second @ outside quotes; at most RCPT_ADDRESS_MAX bytes. */
bool rcpt_address_ok(struct span address);
/* Could it end the address, its header or an SMTP command? Then it is written
 * nowhere; what is merely odd may stand in a header. */
bool rcpt_address_is_hazard(struct span address);
/* The key that addresses are compared by: ASCII lower case. -ENOMEM. */
int rcpt_address_fold(struct arena *arena, struct span address, struct span *ret_folded);
/* Behind the last @; empty when there is none. */
struct span rcpt_address_domain(struct span address);
/* Before the last @, a +detail left out when asked. */
struct span rcpt_address_local(struct span address, bool without_detail);
/* "a; b": names (or addresses), as DisplayTo shows them. -ENOMEM. */
int rcpt_list_display(struct arena *arena, const struct rcpt_list *list, struct span *ret_text);
int rcpt_list_copy(struct arena *arena, const struct rcpt_list *list, struct rcpt_list *ret_copy);

#endif
