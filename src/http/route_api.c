/*
 * /api/mailboxes and what is in them, for who watches over the server: nobody's
 * rights are asked for here. Reads only.
 */
#include "http/mailboxes.h"

#include "base/json.h"
#include "model/query.h"
#include "store/store_folder.h"
#include "store/store_search.h"

#define BODY_SEARCHED ((size_t)1 << 20)

/* ---- mailboxes ---- */

static int add_mailbox(struct store_tx *tx, struct arena *arena, const struct store_mailbox *mailbox, struct buf *out)
{
    struct store_address *addresses;
    struct folder *folders;
    uint64_t size, total = 0, unread = 0;
    size_t n, folders_n;
    int r = store_address_list(tx, arena, mailbox->mailbox_id, &addresses, &n);
    if (r == 0)
        r = store_folder_all(tx, arena, mailbox->mailbox_id, &folders, &folders_n);
    if (r == 0)
        r = store_mailbox_size(tx, mailbox->mailbox_id, &size);
    if (r)
        return r;
    for (size_t i = 0; i < folders_n; i++) {
        total += folders[i].total;
        unread += folders[i].unread;
    }
    json_add_open(out, NULL, '{');
    json_add_text(out, "address", mailbox->address);
    json_add_text(out, "name", mailbox->display_name);
    json_add_open(out, "aliases", '[');
    for (size_t i = 0; i < n; i++)
        if (!span_eq_nocase(addresses[i].address, mailbox->address))
            json_add_text(out, NULL, addresses[i].address);
    buf_add_char(out, ']');
    json_add_number(out, "total", total);
    json_add_number(out, "unread", unread);
    json_add_number(out, "size", size);
    buf_add_char(out, '}');
    return 0;
}

static int mailboxes(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_mailbox *all;
    struct rest_page page;
    size_t n, written = 0;
    if (!rest_page(request, &page, response))
        return 0;
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0)
        r = store_mailbox_list(tx, request->arena, &all, &n);
    if (r)
        return r;
    struct buf *out = rest_begin(response);
    json_add_open(out, "mailboxes", '[');
    for (size_t i = page.offset; r == 0 && i < n && written < page.limit; i++, written++)
        r = add_mailbox(tx, request->arena, &all[i], out);
    return r ? (r > 0 ? -EIO : r) : rest_end_page(response, &page, written, n);
}

/* ---- folders ---- */

struct tree {
    const struct mailbox_view *view;
    const struct folder *folders;
    size_t n;
    struct buf *out;
};

static void add_folder(const struct tree *tree, const struct folder *folder, struct span path)
{
    const struct folder_role_info *role = folder_role_info(folder->role);
    struct buf *out = tree->out;
    json_add_open(out, NULL, '{');
    mailbox_add_folder_id(out, tree->view, folder->folder_no);
    if (folder->role == FOLDER_ROLE_root)
        json_add_null(out, "parent");
    else
        mailbox_add_number(out, "parent", folder->parent_no);
    json_add_text(out, "name", folder->name);
    json_add_text(out, "path", path);
    if (role)
        json_add_text(out, "distinguished", span_of(role->id));
    else
        json_add_null(out, "distinguished");
    json_add_text(out, "class", folder->class);
    json_add_number(out, "total", folder->total);
    json_add_number(out, "unread", folder->unread);
    buf_add_char(out, '}');
}

/* Folders lie in each other at most as deep as store.max_folder_depth. */
static int add_below(const struct tree *tree, struct arena *arena, const struct folder *parent, struct span path, unsigned depth)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < tree->n; i++) {
        const struct folder *folder = &tree->folders[i];
        struct span inner;
        if (folder->parent_no != parent->folder_no || folder == parent || depth == 0)
            continue;
        if (folder->role == FOLDER_ROLE_msgfolderroot)
            inner = (struct span){ 0 };
        else
            r = arena_printf(arena, &inner, "%.*s%s%.*s", (int)path.len, path.ptr, path.len ? "/" : "", (int)folder->name.len,
                             folder->name.ptr);
        if (r)
            return r;
        add_folder(tree, folder, inner);
        r = add_below(tree, arena, folder, inner, depth - 1);
    }
    return r;
}

