/*
 * ewsctl store copy: a whole store into another one. It opens both by itself; of
 * the server's configuration only how a database is logged in to, and in how many
 * parts it is made, matters to it.
 */
#include "bin/ctl.h"

#include "base/err.h"
#include "store/store_copy.h"

#include <inttypes.h>

static bool tell_rows(void *arg, uint64_t done, uint64_t all)
{
    return ctl_progress(arg, done * 2 > all ? "copied; read again" : "copied", done, all, "rows");
}

static int put_table(void *arg, const struct store_copied *copied)
{
    static const char digits[] = "0123456789abcdef";
    struct ctl_call *call = arg;
    char digest[2 * SHA256_SIZE];

    for (size_t i = 0; i < SHA256_SIZE; i++) {
        digest[2 * i] = digits[copied->digest[i] >> 4];
        digest[2 * i + 1] = digits[copied->digest[i] & 15];
    }
    out_record(&call->out);
    out_text(&call->out, "table", copied->table);
    out_number(&call->out, "rows", copied->rows);
    out_text(&call->out, "digest", (struct span){ digest, sizeof(digest) });
    out_record_end(&call->out);
    return buf_error(&call->out.text);
}

/* ---- opening ---- */

static int from_failed(struct ctl_call *call, const char *name, int r)
{
    switch (-r) {
    case ENOENT:
        return ctl_fail(call, EX_NOINPUT, "there is no store in %s", name);
    case EBUSY:
        return ctl_fail(call, EX_UNAVAILABLE, "a server has the store in %s: stop it first", name);
    case ENOTSUP:
        return ctl_fail(call, EX_UNAVAILABLE, "the store in %s was written by a newer version of ewsd; use its ewsctl", name);
    case ENOTRECOVERABLE:
        return ctl_fail(call, EX_DATAERR, "%s is a copy that was not finished", name);
    case EUCLEAN:
        return ctl_fail(call, EX_DATAERR, "the store in %s is damaged: ewsctl store check", name);
    default:
        return ctl_fail(call, EX_NOINPUT, "the store in %s cannot be opened: %s", name, err_text(r));
    }
}

static int to_failed(struct ctl_call *call, const char *name, int r)
{
    bool replace = ctl_option(call, "replace") != NULL;

    if (r == -EEXIST && replace)
        return ctl_fail(call, EX_CANTCREAT, "there is a store in %s, and it is whole: --replace is for a copy that was not finished", name);
    if (r == -EEXIST)
        return ctl_fail(call, EX_CANTCREAT, "there is a store in %s; if it is a copy that was not finished, --replace begins anew", name);
    if (r == -EBUSY)
        return ctl_fail(call, EX_UNAVAILABLE, "another program has the store in %s", name);
    return ctl_fail(call, EX_CANTCREAT, "no store can be made in %s: %s", name, err_text(r));
}

/* ---- copying ---- */

static int copy_failed(struct ctl_call *call, const struct store_copy_problem *problem, int r)
{
    const char *side = call->operands[problem->side == STORE_COPY_FROM ? 0 : 1];

    if (r == 1)
        return ctl_fail(call, EX_IOERR, "what %s gives back of the table %s is not what was written", side, problem->table);
    if (r == -ECANCELED || problem->side == STORE_COPY_NONE)
        return r;
    if (r == -EUCLEAN)
        return ctl_fail(call, EX_DATAERR, "%s is damaged where the table %s is: ewsctl store check", side, problem->table);
    return ctl_fail(call, EX_IOERR, "%s, table %s: %s", side, problem->table, err_text(r));
}

static int copy(struct ctl_call *call, struct store *from, struct store *to)
{
    const struct store_copy how = { .copied = put_table, .arg = call, .watch = { tell_rows, call } };
    struct store_copy_problem problem;
    int r = store_copy(from, to, &how, &problem);

    return r ? copy_failed(call, &problem, r) : 0;
}

int ctl_store_copy(struct ctl_call *call)
{
    bool replace = ctl_option(call, "replace") != NULL;
    const char *passfile = call->conf->store_passfile;
    const struct store_options of_from = { .path = call->operands[0], .passfile = passfile, .mode = STORE_EXISTING, .readers = 2 };
    const struct store_options of_to = { .path = call->operands[1], .passfile = passfile, .mode = replace ? STORE_ANY : STORE_NEW,
                                         .readers = 2, .partitions = (unsigned)call->conf->store_partitions, .filling = true };
    struct store *from, *to;
    int r = store_open(&of_from, &from);

    if (r)
        return from_failed(call, of_from.path, r);
    r = store_open(&of_to, &to);
    if (r) {
        store_close(from);
        return to_failed(call, of_to.path, r);
    }
    r = copy(call, from, to);
    store_close(to);
    store_close(from);
    return r;
}
