/*
 * The table of rights.
 */
#include "bin/rights.h"

static const struct {
    const char *name;
    uint32_t bit;
} rights[] = {
#define RIGHT(bit, name) { name, UINT32_C(1) << (bit) },
#include "bin/rights.def"
#undef RIGHT
};

const char rights_names[] =
#define RIGHT(bit, name) name " "
#include "bin/rights.def"
#undef RIGHT
    ;

#define ROLES UINT32_C(0xffffff00) /* bits of rights.def from 8 on */

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
