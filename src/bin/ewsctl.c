/*
 * ewsctl: reads the command line, the configuration and, where a command needs
 * one, the password: from standard input, or from the terminal without echo. It
 * never takes one as an argument, which others could see.
 * The only file that includes <bsd/readpassphrase.h>.
 */
#include "bin/ctl_doctor.h"
#include "bin/ewsctl.h"
#include "bin/ewsctl_move.h"

#include "auth/auth.h"
#include "base/err.h"

#include <bsd/readpassphrase.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] = "usage: ewsctl --config FILE [--json] COMMAND ...\n"
                            "       ewsctl --data DIR [--json] COMMAND ...\n"
                            "       ewsctl [COMMAND] --help\n"
                            "       ewsctl help [COMMAND]\n"
                            "       ewsctl --version\n";
static const char about[] = "\n"
                            "Administers the store of an ewsd: through the server when one runs, else itself.\n"
                            "\n"
                            "  --config FILE   the server's configuration; server.store in it is the store\n"
                            "  --data DIR      the folder of the store, as in ewsd dev --data, or postgresql://...\n"
                            "  --json          print one JSON object a line\n"
                            "\n"
                            "commands:\n";

struct arguments {
    const char *config, *data;
    bool json, help, version;
    const char *const *words; /* the command */
    size_t words_n;
};

static int wrong(const char *what, const char *word)
{
    fprintf(stderr, "ewsctl: %s%s\n%s", what, word, usage);
    return EX_USAGE;
}

static void tell_flaw(void *arg ATTR_UNUSED, const char *text)
{
    fprintf(stderr, "ewsctl: %s\n", text);
}

/* --name VALUE or --name=VALUE at argv[*i]; NULL: it is another option. */
static const char *valued(char **argv, int *i, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(argv[*i], name, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    return argv[*i][len] == 0 && argv[*i + 1] ? argv[++*i] : NULL;
}

static int read_arguments(int argc, char **argv, struct arguments *ret_arguments)
{
    struct arguments arguments = { 0 };
    int i;

    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        const char *value;
        if ((value = valued(argv, &i, "--config")))
            arguments.config = value;
        else if ((value = valued(argv, &i, "--data")))
            arguments.data = value;
        else if (strcmp(argv[i], "--json") == 0)
            arguments.json = true;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            arguments.help = true;
        else if (strcmp(argv[i], "--version") == 0)
            arguments.version = true;
        else
            return wrong("no such option, or no value behind it: ", argv[i]);
    }
    arguments.words = (const char *const *)argv + i;
    arguments.words_n = (size_t)(argc - i);
    if (arguments.words_n > 0 && strcmp(arguments.words[0], "help") == 0) {
        arguments.help = true;
        arguments.words++;
        arguments.words_n--;
    }
    for (size_t k = 0; k < arguments.words_n; k++)
        if (strcmp(arguments.words[k], "--help") == 0 || strcmp(arguments.words[k], "-h") == 0) {
            arguments.help = true;
            arguments.words_n = k;
        }
    *ret_arguments = arguments;
    return 0;
}

static int help(const struct arguments *arguments)
{
    struct buf text = BUF_INIT(65536);

    if (!ctl_help(&text, arguments->words, arguments->words_n)) {
        const char *nearest = ctl_nearest(arguments->words, arguments->words_n);
        fprintf(stderr, "ewsctl: there is no such command: %s%s%s; see ewsctl --help\n", arguments->words[0],
                nearest ? "; did you mean ewsctl " : "", nearest ? nearest : "");
        return EX_USAGE;
    }
    printf("%s%s%.*s", usage, arguments->words_n ? "\n" : about, (int)text.len, text.ptr);
    buf_done(&text);
    return EX_OK;
}

/* ---- the configuration ---- */

