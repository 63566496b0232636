/*
 * ewsctl quota: how much a mailbox may hold, where that is not what store.quota
 * says.
 */
#include "bin/ctl.h"

#define QUOTA_MAX (INT64_C(1) << 60) /* as of store.quota */

/* "512M": by units of 1024. */
static bool read_size(struct span text, int64_t *ret_bytes)
{
    static const char units[] = "KMGT";
    const char *unit = text.len > 0 ? strchr(units, text.ptr[text.len - 1]) : NULL;
    int64_t size;

    if (unit && *unit)
        text.len--;
    if (!span_int(text, false, 1, QUOTA_MAX, &size))
        return false;
    for (const char *u = units; unit && *unit && u <= unit; u++) {
        if (size > QUOTA_MAX / 1024)
            return false;
        size *= 1024;
    }
    *ret_bytes = size;
    return true;
}

static int show(struct store_tx *tx, struct ctl_call *call, void *data ATTR_UNUSED)
{
    struct store_mailbox mailbox;
    int r = ctl_mailbox(tx, call, call->operands[0], &mailbox);

    if (r)
        return r;
    call->out.style = OUT_SHEET;
    out_record(&call->out);
    out_text(&call->out, "address", mailbox.address);
    r = ctl_put_quota(tx, call, mailbox.mailbox_id);
    out_record_end(&call->out);
    return r;
}

int ctl_put_quota(struct store_tx *tx, struct ctl_call *call, int64_t mailbox_id)
{
    struct store_quota quota;
    int r = store_mailbox_quota(tx, mailbox_id, &quota);

    if (r)
        return r < 0 ? r : -EIO;
    out_number(&call->out, "quota", quota.bytes);
    out_text(&call->out, "quota_by", quota.own < 0 ? SPAN("default") : SPAN("mailbox"));
    out_number(&call->out, "used", quota.size);
    return 0;
}

static int set(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct store_mailbox mailbox;
    int r = ctl_mailbox(tx, call, call->operands[0], &mailbox);

    if (r == 0)
        r = store_mailbox_set_quota(tx, mailbox.mailbox_id, *(const int64_t *)data);
    return r;
}

int ctl_quota(struct ctl_call *call)
{
    struct span size = span_of(call->operands_n > 1 ? call->operands[1] : "");
    int64_t own = STORE_QUOTA_DEFAULT;

    if (call->operands_n < 2)
        return ctl_read(call, show, NULL);
    if (span_is(size, "none"))
        own = 0;
    else if (!span_is(size, "default") && !read_size(size, &own))
        return ctl_fail(call, EX_DATAERR, "%s is no size: a number of bytes above 0, with K, M, G or T behind it; none or default",
                        call->operands[1]);
    return ctl_write(call, set, &own);
}
