/*
 * The numbers of count.h.
 */
#include "http/count.h"

#include "base/metrics.h"

static const char *const listeners[] = { "clients", "admin" };

#define STATUSES(STATUS)                                                                                                  \
    STATUS(200) STATUS(201) STATUS(204) STATUS(302) STATUS(303) STATUS(304) STATUS(400) STATUS(401) STATUS(403)           \
    STATUS(404) STATUS(405) STATUS(409) STATUS(413) STATUS(415) STATUS(421) STATUS(422) STATUS(429) STATUS(456)           \
    STATUS(500) STATUS(503)
#define NUMBER(status) status,
#define NAME(status) #status,

static const int statuses[] = { STATUSES(NUMBER) };
static const char *const status_names[] = { STATUSES(NAME) "other" };

void count_names(void)
{
    metric_names(METRIC_LABEL_status, status_names, ARRAY_LEN(status_names));
    metric_names(METRIC_LABEL_listener, listeners, ARRAY_LEN(listeners));
}

static unsigned number_of(const struct http_options *options)
{
    return options->on == HTTP_ON_ADMIN;
}

void count_answer(const struct http_options *options, int status)
{
    unsigned i = 0;
    while (i < ARRAY_LEN(statuses) && statuses[i] != status)
        i++;
    metric_add_by(METRIC_http_responses, number_of(options), i, 1);
}

void count_connection(const struct http_options *options, int up)
{
    metric_raise(METRIC_http_connections, number_of(options), up);
}
