/*
 * What of HTML may stay when it is filtered, what of it fetches pictures, and
 * by what mail programs mark the beginning of what they quote. Names are
 * compared without case. Attributes are name and value by turns, NULL at the end.
 */
#ifndef EWSD_SOAP_HTML_ALLOW_H
#define EWSD_SOAP_HTML_ALLOW_H

#include "base/base.h"

bool html_element_allowed(struct span element);
/* Left out with all that it holds. */
bool html_element_silent(struct span element);
/* Without content, and so without an end tag. */
bool html_element_void(struct span element);
bool html_attr_allowed(struct span name);
/* Its value is the URL of a picture, or something like one. */
bool html_attr_is_picture(struct span name);
/* The value; empty when there is none. */
struct span html_attr(const char *const *attrs, const char *name);

/* A scheme that links, or pictures, may have. */
bool html_url_allowed(struct span url, bool picture);
/* A picture that comes with the message itself. */
bool html_url_inline(struct span url);
bool html_style_loads(struct span style);
bool html_style_allowed(struct span style);
/* A picture so small, or so hidden, that it is there only to be fetched. */
bool html_is_beacon(const char *const *attrs);
bool html_begins_quote(struct span element, const char *const *attrs);
bool html_contains(struct span text, const char *word);

#endif
