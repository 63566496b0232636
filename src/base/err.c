/*
 * Texts of fatal values for logs: name and meaning, built once per number and
 * kept, so the text is static and needs no lock to read.
 */
#include "base/err.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ERR_MAX 256

static _Atomic(char *) texts[ERR_MAX];

static char *make_text(int number)
{
    const char *name = strerrorname_np(number);
    const char *meaning = strerrordesc_np(number);
    char *text = NULL;

    if (asprintf(&text, "%s: %s", name ? name : "error", meaning ? meaning : "unknown") < 0)
        return NULL;
    return text;
}

const char *err_text(int error)
{
    int number = error < 0 ? -error : error;
    char *text, *expected = NULL;

    if (number <= 0 || number >= ERR_MAX)
        return "unknown error";
    text = atomic_load(&texts[number]);
    if (text)
        return text;
    text = make_text(number);
    if (!text)
        return "ENOMEM: Cannot allocate memory";
    if (atomic_compare_exchange_strong(&texts[number], &expected, text))
        return text;
    free(text);
    return expected;
}
