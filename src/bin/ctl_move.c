/*
 * See ctl_move.h.
 */
#include "bin/ctl_move.h"



#define BAD_MAX (4u << 20) /* bytes of what is told; all are counted */

static bool is_over(void *arg)
{
    struct ctl_call *call = arg;

    return call->progress && call->progress(call->progress_arg, NULL);
}

static int find_mailbox(struct store_tx *tx, struct ctl_call *call, void *data)
{
    return ctl_mailbox(tx, call, call->operands[0], data);
}

int move_open(struct ctl_call *call, struct move *ret_move)
{
    *ret_move = (struct move){ .call = call, .end = { call->file, is_over, call }, .buf = BUF_INIT(MOVE_MEMORY), .bad = BUF_INIT(BAD_MAX) };
    if (call->file < 0)
        return ctl_fail(call, EX_USAGE, "no files came along; use the ewsctl of this server");
    return arena_new(MOVE_MEMORY, &ret_move->arena);
}

int move_begin(struct ctl_call *call, struct move *ret_move)
{
    int r = move_open(call, ret_move);

    return r ? r : ctl_read(call, find_mailbox, &ret_move->mailbox);
}

void move_done(struct move *move)
{
    arena_free(move->arena);
    buf_done(&move->buf);
    buf_done(&move->bad);
}

int move_receive(struct move *move, uint64_t max, struct parcel *ret_parcel)
{
    int r = parcel_receive(&move->end, max, &move->buf, ret_parcel);

    if (r == 1 || r == -EPROTO)
        return ctl_fail(move->call, EX_IOERR, "the files ended early; what came before that is done");
    if (r == 0 && ret_parcel->kind == PARCEL_FAILED)
        return ctl_fail(move->call, EX_IOERR, "%.*s", (int)ret_parcel->bytes.len, ret_parcel->bytes.ptr);
    return r;
}

int move_send(struct move *move, const struct parcel *parcel)
{
    struct parcel last;
    int r = parcel_send(&move->end, parcel);

    if (r != -EPIPE)
        return r;
    return (r = move_receive(move, PARCEL_TEXT_MAX, &last)) ? r : -EPIPE; /* it may have said why */
}

void move_put_bad(struct move *move, struct span label, const char *why)
{
    move->bad_n++;
    if (move->bad.len + label.len + strlen(why) + 2 > BAD_MAX)
        return;
    buf_add_span(&move->bad, label);
    buf_add_char(&move->bad, 0);
    buf_add_str(&move->bad, why);
    buf_add_char(&move->bad, 0);
}

void move_print_bad(struct move *move)
{
    struct ctl_out *out = &move->call->out;

    for (size_t at = 0; at < move->bad.len;) {
        struct span label = span_of(move->bad.ptr + at), why = span_of(move->bad.ptr + at + label.len + 1);
        out_record(out);
        out_text(out, "message", label);
        out_text(out, "problem", why);
        out_record_end(out);
        at += label.len + why.len + 2;
    }
}

/* ---- folders ---- */

static bool next_name(struct span *rest, char separator, struct span *ret_name)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;

    if (rest->len == 0)
        return false;
    *ret_name = (struct span){ rest->ptr, len };
    len += end != NULL;
    *rest = (struct span){ rest->ptr + len, rest->len - len };
    return true;
}

static int make_folder(struct store_tx *tx, int64_t mailbox_id, uint64_t parent_no, struct span name, int64_t max_folders,
                       uint64_t *ret_folder_no)
{
    struct folder folder = { .mailbox_id = mailbox_id, .parent_no = parent_no, .name = name, .class = SPAN("IPF.Note") };
    uint64_t n = 0;
    int r = folder_name_ok(name) ? store_folder_number(tx, mailbox_id, &n) : CODE_ErrorFolderSavePropertyError;

    if (r == 0 && n >= (uint64_t)max_folders)
        r = CODE_ErrorQuotaExceeded;
    if (r == 0)
        r = store_folder_insert(tx, &folder);
    if (r == 0)
        *ret_folder_no = folder.folder_no;
    return r;
}

static int find_one(struct store_tx *tx, int64_t mailbox_id, uint64_t parent_no, struct span name, uint64_t *ret_folder_no)
{
    enum folder_role role = parent_no == FOLDER_ROLE_msgfolderroot ? folder_role_by_id(name) : FOLDER_ROLE_none;

    if (role == FOLDER_ROLE_none || folder_role_info(role)->parent != FOLDER_ROLE_msgfolderroot)
        return store_folder_by_name(tx, mailbox_id, parent_no, name, ret_folder_no);
    *ret_folder_no = (uint64_t)role;
    return 0;
}

int move_find_folder(struct store_tx *tx, int64_t mailbox_id, struct span path, char separator, bool make, int64_t max_folders,
                     uint64_t *folder_no)
{
    uint64_t at = *folder_no;
    struct span name;
    int r = 0;

    while (r == 0 && next_name(&path, separator, &name)) {
        r = name.len ? find_one(tx, mailbox_id, at, name, &at) : 0;
        if (r == 1 && make)
            r = make_folder(tx, mailbox_id, at, name, max_folders, &at);
    }
    if (r == 0)
        *folder_no = at;
    return r;
}
