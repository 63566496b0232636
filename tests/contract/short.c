/*
 * See short.h.
 */
#include "short.h"

#include <errno.h>
#include <libxml/xmlmemory.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

static struct {
    atomic_uint left; /* until one fails; 0: none will */
    atomic_uint failed;
    atomic_bool lasting, on;
} memory;

void short_arm(unsigned n, bool lasting)
{
    atomic_store(&memory.failed, 0);
    atomic_store(&memory.left, n);
    atomic_store(&memory.lasting, lasting);
    atomic_store(&memory.on, true);
}

unsigned short_clear(void)
{
    atomic_store(&memory.on, false);
    return atomic_load(&memory.failed);
}

bool short_fired(void)
{
    return atomic_load(&memory.failed) > 0;
}

static bool fails(void)
{
    if (!atomic_load(&memory.on))
        return false;
    unsigned left = atomic_load(&memory.left);
    while (left > 0 && !atomic_compare_exchange_weak(&memory.left, &left, left - 1))
        continue;
    if (left != 1 && !(left == 0 && atomic_load(&memory.lasting)))
        return false;
    atomic_fetch_add(&memory.failed, 1);
    errno = ENOMEM;
    return true;
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