static int read_config(const struct arguments *arguments, struct conf *conf, struct ctl_call *call)
{
    static char name[STORE_NAME_SIZE];
    struct conf_report report = { .tell = tell_flaw, .file = arguments->config };

    bool apart = (call->command->flags & CTL_APART) != 0;

    conf_init(conf);
    call->path = call->folder = "";
    call->config = arguments->config;
    if (!apart && !arguments->config && !arguments->data)
        return wrong("which store? --config FILE or --data DIR is missing", "");
    if (arguments->config && conf_read_file(conf, &report))
        return EX_CONFIG;
    if (apart)
        return 0;
    call->path = arguments->data ? arguments->data : conf->server_store;
    call->folder = store_name(call->path, name);
    if (!*call->path) {
        fprintf(stderr, "ewsctl: server.store is not set in %s\n", arguments->config ? arguments->config : "--data");
        return EX_CONFIG;
    }
    return 0;
}

/* ---- what a command asks for ---- */

struct secret {
    char text[AUTH_PASSWORD_MAX + 3]; /* one too many, and the end of the line */
    char again[AUTH_PASSWORD_MAX + 3];
};

static int ask_password(struct ctl_call *call, struct secret *secret)
{
    char prompt[512];

    snprintf(prompt, sizeof(prompt), "New password for %.400s: ", call->operands[0]);
    if (!readpassphrase(prompt, secret->text, sizeof(secret->text), RPP_REQUIRE_TTY) ||
        !readpassphrase("The same again: ", secret->again, sizeof(secret->again), RPP_REQUIRE_TTY))
        return ctl_fail(call, EX_DATAERR, "no password could be read from the terminal");
    if (strcmp(secret->text, secret->again) != 0)
        return ctl_fail(call, EX_DATAERR, "the two passwords are not the same");
    call->password = span_of(secret->text);
    return 0;
}

