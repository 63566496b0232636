/*
 * Restrictions; see filter_read.h. The schema has seen to which elements and
 * attributes there are.
 */
#include "soap/filter_read.h"

#include "model/fold.h"
#include "soap/shape.h"

#include <errno.h>

static const struct {
    const char *element;
    enum filter_op op;
} ops[] = {
    { "And", FILTER_AND },
    { "Or", FILTER_OR },
    { "Not", FILTER_NOT },
    { "Exists", FILTER_EXISTS },
    { "Excludes", FILTER_EXCLUDES },
    { "Contains", FILTER_CONTAINS },
    { "IsEqualTo", FILTER_EQ },
    { "IsNotEqualTo", FILTER_NE },
    { "IsGreaterThan", FILTER_GT },
    { "IsGreaterThanOrEqualTo", FILTER_GE },
    { "IsLessThan", FILTER_LT },
    { "IsLessThanOrEqualTo", FILTER_LE },
};

static const struct {
    const char *name;
    enum filter_mode mode;
} modes[] = { { "FullString", FILTER_WHOLE },          { "Prefixed", FILTER_PREFIX }, { "Substring", FILTER_SUBSTRING },
              { "PrefixOnWords", FILTER_WORD_PREFIX }, { "ExactPhrase", FILTER_PHRASE } };

static const struct {
    const char *name;
    unsigned fold;
} comparisons[] = {
    { "Exact", 0 },
    { "IgnoreCase", FOLD_CASE },
    { "IgnoreNonSpacingCharacters", FOLD_ACCENTS },
    { "Loose", FOLD_CASE | FOLD_ACCENTS },
    { "IgnoreCaseAndNonSpacingCharacters", FOLD_CASE | FOLD_ACCENTS },
    { "LooseAndIgnoreCase", FOLD_CASE | FOLD_ACCENTS },
    { "LooseAndIgnoreNonSpace", FOLD_CASE | FOLD_ACCENTS },
    { "LooseAndIgnoreCaseAndIgnoreNonSpace", FOLD_CASE | FOLD_ACCENTS },
};

struct reading {
    struct arena *arena;
    enum field_of of;
    const struct filter_limits *limits;
    unsigned nodes;
    const struct xml_node **culprit;
};

int filter_read_path(struct arena *arena, const struct xml_node *path, enum field_of of, struct field *ret_field)
{
    struct span uri = { 0 }, index = { 0 };
    struct xprop xprop;
    if (xml_is(path, XML_NS_T, "ExtendedFieldURI")) {
        int r = shape_parse_xprop(arena, path, &xprop);
        if (r == 0)
            field_of_xprop(of, &xprop, ret_field);
        return r;
    }
    (void)xml_attr(path, "FieldURI", &uri);
    if (!xml_is(path, XML_NS_T, "IndexedFieldURI"))
        return field_of_uri(of, uri, ret_field) ? 0 : 1;
    (void)xml_attr(path, "FieldIndex", &index);
    return field_of_indexed(of, uri, index, ret_field) ? 0 : 1;
}

static int read_path(struct reading *reading, const struct xml_node *path, struct field *ret_field)
{
    int r = filter_read_path(reading->arena, path, reading->of, ret_field);
    if (r > 0)
        *reading->culprit = path;
    return r == 1 ? CODE_ErrorUnsupportedPathForQuery : r;
}

static int read_constant(struct reading *reading, const struct xml_node *node, const struct xml_node *path, struct filter *filter)
{
    struct span text = { 0 };
    (void)xml_attr(node, "Value", &text);
    if (field_parse(reading->arena, &filter->field, text, &filter->value))
        return 0;
    *reading->culprit = path;
    return CODE_ErrorInvalidValueForProperty;
}

