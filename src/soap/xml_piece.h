/*
 * Elements that are kept as XML in an item (details.def): looking into what
 * xw_node wrote, "<t:NAME attributes>content</t:NAME>", without a parser. What
 * is not so written is not found.
 */
#ifndef EWSD_SOAP_XML_PIECE_H
#define EWSD_SOAP_XML_PIECE_H

#include "base/arena.h"

/* All of it borrowed from the text. */
struct xml_piece {
    struct span whole;
    struct span name;    /* without its prefix */
    struct span attrs;   /* as they stand in the tag */
    struct span content; /* between the tags */
};

/* The element that rest begins with, which is taken off it. False: there is none. */
bool xml_piece_next(struct span *rest, struct xml_piece *ret_piece);
/* The first element of that name among the children of xml's one element. */
bool xml_piece_find(struct span xml, const char *name, struct xml_piece *ret_piece);
/* Its value as it stands, escapes and all; empty when it is absent. */
struct span xml_piece_attr(const struct xml_piece *piece, const char *name);
/* The text of an element without children, escapes resolved, in arena memory. -ENOMEM. */
int xml_piece_text(struct arena *arena, struct span content, struct span *ret_text);

#endif
