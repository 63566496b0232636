/*
 * A property by its path, as searches and orders name it, and the values that
 * an item or a folder has for it. A path is a FieldURI of props.def, details.def
 * or, of folders, folder_fields.def, a part of an indexed one, or an extended
 * property; some extended properties are others by another name (mapi.def).
 * A field is one of items or one of folders, and asked for those alone.
 */
#ifndef EWSD_MODEL_FIELD_H
#define EWSD_MODEL_FIELD_H

#include "model/folder.h"
#include "model/kind.h"
#include "model/value.h"

enum field_of { FIELD_OF_ITEMS, FIELD_OF_FOLDERS };
enum field_kind { FIELD_PROP, FIELD_DETAIL, FIELD_HEADER, FIELD_XPROP, FIELD_FLAGS, FIELD_NUMBER, FIELD_FLAG_STATUS, FIELD_FOLDER };

struct field {
    enum field_kind kind;
    enum value_type type;
    enum prop prop;      /* FIELD_PROP */
    struct span uri;     /* FIELD_DETAIL: of the whole */
    struct span part;    /* ... the element below that is meant; or empty */
    struct span index;   /* ... its Key; or FIELD_HEADER: the name */
    struct xprop xprop;  /* FIELD_XPROP; and of others, what named them */
    enum folder_field folder; /* FIELD_FOLDER */
};

/* How much of an item has to be there for its values. */
enum field_load {
    FIELD_RARE = 1 << 0, /* the blob of rare properties */
    FIELD_RCPTS = 1 << 1,
    FIELD_BODY = 1 << 2,
    FIELD_ATTACHMENTS = 1 << 3,
};

/* False: none of those has it in a form that can be searched. */
bool field_of_uri(enum field_of of, struct span uri, struct field *ret_field);
bool field_of_indexed(enum field_of of, struct span uri, struct span index, struct field *ret_field);
/* What its tag or name stands for, else itself; names stay the caller's. */
void field_of_xprop(enum field_of of, const struct xprop *xprop, struct field *ret_field);
unsigned field_load(const struct field *field);

/* Those that are set, in the arena or the item. Body: the text that it shows. -ENOMEM. */
int field_values(struct arena *arena, const struct field *field, const struct item *item, struct values *ret_values);
int field_folder_values(struct arena *arena, const struct field *field, const struct folder *folder, struct values *ret_values);
/* A constant as the field has its values. False: it can be none of them. -ENOMEM as an error of arena: false, too. */
bool field_parse(struct arena *arena, const struct field *field, struct span text, struct value *ret_value);

/* Appends bytes that sort as the values do, the first of several counting; unset
 * comes first. A text counts with its first 255 bytes. -ENOMEM. */
int field_sort_key(struct arena *arena, const struct field *field, const struct item *item, bool descending, struct buf *out);

#endif
