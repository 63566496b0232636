/*
 * Query strings; see query.h. A recursive descent over
 *   or := and (OR and)*    and := unary ((AND)? unary)*    unary := (NOT | -) unary | primary
 *   primary := ( or ) | keyword: unary | value
 * in which the last keyword says what a value is. Parentheses that do not match
 * are made to.
 */
#include "model/query.h"

#include "model/fold.h"

#include <errno.h>

enum key_kind { KEY_WORDS, KEY_DATE, KEY_NUMBER, KEY_TRUTH, KEY_CHOICE, KEY_KIND, KEY_FLAGGED };

static const struct key {
    const char *name;
    enum key_kind kind;
    unsigned in;    /* KEY_WORDS */
    enum prop prop; /* others */
} keys[] = {
    { "", KEY_WORDS, FILTER_IN_ALL, 0 },
    { "subject", KEY_WORDS, FILTER_IN_SUBJECT, 0 },
    { "body", KEY_WORDS, FILTER_IN_BODY, 0 },
    { "content", KEY_WORDS, FILTER_IN_BODY, 0 },
    { "from", KEY_WORDS, FILTER_IN_FROM, 0 },
    { "to", KEY_WORDS, FILTER_IN_TO, 0 },
    { "cc", KEY_WORDS, FILTER_IN_CC, 0 },
    { "bcc", KEY_WORDS, FILTER_IN_BCC, 0 },
    { "participants", KEY_WORDS, FILTER_IN_TO | FILTER_IN_CC | FILTER_IN_BCC, 0 },
    { "attachment", KEY_WORDS, FILTER_IN_ATTACHMENTS, 0 },
    { "attachments", KEY_WORDS, FILTER_IN_ATTACHMENTS, 0 },
    { "category", KEY_WORDS, FILTER_IN_CATEGORIES, 0 },
    { "categories", KEY_WORDS, FILTER_IN_CATEGORIES, 0 },
    { "received", KEY_DATE, 0, PROP_ID_DateTimeReceived },
    { "sent", KEY_DATE, 0, PROP_ID_DateTimeSent },
    { "size", KEY_NUMBER, 0, PROP_ID_Size },
    { "hasattachment", KEY_TRUTH, 0, PROP_ID_HasAttachments },
    { "hasattachments", KEY_TRUTH, 0, PROP_ID_HasAttachments },
    { "isread", KEY_TRUTH, 0, PROP_ID_IsRead },
    { "read", KEY_TRUTH, 0, PROP_ID_IsRead },
    { "isflagged", KEY_FLAGGED, 0, 0 },
    { "importance", KEY_CHOICE, 0, PROP_ID_Importance },
    { "kind", KEY_KIND, 0, PROP_ID_ItemClass },
};

static const struct {
    const char *name, *item_class;
} kinds[] = {
    { "email", "IPM.Note" },       { "meetings", "IPM.Appointment" },
    { "meetings", "IPM.Schedule" }, { "tasks", "IPM.Task" },
    { "notes", "IPM.StickyNote" }, { "contacts", "IPM.Contact" },
    { "contacts", "IPM.DistList" }, { "journals", "IPM.Activity" },
    { "docs", "IPM.Document" },    { "im", "IPM.Note.Microsoft.Conversation" },
    { "posts", "IPM.Post" },       { "rssfeeds", "IPM.Post.RSS" },
    { "faxes", "IPM.Note.Microsoft.Fax" }, { "voicemail", "IPM.Note.Microsoft.Voicemail" },
};

struct reading {
    struct arena *arena;
    struct span rest;
    int64_t now;
    const struct query_limits *limits;
    unsigned nodes, depth;
};

static int read_or(struct reading *q, const struct key *key, struct filter **ret_filter);
static int read_unary(struct reading *q, const struct key *key, struct filter **ret_filter);

/* ---- words of the string ---- */

static void skip(struct reading *q, size_t n)
{
    q->rest = (struct span){ q->rest.ptr + n, q->rest.len - n };
}

static bool at_char(struct reading *q, char c)
{
    q->rest = span_trim(q->rest);
    return q->rest.len && q->rest.ptr[0] == c;
}

