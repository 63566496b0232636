/*
 * The frame: envelope, dispatch by ops.def, response messages, metrics and the
 * log line of a request that failed.
 */
#include "ops/op.h"

#include "base/log.h"
#include "base/err.h"
#include "base/metrics.h"
#include "ops/call.h"
#include "ops/fault.h"
#include "ops/impersonation.h"

#include <stdio.h>

static const struct op ops[] = {
#define OP(name, file, list, payload) \
    { #name, "m:" #name "Response", "m:" #name "ResponseMessage", list, payload, op_run_##name },
#include "ops/ops.def"
#undef OP
};

/* As they are counted: numbers of operations are those of the rows, from 1 on. */
static const char *const op_names[] = {
    "none",
#define OP(name, file, list, payload) #name,
#include "ops/ops.def"
#undef OP
};
static const char *const code_names[] = {
#define CODE(name, text, stops) #name,
#include "model/codes.def"
#undef CODE
    "other",
};

static const struct op *op_find(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (span_is(name, ops[i].name))
            return &ops[i];
    return NULL;
}

const char *op_name(struct span name)
{
    const struct op *op = op_find(name);
    return op ? op->name : NULL;
}

bool op_is_served(struct span name)
{
    return op_find(name) != NULL;
}

void op_env_init(struct op_env *env, struct store *store, const struct conf *conf, struct outbox *outbox)
{
    *env = (struct op_env){ .store = store, .conf = conf, .outbox = outbox };
    mac_key_init(&env->id_key, store_id_secret(store));
    metric_names(METRIC_LABEL_operation, op_names, ARRAY_LEN(op_names));
    metric_names(METRIC_LABEL_code, code_names, ARRAY_LEN(code_names));
}

void op_count_fault(unsigned operation, struct span code)
{
    unsigned i = 0;
    while (i < CODE_COUNT && !span_is(code, code_names[i]))
        i++;
    metric_add(METRIC_soap_faults, 1);
    metric_add_by(METRIC_response_codes, operation, i, 1);
    if (operation == 0)
        metric_add_by(METRIC_requests, 0, 0, 1);
}

void op_messages_begin(struct op_call *call)
{
    xw_open(call->xw, "m:ResponseMessages");
}

void op_messages_end(struct op_call *call)
{
    xw_close(call->xw);
}

static void write_uri(struct op_call *call, const char *element, const char *uri)
{
    xw_open(call->xw, element);
    xw_attr_str(call->xw, "FieldURI", uri);
    xw_close(call->xw);
}

static const char *uri_of_element(const struct xml_node *node)
{
    const struct prop_info *prop = prop_by_element(node->name);
    const struct detail_info *detail = node->parent ? detail_find(kind_by_element(node->parent->name), node->name) : NULL;
    const char *folder = folder_uri(node);
    return folder ? folder : detail ? detail->uri : prop ? prop->uri : NULL;
}

/* The path itself, where a path or an extended property is meant. */
static const struct xml_node *path_of(const struct xml_node *culprit)
{
    static const char *const paths[] = { "FieldURI", "IndexedFieldURI", "ExtendedFieldURI" };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (xml_is(culprit, XML_NS_T, paths[i]))
            return culprit;
    return xml_child(culprit, "ExtendedFieldURI");
}

/* What MessageXml names: the path of a property; of an attachment, its name. */
static void write_culprit(struct op_call *call, const struct xml_node *culprit)
{
    const struct xml_node *path = path_of(culprit);
    const char *uri = uri_of_element(culprit);
    bool attachment = xml_is(culprit, XML_NS_T, "FileAttachment") || xml_is(culprit, XML_NS_T, "ItemAttachment");
    if (!path && !uri && !attachment)
        return;
    xw_open(call->xw, "m:MessageXml");
    if (path)
        xw_node(call->xw, path);
    else if (attachment)
        write_uri(call, "t:ExceptionFieldURI", "attachment:Name");
    else
        write_uri(call, "t:FieldURI", uri);
    xw_close(call->xw);
}

static void write_back_off(struct op_call *call, int64_t back_off_ms)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)back_off_ms);
    xw_open(call->xw, "m:MessageXml");
    xw_open(call->xw, "t:Value");
    xw_attr_str(call->xw, "Name", "BackOffMilliseconds");
    xw_text(call->xw, (struct span){ text, (size_t)len });
    xw_close(call->xw);
    xw_close(call->xw);
}

