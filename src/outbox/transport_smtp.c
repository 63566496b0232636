/*
 * The transport to a relay, by libcurl: one SMTP transaction per message. Each
 * recipient's reply is read off the dialogue, as libcurl itself reports only
 * one result. A message counts as sent for a recipient when RCPT was accepted
 * and the reply to the message was 2xx; without a reply it is deferred.
 */
#include "outbox/transport.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum stage { STAGE_OTHER, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_MESSAGE };

struct dialogue {
    const struct transport_job *job;
    struct transport_result *results;
    enum stage stage;
    size_t rcpt;      /* replies to RCPT so far */
    struct span mail; /* a refusal of MAIL, or empty */
    struct span final;
    size_t sent; /* bytes of the message that were read */
};

static struct span keep(const struct dialogue *dialogue, struct span line)
{
    struct span copy;
    return arena_copy(dialogue->job->arena, span_trim(line), &copy) ? SPAN("4.3.0 out of memory") : copy;
}

static enum transport_outcome outcome_of(struct span reply)
{
    if (reply.len == 0 || reply.ptr[0] == '4')
        return TRANSPORT_DEFERRED;
    return reply.ptr[0] == '2' ? TRANSPORT_SENT : TRANSPORT_FAILED;
}

static void on_reply(struct dialogue *dialogue, struct span line)
{
    if (line.len < 4 || line.ptr[3] != ' ')
        return; /* not the last line of a reply */
    switch (dialogue->stage) {
    case STAGE_MAIL:
        if (line.ptr[0] != '2')
            dialogue->mail = keep(dialogue, line);
        break;
    case STAGE_RCPT:
        if (dialogue->rcpt < dialogue->job->n) {
            struct span text = keep(dialogue, line);
            dialogue->results[dialogue->rcpt++] = (struct transport_result){ outcome_of(text), text };
        }
        break;
    case STAGE_DATA:
        if (line.ptr[0] == '3')
            dialogue->stage = STAGE_MESSAGE;
        else
            dialogue->final = keep(dialogue, line);
        break;
    case STAGE_MESSAGE:
        dialogue->final = keep(dialogue, line);
        dialogue->stage = STAGE_OTHER;
        break;
    case STAGE_OTHER:
        break;
    }
}

static void on_command(struct dialogue *dialogue, struct span line)
{
    if (span_starts(line, SPAN("MAIL FROM")))
        dialogue->stage = STAGE_MAIL;
    else if (span_starts(line, SPAN("RCPT TO")))
        dialogue->stage = STAGE_RCPT;
    else if (span_starts(line, SPAN("DATA")))
        dialogue->stage = STAGE_DATA;
}

static int on_debug(CURL *curl ATTR_UNUSED, curl_infotype type, char *data, size_t size, void *arg)
{
    if (type == CURLINFO_HEADER_OUT)
        on_command(arg, (struct span){ data, size });
    else if (type == CURLINFO_HEADER_IN)
        on_reply(arg, (struct span){ data, size });
    return 0;
}

static size_t on_read(char *into, size_t size, size_t count, void *arg)
{
    struct dialogue *dialogue = arg;
    size_t n = dialogue->job->raw.len - dialogue->sent;
    if (n > size * count)
        n = size * count;
    memcpy(into, dialogue->job->raw.ptr + dialogue->sent, n);
    dialogue->sent += n;
    return n;
}

/* Once the relay has the whole message its reply is awaited even at the end of
 * the program: else it would come a second time. */
static int on_progress(void *arg, curl_off_t a ATTR_UNUSED, curl_off_t b ATTR_UNUSED, curl_off_t c ATTR_UNUSED,
                       curl_off_t d ATTR_UNUSED)
{
    const struct dialogue *dialogue = arg;
    return dialogue->sent < dialogue->job->raw.len && atomic_load(dialogue->job->stop);
}

static void slist_free(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static int rcpt_list(const struct transport_job *job, struct curl_slist **ret_list)
{
    for (size_t i = 0; i < job->n; i++) {
        struct span text;
        int r = arena_printf(job->arena, &text, "<%.*s>", (int)job->rcpts[i]->address.len, job->rcpts[i]->address.ptr);
        if (r)
            return r;
        struct curl_slist *longer = curl_slist_append(*ret_list, text.ptr);
        if (!longer)
            return -ENOMEM;
        *ret_list = longer;
    }
    return 0;
}

/* Over well before the lease is: nobody else may begin meanwhile (decisions 15). */
static long deadline(const struct conf *conf)
{
    int64_t most = conf->outbox_lease / 2;
    return (long)(conf->relays[0].timeout < most ? conf->relays[0].timeout : most);
}

static int talk(const struct transport_job *job, struct dialogue *dialogue, struct span *ret_error)
{
    CLEANUP(slist_free) struct curl_slist *rcpts = NULL;
    struct span from;
    int r = rcpt_list(job, &rcpts);
    if (r == 0)
        r = arena_printf(job->arena, &from, "<%.*s>", (int)job->entry->envelope_sender.len, job->entry->envelope_sender.ptr);
    if (r)
        return r;
    CURL *curl = curl_easy_init();
    if (!curl)
        return -ENOMEM;
    char error[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_URL, job->conf->relays[0].url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.ptr);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, rcpts);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)job->raw.len);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, dialogue);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, dialogue);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, dialogue);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, deadline(job->conf));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    if (code == CURLE_OK)
        return 0;
    return arena_printf(job->arena, ret_error, "4.4.2 %s", error[0] ? error : curl_easy_strerror(code));
}

/* What the whole dialogue means for one recipient. */
static struct transport_result conclude(const struct dialogue *dialogue, size_t i, struct span error)
{
    if (dialogue->mail.len)
        return (struct transport_result){ outcome_of(dialogue->mail), dialogue->mail };
    if (i < dialogue->rcpt && dialogue->results[i].outcome != TRANSPORT_SENT)
        return dialogue->results[i];
    if (i < dialogue->rcpt && dialogue->final.len)
        return (struct transport_result){ outcome_of(dialogue->final), dialogue->final };
    return (struct transport_result){ TRANSPORT_DEFERRED, error.len ? error : SPAN("4.4.2 the relay gave no reply") };
}

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
}

static int smtp_deliver(const struct transport_job *job, struct transport_result *results)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, curl_start);
    struct dialogue dialogue = { .job = job, .results = results };
    struct span error = { 0 };
    int r = talk(job, &dialogue, &error);
    if (r)
        return r;
    for (size_t i = 0; i < job->n; i++)
        results[i] = conclude(&dialogue, i, error);
    return 0;
}

const struct transport transport_smtp = { .name = "smtp", .deliver = smtp_deliver };
