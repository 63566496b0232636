/*
 * The table of response codes, from codes.def.
 */
#include "model/code.h"

static const struct code_row {
    const char *name;
    const char *text;
    bool stops;
} rows[] = {
#define CODE(name, text, stops) [CODE_##name] = { #name, text, stops },
#include "model/codes.def"
#undef CODE
};

_Static_assert(ARRAY_LEN(rows) == CODE_COUNT, "a row per code");

static const struct code_row *row_of(int code)
{
    return &rows[code >= 0 && code < CODE_COUNT ? code : CODE_ErrorInternalServerError];
}

const char *code_name(int code)
{
    return row_of(code)->name;
}

const char *code_text(int code)
{
    return row_of(code)->text;
}

bool code_stops_batch(int code)
{
    return row_of(code)->stops;
}
