/*
 * The job that makes a seed, and what it answers. The job may run twice: it
 * starts from the plan each time, and notes what it made beside it.
 */
#include "http/seed_plan.h"

#include "base/json.h"
#include "http/mailboxes.h"
#include "model/rights.h"
#include "store/store_folder.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_SIZE_MAX ((size_t)256 << 20)
#define MEMORY_MAX ((size_t)1 << 30)

/* ---- users ---- */

static int find_mailbox(struct seed *seed, struct store_tx *tx, struct span address, struct seed_at at, const char *member,
                        struct store_mailbox *ret_mailbox)
{
    int r = store_mailbox_by_address(tx, seed->arena, address, ret_mailbox);
    return r <= 0 ? r : seed_wrong(seed, "%s[%zu].%s: there is no mailbox %.*s", at.list, at.index, member,
                                   (int)(address.len < 320 ? address.len : 320), address.ptr);
}

static int add_alias(struct seed *seed, struct store_tx *tx, struct seed_at at, const struct store_mailbox *mailbox, struct span alias)
{
    struct store_mailbox other;
    int r = store_address_add(tx, mailbox->mailbox_id, alias);
    if (r <= 0)
        return r;
    r = store_mailbox_by_address(tx, seed->arena, alias, &other);
    if (r < 0 || (r == 0 && other.mailbox_id == mailbox->mailbox_id))
        return r;
    return seed_wrong(seed, "users[%zu].aliases: the address %.*s is taken", at.index, (int)alias.len, alias.ptr);
}

static int make_user(struct seed *seed, struct store_tx *tx, struct seed_at at, struct seed_user *user)
{
    int64_t mailbox_id;
    int r = store_mailbox_by_address(tx, seed->arena, user->address, &user->mailbox);
    if (r == 0 && user->name.len && !span_eq(user->name, user->mailbox.display_name))
        return seed_wrong(seed, "users[%zu].name: the mailbox is there already, under another name", at.index);
    if (r == 0 && user->has_password)
        r = store_mailbox_set_password(tx, user->mailbox.mailbox_id, span_of(user->hash));
    if (r > 0) {
        r = store_mailbox_create(tx, user->address, user->name, span_of(user->hash), &mailbox_id);
        if (r > 0)
            return seed_wrong(seed, "users[%zu].address is taken", at.index);
        if (r == 0)
            r = store_mailbox_by_id(tx, seed->arena, mailbox_id, &user->mailbox);
    }
    for (size_t i = 0; r == 0 && i < user->aliases.n; i++)
        r = add_alias(seed, tx, at, &user->mailbox, user->aliases.v[i]);
    return r > 0 && r != SEED_WRONG ? -EIO : r;
}

static int make_grants(struct seed *seed, struct store_tx *tx, struct seed_at at, const struct seed_user *user)
{
    struct store_mailbox grantee;
    uint32_t held;
    int r = 0;
    for (size_t i = 0; r == 0 && i < user->grants_n; i++) {
        r = find_mailbox(seed, tx, user->grants[i].to, at, "grants", &grantee);
        if (r == 0)
            r = store_grant_get(tx, user->mailbox.mailbox_id, grantee.mailbox_id, &held);
        if (r == 0)
            r = store_grant_set(tx, user->mailbox.mailbox_id, grantee.mailbox_id, rights_add(held, user->grants[i].right));
    }
    return r;
}

/* ---- folders ---- */

/* The next name of a path; false: there is none. */
static bool next_name(struct span *rest, struct span *ret_name)
{
    const char *slash = rest->len ? memchr(rest->ptr, '/', rest->len) : NULL;
    size_t len = slash ? (size_t)(slash - rest->ptr) : rest->len;
    if (rest->len == 0)
        return false;
    *ret_name = (struct span){ rest->ptr, len };
    *rest = slash ? (struct span){ slash + 1, rest->len - len - 1 } : (struct span){ 0 };
    return true;
}

