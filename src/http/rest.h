/*
 * What routes of REST have in common: errors and parameters, which are bounded,
 * and the answers that a browser may show or has to save. schema/openapi.json
 * describes every route and every answer.
 */
#ifndef EWSD_HTTP_REST_H
#define EWSD_HTTP_REST_H

#include "http/http.h"
#include "model/item.h"

#define REST_TEXT_MAX 200 /* bytes of a parameter that is a text */

/* Any status >= 400; code is a word for programs, the rest for people: what is
 * wrong, and what to do. Returns what a route does. */
int rest_error(struct http_response *response, int status, const char *code, const char *format, ...) ATTR_PRINTF(4, 5);
/* The same for what was refused before a route saw it. */
void rest_refuse(int status, struct http_response *response);
int rest_not_found(struct http_response *response, const char *what);

/* A parameter; an absent one leaves ret_value as it is. False: response says
 * what is wrong. */
bool rest_number(const struct http_request *request, const char *name, uint64_t least, uint64_t most, uint64_t *ret_value,
                 struct http_response *response);
bool rest_text(const struct http_request *request, const char *name, struct span *ret_value, struct http_response *response);
/* ?order=newest */
bool rest_newest(const struct http_request *request, bool *ret_newest, struct http_response *response);
/* limit= and offset= of a page of a list. */
struct rest_page {
    uint64_t limit, offset;
};
bool rest_page(const struct http_request *request, struct rest_page *ret_page, struct http_response *response);
/* A number in the path. */
bool rest_part(struct span part, uint64_t *ret_value);
bool rest_is(const struct http_request *request, const char *method);

/* JSON begins, and ends. */
struct buf *rest_begin(struct http_response *response);
int rest_end(struct http_response *response);
/* "total" and "next" of a list of which n were written, and its end. */
int rest_end_page(struct http_response *response, const struct rest_page *page, size_t n, uint64_t total);
int rest_deleted(struct http_response *response, uint64_t n);

/* Bytes (or what source has) that a browser must save and not show; the name is a
 * sender's, and may be anything. */
int rest_save(struct http_request *request, struct http_response *response, const char *type, struct span name, struct source *source,
              struct span bytes);
int rest_save_message(struct http_request *request, struct http_response *response, struct span bytes);
/* The attachment that the part of the path names. */
int rest_save_attachment(struct http_request *request, const struct item *item, struct span part, struct http_response *response);
/* Members of an object: people, header fields, body and attachments of a message. */
void rest_add_person(struct buf *out, const char *name, const struct rcpt *person);
void rest_add_people(struct buf *out, const char *name, const struct rcpt_list *people);
void rest_add_headers(struct buf *out, const char *name, const struct item_header_list *headers);
int rest_add_content(struct buf *out, const struct item *item);

/* The body of a message as a page that can do nothing, even outside of a frame;
 * its inline pictures are in it. */
int rest_show(const struct item *item, struct http_response *response);

#endif
