/*
 * Any text as a query string, or as the begin of a message and a query string
 * for it: reading never fails in another way than it says, what is read is within its
 * limits, matching comes to the same each time and, where the full-text index
 * may speak for the message, the index finds whatever matches.
 */
#include "fuzz.h"

#include "model/code.h"
#include "model/fold.h"
#include "model/query.h"
#include "store/driver.h"
#include "store/store_words.h"

static int load_nothing(void *arg, struct item *item, unsigned load)
{
    (void)arg;
    (void)item;
    (void)load;
    return 0;
}

static unsigned count_nodes(const struct filter *filter)
{
    unsigned n = 1;
    for (const struct filter *c = filter->child; c; c = c->next)
        n += count_nodes(c);
    return n;
}

static int look_for(void *arg, struct span word)
{
    struct span *wanted = arg;
    return span_starts(word, *wanted) ? 1 : 0;
}

/* Every word that a match needs is one of the item's. */
static void check_words(struct arena *arena, const struct filter *filter, const struct item *item)
{
    for (size_t i = 0; i < filter->words_n; i++) {
        struct span word = filter->words[i];
        FUZZ_CHECK(word.len <= WORD_MAX + 8);
        FUZZ_CHECK(filter_each_word(arena, item, look_for, &word) == 1);
    }
}

static void check_match(struct arena *arena, const struct filter *filter, struct item *item)
{
    struct filter_item one = { .item = item, .load = load_nothing, .arena = arena };
    struct buf query = BUF_INIT(1u << 20);
    bool match = false, again = false, exact;
    FUZZ_CHECK(filter_match(filter, &one, &match) == 0);
    FUZZ_CHECK(filter_match(filter, &one, &again) == 0 && match == again);
    if (match && filter->op == FILTER_WORDS)
        check_words(arena, filter, item);
    (void)words_query(&store_words_sqlite, 1, filter, &query, &exact);
    FUZZ_CHECK(buf_error(&query) == 0 && span_utf8_ok(buf_span(&query)));
    buf_done(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct query_limits limits = { .length = 4096, .nodes = 255, .depth = 32 };
    const char *half = memchr(data, '\n', size);
    struct span text = { (const char *)data, size }, query = text;
    struct filter *filter = NULL;
    struct arena *arena = NULL;
    struct item item;
    if (!span_utf8_ok(text) || arena_new(256u << 20, &arena))
        return 0;
    item_init(&item);
    item.item_class = SPAN("IPM.Note");
    if (half) {
        item.subject = item.body = (struct span){ text.ptr, (size_t)(half - text.ptr) };
        item.body_type = BODY_HTML;
        query = (struct span){ half + 1, text.len - item.subject.len - 1 };
    }
    int r = query_read(arena, query, INT64_C(1795900000000), &limits, &filter);
    FUZZ_CHECK(r == 0 || r == CODE_ErrorQueryFilterTooLong || r == CODE_ErrorRestrictionTooLong ||
               r == CODE_ErrorRestrictionTooComplex || r == CODE_ErrorInvalidValueForProperty);
    if (r == 0 && filter) {
        FUZZ_CHECK(count_nodes(filter) <= limits.nodes);
        check_match(arena, filter, &item);
    }
    arena_free(arena);
    return 0;
}
