/*
 * Extended properties that are other names of properties of props.def, by
 * mapi.def; and which spellings of a property's name are the same (sets.def).
 */
#ifndef EWSD_MODEL_MAPI_H
#define EWSD_MODEL_MAPI_H

#include "model/item.h"

enum mapi_value {
    MAPI_same, /* the property's own value */
    MAPI_rcpt_name,
    MAPI_rcpt_address,
    MAPI_rcpt_routing,
    MAPI_headers,       /* of the message, as one text */
    MAPI_display,       /* of a list of recipients */
    MAPI_message_flags, /* PR_MESSAGE_FLAGS */
    MAPI_subject_plain, /* without "Re: " */
    MAPI_article,       /* unique in the mailbox, growing */
    MAPI_instance,
    MAPI_body_text,
    MAPI_body_html,
    MAPI_icon,
    MAPI_flag_status,
    MAPI_flag_completed,
    MAPI_zero, /* kept as it comes; 0 when it never came */
};

struct mapi_info {
    int32_t tag;      /* or -1: set, and name or id */
    const char *set;  /* DistinguishedPropertySetId, or NULL */
    const char *name; /* or NULL */
    int32_t id;       /* or -1 */
    const char *type;
    enum prop prop;
    enum mapi_value value;
    bool writable;
};

/* The row of a property with that name and type, or NULL: it is kept as it comes. */
const struct mapi_info *mapi_find(const struct xprop *xprop);
/* The same set, be it named by name or GUID? */
bool mapi_same_set(const struct xprop *a, const struct xprop *b);

/* PR_MESSAGE_FLAGS, and what a client sets of them. */
uint32_t mapi_message_flags(const struct item *item);
void mapi_set_message_flags(struct item *item, uint32_t flags);
/* The subject behind its "Re: ", "AW: " and the like: one to three letters and
 * a colon. */
struct span mapi_subject_plain(struct span subject);

#endif
