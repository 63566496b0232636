/*
 * The commands of ewsctl. They are linked into both programs: ewsd runs them
 * for those who ask over the control socket, ewsctl runs them itself when no
 * server has the store. A command sees one struct ctl_call, whoever runs it.
 * Its result is an exit status of <sysexits.h>: EX_OK, EX_USAGE (wrong
 * arguments), EX_DATAERR (no address, say), EX_NOUSER, EX_CANTCREAT (is there
 * already), EX_UNAVAILABLE, EX_TEMPFAIL; or -errno.
 */
#ifndef EWSD_BIN_CTL_H
#define EWSD_BIN_CTL_H

#include "base/conf.h"
#include "bin/ctl_out.h"
#include "outbox/outbox.h"
#include "store/store_mailbox.h"

#include <errno.h>
#include <sysexits.h>

#define CTL_WORDS_MAX 64
#define CTL_OPTIONS_MAX 8
#define CTL_MEMORY (256u << 20) /* of a call, at most */

enum {
    CTL_PASSWORD = 1,
    CTL_CONFIRM = 2,
    CTL_MAKES = 4,
    CTL_QUEUE = 8,
    CTL_LONG = 16,
    CTL_SAVES = 32,
    CTL_LOADS = 64,
    CTL_APART = 128,
    CTL_CONFIRM_ALL = 256,
    CTL_CONFIRM_FORCE = 512,
    CTL_MOVES = 1024,
    CTL_HERE = 2048,
    CTL_SERVES = 4096,
    CTL_POSTS = 8192,
};

#define CTL_FOUND 1 /* an exit status: it was done, and something is wrong; what was printed counts */

struct ctl_call;
struct watch;

struct ctl_command {
    const char *name, *usage, *help;
    unsigned flags;
    int (*run)(struct ctl_call *call);
};

#define CTL(file, function, name, usage, flags, help) int ctl_##function(struct ctl_call *call);
#include "bin/ctl.def"
#undef CTL

struct ctl_call {
    const struct conf *conf;
    struct store *store;
    struct outbox *outbox; /* of the running server; else NULL */
    const struct watch *watch; /* likewise, and what says why it cannot serve, or NULL */
    const char *(*unready)(const struct watch *watch);
    const char *config; /* the file that conf is of; NULL: none, or nobody has to know */
    const char *path;   /* of the store, for store_open; NULL when it is open */
    const char *folder; /* what it is called to people */
    int (*reload)(void *arg, struct conf_report *report); /* as server_reload; NULL: there is none */
    void *reload_arg;
    struct arena *arena;
    struct span password;
    int file; /* of CTL_SAVES and CTL_LOADS, opened by ewsctl; of CTL_MOVES a socket (parcel.h); else -1 */
    /* Says how far a long command is, in the form of ctl_progress; NULL: nothing
     * new. true: nobody waits for it any more. */
    bool (*progress)(void *arg, const char *text);
    void *progress_arg;
    int64_t progress_at; /* monotonic; when it was said last */

    const struct ctl_command *command; /* from here on by ctl_parse */
    const char *operands[CTL_WORDS_MAX];
    size_t operands_n;
    struct {
        struct span name;
        const char *value; /* "" of a flag */
    } options[CTL_OPTIONS_MAX];
    size_t options_n;

    struct ctl_out out;
    struct buf error; /* what went wrong, a line */
    bool wrote;       /* the store was changed */
    bool keeps;       /* what was printed counts whatever the status */
};

/* conf, store and folder are set by the caller, the store at last before
 * ctl_run; path by who may have to open it. -ENOMEM. */
int ctl_call_init(struct ctl_call *call, bool json);
void ctl_call_done(struct ctl_call *call);

/* The command that words begin with; NULL: none. */
const struct ctl_command *ctl_command(const char *const *words, size_t n);
/* Finds the command and checks its arguments. words are borrowed. EX_USAGE. */
int ctl_parse(struct ctl_call *call, const char *const *words, size_t n);
/* An exit status; out and error say the rest, out is empty unless EX_OK,
 * CTL_FOUND, or the command set keeps. */
int ctl_run(struct ctl_call *call);

/* The usage of all commands that begin with these words; false: none does. */
bool ctl_help(struct buf *out, const char *const *words, size_t n);
/* What these words may have been meant as; NULL: who knows. */
const char *ctl_nearest(const char *const *words, size_t n);

/* ---- for the commands ---- */

/* Leaves the words as the error and returns status. */
int ctl_fail(struct ctl_call *call, int status, const char *format, ...) ATTR_PRINTF(3, 4);
/* How far the command is: done of all, in a unit (all 0: nobody knows), with
 * tabs between. Cheap to call often. True: give up. */
bool ctl_progress(struct ctl_call *call, const char *what, uint64_t done, uint64_t all, const char *unit);
/* The value of an option, "" of a flag; NULL when it was not given. */
const char *ctl_option(const struct ctl_call *call, const char *name);

/* One snapshot, or one job of the writer. What the job printed is forgotten
 * when it runs again; any result but 0 undoes what it wrote. */
typedef int ctl_job(struct store_tx *tx, struct ctl_call *call, void *data);
int ctl_read(struct ctl_call *call, ctl_job *job, void *data);
int ctl_write(struct ctl_call *call, ctl_job *job, void *data);

/* What ewsctl ready prints of a server that is. */
void ctl_put_ready(struct ctl_call *call);
/* A mail address; a bare name gets the first server.domain. EX_DATAERR. */
int ctl_address(struct ctl_call *call, const char *text, struct span *ret_address);
/* What a display name has to be: UTF-8 without control characters. */
bool ctl_is_one_line(struct span text);
/* For ewsctl grant and user show: a folder by its distinguished name, else its
 * own; and the rights in it, by the name of their role, else one by one. */
struct span ctl_folder_name(const struct store_permission *permission);
void ctl_put_folder_rights(struct ctl_out *out, uint32_t rights);
/* For ewsctl quota and user show, into a record: what it may hold, and holds. */
int ctl_put_quota(struct store_tx *tx, struct ctl_call *call, int64_t mailbox_id);
/* The mailbox that an address, primary or alias, leads to. EX_DATAERR, EX_NOUSER. */
int ctl_mailbox(struct store_tx *tx, struct ctl_call *call, const char *text, struct store_mailbox *ret_mailbox);

#endif
