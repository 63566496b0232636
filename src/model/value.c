/*
 * Values; see value.h.
 */
#include "model/value.h"

#include "base/when.h"
#include "model/fold.h"

#include <errno.h>

int values_add(struct arena *arena, struct values *values, struct value value)
{
    if (values->n == values->room) {
        size_t larger = values->room ? values->room * 2 : 4;
        struct value *v = arena_array(arena, larger, sizeof(*v));
        if (!v)
            return -ENOMEM;
        if (values->n)
            memcpy(v, values->v, values->n * sizeof(*v));
        values->v = v;
        values->room = larger;
    }
    values->v[values->n++] = value;
    return 0;
}

int values_add_text(struct arena *arena, struct values *values, struct span text)
{
    return text.len ? values_add(arena, values, (struct value){ .type = VALUE_TEXT, .text = text }) : 0;
}

int values_add_number(struct arena *arena, struct values *values, enum value_type type, int64_t number)
{
    return number == INT64_MIN ? 0 : values_add(arena, values, (struct value){ .type = type, .number = number });
}

static int order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_bytes(struct span a, struct span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : order((int64_t)a.len, (int64_t)b.len);
}

bool value_as(enum value_type type, const struct value *value, int64_t *ret_number)
{
    if (value->type == type)
        *ret_number = value->number;
    else if (value->type != VALUE_ANY && value->type != VALUE_TEXT)
        return false;
    else
        return type == VALUE_TIME ? when_parse_xs(span_trim(value->text), ret_number) :
                                    span_int(span_trim(value->text), false, INT64_MIN + 1, INT64_MAX, ret_number);
    return true;
}

int value_compare(struct arena *arena, const struct value *a, const struct value *b)
{
    struct span x = a->text, y = b->text;
    int64_t n, m;
    if (a->type != VALUE_TEXT || b->type != VALUE_TEXT)
        for (enum value_type type = VALUE_NUMBER; type <= VALUE_TIME; type++)
            if (value_as(type, a, &n) && value_as(type, b, &m))
                return order(n, m);
    if (a->type != VALUE_BYTES && (fold_text(arena, a->text, FOLD_CASE, &x) || fold_text(arena, b->text, FOLD_CASE, &y)))
        return -1;
    return compare_bytes(x, y);
}
