/*
 * See json_read.h. A struct json_read is a json_t by another name.
 */
#include "base/json_read.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

static const json_t *own(const struct json_read *value)
{
    return (const json_t *)(const void *)value;
}

static const struct json_read *given(const json_t *value)
{
    return (const struct json_read *)(const void *)value;
}

int json_read_parse(struct span text, struct json_read **ret_root, char ret_error[JSON_READ_ERROR_SIZE])
{
    json_error_t error;
    json_t *root = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return -ENOMEM;
    if (!root) {
        snprintf(ret_error, JSON_READ_ERROR_SIZE, "line %d, column %d: %s", error.line, error.column, error.text);
        utf8_cut(ret_error);
        return 1;
    }
    *ret_root = (struct json_read *)(void *)root;
    return 0;
}

void json_read_free(struct json_read *root)
{
    json_decref((json_t *)(void *)root);
}

enum json_kind json_read_kind(const struct json_read *value)
{
    static const enum json_kind kinds[] = {
        [JSON_OBJECT] = JSON_IS_OBJECT,  [JSON_ARRAY] = JSON_IS_ARRAY,   [JSON_STRING] = JSON_IS_TEXT, [JSON_INTEGER] = JSON_IS_NUMBER,
        [JSON_REAL] = JSON_IS_FRACTION, [JSON_TRUE] = JSON_IS_BOOL, [JSON_FALSE] = JSON_IS_BOOL, [JSON_NULL] = JSON_IS_NULL,
    };
    return value ? kinds[json_typeof(own(value))] : JSON_IS_NOTHING;
}

const char *json_read_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_IS_NOTHING] = "nothing",    [JSON_IS_NULL] = "null",   [JSON_IS_BOOL] = "true or false", [JSON_IS_NUMBER] = "a number",
        [JSON_IS_FRACTION] = "a fraction", [JSON_IS_TEXT] = "a text", [JSON_IS_ARRAY] = "an array",     [JSON_IS_OBJECT] = "an object",
    };
    return names[kind];
}

size_t json_read_count(const struct json_read *value)
{
    return json_is_array(own(value)) ? json_array_size(own(value)) : json_object_size(own(value));
}

const struct json_read *json_read_at(const struct json_read *array, size_t index)
{
    return given(json_array_get(own(array), index));
}

const struct json_read *json_read_member(const struct json_read *object, const char *name)
{
    return given(json_object_get(own(object), name));
}

bool json_read_each(const struct json_read *object, void **place, struct span *ret_name, const struct json_read **ret_value)
{
    json_t *members = (json_t *)(uintptr_t)own(object); /* which is only read */
    void *next = *place ? json_object_iter_next(members, *place) : json_object_iter(members);
    if (!next)
        return false;
    *place = next;
    *ret_name = span_of(json_object_iter_key(next));
    *ret_value = given(json_object_iter_value(next));
    return true;
}

bool json_read_text(const struct json_read *value, struct span *ret_text)
{
    if (!json_is_string(own(value)))
        return false;
    *ret_text = (struct span){ json_string_value(own(value)), json_string_length(own(value)) };
    return true;
}

bool json_read_number(const struct json_read *value, int64_t *ret_number)
{
    if (!json_is_integer(own(value)))
        return false;
    *ret_number = json_integer_value(own(value));
    return true;
}

bool json_read_bool(const struct json_read *value, bool *ret_bool)
{
    if (!json_is_boolean(own(value)))
        return false;
    *ret_bool = json_is_true(own(value));
    return true;
}
