/*
 * Any bytes as a seed: it is made whole, and told in JSON, or refused with words and
 * nothing of it is there; the counts of folders agree with what is in them.
 */
#include "ews_world.h"

#include "base/json_read.h"
#include "http/seed.h"
#include "store/store_folder.h"

#define ARENA_MAX (256u << 20)
#define OUT_MAX (64u << 20)

struct count {
    size_t mailboxes, items;
};

/* What a seed can add to, over the mailboxes that are there without one. */
static struct count count(struct ews_world *world, struct arena *arena)
{
    struct count count = { 0 };
    struct store_tx *tx;
    struct store_mailbox *all;
    FUZZ_CHECK(store_read_begin(world->store, &tx) == 0);
    FUZZ_CHECK(store_mailbox_list(tx, arena, &all, &count.mailboxes) == 0);
    for (size_t i = 0; i < ARRAY_LEN(world->mailboxes); i++) {
        struct folder *folders;
        size_t n;
        FUZZ_CHECK(store_folder_all(tx, arena, world->mailboxes[i], &folders, &n) == 0);
        count.items += n;
        for (size_t j = 0; j < n; j++)
            count.items += folders[j].total;
    }
    store_read_end(tx);
    return count;
}

static void check_made(struct span told)
{
    char error[JSON_READ_ERROR_SIZE];
    struct json_read *root;
    FUZZ_CHECK_TEXT(json_read_parse(told, &root, error) == 0, told);
    FUZZ_CHECK(json_read_kind(root) == JSON_IS_OBJECT);
    json_read_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ews_world *world = ews_world();
    struct arena *arena = fuzz_arena(ARENA_MAX);
    struct buf out = BUF_INIT(OUT_MAX);
    char error[SEED_ERROR_SIZE];
    memset(error, 'x', sizeof(error));
    struct count before = count(world, arena);
    int r = seed_apply(&world->ops, arena, (struct span){ (const char *)data, size }, NULL, &out, error);
    FUZZ_CHECK(r == 0 || r == SEED_WRONG);
    struct count after = count(world, arena);
    if (r) {
        FUZZ_CHECK(memchr(error, 0, sizeof(error)) && *error && span_utf8_ok(span_of(error)));
        FUZZ_CHECK(before.mailboxes == after.mailboxes && before.items == after.items);
    } else {
        FUZZ_CHECK(after.mailboxes >= before.mailboxes && after.items >= before.items);
        check_made(buf_span(&out));
    }
    ews_world_check(world);
    buf_done(&out);
    arena_free(arena);
    ews_world_reset(world);
    return 0;
}
