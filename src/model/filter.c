/*
 * Matching an item against a filter; see filter.h. The tree's depth is bounded
 * by whoever reads it.
 */
#include "model/filter.h"

#include "model/fold.h"

#include <errno.h>

enum { TEXT_MAX = 1 << 26 };

static int need(struct filter_item *item, unsigned load)
{
    unsigned missing = load & ~item->loaded;
    if (!missing)
        return 0;
    int r = item->load(item->arg, item->item, missing);
    if (r == 0)
        item->loaded |= missing;
    return r;
}

static int values_of(struct filter_item *item, const struct field *field, struct values *ret_values)
{
    if (item->folder)
        return field_folder_values(item->arena, field, item->folder, ret_values);
    int r = need(item, field_load(field));
    return r ? r : field_values(item->arena, field, item->item, ret_values);
}

/* ---- comparisons ---- */

static bool holds(enum filter_op op, int order)
{
    switch (op) {
    case FILTER_EQ:
        return order == 0;
    case FILTER_GT:
        return order > 0;
    case FILTER_GE:
        return order >= 0;
    case FILTER_LT:
        return order < 0;
    case FILTER_LE:
        return order <= 0;
    case FILTER_NE:
    case FILTER_AND:
    case FILTER_OR:
    case FILTER_NOT:
    case FILTER_EXISTS:
    case FILTER_EXCLUDES:
    case FILTER_CONTAINS:
    case FILTER_WORDS:
        break;
    }
    return false;
}

/* Of several values one is enough; none may be equal for "not equal". */
static int compare(const struct filter *filter, struct filter_item *item, bool *ret_match)
{
    enum filter_op op = filter->op == FILTER_NE ? FILTER_EQ : filter->op;
    struct values values, others = { .v = (struct value *)&filter->value, .n = 1 };
    bool match = false;
    int r = values_of(item, &filter->field, &values);
    if (r == 0 && filter->has_other)
        r = values_of(item, &filter->other, &others);
    for (size_t i = 0; r == 0 && !match && i < values.n; i++)
        for (size_t k = 0; !match && k < others.n; k++)
            match = holds(op, value_compare(item->arena, &values.v[i], &others.v[k]));
    *ret_match = filter->op == FILTER_NE ? !match : match;
    return r;
}

static bool contains(const struct filter *filter, struct span text)
{
    struct span wanted = filter->folded;
    if (filter->mode == FILTER_WHOLE)
        return span_eq(text, wanted);
    if (filter->mode == FILTER_PREFIX)
        return span_starts(text, wanted);
    for (size_t from = 0; from + wanted.len <= text.len;) {
        const char *at = wanted.len ? memmem(text.ptr + from, text.len - from, wanted.ptr, wanted.len) : text.ptr + from;
        if (!at)
            return false;
        size_t begin = (size_t)(at - text.ptr);
        if (filter->mode == FILTER_SUBSTRING || (words_edge(text, begin) && (filter->mode == FILTER_WORD_PREFIX ||
                                                                             words_edge(text, begin + wanted.len))))
            return true;
        from = begin + 1;
    }
    return false;
}

static int match_contains(const struct filter *filter, struct filter_item *item, bool *ret_match)
{
    struct values values;
    bool match = false;
    int r = values_of(item, &filter->field, &values);
    for (size_t i = 0; r == 0 && !match && i < values.n; i++) {
        struct span text = values.v[i].text;
        r = fold_text(item->arena, text, filter->fold, &text);
        match = r == 0 && contains(filter, text);
    }
    *ret_match = match;
    return r;
}

static int match_bits(const struct filter *filter, struct filter_item *item, bool *ret_match)
{
    struct values values;
    int r = values_of(item, &filter->field, &values);
    if (r == 0)
        *ret_match = values.n == 0 || (values.v[0].number & filter->value.number) == 0;
    return r;
}

static int match_exists(const struct filter *filter, struct filter_item *item, bool *ret_match)
{
    struct values values;
    int r = values_of(item, &filter->field, &values);
    if (r == 0)
        *ret_match = values.n > 0;
    return r;
}

