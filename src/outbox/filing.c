/*
 * See filing.h. A recipient of kind `file` has the mailbox' primary address as
 * its address and the number of the folder as its name.
 */
#include "outbox/filing.h"

#include "store/store_mail.h"

#include <errno.h>

#define OWN_TIME_MS 10000 /* the runner leaves a copy to outbox_file for so long */
#define MARK_LIFE_MS (30 * 86400000LL)

struct sent_record sent_to_record(const struct outbox_sent *sent)
{
    return (struct sent_record){ sent->folder_no, sent->item_no, sent->uncopied };
}

int outbox_sent_read(struct span bytes, struct outbox_sent *ret_sent)
{
    struct sent_record record;
    if (bytes.len != sizeof(record))
        return -EBADMSG;
    memcpy(&record, bytes.ptr, sizeof(record));
    *ret_sent = (struct outbox_sent){ .submitted = true, .folder_no = record.folder_no, .item_no = record.item_no,
                                      .uncopied = record.uncopied != 0, .replayed = true };
    return 0;
}

int filing_add(const struct outbox_submit *submit, struct store_outbox *entry)
{
    struct span folder;
    int r = arena_printf(submit->arena, &folder, "%llu", (unsigned long long)submit->save_folder);
    if (r)
        return r;
    entry->rcpts[entry->rcpts_n++] = (struct store_outbox_rcpt){
        .address = submit->save_mailbox->address,
        .name = folder,
        .kind = STORE_RCPT_FILE,
        .state = STORE_RCPT_QUEUED,
        .next_attempt = entry->created + OWN_TIME_MS,
    };
    return 0;
}

/* ---- writing it ---- */

static int mark(struct store_tx *tx, const struct store_outbox *entry, int64_t mailbox_id)
{
    const uint64_t numbers[] = { (uint64_t)entry->mailbox_id, entry->outbox_no };
    const struct span parts[] = { SPAN("file"), { (const char *)numbers, sizeof(numbers) } };
    uint8_t key[SHA256_SIZE];
    sha256_parts(parts, ARRAY_LEN(parts), key);
    return store_delivery_mark(tx, mailbox_id, key, when_now() + MARK_LIFE_MS);
}

/* A folder that went meanwhile leaves Sent Items. There was room when the copy
 * was promised. */
static int insert(struct store_tx *tx, struct item *copy, struct span folder)
{
    int64_t no;
    if (!span_int(folder, false, 1, INT64_MAX, &no))
        no = FOLDER_ROLE_sentitems;
    copy->folder_no = (uint64_t)no;
    int r = store_item_insert_unlimited(tx, copy);
    if (r != CODE_ErrorFolderNotFound)
        return r;
    copy->folder_no = FOLDER_ROLE_sentitems;
    return store_item_insert_unlimited(tx, copy);
}

int filing_write(struct store_tx *tx, struct arena *arena, const struct store_outbox *entry, const struct item *item,
                 const struct store_outbox_rcpt *rcpt, struct item *ret_copy)
{
    struct store_mailbox mailbox;
    *ret_copy = *item;
    ret_copy->item_no = ret_copy->content_no = ret_copy->change_no = ret_copy->key_no = 0;
    int r = store_mailbox_by_address(tx, arena, rcpt->address, &mailbox);
    if (r)
        return r < 0 ? r : 1;
    ret_copy->mailbox_id = mailbox.mailbox_id;
    r = mark(tx, entry, mailbox.mailbox_id);
    if (r)
        return r < 0 ? r : 0;
    r = insert(tx, ret_copy, rcpt->name);
    return r > 0 ? -EIO : r;
}

/* ---- at once ---- */

#define BATCH 64 /* copies in one job */
#define MEMORY (256u << 20) /* for one message */

struct filing {
    const struct conf *conf;
    struct arena *arena; /* for one message at a time */
    struct outbox_sent *const *sent;
    size_t n;
    uint64_t owner;
    struct {
        uint64_t folder_no, item_no;
    } copies[BATCH];
};

static const struct store_outbox_rcpt *file_rcpt(const struct store_outbox *entry)
{
    for (size_t i = 0; i < entry->rcpts_n; i++)
        if (entry->rcpts[i].kind == STORE_RCPT_FILE)
            return &entry->rcpts[i];
    return NULL;
}

/* A replay will name the copy, too. What UpdateItem sent has no record. */
static int note_copy(struct store_tx *tx, const struct filing *filing, const struct outbox_sent *sent, const struct item *copy)
{
    const struct sent_record record = { copy->folder_no, copy->item_no, 0 };
    struct span answer;
    int r = store_replay_find(tx, filing->arena, sent->filing.mailbox_id, sent->draft_no, sent->replay_key, 0, &answer);
    if (r)
        return r < 0 ? r : 0;
    return store_replay_change(tx, sent->filing.mailbox_id, sent->draft_no, sent->replay_key,
                               (struct span){ (const char *)&record, sizeof(record) },
                               when_now() + filing->conf->send_replay_hours * 3600000);
}

