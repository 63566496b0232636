/*
 * Values of properties, as searches compare and orders sort them.
 */
#ifndef EWSD_MODEL_VALUE_H
#define EWSD_MODEL_VALUE_H

#include "base/arena.h"

enum value_type {
    VALUE_TEXT,   /* compared without regard to case */
    VALUE_NUMBER, /* also booleans, and enumerations by their order */
    VALUE_TIME,
    VALUE_BYTES,
    VALUE_ANY,    /* only the text of what it is compared with tells */
};

struct value {
    enum value_type type;
    int64_t number;   /* or ms */
    struct span text; /* or bytes */
};

/* Those of one property; starts as zero, and its array is the arena's. */
struct values {
    struct value *v;
    size_t n;
    size_t room;
};

/* -ENOMEM. An empty text and INT64_MIN are none. */
int values_add(struct arena *arena, struct values *values, struct value value);
int values_add_text(struct arena *arena, struct values *values, struct span text);
int values_add_number(struct arena *arena, struct values *values, enum value_type type, int64_t number);

/* As NUMBER or TIME: what it is, or what its text says. */
bool value_as(enum value_type type, const struct value *value, int64_t *ret_number);
/* <0, 0, >0. Of VALUE_ANY the other's type, or what both can be read as. */
int value_compare(struct arena *arena, const struct value *a, const struct value *b);

#endif