static int folders(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct mailbox_view view;
    struct folder *all;
    size_t n;
    int r = mailbox_open(request, &tx, &view, response);
    if (r == 0)
        r = store_folder_all(tx, request->arena, view.mailbox.mailbox_id, &all, &n);
    if (r)
        return r < 0 ? r : 0;
    struct tree tree = { .view = &view, .folders = all, .n = n, .out = rest_begin(response) };
    json_add_open(tree.out, "folders", '[');
    for (size_t i = 0; r == 0 && i < n; i++)
        if (all[i].role == FOLDER_ROLE_root) {
            add_folder(&tree, &all[i], (struct span){ 0 });
            r = add_below(&tree, request->arena, &all[i], (struct span){ 0 },
                          (unsigned)request->server->conf->store_max_folder_depth + 5);
        }
    buf_add_char(tree.out, ']');
    return r ? r : rest_end(response);
}

/* ---- items ---- */

/* 0; 1: response says what is wrong. */
static int read_filter(struct http_request *request, struct filter **ret_filter, struct http_response *response)
{
    const struct query_limits limits = { .length = REST_TEXT_MAX, .nodes = (unsigned)request->server->conf->soap_search_nodes,
                                         .depth = (unsigned)request->server->conf->soap_search_depth };
    struct span text = { 0 };
    *ret_filter = NULL;
    if (!rest_text(request, "q", &text, response))
        return 1;
    int r = text.len ? query_read(request->arena, text, when_now(), &limits, ret_filter) : 0;
    if (r > 0 && rest_error(response, 400, "BadParameter", "q is no query: %s", code_text(r)))
        return -ENOMEM;
    return r;
}

struct writing {
    const struct mailbox_view *view;
    struct buf *out;
};

static int write_item(void *arg, struct arena *arena, const struct item *item)
{
    struct writing *writing = arg;
    struct buf *out = writing->out;
    struct span to;
    int r = rcpt_list_display(arena, &item->to, &to);
    if (r)
        return r;
    json_add_open(out, NULL, '{');
    mailbox_add_item_id(out, writing->view, item);
    mailbox_add_item_line(out, item);
    json_add_text(out, "to", to);
    json_add_bool(out, "has_attachments", item->flags & ITEM_HAS_ATTACHMENTS);
    buf_add_char(out, '}');
    return 0;
}

static int items(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct mailbox_view view;
    struct filter *filter;
    struct rest_page page;
    struct folder folder;
    struct store_found found;
    if (!rest_page(request, &page, response))
        return 0;
    int r = read_filter(request, &filter, response);
    if (r == 0)
        r = mailbox_open(request, &tx, &view, response);
    if (r == 0)
        r = mailbox_folder(tx, request, &view, &folder, response);
    if (r)
        return r < 0 ? r : 0;
    const struct store_search search = { .mailbox_id = view.mailbox.mailbox_id, .folder_no = folder.folder_no, .filter = filter,
                                         .max = (uint64_t)request->server->conf->soap_find_count, .body_max = BODY_SEARCHED };
    r = store_search(tx, request->arena, &search, &found);
    if (r)
        return r < 0 ? r : rest_error(response, 400, "BadParameter", "%s", code_text(r));
    uint64_t left = found.total > page.offset ? found.total - page.offset : 0;
    struct writing writing = { .view = &view, .out = rest_begin(response) };
    json_add_open(writing.out, "items", '[');
    left = left < page.limit ? left : page.limit;
    r = store_search_each(tx, &search, &found, page.offset, left, STORE_RECIPIENTS | STORE_DAMAGED, write_item, &writing);
    return r ? (r > 0 ? -EIO : r) : rest_end_page(response, &page, left, found.total);
}

const struct http_route http_route_api_mailboxes = {
    .path = "/api/mailboxes", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true, .handle = mailboxes
};
const struct http_route http_route_api_folders = {
    .path = "/api/mailboxes/*/folders", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true, .handle = folders
};
const struct http_route http_route_api_items = {
    .path = "/api/mailboxes/*/folders/*/items", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .rest = true, .handle = items
};
