/*
 * One thread: waits for a connection, or for the end; in between it sweeps. A
 * request is read whole before anything is done, so a peer holds nothing but
 * this thread, and that for no longer than the deadlines below. A command that
 * may take minutes has a thread of its own, and ends when its peer is gone.
 */
#include "bin/control.h"

#include "base/err.h"
#include "base/log.h"
#include "base/when.h"
#include "bin/ctl.h"
#include "bin/wire.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_MS 2000
#define SEND_MS 15000
#define LOOK_AGAIN_MS 30000 /* where others remove mailboxes */
#define TROUBLE_MS 1000 /* pause after the system or the store refused work */

struct control {
    struct control_options options;
    int listener, stop;
    bool sweeping; /* something may be left to sweep */
    pthread_t thread, worker;
    bool made;        /* there is, or was, a worker to be joined */
    atomic_bool busy; /* it is at work */
};

/* ---- one connection ---- */

static bool peer_is_allowed(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

/* Never the password; of the words only the command and whom it is about. */
static void log_command(const struct ctl_call *call, int status)
{
    log_event(call->wrote ? LOG_INFO_LEVEL : LOG_DEBUG_LEVEL, "ewsctl", LOG_S("command", call->command->name),
              LOG_S("about", call->operands_n ? call->operands[0] : ""), LOG_N("status", status));
}

static int run(struct control *control, struct ctl_call *call, const struct wire_request *request)
{
    call->reload = control->options.reload;
    call->reload_arg = control->options.arg;
    call->store = control->options.store;
    call->outbox = control->options.outbox;
    call->watch = control->options.watch;
    call->unready = watch_unready;
    call->folder = control->options.folder;
    call->password = request->password;
    int status = ctl_parse(call, request->words, request->words_n);
    if (status)
        return status;
    if (call->command->flags & (CTL_APART | CTL_HERE))
        return ctl_fail(call, EX_UNAVAILABLE, "that is no command for a server");
    if (call->command->flags & (CTL_MAKES | CTL_LOADS))
        return ctl_fail(call, EX_CANTCREAT, "there is a store in %s, and a server has it", call->folder);
    status = ctl_run(call);
    if (call->wrote && !(call->command->flags & (CTL_QUEUE | CTL_LONG | CTL_POSTS))) {
        auth_forget_all(control->options.auth);
        control->sweeping = true;
    }
    log_command(call, status);
    return status;
}

/* A connection and what came over it. */
struct talk {
    struct control *control;
    int fd, file;
    struct buf payload;
};

static void end_talk(struct talk *talk)
{
    if (talk->payload.ptr)
        explicit_bzero(talk->payload.ptr, talk->payload.room);
    buf_done(&talk->payload);
    if (talk->file >= 0)
        close(talk->file);
    close(talk->fd);
    free(talk);
}

static int send_answer(const struct talk *talk, int status, struct span error, struct span printed)
{
    struct wire_end end = { .fd = talk->fd, .stop = talk->control->stop, .until = when_monotonic() + SEND_MS };
    struct buf text = BUF_INIT(WIRE_ANSWER_MAX);

    wire_put_answer(&text, status, error, printed);
    int r = buf_error(&text);
    if (r == 0)
        r = wire_send(&end, buf_span(&text), -1);
    buf_done(&text);
    return r;
}

/* True: the server ends, or the peer is gone. */
static bool tell_progress(void *arg, const char *text)
{
    const struct talk *talk = arg;
    struct pollfd fds[] = { { .fd = talk->fd, .events = POLLRDHUP }, { .fd = talk->control->stop, .events = POLLIN } };

    if (poll(fds, ARRAY_LEN(fds), 0) > 0 && (fds[0].revents || fds[1].revents))
        return true;
    return text && send_answer(talk, WIRE_PROGRESS, span_of(text), SPAN("")) != 0;
}

static int answer(struct talk *talk)
{
    struct wire_request request;
    struct ctl_call call;
    int r = wire_get_request(buf_span(&talk->payload), &request);

    if (r)
        return r;
    r = ctl_call_init(&call, request.json);
    call.file = talk->file;
    call.progress = tell_progress;
    call.progress_arg = talk;
    if (r == 0) {
        call.conf = conf_hold(talk->control->options.live);
        int status = run(talk->control, &call, &request);
        r = send_answer(talk, status, buf_span(&call.error), buf_span(&call.out.text));
    }
    if (call.conf)
        conf_release(talk->control->options.live, call.conf);
    ctl_call_done(&call);
    return r;
}

static void converse(struct talk *talk)
{
    int r = answer(talk);

    if (r < 0 && r != -ECANCELED)
        log_event(LOG_WARN_LEVEL, "control connection failed", LOG_S("error", err_text(r)));
}

/* ---- long commands: one at a time, on a thread of its own ---- */

static bool is_long(struct span payload)
{
    struct wire_request request;

    if (wire_get_request(payload, &request))
        return false;
    const struct ctl_command *command = ctl_command(request.words, request.words_n);
    return command && command->flags & CTL_LONG;
}

static void *converse_long(void *arg)
{
    struct talk *talk = arg;
    struct control *control = talk->control;

    converse(talk);
    end_talk(talk);
    atomic_store(&control->busy, false);
    return NULL;
}

static void join_long(struct control *control)
{
    if (control->made)
        pthread_join(control->worker, NULL);
    control->made = false;
}

static void begin_long(struct control *control, struct talk *talk)
{
    if (atomic_exchange(&control->busy, true)) {
        (void)send_answer(talk, EX_TEMPFAIL, SPAN("another long command is under way; try again later\n"), SPAN(""));
        end_talk(talk);
        return;
    }
    join_long(control);
    control->made = pthread_create(&control->worker, NULL, converse_long, talk) == 0;
    if (!control->made) {
        end_talk(talk);
        atomic_store(&control->busy, false);
    }
}

/* ---- */

static void serve_connection(struct control *control, int fd)
{
    struct wire_end end = { .fd = fd, .stop = control->stop, .until = when_monotonic() + RECEIVE_MS };
    struct talk *talk = calloc(1, sizeof(*talk));

    if (!talk) {
        close(fd);
        return;
    }
    *talk = (struct talk){ control, fd, -1, BUF_INIT(WIRE_REQUEST_MAX) };
    int r = peer_is_allowed(fd) ? wire_receive(&end, WIRE_REQUEST_MAX, &talk->payload, &talk->file) : -EPERM;
    if (r == 0 && is_long(buf_span(&talk->payload))) {
        begin_long(control, talk);
        return;
    }
    if (r == 0)
        converse(talk);
    else if (r > 0)
        r = wire_send(&end, SPAN(""), -1); /* a frame with our version */
    bool looked = r == -ECONNRESET && talk->payload.len == 0; /* whether somebody is here, as doctor does */
    if (r < 0 && r != -ECANCELED && !looked)
        log_event(LOG_WARN_LEVEL, "control connection failed", LOG_S("error", err_text(r)));
    end_talk(talk);
}

/* ---- the thread ---- */

static int sweep_job(struct store_tx *tx, void *arg)
{
    return store_mailbox_sweep(tx, arg);
}

/* One step; how long to wait for a connection before the next (-1: for ever). As long as the step took, so that sweeping has half of the writer's
 * time at most. */
static int sweep(struct control *control)
{
    int64_t start = when_monotonic();
    int r = store_write(control->options.store, sweep_job, &control->sweeping);

    if (r == 0)
        return control->sweeping ? (int)(when_monotonic() - start) + 1 : control->options.folder ? -1 : LOOK_AGAIN_MS;
    log_event(LOG_ERROR_LEVEL, "removed mailboxes cannot be swept", LOG_S("error", err_text(r)));
    return TROUBLE_MS;
}

static void accept_one(struct control *control)
{
    int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        serve_connection(control, fd);
    } else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
        log_event(LOG_ERROR_LEVEL, "control socket", LOG_S("error", err_text(-errno)));
        poll(&(struct pollfd){ .fd = control->stop, .events = POLLIN }, 1, TROUBLE_MS);
    }
}

