/*
 * See once.h. A record is the hash of the body, the mailbox of sent copies,
 * then for each item a struct record and its response message.
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

struct once_job {
    struct op_call *call;
    struct op_items *items;
    struct sent_ids *sent;
    const struct op_result *given;
};

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

/* Within the rows of the acting mailbox. */
static void record_key(const struct op_call *call, uint8_t ret_key[SHA256_SIZE])
{
    const struct span parts[] = { SPAN("Idempotency-Key"), { (const char *)call->caller->guid, STORE_GUID_SIZE }, call->once->key };
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

struct head {
    uint8_t body[SHA256_SIZE];
    uint8_t mailbox[GUID_SIZE]; /* of sent copies */
};

/* One item, in front of its message. */
struct record {
    uint64_t length; /* of the message; 0: not done */
    uint64_t code;   /* of a failure that left something */
    uint64_t submitted, uncopied;
    uint64_t folder_no, item_no;
    uint64_t filing_mailbox, draft_no; /* a copy that was promised: what a SendItem of the draft is answered tells */
    uint8_t filing_key[SHA256_SIZE];   /* where it is */
};

static bool take_item(struct span *rest, struct record *ret_record, struct span *ret_message)
{
    if (!take(rest, ret_record, sizeof(*ret_record)) || rest->len < ret_record->length)
        return false;
    *ret_message = (struct span){ rest->ptr, (size_t)ret_record->length };
    rest->ptr += ret_record->length;
    rest->len -= (size_t)ret_record->length;
    return true;
}

/* A copy in another mailbox got its numbers after the record was written. */
static int find_copy(struct op_call *call, struct store_tx *tx, const struct record *record, struct outbox_sent *ret_sent)
{
    struct span answer;
    int r = store_replay_find(tx, call->arena, (int64_t)record->filing_mailbox, record->draft_no, record->filing_key, 0, &answer);
    return r == 0 ? outbox_sent_read(answer, ret_sent) : r < 0 ? r : 0;
}

static int restore(struct op_call *call, struct store_tx *tx, const struct record *record, struct op_result *ret_result,
                   struct outbox_sent *ret_sent)
{
    *ret_result = (struct op_result){ .code = (int)record->code, .kept = true };
    *ret_sent = (struct outbox_sent){ .submitted = record->submitted != 0, .uncopied = record->uncopied != 0,
                                      .folder_no = record->folder_no, .item_no = record->item_no, .replayed = true };
    return record->draft_no ? find_copy(call, tx, record, ret_sent) : 0;
}

static int read_record(const struct once_job *job, struct store_tx *tx, struct span rest)
{
    struct op_call *call = job->call;
    const char *start = rest.ptr;
    struct head head;
    struct record record;
    if (!take(&rest, &head, sizeof(head)))
        return -EBADMSG;
    if (memcmp(head.body, call->once->body, sizeof(head.body)) != 0)
        return refuse(call, CODE_ErrorInvalidRequest, "The Idempotency-Key was given before, with another body.");
    job->sent->mailbox = (const uint8_t *)start + offsetof(struct head, mailbox);
    for (size_t i = 0; i < job->items->n; i++) {
        if (!take_item(&rest, &record, &call->once->messages[i]))
            return -EBADMSG;
        int r = record.length ? restore(call, tx, &record, &job->items->results[i], &job->sent->v[i]) : 0;
        if (r)
            return r;
    }
    return 0;
}

static void add_item(struct buf *out, struct span message, const struct op_result *result, const struct outbox_sent *sent)
{
    struct record record = { .length = message.len, .code = (uint64_t)result->code, .submitted = sent->submitted,
                             .uncopied = sent->uncopied, .folder_no = sent->folder_no, .item_no = sent->item_no };
    if (sent->filing.outbox_no) {
        record.filing_mailbox = (uint64_t)sent->filing.mailbox_id;
        record.draft_no = sent->draft_no;
        memcpy(record.filing_key, sent->replay_key, sizeof(record.filing_key));
    }
    buf_add(out, &record, sizeof(record));
    buf_add_span(out, message);
}

/* One response message by itself, in the arena. */
static int render(struct op_call *call, const struct op_items *items, size_t i, struct span *ret_message)
{
    struct buf text = BUF_INIT(RECORD_MAX);
    struct xml_writer xw, *answer = call->xw;
    xw_init(&xw, &text);
    call->xw = &xw;
    items->verbs->answer(call, i, &items->results[i], items->arg);
    call->xw = answer;
    int r = xw_error(&xw);
    if (r == 0)
        r = buf_error(&text) ? buf_error(&text) : arena_copy(call->arena, buf_span(&text), ret_message);
    buf_done(&text);
    return r;
}

/* Done now: with success, or with a failure that left something. */
static bool is_done(const struct op_result *result)
{
    return (!result->code || result->keep) && !result->kept;
}

static int write_record(const struct once_job *job, struct store_tx *tx, const uint8_t key[SHA256_SIZE])
{
    struct op_call *call = job->call;
    const struct op_items *items = job->items;
    struct buf record = BUF_INIT(RECORD_MAX);
    int r = 0;
    struct head head;
    memcpy(head.body, call->once->body, sizeof(head.body));
    memcpy(head.mailbox, sending_mailbox(call, job->sent), sizeof(head.mailbox));
    buf_add(&record, &head, sizeof(head));
    for (size_t i = 0; r == 0 && i < items->n; i++) {
        struct span *message = &call->once->messages[i];
        if (is_done(&items->results[i]))
            r = render(call, items, i, message);
        add_item(&record, *message, &items->results[i], &job->sent->v[i]);
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

static bool full(const struct op_call *call, struct store_tx *tx)
{
    struct store_replays kept;
    store_replays_seen(store_of(tx), &kept);
    return kept.others >= (uint64_t)call->env->conf->send_replay_max;
}

static int find_record(const struct once_job *job, struct store_tx *tx, const uint8_t key[SHA256_SIZE])
{
    struct op_call *call = job->call;
    struct span record;
    int r = store_replay_find(tx, call->arena, call->mailbox->mailbox_id, 0, key, when_now(), &record);
    if (r == 0)
        return read_record(job, tx, record);
    if (r > 0 && full(call, tx)) {
        call->fault_back_off_ms = FULL_BACK_OFF_MS;
        return refuse(call, CODE_ErrorServerBusy, "No more answers can be kept for requests with an Idempotency-Key. Try again later.");
    }
    return r > 0 ? 0 : r;
}

static int run_job(struct store_tx *tx, void *arg)
{
    const struct once_job *job = arg;
    const struct op_items *items = job->items;
    struct op_once *once = job->call->once;
    uint8_t key[SHA256_SIZE];
    bool done = false;
    memcpy(items->results, job->given, items->n * sizeof(*items->results));
    memset(job->sent->v, 0, items->n * sizeof(*job->sent->v));
    memset(once->messages, 0, items->n * sizeof(*once->messages));
    record_key(job->call, key);
    int r = find_record(job, tx, key);
    once->refused = r > 0;
    if (r || (r = items_run(job->call, tx, items)))
        return r;
    for (size_t i = 0; i < items->n; i++)
        done = done || is_done(&items->results[i]);
    return done ? write_record(job, tx, key) : 0;
}

static int recorded(struct op_call *call, int r, void *arg)
{
    const struct once_job *job = arg;
    struct op_once *once = call->once;
    if (r > 0 && once->refused)
        return items_finish(call, r, job->items);
    if (r < 0) /* what was rendered is not stored */
        memset(once->messages, 0, job->items->n * sizeof(*once->messages));
    return items_finish(call, items_settle(r, job->items, job->given), job->items);
}

int once_write_items(struct op_call *call, struct op_items *items, struct sent_ids *sent)
{
    if (!call->once)
        return items_write(call, items);
    struct once_job *job = arena_alloc(call->arena, sizeof(*job));
    const struct op_result *given = items_results(call, items);
    call->once->messages = arena_array(call->arena, items->n + 1, sizeof(*call->once->messages));
    if (!job || !given || !call->once->messages)
        return items_finish(call, -ENOMEM, items);
    *job = (struct once_job){ call, items, sent, given };
    return op_write_then(call, run_job, job, recorded, job);
}
