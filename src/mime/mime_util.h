/*
 * What the files of this folder share: line ends, header fields, characters,
 * and the writers of header fields and bodies.
 */
#ifndef EWSD_MIME_MIME_UTIL_H
#define EWSD_MIME_MIME_UTIL_H

#include "mime/mime.h"

#define MIME_LINE_MAX 998

/* ---- mime_util.c ---- */

/* Every CR, LF or CRLF becomes CRLF; NUL is left out. */
void mime_normalise(struct span text, struct buf *out);

struct mime_field {
    struct span name; /* empty: no field, but a line that does not belong there */
    struct span value; /* behind the colon, still folded, without the last CRLF */
    struct span whole; /* with the last CRLF */
};

/* Takes the next field from normalised text. False, with the blank line
 * taken, at the end of the header. */
bool mime_field_next(struct span *rest, struct mime_field *ret_field);
bool mime_field_name_ok(struct span name);
bool mime_one_of(struct span name, const char *const *names, size_t n);
/* Unfolds and trims. -ENOMEM. */
int mime_unfold(struct arena *arena, struct span value, struct span *ret_text);
/* As UTF-8 without NUL, what is none as U+FFFD. charset NULL: UTF-8. -ENOMEM. */
int mime_to_utf8(struct arena *arena, struct span text, const char *charset, struct span *ret_text);
bool mime_is_7bit(struct span text); /* also no line over MIME_LINE_MAX */

/* ---- mime_head.c: whole fields, folded, CRLF at the end ---- */

void mime_put_text(struct buf *out, const char *name, struct span value);
/* Nothing when no address of the list can be written. */
void mime_put_addresses(struct buf *out, const char *name, const struct rcpt *v, size_t n);
/* Tokens between white space: message ids. Nothing when there are none. */
void mime_put_ids(struct buf *out, const char *name, struct span value);
void mime_put_date(struct buf *out, int64_t at);
/* ";\r\n name=value" as RFC 2231 asks for. */
void mime_put_parameter(struct buf *out, const char *name, struct span value);
/* The item's From, else its Sender; NULL when neither can be written. */
const struct rcpt *mime_from(const struct item *item);
/* The Sender to be named: it differs from From. NULL: none. */
const struct rcpt *mime_sender(const struct item *item);

/* ---- mime_body.c ---- */

/* The part's Content- fields, blank line, body, CRLF. */
void mime_put_body(struct buf *out, const struct item *item);
void mime_put_attachment(struct buf *out, const struct attachment *attachment);
/* Does this attachment stand in the message as it is? */
bool mime_attachment_is_plain(const struct attachment *attachment);

/* ---- mime_edit.c: supplied MIME ---- */

int mime_edit(const struct item *item, const struct mime_options *options, struct buf *out);

/* ---- mime_guard.c ---- */

/* May this normalised message be given to the parser: a header, and nesting
 * and parts within the limits? */
bool mime_guard(struct span message);

#endif
