/*
 * A server that has the store in a folder carries out the command; only when
 * none answers is the store opened here. A database is opened here in any case. A lock without a socket is a server that starts or
 * ends, or another ewsctl: both are over soon, so that is waited for a while.
 * Started as root this becomes the account that the folder of the store belongs
 * to, or the server could not open what is written here.
 */
#include "bin/ewsctl.h"

#include "base/confine.h"
#include "base/err.h"
#include "base/when.h"
#include "bin/wire.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000
#define LOOK_AGAIN_MS 20
#define SEND_MS 10000
#define ANSWER_MS 120000
#define LONG_ANSWER_MS 86400000
#define SWEEP_MS 2000 /* then the lock is given back; the next start goes on */

/* ---- over the socket ---- */

static int take_answer(struct ctl_call *call, struct span payload)
{
    struct span error, text;
    int status;
    int r = wire_get_answer(payload, &status, &error, &text);

    if (r)
        return r;
    buf_add_span(&call->error, error);
    buf_add_span(&call->out.text, text);
    return status;
}

/* One frame of the answer; WIRE_PROGRESS: more will come. */
static int next_frame(struct ctl_call *call, struct wire_end *end)
{
    struct buf payload = BUF_INIT(WIRE_ANSWER_MAX);

    end->until = when_monotonic() + (call->command->flags & CTL_LONG ? LONG_ANSWER_MS : ANSWER_MS);
    int r = wire_receive(end, WIRE_ANSWER_MAX, &payload, NULL);
    if (r == 0)
        r = take_answer(call, buf_span(&payload));
    else if (r > 0)
        r = ctl_fail(call, EX_UNAVAILABLE, "the running server is of another version; use the ewsctl that came with it");
    buf_done(&payload);
    if (r == WIRE_PROGRESS) {
        buf_add_char(&call->error, 0);
        (void)call->progress(call->progress_arg, call->error.ptr);
        buf_clear(&call->error);
    }
    return r;
}

static int converse(struct ctl_call *call, int fd, struct span request)
{
    struct wire_end end = { .fd = fd, .stop = -1, .until = when_monotonic() + SEND_MS };
    int r = wire_send(&end, request, call->command->flags & (CTL_SAVES | CTL_MOVES) ? call->file : -1);

    if (r == 0)
        do
            r = next_frame(call, &end);
        while (r == WIRE_PROGRESS);
    if (r == -EPERM || r == -ECONNRESET || r == -EPIPE)
        return ctl_fail(call, EX_TEMPFAIL, "the server ended the connection before it answered; look whether it did what was asked");
    return r < 0 ? ctl_fail(call, EX_TEMPFAIL, "no answer from the server: %s", err_text(r)) : r;
}

static int over_socket(struct ctl_call *call, int fd, const char *const *words, size_t n)
{
    struct wire_request request = { .json = call->out.json, .password = call->password, .words_n = n };
    struct buf payload = BUF_INIT(WIRE_REQUEST_MAX);

    memcpy(request.words, words, n * sizeof(*words));
    (void)buf_reserve(&payload, WIRE_REQUEST_MAX); /* no copies of the password by growing */
    wire_put_request(&payload, &request);
    int r = buf_error(&payload) ? ctl_fail(call, EX_USAGE, "the command is too long") : converse(call, fd, buf_span(&payload));
    if (payload.ptr)
        explicit_bzero(payload.ptr, payload.len);
    buf_done(&payload);
    return r;
}

/* ---- alone ---- */

/* A database is shared: it is opened whoever else has it open, as the server's
 * account, since who one is may be how one is known there. */
static int become_server(const struct conf *conf)
{
    struct account account;

    if (!*conf->server_user || geteuid() != 0)
        return 0;
    int r = account_find(conf->server_user, &account);
    return r > 0 ? -ESRCH : r ? r : confine_become(&account);
}

/* A new folder belongs to the account that the server will run as. */
static int make_folder(const struct ctl_call *call)
{
    const struct passwd *user = *call->conf->server_user ? getpwnam(call->conf->server_user) : NULL;

    if (mkdir(call->folder, 0700) != 0)
        return errno == EEXIST ? 0 : -errno;
    return user && geteuid() == 0 && chown(call->folder, user->pw_uid, user->pw_gid) != 0 ? -errno : 0;
}

static int become_owner(const char *folder)
{
    struct stat info;

    if (geteuid() != 0)
        return 0;
    if (stat(folder, &info) != 0)
        return -errno;
    if (info.st_uid == 0)
        return 0;
    return setgroups(0, NULL) == 0 && setgid(info.st_gid) == 0 && setuid(info.st_uid) == 0 ? 0 : -errno;
}

