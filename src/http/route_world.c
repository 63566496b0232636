/*
 * POST /dev/seed makes users, folders and messages; POST /dev/reset takes all
 * there is away, so that each test begins with the world it was started with,
 * and with no faults.
 * Exists only in `ewsd dev`.
 */
#include "http/captured.h"
#include "http/faults.h"
#include "http/reqlog.h"
#include "http/seed.h"

#include "auth/auth.h"
#include "base/json.h"
#include "base/json_read.h"
#include "model/rights.h"

/* ---- seed ---- */

static int seed(struct http_request *request, struct http_response *response)
{
    char error[SEED_ERROR_SIZE];
    response->content_type = "application/json";
    int r = seed_apply(request->server->ops, request->arena, buf_span(request->body), NULL, &response->body, error);
    auth_forget_all(request->server->auth); /* passwords may be others now */
    if (r == SEED_WRONG)
        return rest_error(response, 400, "BadSeed", "%s. Nothing was made.", error);
    return r;
}

/* ---- reset ---- */

struct keep {
    bool users, requests, faults;
};

/* A user as he is made again. */
struct kept {
    struct store_mailbox mailbox;
    struct store_address *addresses;
    size_t addresses_n;
};

struct reset {
    struct arena *arena;
    struct keep keep;
    struct kept *users;
    size_t n;
    struct store_grant *grants;
    size_t grants_n;
    int64_t mailbox_id; /* to be removed next */
    bool more;
};

static int remember(struct store_tx *tx, struct reset *reset)
{
    struct store_mailbox *all;
    int r = store_mailbox_list(tx, reset->arena, &all, &reset->n);
    if (r == 0)
        r = store_grant_list(tx, reset->arena, 0, 0, &reset->grants, &reset->grants_n);
    if (r)
        return r;
    reset->users = arena_array(reset->arena, reset->n + 1, sizeof(*reset->users));
    for (size_t i = 0; r == 0 && reset->users && i < reset->n; i++) {
        reset->users[i].mailbox = all[i];
        r = store_address_list(tx, reset->arena, all[i].mailbox_id, &reset->users[i].addresses, &reset->users[i].addresses_n);
    }
    return reset->users ? r : -ENOMEM;
}

static int remove_job(struct store_tx *tx, void *arg)
{
    return store_mailbox_remove(tx, ((const struct reset *)arg)->mailbox_id, true);
}

static int sweep_job(struct store_tx *tx, void *arg)
{
    return store_mailbox_sweep(tx, &((struct reset *)arg)->more);
}

static int remove_all(struct store *store, struct reset *reset)
{
    uint64_t n;
    int r = captured_delete_all(store, reset->arena, &n);
    for (size_t i = 0; r >= 0 && i < reset->n; i++) {
        reset->mailbox_id = reset->users[i].mailbox.mailbox_id;
        r = store_write(store, remove_job, reset); /* positive: somebody else has removed it */
    }
    reset->more = true;
    for (r = r < 0 ? r : 0; r == 0 && reset->more;)
        r = store_write(store, sweep_job, reset);
    if (r == 0) /* what was captured meanwhile */
        r = captured_delete_all(store, reset->arena, &n);
    return r;
}

/* ---- the same users again ---- */

static int restore_user(struct store_tx *tx, const struct kept *user)
{
    const struct store_mailbox *mailbox = &user->mailbox;
    int64_t mailbox_id;
    int r = store_mailbox_create(tx, mailbox->address, mailbox->display_name, mailbox->password_hash, &mailbox_id);
    for (size_t i = 0; r == 0 && i < user->addresses_n; i++)
        if (!span_eq_nocase(user->addresses[i].address, mailbox->address))
            r = store_address_add(tx, mailbox_id, user->addresses[i].address);
    return r;
}

static int restore_grant(struct store_tx *tx, struct arena *arena, const struct store_grant *grant)
{
    struct store_mailbox mailbox, grantee;
    int r = store_mailbox_by_address(tx, arena, grant->mailbox, &mailbox);
    if (r == 0)
        r = store_mailbox_by_address(tx, arena, grant->grantee, &grantee);
    return r ? r : store_grant_set(tx, mailbox.mailbox_id, grantee.mailbox_id, grant->rights);
}

