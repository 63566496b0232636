/*
 * Bodies between HTML and plain text (GetItem's BodyType), and one in another. Input is hostile:
 * nothing is fetched, scripts and styles are dropped.
 */
#ifndef EWSD_SOAP_HTML_H
#define EWSD_SOAP_HTML_H

#include "base/buf.h"

/* Appends the readable text of html (UTF-8), lines ended by CRLF. -ENOMEM;
 * what out could not take is found in buf_error(out). */
int html_to_text(struct span html, struct buf *out);
/* Appends a small HTML document that shows text. */
void text_to_html(struct span text, struct buf *out);
/* Appends what a document of HTML shows, to stand within another: well-formed,
 * without scripts. As html_to_text. (html_quote.c) */
int html_add_inner(struct span html, struct buf *out);
/* Text, escaped, its lines ended by <br>. */
void html_add_text(struct span text, struct buf *out);

#endif
