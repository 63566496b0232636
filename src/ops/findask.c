/*
 * Reading what is to be found; see findask.h. The views of calendars and contacts
 * are filters and orders of their own.
 */
#include "ops/findask.h"

#include "model/fold.h"
#include "model/query.h"
#include "soap/filter_read.h"

#define VIEW_MAX_MS (INT64_C(732) * 86400000) /* two years */

/* ---- order ---- */

static int parse_order(struct op_call *call, const struct xml_node *node, struct findask *ask, const struct xml_node **ret_culprit)
{
    size_t n = node ? xml_count(node) : 0;
    struct store_order *order = arena_array(call->arena, n + 1, sizeof(*order));
    struct span direction;
    if (!order)
        return -ENOMEM;
    if (n > (size_t)call->env->conf->soap_search_nodes)
        return CODE_ErrorRestrictionTooLong;
    for (const struct xml_node *c = node ? node->child : NULL; c; c = c->next) {
        struct store_order *one = &order[ask->orders];
        int r = filter_read_path(call->arena, c->child, FIELD_OF_ITEMS, &one->field);
        if (r) {
            *ret_culprit = c->child;
            return r == 1 ? CODE_ErrorUnsupportedPathForSortGroup : r;
        }
        one->descending = xml_attr(c, "Order", &direction) && span_is(direction, "Descending");
        ask->orders++;
    }
    ask->order = order;
    return 0;
}

static int order_by(struct op_call *call, const char *uri, struct findask *ask)
{
    struct store_order *order = arena_alloc(call->arena, sizeof(*order));
    if (!order)
        return -ENOMEM;
    if (ask->orders || !field_of_uri(FIELD_OF_ITEMS, span_of(uri), &order->field))
        return 0;
    ask->order = order;
    ask->orders = 1;
    return 0;
}

/* ---- filters ---- */

static int add_filter(struct op_call *call, struct findask *ask, struct filter *filter)
{
    struct filter *both = ask->filter && filter ? filter_new(call->arena, FILTER_AND) : NULL;
    if (!ask->filter || !filter) {
        ask->filter = filter ? filter : ask->filter;
        return 0;
    }
    if (!both)
        return -ENOMEM;
    filter_add(both, ask->filter);
    filter_add(both, filter);
    ask->filter = both;
    return 0;
}

int findask_filter(struct op_call *call, const struct xml_node *node, enum field_of of, struct filter **ret_filter,
                   const struct xml_node **ret_culprit)
{
    const struct filter_limits limits = { .nodes = (unsigned)call->env->conf->soap_search_nodes,
                                          .depth = (unsigned)call->env->conf->soap_search_depth };
    return filter_read(call->arena, node, of, &limits, ret_filter, ret_culprit);
}

static int parse_filter(struct op_call *call, struct findask *ask, const struct xml_node **ret_culprit)
{
    const struct conf *conf = call->env->conf;
    const struct query_limits limits = { .length = (size_t)conf->soap_query_length, .nodes = (unsigned)conf->soap_search_nodes,
                                         .depth = (unsigned)conf->soap_search_depth };
    const struct xml_node *restriction = xml_child(call->node, "Restriction"), *query = xml_child(call->node, "QueryString");
    if (restriction && query)
        return CODE_ErrorUnsupportedQueryFilter;
    if (restriction)
        return findask_filter(call, restriction, FIELD_OF_ITEMS, &ask->filter, ret_culprit);
    return query ? query_read(call->arena, query->text, when_now(), &limits, &ask->filter) : 0;
}

static struct filter *compare(struct op_call *call, enum filter_op op, const char *uri, struct value value)
{
    struct filter *filter = filter_new(call->arena, op);
    if (filter && field_of_uri(FIELD_OF_ITEMS, span_of(uri), &filter->field))
        filter->value = value;
    return filter;
}

/* ---- views ---- */

static int view_max(const struct xml_node *view, struct findask *ask)
{
    struct span text;
    int64_t max = 0;
    if (!xml_attr(view, "MaxEntriesReturned", &text))
        return 0;
    if (!span_int(span_trim(text), false, 1, INT32_MAX, &max))
        return CODE_ErrorInvalidPagingMaxRows;
    ask->page.asked = (uint64_t)max;
    return 0;
}

static bool time_of(const struct xml_node *view, const char *attr, struct value *ret_value)
{
    struct span text;
    ret_value->type = VALUE_TIME;
    return xml_attr(view, attr, &text) && when_parse_xs(span_trim(text), &ret_value->number);
}

