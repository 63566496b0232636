/*
 * A load generator for ewsd: runs the phases of its command line one after
 * another and prints a line of NAME=VALUE for each. An answer that is not
 * plainly the right one is an error; after any the exit status is 1.
 * bench/run starts the server, chooses the phases and reads the lines.
 */
#include "load.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LARGE_SIZE ((size_t)36 << 20)
#define DRAIN_PATIENCE_NS UINT64_C(120000000000)
#define DRAIN_PAUSE_US 10000

static const char usage[] =
    "usage: load --server ADDRESS:PORT --pid PID --dir FOLDER --user ADDRESS:PASSWORD... PHASE...\n"
    "\n"
    "A phase is NAME:CONNECTIONS:REQUESTS:SECONDS[+LARGE], whatever bound is met first:\n"
    "  create  CreateItem, SaveOnly, of a message of 1 KB: a draft for the phases after it\n"
    "  send    SendItem of such drafts, each once\n"
    "  get     GetItem, AllProperties, of drafts that were not sent\n"
    "  large   CreateItem of a large MimeContent (--large BYTES)\n"
    "  echo    what a send writes and reads, against a bare server of this program\n"
    "  disk    4 KB appended and made durable in --dir, one after another\n"
    "  drain   (without numbers) waits until all that was sent is delivered\n"
    "With +LARGE that many more connections save large messages all the while.\n";

void die(const char *format, ...)
{
    va_list args;
    fputs("load: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec spent;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &spent))
        die("there is no process %d", (int)pid);
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

void sample_add(struct sample *sample, uint64_t value)
{
    if (sample->n == sample->room) {
        sample->room = sample->room ? sample->room * 2 : 65536;
        sample->values = reallocarray(sample->values, sample->room, sizeof(*sample->values));
        if (!sample->values)
            die("no memory for figures");
    }
    sample->values[sample->n++] = value;
}

/* ---- the report ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The latency that share of all don't exceed, in microseconds. */
static double quantile(const struct sample *sample, double share)
{
    size_t at = (size_t)(share * (double)sample->n);
    return sample->n ? (double)sample->values[at < sample->n ? at : sample->n - 1] / 1e3 : 0;
}

static void print_sample(const char *prefix, struct sample *sample, double seconds)
{
    if (sample->n)
        qsort(sample->values, sample->n, sizeof(*sample->values), by_value);
    printf(" %srequests=%zu %serrors=%" PRIu64 " %sper_second=%.1f %sp50_us=%.1f %sp99_us=%.1f %smax_us=%.1f", prefix, sample->n,
           prefix, sample->errors, prefix, (double)sample->n / seconds, prefix, quantile(sample, 0.5), prefix,
           quantile(sample, 0.99), prefix, quantile(sample, 1));
    free(sample->values);
}

static void print_memory(pid_t pid)
{
    char path[64], line[256];
    unsigned long value;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "VmHWM: %lu", &value) == 1)
            printf(" hwm_kb=%lu", value);
        else if (sscanf(line, "VmRSS: %lu", &value) == 1)
            printf(" rss_kb=%lu", value);
    }
    if (file)
        fclose(file);
}

static bool print_phase(const char *name, const struct phase *phase, struct figures *figures)
{
    size_t n = figures->main.n;
    uint64_t errors = figures->main.errors + figures->large.errors;
    printf("phase=%s connections=%u seconds=%.3f", name, phase->connections, figures->seconds);
    printf(" server_us=%.2f client_us=%.2f", figures->server_cpu / (double)n * 1e6, figures->client_cpu / (double)n * 1e6);
    print_sample("", &figures->main, figures->seconds);
    if (phase->large)
        print_sample("large_", &figures->large, figures->seconds);
    if (phase->pid)
        print_memory(phase->pid);
    putchar('\n');
    fflush(stdout);
    return errors == 0;
}

/* ---- phases ---- */

/* Recipients delivered, whatever way. */
static uint64_t delivered(const struct load *load)
{
    static const char sent[] = "outcome=\"sent\"} ", row[] = "\newsd_deliveries_total{";
    struct buf page = BUF_INIT(1 << 20);
    uint64_t sum = 0;
    if (!drive_get(load, "/metrics", &page))
        die("GET /metrics fails");
    buf_add_char(&page, 0);
    if (buf_error(&page))
        die("/metrics is too large");
    for (const char *at = strstr(page.ptr, row); at; at = strstr(at + 1, row)) {
        const char *value = strstr(at, sent), *end = strchr(at + 1, '\n');
        if (value && value < end)
            sum += strtoull(value + sizeof(sent) - 1, NULL, 10);
    }
    buf_done(&page);
    return sum;
}

