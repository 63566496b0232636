/*
 * What the contract tests stand on: an open store in a folder or database of
 * its own, with two people, over the driver that the test's state names; and
 * steps that run as a job of the writer. The databases are made in the server
 * that EWSD_POSTGRES names (tests/pg_server.py).
 */
#ifndef EWSD_TESTS_CONTRACT_WORLD_H
#define EWSD_TESTS_CONTRACT_WORLD_H

#include "store/store_mailbox.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WORLD_PATH_SIZE 256

struct world {
    const char *driver;
    char path[WORLD_PATH_SIZE];
    struct store_options options;
    struct store *store;
    struct arena *arena;
    int64_t alice; /* alice@example.test and post@example.test */
    int64_t bob;   /* Bob@Example.test */
};

/* A case with a world of its own as *state. */
#define WORLD_CASE(fn) { #fn, fn, world_set_up, world_tear_down, NULL }
int world_set_up(void **state);
int world_tear_down(void **state);
/* Runs the cases over every row of drivers.def, or one; how many failed. */
int world_run(const struct CMUnitTest *cases, size_t n);
int world_run_on(const char *driver, const struct CMUnitTest *cases, size_t n);
/* Runs on the writer; store_write's result. */
int do_write(struct world *world, int (*run)(struct store_tx *, struct world *, void *), void *data);
/* Where a store may be made, and is not yet. */
void make_place(const char *driver, char ret_path[WORLD_PATH_SIZE]);
void remove_place(const char *driver, const char *path);
bool is_sqlite(const struct world *world);
/* An empty store as a program of that version left it; driver NULL: sqlite. */
void make_version(const char *driver, const char *path, int version);
void reopen(struct world *world);
struct store_tx *reader(struct world *world);

#endif