/* One copy, on its way. */
struct sheet {
    struct filing *filing;
    size_t i; /* of filing->sent */
    struct store_outbox entry;
    struct item item; /* with everything loaded */
    const struct store_outbox_rcpt *rcpt;
    struct item copy;
};

/* 1: there is nothing to be filed any more. */
static int load(struct store_tx *tx, struct sheet *sheet)
{
    int r = store_outbox_load(tx, sheet->filing->arena, sheet->filing->sent[sheet->i]->filing, 0, STORE_ALL, &sheet->entry, &sheet->item);
    sheet->rcpt = r ? NULL : file_rcpt(&sheet->entry);
    return r || sheet->rcpt ? r : 1;
}

/* The lease only keeps the runner and this from settling the same recipient. 1:
 * the runner has it. */
static int hold(struct store_tx *tx, struct sheet *sheet)
{
    int64_t now = when_now();
    return store_outbox_hold(tx, sheet->filing->sent[sheet->i]->filing, sheet->rcpt->no, sheet->filing->owner, now, now + OWN_TIME_MS);
}

static int write_copy(struct store_tx *tx, struct sheet *sheet)
{
    return filing_write(tx, sheet->filing->arena, &sheet->entry, &sheet->item, sheet->rcpt, &sheet->copy);
}

static int settle(struct store_tx *tx, struct sheet *sheet)
{
    const struct store_settle settle = { .no = sheet->rcpt->no, .state = STORE_RCPT_SENT, .status = SPAN("2.0.0 filed") };
    struct filing *filing = sheet->filing;
    uint32_t left;
    int r = store_outbox_settle(tx, &sheet->entry, filing->owner, &settle, 1, &left);
    if (r)
        return r;
    filing->copies[sheet->i].folder_no = sheet->copy.folder_no;
    filing->copies[sheet->i].item_no = sheet->copy.item_no;
    return note_copy(tx, filing, filing->sent[sheet->i], &sheet->copy);
}

/* All of it in one job, which no other node can see half of. */
static int file_job(struct store_tx *tx, void *arg)
{
    struct filing *filing = arg;
    int r = 0;
    memset(filing->copies, 0, sizeof(filing->copies));
    for (size_t i = 0; r >= 0 && i < filing->n; i++) {
        struct sheet sheet = { .filing = filing, .i = i };
        r = filing->sent[i]->filing.outbox_no ? load(tx, &sheet) : 1;
        if (r == 0)
            r = hold(tx, &sheet);
        if (r == 0)
            r = write_copy(tx, &sheet);
        if (r == 0)
            r = settle(tx, &sheet);
        arena_reset(filing->arena);
    }
    return r < 0 ? r : 0;
}

/* ---- at once, in a store that nodes share: a job stays inside one mailbox ---- */

struct step {
    int (*run)(struct store_tx *tx, struct sheet *sheet);
    struct sheet *sheet;
};

static int step_job(struct store_tx *tx, void *arg)
{
    const struct step *step = arg;
    return step->run(tx, step->sheet);
}

/* Nothing is kept of what was read longer than a message. */
static int file_in_steps(struct store *store, struct sheet *sheet)
{
    static int (*const steps[])(struct store_tx *, struct sheet *) = { hold, write_copy, settle };
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(store, &tx);
    if (r == 0)
        r = load(tx, sheet);
    store_read_end(tx);
    tx = NULL;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(steps); i++)
        r = store_write(store, step_job, &(struct step){ steps[i], sheet });
    return r;
}

/* The first failure is told; the others' copies are written all the same. */
static int file_each(struct store *store, struct filing *filing)
{
    int first = 0;
    for (size_t i = 0; i < filing->n; i++) {
        struct sheet sheet = { .filing = filing, .i = i };
        int r = filing->sent[i]->filing.outbox_no ? file_in_steps(store, &sheet) : 0;
        first = first ? first : r < 0 ? r : 0;
        arena_reset(filing->arena);
    }
    return first;
}

int outbox_file(struct store *store, const struct conf *conf, struct outbox_sent *const *sent, size_t n)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    int r = arena_new(MEMORY, &arena);
    for (size_t at = 0; r == 0 && at < n; at += BATCH) {
        struct filing filing = { .conf = conf, .arena = arena, .sent = sent + at, .n = n - at < BATCH ? n - at : BATCH };
        r = random_bytes(&filing.owner, sizeof(filing.owner));
        filing.owner = (filing.owner >> 1) | 1; /* 0 is nobody; the store's numbers are signed */
        if (r == 0)
            r = store_has_nodes(store) ? file_each(store, &filing) : store_write(store, file_job, &filing);
        for (size_t i = 0; r == 0 && i < filing.n; i++)
            if (filing.copies[i].item_no) {
                filing.sent[i]->folder_no = filing.copies[i].folder_no;
                filing.sent[i]->item_no = filing.copies[i].item_no;
            }
    }
    return r;
}
