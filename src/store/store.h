/*
 * The store: what is on stable storage and how one gets at it.
 * Readers take a snapshot (store_read_begin). Writers hand in a job
 * (store_write): a thread commits many jobs in one transaction, each for itself,
 * and the callers go on only after COMMIT returned. Where the engine lets several
 * write (PostgreSQL), what a job reads and writes of a mailbox is still its own
 * until the commit.
 * The verbs stand in store_mail.h, store_content.h, store_outbox.h and
 * store_mailbox.h; all take a struct store_tx, of a reader or of the writer.
 * Conditions: positive values of enum ews_code. Fatal: -errno; -EIO when the
 * engine failed (nothing of the transaction then stands), -EUCLEAN when what it
 * read is no store's any more: damage of the file.
 */
#ifndef EWSD_STORE_STORE_H
#define EWSD_STORE_STORE_H

#include "base/arena.h"
#include "base/codec.h"

#define STORE_GUID_SIZE 16

struct store;
struct store_tx;

/* Called by the thread that writes, around COMMIT; must be short. */
typedef void store_hook(void *arg);

enum store_mode {
    STORE_ANY,      /* made when there is none */
    STORE_EXISTING, /* -ENOENT when there is none */
    STORE_NEW,      /* -EEXIST when there is one */
};

/* A long piece of work: tick is called from time to time, by whatever thread
 * does it; true: give up (-ECANCELED). all is 0 where nobody knows how much
 * there is to do. tick may be NULL. */
struct store_watch {
    bool (*tick)(void *arg, uint64_t done, uint64_t all);
    void *arg;
};

struct store_options {
    const char *driver;    /* a row of drivers.def; NULL: as the path says */
    const char *path;      /* sqlite: the data folder, made when missing and allowed; postgres: postgresql://... */
    const char *passfile;  /* postgres: a file as ~/.pgpass; NULL or "": what libpq looks for */
    int file;              /* sqlite: in place of a folder, an open file that one program has (store_copy_file.c); 0: none */
    enum store_mode mode;
    unsigned readers;      /* reader connections at most; 0 is 32 */
    unsigned writers;      /* that commit at the same time, where the engine can, of all nodes together; 0 is 8 */
    unsigned partitions;   /* of a store that is made, where the engine has such; 0 is 4 */
    unsigned group_max;    /* jobs in one transaction at most; 0 is 64 */
    unsigned checkpoint_pages; /* 0 is 10000 */
    uint64_t quota;        /* bytes of a mailbox that has no quota of its own; 0: no limit */
    uint64_t min_free;     /* bytes that the disk should have room for; see store_has_room */
    /* By store_copy (store_copy.h). With STORE_NEW it must be empty, with STORE_ANY
     * one that was not filled to its end gives way; -EEXIST. */
    bool filling;
    bool shared;   /* as if other nodes wrote to it, too; for tests on an engine with one writer */
    bool in_place; /* it is no copy, wherever its files are now; for tests that put it together anew */
    store_hook *before_commit;
    store_hook *after_commit; /* committed, no caller has been told */
    void *hook_arg;
};

/* Opens, migrates, and takes the exclusive lock of the data folder, where the
 * engine has such: then all outbox leases are void afterwards. -EBUSY: another
 * server holds the lock.
 * -ENOTSUP: written by a newer version. -EXDEV: by an older one, and the tables that would be
 * changed are not all here. -ENOTRECOVERABLE: it is a copy that was
 * not finished. */
int store_open(const struct store_options *options, struct store **ret_store);
/* As many nodes have the store open: each uses its share of the writers, and one at
 * least, from now on. Groups stay large then, and a database that several nodes share
 * has less to do for each job. */
void store_share_writers(struct store *store, unsigned nodes);
/* Waits for queued jobs. No reader may be left. */
void store_close(struct store *store);

/* Whether other nodes may write to the store at the same time. Then a job stays
 * inside one mailbox, and nothing of the directory is remembered. */
bool store_has_nodes(const struct store *store);