static bool take_char(struct reading *q, char c)
{
    if (!at_char(q, c))
        return false;
    skip(q, 1);
    return true;
}

/* Up to white space, a parenthesis or a quotation mark. */
static struct span word_ahead(struct reading *q)
{
    struct span word = { (q->rest = span_trim(q->rest)).ptr, 0 };
    while (word.len < q->rest.len && !strchr(" \t\r\n()\"", q->rest.ptr[word.len]))
        word.len++;
    return word;
}

/* A word in capitals. */
static bool take_joint(struct reading *q, const char *joint)
{
    struct span word = word_ahead(q);
    if (!span_is(word, joint))
        return false;
    skip(q, word.len);
    return true;
}

static const struct key *take_key(struct reading *q)
{
    struct span word = word_ahead(q);
    const char *colon = memchr(word.ptr, ':', word.len);
    for (size_t i = 1; colon && i < ARRAY_LEN(keys); i++)
        if (span_eq_nocase((struct span){ word.ptr, (size_t)(colon - word.ptr) }, span_of(keys[i].name))) {
            skip(q, (size_t)(colon - word.ptr) + 1);
            return &keys[i];
        }
    return NULL;
}

/* A word, or what is between quotation marks. */
static struct span take_value(struct reading *q, bool *ret_quoted)
{
    *ret_quoted = take_char(q, '"');
    struct span value = *ret_quoted ? q->rest : word_ahead(q);
    const char *end = *ret_quoted && value.len ? memchr(value.ptr, '"', value.len) : NULL;
    if (end)
        value.len = (size_t)(end - value.ptr);
    skip(q, value.len + (end ? 1 : 0));
    return value;
}

/* ---- nodes ---- */

static int new_node(struct reading *q, enum filter_op op, struct filter **ret_filter)
{
    if (++q->nodes > q->limits->nodes)
        return CODE_ErrorRestrictionTooLong;
    *ret_filter = filter_new(q->arena, op);
    return *ret_filter ? 0 : -ENOMEM;
}

static int new_comparison(struct reading *q, enum filter_op op, enum prop prop, int64_t number, struct filter **ret_filter)
{
    int r = new_node(q, op, ret_filter);
    if (r)
        return r;
    (void)field_of_uri(FIELD_OF_ITEMS, span_of(props[prop].uri), &(*ret_filter)->field);
    (*ret_filter)->value = (struct value){ .type = (*ret_filter)->field.type, .number = number };
    return 0;
}

/* from <= value < to; a bound of WHEN_NONE is none. */
static int new_range(struct reading *q, enum prop prop, int64_t from, int64_t to, struct filter **ret_filter)
{
    struct filter *both = NULL, *one = NULL;
    int r = new_node(q, FILTER_AND, &both);
    if (r == 0 && from != WHEN_NONE && (r = new_comparison(q, FILTER_GE, prop, from, &one)) == 0)
        filter_add(both, one);
    if (r == 0 && to != WHEN_NONE && (r = new_comparison(q, FILTER_LT, prop, to, &one)) == 0)
        filter_add(both, one);
    *ret_filter = both;
    return r;
}

/* ---- values ---- */

/* The same text may stand there as a phrase with an asterisk. Nothing but signs: no filter. */
static int read_words(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    bool quoted;
    struct span value = take_value(q, &quoted);
    int r;
    if (++q->nodes > q->limits->nodes)
        return CODE_ErrorRestrictionTooLong;
    struct filter *filter = filter_of_text(q->arena, value, key->in, &r);
    if (filter) {
        filter->each = quoted && q->rest.len && q->rest.ptr[0] == '*';
        filter->prefix = !quoted || filter->each;
    }
    if (quoted && q->rest.len && q->rest.ptr[0] == '*')
        skip(q, 1);
    *ret_filter = filter;
    return r;
}

static enum filter_op take_operator(struct reading *q)
{
    if (take_char(q, '='))
        return FILTER_EQ;
    if (take_char(q, '>'))
        return take_char(q, '=') ? FILTER_GE : FILTER_GT;
    if (take_char(q, '<'))
        return take_char(q, '=') ? FILTER_LE : FILTER_LT;
    return FILTER_EQ;
}