static int step(struct seed *seed, struct store_tx *tx, const struct store_mailbox *owner, struct seed_at at, struct span name,
                struct span class, uint64_t *folder_no)
{
    struct folder folder = { .mailbox_id = owner->mailbox_id, .parent_no = *folder_no, .name = name, .class = class };
    int r = store_folder_by_name(tx, owner->mailbox_id, *folder_no, name, folder_no);
    if (r <= 0)
        return r;
    if (!class.ptr)
        return seed_wrong(seed, "%s[%zu].folder: there is no folder %.*s; name it in folders, too", at.list, at.index,
                          (int)(name.len < 255 ? name.len : 255), name.ptr);
    if (!folder_name_ok(name))
        return seed_wrong(seed, "%s[%zu].path: a folder cannot have such a name", at.list, at.index);
    r = store_folder_insert(tx, &folder);
    if (r == 0)
        *folder_no = folder.folder_no;
    return r;
}

/* Follows a path from the top, or from a distinguished folder; with a class what
 * is missing is made. */
static int walk(struct seed *seed, struct store_tx *tx, const struct store_mailbox *owner, struct seed_at at, struct span path,
                struct span class, uint64_t *ret_folder_no)
{
    struct span rest = path, name;
    struct folder top;
    enum folder_role role = next_name(&rest, &name) ? folder_role_by_id(name) : FOLDER_ROLE_none;
    unsigned depth = 0;
    if (!role)
        rest = path;
    int r = store_folder_by_role(tx, seed->arena, owner->mailbox_id, role ? role : FOLDER_ROLE_msgfolderroot, &top);
    if (r == 0)
        *ret_folder_no = top.folder_no;
    while (r == 0 && next_name(&rest, &name))
        r = ++depth > 50 ? seed_wrong(seed, "%s[%zu]: the path has too many folders in each other", at.list, at.index)
                         : step(seed, tx, owner, at, name, class, ret_folder_no);
    return r > 0 && r != SEED_WRONG ? seed_wrong(seed, "%s[%zu]: %s", at.list, at.index, code_name(r)) : r;
}

static int make_folder(struct seed *seed, struct store_tx *tx, struct seed_at at, struct seed_folder *folder)
{
    int r = find_mailbox(seed, tx, folder->mailbox, at, "mailbox", &folder->owner);
    if (r == 0 && folder->path.len == 0)
        r = seed_wrong(seed, "folders[%zu].path must name a folder", at.index);
    return r ? r : walk(seed, tx, &folder->owner, at, folder->path, folder->class, &folder->folder_no);
}

/* ---- messages ---- */

static int make_message(struct seed *seed, struct store_tx *tx, struct seed_at at, struct seed_message *message)
{
    const struct store_mailbox *owner = &message->owner;
    struct item *item = &message->made;
    *item = message->item;
    int r = item_own_attachments(seed->arena, item);
    if (r == 0)
        r = find_mailbox(seed, tx, message->mailbox, at, "mailbox", &message->owner);
    if (r == 0)
        r = walk(seed, tx, owner, at, message->folder, (struct span){ 0 }, &item->folder_no);
    if (r)
        return r;
    item->mailbox_id = owner->mailbox_id;
    item->last_modified_name = owner->display_name;
    if (!rcpt_is_set(&item->from) && !item->mime.len)
        item->from = (struct rcpt){ .name = owner->display_name, .address = owner->address, .type = RCPT_FROM };
    if (!rcpt_is_set(&item->sender))
        item->sender = item->from;
    item->sender.type = RCPT_SENDER;
    item->from.type = RCPT_FROM;
    r = store_item_insert(tx, item);
    return r > 0 ? seed_wrong(seed, "messages[%zu]: %s", at.index, code_name(r)) : r;
}

