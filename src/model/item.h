/*
 * Everything about one message as plain values. All spans and arrays lie in
 * the arena of whoever filled the item. Which property is shown, written,
 * sorted by or packed stands in props.def alone.
 */
#ifndef EWSD_MODEL_ITEM_H
#define EWSD_MODEL_ITEM_H

#include "base/buf.h"
#include "base/source.h"
#include "base/when.h"
#include "model/rcpt.h"

enum item_kind {
    ITEM_KIND_NONE,
#define KIND(name, element, item_class, folder, folder_class, code) ITEM_KIND_##name,
#include "model/kinds.def"
#undef KIND
    ITEM_KIND_COUNT
};
enum body_type { BODY_TEXT, BODY_HTML };
enum importance { IMPORTANCE_LOW, IMPORTANCE_NORMAL, IMPORTANCE_HIGH };
enum sensitivity { SENSITIVITY_NORMAL, SENSITIVITY_PERSONAL, SENSITIVITY_PRIVATE, SENSITIVITY_CONFIDENTIAL };
enum flag_status { FLAG_NOT_FLAGGED, FLAG_COMPLETE, FLAG_FLAGGED };

/* Bits of item.flags; stored: never renumber. */
#define ITEM_DRAFT 0x0001u /* MSGFLAG_UNSENT */
#define ITEM_READ 0x0002u
#define ITEM_SUBMITTED 0x0004u
#define ITEM_FROM_ME 0x0008u
#define ITEM_RESEND 0x0010u
#define ITEM_UNMODIFIED 0x0020u
#define ITEM_HAS_ATTACHMENTS 0x0040u
#define ITEM_READ_RECEIPT 0x0080u
#define ITEM_DELIVERY_RECEIPT 0x0100u
#define ITEM_RESPONSE_REQUESTED 0x0200u
#define ITEM_ASSOCIATED 0x0400u
#define ITEM_REMINDER_SET 0x0800u
#define ITEM_HAS_MIME 0x1000u /* MIME as the client supplied it is kept */
#define ITEM_SENT_ONCE 0x2000u /* was submitted and left in place: its Message-ID is used up */
#define ITEM_RECEIPT_SETTLED 0x8000u /* the read receipt that is asked for is not pending any more */
#define ITEM_LENT 0x4000u /* the outbox entry it was sent as, while there is one, has a part in its content */

struct span_list {
    struct span *v;
    size_t n;
};

/* A header of received or supplied MIME, unfolded. */
struct item_header {
    struct span name;
    struct span value;
};

struct item_header_list {
    struct item_header *v;
    size_t n;
};

/* An extended property, named as ExtendedFieldURI names it; attributes that
 * were absent are empty (tag and id: -1). Values are their XML texts. */
struct xprop {
    struct span set;  /* DistinguishedPropertySetId, or PropertySetId as GUID text */
    bool set_is_guid;
    int32_t tag;      /* PropertyTag, -1 for none */
    struct span name;
    int32_t id;       /* PropertyId, -1 for none */
    struct span type; /* "String", "IntegerArray"... */
    bool is_array;
    struct span_list values;
};

struct xprop_list {
    struct xprop *v;
    size_t n;
};

/* Stored: never renumber. */
enum attachment_kind {
    ATTACHMENT_FILE,
    ATTACHMENT_ITEM,  /* an item of its own, with recipients, body and attachments */
    ATTACHMENT_PHOTO, /* a file that is the picture of a contact */
};
#define ATTACHMENT_LEVELS_MAX 10 /* items attached to each other */

struct item;

struct attachment {
    uint32_t no; /* number within the item, from 1 */
    enum attachment_kind kind;
    struct span name;
    struct span content_type;
    struct span content_id;
    struct span content_location;
    bool is_inline;
    uint64_t size;
    int64_t modified;
    struct span data; /* ptr NULL when not loaded */
    struct source *source; /* of long data that is not loaded; or NULL */
    struct item *item;  /* ATTACHMENT_ITEM: what is attached; NULL when not loaded. No data then */
    uint64_t data_no;   /* content that holds the data; 0: the item's */
    uint64_t staged_no; /* content that the data was written to ahead, or 0 */
    uint64_t shared_no; /* content of the same mailbox that is to hold the data of this, too; or 0 */
};

struct attachment_list {
    struct attachment *v;
    size_t n;
};

