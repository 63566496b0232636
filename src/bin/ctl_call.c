/*
 * What every command of ewsctl needs around its own work: memory, errors in
 * words, the store, and addresses as people type them.
 */
#include "bin/ctl.h"

#include "base/err.h"
#include "base/when.h"
#include "model/rcpt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define ERROR_MAX 8192
#define PROGRESS_MS 200

int ctl_call_init(struct ctl_call *call, bool json)
{
    *call = (struct ctl_call){ .error = BUF_INIT(ERROR_MAX), .file = -1 };
    out_init(&call->out, json);
    return arena_new(CTL_MEMORY, &call->arena);
}

void ctl_call_done(struct ctl_call *call)
{
    arena_free(call->arena);
    out_done(&call->out);
    buf_done(&call->error);
}

int ctl_fail(struct ctl_call *call, int status, const char *format, ...)
{
    char text[ERROR_MAX / 2];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_clear(&call->error);
    for (struct span rest = span_of(text); rest.len > 0;) {
        size_t len = strcspn(rest.ptr, "\n");
        out_add_clean(&call->error, (struct span){ rest.ptr, len });
        buf_add_char(&call->error, '\n');
        len += rest.ptr[len] == '\n';
        rest = (struct span){ rest.ptr + len, rest.len - len };
    }
    return status;
}

int ctl_run(struct ctl_call *call)
{
    int r = call->command->run(call);

    if (r == 0)
        r = buf_error(&call->out.text);
    if (r == -EFBIG)
        r = ctl_fail(call, EX_TEMPFAIL, "the answer is longer than %u MB", OUT_MAX >> 20);
    else if (r == -ECANCELED)
        r = ctl_fail(call, EX_TEMPFAIL, "it was given up");
    else if (r < 0)
        r = ctl_fail(call, EX_TEMPFAIL, "the store did not take it: %s", err_text(r));
    if (r && r != CTL_FOUND && !call->keeps)
        out_clear(&call->out);
    return r;
}

bool ctl_progress(struct ctl_call *call, const char *what, uint64_t done, uint64_t all, const char *unit)
{
    int64_t now = when_monotonic();
    char text[128];

    if (!call->progress || now < call->progress_at + PROGRESS_MS)
        return false;
    call->progress_at = now;
    snprintf(text, sizeof(text), "%s\t%" PRIu64 "\t%" PRIu64 "\t%s", what, done, all, unit);
    return call->progress(call->progress_arg, text);
}

struct work {
    struct ctl_call *call;
    ctl_job *job;
    void *data;
};

static int run_job(struct store_tx *tx, void *arg)
{
    struct work *work = arg;

    out_clear(&work->call->out);
    buf_clear(&work->call->error);
    return work->job(tx, work->call, work->data);
}

int ctl_write(struct ctl_call *call, ctl_job *job, void *data)
{
    struct work work = { call, job, data };
    int r = store_write(call->store, run_job, &work);

    call->wrote = call->wrote || r <= 0; /* after -EIO nobody knows */
    return r;
}

int ctl_read(struct ctl_call *call, ctl_job *job, void *data)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(call->store, &tx);

    return r ? r : job(tx, call, data);
}

int ctl_address(struct ctl_call *call, const char *text, struct span *ret_address)
{
    struct span address = span_of(text), domains = span_of(call->conf->server_domain), domain;

    if (!strchr(text, '@')) {
        if (!conf_list_next(&domains, &domain))
            return ctl_fail(call, EX_DATAERR, "%s is no mail address; a bare name needs server.domain to be set", text);
        int r = arena_printf(call->arena, &address, "%s@%.*s", text, (int)domain.len, domain.ptr);
        if (r)
            return r;
    }
    if (!rcpt_address_ok(address))
        return ctl_fail(call, EX_DATAERR, "%.*s is no mail address", (int)address.len, address.ptr);
    *ret_address = address;
    return 0;
}

int ctl_mailbox(struct store_tx *tx, struct ctl_call *call, const char *text, struct store_mailbox *ret_mailbox)
{
    struct span address;
    int r = ctl_address(call, text, &address);

    if (r)
        return r;
    r = store_mailbox_by_address(tx, call->arena, address, ret_mailbox);
    if (r > 0)
        return ctl_fail(call, EX_NOUSER, "there is no mailbox %.*s; see ewsctl user list", (int)address.len, address.ptr);
    return r;
}

bool ctl_is_one_line(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return span_utf8_ok(text);
}
