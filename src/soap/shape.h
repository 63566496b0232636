/*
 * Items and folders to XML and back, driven by props.def (protocol.md 3.3,
 * 4.1 to 4.4). Writing: a parsed ItemShape or FolderShape says which elements.
 * Reading: the children of a t:Message of CreateItem, the changes of UpdateItem.
 * Positive results are enum ews_code; `ret_culprit` is then the request's
 * element that MessageXml should name, or NULL.
 */
#ifndef EWSD_SOAP_SHAPE_H
#define EWSD_SOAP_SHAPE_H

#include "model/folder.h"
#include "model/id.h"
#include "model/kind.h"
#include "model/mapi.h"
#include "soap/html_clean.h"
#include "soap/xml.h"

enum shape_base { SHAPE_ID_ONLY, SHAPE_DEFAULT, SHAPE_ALL };
enum shape_body { SHAPE_BODY_STORED, SHAPE_BODY_HTML, SHAPE_BODY_TEXT };
/* What the request's version knows. */
enum shape_level { SHAPE_2007, SHAPE_2010, SHAPE_2013 };

#define SHAPE_BODY_MAX (1u << 28)

struct shape_entry;

struct shape {
    enum shape_base base;
    enum shape_level level;
    bool find; /* FindItem: no bodies, no lists, originators by name only */
    bool want[PROP_COUNT];
    bool asked[PROP_COUNT]; /* for itself, not only by the base shape */
    bool want_detail[DETAIL_COUNT];
    bool need[PROP_COUNT]; /* for an extended property */
    bool headers;          /* asked for by name, so of drafts, too */
    enum shape_body body, unique_body, normalized_body;
    size_t body_max; /* bytes */
    struct html_rules rules;
    const struct xprop *xprops;
    const struct mapi_info **mapi; /* of each, or NULL */
    size_t xprops_n;
    const struct shape_entry *entries; /* single entries of dictionaries */
    size_t entries_n;
    const struct span *header_names; /* single headers; with none, all of them */
    size_t header_names_n;
};

/* What writing ids and addresses needs. */
struct shape_ids {
    const struct mac_key *key;
    const uint8_t *mailbox; /* GUID */
    const uint8_t *epoch;
    struct span own_domain; /* MailboxType Mailbox for addresses in it */
    uint32_t rights;        /* the reader's, as EffectiveRights shows them: of model/folder_rights.def */
    const struct ews_id *within; /* of an attached item: the id of that attachment; or NULL */
};

enum shape_level shape_level_of(struct span version);
/* node is ItemShape, AttachmentShape (all properties) or NULL (IdOnly). Unknown FieldURIs are
 * skipped. CODE_ErrorInvalidExtendedProperty, -NoPropertyTagForCustomProperties,
 * -UnsupportedMapiPropertyType. */
int shape_parse(struct arena *arena, const struct xml_node *node, enum shape_level level, bool find, struct shape *ret_shape,
                const struct xml_node **ret_culprit);
/* ExtendedFieldURI; values stay empty. Codes as shape_parse. */
int shape_parse_xprop(struct arena *arena, const struct xml_node *node, struct xprop *ret_xprop);

/* Whether it shows the recipients, a body, attachments, MIME; so that no more
 * is loaded. */
bool shape_wants_recipients(const struct shape *shape);
bool shape_wants_body(const struct shape *shape);
bool shape_wants_mime(const struct shape *shape);

/* Who appends the MimeContent of an item to out, and who knows the header that an item
 * without one would be written with; their errors are shape_write_item's. */
struct shape_mime {
    int (*write)(const struct item *item, void *arg, struct buf *out);
    int (*headers)(const struct item *item, struct arena *arena, struct item_header_list *ret_headers);
    void *arg;
};

/* One t:Message, or what its kind is. mime is asked when the shape wants MimeContent. -ENOMEM. */
int shape_write_item(struct xml_writer *xw, struct arena *arena, const struct shape *shape, const struct shape_ids *ids,
                     const struct item *item, const struct shape_mime *mime);