/* Waits until every message sent so far was delivered. CPU is counted from
 * the beginning of the phase before, and per message that it sent. */
static bool drain(struct load *load, double cpu_before, uint64_t sent_before, double seconds_before)
{
    uint64_t start = now_ns(), done;
    while ((done = delivered(load)) < load->sent && now_ns() - start < DRAIN_PATIENCE_NS)
        usleep(DRAIN_PAUSE_US);
    double messages = (double)(load->sent - sent_before), seconds = (double)(now_ns() - start) / 1e9;
    bool good = done == load->sent && messages > 0;
    printf("phase=drain delivered=%" PRIu64 " errors=%d seconds=%.3f server_us=%.2f per_second=%.1f", done, !good, seconds,
           (cpu_of(load->pid) - cpu_before) / messages * 1e6, messages / (seconds + seconds_before));
    print_memory(load->pid);
    putchar('\n');
    fflush(stdout);
    return good;
}

/* A bare server of our own, for as long as the phase. */
static bool echo(struct load *load, struct phase *phase, struct figures *figures)
{
    if (!baseline_echo_start(&phase->port, &phase->pid))
        return false;
    bool good = drive_phase(load, phase, figures);
    if (good)
        good = print_phase("echo", phase, figures);
    baseline_echo_stop(phase->pid);
    return good;
}

static const struct load_op *op_by_name(const char *name)
{
    static const struct load_op *const ops[] = { &load_create, &load_send, &load_get, &load_large, &load_echo };
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (strcmp(ops[i]->name, name) == 0)
            return ops[i];
    return NULL;
}

static void parse_phase(const char *text, char name[16], struct phase *ret_phase)
{
    struct phase phase = { 0 };
    int end = 0;
    if (sscanf(text, "%15[a-z]:%u:%" SCNu64 ":%lf%n+%u%n", name, &phase.connections, &phase.requests, &phase.seconds, &end,
               &phase.large, &end) < 4 || text[end] || phase.connections == 0 || phase.requests == 0 ||
        phase.connections + phase.large > LOAD_CONNECTIONS_MAX)
        die("not a phase: %s\n%s", text, usage);
    phase.op = op_by_name(name);
    if (!phase.op && strcmp(name, "disk") != 0)
        die("not a phase: %s\n%s", text, usage);
    *ret_phase = phase;
}

static bool run_phase(struct load *load, const char *text, double *ret_seconds)
{
    char name[16];
    struct phase phase;
    struct figures figures = { 0 };
    parse_phase(text, name, &phase);
    bool good;
    if (!phase.op) {
        good = baseline_disk(load->folder, phase.requests, phase.seconds, &figures) && print_phase(name, &phase, &figures);
    } else if (phase.op == &load_echo) {
        good = echo(load, &phase, &figures);
    } else {
        phase.pid = load->pid;
        good = drive_phase(load, &phase, &figures) && print_phase(name, &phase, &figures);
    }
    *ret_seconds = figures.seconds;
    return good;
}

static bool run_phases(struct load *load, char **phases)
{
    bool good = true;
    double cpu = 0, seconds = 0;
    uint64_t sent = 0;
    for (; *phases; phases++) {
        if (strcmp(*phases, "drain") == 0) {
            good &= drain(load, cpu, sent, seconds);
            continue;
        }
        cpu = cpu_of(load->pid);
        sent = load->sent;
        good &= run_phase(load, *phases, &seconds);
    }
    return good;
}

/* ---- the command line ---- */

static void take_server(struct load *load, char *value)
{
    char *colon = strrchr(value, ':');
    if (!colon)
        die("--server is ADDRESS:PORT");
    *colon = 0;
    load->host = value;
    load->port = (uint16_t)atoi(colon + 1);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "server", required_argument, NULL, 's' }, { "pid", required_argument, NULL, 'p' },
        { "dir", required_argument, NULL, 'd' },    { "user", required_argument, NULL, 'u' },
        { "large", required_argument, NULL, 'l' },  { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct load load = { .large_size = LARGE_SIZE };
    ews_init(&load);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's')
            take_server(&load, optarg);
        else if (option == 'p')
            load.pid = atoi(optarg);
        else if (option == 'd')
            load.folder = optarg;
        else if (option == 'u' && load.host)
            ews_add_user(&load, optarg);
        else if (option == 'l')
            load.large_size = strtoul(optarg, NULL, 10);
        else if (option == 'h')
            return fputs(usage, stdout) < 0;
        else
            die("%s", usage);
    }
    if (!load.host || load.pid <= 0 || !load.folder || load.users_n == 0 || optind == argc)
        die("%s", usage);
    bool good = run_phases(&load, argv + optind);
    ews_done(&load);
    return good ? 0 : 1;
}