static bool take_dots(struct reading *q)
{
    q->rest = span_trim(q->rest);
    if (!span_starts(q->rest, SPAN("..")))
        return false;
    skip(q, 2);
    return true;
}

static bool take_days(struct reading *q, struct query_days *ret_days)
{
    bool quoted = take_char(q, '"');
    if (!query_take_date(&q->rest, q->now, ret_days))
        return false;
    if (quoted)
        (void)take_char(q, '"');
    return true;
}

/* One number, as days that are one unit long. */
static bool take_number(struct reading *q, struct query_days *ret_number)
{
    int64_t number = 0;
    size_t n = 0;
    q->rest = span_trim(q->rest);
    while (n < q->rest.len && q->rest.ptr[n] >= '0' && q->rest.ptr[n] <= '9')
        n++;
    if (!span_int((struct span){ q->rest.ptr, n }, false, 0, INT64_MAX - 1, &number))
        return false;
    skip(q, n);
    *ret_number = (struct query_days){ number, number + 1 };
    return true;
}

static int read_ranged(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    bool (*take)(struct reading *, struct query_days *) = key->kind == KEY_DATE ? take_days : take_number;
    struct query_days a = { WHEN_NONE, WHEN_NONE }, b;
    enum filter_op op = take_operator(q);
    bool open = take_dots(q);
    if (!open && !take(q, &a))
        return CODE_ErrorInvalidValueForProperty;
    if (op == FILTER_GT)
        return new_range(q, key->prop, a.to, WHEN_NONE, ret_filter);
    if (op == FILTER_GE)
        return new_range(q, key->prop, a.from, WHEN_NONE, ret_filter);
    if (op == FILTER_LT || op == FILTER_LE)
        return new_range(q, key->prop, WHEN_NONE, op == FILTER_LT ? a.from : a.to, ret_filter);
    if (!open && !take_dots(q))
        return new_range(q, key->prop, a.from, a.to, ret_filter);
    bool ends = take(q, &b);
    if (!ends && open)
        return CODE_ErrorInvalidValueForProperty;
    return new_range(q, key->prop, a.from, ends ? b.to : WHEN_NONE, ret_filter);
}

static int read_flagged(struct reading *q, bool truth, struct filter **ret_filter)
{
    static const struct xprop status = { .tag = 0x1090, .id = -1, .type = { "Integer", 7 } };
    int r = new_node(q, truth ? FILTER_EQ : FILTER_NE, ret_filter);
    if (r)
        return r;
    field_of_xprop(FIELD_OF_ITEMS, &status, &(*ret_filter)->field);
    (*ret_filter)->value = (struct value){ .type = VALUE_NUMBER, .number = FLAG_FLAGGED };
    return 0;
}

static int read_truth(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    bool quoted, truth;
    struct span value = take_value(q, &quoted);
    truth = span_eq_nocase(value, SPAN("true")) || span_eq_nocase(value, SPAN("yes")) || span_is(value, "1");
    if (!truth && !span_eq_nocase(value, SPAN("false")) && !span_eq_nocase(value, SPAN("no")) && !span_is(value, "0"))
        return CODE_ErrorInvalidValueForProperty;
    return key->kind == KEY_FLAGGED ? read_flagged(q, truth, ret_filter) : new_comparison(q, FILTER_EQ, key->prop, truth, ret_filter);
}

static int read_choice(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    const struct prop_info *prop = &props[key->prop];
    bool quoted;
    struct span value = take_value(q, &quoted);
    for (size_t i = 0; i < prop->names.n; i++)
        if (span_eq_nocase(value, span_of(prop->names.v[i])))
            return new_comparison(q, FILTER_EQ, key->prop, (int64_t)i, ret_filter);
    return CODE_ErrorInvalidValueForProperty;
}

/* The class itself and those below it. */
static int read_kind(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    bool quoted, any = false;
    struct span value = take_value(q, &quoted);
    struct filter *one = NULL;
    int r = new_node(q, FILTER_OR, ret_filter);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
        if (!span_eq_nocase(value, span_of(kinds[i].name)))
            continue;
        any = true;
        r = new_comparison(q, FILTER_CONTAINS, key->prop, 0, &one);
        if (r)
            break;
        one->mode = FILTER_PREFIX;
        one->fold = FOLD_CASE;
        r = fold_text(q->arena, span_of(kinds[i].item_class), FOLD_CASE, &one->folded);
        filter_add(*ret_filter, one);
    }
    return r || any ? r : CODE_ErrorInvalidValueForProperty;
}

