/*
 * See short.h.
 */
#include "short.h"

#include "nth.h"

#include <errno.h>
#include <libxml/xmlmemory.h>
#include <sqlite3.h>
#include <stdlib.h>

static bool fails(void)
{
    bool failed = nth_fails();
    if (failed)
        errno = ENOMEM;
    return failed;
}

/* ---- our own code ---- */

#define WRAP(type, name, args, call)         \
    type __real_##name args;                 \
    type __wrap_##name args;                 \
    type __wrap_##name args                  \
    {                                        \
        return fails() ? NULL : __real_##name call; \
    }

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, (void *old, size_t n), (old, n))
WRAP(char *, strdup, (const char *text), (text))
WRAP(char *, strndup, (const char *text, size_t n), (text, n))

/* ---- the libraries ---- */

static sqlite3_mem_methods sqlite;

static void *sqlite_malloc(int n)
{
    return fails() ? NULL : sqlite.xMalloc(n);
}

static void *sqlite_realloc(void *old, int n)
{
    return fails() ? NULL : sqlite.xRealloc(old, n);
}

static void *xml_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

static void *xml_realloc(void *old, size_t n)
{
    return fails() ? NULL : __real_realloc(old, n);
}

static char *xml_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

void short_install(void)
{
    sqlite3_mem_methods mine;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite) != SQLITE_OK)
        abort();
    mine = sqlite;
    mine.xMalloc = sqlite_malloc;
    mine.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) != SQLITE_OK || xmlMemSetup(free, xml_malloc, xml_realloc, xml_strdup) != 0)
        abort();
}