static int read_comparison(struct reading *reading, const struct xml_node *node, struct filter *filter)
{
    const struct xml_node *wrap = xml_child(node, "FieldURIOrConstant");
    const struct xml_node *with = wrap ? wrap->child : NULL;
    if (!with)
        return CODE_ErrorInvalidRestriction;
    if (xml_is(with, XML_NS_T, "Constant"))
        return read_constant(reading, with, node->child, filter);
    filter->has_other = true;
    int r = read_path(reading, with, &filter->other);
    bool any = filter->field.type == VALUE_ANY || filter->other.type == VALUE_ANY;
    return r || any || filter->field.type == filter->other.type ? r : CODE_ErrorInvalidRestriction;
}

static int read_contains(struct reading *reading, const struct xml_node *node, struct filter *filter)
{
    struct span mode, comparison, text = { 0 };
    *reading->culprit = node->child;
    if (filter->field.type != VALUE_TEXT && filter->field.type != VALUE_ANY)
        return CODE_ErrorContainsFilterWrongType;
    *reading->culprit = NULL;
    for (size_t i = 0; xml_attr(node, "ContainmentMode", &mode) && i < ARRAY_LEN(modes); i++)
        if (span_is(mode, modes[i].name))
            filter->mode = modes[i].mode;
    for (size_t i = 0; xml_attr(node, "ContainmentComparison", &comparison) && i < ARRAY_LEN(comparisons); i++)
        if (span_is(comparison, comparisons[i].name))
            filter->fold = comparisons[i].fold;
    (void)xml_attr(xml_child(node, "Constant"), "Value", &text);
    filter->value = (struct value){ .type = VALUE_TEXT, .text = text };
    return fold_text(reading->arena, text, filter->fold, &filter->folded);
}

static int read_excludes(struct reading *reading, const struct xml_node *node, struct filter *filter)
{
    struct span text = { 0 };
    (void)xml_attr(xml_child(node, "Bitmask"), "Value", &text);
    filter->value.type = VALUE_NUMBER;
    if (filter->field.type == VALUE_NUMBER && span_int(span_trim(text), true, INT32_MIN, UINT32_MAX, &filter->value.number))
        return 0;
    *reading->culprit = node->child;
    return CODE_ErrorInvalidExcludesRestriction;
}

static int read_leaf(struct reading *reading, const struct xml_node *node, struct filter *filter)
{
    if (!node->child)
        return CODE_ErrorInvalidRestriction;
    int r = read_path(reading, node->child, &filter->field);
    if (r || filter->op == FILTER_EXISTS)
        return r;
    if (filter->op == FILTER_CONTAINS)
        return read_contains(reading, node, filter);
    return filter->op == FILTER_EXCLUDES ? read_excludes(reading, node, filter) : read_comparison(reading, node, filter);
}

static int read_node(struct reading *reading, const struct xml_node *node, unsigned depth, struct filter **ret_filter)
{
    size_t i = 0;
    while (i < ARRAY_LEN(ops) && !xml_is(node, XML_NS_T, ops[i].element))
        i++;
    if (i == ARRAY_LEN(ops))
        return CODE_ErrorInvalidRestriction;
    if (++reading->nodes > reading->limits->nodes)
        return CODE_ErrorRestrictionTooLong;
    if (depth > reading->limits->depth)
        return CODE_ErrorRestrictionTooComplex;
    struct filter *filter = filter_new(reading->arena, ops[i].op);
    if (!filter)
        return -ENOMEM;
    *ret_filter = filter;
    if (filter->op > FILTER_NOT)
        return read_leaf(reading, node, filter);
    if (!node->child)
        return CODE_ErrorInvalidRestriction;
    for (const struct xml_node *c = node->child; c; c = c->next) {
        struct filter *child = NULL;
        int r = read_node(reading, c, depth + 1, &child);
        if (r)
            return r;
        filter_add(filter, child);
    }
    return 0;
}

int filter_read(struct arena *arena, const struct xml_node *node, enum field_of of, const struct filter_limits *limits,
                struct filter **ret_filter, const struct xml_node **ret_culprit)
{
    struct reading reading = { .arena = arena, .of = of, .limits = limits, .culprit = ret_culprit };
    return node->child ? read_node(&reading, node->child, 1, ret_filter) : CODE_ErrorInvalidRestriction;
}
