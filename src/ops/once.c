/*
 * See once.h. A record is the hash of the body, then for each item the length
 * of its response message (0: it was not done), the numbers of its sent copy,
 * which the header of the answer tells, and the message.
 */
#include "ops/once.h"

#include "store/store_outbox.h"

#define HOUR_MS 3600000
#define RECORD_MAX (8u << 20)
#define FULL_BACK_OFF_MS 60000

struct op_once *op_once_new(struct arena *arena, struct span key, struct span body)
{
    struct op_once *once = arena_alloc(arena, sizeof(*once));
    if (!once)
        return NULL;
    once->key = key;
    sha256_parts(&body, 1, once->body);
    return once;
}

static bool key_ok(struct span key)
{
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] < ' ' || key.ptr[i] > '~')
            return false;
    return key.len > 0 && key.len <= ONCE_KEY_MAX;
}

static int refuse(struct op_call *call, int code, const char *text)
{
    call->fault_text = text;
    return code;
}

int once_check(struct op_call *call, size_t n)
{
    if (!call->once)
        return 0;
    if (!key_ok(call->once->key))
        return refuse(call, CODE_ErrorInvalidRequest, "The Idempotency-Key is not 1 to 255 printable characters of ASCII.");
    if (n > ONCE_ITEMS_MAX)
        return refuse(call, CODE_ErrorInvalidRequest, "A request with an Idempotency-Key has at most 1000 items.");
    return 0;
}

/* ---- records ---- */

static void record_key(const struct op_call *call, uint8_t ret_key[SHA256_SIZE])
{
    const struct span parts[] = { SPAN("Idempotency-Key"), { (const char *)call->mailbox->guid, STORE_GUID_SIZE }, call->once->key };
    sha256_parts(parts, ARRAY_LEN(parts), ret_key);
}

static bool take(struct span *rest, void *to, size_t len)
{
    if (rest->len < len)
        return false;
    memcpy(to, rest->ptr, len);
    rest->ptr += len;
    rest->len -= len;
    return true;
}

enum { LENGTH, SUBMITTED, FOLDER_NO, ITEM_NO, ITEM_NUMBERS };

static bool take_item(struct span *rest, struct span *ret_message, struct outbox_sent *ret_sent)
{
    uint64_t numbers[ITEM_NUMBERS];
    if (!take(rest, numbers, sizeof(numbers)) || rest->len < numbers[LENGTH])
        return false;
    *ret_message = (struct span){ rest->ptr, (size_t)numbers[LENGTH] };
    *ret_sent = (struct outbox_sent){ .submitted = numbers[SUBMITTED] != 0, .folder_no = numbers[FOLDER_NO],
                                      .item_no = numbers[ITEM_NO], .replayed = true };
    rest->ptr += numbers[LENGTH];
    rest->len -= (size_t)numbers[LENGTH];
    return true;
}

static int read_record(struct op_call *call, struct span record, const struct once_items *items)
{
    uint8_t body[SHA256_SIZE];
    if (!take(&record, body, sizeof(body)))
        return -EBADMSG;
    if (memcmp(body, call->once->body, sizeof(body)) != 0)
        return refuse(call, CODE_ErrorInvalidRequest, "The Idempotency-Key was given before, with another body.");
    for (size_t i = 0; i < items->n; i++) {
        struct span *message = &call->once->messages[i];
        if (!take_item(&record, message, &items->sent[i]))
            return -EBADMSG;
        if (message->len)
            items->results[i] = (struct op_result){ .kept = true };
    }
    return 0;
}

static void add_item(struct buf *out, struct span message, const struct outbox_sent *sent)
{
    const uint64_t numbers[ITEM_NUMBERS] = { [LENGTH] = message.len, [SUBMITTED] = sent->submitted, [FOLDER_NO] = sent->folder_no,
                                             [ITEM_NO] = sent->item_no };
    buf_add(out, numbers, sizeof(numbers));
    buf_add_span(out, message);
}

