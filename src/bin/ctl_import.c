/*
 * ewsctl import: messages that the other half of ewsctl reads out of files
 * (parcel.h) become items. A batch of them is one transaction, and with each
 * goes a mark of its folder and bytes, as with a local delivery: so what was
 * taken before, by a run that was killed or by one that was not, is not taken
 * again.
 */
#include "bin/ctl_letter.h"
#include "bin/ctl_move.h"

#include "base/err.h"
#include "base/when.h"
#include "mime/mime.h"
#include "model/code.h"
#include "store/store_content.h"
#include "store/store_mail.h"

#include <inttypes.h>
#include <stdio.h>

#define BATCH_MAX 64                     /* messages in a transaction */
#define BATCH_BYTES (4u << 20)           /* of them; a longer one goes alone */
#define NEAR_MS 86400000 /* what a file says is believed when it is so near to what the message says */

struct importing {
    struct move move;
    bool again;
    uint64_t base_no;     /* that paths begin in */
    uint64_t default_no;  /* of messages without a path */
    struct buf path;      /* of folder_no */
    uint64_t folder_no;
    bool found;           /* is there a path yet? */
    struct letter letters[BATCH_MAX];
    size_t n;
    uint64_t bytes;
    uint64_t imported, already;
};

/* ---- a message ---- */

static int64_t time_of(const struct item *item, int64_t file)
{
    int64_t said = item->sent;

    for (size_t i = 0; i < item->headers.n; i++) {
        const struct item_header *header = &item->headers.v[i];
        if (!span_eq_nocase(header->name, SPAN("Received")))
            continue;
        const char *date = memrchr(header->value.ptr, ';', header->value.len);
        int64_t at = date ? mime_date(date + 1) : WHEN_NONE;
        said = at != WHEN_NONE ? at : said;
        break;
    }
    if (said == WHEN_NONE)
        return file == WHEN_NONE ? when_now() : file;
    bool near = file != WHEN_NONE && file - said < NEAR_MS && said - file < NEAR_MS;
    return near ? file : said;
}

static int read_letter(struct importing *importing, const struct parcel *parcel, struct letter *letter)
{
    const struct move *move = &importing->move;
    const uint64_t folder_no = parcel->marks & MARK_DELETED ? FOLDER_ROLE_deleteditems : importing->folder_no;
    int r = letter_read(move->arena, &move->mailbox, parcel, folder_no, SPAN("import"), letter);

    if (r == 0)
        letter->item.received = time_of(&letter->item, parcel->at);
    return r;
}

/* ---- a batch ---- */

static int store_batch(struct store_tx *tx, void *arg)
{
    struct importing *importing = arg;
    int r = 0;

    for (size_t i = 0; i < importing->n; i++)
        importing->letters[i].result = CODE_ErrorInternalServerTransientError; /* not reached */
    for (size_t i = 0; r == 0 && i < importing->n; i++) {
        r = letter_store(tx, &importing->letters[i], importing->again);
        if (r == 0 && importing->letters[i].result > 1)
            return 0;
    }
    return r;
}

static int refused(struct importing *importing, const struct letter *letter)
{
    struct ctl_call *call = importing->move.call;
    const struct store_mailbox *mailbox = &importing->move.mailbox;

    if (letter->result == CODE_ErrorQuotaExceeded)
        return ctl_fail(call, EX_TEMPFAIL, "%.*s is full (ewsctl quota); %" PRIu64 " messages were imported, and the same command goes on there",
                        (int)mailbox->address.len, mailbox->address.ptr, importing->imported);
    return ctl_fail(call, EX_TEMPFAIL, "the folder is not there any more; %" PRIu64 " messages were imported", importing->imported);
}

static int count_batch(struct importing *importing)
{
    struct store *store = importing->move.call->store;
    int r = 0;

    for (size_t i = 0; i < importing->n; i++) {
        struct letter *letter = &importing->letters[i];
        importing->imported += letter->result == 0;
        importing->already += letter->result == 1;
        if (letter->result)
            (void)store_stage_discard(store, &letter->item);
        if (letter->result > 1 && r == 0)
            r = refused(importing, letter);
    }
    return r;
}

static int flush(struct importing *importing)
{
    struct ctl_call *call = importing->move.call;
    bool news;
    int r = 0;

    if (importing->n == 0)
        return 0;
    if (!store_has_room(call->store, &news))
        return ctl_fail(call, EX_TEMPFAIL, "the disk is nearly full (store.min_free); %" PRIu64 " messages were imported, and the same command goes on there",
                        importing->imported);
    for (size_t i = 0; r == 0 && i < importing->n; i++)
        r = store_stage_item(call->store, &importing->letters[i].item);
    if (r == 0)
        r = store_write(call->store, store_batch, importing);
    call->wrote = true;
    if (r == 0)
        r = count_batch(importing);
    importing->n = 0;
    importing->bytes = 0;
    arena_reset(importing->move.arena);
    return r;
}

/* ---- folders ---- */

static int folder_failed(struct importing *importing, struct span path, int r)
{
    struct ctl_call *call = importing->move.call;
    char shown[512];

    snprintf(shown, sizeof(shown), "%.*s", (int)path.len, path.ptr);
    for (char *c = shown; (c = strchr(c, '\n'));)
        *c = '/';
    if (r < 0)
        return r;
    if (r == CODE_ErrorQuotaExceeded)
        return ctl_fail(call, EX_TEMPFAIL, "the mailbox has as many folders as store.max_folders allows");
    if (r == CODE_ErrorFolderNotFound)
        return ctl_fail(call, EX_DATAERR, "%s is no folder for messages", shown);
    return ctl_fail(call, EX_DATAERR, "no folder can be called %s", shown);
}

