/*
 * Folders from XML: the elements of CreateFolder, the changes of UpdateFolder
 * (protocol.md 3.5). What the server alone decides is refused with
 * ErrorInvalidPropertySet. The type of a folder goes by its class: t:Folder takes
 * any, the other elements only their own (ErrorNoFolderClassOverride), and a
 * folder keeps its type (ErrorObjectTypeChanged).
 */
#include "soap/shape.h"

#include <errno.h>


static const struct {
    const char *element;
    enum folder_kind kind;
} kinds[] = {
    { "Folder", FOLDER_MAIL },
    { "CalendarFolder", FOLDER_CALENDAR },
    { "ContactsFolder", FOLDER_CONTACTS },
    { "TasksFolder", FOLDER_TASKS },
};

/* false: a search folder. */
static bool kind_of(const struct xml_node *node, enum folder_kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (span_is(node->name, kinds[i].element)) {
            *ret_kind = kinds[i].kind;
            return true;
        }
    return false;
}

static int set_name(struct folder *folder, struct span name)
{
    if (!folder_name_ok(name))
        return CODE_ErrorFolderSavePropertyError;
    folder->name = name;
    return 0;
}

static int set_class(struct folder *folder, struct span class)
{
    class = span_trim(class);
    if (!folder_class_ok(class))
        return CODE_ErrorFolderSavePropertyError;
    folder->class = class;
    return 0;
}

/* Name and class have properties of MAPI, too; counts are nobody's to set. */
static int set_extended(struct arena *arena, struct folder *folder, const struct xml_node *node)
{
    struct xprop x;
    int r = shape_read_xprop(arena, node, &x);
    if (r)
        return r;
    const enum folder_field field = folder_field_by_xprop(&x);
    if (field == FOLDER_FIELD_COUNT || folder_fields[field].set == FOLDER_SET_kept)
        return xprop_put(arena, &folder->xprops, &x);
    if (folder_fields[field].set == FOLDER_SET_never)
        return CODE_ErrorInvalidPropertySet;
    if (x.is_array || !span_is(x.type, "String"))
        return CODE_ErrorInvalidExtendedProperty;
    return field == FOLDER_FIELD_name ? set_name(folder, x.values.v[0]) : set_class(folder, x.values.v[0]);
}

/* One child of a folder element but PermissionSet. */
static int set_property(struct arena *arena, struct folder *folder, const struct xml_node *node)
{
    if (span_is(node->name, "DisplayName"))
        return set_name(folder, node->text);
    if (span_is(node->name, "FolderClass"))
        return set_class(folder, node->text);
    if (span_is(node->name, "ExtendedProperty"))
        return set_extended(arena, folder, node);
    return CODE_ErrorInvalidPropertySet;
}

static int set_permissions(struct arena *arena, const struct folder *folder, const struct xml_node *node, struct folder_grants **ret_grants)
{
    struct folder_grants *grants = arena_alloc(arena, sizeof(*grants));
    if (!grants)
        return -ENOMEM;
    int r = shape_read_permissions(arena, node, folder_kind_of_class(folder->class) == FOLDER_CALENDAR, grants);
    if (r == 0)
        *ret_grants = grants;
    return r;
}

int shape_read_folder(struct arena *arena, const struct xml_node *node, struct folder *ret_folder, struct folder_grants **ret_grants,
                      const struct xml_node **ret_culprit)
{
    struct folder folder = { 0 };
    enum folder_kind kind;
    const struct xml_node *permissions = xml_child(node, "PermissionSet");
    *ret_grants = NULL;
    if (!kind_of(node, &kind))
        return CODE_ErrorInvalidFolderTypeForOperation;
    folder.class = span_of(folder_kind_class(kind));
    for (const struct xml_node *c = node->child; c; c = c->next) {
        int r = c == permissions ? 0 : set_property(arena, &folder, c);
        if (r) {
            *ret_culprit = c;
            return r;
        }
    }
    if (!folder.name.len)
        return CODE_ErrorFolderSavePropertyError;
    if (kind != FOLDER_MAIL && folder_kind_of_class(folder.class) != kind)
        return CODE_ErrorNoFolderClassOverride;
    int r = permissions ? set_permissions(arena, &folder, permissions, ret_grants) : 0;
    if (r == 0)
        *ret_folder = folder;
    return r;
}

