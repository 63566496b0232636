/*
 * A request with an Idempotency-Key over a store whose COMMIT fails: nothing is
 * said to be done, neither from what was rendered in vain nor by a record; the
 * same request afterwards does it, once.
 */
#include "ask.h"
#include "mime/mime.h"
#include "store/store_core.h"
#include "store/store_mail.h"

#define REQUEST                                                                                                                   \
    ASK_BEGIN "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items><t:Message><t:Subject>%s</t:Subject></t:Message></m:Items>" \
              "</m:CreateItem>" ASK_END

static bool failing;

static void break_commit(void *arg)
{
    struct world *world = arg;
    struct store_tx *tx = &world->store->writers[0].tx;
    if (failing)
        (void)tx->driver->control(tx->conn, STORE_ROLLBACK);
}

static struct op_reply create(struct world *world, const char *subject, struct buf *body)
{
    struct conf conf;
    struct buf text = BUF_INIT(65536);
    conf_init(&conf);
    buf_printf(&text, REQUEST, subject);
    struct op_reply reply = ask(world, &conf, &text, "key", body);
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
    world->options.writers = 1;
    reopen(world);
    failing = true;
    assert_int_equal(create(world, "first", &body).status, 200);
    failing = false;
    assert_true(says(&body, "ErrorInternalServerTransientError"));
    assert_false(says(&body, "NoError"));
    assert_false(says(&body, "ItemId"));
    assert_int_equal(drafts(world), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(create(world, "first", &body).status, 200);
        assert_true(says(&body, "NoError"));
        assert_int_equal(drafts(world), 1);
    }
    assert_int_equal(create(world, "other", &body).status, 500);
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