static int make(struct store_tx *tx, void *arg)
{
    struct seed *seed = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < seed->users_n; i++)
        r = make_user(seed, tx, (struct seed_at){ "users", i }, &seed->users[i]);
    for (size_t i = 0; r == 0 && i < seed->users_n; i++)
        r = make_grants(seed, tx, (struct seed_at){ "users", i }, &seed->users[i]);
    for (size_t i = 0; r == 0 && i < seed->folders_n; i++)
        r = make_folder(seed, tx, (struct seed_at){ "folders", i }, &seed->folders[i]);
    for (size_t i = 0; r == 0 && i < seed->messages_n; i++)
        r = make_message(seed, tx, (struct seed_at){ "messages", i }, &seed->messages[i]);
    return r;
}

/* ---- the answer ---- */

static void add_folder(struct buf *out, const struct seed *seed, const struct seed_folder *folder)
{
    struct mailbox_view view;
    mailbox_view_init(&view, seed->env, &folder->owner);
    json_add_open(out, NULL, '{');
    json_add_text(out, "mailbox", folder->owner.address);
    mailbox_add_folder_id(out, &view, folder->folder_no);
    buf_add_char(out, '}');
}

static void add_message(struct buf *out, const struct seed *seed, const struct seed_message *message)
{
    struct mailbox_view view;
    mailbox_view_init(&view, seed->env, &message->owner);
    json_add_open(out, NULL, '{');
    json_add_text(out, "mailbox", message->owner.address);
    mailbox_add_item_id(out, &view, &message->made);
    mailbox_add_change_key(out, &view, &message->made);
    buf_add_char(out, '}');
}

static int answer(const struct seed *seed, struct buf *out)
{
    json_add_open(out, NULL, '{');
    json_add_open(out, "users", '[');
    for (size_t i = 0; i < seed->users_n; i++) {
        json_add_open(out, NULL, '{');
        json_add_text(out, "address", seed->users[i].mailbox.address);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
    json_add_open(out, "folders", '[');
    for (size_t i = 0; i < seed->folders_n; i++)
        add_folder(out, seed, &seed->folders[i]);
    buf_add_char(out, ']');
    json_add_open(out, "messages", '[');
    for (size_t i = 0; i < seed->messages_n; i++)
        add_message(out, seed, &seed->messages[i]);
    buf_add_str(out, "]}\n");
    return buf_error(out);
}

int seed_apply(const struct op_env *env, struct arena *arena, struct span json, const char *folder, struct buf *out,
               char ret_error[SEED_ERROR_SIZE])
{
    CLEANUP(free_ptr_json_read) struct json_read *root = NULL;
    struct seed seed = { .env = env, .arena = arena, .folder = folder, .error = ret_error };
    char error[JSON_READ_ERROR_SIZE];
    int r = json_read_parse(json, &root, error);
    if (r > 0)
        return seed_wrong(&seed, "%s", error);
    if (r == 0)
        r = seed_read(&seed, root);
    if (r == 0)
        r = store_write(env->store, make, &seed);
    return r ? r : answer(&seed, out);
}

/* ---- a file ---- */

static int read_json(const char *path, struct buf *text)
{
    FILE *file = fopen(path, "re");
    char piece[65536];
    size_t n;
    if (!file)
        return -errno;
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_add(text, piece, n);
    int r = ferror(file) ? -EIO : buf_error(text);
    fclose(file);
    return r;
}

int seed_apply_file(const struct op_env *env, const char *path, char ret_error[SEED_ERROR_SIZE])
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct buf text = BUF_INIT(FILE_SIZE_MAX), out = BUF_INIT(FILE_SIZE_MAX);
    struct span folder;
    const char *slash = strrchr(path, '/');
    int r = arena_new(MEMORY_MAX, &arena);
    if (r == 0)
        r = arena_printf(arena, &folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    if (r == 0)
        r = read_json(path, &text);
    if (r == 0)
        r = seed_apply(env, arena, buf_span(&text), folder.ptr, &out, ret_error);
    buf_done(&text);
    buf_done(&out);
    return r;
}
