/*
 * ewsctl store check, backup, restore, renew: keeping a store whole, and copies
 * of it.
 */
#include "bin/ctl.h"

#include "base/err.h"
#include "store/store_keep.h"
#include "store/store_outbox.h"

#include <inttypes.h>

#define PROBLEMS_MAX 10000 /* shown; all are counted */
#define MEGABYTE 1048576

/* ---- check ---- */

struct checking {
    struct ctl_call *call;
    uint64_t found, repaired;
};

static int put_problem(void *arg, const struct store_problem *problem)
{
    struct checking *checking = arg;
    struct ctl_out *out = &checking->call->out;

    checking->repaired += problem->repaired;
    if (checking->found++ >= PROBLEMS_MAX)
        return 0;
    out_record(out);
    out_text(out, "mailbox", problem->mailbox);
    out_text(out, "table", span_of(problem->table));
    out_number(out, "number", problem->number);
    out_text(out, "problem", problem->what);
    out_text(out, "advice", span_of(problem->repaired ? "repaired" : problem->advice));
    out_flag(out, "repaired", problem->repaired);
    out_record_end(out);
    return buf_error(&out->text);
}

static bool tell_checked(void *arg, uint64_t done, uint64_t all)
{
    struct checking *checking = arg;

    return ctl_progress(checking->call, all ? "checking" : "checking the file", done, all, "mailboxes");
}

int ctl_store_check(struct ctl_call *call)
{
    struct checking checking = { .call = call };
    const struct store_check check = { .repair = ctl_option(call, "repair") != NULL, .found = put_problem, .arg = &checking,
                                       .watch = { tell_checked, &checking } };
    int r = store_check(call->store, &check);

    if (r)
        return r;
    if (checking.found == checking.repaired)
        return EX_OK;
    return ctl_fail(call, CTL_FOUND, "problems in %s: %" PRIu64 "%s", call->folder, checking.found - checking.repaired,
                    checking.found > PROBLEMS_MAX ? ", not all of them shown" : "");
}

/* ---- backup ---- */

static bool tell_copied(void *arg, uint64_t done, uint64_t all)
{
    return ctl_progress(arg, "copied", done / MEGABYTE, all / MEGABYTE + 1, "MB");
}

/* Of a database; a row counts twice. */
static bool tell_rows(void *arg, uint64_t done, uint64_t all)
{
    return ctl_progress(arg, "copied", done / 2, all / 2, "rows");
}

int ctl_store_backup(struct ctl_call *call)
{
    if (call->file < 0)
        return ctl_fail(call, EX_USAGE, "no file came along; use the ewsctl of this server");
    int r = store_backup(call->store, call->file, &(struct store_watch){ store_has_nodes(call->store) ? tell_rows : tell_copied, call });
    if (r == -EUCLEAN)
        return ctl_fail(call, EX_UNAVAILABLE, "the store is damaged and can't be copied whole: ewsctl store check");
    return r < 0 && r != -ECANCELED ? ctl_fail(call, EX_IOERR, "%s cannot be written: %s", call->operands[0], err_text(r)) : r;
}

/* ---- restore ---- */

static int restore_failed(struct ctl_call *call, int r)
{
    switch (-r) {
    case EEXIST:
        if (store_is_shared(call->path))
            return ctl_fail(call, EX_CANTCREAT, "there is a store in %s; make an empty database, or use --force if it is one that was "
                            "not filled to its end", call->folder);
        return ctl_fail(call, EX_CANTCREAT, "there is a store in %s; --force puts this one in its place", call->folder);
    case EBUSY:
        return ctl_fail(call, EX_UNAVAILABLE, "a server has the store in %s: stop it first", call->folder);
    case ENOTSUP:
        return ctl_fail(call, EX_UNAVAILABLE, "%s was written by a newer version of ewsd; use its ewsctl", call->operands[0]);
    case EUCLEAN:
        return ctl_fail(call, EX_DATAERR, "%s is no store, or it is damaged", call->operands[0]);
    default:
        return r;
    }
}

static int put_restored(struct store_tx *tx, struct ctl_call *call, void *data)
{
    int found, now;
    uint64_t waiting = 0;
    int r = store_outbox_count(tx, 0, &waiting);

    (void)data;
    if (r)
        return r;
    store_versions(call->store, &found, &now);
    call->out.style = OUT_SHEET;
    out_record(&call->out);
    out_text(&call->out, "store", span_of(call->folder));
    out_number(&call->out, "version", (uint64_t)now);
    out_number(&call->out, "held", waiting);
    out_record_end(&call->out);
    return 0;
}

/* Opening it holds its outbox. */
int ctl_store_restore(struct ctl_call *call)
{
    const struct store_options options = { .path = call->path, .passfile = call->conf->store_passfile, .mode = STORE_EXISTING,
                                           .readers = 2, .partitions = (unsigned)call->conf->store_partitions };
    int r = store_restore(&options, call->file, ctl_option(call, "force") != NULL, &(struct store_watch){ store_is_shared(call->path) ? tell_rows : tell_copied, call });

    if (r == 0)
        r = store_open(&options, &call->store);
    return r ? restore_failed(call, r) : ctl_read(call, put_restored, NULL);
}

/* ---- renew ---- */

static int renew(struct store_tx *tx, struct ctl_call *call, void *data)
{
    (void)call;
    (void)data;
    return store_renew(tx);
}

int ctl_store_renew(struct ctl_call *call)
{
    if (call->outbox)
        return ctl_fail(call, EX_TEMPFAIL, "a server has the store, and may have sent already: stop it first");
    return ctl_write(call, renew, NULL);
}
