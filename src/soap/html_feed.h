/*
 * Hostile HTML through libxml2's SAX parser, in time that grows with its length.
 * The parser compares each attribute of a tag with all before it, so a tag with
 * more than some hundred ends the document: nothing behind it is parsed.
 */
#ifndef EWSD_SOAP_HTML_FEED_H
#define EWSD_SOAP_HTML_FEED_H

#include "base/base.h"

#include <libxml/HTMLparser.h>

enum html_place { HTML_TAG, HTML_GAP, HTML_NAME, HTML_NAMED, HTML_EQUALS, HTML_WORD, HTML_QUOTED, HTML_OVER };

struct html_feed {
    htmlParserCtxtPtr parser;
    size_t pending; /* bytes that the parser has, and waits for more of */
    /* of the tag that these are of: */
    enum html_place place;
    char quote;
    unsigned attributes;
};

/* sax->initialized and serror are set here; user is what its functions get. more:
 * options beyond those that every parse has. -ENOMEM. */
int html_feed_open(struct html_feed *feed, htmlSAXHandler *sax, void *user, int more);
/* The next bytes, UTF-8. Those behind a tag that ended the document are dropped. */
void html_feed(struct html_feed *feed, struct span html);
/* Everything that is still open ends. */
void html_feed_close(struct html_feed *feed);

#endif
