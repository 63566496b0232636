/*
 * A request with more items than soap.max_items costs the writer nothing: not a
 * job reaches it, whatever the items are. One with as many as are allowed is one
 * job.
 */
#include "mime/mime.h"
#include "ops/op.h"
#include "soap/envelope.h"

#include "world.h"

#define ITEMS 20

static void ask(struct world *world, size_t items, struct op_reply *ret_reply)
{
    const struct soap_rules rules = { .served = op_is_served, .limits = XML_LIMITS_USUAL };
    struct soap *soap;
    struct conf conf;
    struct op_env env;
    struct caller caller;
    struct soap_request request;
    struct soap_fault fault;
    struct op_call *call;
    struct buf text = BUF_INIT(65536), body = BUF_INIT(65536);
    conf_init(&conf);
    conf.soap_max_items = ITEMS;
    op_env_init(&env, world->store, &conf, NULL);
    struct store_tx *tx = reader(world);
    assert_int_equal(store_mailbox_by_id(tx, world->arena, world->alice, &caller.mailbox), 0);
    store_read_end(tx);
    buf_add_str(&text, "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_MESSAGES "\" xmlns:t=\"" NS_TYPES "\"><s:Body>"
                       "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items>");
    for (size_t i = 0; i < items; i++)
        buf_add_str(&text, "<t:Message/>");
    buf_add_str(&text, "</m:Items></m:CreateItem></s:Body></s:Envelope>");
    assert_int_equal(soap_new(&rules, &soap), 0);
    assert_int_equal(soap_parse(soap, &text, world->arena, &request, &fault), 0);
    const struct op_request asked = { .env = &env, .caller = &caller, .arena = world->arena, .soap = &request, .id = SPAN("test") };
    assert_int_equal(op_dispatch(&asked, &body, ret_reply, &call), 0);
    soap_free(soap);
    buf_done(&text);
    buf_done(&body);
}

static uint64_t jobs_of(struct world *world)
{
    uint64_t commits, jobs;
    store_stats(world->store, &commits, &jobs);
    return jobs;
}

static void too_many_never_reach_the_writer(void **state)
{
    struct world *world = *state;
    struct op_reply reply;
    uint64_t before = jobs_of(world);
    ask(world, ITEMS + 1, &reply);
    assert_int_equal(reply.status, 500);
    assert_int_equal(jobs_of(world), before);
    ask(world, ITEMS, &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(jobs_of(world), before + 1);
}

int main(void)
{
    const struct CMUnitTest cases[] = { WORLD_CASE(too_many_never_reach_the_writer) };
    mime_init();
    return world_run(cases, ARRAY_LEN(cases));
}