/* ---- words ---- */

static bool word_fits(const struct filter *filter, size_t i, struct span word)
{
    bool prefix = filter->prefix && (filter->each || i + 1 == filter->words_n);
    return prefix ? span_starts(word, filter->words[i]) : span_eq(word, filter->words[i]);
}

/* under_way: bit i says that words up to i were just met in a row. */
static bool phrase_in(const struct filter *filter, struct span text)
{
    struct words words = { .rest = text };
    struct span word;
    uint64_t under_way = 0;
    while (words_next(&words, &word)) {
        uint64_t now = 0;
        for (size_t i = 0; i < filter->words_n; i++)
            if ((i == 0 || under_way >> (i - 1) & 1) && word_fits(filter, i, word))
                now |= UINT64_C(1) << i;
        if (now >> (filter->words_n - 1) & 1)
            return true;
        under_way = now;
    }
    return false;
}

/* The texts of an item that words are looked for in, one after another. */
typedef int each_text(void *arg, struct span text);

static int each_rcpt(const struct rcpt *v, size_t n, each_text *each, void *arg)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = each(arg, v[i].name);
        if (r == 0)
            r = each(arg, v[i].address);
    }
    return r;
}

static int each_text_of_xml(struct span xml, each_text *each, void *arg)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    fold_html(xml, &text);
    int r = buf_error(&text);
    if (r == 0)
        r = each(arg, buf_span(&text));
    buf_done(&text);
    return r;
}

/* `in` is one place. */
static int each_text_in(struct arena *arena, const struct item *item, unsigned in, each_text *each, void *arg)
{
    static const struct field body = { .kind = FIELD_PROP, .type = VALUE_TEXT, .prop = PROP_ID_Body };
    struct values values = { 0 };
    int r = 0;
    if (in == FILTER_IN_SUBJECT)
        return each(arg, item->subject);
    if (in == FILTER_IN_FROM)
        return (r = each_rcpt(&item->from, 1, each, arg)) ? r : each_rcpt(&item->sender, 1, each, arg);
    if (in == FILTER_IN_TO || in == FILTER_IN_CC || in == FILTER_IN_BCC) {
        const struct rcpt_list *list = in == FILTER_IN_TO ? &item->to : in == FILTER_IN_CC ? &item->cc : &item->bcc;
        return each_rcpt(list->v, list->n, each, arg);
    }
    if (in == FILTER_IN_BODY)
        r = field_values(arena, &body, item, &values);
    for (size_t i = 0; r == 0 && i < values.n; i++)
        r = each(arg, values.v[i].text);
    for (size_t i = 0; r == 0 && in == FILTER_IN_ATTACHMENTS && i < item->attachments.n; i++)
        r = each(arg, item->attachments.v[i].name);
    for (size_t i = 0; r == 0 && in == FILTER_IN_DETAILS && i < item->details.n; i++)
        r = each_text_of_xml(item->details.v[i], each, arg);
    for (size_t i = 0; r == 0 && in == FILTER_IN_CATEGORIES && i < item->categories.n; i++)
        r = each(arg, item->categories.v[i]);
    return r;
}

static const struct {
    unsigned in, load;
} places[] = { /* what costs least first */
    { FILTER_IN_SUBJECT, 0 },
    { FILTER_IN_FROM, 0 },
    { FILTER_IN_CATEGORIES, FIELD_RARE },
    { FILTER_IN_DETAILS, FIELD_RARE },
    { FILTER_IN_TO, FIELD_RCPTS },
    { FILTER_IN_CC, FIELD_RCPTS },
    { FILTER_IN_BCC, FIELD_RCPTS },
    { FILTER_IN_ATTACHMENTS, FIELD_ATTACHMENTS },
    { FILTER_IN_BODY, FIELD_BODY },
};

static int try_text(void *arg, struct span text)
{
    return phrase_in(arg, text) ? 1 : 0;
}