static int open_store(struct ctl_call *call)
{
    bool makes = (call->command->flags & CTL_MAKES) != 0, loads = (call->command->flags & CTL_LOADS) != 0;
    bool shared = store_is_shared(call->path);
    int r = (makes || loads) && !shared ? make_folder(call) : 0;

    if (r == 0)
        r = shared ? become_server(call->conf) : become_owner(call->folder);
    if (r || loads)
        return r;
    return store_open(&(struct store_options){ .path = call->path, .passfile = call->conf->store_passfile,
                                               .partitions = (unsigned)call->conf->store_partitions,
                                               .mode = makes ? STORE_NEW : STORE_EXISTING, .readers = 2, .writers = 1,
                                               .quota = (uint64_t)call->conf->store_quota,
                                               .checkpoint_pages = (unsigned)call->conf->store_checkpoint_pages },
                      &call->store);
}

static int open_failed(struct ctl_call *call, int r)
{
    switch (-r) {
    case ENOENT:
        return ctl_fail(call, EX_UNAVAILABLE, "there is no store in %s; ewsctl store init makes one", call->folder);
    case EEXIST:
        return ctl_fail(call, EX_CANTCREAT, "there is a store in %s already", call->folder);
    case ENOTRECOVERABLE:
        return ctl_fail(call, EX_UNAVAILABLE, "the store in %s is a copy that was not finished: ewsctl store copy --replace", call->folder);
    case ENOTSUP:
        return ctl_fail(call, EX_UNAVAILABLE, "the store in %s was written by a newer version of ewsd; use its ewsctl", call->folder);
    case EXDEV:
        return ctl_fail(call, EX_UNAVAILABLE,
                        "the store in %s is of an older version, and its tables are not changed while some are on other servers", call->folder);
    case EACCES:
    case EPERM:
        return ctl_fail(call, EX_NOPERM, "the store in %s is not yours; be root or the account that ewsd runs as", call->folder);
    case ESRCH:
        return ctl_fail(call, EX_NOUSER, "there is no account %s, which server.user names", call->conf->server_user);
    case EBUSY:
        return ctl_fail(call, EX_UNAVAILABLE, "another program has the store in %s and does not answer on its ewsd.sock", call->folder);
    case EILSEQ:
        return ctl_fail(call, EX_UNAVAILABLE, "the database %s must be made with ENCODING 'UTF8'", call->folder);
    case EPROTONOSUPPORT:
        return ctl_fail(call, EX_UNAVAILABLE, "the database %s is of a PostgreSQL older than 15", call->folder);
    default:
        return ctl_fail(call, EX_UNAVAILABLE, "the store in %s cannot be opened: %s", call->folder, err_text(r));
    }
}

static int sweep_job(struct store_tx *tx, void *arg)
{
    return store_mailbox_sweep(tx, arg);
}

static int run_alone(struct ctl_call *call)
{
    int status = ctl_run(call);
    int64_t until = when_monotonic() + SWEEP_MS;
    int r = 0;

    for (bool more = call->wrote && call->store; r == 0 && more && when_monotonic() < until;)
        r = store_write(call->store, sweep_job, &more);
    if (call->wrote && call->store)
        store_wake_others(call->store, STORE_NEWS_DIRECTORY);
    store_close(call->store);
    call->store = NULL;
    return status;
}

/* As root: as whom the store belongs to that is copied, in a folder of theirs. */
static int run_apart(struct ctl_call *call)
{
    const char *from = call->operands[0], *to = call->operands[1];
    struct stat info;

    if (geteuid() == 0 && stat(from, &info) == 0 && mkdir(to, 0700) == 0 && chown(to, info.st_uid, info.st_gid) != 0)
        return ctl_fail(call, EX_CANTCREAT, "%s: %s", to, err_text(-errno));
    int r = geteuid() == 0 && stat(from, &info) == 0 ? become_owner(from) : 0;
    return r ? ctl_fail(call, EX_NOPERM, "%s: %s", from, err_text(r)) : ctl_run(call);
}

static int ask_server(struct ctl_call *call, const char *const *words, size_t n)
{
    int fd;
    int r = wire_connect(call->folder, &fd);

    if (r == -EACCES || r == -EPERM)
        return open_failed(call, r);
    if (r)
        return ctl_fail(call, EX_TEMPFAIL, "not ready: no server has the store in %s", call->folder);
    int status = over_socket(call, fd, words, n);
    close(fd);
    return status;
}

int ewsctl_run(struct ctl_call *call, const char *const *words, size_t n)
{
    int64_t until = when_monotonic() + PATIENCE_MS;

    if (call->command->flags & CTL_APART)
        return run_apart(call);
    if (call->command->flags & CTL_SERVES)
        return ewsctl_ready(call, ask_server, words, n);
    for (;;) {
        int fd;
        int r = store_is_shared(call->path) ? -ENOENT : wire_connect(call->folder, &fd);
        if (r == 0 && call->command->flags & CTL_LOADS) {
            close(fd);
            return ctl_fail(call, EX_UNAVAILABLE, "a server has the store in %s: stop it first", call->folder);
        }
        if (r == 0) {
            int status = over_socket(call, fd, words, n);
            close(fd);
            return status;
        }
        if (r == -ENOENT || r == -ECONNREFUSED)
            r = open_store(call);
        if (r == 0)
            return run_alone(call);
        if (r != -EBUSY || when_monotonic() > until)
            return open_failed(call, r);
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_AGAIN_MS * 1000000L }, NULL);
    }
}
