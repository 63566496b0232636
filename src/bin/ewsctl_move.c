/*
 * See ewsctl_move.h: the process, and what its command line means.
 */
#include "bin/ewsctl_move.h"

#include "base/err.h"

#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    enum move_format format;
} formats[] = {
    { "mbox", MOVE_MBOX },
    { "mboxo", MOVE_MBOXO },
    { "maildir", MOVE_MAILDIR },
    { "eml", MOVE_EML },
};

static bool is_export(const struct ctl_call *call)
{
    return strcmp(call->command->name, "export") == 0;
}

static bool posts(const struct ctl_call *call)
{
    return (call->command->flags & CTL_POSTS) != 0;
}

static int find_format(struct ctl_call *call, enum move_format *ret_format)
{
    const char *name = ctl_option(call, "format");

    *ret_format = MOVE_GUESSED;
    for (size_t i = 0; name && i < ARRAY_LEN(formats); i++)
        if (strcmp(name, formats[i].name) == 0)
            *ret_format = formats[i].format;
    if (name && *ret_format == MOVE_GUESSED)
        return ctl_fail(call, EX_USAGE, "--format is mbox, mboxo, maildir or eml, not %s", name);
    if (!name && is_export(call))
        return ctl_fail(call, EX_USAGE, "in which format? --format mbox, maildir or eml");
    return 0;
}

/* ---- the child ---- */

static int read_input(struct parcel_end end)
{
    struct move_reading reading = { .end = end, .folder = BUF_INIT(PARCEL_TEXT_MAX), .message = BUF_INIT(MOVE_MESSAGE_MAX) };
    int r = move_read_input(&reading, STDIN_FILENO);

    buf_done(&reading.message);
    return r;
}

static uint64_t found; /* nftw has no argument */

static int add_size(const char *path ATTR_UNUSED, const struct stat *info, int type, struct FTW *walk ATTR_UNUSED)
{
    found += type == FTW_F ? (uint64_t)info->st_size : 0;
    return 0;
}

static int read_all(const struct ctl_call *call, struct parcel_end end, enum move_format format)
{
    struct move_reading reading = { .end = end, .format = format, .below = ctl_option(call, "folder") != NULL,
                                     .folder = BUF_INIT(PARCEL_TEXT_MAX), .message = BUF_INIT(MOVE_MESSAGE_MAX) };
    int r = 0;

    for (size_t i = 1; i < call->operands_n; i++)
        (void)nftw(call->operands[i], add_size, 16, 0);
    reading.all = found;
    for (size_t i = 1; r == 0 && i < call->operands_n; i++)
        r = move_read_path(&reading, call->operands[i]);
    buf_done(&reading.folder);
    buf_done(&reading.message);
    return r ? r : parcel_send(&end, &(struct parcel){ .kind = PARCEL_END, .done = found, .all = found });
}

/* Who only reads has nothing to take away, and may wait for a pipe that stays silent. */
static void die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(EX_IOERR);
}

/* It outlives an interrupt, so that it can take away what is not finished, but
 * not the other side. */
_Noreturn static void be_child(const struct ctl_call *call, pid_t parent, int fd, enum move_format format)
{
    struct parcel_end end = { .fd = fd };

    if (!is_export(call))
        die_with(parent);

    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    int r = posts(call)       ? read_input(end)
            : is_export(call) ? move_write_all(&end, format, call->operands[1], ctl_option(call, "folder") != NULL, ctl_option(call, "force") != NULL)
                              : read_all(call, end, format);
    _exit(r ? EX_IOERR : EX_OK);
}

/* ---- the parent ---- */

static int look_at_files(struct ctl_call *call)
{
    for (size_t i = 1; !is_export(call) && i < call->operands_n; i++)
        if (access(call->operands[i], R_OK) != 0)
            return ctl_fail(call, EX_NOINPUT, "%s: %s", call->operands[i], err_text(-errno));
    return 0;
}

int ctl_move_begin(struct ctl_call *call, struct ctl_move *ret_move)
{
    enum move_format format;
    int fds[2];

    *ret_move = (struct ctl_move){ 0 };
    if (!(call->command->flags & CTL_MOVES))
        return 0;
    int status = find_format(call, &format);
    if (status || (status = look_at_files(call)))
        return status;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return ctl_fail(call, EX_OSERR, "a socket: %s", err_text(-errno));
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        close(fds[0]);
        be_child(call, parent, fds[1], format);
    }
    close(fds[1]);
    if (child < 0) {
        close(fds[0]);
        return ctl_fail(call, EX_OSERR, "a process: %s", err_text(-errno));
    }
    call->file = fds[0];
    ret_move->child = child;
    if (posts(call)) /* a server is not kept waiting for who writes slowly */
        while (poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, -1) < 0 && errno == EINTR)
            ;
    return 0;
}

void ctl_move_end(struct ctl_call *call, struct ctl_move *move)
{
    if (move->child == 0)
        return;
    close(call->file);
    call->file = -1;
    (void)waitpid(move->child, NULL, 0);
}
