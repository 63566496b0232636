/*
 * The transport to a relay, by libcurl: one SMTP transaction per message over
 * a connection that is kept for the next one. A message counts as sent for a
 * recipient when RCPT was accepted and the reply to the message was 2xx.
 * Until its last byte is given away a message can be taken back, at the end of
 * the program or of its time; behind it only the reply counts, and a reply that
 * is lost means another attempt: the one window in which SMTP may duplicate.
 * That last byte leaves only while all of the final time-out is left
 * (decisions 15).
 */
#include "outbox/idna.h"
#include "outbox/smtp_dialogue.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#define STOP_GRACE_MS 10000 /* a reply to a message that is through is worth that long */

struct smtp_link {
    CURL *curl;
    bool open; /* greeted, and as far as we know still there */
    struct smtp_offers offers;
    char error[CURL_ERROR_SIZE];
};

/* One attempt on one message. */
struct sending {
    const struct transport_job *job;
    struct smtp_link *link;
    struct smtp_dialogue dialogue;
    int64_t deadline;    /* monotonic; for the last byte */
    int64_t through_at;  /* when that was given away; 0: not yet */
    size_t given;        /* bytes of the message */
    struct span from;
    struct curl_slist *list;
    size_t *places;      /* of each RCPT among the job's recipients */
    bool needs_utf8;
};

/* ---- what libcurl calls ---- */

static int on_debug(CURL *curl ATTR_UNUSED, curl_infotype type, char *data, size_t size, void *arg)
{
    struct sending *sending = arg;
    if (type == CURLINFO_HEADER_OUT)
        smtp_dialogue_command(&sending->dialogue, (struct span){ data, size });
    else if (type == CURLINFO_HEADER_IN)
        smtp_dialogue_reply(&sending->dialogue, (struct span){ data, size });
    return 0;
}

/* Of the signature, and then of the message. */
static struct span left_to_give(const struct sending *sending)
{
    struct span first = sending->job->signature, then = sending->job->traced;
    size_t at = sending->given;
    if (at < first.len)
        return (struct span){ first.ptr + at, first.len - at };
    at -= first.len;
    return (struct span){ then.ptr + at, then.len - at };
}

/* The lease outlives the wait for the reply, or nothing is sent. */
static int64_t deadline_of(const struct sending *sending)
{
    const struct lease *lease = sending->job->lease;
    int64_t end = lease ? node_lease_end(lease) : INT64_MAX;
    int64_t latest = end == INT64_MIN ? end : end - sending->job->relay->conf->final_timeout * 1000;
    return lease && latest < sending->deadline ? latest : sending->deadline;
}

/* libcurl asks once more when all is on its way, and ends the message with a
 * dot when it then gets nothing. */
static size_t on_read(char *into, size_t size, size_t count, void *arg)
{
    struct sending *sending = arg;
    int64_t now = when_monotonic();
    if (atomic_load(sending->job->stop) || now >= deadline_of(sending))
        return CURL_READFUNC_ABORT;
    struct span left = left_to_give(sending);
    size_t n = left.len;
    if (n == 0)
        sending->through_at = now;
    if (n > size * count)
        n = size * count;
    if (n > 0)
        memcpy(into, left.ptr, n);
    sending->given += n;
    return n;
}

/* Non-zero ends the transfer. Nobody waits for the answer to QUIT. */
static int on_progress(void *arg, curl_off_t a ATTR_UNUSED, curl_off_t b ATTR_UNUSED, curl_off_t c ATTR_UNUSED,
                       curl_off_t d ATTR_UNUSED)
{
    const struct sending *sending = arg;
    int64_t now = when_monotonic();
    bool stop = atomic_load(sending->job->stop);
    if (sending->dialogue.stage == SMTP_QUIT)
        return 1;
    if (!sending->through_at)
        return stop || now >= deadline_of(sending);
    int64_t wait = sending->job->relay->conf->final_timeout * 1000;
    if (stop && wait > STOP_GRACE_MS)
        wait = STOP_GRACE_MS;
    return now >= sending->through_at + wait;
}

/* ---- the link ---- */

void smtp_link_free(struct smtp_link *link)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (!link)
        return;
    if (link->curl && curl_easy_getinfo(link->curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
        shutdown(fd, SHUT_RD); /* QUIT goes out, and its answer is not awaited */
    curl_easy_cleanup(link->curl);
    free(link);
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
}

static int link_new(struct smtp_link **ret_link)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    struct smtp_link *link = calloc(1, sizeof(*link));
    if (!link || !(link->curl = curl_easy_init())) {
        free(link);
        return -ENOMEM;
    }
    *ret_link = link;
    return 0;
}