/* Secret of ids and anything that must be stable for this store. */
const uint8_t *store_id_secret(const struct store *store); /* MAC_KEY_SIZE */
/* Whether a path names a database, and no folder. */
bool store_is_shared(const char *path);
/* The path as people may see it: without a password. */
#define STORE_NAME_SIZE 512
const char *store_name(const char *path, char ret_name[STORE_NAME_SIZE]);
/* The version of its tables when it was opened (0: it was empty), and now. */
void store_versions(const struct store *store, int *ret_found, int *ret_now);
/* Changes when a store was copied or restored; goes into ChangeKeys. Numbers go
 * on far behind those of before then, so an id that was given by what this is a
 * copy of names the same thing as there, or nothing. */
const uint8_t *store_epoch(const struct store *store); /* STORE_GUID_SIZE */

/* Whether this opening found that the store is a copy, or was restored, and has
 * not been opened since: then its outbox is held from now on. */
bool store_was_copied(const struct store *store);

/* A consistent snapshot for one thread; waits for a free connection. End it
 * soon: it keeps the write-ahead log from being reused. */
int store_read_begin(struct store *store, struct store_tx **ret_tx);
void store_read_end(struct store_tx *tx);

/* Runs on whatever thread writes. A non-zero result undoes all that the job wrote
 * and is what store_write returns. May run twice, so it starts from its
 * arguments each time and gives nothing away outside of them. */
typedef int store_job(struct store_tx *tx, void *arg);
/* Returns after COMMIT, with the job's result, -ENOSPC: the disk is full, and
 * nothing is stored, or -EIO: not stored (or not known to be: then the store
 * has recovered and the caller may look). */
int store_write(struct store *store, store_job *job, void *arg);

/* Several jobs, each for itself as by store_write, under way together: they
 * share commits instead of waiting for one each. Order is not promised. */
struct store_work {
    store_job *job;
    void *arg;
    int64_t mailbox_id; /* that it will write into, as far as is known; 0: it is not. Makes it cheaper */
    int result; /* as store_write returns it */
};
void store_write_all(struct store *store, struct store_work *work, size_t n);

/* A job for which nobody waits. */
struct store_pending {
    store_job *job;
    void *arg;
    void (*done)(struct store_pending *pending); /* after COMMIT, or when it failed; by any thread, so it must be short */
    int64_t mailbox_id;                          /* as in store_work */
    int result;                                  /* as store_write returns it */
    struct store_pending *next;                  /* the store's, as is what follows */
    bool put_off;                                /* the group went without it */
    unsigned times_put_off;
};
/* done may be called before this returns: pending is no longer the caller's to
 * look at. */
void store_write_later(struct store *store, struct store_pending *pending);

/* Nested inside one job: begin, then release (keep) or rollback (undo). One
 * level deep. */
int store_savepoint(struct store_tx *tx);
int store_savepoint_release(struct store_tx *tx);
int store_savepoint_rollback(struct store_tx *tx);

/* Whether the disk has room for options.min_free bytes; where that cannot be
 * known it has. ret_news, to one caller each time: it is not as it was. */
bool store_has_room(struct store *store, bool *ret_news);

/* What there is besides new mail. */
enum store_news {
    STORE_NEWS_DIRECTORY = 1, /* who may log in, or may do what, has changed */
    STORE_NEWS_NODES = 2,     /* a node has come, or gone */
};

/* Other programs may have the same store open: woken is called, by a thread of
 * the store's, soon after one of them called store_wake_others; news: bits of enum
 * store_news, that they gave. One watch at a time; unwatch returns when no call is
 * under way. */
typedef void store_woken(void *arg, unsigned news);
int store_watch_others(struct store *store, store_woken *woken, void *arg);
void store_unwatch_others(struct store *store);
void store_wake_others(struct store *store, unsigned news);

struct store *store_of(const struct store_tx *tx);
/* Commits since the store was opened, and jobs in them; for metrics. */
void store_stats(const struct store *store, uint64_t *ret_commits, uint64_t *ret_jobs);

DEFINE_CLEANUP(store_read, struct store_tx *, store_read_end)

#endif
