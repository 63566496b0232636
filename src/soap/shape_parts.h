/*
 * What the files that write an item share. Inside src/soap only.
 */
#ifndef EWSD_SOAP_SHAPE_PARTS_H
#define EWSD_SOAP_SHAPE_PARTS_H

#include "soap/shape.h"

/* One item while it is written. */
struct writing {
    struct xml_writer *xw;
    struct arena *arena;
    const struct shape *shape;
    const struct shape_ids *ids;
    const struct item *item;
    const struct shape_mime *mime;
    struct item_header_list headers; /* once they were asked for */
    bool has_headers;
    bool blocked; /* images were taken out of the body */
    int error, mime_error;
};

void shape_put_time(struct xml_writer *xw, const char *element, int64_t at);
/* t:Mailbox */
void shape_put_mailbox(struct writing *w, const struct rcpt *rcpt);
/* StoreEntryId, ConversationId (shape_id.c). */
void shape_put_ids(struct writing *w, enum prop prop);
/* The header of the message: as it came, or as it would be written. */
struct item_header_list shape_headers(struct writing *w);

/* Body and its kin (shape_body.c). */
void shape_put_body(struct writing *w, enum prop prop);
/* The body as text or HTML, in out when it had to be converted; the error stays in w. */
struct span shape_body_as(struct writing *w, enum body_type type, struct buf *out);
/* Where the text of this conversation's earlier messages begins in a plain text (its length: nowhere). */
size_t text_quote_begins(struct span text);

/* t:ExtendedProperty, when it is set (shape_mapi.c). */
void shape_put_xprop(struct writing *w, const struct xprop *wanted, const struct mapi_info *info);
/* Sets or resets what info says of an item. CODE_ErrorInvalidPropertySet,
 * -InvalidExtendedPropertyValue; -ENOMEM. */
int shape_read_mapi(struct arena *arena, const struct mapi_info *info, const struct xprop *x, struct item *item);
int shape_reset_mapi(struct arena *arena, const struct mapi_info *info, const struct xprop *x, struct item *item);

/* An element of details.def that is no property (shape_kind.c). */
void shape_put_detail(struct writing *w, enum detail detail);

/* One entry of a dictionary (shape_entry.c). */
struct shape_entry {
    enum detail detail; /* the dictionary */
    struct span field;  /* "Street" of a physical address; else empty */
    struct span key;    /* "HomePhone" */
};
/* 0: no such dictionary of that kind of item. */
bool shape_entry_parse(const struct xml_node *path, enum item_kind kind, struct shape_entry *ret_entry);
/* Only the entries that are asked for, of a dictionary as it is stored. */
void shape_put_entries(struct writing *w, enum detail detail, struct span xml);
/* Sets the entry from value (the dictionary's element with that one entry) or takes
 * it away (NULL). CODE_ErrorUpdatePropertyMismatch, -IncorrectUpdatePropertyCount; -ENOMEM. */
int shape_entry_set(struct arena *arena, const struct shape_entry *entry, const struct xml_node *value, struct item *item);
/* Puts the children of value behind those that are there. -ENOMEM. */
int shape_detail_append(struct arena *arena, const struct detail_info *detail, const struct xml_node *value, struct item *item);

#endif
