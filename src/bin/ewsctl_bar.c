/*
 * See ewsctl.h. Nothing is on standard error once the bar is done, unless the
 * command took long and that is no terminal.
 */
#include "bin/ewsctl.h"

#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define WIDTH 24
#define LINE_MS 30000 /* between two lines, where there is no terminal */
#define SURE_MS 1000  /* before that nobody knows how fast it is */

struct far {
    char what[32];
    uint64_t done, all;
    char unit[16];
};

void ctl_bar_init(struct ctl_bar *bar)
{
    *bar = (struct ctl_bar){ .terminal = isatty(STDERR_FILENO) != 0, .told = when_monotonic() };
}

static bool read_far(const char *text, struct far *ret_far)
{
    struct far far = { .all = 0 };

    if (sscanf(text, "%31[^\t]\t%" SCNu64 "\t%" SCNu64 "\t%15[^\t]", far.what, &far.done, &far.all, far.unit) < 3)
        return false;
    *ret_far = far;
    return true;
}

/* ": 12 of 345 MB, 12 MB/s, 0:27 left" */
static void add_numbers(const struct ctl_bar *bar, const struct far *far, struct buf *out)
{
    int64_t took = when_monotonic() - bar->begun;
    uint64_t moved = far->done > bar->first ? far->done - bar->first : 0;
    double rate = took >= SURE_MS ? (double)moved * 1000 / (double)took : 0;

    buf_printf(out, "%" PRIu64 " of %" PRIu64 " %s", far->done, far->all, far->unit);
    if (rate <= 0 || far->done > far->all)
        return;
    uint64_t left = (uint64_t)((double)(far->all - far->done) / rate);
    buf_printf(out, rate < 10 ? ", %.1f %s/s" : ", %.0f %s/s", rate, far->unit);
    if (left < 360000)
        buf_printf(out, ", %" PRIu64 ":%02" PRIu64 " left", left / 60, left % 60);
}

static void add_bar(const struct far *far, struct buf *out)
{
    unsigned per_cent = far->done >= far->all ? 100 : (unsigned)(far->done * 100 / far->all);

    buf_add_char(out, '[');
    for (unsigned i = 0; i < WIDTH; i++)
        buf_add_char(out, i * 100 < per_cent * WIDTH ? '#' : '-');
    buf_printf(out, "] %3u%%  ", per_cent);
}

static void begin(struct ctl_bar *bar, const struct far *far)
{
    if (strcmp(bar->what, far->what) == 0 && far->done >= bar->first)
        return;
    memcpy(bar->what, far->what, sizeof(bar->what));
    bar->begun = when_monotonic();
    bar->first = far->done;
}

bool ctl_bar_show(void *arg, const char *text)
{
    struct ctl_bar *bar = arg;
    struct buf out = BUF_INIT(512);
    struct far far;
    int64_t now = when_monotonic();

    if (!text || !read_far(text, &far))
        return false;
    begin(bar, &far);
    if (!bar->terminal && now < bar->told + LINE_MS)
        return false;
    bar->told = now;
    buf_printf(&out, "%s%s%s", bar->terminal ? "\r" : "ewsctl: ", far.what, bar->terminal ? "  " : ": ");
    if (far.all && bar->terminal)
        add_bar(&far, &out);
    if (far.all)
        add_numbers(bar, &far, &out);
    buf_add_str(&out, bar->terminal ? "\033[K" : "\n");
    fprintf(stderr, "%.*s", (int)out.len, out.ptr);
    buf_done(&out);
    bar->shown = bar->terminal;
    return false;
}

void ctl_bar_done(struct ctl_bar *bar)
{
    if (bar->shown)
        fputs("\r\033[K", stderr);
    bar->shown = false;
}
