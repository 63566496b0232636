/*
 * The reader of xml.h: one pass from bytes to tree, and the schema on the way.
 * Hostile input is the normal case: a DOCTYPE is refused before the parser
 * sees it, so nothing ever expands; depth, tag length and the number of
 * attributes are capped; encodings other than UTF-8 are refused.
 * A struct xml_reader serves one thread at a time and is meant to be reused.
 */
#ifndef EWSD_SOAP_XML_READ_H
#define EWSD_SOAP_XML_READ_H

#include "soap/schema.h"
#include "soap/xml.h"

struct xml_reader;

/* Behind bytes that were decoded in place, where lines can't be counted. */
struct xml_mark {
    size_t offset;
    uint32_t line;
    uint32_t position;
    const struct xml_mark *earlier;
};

/* A text that is read. */
struct xml_source {
    char *text; /* text[len] is 0; the reader writes to it */
    size_t len;
    const struct xml_mark *marks; /* the last one first; set by reading */
};

/* What is wrong with a text, and where (1-based; position in characters). */
struct xml_flaw {
    bool well_formed; /* it is XML, but violates the schema */
    uint32_t line;
    uint32_t position;
    struct span text;
};

/* Says what becomes of a node when its start tag is read: the validator sees
 * the subtree of each node answered with XML_VERDICT_VALIDATE, and the watch is
 * not asked inside it. */
enum xml_verdict { XML_VERDICT_GO_ON, XML_VERDICT_VALIDATE };

struct xml_watch {
    enum xml_verdict (*start)(void *arg, const struct xml_node *node);
    /* Gets each violation of the schema, and reading goes on; NULL: the first ends it. */
    void (*flawed)(void *arg, const struct xml_flaw *flaw);
    void *arg;
};

enum { XML_READ_FLAWED = 1 };

/* schema may be NULL (nothing is validated) and must outlive the reader. */
int xml_reader_new(const struct schema *schema, struct xml_limits limits, struct xml_reader **ret_reader);
void xml_reader_free(struct xml_reader *reader);
/* Worth keeping for another text? (It grows with the names it has met.) */
bool xml_reader_fresh(const struct xml_reader *reader);

/* The tree lives in arena and refers to the source, too; long MimeContent and
 * Content are decoded where they stand. watch may be NULL. XML_READ_FLAWED:
 * ret_flaw is set. */
int xml_read(struct xml_reader *reader, struct xml_source *source, struct arena *arena, const struct xml_watch *watch,
             struct xml_node **ret_root, struct xml_flaw *ret_flaw);
/* 1-based line and position (in characters) of a byte offset outside of what
 * was decoded. */
void xml_locate(const struct xml_source *source, size_t offset, uint32_t *ret_line, uint32_t *ret_position);

#endif
