/*
 * See ask.h.
 */
#include "ask.h"

#include "soap/envelope.h"

struct op_reply ask(struct world *world, const struct conf *conf, const struct buf *text, const char *key, struct buf *body)
{
    const struct soap_rules rules = { .served = op_is_served, .limits = XML_LIMITS_USUAL };
    struct soap *soap;
    struct op_env env;
    struct caller caller;
    struct soap_request request;
    struct soap_fault fault;
    struct op_reply reply;
    struct op_call *call;
    struct buf own = BUF_INIT(1u << 20); /* parsing changes it */
    op_env_init(&env, world->store, conf, NULL);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_mailbox_by_id(tx, world->arena, world->alice, &caller.mailbox), 0);
    store_read_end(tx);
    buf_add_span(&own, buf_span(text));
    struct op_once *once = key ? op_once_new(world->arena, span_of(key), buf_span(&own)) : NULL;
    assert_true(once || !key);
    assert_int_equal(soap_new(&rules, &soap), 0);
    assert_int_equal(soap_parse(soap, &own, world->arena, &request, &fault), 0);
    const struct op_request asked = { .env = &env, .caller = &caller, .arena = world->arena, .soap = &request, .once = once,
                                      .id = SPAN("test") };
    buf_clear(body);
    assert_int_equal(op_dispatch(&asked, body, &reply, &call), 0);
    soap_free(soap);
    buf_done(&own);
    return reply;
}
