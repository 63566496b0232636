/*
 * A t:Restriction (protocol.md 3.5) to the filter it means, and the path of a
 * property to its field.
 */
#ifndef EWSD_SOAP_FILTER_READ_H
#define EWSD_SOAP_FILTER_READ_H

#include "model/filter.h"
#include "soap/xml.h"

struct filter_limits {
    unsigned nodes; /* of the tree */
    unsigned depth;
};

/* FieldURI, IndexedFieldURI or ExtendedFieldURI. 1: nothing that can be
 * searched or sorted by; else codes of shape_parse_xprop. */
int filter_read_path(struct arena *arena, const struct xml_node *path, enum field_of of, struct field *ret_field);
/* node: Restriction or Condition. CODE_ErrorUnsupportedPathForQuery,
 * -ContainsFilterWrongType, -InvalidExcludesRestriction, -InvalidValueForProperty,
 * -InvalidRestriction (fields that can't be compared), -RestrictionTooLong,
 * -RestrictionTooComplex (too deep), and those of paths. ret_culprit: the path. */
int filter_read(struct arena *arena, const struct xml_node *node, enum field_of of, const struct filter_limits *limits,
                struct filter **ret_filter, const struct xml_node **ret_culprit);

#endif