/* One response message by itself, in the arena. */
static int render(struct op_call *call, const struct once_items *items, size_t i, struct span *ret_message)
{
    struct buf text = BUF_INIT(RECORD_MAX);
    struct xml_writer xw, *answer = call->xw;
    xw_init(&xw, &text);
    call->xw = &xw;
    items->answer(call, i, &items->results[i], items->arg);
    call->xw = answer;
    int r = xw_error(&xw);
    if (r == 0)
        r = buf_error(&text) ? buf_error(&text) : arena_copy(call->arena, buf_span(&text), ret_message);
    buf_done(&text);
    return r;
}

static int write_record(struct op_call *call, struct store_tx *tx, const uint8_t key[SHA256_SIZE], const struct once_items *items)
{
    struct buf record = BUF_INIT(RECORD_MAX);
    int r = 0;
    buf_add(&record, call->once->body, sizeof(call->once->body));
    for (size_t i = 0; r == 0 && i < items->n; i++) {
        struct span *message = &call->once->messages[i];
        if (!items->results[i].code && !items->results[i].kept)
            r = render(call, items, i, message);
        add_item(&record, *message, &items->sent[i]);
    }
    if (r == 0)
        r = buf_error(&record);
    if (r == 0)
        r = store_replay_put(tx, call->mailbox->mailbox_id, 0, key, buf_span(&record),
                             when_now() + call->env->conf->send_replay_hours * HOUR_MS);
    buf_done(&record);
    return r;
}

/* ---- the job ---- */

struct once_job {
    struct op_call *call;
    const struct once_items *items;
    const struct op_result *given;
};

static bool full(const struct op_call *call, struct store_tx *tx)
{
    struct store_replays kept;
    store_replays_seen(store_of(tx), &kept);
    return kept.others >= (uint64_t)call->env->conf->send_replay_max;
}

static int find_record(struct op_call *call, struct store_tx *tx, const uint8_t key[SHA256_SIZE], const struct once_items *items)
{
    struct span record;
    int r = store_replay_find(tx, call->arena, call->mailbox->mailbox_id, 0, key, when_now(), &record);
    if (r == 0)
        return read_record(call, record, items);
    if (r > 0 && full(call, tx)) {
        call->fault_back_off_ms = FULL_BACK_OFF_MS;
        return refuse(call, CODE_ErrorServerBusy, "No more answers can be kept for requests with an Idempotency-Key. Try again later.");
    }
    return r > 0 ? 0 : r;
}

static int run_job(struct store_tx *tx, void *arg)
{
    const struct once_job *job = arg;
    const struct once_items *items = job->items;
    uint8_t key[SHA256_SIZE];
    bool done = false;
    memcpy(items->results, job->given, items->n * sizeof(*items->results));
    memset(items->sent, 0, items->n * sizeof(*items->sent));
    memset(job->call->once->messages, 0, items->n * sizeof(*job->call->once->messages));
    record_key(job->call, key);
    int r = find_record(job->call, tx, key, items);
    job->call->once->refused = r > 0;
    if (r || (r = op_run_items(job->call, tx, items->n, items->results, items->item, items->arg)))
        return r;
    for (size_t i = 0; i < items->n; i++)
        done = done || (!items->results[i].code && !items->results[i].kept);
    return done ? write_record(job->call, tx, key, items) : 0;
}

int once_write_items(struct op_call *call, const struct once_items *items)
{
    if (!call->once)
        return op_write_items(call, items->n, items->results, items->item, items->arg);
    struct op_result *given = arena_array(call->arena, items->n + 1, sizeof(*given));
    call->once->messages = arena_array(call->arena, items->n + 1, sizeof(*call->once->messages));
    if (!given || !call->once->messages)
        return -ENOMEM;
    memcpy(given, items->results, items->n * sizeof(*given));
    struct once_job job = { call, items, given };
    int r = store_write(call->env->store, run_job, &job);
    if (r > 0 && call->once->refused)
        return r;
    return op_write_failed(r, items->n, given, items->results);
}

void once_answer_items(struct op_call *call, const struct once_items *items)
{
    op_messages_begin(call);
    for (size_t i = 0; i < items->n; i++) {
        if (call->once && call->once->messages[i].len)
            xw_raw(call->xw, call->once->messages[i]);
        else
            items->answer(call, i, &items->results[i], items->arg);
    }
    op_messages_end(call);
}