static void count_code(struct op_codes *codes, int code)
{
    unsigned i = 0;
    while (i < codes->n && codes->v[i].code != code)
        i++;
    if (i == OP_CODES_MAX) {
        codes->others++;
        return;
    }
    codes->v[i].code = code;
    codes->v[i].n++;
    codes->n = i < codes->n ? codes->n : i + 1;
}

void op_codes_write(const struct op_codes *codes, struct buf *out)
{
    for (unsigned i = 0; i < codes->n; i++)
        buf_printf(out, "%s%s:%u", i ? "," : "", code_name(codes->v[i].code), codes->v[i].n);
    if (codes->others)
        buf_printf(out, ",others:%u", codes->others);
}

/* One response message more. */
static void count_item(struct op_call *call, int code)
{
    metric_add_by(METRIC_response_codes, call->number, (unsigned)code, 1);
    call->reply->items++;
    count_code(&call->reply->codes, code);
}

void op_message_begin(struct op_call *call, const char *element, const struct op_result *result)
{
    struct xml_writer *xw = call->xw;
    bool ok = result->code == 0, warning = result->warning || result->code == CODE_ErrorBatchProcessingStopped;
    count_item(call, result->code);
    xw_open(xw, element);
    xw_attr_str(xw, "ResponseClass", ok ? "Success" : warning ? "Warning" : "Error");
    if (!ok)
        xw_leaf_str(xw, "m:MessageText", result->text ? result->text : code_text(result->code));
    xw_leaf_str(xw, "m:ResponseCode", code_name(result->code));
    if (ok)
        return;
    xw_leaf_int(xw, "m:DescriptiveLinkKey", 0);
    if (result->back_off_ms)
        write_back_off(call, result->back_off_ms);
    else if (result->culprit)
        write_culprit(call, result->culprit);
}

void op_message_end(struct op_call *call)
{
    xw_close(call->xw);
}

void op_message_kept(struct op_call *call, struct span message)
{
    count_item(call, 0);
    xw_raw(call->xw, message);
}

void op_empty(struct op_call *call, const char *element)
{
    xw_open(call->xw, element);
    xw_close(call->xw);
}

int op_code_of(int r)
{
    switch (r) {
    case -EIO:
        return CODE_ErrorInternalServerTransientError;
    case -ENOSPC:
        return CODE_ErrorInsufficientResources;
    case -EUCLEAN:
        return CODE_ErrorCorruptData;
    default:
        return r >= 0 ? r : CODE_ErrorInternalServerError;
    }
}

static void wake(struct store_pending *pending)
{
    const struct op_call *call = (const struct op_call *)((char *)pending - offsetof(struct op_call, pending));
    call->asked->go_on(call->asked->arg);
}

int op_write_then(struct op_call *call, store_job *job, void *job_arg, op_then *then, void *arg)
{
    if (!call->asked->go_on)
        return then(call, store_write(call->env->store, job, job_arg), arg);
    call->then = then;
    call->then_arg = arg;
    call->pending =
        (struct store_pending){ .job = job, .arg = job_arg, .done = wake, .mailbox_id = call->caller->mailbox_id };
    store_write_later(call->env->store, &call->pending);
    return OP_LATER;
}

static struct soap_server server_of(const struct conf *conf)
{
    return (struct soap_server){ conf->soap_version_major, conf->soap_version_minor, conf->soap_build_major, conf->soap_build_minor,
                                 span_of(conf->soap_version_string) };
}

static int write_fault(struct op_call *call, int code)
{
    struct buf *body = call->body;
    struct soap_server server = server_of(call->env->conf);
    struct soap_fault fault = soap_fault_make(code_name(code), call->fault_text ? call->fault_text : code_text(code));
    fault.back_off_ms = call->fault_back_off_ms;
    buf_clear(body);
    soap_fault_write(body, &server, call->request->shape_2007, &fault);
    metric_add(METRIC_soap_faults, 1);
    metric_add_by(METRIC_response_codes, call->number, (unsigned)code, 1);
    call->reply->status = 500;
    call->reply->headers_n = 0;
    call->reply->items = 0;
    call->reply->codes = (struct op_codes){ 0 };
    count_code(&call->reply->codes, code);
    return buf_error(body);
}

void op_reply_add(struct op_reply *reply, const char *name, const char *value)
{
    if (reply->headers_n < OP_HEADERS_MAX)
        reply->headers[reply->headers_n++] = (struct op_header){ name, value };
}

/* Behind the last response message. */
static int close_answer(struct op_call *call)
{
    xw_close(call->xw);
    soap_envelope_end(call->xw);
    int r = xw_error(call->xw);
    return r ? r : buf_error(call->body);
}