/* AttachmentId or, with no as 0, what stands for the id of the attached item itself. */
void shape_write_id_attr(struct xml_writer *xw, const char *attr, const struct shape_ids *ids, const struct item *item, uint32_t no);
void shape_write_key_attr(struct xml_writer *xw, const char *attr, const struct shape_ids *ids, const struct item *item);
/* t:ItemId alone, or under another name; and within its t:Message or the like, as the answers of writes have it. */
void shape_write_item_id(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item);
void shape_write_item_id_as(struct xml_writer *xw, const char *element, const struct shape_ids *ids, const struct item *item);
void shape_write_item_ref(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item);
void shape_write_extended_uri(struct xml_writer *xw, const struct xprop *x);
void shape_write_folder_id(struct xml_writer *xw, const char *element, const struct shape_ids *ids, const struct folder *folder);

/* ---- attachments (shape_attachment.c) ---- */

/* How much of an attached item is shown. */
struct shape_attached {
    struct arena *arena;
    const struct shape *shape;
    const struct shape_mime *mime;
};
/* t:FileAttachment or t:ItemAttachment, of item or, as ids->within says, of an
 * item that is attached to it. attached: with t:Content, of data that is loaded
 * or has a source, or with the item; NULL: without. The error of a source and
 * those of shape_write_item. */
int shape_write_attachment(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item,
                           const struct attachment *attachment, const struct shape_attached *attached);
/* Such an element with the AttachmentId alone, and the ids of the root. */
void shape_write_attachment_ref(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item,
                                const struct attachment *attachment);
/* RootItemId and RootItemChangeKey. */
void shape_root_id_attrs(struct xml_writer *xw, const struct shape_ids *ids, const struct item *item);
/* What a t:FileAttachment or t:ItemAttachment says, but for the item.
 * CODE_ErrorRequiredPropertyMissing (no Name), CODE_ErrorInvalidArgument (Content
 * is not base64). */
int shape_read_attachment(struct arena *arena, const struct xml_node *node, int64_t now, struct attachment *ret_attachment);
/* The item's element in a t:ItemAttachment, or NULL. */
const struct xml_node *shape_attached_node(const struct xml_node *node);

struct folder_shape {
    enum shape_base base;
    enum shape_level level;
    unsigned want; /* bits of folder properties */
    const struct xprop *xprops;
    size_t xprops_n;
};

/* The properties of a base shape, and the bit of a FieldURI (0: unknown). */
unsigned folder_shape_base(enum shape_base base, enum shape_level level);
unsigned folder_shape_bit(struct span uri);
int folder_shape_parse(struct arena *arena, const struct xml_node *node, enum shape_level level, struct folder_shape *ret_shape,
                       const struct xml_node **ret_culprit);
/* Whether it shows the PermissionSet; the FieldURI of a folder element's child, or NULL. */
bool folder_shape_wants_permissions(const struct folder_shape *shape);
const char *folder_uri(const struct xml_node *node);

/* What a folder says about somebody. Who is named by several must be the same. */
enum folder_grant_who { GRANT_USER, GRANT_DEFAULT, GRANT_ANONYMOUS };
struct folder_grant {
    enum folder_grant_who who;
    struct span sid, address, name; /* empty where not given */
    uint32_t rights;                /* of model/folder_rights.def */
};
struct folder_grants {
    struct folder_grant *v;
    size_t n;
};
enum { SHAPE_PERMISSIONS_MAX = 500 };

/* t:Folder, t:CalendarFolder, t:ContactsFolder or t:TasksFolder by class.
 * grants: for the PermissionSet, where it is wanted; NULL: it is not shown. */
void shape_write_folder(struct xml_writer *xw, const struct folder_shape *shape, const struct shape_ids *ids,
                        const struct folder *folder, const struct folder_grants *grants);
/* The element with its FolderId alone, as the answers of writes have it. */
void shape_write_folder_ref(struct xml_writer *xw, const struct shape_ids *ids, const struct folder *folder);
void shape_write_permissions(struct xml_writer *xw, const struct folder_grants *grants, bool calendar);

/* ---- folders, reading (shape_folder_read.c, shape_permission.c) ---- */

