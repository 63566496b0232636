/*
 * See limits.h. Texts of two causes are joined as Exchange joins them.
 */
#include "ops/limits.h"

#include "base/log.h"

static int say(struct op_call *call, int code, struct span first, const char *what, uint64_t amount, int64_t limit,
               struct op_result *ret_result)
{
    struct span text;
    int r = arena_printf(call->arena, &text, "%.*s., The message has %llu %s; the limit is %lld.", (int)first.len, first.ptr,
                         (unsigned long long)amount, what, (long long)limit);
    if (r)
        return r;
    ret_result->text = text.ptr;
    return code;
}

static int at_most(struct op_call *call, uint64_t amount, int64_t limit, const char *what, struct op_result *ret_result)
{
    if (amount <= (uint64_t)limit)
        return 0;
    return say(call, CODE_ErrorMessageSizeExceeded, SPAN("The message exceeds the maximum supported size"), what, amount, limit,
               ret_result);
}

int limits_size(struct op_call *call, uint64_t size, struct op_result *ret_result)
{
    return at_most(call, size, call->env->conf->send_max_size, "bytes", ret_result);
}

int limits_attachments(struct op_call *call, uint64_t n, struct op_result *ret_result)
{
    return at_most(call, n, call->env->conf->send_max_attachments, "attachments", ret_result);
}

int limits_recipients(struct op_call *call, uint64_t n, struct op_result *ret_result)
{
    const int64_t limit = call->env->conf->send_max_recipients;
    if (span_starts(call->request->version, SPAN("V")))
        return say(call, CODE_ErrorExceededMaxRecipientLimit, SPAN("The message has more recipients than are allowed"), "recipients",
                   n, limit, ret_result);
    return say(call, CODE_ErrorInvalidRecipients, SPAN("At least one recipient is not valid"), "recipients", n, limit, ret_result);
}

int limits_room(const struct op_call *call)
{
    bool news;
    bool room = store_has_room(call->env->store, &news);
    if (news)
        log_event(room ? LOG_WARN_LEVEL : LOG_ERROR_LEVEL, room ? "there is room on the disk again" : "the disk is nearly full",
                  LOG_N("min_free", call->env->conf->store_min_free));
    return room ? 0 : CODE_ErrorInsufficientResources;
}