static int match_words(const struct filter *filter, struct filter_item *item, bool *ret_match)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(places); i++) {
        if (!(filter->in & places[i].in))
            continue;
        r = need(item, places[i].load);
        if (r == 0)
            r = each_text_in(item->arena, item->item, places[i].in, try_text, (void *)filter);
    }
    *ret_match = r > 0;
    return r < 0 ? r : 0;
}

struct word_sink {
    int (*each)(void *arg, struct span word);
    void *arg;
};

static int each_word_of_text(void *arg, struct span text)
{
    struct word_sink *sink = arg;
    struct words words = { .rest = text };
    struct span word;
    int r = 0;
    while (r == 0 && words_next(&words, &word))
        r = sink->each(sink->arg, word);
    return r;
}

int filter_each_word(struct arena *arena, const struct item *item, int (*each)(void *arg, struct span word), void *arg)
{
    struct word_sink sink = { each, arg };
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(places); i++)
        r = each_text_in(arena, item, places[i].in, each_word_of_text, &sink);
    return r;
}

/* ---- the tree ---- */

int filter_match(const struct filter *filter, struct filter_item *item, bool *ret_match)
{
    bool match = filter->op != FILTER_OR;
    int r = 0;
    switch (filter->op) {
    case FILTER_AND:
    case FILTER_OR:
        for (const struct filter *c = filter->child; r == 0 && c && match == (filter->op == FILTER_AND); c = c->next)
            r = filter_match(c, item, &match);
        *ret_match = match;
        return r;
    case FILTER_NOT:
        r = filter_match(filter->child, item, &match);
        *ret_match = !match;
        return r;
    case FILTER_EXISTS:
        return match_exists(filter, item, ret_match);
    case FILTER_EXCLUDES:
        return match_bits(filter, item, ret_match);
    case FILTER_CONTAINS:
        return match_contains(filter, item, ret_match);
    case FILTER_WORDS:
        return match_words(filter, item, ret_match);
    case FILTER_EQ:
    case FILTER_NE:
    case FILTER_GT:
    case FILTER_GE:
    case FILTER_LT:
    case FILTER_LE:
        break;
    }
    return compare(filter, item, ret_match);
}

struct filter *filter_new(struct arena *arena, enum filter_op op)
{
    struct filter *filter = arena_alloc(arena, sizeof(*filter));
    if (filter)
        filter->op = op;
    return filter;
}

/* What matching may have to load: in the order of enum field_load it costs more. */
static unsigned cost(const struct filter *filter)
{
    unsigned load = field_load(&filter->field) | (filter->has_other ? field_load(&filter->other) : 0);
    if (filter->op <= FILTER_NOT)
        load = 0;
    for (size_t i = 0; filter->op == FILTER_WORDS && i < ARRAY_LEN(places); i++)
        load |= filter->in & places[i].in ? places[i].load : 0;
    for (const struct filter *c = filter->child; c; c = c->next)
        load |= cost(c);
    return load;
}

void filter_add(struct filter *parent, struct filter *child)
{
    unsigned costs = cost(child);
    struct filter **at = &parent->child;
    while (*at && cost(*at) <= costs)
        at = &(*at)->next;
    child->next = *at;
    *at = child;
}

struct filter *filter_of_text(struct arena *arena, struct span text, unsigned in, int *ret_r)
{
    struct words words = { .rest = text };
    struct span *v = arena_array(arena, FILTER_PHRASE_MAX, sizeof(*v)), word;
    struct filter *filter = filter_new(arena, FILTER_WORDS);
    *ret_r = v && filter ? 0 : -ENOMEM;
    if (*ret_r)
        return NULL;
    while (filter->words_n < FILTER_PHRASE_MAX && words_next(&words, &word))
        if ((*ret_r = arena_copy(arena, word, &v[filter->words_n++])))
            return NULL;
    filter->words = v;
    filter->in = in;
    return filter->words_n ? filter : NULL;
}