/* ---- UpdateFolder ---- */

static int change_extended(struct arena *arena, const struct xml_node *path, const struct xml_node *value, struct folder *folder)
{
    struct xprop x, other;
    int r = shape_parse_xprop(arena, path, &x);
    if (r)
        return r;
    if (!value) {
        const enum folder_field field = folder_field_by_xprop(&x);
        const bool kept = field == FOLDER_FIELD_COUNT || folder_fields[field].set == FOLDER_SET_kept;
        return kept ? xprop_remove(arena, &folder->xprops, &x) : CODE_ErrorInvalidPropertyDelete;
    }
    const struct xml_node *named = xml_is(value, XML_NS_T, "ExtendedProperty") ? xml_child(value, "ExtendedFieldURI") : NULL;
    if (!named || shape_parse_xprop(arena, named, &other) || !xprop_same(&x, &other))
        return CODE_ErrorUpdatePropertyMismatch;
    return set_extended(arena, folder, value);
}

static int change_field(struct arena *arena, const struct xml_node *path, const struct xml_node *value, struct folder *folder,
                        struct folder_grants **ret_grants)
{
    struct span uri = { 0 };
    (void)xml_attr(path, "FieldURI", &uri);
    if (!span_starts(uri, SPAN("folder:")))
        return CODE_ErrorInvalidPropertyRequest;
    if (!value)
        return CODE_ErrorInvalidPropertyDelete;
    const size_t prefix = sizeof("folder:") - 1;
    if (!span_eq(value->name, (struct span){ uri.ptr + prefix, uri.len - prefix }))
        return CODE_ErrorUpdatePropertyMismatch;
    if (span_is(value->name, "PermissionSet"))
        return set_permissions(arena, folder, value, ret_grants);
    return set_property(arena, folder, value);
}

/* A PermissionSet says by itself that it is of the other type. */
static bool element_fits(const struct xml_node *element, enum folder_kind kind, const struct folder *folder)
{
    return kind == FOLDER_MAIL || kind == folder_kind_of_class(folder->class) || xml_child(element, "PermissionSet");
}

/* The one property that a change sets; NULL: it deletes one. */
static int value_of(const struct xml_node *node, const struct folder *folder, const struct xml_node **ret_value)
{
    enum folder_kind kind = FOLDER_MAIL;
    const struct xml_node *element = node->child->next;
    *ret_value = NULL;
    if (xml_is(node, XML_NS_T, "AppendToFolderField"))
        return CODE_ErrorInvalidPropertyAppend;
    if (xml_is(node, XML_NS_T, "DeleteFolderField"))
        return 0;
    if (!element || !kind_of(element, &kind) || !element_fits(element, kind, folder))
        return CODE_ErrorObjectTypeChanged;
    *ret_value = element->child;
    return element->child && !element->child->next ? 0 : CODE_ErrorIncorrectUpdatePropertyCount;
}

int shape_update_folder(struct arena *arena, const struct xml_node *node, struct folder *folder, struct folder_grants **ret_grants,
                        const struct xml_node **ret_culprit)
{
    const enum folder_kind kind = folder_kind_of_class(folder->class);
    const struct xml_node *path = node->child, *value;
    int r = value_of(node, folder, &value);
    if (!r && xml_is(path, XML_NS_T, "FieldURI"))
        r = change_field(arena, path, value, folder, ret_grants);
    else if (!r && xml_is(path, XML_NS_T, "ExtendedFieldURI"))
        r = change_extended(arena, path, value, folder);
    else if (!r)
        r = CODE_ErrorInvalidPropertyRequest;
    if (!r && folder_kind_of_class(folder->class) != kind)
        r = CODE_ErrorObjectTypeChanged;
    *ret_culprit = r > 0 ? path : NULL;
    return r;
}
