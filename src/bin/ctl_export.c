/*
 * ewsctl export: the messages of a mailbox, or of a folder, are offered one by one
 * to the other half of ewsctl (parcel.h), which knows what it has already. Each
 * page of a folder, and each message, is read in a snapshot of its own, so an
 * export keeps nothing from being written, and shows no single moment.
 */
#include "bin/ctl_move.h"

#include "mime/mime.h"
#include "model/code.h"
#include "model/kind.h"
#include "ops/mimeof.h"
#include "store/store_content.h"
#include "store/store_mail.h"
#include "store/store_sync.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE 200
#define MESSAGE_MAX (1u << 30)

struct exporting {
    struct move move;
    struct folder *folders; /* all of the mailbox */
    size_t folders_n;
    uint64_t top_no;     /* what is below that, and itself unless it is the top of all */
    bool deep;
    struct buf path;     /* of the folder that is under way */
    struct buf message;
    struct arena *page;  /* of items that are offered */
    uint64_t done, all;
    uint64_t exported, already, left_out;
};

/* ---- one message ---- */

static uint32_t marks_of(const struct item *item)
{
    uint32_t marks = item->flags & ITEM_READ ? MARK_READ : 0;

    marks |= item->flags & ITEM_DRAFT ? MARK_DRAFT : 0;
    marks |= item->flag_status == FLAG_FLAGGED ? MARK_FLAGGED : 0;
    marks |= item->icon_index == 261 ? MARK_REPLIED : 0;
    return marks | (item->icon_index == 262 ? MARK_FORWARDED : 0);
}

/* Its bytes, in exporting->message. Positive: it cannot be read. */
static int read_message(struct exporting *exporting, uint64_t item_no)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct move *move = &exporting->move;
    struct item item;
    int r = store_read_begin(move->call->store, &tx);

    arena_reset(move->arena);
    buf_clear(&exporting->message);
    if (r == 0)
        r = store_item_get(tx, move->arena, move->mailbox.mailbox_id, item_no, STORE_ALL | STORE_LAZY, &item);
    return r ? r : mime_of_item(&item, NULL, &exporting->message);
}

static int give(struct exporting *exporting, const struct parcel *offer)
{
    struct parcel parcel = *offer;
    int r = read_message(exporting, offer->number);

    parcel.kind = r ? PARCEL_BAD : PARCEL_MESSAGE;
    parcel.bytes = buf_span(&exporting->message);
    if (r == -EUCLEAN || r == -EFBIG)
        r = CODE_ErrorItemCorrupt;
    if (r < 0)
        return r;
    exporting->exported += r == 0;
    if (r == CODE_ErrorItemNotFound) /* deleted or moved meanwhile */
        exporting->left_out++;
    else if (r)
        move_put_bad(&exporting->move, offer->label, "it cannot be read: ewsctl store check");
    if (r)
        parcel.bytes = SPAN("");
    return move_send(&exporting->move, &parcel);
}

static int offer(struct exporting *exporting, const struct item *item)
{
    struct move *move = &exporting->move;
    char label[64];
    struct parcel answer, parcel = { .kind = PARCEL_OFFER, .marks = marks_of(item), .at = item->received, .number = item->item_no,
                                     .folder = buf_span(&exporting->path), .label = item->from.address };

    if (!kind_is_mail(item->kind)) {
        exporting->left_out++;
        return 0;
    }
    int r = move_send(move, &parcel);
    if (r == 0)
        r = move_receive(move, PARCEL_TEXT_MAX, &answer);
    if (r)
        return r;
    exporting->already += answer.kind == PARCEL_HAVE;
    if (answer.kind == PARCEL_HAVE)
        return 0;
    snprintf(label, sizeof(label), "item %" PRIu64, item->item_no);
    parcel.label = span_of(label);
    return give(exporting, &parcel);
}

/* ---- a folder ---- */

static int read_page(struct exporting *exporting, const struct store_sync_page *page, struct item **ret_items, size_t *ret_n)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin(exporting->move.call->store, &tx);

    arena_reset(exporting->page);
    return r ? r : store_sync_items(tx, exporting->page, page, ret_items, ret_n);
}

static int export_items(struct exporting *exporting, uint64_t folder_no)
{
    struct store_sync_page page = { .mailbox_id = exporting->move.mailbox.mailbox_id, .folder_no = folder_no, .received = STORE_SYNC_FIRST,
                                    .item_no = STORE_SYNC_FIRST, .bound = STORE_SYNC_FIRST, .limit = PAGE };
    struct item *items;
    size_t n = PAGE;
    int r = 0;

    while (r == 0 && n == PAGE) {
        r = read_page(exporting, &page, &items, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
            r = offer(exporting, &items[i]);
            if (r == 0 && ctl_progress(exporting->move.call, "exported", ++exporting->done, exporting->all, "messages"))
                r = -ECANCELED;
            page.received = items[i].received;
            page.item_no = items[i].item_no;
        }
    }
    return r;
}

