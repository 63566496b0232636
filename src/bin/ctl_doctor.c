/*
 * ewsctl doctor, as far as it needs no store: files, the clock, and who answers.
 * Nothing but the relays of the configuration is asked over the network. ewsctl
 * itself goes on with `doctor store`.
 */
#include "bin/ctl_doctor.h"

#include "base/confine.h"
#include "base/err.h"
#include "base/when.h"
#include "bin/wire.h"
#include "http/tls.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)
#define PATH_SIZE 4096

int doctor_find(struct doctor *doctor, enum finding finding, const char *advice, const char *format, ...)
{
    static const char *const states[] = { "ok", "warn", "FAIL" };
    struct ctl_out *out = &doctor->call->out;
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    doctor->failed = doctor->failed || finding == FINDING_FAIL;
    out_record(out);
    out_text(out, "state", span_of(states[finding]));
    out_text(out, "check", span_of(doctor->name));
    out_text(out, "found", span_of(text));
    out_text(out, "advice", span_of(advice));
    out_record_end(out);
    return 0;
}

int doctor_run(struct ctl_call *call, const struct exam *exams, size_t n)
{
    struct doctor doctor = { .call = call };
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        doctor.name = exams[i].name;
        r = exams[i].run(&doctor);
    }
    if (r)
        return r;
    return doctor.failed ? CTL_FOUND : 0;
}

/* ---- configuration ---- */

/* ewsd beside this program; the path is the caller's. */
static void find_ewsd(char ret_path[PATH_SIZE])
{
    ssize_t n = readlink("/proc/self/exe", ret_path, PATH_SIZE - 8);
    char *end;

    ret_path[n > 0 ? n : 0] = '\0';
    end = strrchr(ret_path, '/');
    snprintf(end ? end + 1 : ret_path, 8, "ewsd");
}