static int restore_job(struct store_tx *tx, void *arg)
{
    const struct reset *reset = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < reset->n; i++)
        r = restore_user(tx, &reset->users[i]);
    for (size_t i = 0; r == 0 && i < reset->grants_n; i++)
        r = restore_grant(tx, reset->arena, &reset->grants[i]);
    return r;
}

static int repopulate(const struct http_options *server, struct reset *reset)
{
    struct store *store = server->ops->store;
    if (reset->keep.users)
        return store_write(store, restore_job, reset);
    return server->populate && server->populate(store, server->populate_arg) ? -EIO : 0;
}

/* ---- all of it ---- */

static int run(struct http_request *request, struct reset *reset)
{
    struct store *store = request->server->ops->store;
    struct store_tx *tx;
    int r = store_read_begin(store, &tx);
    if (r == 0) {
        r = remember(tx, reset);
        store_read_end(tx);
    }
    if (r == 0)
        r = remove_all(store, reset);
    auth_forget_all(request->server->auth);
    if (r == 0)
        r = repopulate(request->server, reset);
    if (request->server->log && !reset->keep.requests)
        (void)reqlog_clear(request->server->log);
    if (request->server->faults && !reset->keep.faults)
        faults_clear(request->server->faults);
    return r > 0 ? -EIO : r;
}

static bool *flag_of(struct keep *keep, struct span name)
{
    return span_is(name, "users") ? &keep->users
           : span_is(name, "requests") ? &keep->requests
           : span_is(name, "faults") ? &keep->faults
                                      : NULL;
}

/* 0; 1: response says what is wrong. */
static int read_keep(struct http_request *request, struct keep *ret_keep, struct http_response *response)
{
    CLEANUP(free_ptr_json_read) struct json_read *root = NULL;
    char error[JSON_READ_ERROR_SIZE];
    struct span name;
    int r = json_read_parse(buf_span(request->body), &root, error);
    if (r)
        return r < 0 ? r : rest_error(response, 400, "BadJson", "%s", error) ? -ENOMEM : 1;
    const struct json_read *keep = json_read_member(root, "keep");
    bool ok = json_read_kind(root) == JSON_IS_OBJECT && json_read_count(root) == (keep != NULL) &&
              (!keep || json_read_kind(keep) == JSON_IS_ARRAY);
    for (size_t i = 0; ok && i < json_read_count(keep); i++) {
        bool text = json_read_text(json_read_at(keep, i), &name);
        bool *flag = text ? flag_of(ret_keep, name) : NULL;
        ok = flag != NULL;
        if (flag)
            *flag = true;
    }
    if (!ok && rest_error(response, 400, "BadParameter", "Send {}, or {\"keep\": [\"users\", \"requests\", \"faults\"]} with what is to stay."))
        return -ENOMEM;
    return !ok;
}

static int tell_users(struct http_request *request, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_mailbox *all;
    size_t n;
    int r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0)
        r = store_mailbox_list(tx, request->arena, &all, &n);
    if (r)
        return r;
    struct buf *out = rest_begin(response);
    json_add_open(out, "users", '[');
    for (size_t i = 0; i < n; i++)
        json_add_text(out, NULL, all[i].address);
    buf_add_char(out, ']');
    return rest_end(response);
}

static int reset(struct http_request *request, struct http_response *response)
{
    struct reset reset = { .arena = request->arena };
    int r = read_keep(request, &reset.keep, response);
    if (r)
        return r < 0 ? r : 0;
    r = run(request, &reset);
    return r ? r : tell_users(request, response);
}

const struct http_route http_route_dev_seed = {
    .path = "/dev/seed", .on = HTTP_ON_DEV, .methods = HTTP_POST, .rest = true, .large = true, .handle = seed
};
const struct http_route http_route_dev_reset = {
    .path = "/dev/reset", .on = HTTP_ON_DEV, .methods = HTTP_POST, .rest = true, .handle = reset
};