/* What is on at any time between the two. */
static int parse_calendar(struct op_call *call, const struct xml_node *view, struct findask *ask)
{
    struct value start, end;
    int r = view_max(view, ask);
    if (r || !time_of(view, "StartDate", &start) || !time_of(view, "EndDate", &end))
        return r ? r : CODE_ErrorInvalidValueForProperty;
    if (end.number < start.number)
        return CODE_ErrorCalendarEndDateIsEarlierThanStartDate;
    if (end.number - start.number > VIEW_MAX_MS)
        return CODE_ErrorCalendarViewRangeTooBig;
    ask->folder_class = "IPF.Appointment";
    ask->misplaced = CODE_ErrorCalendarFolderIsInvalidForCalendarView;
    struct filter *begun = compare(call, FILTER_LT, "calendar:Start", end), *on = filter_new(call->arena, FILTER_OR);
    struct filter *ends = compare(call, FILTER_GT, "calendar:End", start), *begins = compare(call, FILTER_GE, "calendar:Start", start);
    if (!begun || !on || !ends || !begins)
        return -ENOMEM;
    filter_add(on, ends);
    filter_add(on, begins);
    r = add_filter(call, ask, begun);
    if (r == 0)
        r = add_filter(call, ask, on);
    return r ? r : order_by(call, "calendar:Start", ask);
}

/* Display names from InitialName on, up to those that begin with FinalName. */
static int parse_contacts(struct op_call *call, const struct xml_node *view, struct findask *ask)
{
    static const char name[] = "contacts:DisplayName";
    struct value text = { .type = VALUE_TEXT };
    int r = view_max(view, ask);
    ask->folder_class = "IPF.Contact";
    ask->misplaced = CODE_ErrorInvalidFolderTypeForOperation;
    if (r == 0 && xml_attr(view, "InitialName", &text.text)) {
        struct filter *from = compare(call, FILTER_GE, name, text);
        r = from ? add_filter(call, ask, from) : -ENOMEM;
    }
    if (r == 0 && xml_attr(view, "FinalName", &text.text)) {
        struct filter *to = filter_new(call->arena, FILTER_OR), *up_to = compare(call, FILTER_LE, name, text);
        struct filter *begins = compare(call, FILTER_CONTAINS, name, text);
        if (!to || !up_to || !begins)
            return -ENOMEM;
        begins->mode = FILTER_PREFIX;
        begins->fold = FOLD_CASE;
        r = fold_text(call->arena, text.text, FOLD_CASE, &begins->folded);
        filter_add(to, up_to);
        filter_add(to, begins);
        r = r ? r : add_filter(call, ask, to);
    }
    return r ? r : order_by(call, name, ask);
}

static int parse_seek(struct op_call *call, const struct xml_node *view, struct findask *ask, const struct xml_node **ret_culprit)
{
    struct span base;
    int r = view_max(view, ask);
    ask->seek = true;
    ask->page.kind = PAGE_INDEXED;
    ask->from_end = xml_attr(view, "BasePoint", &base) && span_is(base, "End");
    const struct xml_node *condition = xml_child(view, "Condition");
    if (r == 0 && !condition)
        return CODE_ErrorInvalidRestriction;
    return r ? r : findask_filter(call, condition, FIELD_OF_ITEMS, &ask->condition, ret_culprit);
}

static int parse_view(struct op_call *call, struct findask *ask, const struct xml_node **ret_culprit)
{
    const struct xml_node *seek = xml_child(call->node, "SeekToConditionPageItemView");
    const struct xml_node *calendar = xml_child(call->node, "CalendarView");
    const struct xml_node *contacts = xml_child(call->node, "ContactsView");
    if (seek)
        return parse_seek(call, seek, ask, ret_culprit);
    if (calendar)
        return parse_calendar(call, calendar, ask);
    return contacts ? parse_contacts(call, contacts, ask) : 0;
}

int findask_parse(struct op_call *call, struct findask *ret_ask, const struct xml_node **ret_culprit)
{
    const uint64_t page_max = (uint64_t)call->env->conf->soap_find_page;
    struct span traversal = { 0 };
    (void)xml_attr(call->node, "Traversal", &traversal);
    ret_ask->associated = span_is(traversal, "Associated");
    ret_ask->deleted = span_is(traversal, "SoftDeleted");
    if (xml_child(call->node, "GroupBy") || xml_child(call->node, "DistinguishedGroupBy"))
        return CODE_ErrorUnsupportedQueryFilter;
    int r = page_parse(call->node, "ItemView", &ret_ask->page);
    if (r == 0)
        r = parse_order(call, xml_child(call->node, "SortOrder"), ret_ask, ret_culprit);
    if (r == 0)
        r = parse_filter(call, ret_ask, ret_culprit);
    if (r == 0)
        r = parse_view(call, ret_ask, ret_culprit);
    ret_ask->page.max = ret_ask->page.asked && ret_ask->page.asked < page_max ? ret_ask->page.asked : page_max;
    return r ? r : shape_parse(call->arena, xml_child(call->node, "ItemShape"), call->level, true, &ret_ask->shape, ret_culprit);
}
