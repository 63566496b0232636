/*
 * See items.h.
 */
#include "ops/items.h"

#include "base/log.h"

#include <errno.h>

int items_of(struct op_call *call, const char *list, const struct op_verbs *verbs, void *arg, struct op_items **ret_items)
{
    const struct xml_node *parent = xml_child(call->node, list);
    size_t n = parent ? xml_count(parent) : 0, i = 0;
    struct op_items *items = arena_alloc(call->arena, sizeof(*items));
    if (!items)
        return -ENOMEM;
    items->n = n;
    items->verbs = verbs;
    items->arg = arg;
    items->nodes = arena_array(call->arena, n + 1, sizeof(*items->nodes));
    items->results = arena_array(call->arena, n + 1, sizeof(*items->results));
    if (!items->nodes || !items->results)
        return -ENOMEM;
    for (const struct xml_node *c = parent ? parent->child : NULL; c; c = c->next)
        items->nodes[i++] = c;
    *ret_items = items;
    return 0;
}

/* ---- the loop ---- */

static int run_item(struct op_call *call, struct store_tx *tx, const struct op_items *items, size_t i)
{
    struct op_result *result = &items->results[i];
    result->more = result->undo = false;
    int r = items->verbs->item(call, tx, i, result, items->arg);
    if (r < 0)
        return r;
    if (r > 0) {
        result->code = r;
        result->more = false;
    }
    return result->keep ? 0 : result->undo ? CODE_ErrorMoveCopyFailed : result->code;
}

static int run_guarded(struct op_call *call, struct store_tx *tx, const struct op_items *items, size_t i)
{
    int r = store_savepoint(tx);
    if (r)
        return r;
    r = run_item(call, tx, items, i);
    if (r == -EXDEV && items->splits && i > items->from) { /* into another mailbox: in the next job */
        items->results[i] = (struct op_result){ .more = true };
        return store_savepoint_rollback(tx);
    }
    if (r < 0)
        return r;
    return r ? store_savepoint_rollback(tx) : store_savepoint_release(tx);
}

int items_run(struct op_call *call, struct store_tx *tx, const struct op_items *items)
{
    struct op_result *results = items->results;
    bool stopped = false;
    access_forget(call);
    if (items->n == 1) /* the job undoes what its only item wrote */
        return results[0].code || results[0].kept ? 0 : run_item(call, tx, items, 0);
    for (size_t i = items->from; i < items->n; i++) {
        if (stopped && !results[i].kept)
            results[i] = (struct op_result){ .code = CODE_ErrorBatchProcessingStopped };
        else if (!results[i].code && !results[i].kept) {
            int r = run_guarded(call, tx, items, i);
            if (r)
                return r;
        }
        if (results[i].more)
            break;
        stopped = stopped || code_stops_batch(results[i].code);
    }
    return 0;
}

/* No job is needed to know what follows a code that stops the batch. */
static void stop_batch(const struct op_items *items)
{
    bool stopped = false;
    for (size_t i = 0; i < items->n; i++) {
        if (stopped)
            items->results[i] = (struct op_result){ .code = CODE_ErrorBatchProcessingStopped };
        stopped = stopped || code_stops_batch(items->results[i].code);
    }
}

/* ---- the job ---- */

struct items_job {
    struct op_call *call;
    struct op_items *items;
    struct op_result *given; /* the results as the last commit left them */
};

static int run_job(struct store_tx *tx, void *arg)
{
    const struct items_job *job = arg;
    memcpy(job->items->results, job->given, job->items->n * sizeof(*job->given));
    job->items->budget = ITEMS_BUDGET;
    job->items->splits = true;
    return items_run(job->call, tx, job->items);
}

int items_settle(int r, const struct op_items *items, const struct op_result *given)
{
    if (r == -ENOMEM)
        return r;
    if (r >= 0)
        return 0;
    log_event(LOG_ERROR_LEVEL, "write-failed", LOG_S("error", err_text(r)));
    for (size_t i = items->from; i < items->n; i++)
        items->results[i] = (struct op_result){ .code = given[i].code ? given[i].code : op_code_of(r) };
    return 0;
}

struct op_result *items_results(struct op_call *call, const struct op_items *items)
{
    struct op_result *given = arena_array(call->arena, items->n + 1, sizeof(*given));
    if (given)
        memcpy(given, items->results, items->n * sizeof(*given));
    return given;
}

int items_finish(struct op_call *call, int r, struct op_items *items)
{
    if (items->verbs->finish)
        return items->verbs->finish(call, r, items);
    return r ? r : items_answer(call, items);
}

/* What was committed so far stands, whatever becomes of the rest. */
static bool goes_on(int r, const struct items_job *job)
{
    struct op_items *items = job->items;
    size_t at = items->from;
    while (at < items->n && !items->results[at].more)
        at++;
    if (r < 0 || at == items->n)
        return false;
    items->from = at;
    memcpy(job->given, items->results, items->n * sizeof(*job->given));
    return true;
}

static int written(struct op_call *call, int r, void *arg);

static int write_items(struct op_call *call, struct items_job *job)
{
    while (!call->asked->go_on) { /* so that no step stands on the stack of another */
        int r = store_write(call->env->store, run_job, job);
        if (!goes_on(r, job))
            return items_finish(call, items_settle(r, job->items, job->given), job->items);
    }
    return op_write_then(call, run_job, job, written, job);
}

static int written(struct op_call *call, int r, void *arg)
{
    struct items_job *job = arg;
    return goes_on(r, job) ? write_items(call, job) : items_finish(call, items_settle(r, job->items, job->given), job->items);
}

static bool any_to_try(const struct op_items *items)
{
    for (size_t i = 0; i < items->n; i++)
        if (!items->results[i].code)
            return true;
    return false;
}

int items_write(struct op_call *call, struct op_items *items)
{
    if (!any_to_try(items)) {
        stop_batch(items);
        return items_finish(call, 0, items);
    }
    struct items_job *job = arena_alloc(call->arena, sizeof(*job));
    struct op_result *given = items_results(call, items);
    if (!job || !given)
        return items_finish(call, -ENOMEM, items);
    *job = (struct items_job){ call, items, given };
    return write_items(call, job);
}

int items_answer(struct op_call *call, const struct op_items *items)
{
    const struct span *messages = call->once ? call->once->messages : NULL;
    op_messages_begin(call);
    for (size_t i = 0; i < items->n; i++) {
        if (messages && messages[i].len)
            op_message_kept(call, messages[i]);
        else
            items->verbs->answer(call, i, &items->results[i], items->arg);
    }
    op_messages_end(call);
    return 0;
}
