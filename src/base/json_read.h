/*
 * Reading JSON (RFC 8259), as a tree that is looked at and not changed. Of two
 * members with one name neither is taken: such a text is refused, as is one that
 * is no UTF-8 or has a NUL in a string. <jansson.h> is included only in
 * json_read.c.
 */
#ifndef EWSD_BASE_JSON_READ_H
#define EWSD_BASE_JSON_READ_H

#include "base/base.h"

#define JSON_READ_ERROR_SIZE 256

/* A value; what lies in it lives as long as its root. NULL, which is what is not
 * there, is fine everywhere: its kind is JSON_IS_NOTHING. */
struct json_read;

enum json_kind {
    JSON_IS_NOTHING,
    JSON_IS_NULL,
    JSON_IS_BOOL,
    JSON_IS_NUMBER, /* an integer of 64 bits */
    JSON_IS_FRACTION,
    JSON_IS_TEXT,
    JSON_IS_ARRAY,
    JSON_IS_OBJECT
};

/* 1: ret_error says what is wrong, and where. -ENOMEM. */
int json_read_parse(struct span text, struct json_read **ret_root, char ret_error[JSON_READ_ERROR_SIZE]);
/* The root. */
void json_read_free(struct json_read *root);

enum json_kind json_read_kind(const struct json_read *value);
/* "a text", for errors. */
const char *json_read_kind_name(enum json_kind kind);
/* Elements of an array or members of an object; 0 for others. */
size_t json_read_count(const struct json_read *value);
const struct json_read *json_read_at(const struct json_read *array, size_t index);
const struct json_read *json_read_member(const struct json_read *object, const char *name);
/* The members in the order of the text: *place begins as NULL; false at the end. */
bool json_read_each(const struct json_read *object, void **place, struct span *ret_name, const struct json_read **ret_value);
/* false: the value is of another kind. A text is NUL-terminated. */
bool json_read_text(const struct json_read *value, struct span *ret_text);
bool json_read_number(const struct json_read *value, int64_t *ret_number);
bool json_read_bool(const struct json_read *value, bool *ret_bool);

DEFINE_CLEANUP(json_read, struct json_read *, json_read_free)

#endif
