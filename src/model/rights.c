/*
 * The tables of rights.
 */
#include "model/rights.h"

#define ROLES UINT32_C(0xffffff00) /* bits of rights.def from 8 on */

static const struct {
    const char *name;
    uint32_t bit;
    uint32_t folder;
} rights[] = {
#define RIGHT(name, bit, word, folder) { word, RIGHT_##name, folder },
#include "model/rights.def"
#undef RIGHT
};

static const struct {
    const char *name;
    uint32_t bits;
} folder_rights[] = {
#define FOLDER_RIGHT(name, bits, word) { word, bits },
#include "model/folder_rights.def"
#undef FOLDER_RIGHT
};

#define RIGHT(name, bit, word, folder) word " "
#define FOLDER_RIGHT(name, bits, word) word " "
const char rights_names[] =
#include "model/rights.def"
    ;
const char folder_rights_names[] = "none owner publishing-editor editor publishing-author author nonediting-author reviewer contributor "
#include "model/folder_rights.def"
    ;
#undef RIGHT
#undef FOLDER_RIGHT

bool right_by_name(struct span name, uint32_t *ret_right)
{
    for (size_t i = 0; i < ARRAY_LEN(rights); i++)
        if (span_is(name, rights[i].name)) {
            *ret_right = rights[i].bit;
            return true;
        }
    return false;
}

const char *right_next(uint32_t *left)
{
    for (size_t i = 0; i < ARRAY_LEN(rights); i++)
        if (*left & rights[i].bit) {
            *left &= ~rights[i].bit;
            return rights[i].name;
        }
    return NULL;
}

uint32_t rights_add(uint32_t held, uint32_t right)
{
    return (right & ROLES ? held & ~ROLES : held) | right;
}

uint32_t rights_in_folders(uint32_t held)
{
    uint32_t folder = 0;
    for (size_t i = 0; i < ARRAY_LEN(rights); i++)
        if (held & rights[i].bit)
            folder |= rights[i].folder;
    return folder;
}

/* ---- in one folder ---- */

bool folder_right_by_name(struct span name, uint32_t *ret_rights, bool *ret_role)
{
    *ret_role = true;
    *ret_rights = 0;
    if (span_is(name, "none"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(rights); i++)
        if (rights[i].bit & ROLES && span_is(name, rights[i].name)) {
            *ret_rights = rights[i].folder;
            return true;
        }
    *ret_role = false;
    for (size_t i = 0; i < ARRAY_LEN(folder_rights); i++)
        if (span_is(name, folder_rights[i].name)) {
            *ret_rights = folder_rights[i].bits;
            return true;
        }
    return false;
}

const char *folder_role_name(uint32_t set)
{
    for (size_t i = 0; i < ARRAY_LEN(rights); i++)
        if (rights[i].bit & ROLES && rights[i].folder == set)
            return rights[i].name;
    return set ? NULL : "none";
}

const char *folder_right_next(uint32_t *left)
{
    for (size_t i = 0; i < ARRAY_LEN(folder_rights); i++)
        if (*left & folder_rights[i].bits) {
            *left &= ~folder_rights[i].bits;
            return folder_rights[i].name;
        }
    return NULL;
}
