/*
 * HTML written anew, for those who show it: without what acts or tells on its
 * reader (FilterHtmlContent), without pictures from elsewhere
 * (BlockExternalImages), with links that open a window of their own, without
 * what only quotes earlier messages (UniqueBody). Input is hostile.
 */
#ifndef EWSD_SOAP_HTML_CLEAN_H
#define EWSD_SOAP_HTML_CLEAN_H

#include "base/buf.h"

struct html_rules {
    bool filter;       /* only what html_clean.c lists is left */
    bool block_images; /* no picture but inline ones */
    bool blank_target; /* <a target="_blank"> */
    bool utf8;         /* <meta> names UTF-8 */
    bool unique;       /* ends where earlier messages begin */
};

struct html_outcome {
    bool blocked; /* pictures were left out */
    bool cut;     /* earlier messages were */
};

/* Appends. -ENOMEM; what out could not take is found in buf_error(out). */
int html_clean(struct span html, const struct html_rules *rules, struct buf *out, struct html_outcome *ret_outcome);

#endif
