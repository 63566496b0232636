/*
 * Bytes of messages: line ends, transfer encodings and header fields. Inside
 * src/mime only.
 */
#ifndef EWSD_MIME_MIME_TEXT_H
#define EWSD_MIME_MIME_TEXT_H

#include "base/buf.h"
#include "base/source.h"
#include "model/rcpt.h"

#define MIME_LINE_MAX 998

/* ---- bodies (mime_text.c) ---- */

/* What may not be sent as it is. */
struct text_scan {
    bool eight_bit;
    bool nul;
    bool control;  /* others than TAB, CR, LF */
    bool tricky;   /* a line begins with a dot or From_: relays may change it */
    bool bare_cr;
    bool long_line;
    size_t high; /* bytes above 127 */
};

struct text_scan text_scan(struct span text);
/* CR, LF and CRLF become CRLF; NUL is dropped. */
void text_add_crlf(struct buf *out, struct span text);
/* The same, by the piece: begins as zeros, and ends with text_lines_end. */
struct text_lines {
    struct buf *out;
    bool cr; /* the last byte so far */
};
void text_lines_add(struct text_lines *lines, struct span piece);
void text_lines_end(struct text_lines *lines);
/* Quoted-printable; text has CRLF line ends. No soft break is left at its end. */
void text_add_qp(struct buf *out, struct span text);
/* Lines of 76 characters, of bytes or what source has. The source's error. */
int text_add_base64(struct buf *out, struct source *source, struct span bytes);
bool text_contains(struct span text, struct span wanted);

/* ---- header fields (mime_field.c) ---- */

/* One field while it is written: folds before column 76. */
struct field {
    struct buf *out;
    size_t column;
};

struct field field_open(struct buf *out, const char *name);
struct field field_open_span(struct buf *out, struct span name);
/* A piece that is not broken, with a space or a fold before it. */
void field_word(struct field *field, struct span word);
/* Without a space before. */
void field_glue(struct field *field, const char *text);
/* Free text: as it is when plain ASCII, else encoded words; controls become
 * spaces. */
void field_text(struct field *field, struct span text);
void field_close(struct field *field);
/* NAME: text */
void field_add_text(struct buf *out, const char *name, struct span text);
/* Space-separated ids and tokens; what could not stand in a header is dropped. */
void field_add_tokens(struct buf *out, const char *name, struct span text);
/* Nothing for an empty list. CODE_ErrorInvalidRecipients. */
int field_add_rcpts(struct buf *out, const char *name, const struct rcpt *v, size_t n);
/* The same without those that would be refused. */
int field_add_sound_rcpts(struct buf *out, const char *name, const struct rcpt *v, size_t n);
/* ";" and a parameter; RFC 2231 when it is not short printable ASCII. */
void field_parameter(struct field *field, const char *name, struct span value);
/* Is it a field by which those who carry a message say what they did or saw
 * (Resent-*, Return-Path, Authentication-Results, ARC-*)? A sender's is forged. */
bool field_is_carriers(struct span name);
/* Is name one that a client's InternetHeaders property may set? */
bool field_name_free(struct span name);
bool field_name_ok(struct span name);

struct item;
struct mime_options;
/* The header of a structured item, but for the fields of its content (mime_write.c).
 * CODE_ErrorInvalidRecipients. */
int mime_add_header(const struct item *item, const struct mime_options *options, struct buf *out);

/* ---- supplied messages (mime_edit.c, mime_recode.c) ---- */

int mime_edit(const struct item *item, const struct mime_options *options, struct buf *out);
/* The fields that come from receipts and InternetHeaders properties and that
 * are not among the names in present. */
int mime_add_extras(const struct item *item, bool (*present)(const void *arg, struct span name), const void *arg, struct buf *out);
/* Rewrites the parts of a message whose bodies can't be sent as they are.
 * 1: it can't be parsed. */
int mime_recode(struct span bytes, bool eight_bit, struct buf *out);
/* Bytes that are in charset (empty: guessed) as UTF-8 without NUL; what is
 * none becomes U+FFFD. -ENOMEM. */
int mime_to_utf8(struct arena *arena, struct span bytes, const char *charset, struct span *ret_text);
/* Whether mime_to_utf8 would change nothing. */
bool mime_is_utf8(struct span bytes, const char *charset);
/* Encoded words decoded, unfolded, UTF-8. -ENOMEM. */
int mime_decode_text(struct arena *arena, const char *text, struct span *ret_text);
/* Splits the header block. Fields keep their line ends. */
struct head_cursor {
    struct span rest; /* from the next field on; after the last: the body */
};
/* false: the block ended (ret_body of head_body is then cursor->rest), or a
 * line that is no field ended it. */
bool head_next(struct head_cursor *cursor, struct span *ret_name, struct span *ret_raw);

#endif
