/*
 * Filters as SQL; see store_filter.h. A node is either said exactly, or only so
 * that nothing is lost, or not at all: below a Not only what is exact counts.
 * Only whole numbers are compared here; texts are the filter's own business.
 */
#include "store/store_filter.h"

enum says { SAYS_NOTHING, SAYS_LESS, SAYS_ALL };

struct writing {
    struct buf *text;
    struct store_value *args;
    size_t n, max;
};

static enum says say(struct writing *w, const struct filter *filter);

/* By prop; a time that is unset is the least number of all. */
static const struct {
    enum prop prop;
    const char *column;
    bool unset; /* may be */
} columns[] = {
    { PROP_ID_DateTimeReceived, "received", true }, { PROP_ID_DateTimeSent, "sent", true },
    { PROP_ID_DateTimeCreated, "created", true },   { PROP_ID_LastModifiedTime, "modified", true },
    { PROP_ID_Size, "size", false },                { PROP_ID_Importance, "importance", false },
    { PROP_ID_Sensitivity, "sensitivity", false },
};

static bool add_arg(struct writing *w, int64_t number)
{
    if (w->n == w->max)
        return false;
    w->args[w->n++] = V_INT(number);
    return true;
}

static const char *operator_of(enum filter_op op)
{
    switch (op) {
    case FILTER_EQ:
        return "=";
    case FILTER_NE:
        return "<>";
    case FILTER_GT:
        return ">";
    case FILTER_GE:
        return ">=";
    case FILTER_LT:
        return "<";
    case FILTER_LE:
        return "<=";
    case FILTER_AND:
    case FILTER_OR:
    case FILTER_NOT:
    case FILTER_EXISTS:
    case FILTER_EXCLUDES:
    case FILTER_CONTAINS:
    case FILTER_WORDS:
        break;
    }
    return NULL;
}

static enum says say_column(struct writing *w, const struct filter *filter, const char *op)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        if (columns[i].prop != filter->field.prop)
            continue;
        if (!add_arg(w, filter->value.number))
            return SAYS_NOTHING;
        buf_printf(w->text, "(%s %s $%zu", columns[i].column, op, w->n);
        if (columns[i].unset && op[0] == '<' && op[1] != '>')
            buf_printf(w->text, " AND %s >= -9223372036854775807", columns[i].column);
        buf_add_char(w->text, ')');
        return SAYS_ALL;
    }
    return SAYS_NOTHING;
}

/* Only kinds that have the property have the flag; others never match. */
static enum says say_flag(struct writing *w, const struct filter *filter)
{
    const struct prop_info *prop = &props[filter->field.prop];
    int64_t truth = filter->value.number;
    if (prop->type != PROP_FLAG || filter->op != FILTER_EQ || truth < 0 || truth > 1)
        return SAYS_NOTHING;
    if (prop_id(prop) == PROP_ID_IsRead || prop_id(prop) == PROP_ID_HasAttachments)
        buf_printf(w->text, "(%s = %d)", prop_id(prop) == PROP_ID_IsRead ? "is_read" : "has_attachments", (int)truth);
    else
        buf_printf(w->text, "((flags & %u) %s 0)", prop->bit, truth ? "<>" : "=");
    return prop->message ? SAYS_LESS : SAYS_ALL;
}

static enum says say_leaf(struct writing *w, const struct filter *filter)
{
    const char *op = operator_of(filter->op);
    if (!op || filter->has_other || filter->field.kind != FIELD_PROP)
        return SAYS_NOTHING;
    enum says says = say_flag(w, filter);
    return says != SAYS_NOTHING ? says : say_column(w, filter, op);
}

/* And says what any child says; Or needs all of them. */
static enum says say_list(struct writing *w, const struct filter *filter)
{
    const char *between = filter->op == FILTER_AND ? " AND " : " OR ";
    enum says all = SAYS_ALL;
    bool any = false;
    buf_add_char(w->text, '(');
    for (const struct filter *c = filter->child; c; c = c->next) {
        size_t len = w->text->len, n = w->n;
        if (any)
            buf_add_str(w->text, between);
        enum says says = say(w, c);
        all = says == SAYS_ALL ? all : SAYS_LESS;
        if (says == SAYS_NOTHING) {
            if (filter->op == FILTER_OR)
                return SAYS_NOTHING;
            w->text->len = len;
            w->n = n;
        }
        any = any || says != SAYS_NOTHING;
    }
    buf_add_char(w->text, ')');
    return any ? all : SAYS_NOTHING;
}

static enum says say_not(struct writing *w, const struct filter *filter)
{
    buf_add_str(w->text, "NOT ");
    return say(w, filter->child) == SAYS_ALL ? SAYS_ALL : SAYS_NOTHING;
}

static enum says say(struct writing *w, const struct filter *filter)
{
    if (filter->op == FILTER_AND || filter->op == FILTER_OR)
        return say_list(w, filter);
    return filter->op == FILTER_NOT ? say_not(w, filter) : say_leaf(w, filter);
}

void store_filter_sql(const struct filter *filter, struct buf *text, struct store_value *args, size_t *n)
{
    struct writing w = { .text = text, .args = args, .n = *n, .max = *n + FILTER_ARGS_MAX };
    size_t len = text->len;
    buf_add_str(text, " AND ");
    if (say(&w, filter) == SAYS_NOTHING)
        text->len = len;
    else
        *n = w.n;
}