/* What a draft answers, so that it can be marked once the answer is sent. */
struct item_answers {
    int64_t mailbox_id;
    uint64_t item_no;
    int64_t verb; /* PR_LAST_VERB_EXECUTED; 0: it answers nothing */
};

struct item {
    int64_t mailbox_id;
    uint64_t folder_no;
    uint64_t item_no;
    uint64_t content_no;
    uint64_t staged_no; /* content that long parts were written to ahead, or 0 */
    uint64_t change_no;
    uint64_t key_no; /* ChangeKey counter: moves only on a client's write */
    enum item_kind kind;
    struct span item_class;
    uint32_t flags;
    bool damaged; /* not all that is stored of it could be read; what could not is as if unset */
    struct span subject;
    enum body_type body_type;
    struct span body; /* UTF-8; ptr NULL when not loaded or none */
    int importance;   /* enum importance */
    int sensitivity;  /* enum sensitivity */
    int64_t created;
    int64_t modified;
    int64_t sent;
    int64_t received;
    uint64_t size;
    struct rcpt from;
    struct rcpt sender;
    struct rcpt_list to;
    struct rcpt_list cc;
    struct rcpt_list bcc;
    struct rcpt_list reply_to;
    struct span message_id; /* with its angle brackets, as all message ids here */
    struct attachment_list attachments;
    struct span mime;       /* as supplied; empty when structured or not loaded */
    /* Where what is long was left there instead of being loaded: ptr is NULL and
     * len as it is. Live as long as whoever filled the item says. */
    struct source *body_source, *mime_source;
    /* From here on: in the store's props blob (item_pack). */
    struct span in_reply_to;
    struct span references;
    struct span_list categories;
    struct span culture;
    struct span conversation_topic;
    struct span conversation_index; /* bytes */
    struct span last_modified_name;
    struct rcpt received_by;
    struct rcpt received_representing;
    int64_t reminder_due;
    int64_t reminder_next;
    int64_t reminder_minutes;
    int flag_status; /* enum flag_status */
    int64_t flag_start;
    int64_t flag_due;
    int64_t flag_complete;
    int64_t icon_index;
    struct item_header_list headers;
    struct xprop_list xprops;
    struct span_list details; /* what only its kind has, as XML (kind.h) */
    uint64_t boundary_seed; /* makes MIME boundaries; fixed when first written */
    int64_t creator_id; /* mailbox_id of whoever made it in another's mailbox; 0: its owner */
    struct item_answers answers;
};

/* A new message: IPM.Note, normal, times unset. */
void item_init(struct item *item);
/* How many items are attached to each other below this one. */
unsigned item_levels(const struct item *item);
/* A list of attachments, and attached items, that are item's alone; what they
 * refer to stays shared. -ENOMEM. */
int item_own_attachments(struct arena *arena, struct item *item);
/* Recipient lists and every span into arena. -ENOMEM. */
int item_copy(struct arena *arena, const struct item *item, struct item *ret_copy);
size_t item_recipient_count(const struct item *item); /* to, cc and bcc */
/* Bytes of an attachment, loaded or not. */
uint64_t attachment_content_size(const struct attachment *attachment);
/* Bytes of an item that count against limits: its MIME, or its parts if they
 * are more. Attachments count with their size, loaded or not. */
uint64_t item_content_size(const struct item *item);
/* "IPM.Note" is itself and whatever begins with "IPM.Note."; ASCII case free. */
bool item_class_is(struct span item_class, const char *base);
/* What an ItemClass makes of an item, by kinds.def (kind.c). */
enum item_kind item_kind_of_class(struct span item_class);
/* Same extended property (names fold case; a set is the same by name and GUID)? */
bool xprop_same(const struct xprop *a, const struct xprop *b);
/* In a list of them, an item's or a folder's; put and remove as below. */
const struct xprop *xprop_find(const struct xprop_list *list, const struct xprop *wanted);
int xprop_put(struct arena *arena, struct xprop_list *list, const struct xprop *xprop);
int xprop_remove(struct arena *arena, struct xprop_list *list, const struct xprop *xprop);
const struct xprop *item_xprop_find(const struct item *item, const struct xprop *wanted);
/* Adds, or replaces the one with the same name. -ENOMEM. */
int item_xprop_put(struct arena *arena, struct item *item, const struct xprop *xprop);
/* Takes away the one with the same name, if there is one. -ENOMEM. */
int item_xprop_remove(struct arena *arena, struct item *item, const struct xprop *xprop);