/* The first line, without its end (LF or CR LF). */
static int read_password(struct ctl_call *call, struct secret *secret)
{
    struct span line = { secret->text, 0 };
    const char *end = NULL;

    while (!end && line.len < sizeof(secret->text)) {
        ssize_t n = read(STDIN_FILENO, secret->text + line.len, sizeof(secret->text) - line.len);
        if (n < 0)
            return ctl_fail(call, EX_DATAERR, "the password cannot be read: %s", err_text(-errno));
        if (n == 0)
            break;
        end = memchr(secret->text + line.len, '\n', (size_t)n);
        line.len += (size_t)n;
    }
    if (end)
        line.len = (size_t)(end - line.ptr);
    if (end && line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (memchr(line.ptr, 0, line.len))
        return ctl_fail(call, EX_DATAERR, "a password has no NUL in it");
    call->password = line;
    return 0;
}

/* Does it, as it was called, destroy what cannot be had back? */
static bool destroys(const struct ctl_call *call)
{
    unsigned flags = call->command->flags;

    return flags & CTL_CONFIRM || (flags & CTL_CONFIRM_ALL && ctl_option(call, "all") && call->operands_n == 0 && call->options_n == 1) ||
           (flags & CTL_CONFIRM_FORCE && ctl_option(call, "force"));
}

static int confirm(struct ctl_call *call)
{
    const char *about = call->operands_n ? call->operands[0] : "--all";
    char answer[16] = "";

    if (!destroys(call) || ctl_option(call, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO))
        return ctl_fail(call, EX_USAGE, "%s %s destroys what it is about; say so with --yes", call->command->name, about);
    fprintf(stderr, "%s %s: this destroys, and cannot be taken back. Go on? [y/N] ", call->command->name, about);
    if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
        return ctl_fail(call, EX_TEMPFAIL, "nothing was done");
    return 0;
}

/* ---- */

static int run_with_file(struct ctl_call *call, const struct arguments *arguments)
{
    struct ctl_file file;
    struct ctl_move move;
    struct ctl_bar bar;
    int status = ctl_move_begin(call, &move);

    ctl_bar_init(&bar);
    call->progress = ctl_bar_show;
    call->progress_arg = &bar;
    if (status == 0)
        status = ctl_file_open(call, &file);
    else
        file = (struct ctl_file){ .path = NULL };
    if (status == 0)
        status = ewsctl_run(call, arguments->words, arguments->words_n);
    ctl_move_end(call, &move);
    ctl_bar_done(&bar);
    return ctl_file_close(call, &file, status);
}

/* The second half of a CTL_HERE, about the store. What keeps it from being done is
 * a finding, too. */
static int go_on(struct ctl_call *call, const struct arguments *arguments)
{
    const char *words[CTL_WORDS_MAX] = { call->command->name, "store" };
    size_t n = 2;
    struct ctl_call rest;
    int r = ctl_call_init(&rest, call->out.json);

    for (size_t i = 1; i < arguments->words_n && n < CTL_WORDS_MAX; i++)
        words[n++] = arguments->words[i];
    rest.conf = call->conf;
    rest.path = call->path;
    rest.folder = call->folder;
    if (r == 0)
        r = ctl_parse(&rest, words, n);
    if (r == 0)
        r = run_with_file(&rest, &(struct arguments){ .words = words, .words_n = n });
    buf_add_span(&call->out.text, buf_span(&rest.out.text));
    if (r != 0 && r != CTL_FOUND) {
        struct doctor doctor = { .call = call, .name = "store" };
        struct span why = span_trim(buf_span(&rest.error));
        doctor_find(&doctor, FINDING_FAIL, "mend that first", "%.*s", (int)why.len, why.ptr);
        r = CTL_FOUND;
    }
    ctl_call_done(&rest);
    return r;
}

static int run_here(struct ctl_call *call, const struct arguments *arguments)
{
    int status = ctl_run(call);
    int rest = status == 0 || status == CTL_FOUND ? go_on(call, arguments) : 0;

    status = status ? status : rest;
    return status == CTL_FOUND ? ctl_fail(call, status, "something is wrong with this installation") : status;
}

static int carry_out(struct ctl_call *call, const struct arguments *arguments, struct secret *secret)
{
    int status = 0;

    if (call->command->flags & CTL_PASSWORD)
        status = isatty(STDIN_FILENO) ? ask_password(call, secret) : read_password(call, secret);
    if (status == 0)
        status = confirm(call);
    if (status == 0 && call->command->flags & CTL_HERE)
        return run_here(call, arguments);
    return status ? status : run_with_file(call, arguments);
}

/* Errors may be of several lines; the first says who speaks. */
static int print(const struct ctl_call *call, int status)
{
    if (call->error.len)
        fprintf(stderr, "ewsctl: %.*s", (int)call->error.len, call->error.ptr);
    if (call->out.text.len)
        fwrite(call->out.text.ptr, 1, call->out.text.len, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "ewsctl: standard output: %s\n", err_text(-errno));
    return EX_IOERR;
}

/* What a mail server gives a message up for must not be a configuration with a
 * mistake in it, or a server that starts. */
static int as_posted(const struct ctl_call *call, int status)
{
    bool posts = call->command && call->command->flags & CTL_POSTS;

    return !posts || status == EX_OK || status == EX_DATAERR || status == EX_NOUSER ? status : EX_TEMPFAIL;
}

static int run(const struct arguments *arguments)
{
    static struct conf conf;
    struct secret secret;
    struct ctl_call call;
    int r = ctl_call_init(&call, arguments->json);

    if (r)
        return EX_OSERR;
    int status = ctl_parse(&call, arguments->words, arguments->words_n);
    if (status == 0)
        status = read_config(arguments, &conf, &call);
    call.conf = &conf;
    if (status == 0)
        status = carry_out(&call, arguments, &secret);
    status = as_posted(&call, print(&call, status));
    explicit_bzero(&secret, sizeof(secret));
    ctl_call_done(&call);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    int status = read_arguments(argc, argv, &arguments);

    if (status)
        return status;
    if (arguments.version)
        puts("ewsctl " EWSD_VERSION);
    else if (arguments.help)
        status = help(&arguments);
    else
        status = run(&arguments);
    return status;
}
