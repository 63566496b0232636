/*
 * See folder_filter.h. A value is a number (counts; integers, booleans and times
 * of extended properties) or text, by its property; a constant is read as that of
 * the property that it is compared with. There are at most 255 conditions, so
 * recursion is bounded by that.
 */
#include "ops/folder_filter.h"

#include "model/fold.h"
#include "base/when.h"

#include <errno.h>

enum { NODES_MAX = 255 };

enum verb { AND, OR, NOT, EXISTS, EXCLUDES, CONTAINS, EQUAL, NOT_EQUAL, GREATER, NOT_LESS, LESS, NOT_GREATER, VERBS };

static const char *const verb_names[VERBS] = {
    [AND] = "And", [OR] = "Or", [NOT] = "Not", [EXISTS] = "Exists", [EXCLUDES] = "Excludes", [CONTAINS] = "Contains",
    [EQUAL] = "IsEqualTo", [NOT_EQUAL] = "IsNotEqualTo", [GREATER] = "IsGreaterThan", [NOT_LESS] = "IsGreaterThanOrEqualTo",
    [LESS] = "IsLessThan", [NOT_GREATER] = "IsLessThanOrEqualTo",
};

enum origin { CONSTANT, NAME, CLASS, TOTAL, UNREAD, CHILDREN, EXTENDED };
enum type { TEXT, NUMBER, BOOLEAN, TIME };

static const struct {
    const char *uri;
    enum origin origin;
    enum type type;
} fields[] = {
    { "folder:DisplayName", NAME, TEXT },       { "folder:FolderClass", CLASS, TEXT },
    { "folder:TotalCount", TOTAL, NUMBER },     { "folder:UnreadCount", UNREAD, NUMBER },
    { "folder:ChildFolderCount", CHILDREN, NUMBER },
};

struct value {
    bool there;
    int64_t number;
    struct span text;
    char room[24]; /* for the text of a number */
};

struct operand {
    enum origin origin;
    enum type type;
    struct xprop xprop;
    struct value value; /* of a constant */
};

enum mode { FULL, PREFIX, SUBSTRING, WORD_PREFIX, PHRASE };

struct folder_filter {
    enum verb verb;
    const struct folder_filter *child, *next;
    struct operand left, right;
    enum mode mode;
    bool exact; /* case counts */
};

/* ---- parsing ---- */

struct parsing {
    struct arena *arena;
    unsigned n;
    const struct xml_node *culprit;
};

static enum type xprop_type(const struct xprop *x)
{
    if (span_is(x->type, "Integer") || span_is(x->type, "Short") || span_is(x->type, "Long"))
        return NUMBER;
    return span_is(x->type, "Boolean") ? BOOLEAN : span_is(x->type, "SystemTime") ? TIME : TEXT;
}

static int parse_path(struct parsing *p, const struct xml_node *node, struct operand *ret)
{
    struct span uri = { 0 };
    p->culprit = node;
    if (xml_is(node, XML_NS_T, "ExtendedFieldURI")) {
        int r = shape_parse_xprop(p->arena, node, &ret->xprop);
        ret->origin = EXTENDED;
        ret->type = xprop_type(&ret->xprop);
        return r;
    }
    (void)xml_attr(node, "FieldURI", &uri);
    for (size_t i = 0; xml_is(node, XML_NS_T, "FieldURI") && i < ARRAY_LEN(fields); i++)
        if (span_is(uri, fields[i].uri)) {
            ret->origin = fields[i].origin;
            ret->type = fields[i].type;
            return 0;
        }
    return CODE_ErrorUnsupportedPathForQuery;
}

static int read_value(struct arena *arena, enum type type, struct span text, bool fold, struct value *ret)
{
    struct span trimmed = span_trim(text);
    bool flag = false;
    ret->there = true;
    switch (type) {
    case TEXT:
        ret->text = text;
        return fold ? fold_text(arena, text, FOLD_CASE, &ret->text) : 0;
    case NUMBER:
        return span_int(trimmed, true, INT64_MIN, INT64_MAX, &ret->number) ? 0 : CODE_ErrorInvalidValueForProperty;
    case BOOLEAN:
        if (!span_bool(trimmed, &flag))
            return CODE_ErrorInvalidValueForProperty;
        ret->number = flag;
        return 0;
    case TIME:
        return when_parse_xs(trimmed, &ret->number) ? 0 : CODE_ErrorInvalidValueForProperty;
    }
    return CODE_ErrorInvalidValueForProperty;
}

