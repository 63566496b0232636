/*
 * A request with more items than soap.max_items costs the writer nothing: not a
 * job reaches it, whatever the items are. One with as many as are allowed is one
 * job.
 */
#include "ask.h"
#include "mime/mime.h"

#define ITEMS 20

static struct op_reply create(struct world *world, size_t items)
{
    struct conf conf;
    struct buf text = BUF_INIT(65536), body = BUF_INIT(65536);
    conf_init(&conf);
    conf.soap_max_items = ITEMS;
    buf_add_str(&text, ASK_BEGIN "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items>");
    for (size_t i = 0; i < items; i++)
        buf_add_str(&text, "<t:Message/>");
    buf_add_str(&text, "</m:Items></m:CreateItem>" ASK_END);
    struct op_reply reply = ask(world, &conf, &text, NULL, &body);
    buf_done(&text);
    buf_done(&body);
    return reply;
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
    uint64_t before = jobs_of(world);
    struct op_reply reply = create(world, ITEMS + 1);
    assert_int_equal(reply.status, 500);
    assert_int_equal(jobs_of(world), before);
    reply = create(world, ITEMS);
    assert_int_equal(reply.status, 200);
    assert_int_equal(jobs_of(world), before + 1);
}

int main(void)
{
    const struct CMUnitTest cases[] = { WORLD_CASE(too_many_never_reach_the_writer) };
    mime_init();
    return world_run(cases, ARRAY_LEN(cases));
}
