/*
 * What a FindItem asks for (protocol.md 3.5): filter, order and view, as they
 * stand in the request; and the filter of a FindFolder.
 */
#ifndef EWSD_OPS_FINDASK_H
#define EWSD_OPS_FINDASK_H

#include "ops/call.h"
#include "ops/page.h"
#include "store/store_search.h"

struct findask {
    struct shape shape;
    struct page page;
    bool seek;                /* SeekToConditionPageItemView: */
    struct filter *condition; /* the page begins (from_end: ends) where this is met */
    bool from_end;
    const char *folder_class; /* that the view needs; NULL: any */
    enum ews_code misplaced;  /* the answer for others */
    struct filter *filter;
    const struct store_order *order;
    size_t orders;
    bool associated;
    bool deleted; /* SoftDeleted */
};

/* Positive codes are the answer for each folder; ret_culprit as in op_result. */
int findask_parse(struct op_call *call, struct findask *ret_ask, const struct xml_node **ret_culprit);
/* A Restriction or Condition within soap.search_nodes and soap.search_depth: codes of filter_read. */
int findask_filter(struct op_call *call, const struct xml_node *node, enum field_of of, struct filter **ret_filter,
                   const struct xml_node **ret_culprit);

#endif