/* The members that are no columns, as one blob of tag, length, value. */
void item_pack(const struct item *item, struct buf *out);
/* Extended properties alone, in the same form; reading skips all else. */
void xprops_pack(const struct xprop_list *list, struct buf *out);
int xprops_unpack(struct arena *arena, struct span blob, struct xprop_list *ret_list);
/* Fills those members; copies into arena. Unknown tags are skipped. -EBADMSG, -ENOMEM. */
int item_unpack(struct arena *arena, struct span blob, struct item *item);

/* ---- the table of properties ---- */

enum prop_type {
    PROP_TEXT,    /* struct span */
    PROP_BYTES,   /* struct span, base64 on the wire */
    PROP_FLAG,    /* a bit of item.flags */
    PROP_ENUM,    /* int, with names */
    PROP_TIME,    /* int64_t ms, WHEN_NONE unset */
    PROP_INT,     /* int64_t; unset when INT64_MIN */
    PROP_SIZE,    /* uint64_t */
    PROP_RCPT,    /* struct rcpt */
    PROP_RCPTS,   /* struct rcpt_list */
    PROP_STRINGS, /* struct span_list */
    PROP_SPECIAL, /* no plain member: whoever handles it knows it by its enum */
};

/* prop_info.flags */
#define PROP_DEFAULT 0x01u /* GetItem Default */
#define PROP_ALL 0x02u     /* GetItem AllProperties */
#define PROP_FIND 0x04u    /* FindItem may show it */
#define PROP_WRITE 0x08u   /* CreateItem may set it */
#define PROP_2010 0x10u    /* only for Exchange2010 and later */
#define PROP_2013 0x20u    /* only for Exchange2013 and later */
#define PROP_UPDATE 0x40u  /* UpdateItem may set it */
#define PROP_DELETE 0x80u  /* UpdateItem may delete it */
#define PROP_APPEND 0x100u /* UpdateItem may append to it */
#define PROP_UNSENT 0x200u /* UpdateItem may only while the message is a draft */
#define PROP_MIME 0x400u   /* a message's MIME says it, too */

enum prop {
#define PROP(name, area, type, where, flags, column, tag) PROP_ID_##name,
#include "model/props.def"
#undef PROP
    PROP_COUNT
};

struct prop_names {
    const char *const *v; /* by value */
    size_t n;
};

struct prop_info {
    const char *uri;     /* "item:Subject" */
    const char *element; /* "Subject" */
    const char *qname;   /* "t:Subject" */
    enum prop_type type;
    uint32_t flags;
    const char *column;  /* sortable column of item, or NULL */
    uint16_t tag;        /* in the props blob; 0: not there */
    size_t offset;       /* of the member; unused for FLAG and SPECIAL */
    uint32_t bit;        /* PROP_FLAG */
    bool message;        /* area message: only messages, and kinds with such a row in details.def */
    struct prop_names names; /* PROP_ENUM */
};

/* In schema output order. */
extern const struct prop_info props[PROP_COUNT];

/* NULL when no property of messages has this FieldURI / element name. */
const struct prop_info *prop_by_uri(struct span uri);
const struct prop_info *prop_by_element(struct span element);
static inline enum prop prop_id(const struct prop_info *prop)
{
    return (enum prop)(prop - props);
}
/* The member, typed as its enum prop_type says; not for FLAG and SPECIAL. */
static inline const void *prop_member(const struct prop_info *prop, const struct item *item)
{
    return (const char *)item + prop->offset;
}
static inline void *prop_member_mut(const struct prop_info *prop, struct item *item)
{
    return (char *)item + prop->offset;
}
/* Does it say the same in both items? Body compares bodies, MimeContent MIME;
 * other specials never differ. */
bool prop_same(const struct prop_info *prop, const struct item *a, const struct item *b);
/* Back to what item_init gives; of the specials only Body. */
void prop_reset(const struct prop_info *prop, struct item *item);
/* PROP_ENUM: name of a value ("Normal"; of an unknown value the first), and back (false: no such name). */
const char *prop_enum_name(const struct prop_info *prop, int value);
bool prop_enum_value(const struct prop_info *prop, struct span name, int *ret_value);
/* Names of FlagStatus. */
extern const struct prop_names flag_status_names;

#endif