/* A t:Folder or the like of CreateFolder: name, class and extended properties;
 * ret_grants is NULL without a PermissionSet. CODE_ErrorInvalidPropertySet,
 * -FolderSavePropertyError, -NoFolderClassOverride, -InvalidFolderTypeForOperation,
 * -InvalidExtendedProperty..., and those of shape_read_permissions. */
int shape_read_folder(struct arena *arena, const struct xml_node *node, struct folder *ret_folder, struct folder_grants **ret_grants,
                      const struct xml_node **ret_culprit);
/* One change of UpdateFolder; ret_grants is set only by one of the PermissionSet.
 * As above, and CODE_ErrorInvalidPropertyAppend, -InvalidPropertyDelete,
 * -InvalidPropertyRequest, -UpdatePropertyMismatch,
 * -IncorrectUpdatePropertyCount, -ObjectTypeChanged. */
int shape_update_folder(struct arena *arena, const struct xml_node *node, struct folder *folder, struct folder_grants **ret_grants,
                        const struct xml_node **ret_culprit);
/* A PermissionSet. CODE_ErrorInvalidPermissionSettings (also: too many),
 * -InvalidUserInfo, -CannotSetPermissionUnknownEntries,
 * -CannotSetCalendarPermissionOnNonCalendarFolder and the other way round. */
int shape_read_permissions(struct arena *arena, const struct xml_node *node, bool calendar, struct folder_grants *ret_grants);
/* An ExtendedProperty. Codes as shape_parse, and CODE_ErrorInvalidExtendedPropertyValue. */
int shape_read_xprop(struct arena *arena, const struct xml_node *node, struct xprop *ret_xprop);

/* ---- reading (shape_read.c) ---- */

/* The decoded MimeContent; empty when there is none. CODE_ErrorMimeContentInvalidBase64String. */
int shape_read_mime(struct arena *arena, const struct xml_node *node, struct span *ret_mime);
/* What the client set in a t:Message or the element of another kind, over what item holds already (from MIME or the
 * defaults; its kind is the element's). Bcc recipients are merged with those of the MIME, without
 * doubles; other lists replace. ret_structured: something was set that the
 * MIME, if any, does not carry. t:Attachments are for who can read MIME, too. CODE_ErrorInvalidPropertySet, -InvalidArgument,
 * -ObjectTypeChanged, -InvalidExtendedProperty.... */
int shape_read_item(struct arena *arena, const struct xml_node *node, struct item *item, bool *ret_structured,
                    const struct xml_node **ret_culprit);
/* One child of such an element, into an item whose kind is known. Codes as shape_read_item. */
int shape_read_property(struct arena *arena, const struct xml_node *node, struct item *item);
/* The property that a FieldURI or ExtendedFieldURI names, or NULL. */
const struct prop_info *shape_path_prop(const struct xml_node *path);
/* After an item was read or changed (before: as it was; NULL: it is new): what its
 * elements say of each other is made consistent (shape_settle.c).
 * CODE_ErrorInvalidPercentCompleteValue, -InvalidCompleteDate,
 * -CalendarEndDateIsEarlierThanStartDate, -InvalidArgument. */
int shape_settle(struct arena *arena, const struct item *before, struct item *item);

/* ---- UpdateItem (shape_update.c) ---- */

/* One t:SetItemField, t:AppendToItemField or t:DeleteItemField, into an item
 * whose recipients and body are loaded. MimeContent is only judged: what it
 * says is for who can read MIME. ret_culprit is the path. CODE_ErrorObjectTypeChanged,
 * -IncorrectUpdatePropertyCount, -UpdatePropertyMismatch,
 * -InvalidPropertySet, -Append, -Delete, -Request, -UpdateSentMessage, and
 * those of reading a property. */
int shape_update(struct arena *arena, const struct xml_node *node, struct item *item, const struct xml_node **ret_culprit);
/* The path of such a change: FieldURI, IndexedFieldURI or ExtendedFieldURI. */
static inline const struct xml_node *shape_update_path(const struct xml_node *node)
{
    return node->child;
}

#endif
