/*
 * The tables of distinguished folders (folders.def) and of what folders have by
 * several names (folder_fields.def); and what folders may be called.
 */
#include "model/folder.h"

#include "model/fold.h"

static const struct folder_role_info rows[FOLDER_ROLE_COUNT] = {
#define FOLDER(id, number, name, class, parent, ipm) \
    [FOLDER_ROLE_##id] = { #id, name, class, FOLDER_ROLE_##parent, ipm },
#include "model/folders.def"
#undef FOLDER
};

const struct folder_role_info *folder_role_info(enum folder_role role)
{
    if (role <= FOLDER_ROLE_none || role >= FOLDER_ROLE_COUNT || !rows[role].id)
        return NULL;
    return &rows[role];
}

enum folder_role folder_role_by_id(struct span distinguished_id)
{
    for (size_t i = 1; i < ARRAY_LEN(rows); i++)
        if (rows[i].id && span_is(distinguished_id, rows[i].id))
            return (enum folder_role)i;
    return FOLDER_ROLE_none;
}

const struct folder_field_info folder_fields[FOLDER_FIELD_COUNT] = {
#define FOLDER_FIELD(id, uri, tag, form, set) [FOLDER_FIELD_##id] = { uri, tag, FOLDER_FORM_##form, FOLDER_SET_##set },
#include "model/folder_fields.def"
#undef FOLDER_FIELD
};

enum folder_field folder_field_by_uri(struct span uri)
{
    enum folder_field field = 0;
    while (field < FOLDER_FIELD_COUNT && !(folder_fields[field].uri && span_is(uri, folder_fields[field].uri)))
        field++;
    return field;
}

enum folder_field folder_field_by_xprop(const struct xprop *xprop)
{
    enum folder_field field = 0;
    while (field < FOLDER_FIELD_COUNT && (xprop->tag < 0 || xprop->tag != folder_fields[field].tag))
        field++;
    return field;
}

bool folder_field_text(const struct folder *folder, enum folder_field field, struct span *ret_text)
{
    if (field == FOLDER_FIELD_name)
        *ret_text = folder->name;
    else if (field == FOLDER_FIELD_class && folder->class.len)
        *ret_text = folder->class;
    else
        return false;
    return true;
}

/* What is outside of the tree of mail is hidden. */
bool folder_field_number(const struct folder *folder, enum folder_field field, int64_t *ret_number)
{
    const struct folder_role_info *role = folder_role_info(folder->role);
    switch (field) {
    case FOLDER_FIELD_total:
        *ret_number = folder->total;
        return true;
    case FOLDER_FIELD_unread:
        *ret_number = folder->unread;
        return true;
    case FOLDER_FIELD_children:
        *ret_number = folder->children;
        return true;
    case FOLDER_FIELD_has_children:
        *ret_number = folder->children > 0;
        return true;
    case FOLDER_FIELD_hidden:
        *ret_number = role && !role->ipm;
        return *ret_number;
    case FOLDER_FIELD_name:
    case FOLDER_FIELD_class:
    case FOLDER_FIELD_COUNT:
        break;
    }
    return false;
}

static const char *const classes[] = {
    [FOLDER_MAIL] = "IPF.Note", [FOLDER_CALENDAR] = "IPF.Appointment", [FOLDER_CONTACTS] = "IPF.Contact", [FOLDER_TASKS] = "IPF.Task"
};

const char *folder_kind_class(enum folder_kind kind)
{
    return classes[kind];
}

enum folder_kind folder_kind_of_class(struct span class)
{
    for (size_t i = FOLDER_CALENDAR; i < ARRAY_LEN(classes); i++)
        if (item_class_is(class, classes[i]))
            return (enum folder_kind)i;
    return FOLDER_MAIL;
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

bool folder_name_ok(struct span name)
{
    return span_trim(name).len > 0 && !has_control(name) && fold_characters(name) <= FOLDER_NAME_MAX;
}

bool folder_class_ok(struct span class)
{
    return fold_characters(class) <= FOLDER_NAME_MAX && !has_control(class);
}
