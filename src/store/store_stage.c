/*
 * Large bytes on their way in and out (decisions 18). In: a piece per
 * transaction before the one that will refer to them, so that no other request
 * waits behind more than a piece. Out: content whose last reference went away
 * keeps its pieces for the sweep, which takes a few at a time. `garbage` lists
 * the content that has pieces and no reference; whoever refers to it takes it
 * off the list in the same transaction.
 */
#include "store/store_content.h"

#include "model/code.h"
#include "store/store_core.h"
#include "store/store_item.h"

#include <errno.h>

#define STAGE_LIFE_MS 3600000 /* far beyond the longest request */
#define SWEEP_PIECES 4
#define TIDY_PIECES 4 /* or a checkpoint has so many that the writer stands still for long */

struct stage {
    int64_t mailbox_id;
    uint64_t content_no;
    uint32_t part;
    uint32_t seq;
    struct span piece;
    struct store *store;
};

static int begin_job(struct store_tx *tx, void *arg)
{
    struct stage *stage = arg;
    uint64_t change = 0;
    int r = store_take_numbers(tx, stage->mailbox_id, 1, STORE_NO_GROWTH, &stage->content_no, &change);

    return r == 0 ? content_to_sweep(tx, stage->mailbox_id, stage->content_no, when_now() + STAGE_LIFE_MS) : r;
}

/* Only while the content is on the list: when its mailbox is removed meanwhile,
 * nothing is left behind that nobody would sweep. */
static int piece_job(struct store_tx *tx, void *arg)
{
    const struct stage *stage = arg;
    int64_t written = 0;
    int r = sql_run(tx, SQL_chunk_stage,
                    ARGS(V_INT(stage->mailbox_id), V_INT(stage->content_no), V_INT(stage->part), V_INT(stage->seq),
                         V_BLOB(stage->piece)),
                    &written);

    return r == 0 && written == 0 ? -ENOENT : r;
}

static int stage_piece(void *arg, struct span piece)
{
    struct stage *stage = arg;

    stage->piece = piece;
    int r = store_write(stage->store, piece_job, stage);
    stage->seq++;
    if (r == 0 && stage->store->driver->tidy && stage->seq % TIDY_PIECES == 0)
        stage->store->driver->tidy(stage->store->db);
    return r;
}

/* All of it, under the stage's number, which is made when it has none. */
static int stage_bytes(struct stage *stage, uint32_t part, struct source *source, struct span bytes)
{
    int r = stage->content_no == 0 ? store_write(stage->store, begin_job, stage) : 0;

    stage->part = part;
    stage->seq = 0;
    return r == 0 ? source_each(source, bytes, stage_piece, stage) : r;
}

bool content_is_long(uint64_t len)
{
    return len > STORE_STAGE_MIN;
}

int store_stage_attachment(struct store *store, int64_t mailbox_id, struct attachment *attachment)
{
    struct stage stage = { .mailbox_id = mailbox_id, .store = store };

    if (attachment->item) {
        attachment->item->mailbox_id = mailbox_id;
        return store_stage_item(store, attachment->item);
    }
    if (!content_is_long(attachment->source ? attachment->source->len : attachment->data.len))
        return 0;
    int r = stage_bytes(&stage, PART_DATA, attachment->source, attachment->data);
    attachment->staged_no = stage.content_no;
    return r;
}

int store_stage_item(struct store *store, struct item *item)
{
    const struct {
        uint32_t part;
        struct source *source;
        struct span bytes;
    } parts[] = { { PART_BODY, item->body_source, item->body }, { PART_MIME, item->mime_source, item->mime } };
    struct stage stage = { .mailbox_id = item->mailbox_id, .store = store };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++)
        if (content_is_long(parts[i].bytes.len))
            r = stage_bytes(&stage, parts[i].part, parts[i].source, parts[i].bytes);
    item->staged_no = stage.content_no;
    for (size_t i = 0; r == 0 && i < item->attachments.n; i++)
        r = store_stage_attachment(store, item->mailbox_id, &item->attachments.v[i]);
    return r;
}

static int discard_job(struct store_tx *tx, void *arg)
{
    const struct item *item = arg;
    int r = 0;

    if (item->staged_no != 0)
        r = sql_run(tx, SQL_garbage_due, ARGS(V_INT(item->mailbox_id), V_INT(item->staged_no)), NULL);
    for (size_t i = 0; r == 0 && i < item->attachments.n; i++) {
        const struct attachment *attachment = &item->attachments.v[i];
        if (attachment->item)
            r = discard_job(tx, attachment->item);
        else if (attachment->staged_no != 0)
            r = sql_run(tx, SQL_garbage_due, ARGS(V_INT(item->mailbox_id), V_INT(attachment->staged_no)), NULL);
    }
    return r;
}

static bool is_staged(const struct item *item)
{
    bool any = item->staged_no != 0;

    for (size_t i = 0; !any && i < item->attachments.n; i++) {
        const struct attachment *attachment = &item->attachments.v[i];
        any = attachment->item ? is_staged(attachment->item) : attachment->staged_no != 0;
    }
    return any;
}

int store_stage_discard(struct store *store, struct item *item)
{
    return is_staged(item) ? store_write(store, discard_job, item) : 0;
}

int content_to_sweep(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no, int64_t when)
{
    return sql_run(tx, SQL_garbage_put, ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(when)), NULL);
}

int content_adopt(struct store_tx *tx, int64_t mailbox_id, uint64_t content_no)
{
    int64_t taken = 0;
    int r = sql_run(tx, SQL_garbage_take, ARGS(V_INT(mailbox_id), V_INT(content_no)), &taken);

    return r == 0 && taken == 0 ? CODE_ErrorInternalServerTransientError : r;
}

int store_sweep(struct store_tx *tx, int64_t now, bool *ret_more)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int64_t swept = 0;
    int r = sql_open(tx, SQL_garbage_next, ARGS(V_INT(now)), &sql);

    *ret_more = false;
    if (r == 0)
        r = sql_next(&sql);
    if (r <= 0)
        return r;
    const struct store_value args[] = { V_INT(sql_int(&sql, 0)), V_INT(sql_int(&sql, 1)), V_INT(SWEEP_PIECES) };
    sql_close(&sql);
    *ret_more = true;
    r = sql_run(tx, SQL_chunk_sweep, args, 3, &swept);
    return r == 0 && swept < SWEEP_PIECES ? sql_run(tx, SQL_garbage_take, args, 2, NULL) : r;
}