static void set_security(CURL *curl, const struct relay *relay)
{
    static const long levels[] = { CURLUSESSL_NONE, CURLUSESSL_TRY, CURLUSESSL_ALL };
    curl_easy_setopt(curl, CURLOPT_USE_SSL, relay->wrapped ? (long)CURLUSESSL_ALL : levels[relay->tls]);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, relay->verify ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, relay->verify ? 2L : 0L);
    if (*relay->conf->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, relay->conf->ca_file);
    if (relay->user.len == 0)
        return;
    curl_easy_setopt(curl, CURLOPT_USERNAME, relay->user.ptr);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, relay->password.ptr);
}

/* What both transfers on a link have in common. */
static void set_up(struct sending *sending)
{
    const struct relay *relay = sending->job->relay;
    CURL *curl = sending->link->curl;
    int64_t longest = relay->conf->timeout > relay->conf->final_timeout ? relay->conf->timeout : relay->conf->final_timeout;
    curl_easy_reset(curl); /* connections stay */
    sending->link->error[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, relay->url.ptr);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)relay->conf->connect_timeout);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)longest + 1); /* on_progress is first */
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, sending);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sending);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, sending->link->error);
    set_security(curl, relay);
}

/* Connects, up to AUTH, so that what the relay offers is known before a message
 * is begun. */
static CURLcode greet(struct sending *sending)
{
    set_up(sending);
    sending->dialogue.stage = SMTP_GREETING;
    curl_easy_setopt(sending->link->curl, CURLOPT_CUSTOMREQUEST, "NOOP");
    curl_easy_setopt(sending->link->curl, CURLOPT_NOBODY, 1L);
    CURLcode code = curl_easy_perform(sending->link->curl);
    sending->link->open = code == CURLE_OK;
    return code;
}

static CURLcode transact(struct sending *sending)
{
    CURL *curl = sending->link->curl;
    set_up(sending);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, sending->from.ptr);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, sending->list);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    /* No size: libcurl would count stuffed dots into it and end too early. */
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, sending);
    return curl_easy_perform(curl);
}

/* ---- the envelope ---- */

static struct transport_result failed(struct span status)
{
    return (struct transport_result){ TRANSPORT_FAILED, status };
}

/* What this relay can't be asked to do with this recipient; false: nothing. */
static bool is_hopeless(const struct sending *sending, int invalid, bool utf8, struct transport_result *ret_result)
{
    const struct smtp_offers *offers = &sending->link->offers;
    if (offers->size > 0 && sending->job->signature.len + sending->job->traced.len > (uint64_t)offers->size)
        *ret_result = failed(SPAN("5.3.4 the message is larger than the relay takes"));
    else if (invalid)
        *ret_result = failed(SPAN("5.1.2 the domain of the address is no valid name"));
    else if ((utf8 || sending->needs_utf8) && !offers->utf8)
        *ret_result = failed(SPAN("5.6.7 the relay takes no addresses with characters beyond ASCII"));
    else
        return false;
    return true;
}

static int add_rcpt(struct sending *sending, struct span address)
{
    struct span text;
    int r = arena_printf(sending->job->arena, &text, "<%s>", address.ptr);
    struct curl_slist *longer = r ? NULL : curl_slist_append(sending->list, text.ptr);
    if (!longer)
        return -ENOMEM;
    sending->list = longer;
    return 0;
}

/* Who is asked for; the others have their result. A sender that is no valid
 * name keeps everybody's mail here. */
static int fill_envelope(struct sending *sending, struct transport_result *results)
{
    const struct transport_job *job = sending->job;
    struct smtp_dialogue *dialogue = &sending->dialogue;
    struct span sender = SPAN("");
    int bad_sender = job->entry->envelope_sender.len ?
                         idna_address(job->arena, job->entry->envelope_sender, &sender, &sending->needs_utf8) : 0;
    int r = bad_sender < 0 ? bad_sender : arena_printf(job->arena, &sending->from, "<%.*s>", (int)sender.len, sender.ptr);
    for (size_t i = 0; r == 0 && i < job->n; i++) {
        struct span address;
        bool utf8 = false;
        int invalid = idna_address(job->arena, job->rcpts[i]->address, &address, &utf8);
        if (invalid < 0)
            return invalid;
        if (is_hopeless(sending, invalid | bad_sender, utf8, &results[i]))
            continue;
        sending->places[dialogue->rcpts_n++] = i;
        r = add_rcpt(sending, address);
    }
    return r;
}