struct wanted_folder {
    struct importing *importing;
    struct span path;
    char separator;
    uint64_t folder_no; /* in and out */
};

static int folder_job(struct store_tx *tx, void *arg)
{
    struct wanted_folder *wanted = arg;
    const struct move *move = &wanted->importing->move;
    uint64_t folder_no = wanted->folder_no;
    struct folder folder;
    int r = move_find_folder(tx, move->mailbox.mailbox_id, wanted->path, wanted->separator, true, move->call->conf->store_max_folders,
                             &folder_no);

    if (r == 0)
        r = store_folder_get(tx, move->call->arena, move->mailbox.mailbox_id, folder_no, &folder);
    if (r == 0 && folder.class.len && !item_class_is(folder.class, "IPF.Note"))
        r = CODE_ErrorFolderNotFound;
    if (r == 0)
        wanted->folder_no = folder_no;
    return r;
}

static int find_folder(struct importing *importing, uint64_t below, struct span path, char separator, uint64_t *ret_folder_no)
{
    struct wanted_folder wanted = { importing, path, separator, below };
    int r = store_write(importing->move.call->store, folder_job, &wanted);

    importing->move.call->wrote = true;
    if (r)
        return folder_failed(importing, path, r);
    *ret_folder_no = wanted.folder_no;
    return 0;
}

/* The folder of what comes next; mostly that of what came before. */
static int enter_folder(struct importing *importing, struct span path)
{
    if (importing->found && span_eq(path, buf_span(&importing->path)))
        return 0;
    buf_clear(&importing->path);
    buf_add_span(&importing->path, path);
    importing->found = true;
    importing->folder_no = importing->default_no;
    return path.len ? find_folder(importing, importing->base_no, path, '\n', &importing->folder_no) : 0;
}

/* ---- the command ---- */

static int take(struct importing *importing, const struct parcel *parcel)
{
    struct move *move = &importing->move;
    char why[128];

    if (!parcel->bytes.ptr) {
        snprintf(why, sizeof(why), "it has %zu bytes; http.max_body is %" PRId64, parcel->bytes.len, move->call->conf->http_max_body);
        move_put_bad(move, parcel->label, why);
        return 0;
    }
    int r = parcel->bytes.len + importing->bytes > BATCH_BYTES ? flush(importing) : 0;
    if (r == 0)
        r = enter_folder(importing, parcel->folder);
    if (r)
        return r;
    r = read_letter(importing, parcel, &importing->letters[importing->n]);
    if (r > 0) {
        move_put_bad(move, parcel->label, "it is no message, or none that can be read");
        return 0;
    }
    importing->n += r == 0;
    importing->bytes += parcel->bytes.len;
    return r ? r : importing->n == BATCH_MAX ? flush(importing) : 0;
}

static int take_all(struct importing *importing)
{
    struct move *move = &importing->move;
    struct parcel parcel;
    int r = 0;

    do {
        r = move_receive(move, (uint64_t)move->call->conf->http_max_body, &parcel);
        if (r == 0 && ctl_progress(move->call, "imported", parcel.done >> 10, parcel.all >> 10, "KB"))
            r = -ECANCELED;
        if (r == 0 && parcel.kind == PARCEL_MESSAGE)
            r = take(importing, &parcel);
        else if (r == 0 && parcel.kind == PARCEL_BAD) {
            buf_add_char(&move->buf, 0);
            move_put_bad(move, parcel.label, parcel.bytes.ptr);
        }
    } while (r == 0 && parcel.kind != PARCEL_END);
    int last = r == -ECANCELED ? 0 : flush(importing); /* also of files that ended early */
    return r ? r : last;
}

static int put_summary(struct importing *importing)
{
    struct move *move = &importing->move;
    struct ctl_out *out = &move->call->out;

    move_print_bad(move);
    out->style = OUT_SHEET;
    out_record(out);
    out_number(out, "imported", importing->imported);
    out_number(out, "already", importing->already);
    out_number(out, "bad", move->bad_n);
    out_record_end(out);
    if (move->bad_n == 0)
        return 0;
    move->call->keeps = true;
    return ctl_fail(move->call, EX_DATAERR, "%" PRIu64 " messages could not be imported", move->bad_n);
}

int ctl_import(struct ctl_call *call)
{
    struct importing *importing = arena_alloc(call->arena, sizeof(*importing));
    struct span folder = span_of(ctl_option(call, "folder"));

    if (!importing)
        return -ENOMEM;
    if (!call->outbox)
        mime_init();
    int r = move_begin(call, &importing->move);
    importing->again = ctl_option(call, "again") != NULL;
    importing->path = BUF_INIT(PARCEL_TEXT_MAX);
    importing->base_no = FOLDER_ROLE_msgfolderroot;
    importing->default_no = FOLDER_ROLE_inbox;
    if (r == 0 && folder.len) {
        r = find_folder(importing, FOLDER_ROLE_msgfolderroot, folder, '/', &importing->base_no);
        importing->default_no = importing->base_no;
    }
    if (r == 0)
        r = take_all(importing);
    if (r == 0)
        r = put_summary(importing);
    buf_done(&importing->path);
    move_done(&importing->move);
    return r;
}
