/*
 * The table of distinguished folders, from folders.def.
 */
#include "model/folder.h"

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