static void *serve(void *arg)
{
    struct control *control = arg;
    struct pollfd fds[] = { { .fd = control->listener, .events = POLLIN }, { .fd = control->stop, .events = POLLIN } };
    int wait = 0; /* so the first thing is to sweep what an earlier run left */

    for (;;) {
        int n = poll(fds, ARRAY_LEN(fds), wait);
        if (fds[1].revents)
            return NULL;
        if (n > 0)
            accept_one(control);
        if (n > 0 && control->sweeping)
            wait = 0;
        else if (n == 0)
            wait = sweep(control);
    }
}

static void free_control(struct control *control)
{
    if (control->listener >= 0)
        close(control->listener);
    if (control->stop >= 0)
        close(control->stop);
    free(control);
}

int control_start(const struct control_options *options, struct control **ret_control)
{
    struct control *control = calloc(1, sizeof(*control));

    if (!control)
        return -ENOMEM;
    control->options = *options;
    control->listener = -1;
    control->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = control->stop < 0 ? -errno : options->folder ? wire_listen(options->folder, &control->listener) : 0;
    if (r == 0)
        r = -pthread_create(&control->thread, NULL, serve, control);
    if (r) {
        free_control(control);
        return r;
    }
    *ret_control = control;
    return 0;
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    eventfd_write(control->stop, 1);
    pthread_join(control->thread, NULL);
    join_long(control);
    if (control->options.folder)
        wire_unlink(control->options.folder);
    free_control(control);
}
