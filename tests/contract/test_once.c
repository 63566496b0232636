/*
 * A request with an Idempotency-Key over a store whose COMMIT fails: nothing is
 * said to be done, neither from what was rendered in vain nor by a record; the
 * same request afterwards does it, once.
 */
#include "mime/mime.h"
#include "ops/op.h"
#include "soap/envelope.h"
#include "store/store_core.h"
#include "store/store_mail.h"

#include "world.h"

#define REQUEST                                                                                                         \
    "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_MESSAGES "\" xmlns:t=\"" NS_TYPES "\"><s:Body>"                  \
    "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items><t:Message><t:Subject>%s</t:Subject></t:Message></m:Items>" \
    "</m:CreateItem></s:Body></s:Envelope>"

static bool failing;

static void break_commit(void *arg)
{
    struct world *world = arg;
    struct store_tx *tx = &world->store->writer;
    if (failing)
        (void)tx->driver->control(tx->conn, STORE_ROLLBACK);
}

/* Asks as alice; the answer stands in body. */
static struct op_reply ask(struct world *world, const char *subject, struct buf *body)
{
    static const struct soap_rules rules = { .served = op_is_served, .limits = { .depth = 128, .tag = 16384 } };
    struct soap *soap;
    struct conf conf;
    struct op_env env;
    struct caller caller;
    struct soap_request request;
    struct soap_fault fault;
    struct op_reply reply;
    struct buf text = BUF_INIT(65536);
    conf_init(&conf);
    op_env_init(&env, world->store, &conf, NULL);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_mailbox_by_id(tx, world->arena, world->alice, &caller.mailbox), 0);
    store_read_end(tx);
    buf_printf(&text, REQUEST, subject);
    struct op_once *once = op_once_new(world->arena, SPAN("key"), buf_span(&text));
    assert_non_null(once);
    assert_int_equal(soap_new(&rules, &soap), 0);
    assert_int_equal(soap_parse(soap, &text, world->arena, &request, &fault), 0);
    buf_clear(body);
    const struct op_request asked = { .env = &env, .caller = &caller, .arena = world->arena, .soap = &request, .once = once,
                                      .id = SPAN("test") };
    struct op_call *call;
    assert_int_equal(op_dispatch(&asked, body, &reply, &call), 0);
    soap_free(soap);
    buf_done(&text);
    return reply;
}

static bool says(const struct buf *body, const char *words)
{
    return memmem(body->ptr, body->len, words, strlen(words)) != NULL;
}

static uint32_t drafts(struct world *world)
{
    struct folder folder;
    struct store_tx *tx = reader(world);
    assert_int_equal(store_folder_by_role(tx, world->arena, world->alice, FOLDER_ROLE_drafts, &folder), 0);
    store_read_end(tx);
    return folder.total;
}

static void a_failed_commit_is_no_success(void **state)
{
    struct world *world = *state;
    struct buf body = BUF_INIT(65536);
    world->options.before_commit = break_commit;
    world->options.hook_arg = world;
    reopen(world);
    failing = true;
    assert_int_equal(ask(world, "first", &body).status, 200);
    failing = false;
    assert_true(says(&body, "ErrorInternalServerTransientError"));
    assert_false(says(&body, "NoError"));
    assert_false(says(&body, "ItemId"));
    assert_int_equal(drafts(world), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(world, "first", &body).status, 200);
        assert_true(says(&body, "NoError"));
        assert_int_equal(drafts(world), 1);
    }
    assert_int_equal(ask(world, "other", &body).status, 500);
    assert_true(says(&body, "Idempotency-Key"));
    assert_int_equal(drafts(world), 1);
    buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest cases[] = { WORLD_CASE(a_failed_commit_is_no_success) };
    mime_init();
    return world_run(cases, ARRAY_LEN(cases));
}
