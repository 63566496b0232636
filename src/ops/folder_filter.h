/*
 * The Restriction of FindFolder (protocol.md 3.5): parsed once, then asked for
 * each folder. Text is compared without case, as names are; what a folder does
 * not have fulfils nothing but Not.
 */
#ifndef EWSD_OPS_FOLDER_FILTER_H
#define EWSD_OPS_FOLDER_FILTER_H

#include "ops/call.h"

struct folder_filter;

/* node is Restriction; NULL: all folders match. CODE_ErrorRestrictionTooLong,
 * -UnsupportedPathForQuery, -ContainsFilterWrongType, -InvalidValueForProperty,
 * -InvalidExcludesRestriction, -InvalidExtendedProperty.... */
int folder_filter_parse(struct arena *arena, const struct xml_node *node, const struct folder_filter **ret_filter,
                        const struct xml_node **ret_culprit);
/* filter may be NULL. -ENOMEM. */
int folder_filter_match(struct arena *arena, const struct folder_filter *filter, const struct folder *folder, bool *ret_match);

#endif
