/*
 * Folders to XML in schema order (protocol.md 4.1). The element is chosen by
 * the folder's class; an empty name is left out, as for the root.
 */
#include "soap/shape.h"

#include "model/rights.h"

enum { F_ID = 1, F_PARENT = 2, F_CLASS = 4, F_NAME = 8, F_TOTAL = 16, F_CHILDREN = 32, F_RIGHTS = 64, F_ROLE = 128, F_UNREAD = 256 };

static const struct {
    const char *uri;
    unsigned bit;
} fields[] = {
    { "folder:FolderId", F_ID },
    { "folder:ParentFolderId", F_PARENT },
    { "folder:FolderClass", F_CLASS },
    { "folder:DisplayName", F_NAME },
    { "folder:TotalCount", F_TOTAL },
    { "folder:ChildFolderCount", F_CHILDREN },
    { "folder:EffectiveRights", F_RIGHTS },
    { "folder:DistinguishedFolderId", F_ROLE },
    { "folder:UnreadCount", F_UNREAD },
};

unsigned folder_shape_base(enum shape_base base, enum shape_level level)
{
    switch (base) {
    case SHAPE_ID_ONLY:
        return F_ID;
    case SHAPE_DEFAULT:
        return F_ID | F_NAME | F_TOTAL | F_CHILDREN | F_UNREAD;
    case SHAPE_ALL:
        return F_ID | F_PARENT | F_CLASS | F_NAME | F_TOTAL | F_CHILDREN | F_RIGHTS | F_UNREAD | (level >= SHAPE_2013 ? F_ROLE : 0u);
    }
    return F_ID;
}

unsigned folder_shape_bit(struct span uri)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (span_is(uri, fields[i].uri))
            return fields[i].bit;
    return 0;
}

static const char *folder_element(struct span class)
{
    if (span_starts(class, SPAN("IPF.Appointment")))
        return "t:CalendarFolder";
    if (span_starts(class, SPAN("IPF.Contact")))
        return "t:ContactsFolder";
    if (span_starts(class, SPAN("IPF.Task")))
        return "t:TasksFolder";
    return "t:Folder";
}

void shape_write_folder_id(struct xml_writer *xw, const char *element, const struct shape_ids *ids, const struct folder *folder)
{
    struct buf text = BUF_INIT(4 * ID_TEXT_MAX);
    struct ews_id id = { .kind = ID_FOLDER, .folder = folder->folder_no };
    memcpy(id.mailbox, ids->mailbox, GUID_SIZE);
    id_encode(ids->key, &id, &text);
    xw_open(xw, element);
    xw_attr(xw, "Id", buf_span(&text));
    if (folder->key_no) {
        buf_clear(&text);
        change_key_encode(CHANGE_KEY_FOLDER, ids->epoch, folder->key_no, &text);
        xw_attr(xw, "ChangeKey", buf_span(&text));
    }
    xw_close(xw);
    buf_done(&text);
}

/* Of the folder itself only its owner may delete or modify it. */
static void write_rights(struct xml_writer *xw, enum shape_level level, uint32_t rights)
{
    xw_open(xw, "t:EffectiveRights");
    xw_leaf_bool(xw, "t:CreateAssociated", rights & FOLDER_RIGHT_OWN);
    xw_leaf_bool(xw, "t:CreateContents", rights & FOLDER_RIGHT_CREATE);
    xw_leaf_bool(xw, "t:CreateHierarchy", rights & FOLDER_RIGHT_SUBFOLDERS);
    xw_leaf_bool(xw, "t:Delete", rights & FOLDER_RIGHT_OWN);
    xw_leaf_bool(xw, "t:Modify", rights & FOLDER_RIGHT_OWN);
    xw_leaf_bool(xw, "t:Read", rights & FOLDER_RIGHT_READ);
    if (level >= SHAPE_2010)
        xw_leaf_bool(xw, "t:ViewPrivateItems", rights & FOLDER_RIGHT_OWN);
    xw_close(xw);
}

/* PR_DISPLAY_NAME, PR_CONTENT_COUNT, PR_CONTENT_UNREAD, PR_SUBFOLDERS,
 * PR_CONTAINER_CLASS are the folder's own properties by another name. */
static void write_extended(struct xml_writer *xw, const struct xprop *x, const struct folder *folder)
{
    bool known = x->tag == 0x3001 || x->tag == 0x3602 || x->tag == 0x3603 || x->tag == 0x360a || (x->tag == 0x3613 && folder->class.len);
    if (!known)
        return;
    xw_open(xw, "t:ExtendedProperty");
    shape_write_extended_uri(xw, x);
    if (x->tag == 0x3001)
        xw_leaf(xw, "t:Value", folder->name);
    else if (x->tag == 0x3613)
        xw_leaf(xw, "t:Value", folder->class);
    else if (x->tag == 0x360a)
        xw_leaf_bool(xw, "t:Value", folder->children > 0);
    else
        xw_leaf_int(xw, "t:Value", x->tag == 0x3602 ? folder->total : folder->unread);
    xw_close(xw);
}

static void write_counts(struct xml_writer *xw, const struct folder_shape *shape, const struct folder *folder)
{
    if (shape->want & F_TOTAL)
        xw_leaf_int(xw, "t:TotalCount", folder->total);
    if (shape->want & F_CHILDREN)
        xw_leaf_int(xw, "t:ChildFolderCount", folder->children);
}

void shape_write_folder(struct xml_writer *xw, const struct folder_shape *shape, const struct shape_ids *ids,
                        const struct folder *folder)
{
    const char *element = folder_element(folder->class);
    const struct folder_role_info *role = folder_role_info(folder->role);
    const struct folder parent = { .folder_no = folder->parent_no };
    xw_open(xw, element);
    shape_write_folder_id(xw, "t:FolderId", ids, folder);
    if (shape->want & F_PARENT)
        shape_write_folder_id(xw, "t:ParentFolderId", ids, &parent);
    if (shape->want & F_CLASS && folder->class.len)
        xw_leaf(xw, "t:FolderClass", folder->class);
    if (shape->want & F_NAME && folder->name.len)
        xw_leaf(xw, "t:DisplayName", folder->name);
    write_counts(xw, shape, folder);
    for (size_t i = 0; i < shape->xprops_n; i++)
        write_extended(xw, &shape->xprops[i], folder);
    if (shape->want & F_RIGHTS)
        write_rights(xw, shape->level, ids->rights);
    if (shape->want & F_ROLE && role)
        xw_leaf_str(xw, "t:DistinguishedFolderId", role->id);
    if (shape->want & F_UNREAD && strcmp(element, "t:CalendarFolder") != 0 && strcmp(element, "t:ContactsFolder") != 0)
        xw_leaf_int(xw, "t:UnreadCount", folder->unread);
    xw_close(xw);
}