static int read_value(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    switch (key->kind) {
    case KEY_WORDS:
        return read_words(q, key, ret_filter);
    case KEY_DATE:
    case KEY_NUMBER:
        return read_ranged(q, key, ret_filter);
    case KEY_TRUTH:
    case KEY_FLAGGED:
        return read_truth(q, key, ret_filter);
    case KEY_CHOICE:
        return read_choice(q, key, ret_filter);
    case KEY_KIND:
        return read_kind(q, key, ret_filter);
    }
    return 0;
}

/* ---- the grammar ---- */

static int deeper(struct reading *q, int (*read)(struct reading *, const struct key *, struct filter **), const struct key *key,
                  struct filter **ret_filter)
{
    if (q->depth == q->limits->depth)
        return CODE_ErrorRestrictionTooComplex;
    q->depth++;
    int r = read(q, key, ret_filter);
    q->depth--;
    return r;
}

static int read_primary(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    if (take_char(q, '(')) {
        int r = deeper(q, read_or, key, ret_filter);
        (void)take_char(q, ')');
        return r;
    }
    const struct key *own = take_key(q);
    if (!own)
        return q->rest.len ? read_value(q, key, ret_filter) : 0;
    return deeper(q, read_unary, own, ret_filter);
}

static int read_unary(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    struct filter *not = NULL, *of = NULL;
    while (take_char(q, '+'))
        continue;
    if (!take_char(q, '-') && !take_joint(q, "NOT"))
        return read_primary(q, key, ret_filter);
    int r = deeper(q, read_unary, key, &of);
    if (r || !of)
        return r;
    r = new_node(q, FILTER_NOT, &not);
    if (r == 0)
        filter_add(not, of);
    *ret_filter = not;
    return r;
}

/* What was joined so far: one thing, or a list of them. */
struct joint {
    struct filter *filter;
    bool list;
};

static int join(struct reading *q, enum filter_op op, struct filter *one, struct joint *joint)
{
    struct filter *list = NULL;
    if (!one || !joint->filter) {
        joint->filter = one ? one : joint->filter;
        return 0;
    }
    if (!joint->list) {
        int r = new_node(q, op, &list);
        if (r)
            return r;
        filter_add(list, joint->filter);
        *joint = (struct joint){ list, true };
    }
    filter_add(joint->filter, one);
    return 0;
}

static bool and_ends(struct reading *q)
{
    while (take_joint(q, "AND"))
        continue;
    return !q->rest.len || at_char(q, ')') || span_is(word_ahead(q), "OR");
}

static int read_and(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    struct joint joint = { 0 };
    while (!and_ends(q)) {
        struct filter *one = NULL;
        size_t before = q->rest.len;
        int r = read_unary(q, key, &one);
        if (r || (r = join(q, FILTER_AND, one, &joint)))
            return r;
        if (q->rest.len == before)
            skip(q, 1); /* nothing that means anything */
    }
    *ret_filter = joint.filter;
    return 0;
}

static int read_or(struct reading *q, const struct key *key, struct filter **ret_filter)
{
    struct joint joint = { 0 };
    do {
        struct filter *one = NULL;
        int r = read_and(q, key, &one);
        if (r || (r = join(q, FILTER_OR, one, &joint)))
            return r;
    } while (take_joint(q, "OR"));
    *ret_filter = joint.filter;
    return 0;
}

int query_read(struct arena *arena, struct span text, int64_t now, const struct query_limits *limits, struct filter **ret_filter)
{
    struct reading q = { .arena = arena, .rest = text, .now = now, .limits = limits };
    struct joint all = { 0 };
    if (text.len > limits->length)
        return CODE_ErrorQueryFilterTooLong;
    do {
        struct filter *one = NULL;
        int r = read_or(&q, &keys[0], &one);
        if (r || (r = join(&q, FILTER_AND, one, &all)))
            return r;
    } while (take_char(&q, ')')); /* one too many */
    *ret_filter = all.filter;
    return 0;
}