static int begin(const struct transport_job *job, struct smtp_link *link, struct sending *ret_sending)
{
    struct sending sending = { .job = job, .link = link };
    sending.dialogue = (struct smtp_dialogue){ .arena = job->arena, .offers = &link->offers };
    sending.dialogue.rcpts = arena_array(job->arena, job->n, sizeof(struct transport_result));
    sending.places = arena_array(job->arena, job->n, sizeof(size_t));
    if (!sending.dialogue.rcpts || !sending.places)
        return -ENOMEM;
    *ret_sending = sending;
    return 0;
}

/* ---- what went wrong ---- */

static const char *status_of(CURLcode code)
{
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT)
        return "4.4.1";
    if (code == CURLE_LOGIN_DENIED)
        return "4.7.8";
    if (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_USE_SSL_FAILED ||
        code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CIPHER)
        return "4.7.5";
    return "4.4.2";
}

/* libcurl's words, and the relay's when they were a refusal. */
static struct span explain(const struct sending *sending, CURLcode code)
{
    const char *words = sending->link->error[0] ? sending->link->error : curl_easy_strerror(code);
    const struct relay *relay = sending->job->relay;
    struct span last = sending->dialogue.last, text;
    bool refused = last.len && last.ptr[0] >= '4';
    if (code == CURLE_ABORTED_BY_CALLBACK)
        words = sending->through_at ? "no reply to the message in time" : "too slow";
    int r = arena_printf(sending->job->arena, &text, "%s relay %s:%lld: %s%s%.*s", status_of(code), relay->host,
                         (long long)relay->port, words, refused ? ": " : "", refused ? (int)last.len : 0, last.ptr);
    return r ? SPAN("4.4.2 the relay was lost") : text;
}

static int conclude(const struct sending *sending, CURLcode code, struct transport_result *results)
{
    bool decided = smtp_dialogue_decided(&sending->dialogue);
    struct span lost = decided ? SPAN("4.4.2 the relay gave no reply") : explain(sending, code);
    for (size_t i = 0; i < sending->dialogue.rcpts_n; i++)
        results[sending->places[i]] = smtp_dialogue_result(&sending->dialogue, i, lost);
    if (decided)
        return 0;
    return !sending->through_at && atomic_load(sending->job->stop) ? TRANSPORT_STOPPED : TRANSPORT_LOST;
}

static int not_greeted(const struct sending *sending, CURLcode code, struct transport_result *results)
{
    struct span why = explain(sending, code);
    for (size_t i = 0; i < sending->job->n; i++)
        results[i] = (struct transport_result){ TRANSPORT_DEFERRED, why };
    return atomic_load(sending->job->stop) ? TRANSPORT_STOPPED : TRANSPORT_UNREACHABLE;
}

/* ---- one message ---- */

static void drop_link(const struct transport_job *job)
{
    smtp_link_free(*job->link);
    *job->link = NULL;
}

/* 0 and above as deliver; RETRY: a kept connection was gone before the message
 * was through, so a fresh one may carry it now. */
enum { RETRY = 100 };

static int send_over(struct sending *sending, struct transport_result *results)
{
    struct smtp_link *link = sending->link;
    bool kept = link->open;
    CURLcode code = kept ? CURLE_OK : greet(sending);
    if (code)
        return not_greeted(sending, code, results);
    int r = fill_envelope(sending, results);
    if (r || sending->dialogue.rcpts_n == 0)
        return r;
    code = transact(sending);
    r = conclude(sending, code, results);
    /* After a reply in good order, even a refusal, the connection is of use. */
    link->open = r == 0 && (code == CURLE_OK || sending->dialogue.stage == SMTP_OTHER);
    return kept && r == TRANSPORT_LOST && !sending->through_at && when_monotonic() < deadline_of(sending) ? RETRY : r;
}

static int deliver_over(const struct transport_job *job, int64_t deadline, struct transport_result *results)
{
    struct sending sending;
    int r = *job->link ? 0 : link_new(job->link);
    if (r == 0)
        r = begin(job, *job->link, &sending);
    if (r)
        return r;
    sending.deadline = deadline;
    r = send_over(&sending, results);
    curl_easy_reset((*job->link)->curl); /* it pointed at sending */
    curl_slist_free_all(sending.list);
    if (!(*job->link)->open)
        drop_link(job);
    return r;
}

static int smtp_deliver(const struct transport_job *job, struct transport_result *results)
{
    int64_t deadline = when_monotonic() + job->relay->conf->timeout * 1000;
    int r = deliver_over(job, deadline, results);
    if (r == RETRY)
        r = deliver_over(job, deadline, results);
    return r == RETRY ? TRANSPORT_LOST : r;
}

const struct transport transport_smtp = { .name = "smtp", .number = TRANSPORT_NUMBER_smtp, .deliver = smtp_deliver };
