/*
 * A property by its path, as searches and orders name it, and the values that
 * an item has for it. A path is a FieldURI of props.def or details.def, a part
 * of an indexed one, or an extended property; some extended properties are
 * others by another name (MAPI tags).
 */
#ifndef EWSD_MODEL_FIELD_H
#define EWSD_MODEL_FIELD_H

#include "model/kind.h"

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

struct values {
    struct value *v;
    size_t n;
};

enum field_kind { FIELD_PROP, FIELD_DETAIL, FIELD_HEADER, FIELD_XPROP, FIELD_FLAGS, FIELD_NUMBER, FIELD_FLAG_STATUS };

struct field {
    enum field_kind kind;
    enum value_type type;
    enum prop prop;      /* FIELD_PROP */
    struct span uri;     /* FIELD_DETAIL: of the whole */
    struct span part;    /* ... the element below that is meant; or empty */
    struct span index;   /* ... its Key; or FIELD_HEADER: the name */
    struct xprop xprop;  /* FIELD_XPROP */
};

/* How much of an item has to be there for its values. */
enum field_load {
    FIELD_RARE = 1 << 0, /* the blob of rare properties */
    FIELD_RCPTS = 1 << 1,
    FIELD_BODY = 1 << 2,
    FIELD_ATTACHMENTS = 1 << 3,
};

/* False: no item has it in a form that can be searched. */
bool field_of_uri(struct span uri, struct field *ret_field);
bool field_of_indexed(struct span uri, struct span index, struct field *ret_field);
/* What its tag or name stands for, else itself; names stay the caller's. */
void field_of_xprop(const struct xprop *xprop, struct field *ret_field);
unsigned field_load(const struct field *field);

/* Those that are set, in the arena or the item. Body: the text that it shows. -ENOMEM. */
int field_values(struct arena *arena, const struct field *field, const struct item *item, struct values *ret_values);
/* A constant as the field has its values. False: it can be none of them. -ENOMEM as an error of arena: false, too. */
bool field_parse(struct arena *arena, const struct field *field, struct span text, struct value *ret_value);
/* <0, 0, >0. Of VALUE_ANY the other's type, or what both can be read as. */
int value_compare(struct arena *arena, const struct value *a, const struct value *b);

/* Appends bytes that sort as the values do, the first of several counting; unset
 * comes first. A text counts with its first 255 bytes. -ENOMEM. */
int field_sort_key(struct arena *arena, const struct field *field, const struct item *item, bool descending, struct buf *out);

#endif