static const struct folder *folder_of(const struct exporting *exporting, uint64_t folder_no)
{
    for (size_t i = 0; i < exporting->folders_n; i++)
        if (exporting->folders[i].folder_no == folder_no)
            return &exporting->folders[i];
    return NULL;
}

/* From the top that is exported, its own name left out; false: it is not below that. */
static bool make_path(const struct exporting *exporting, const struct folder *folder, struct buf *path)
{
    if (folder->folder_no == exporting->top_no)
        return true;
    const struct folder *parent = folder->parent_no != folder->folder_no ? folder_of(exporting, folder->parent_no) : NULL;
    if (!parent || !make_path(exporting, parent, path))
        return false;
    if (path->len)
        buf_add_char(path, '\n');
    buf_add_span(path, folder->name);
    return true;
}

/* Of folders for something else only what is below them counts. */
static bool is_exported(struct exporting *exporting, const struct folder *folder)
{
    buf_clear(&exporting->path);
    if (folder->folder_no == FOLDER_ROLE_msgfolderroot || (folder->class.len && !item_class_is(folder->class, "IPF.Note")))
        return false;
    if (!exporting->deep)
        return folder->folder_no == exporting->top_no;
    return make_path(exporting, folder, &exporting->path);
}

static int export_folders(struct exporting *exporting)
{
    int r = 0;

    for (size_t i = 0; i < exporting->folders_n; i++)
        if (is_exported(exporting, &exporting->folders[i]))
            exporting->all += exporting->folders[i].total;
    for (size_t i = 0; r == 0 && i < exporting->folders_n; i++) {
        if (!is_exported(exporting, &exporting->folders[i]))
            continue;
        r = move_send(&exporting->move, &(struct parcel){ .kind = PARCEL_FOLDER, .folder = buf_span(&exporting->path) });
        if (r == 0)
            r = export_items(exporting, exporting->folders[i].folder_no);
    }
    return r;
}

/* ---- the command ---- */

static int find_top(struct store_tx *tx, struct ctl_call *call, void *data)
{
    struct exporting *exporting = data;
    const char *path = ctl_option(call, "folder");
    int r = move_find_folder(tx, exporting->move.mailbox.mailbox_id, span_of(path), '/', false, 0, &exporting->top_no);

    if (r > 0)
        return ctl_fail(call, EX_NOUSER, "there is no folder %s in %.*s", path, (int)exporting->move.mailbox.address.len,
                        exporting->move.mailbox.address.ptr);
    return r ? r : store_folder_all(tx, call->arena, exporting->move.mailbox.mailbox_id, &exporting->folders, &exporting->folders_n);
}

/* All is on the disk when it answers. */
static int finish(struct exporting *exporting)
{
    struct parcel answer;
    int r = move_send(&exporting->move, &(struct parcel){ .kind = PARCEL_END });

    return r ? r : move_receive(&exporting->move, PARCEL_TEXT_MAX, &answer);
}

static int put_summary(struct exporting *exporting)
{
    struct move *move = &exporting->move;
    struct ctl_out *out = &move->call->out;

    move_print_bad(move);
    out->style = OUT_SHEET;
    out_record(out);
    out_number(out, "exported", exporting->exported);
    out_number(out, "already", exporting->already);
    out_number(out, "left_out", exporting->left_out);
    out_number(out, "bad", move->bad_n);
    out_record_end(out);
    if (move->bad_n == 0)
        return 0;
    move->call->keeps = true;
    return ctl_fail(move->call, EX_DATAERR, "%" PRIu64 " messages could not be exported", move->bad_n);
}

static int export_all(struct exporting *exporting)
{
    struct ctl_call *call = exporting->move.call;
    /* The mailbox' name, so that two of them in one place stay apart. */
    char guid[33] = "";

    for (size_t i = 0; i < 4; i++)
        snprintf(guid + 2 * i, 3, "%02x", exporting->move.mailbox.guid[i]);
    int r = ctl_read(call, find_top, exporting);
    if (r == 0)
        r = move_send(&exporting->move, &(struct parcel){ .kind = PARCEL_FOLDER, .label = span_of(guid) });
    if (r == 0)
        r = export_folders(exporting);
    if (r == 0)
        r = finish(exporting);
    return r ? r : put_summary(exporting);
}

int ctl_export(struct ctl_call *call)
{
    struct exporting exporting = { .top_no = FOLDER_ROLE_msgfolderroot, .path = BUF_INIT(PARCEL_TEXT_MAX), .message = BUF_INIT(MESSAGE_MAX) };
    const char *format = ctl_option(call, "format");

    if (!call->outbox)
        mime_init();
    exporting.deep = !ctl_option(call, "folder") || !format || strcmp(format, "mbox") != 0;
    int r = move_begin(call, &exporting.move);
    if (r == 0)
        r = arena_new(MOVE_MEMORY, &exporting.page);
    if (r == 0)
        r = export_all(&exporting);
    arena_free(exporting.page);
    buf_done(&exporting.path);
    buf_done(&exporting.message);
    move_done(&exporting.move);
    return r;
}
