/*
 * The body of an answer to a message: what was written now, a few lines that
 * say what is answered, and its text. Text stays text and HTML is made safe to
 * stand in another document; one becomes the other where they differ.
 */
#ifndef EWSD_OPS_QUOTE_H
#define EWSD_OPS_QUOTE_H

#include "model/item.h"

struct quote {
    const struct item *original; /* with recipients and body */
    struct span text;            /* what was written now; may be empty */
    enum body_type text_type;
    enum body_type type; /* of the result */
};

/* 1: it has more than max bytes. -ENOMEM. */
int quote_body(struct arena *arena, const struct quote *quote, size_t max, struct span *ret_body);

#endif
