/*
 * Folders to XML in schema order (protocol.md 4.1). The element is chosen by
 * the folder's class; an empty name is left out, as for the root.
 */
#include "soap/shape.h"

#include "model/rights.h"

#include <inttypes.h>
#include <stdio.h>

enum { F_ID = 1, F_PARENT = 2, F_CLASS = 4, F_NAME = 8, F_TOTAL = 16, F_CHILDREN = 32, F_RIGHTS = 64, F_ROLE = 128, F_UNREAD = 256,
       F_PERMISSIONS = 512 };

/* Those without a bit are never there, but have a name to be refused by. */
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
    { "folder:ManagedFolderInformation", 0 },
    { "folder:EffectiveRights", F_RIGHTS },
    { "folder:DistinguishedFolderId", F_ROLE },
    { "folder:PolicyTag", 0 },
    { "folder:ArchiveTag", 0 },
    { "folder:ReplicaList", 0 },
    { "folder:SharingEffectiveRights", 0 },
    { "folder:PermissionSet", F_PERMISSIONS },
    { "folder:UnreadCount", F_UNREAD },
    { "folder:SearchParameters", 0 },
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

const char *folder_uri(const struct xml_node *node)
{
    const struct span parent = node->parent ? node->parent->name : (struct span){ 0 };
    const size_t prefix = sizeof("folder:") - 1;
    if (parent.len < 6 || memcmp(parent.ptr + parent.len - 6, "Folder", 6) != 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (span_is(node->name, fields[i].uri + prefix))
            return fields[i].uri;
    return NULL;
}

bool folder_shape_wants_permissions(const struct folder_shape *shape)
{
    return shape->want & F_PERMISSIONS;
}

static const char *folder_element(struct span class)
{
    static const char *const elements[] = { [FOLDER_MAIL] = "t:Folder", [FOLDER_CALENDAR] = "t:CalendarFolder",
                                            [FOLDER_CONTACTS] = "t:ContactsFolder", [FOLDER_TASKS] = "t:TasksFolder" };
    return elements[folder_kind_of_class(class)];
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

/* As text; of what is computed. */
static bool folder_value(const struct folder *folder, enum folder_field field, char room[24], struct span *ret_text)
{
    int64_t number = 0;
    if (folder_fields[field].form == FOLDER_FORM_text)
        return folder_field_text(folder, field, ret_text);
    if (!folder_field_number(folder, field, &number))
        return false;
    if (folder_fields[field].form == FOLDER_FORM_truth)
        *ret_text = span_of(number ? "true" : "false");
    else
        *ret_text = (struct span){ room, (size_t)snprintf(room, 24, "%" PRId64, number) };
    return true;
}

static void write_extended(struct xml_writer *xw, const struct xprop *x, const struct folder *folder)
{
    const enum folder_field field = folder_field_by_xprop(x);
    const bool named = field != FOLDER_FIELD_COUNT, kept = !named || folder_fields[field].set == FOLDER_SET_kept;
    const struct xprop *stored = kept ? xprop_find(&folder->xprops, x) : NULL;
    struct span text = stored && stored->values.n ? stored->values.v[0] : (struct span){ 0 };
    char room[24];
    if (!stored && !(named && folder_value(folder, field, room, &text)))
        return;
    xw_open(xw, "t:ExtendedProperty");
    shape_write_extended_uri(xw, x);
    if (!stored || !stored->is_array)
        xw_leaf(xw, "t:Value", text);
    else {
        xw_open(xw, "t:Values");
        for (size_t i = 0; i < stored->values.n; i++)
            xw_leaf(xw, "t:Value", stored->values.v[i]);
        xw_close(xw);
    }
    xw_close(xw);
}

void shape_write_folder_ref(struct xml_writer *xw, const struct shape_ids *ids, const struct folder *folder)
{
    xw_open(xw, folder_element(folder->class));
    shape_write_folder_id(xw, "t:FolderId", ids, folder);
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
                        const struct folder *folder, const struct folder_grants *grants)
{
    const enum folder_kind kind = folder_kind_of_class(folder->class);
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
    if (shape->want & F_PERMISSIONS && grants)
        shape_write_permissions(xw, grants, kind == FOLDER_CALENDAR);
    if (shape->want & F_UNREAD && (kind == FOLDER_MAIL || kind == FOLDER_TASKS))
        xw_leaf_int(xw, "t:UnreadCount", folder->unread);
    xw_close(xw);
}