/* What `ewsd serve --check` says, in out; its exit status, or -1. */
static int ask_ewsd(const char *config, char *out, size_t size)
{
    char path[PATH_SIZE];
    int fds[2], status = -1;
    size_t len = 0;

    find_ewsd(path);
    if (access(path, X_OK) != 0 || pipe(fds) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(path, "ewsd", "serve", "--config", config, "--check", (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    for (ssize_t n = 1; n > 0 && len + 1 < size; len += n > 0 ? (size_t)n : 0)
        n = read(fds[0], out + len, size - 1 - len);
    close(fds[0]);
    out[len] = '\0';
    if (child > 0 && waitpid(child, &status, 0) == child)
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return -1;
}

int doctor_configuration(struct doctor *doctor)
{
    const char *config = doctor->call->config;
    char text[8192], *rest = text;

    if (!config)
        return doctor_find(doctor, FINDING_OK, NULL, "none was given, so the defaults count");
    int status = ask_ewsd(config, text, sizeof(text));
    if (status < 0 || status == 127)
        return doctor_find(doctor, FINDING_WARN, "install ewsd beside ewsctl", "no ewsd could be asked to check %s", config);
    if (status == 0)
        return doctor_find(doctor, FINDING_OK, NULL, "%s", config);
    for (char *line; (line = strtok_r(rest, "\n", &rest));)
        doctor_find(doctor, FINDING_FAIL, "see ewsd.conf(5)", "%s", span_starts(span_of(line), SPAN("ewsd serve: ")) ? line + 12 : line);
    return 0;
}

/* ---- certificate ---- */

static void host_of(const char *url, char host[256])
{
    const char *begin = strstr(url, "://");

    begin = begin ? begin + 3 : url;
    snprintf(host, 256, "%.*s", (int)strcspn(begin, ":/"), begin);
}

static int judge_certificate(struct doctor *doctor, const struct tls_facts *facts, const char *host)
{
    static const char renew[] = "renew it, and reload the server";
    int64_t left = facts->until - when_now();
    char until[WHEN_XS_SIZE];

    when_format_xs(facts->until, until);
    if (!facts->names_host)
        doctor_find(doctor, FINDING_FAIL, "get one for that name, or correct http.url", "it does not name %s, the host of http.url", host);
    if (facts->since > when_now())
        return doctor_find(doctor, FINDING_FAIL, "look at the clock, or wait", "it is not valid yet");
    if (left <= 0)
        return doctor_find(doctor, FINDING_FAIL, renew, "it has expired at %s", until);
    if (left < 30 * DAY_MS)
        return doctor_find(doctor, left < 7 * DAY_MS ? FINDING_FAIL : FINDING_WARN, renew, "it expires at %s, in %" PRId64 " days", until,
                           left / DAY_MS);
    return facts->names_host ? doctor_find(doctor, FINDING_OK, NULL, "it fits its key, and is valid until %s", until) : 0;
}

int doctor_certificate(struct doctor *doctor)
{
    const struct conf *conf = doctor->call->conf;
    struct tls tls;
    struct tls_facts facts;
    const char *setting;
    char error[TLS_ERROR_SIZE], host[256] = "";

    if (!*conf->http_certificate && !*conf->http_key)
        return doctor_find(doctor, FINDING_OK, NULL, "none, as the server speaks http");
    if (tls_load(conf, &tls, &setting, error))
        return doctor_find(doctor, FINDING_FAIL, "give a certificate and the key that belongs to it", "%s: %s", setting, error);
    if (*conf->http_url)
        host_of(conf->http_url, host);
    if (tls_look(&tls, host, &facts))
        judge_certificate(doctor, &facts, host);
    else
        doctor_find(doctor, FINDING_FAIL, "give one in PEM form", "http.certificate: it cannot be read");
    tls_done(&tls);
    return 0;
}

/* ---- permissions ---- */

struct guarded {
    const char *what, *path;
    mode_t forbidden;
    const char *advice;
    bool owned; /* by the account of the server */
};

/* True: nothing is wrong with it. */
static bool is_guarded(struct doctor *doctor, const struct guarded *guarded)
{
    struct account account;
    struct stat info;
    const char *user = doctor->call->conf->server_user;

    if (stat(guarded->path, &info) != 0) {
        doctor_find(doctor, FINDING_FAIL, "see that it is there, and who may read it", "%s %s: %s", guarded->what, guarded->path, err_text(-errno));
        return false;
    }
    if (info.st_mode & guarded->forbidden) {
        doctor_find(doctor, FINDING_FAIL, guarded->advice, "%s %s: others may use it (mode %03o)", guarded->what, guarded->path,
                    (unsigned)(info.st_mode & 0777));
        return false;
    }
    if (guarded->owned && *user && account_find(user, &account) == 0 && info.st_uid != account.uid) {
        doctor_find(doctor, FINDING_FAIL, "chown it to server.user", "%s %s does not belong to %s", guarded->what, guarded->path, user);
        return false;
    }
    return true;
}

static bool look_at_relays(struct doctor *doctor)
{
    const struct conf *conf = doctor->call->conf;
    bool good = true;

    for (size_t i = 0; i < conf->relays_n; i++)
        if (*conf->relays[i].secrets)
            good = is_guarded(doctor, &(struct guarded){ "the secrets of a relay", conf->relays[i].secrets, S_IRWXO, "chmod o= it", false }) && good;
    return good;
}

static bool look_at_store(struct doctor *doctor)
{
    const char *folder = doctor->call->folder;
    char path[PATH_SIZE];
    struct stat info;

    snprintf(path, sizeof(path), "%s/ewsd.db", folder);
    bool good = is_guarded(doctor, &(struct guarded){ "the folder of the store", folder, S_IWGRP | S_IRWXO, "chmod 0700 it", true });
    if (stat(path, &info) == 0)
        good = is_guarded(doctor, &(struct guarded){ "the store", path, S_IWGRP | S_IRWXO, "chmod 0600 it", true }) && good;
    return good;
}

int doctor_permissions(struct doctor *doctor)
{
    const struct conf *conf = doctor->call->conf;
    bool good = look_at_relays(doctor);

    if (!store_is_shared(doctor->call->path))
        good = look_at_store(doctor) && good;
    if (*conf->http_key)
        good = is_guarded(doctor, &(struct guarded){ "http.key", conf->http_key, S_IRWXO, "chmod o= it", false }) && good;
    if (*conf->store_passfile)
        good = is_guarded(doctor, &(struct guarded){ "store.passfile", conf->store_passfile, S_IRWXG | S_IRWXO, "chmod 0600 it", false }) && good;
    return good ? doctor_find(doctor, FINDING_OK, NULL, "the store and the files of secrets are kept from others") : 0;
}

/* ---- disk, clock ---- */

int doctor_disk(struct doctor *doctor)
{
    struct statvfs disk;
    uint64_t least = (uint64_t)doctor->call->conf->store_min_free;

    if (store_is_shared(doctor->call->path))
        return doctor_find(doctor, FINDING_OK, NULL, "the store is a database, elsewhere");
    if (statvfs(doctor->call->folder, &disk) != 0)
        return doctor_find(doctor, FINDING_FAIL, "see that server.store is there", "%s: %s", doctor->call->folder, err_text(-errno));
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (room < least)
        return doctor_find(doctor, FINDING_FAIL, "make room, or lower store.min_free; nothing new is taken until then",
                           "%" PRIu64 " MB are free, and store.min_free is %" PRIu64 " MB", room >> 20, least >> 20);
    return doctor_find(doctor, room / 2 < least ? FINDING_WARN : FINDING_OK, room / 2 < least ? "make room soon" : NULL,
                       "%" PRIu64 " MB are free", room >> 20);
}

int doctor_clock(struct doctor *doctor)
{
    struct timex state = { 0 };
    int r = adjtimex(&state);

    if (r < 0)
        return doctor_find(doctor, FINDING_WARN, NULL, "the system does not say how its clock is kept: %s", err_text(-errno));
    if (r == TIME_ERROR || state.status & STA_UNSYNC)
        return doctor_find(doctor, FINDING_WARN, "run chrony or systemd-timesyncd; in a container this is the host's", "nobody keeps the clock right");
    return doctor_find(doctor, FINDING_OK, NULL, "it is kept right");
}

/* ---- relay ---- */

static const char *advice_on(const char *status)
{
    if (strncmp(status, "4.7.8", 5) == 0)
        return "look at the name and password in its secrets";
    if (strncmp(status, "4.7.5", 5) == 0)
        return "look at its tls and ca_file, and at the relay's certificate";
    return "look at its url, at the relay, and at what is between";
}

static void found_relay(void *arg, const struct outbox_probed *probed)
{
    struct doctor *doctor = arg;
    const char *host = probed->host;
    bool near = strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;

    if (!probed->works)
        doctor_find(doctor, FINDING_FAIL, advice_on(probed->status), "%s: %s", probed->name, probed->status);
    else if (!probed->tls && !near)
        doctor_find(doctor, FINDING_WARN, "set its tls to required, if it can", "%s: %s:%" PRId64 " answers, without TLS", probed->name, host, probed->port);
    else
        doctor_find(doctor, FINDING_OK, NULL, "%s: %s:%" PRId64 " answers%s%s", probed->name, host, probed->port,
                    probed->tls ? " over TLS" : "", probed->auth ? " and takes the password" : "");
}

static void found_mistake(void *arg, const char *text)
{
    doctor_find(arg, FINDING_FAIL, "see ewsd.conf(5)", "%s", text);
}

int doctor_relay(struct doctor *doctor)
{
    struct conf_report report = { .tell = found_mistake, .arg = doctor };
    size_t before = doctor->call->out.text.len;
    int r = outbox_probe(doctor->call->conf, found_relay, doctor, &report);

    if (r > 0)
        return 0;
    if (r == 0 && doctor->call->out.text.len == before)
        return doctor_find(doctor, FINDING_WARN, "give [relay] a url, or mail stays within the server", "there is none, so no mail leaves");
    return r;
}

/* ---- server ---- */

int doctor_server(struct doctor *doctor)
{
    int fd;

    if (store_is_shared(doctor->call->path))
        return doctor_find(doctor, FINDING_OK, NULL, "servers of a database have no socket; ask each for /readyz");
    int r = wire_connect(doctor->call->folder, &fd);
    if (r)
        return doctor_find(doctor, FINDING_FAIL, "start it: systemctl start ewsd", "no server answers on %s/ewsd.sock: %s", doctor->call->folder,
                           err_text(r));
    close(fd);
    return doctor_find(doctor, FINDING_OK, NULL, "it answers on %s/ewsd.sock", doctor->call->folder);
}

/* ---- */

int ctl_doctor(struct ctl_call *call)
{
    static const struct exam exams[] = {
#define HERE(name) { #name, doctor_##name },
#define STORE(name)
#define EXAM(place, name) place(name)
#include "bin/doctor.def"
#undef EXAM
#undef HERE
#undef STORE
    };

    return doctor_run(call, exams, ARRAY_LEN(exams));
}
