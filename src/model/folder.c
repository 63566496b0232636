/*
 * The table of distinguished folders, from folders.def; and what folders may be
 * called.
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
