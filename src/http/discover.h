/*
 * What the routes of Autodiscover share.
 */
#ifndef EWSD_HTTP_DISCOVER_H
#define EWSD_HTTP_DISCOVER_H

#include "http/http.h"
#include "model/rcpt.h"
#include "outbox/local.h"
#include "soap/discover.h"

#include <errno.h>

enum { DISCOVER_NO_HOST = 2 };

struct soap_server discover_server(const struct conf *conf);
/* server is filled, and place refers to it; the texts are the request's.
 * DISCOVER_NO_HOST: http.url is not set and Host is no name. -ENOMEM. */
int discover_place(const struct http_request *request, struct soap_server *ret_server, struct discover_place *ret_place);

#endif