static int parse_constant(struct parsing *p, const struct xml_node *node, struct folder_filter *f)
{
    struct span text = { 0 };
    (void)xml_attr(node, "Value", &text);
    f->right.origin = CONSTANT;
    f->right.type = f->left.type;
    return read_value(p->arena, f->left.type, text, !f->exact, &f->right.value);
}

static int parse_contains(struct parsing *p, const struct xml_node *node, struct folder_filter *f)
{
    static const char *const modes[] = { "FullString", "Prefixed", "Substring", "PrefixOnWords", "ExactPhrase" };
    struct span text;
    if (f->left.type != TEXT)
        return CODE_ErrorContainsFilterWrongType;
    if (xml_attr(node, "ContainmentMode", &text))
        for (size_t i = 0; i < ARRAY_LEN(modes); i++)
            if (span_is(text, modes[i]))
                f->mode = (enum mode)i;
    f->exact = !xml_attr(node, "ContainmentComparison", &text) || span_is(text, "Exact") ||
               span_is(text, "IgnoreNonSpacingCharacters");
    return parse_constant(p, xml_child(node, "Constant"), f);
}

static int parse_excludes(struct parsing *p, const struct xml_node *node, struct folder_filter *f)
{
    struct span text = { 0 };
    const struct xml_node *mask = xml_child(node, "Bitmask");
    p->culprit = node->child;
    if (f->left.type != NUMBER || !mask || !xml_attr(mask, "Value", &text) ||
        !span_int(span_trim(text), true, 0, UINT32_MAX, &f->right.value.number))
        return CODE_ErrorInvalidExcludesRestriction;
    return 0;
}

/* The other side has to be of the same type, or nothing of it is comparable. */
static int parse_two(struct parsing *p, const struct xml_node *node, struct folder_filter *f)
{
    const struct xml_node *right = xml_child(node, "FieldURIOrConstant");
    right = right ? right->child : NULL;
    if (!right)
        return CODE_ErrorInvalidRestriction;
    if (xml_is(right, XML_NS_T, "Constant"))
        return parse_constant(p, right, f);
    int r = parse_path(p, right, &f->right);
    return r || f->right.type == f->left.type ? r : CODE_ErrorInvalidValueForProperty;
}

static int parse_node(struct parsing *p, const struct xml_node *node, struct folder_filter **ret);

static int parse_children(struct parsing *p, const struct xml_node *node, struct folder_filter *f)
{
    const struct folder_filter **last = &f->child;
    for (const struct xml_node *c = node->child; c; c = c->next) {
        struct folder_filter *child;
        int r = parse_node(p, c, &child);
        if (r)
            return r;
        *last = child;
        last = &child->next;
    }
    return f->child ? 0 : CODE_ErrorInvalidRestriction;
}

static int parse_leaf(struct parsing *p, const struct xml_node *node, struct folder_filter *f)
{
    int r = node->child ? parse_path(p, node->child, &f->left) : CODE_ErrorInvalidRestriction;
    if (r || f->verb == EXISTS)
        return r;
    return f->verb == CONTAINS ? parse_contains(p, node, f) : f->verb == EXCLUDES ? parse_excludes(p, node, f) : parse_two(p, node, f);
}

static int parse_node(struct parsing *p, const struct xml_node *node, struct folder_filter **ret)
{
    struct folder_filter *f = arena_alloc(p->arena, sizeof(*f));
    size_t verb = 0;
    if (++p->n > NODES_MAX)
        return CODE_ErrorRestrictionTooLong;
    if (!f)
        return -ENOMEM;
    while (verb < VERBS && !span_is(node->name, verb_names[verb]))
        verb++;
    if (verb == VERBS)
        return CODE_ErrorInvalidRestriction;
    f->verb = (enum verb)verb;
    *ret = f;
    return f->verb <= NOT ? parse_children(p, node, f) : parse_leaf(p, node, f);
}

int folder_filter_parse(struct arena *arena, const struct xml_node *node, const struct folder_filter **ret_filter,
                        const struct xml_node **ret_culprit)
{
    struct parsing p = { .arena = arena };
    struct folder_filter *filter = NULL;
    int r = !node ? 0 : node->child ? parse_node(&p, node->child, &filter) : CODE_ErrorInvalidRestriction;
    if (r > 0 && r != CODE_ErrorRestrictionTooLong)
        *ret_culprit = p.culprit;
    *ret_filter = filter;
    return r;
}