static int run(struct op_call *call)
{
    struct soap_server server = server_of(call->env->conf);
    soap_envelope_begin(call->xw, &server);
    xw_open(call->xw, call->op->answer);
    int r = call->asked->fault ? fault_run(call, call->asked->fault) : call->op->run(call);
    return r ? r : close_answer(call);
}

/* Before anything is done: whatever the items are, each takes the writer's time,
 * and everybody waits for that. */
static int check_items(struct op_call *call)
{
    const int64_t limit = call->env->conf->soap_max_items;
    struct span text;
    for (const struct xml_node *list = call->node->child; list; list = list->next) {
        if (xml_count(list) <= (size_t)limit)
            continue;
        int r = arena_printf(call->arena, &text, "The request has %zu items; the limit is %lld.", xml_count(list), (long long)limit);
        if (r == 0)
            call->fault_text = text.ptr;
        return r ? r : CODE_ErrorInvalidRequest;
    }
    return 0;
}

static int answer(struct op_call *call)
{
    int r = call->request->impersonation ? impersonation_resolve(call, &call->own.mailbox) : 0;
    if (r || (r = check_items(call)))
        return r;
    if (call->request->impersonation)
        call->reply->acting = call->mailbox->address;
    call->ids.mailbox = call->mailbox->guid;
    call->ids.own_domain = rcpt_address_domain(call->mailbox->address);
    return call->op ? run(call) : CODE_ErrorInvalidOperation;
}

/* Once per answer (protocol.md 2.8; decisions 10). */
static void warn(struct op_call *call)
{
    struct span request_id = call->asked->id;
    if (call->unfiled)
        log_event(LOG_WARN_LEVEL, "copies-filed-later", LOG_V("request", request_id), LOG_V("caller", call->caller->address));
    if (!call->uncopied)
        return;
    op_reply_add(call->reply, "X-Ewsd-Warning",
                 "sent without a copy: draft and save folder are in different mailboxes; "
                 "name the draft's mailbox in DistinguishedFolderId");
    log_event(LOG_WARN_LEVEL, "sent-without-copy", LOG_V("request", request_id), LOG_V("caller", call->caller->address),
              LOG_V("mailbox", call->mailbox->address), LOG_N("items", call->uncopied));
}

/* What became of it: warnings, the log, and a fault where there is no answer. */
static int conclude(struct op_call *call, int r)
{
    struct span id = call->asked->id;
    if (r == 0)
        warn(call);
    if (call->request->impersonation)
        log_event(LOG_INFO_LEVEL, "impersonation", LOG_V("request", id), LOG_V("caller", call->caller->address),
                  LOG_V("mailbox", call->mailbox->address), LOG_S("result", code_name(r > 0 ? r : 0)));
    if (r < 0)
        log_event(LOG_ERROR_LEVEL, "request-failed", LOG_V("request", id), LOG_S("op", call->reply->op), LOG_S("error", err_text(r)));
    if (r == -EFBIG)
        return r;
    return r ? write_fault(call, r == -ENOMEM ? CODE_ErrorNotEnoughMemory : op_code_of(r)) : 0;
}

int op_dispatch(const struct op_request *request, struct buf *body, struct op_reply *ret_reply, struct op_call **ret_call)
{
    const struct op *op = op_find(request->soap->operation->name);
    struct op_call *call = arena_alloc(request->arena, sizeof(*call));
    if (!call)
        return -ENOMEM;
    *ret_call = call;
    *call = (struct op_call){
        .asked = request, .op = op, .env = request->env, .caller = &request->caller->mailbox, .arena = request->arena, .request = request->soap,
        .node = request->soap->operation, .xw = &call->writer, .body = body,
        .own = { .mailbox = request->caller->mailbox, .own = true }, .level = shape_level_of(request->soap->version),
        .reply = ret_reply, .once = request->once,
        .ids = { .key = &request->env->id_key, .epoch = store_epoch(request->env->store) },
    };
    xw_init(&call->writer, body);
    call->mailbox = &call->own.mailbox;
    call->number = op ? (unsigned)(op - ops) + 1 : 0;
    *ret_reply = (struct op_reply){ .status = 200, .op = op ? op->name : "", .number = call->number };
    metric_add_by(METRIC_requests, call->number, 0, 1);
    int r = answer(call);
    return r == OP_LATER ? r : conclude(call, r);
}

int op_go_on(struct op_call *call)
{
    int r = call->then(call, call->pending.result, call->then_arg);
    return r == OP_LATER ? r : conclude(call, r ? r : close_answer(call));
}