/* ---- asking ---- */

static int get(struct arena *arena, const struct operand *operand, const struct folder *folder, bool fold, struct value *ret)
{
    const struct xprop *stored;
    struct span text = { 0 };
    *ret = (struct value){ 0 };
    switch (operand->origin) {
    case CONSTANT:
        *ret = operand->value;
        return 0;
    case TOTAL:
    case UNREAD:
    case CHILDREN:
        ret->there = true;
        ret->number = operand->origin == TOTAL ? folder->total : operand->origin == UNREAD ? folder->unread : folder->children;
        return 0;
    case NAME:
        text = folder->name;
        break;
    case CLASS:
        if (!folder->class.len)
            return 0;
        text = folder->class;
        break;
    case EXTENDED:
        if (!shape_folder_xprop(folder, &operand->xprop, ret->room, &text, &stored))
            return 0;
        break;
    }
    int r = read_value(arena, operand->type, text, fold, ret);
    if (r > 0)
        *ret = (struct value){ 0 }; /* nothing of that type */
    return r < 0 ? r : 0;
}

static int compare(const struct value *a, const struct value *b, enum type type)
{
    if (type != TEXT)
        return (a->number > b->number) - (a->number < b->number);
    const size_t len = a->text.len < b->text.len ? a->text.len : b->text.len;
    int r = len ? memcmp(a->text.ptr, b->text.ptr, len) : 0;
    return r ? r : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

static bool word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* Somewhere in the text; at the start of a word; or from a word's start to a
 * word's end. */
static bool has_text(struct span text, struct span part, enum mode mode)
{
    for (size_t at = 0; at + part.len <= text.len; at++) {
        const char *found = part.len ? memmem(text.ptr + at, text.len - at, part.ptr, part.len) : text.ptr;
        if (!found)
            return false;
        at = (size_t)(found - text.ptr);
        const size_t end = at + part.len;
        const bool starts = at == 0 || !word_byte(text.ptr[at - 1]), ends = end == text.len || !word_byte(text.ptr[end]);
        if (mode == SUBSTRING || (starts && (mode == WORD_PREFIX || ends)))
            return true;
    }
    return false;
}

static bool contains(struct span text, struct span part, enum mode mode)
{
    if (mode == FULL)
        return span_eq(text, part);
    return mode == PREFIX ? span_starts(text, part) : has_text(text, part, mode);
}

static int match_leaf(struct arena *arena, const struct folder_filter *f, const struct folder *folder, bool *ret_match)
{
    struct value left, right = f->right.value;
    int order, r = get(arena, &f->left, folder, !f->exact, &left);
    if (r == 0 && f->right.origin != CONSTANT)
        r = get(arena, &f->right, folder, !f->exact, &right);
    *ret_match = false;
    if (r || !left.there || (f->right.origin != CONSTANT && !right.there))
        return r;
    order = f->verb >= EQUAL ? compare(&left, &right, f->left.type) : 0;
    *ret_match = f->verb == EXISTS || (f->verb == EXCLUDES && !(left.number & right.number)) ||
                 (f->verb == CONTAINS && contains(left.text, right.text, f->mode)) || (f->verb == EQUAL && order == 0) ||
                 (f->verb == NOT_EQUAL && order != 0) || (f->verb == GREATER && order > 0) || (f->verb == NOT_LESS && order >= 0) ||
                 (f->verb == LESS && order < 0) || (f->verb == NOT_GREATER && order <= 0);
    return 0;
}

int folder_filter_match(struct arena *arena, const struct folder_filter *filter, const struct folder *folder, bool *ret_match)
{
    bool match = true;
    int r = 0;
    if (filter && filter->verb > NOT)
        return match_leaf(arena, filter, folder, ret_match);
    for (const struct folder_filter *child = filter ? filter->child : NULL; r == 0 && child; child = child->next) {
        r = folder_filter_match(arena, child, folder, &match);
        if (filter->verb == NOT || match == (filter->verb == OR))
            break; /* it is settled */
    }
    *ret_match = filter && filter->verb == NOT ? !match : match;
    return r;
}
