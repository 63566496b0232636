/*
 * The EWS side of the load: requests as clients write them, and a strict look
 * at the answers: every ResponseCode must be there and be NoError.
 */
#include "load.h"

#include "base/codec.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_SIZE 1024
#define REQUEST_MAX ((size_t)256 << 20)

#define ENVELOPE                                                                                                    \
    "<?xml version='1.0' encoding='utf-8'?>\n"                                                                      \
    "<s:Envelope xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\""                          \
    " xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""                                                        \
    " xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><s:Header>"                             \
    "<t:RequestServerVersion Version=\"Exchange2013_SP1\"/></s:Header><s:Body>"
#define ENVELOPE_END "</s:Body></s:Envelope>"
#define CREATE "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items><t:Message>"
#define CREATE_END "</t:Message></m:Items></m:CreateItem>"

/* ---- requests ---- */

static char filler[BODY_SIZE + 1]; /* words, in lines */

static void make_filler(void)
{
    static const char words[] = "the quick brown fox jumps over the lazy dog and \r\n";
    for (size_t i = 0; i < BODY_SIZE; i++)
        filler[i] = words[i % (sizeof(words) - 1)];
}

/* The head of the user, the length, what is in load->body, and then, not
 * copied, shared. */
static bool finish(struct load *load, struct request *request, unsigned user, struct span shared)
{
    buf_add_span(&request->bytes, buf_span(&load->users[user].head));
    buf_add_u64(&request->bytes, load->body.len + shared.len);
    buf_add_str(&request->bytes, "\r\n\r\n");
    buf_add_span(&request->bytes, buf_span(&load->body));
    request->shared = shared;
    request->draft.user = user;
    return true;
}

static unsigned next_user(struct load *load)
{
    return (unsigned)(load->turn++ % load->users_n);
}

static bool compose_create(struct load *load, struct request *request)
{
    buf_clear(&load->body);
    buf_printf(&load->body, ENVELOPE CREATE "<t:Subject>message %llu of the load</t:Subject><t:Body BodyType=\"Text\">",
               (unsigned long long)load->turn);
    buf_add(&load->body, filler, BODY_SIZE);
    buf_add_str(&load->body, "</t:Body><t:ToRecipients><t:Mailbox><t:EmailAddress>someone@elsewhere.test</t:EmailAddress>"
                             "</t:Mailbox></t:ToRecipients>" CREATE_END ENVELOPE_END);
    return finish(load, request, next_user(load), (struct span){ 0 });
}

static void write_send(struct buf *body, const struct draft *draft)
{
    buf_clear(body);
    buf_add_str(body, ENVELOPE "<m:SendItem SaveItemToFolder=\"true\"><m:ItemIds><t:ItemId Id=\"");
    buf_add_str(body, draft->id);
    buf_add_str(body, "\" ChangeKey=\"");
    buf_add_str(body, draft->change_key);
    buf_add_str(body, "\"/></m:ItemIds><m:SavedItemFolderId><t:DistinguishedFolderId Id=\"sentitems\"/>"
                      "</m:SavedItemFolderId></m:SendItem>" ENVELOPE_END);
}

static bool compose_send(struct load *load, struct request *request)
{
    if (load->drafts_sent == load->drafts_n)
        return false;
    request->draft = load->drafts[load->drafts_sent++];
    write_send(&load->body, &request->draft);
    return finish(load, request, request->draft.user, (struct span){ 0 });
}

static bool compose_get(struct load *load, struct request *request)
{
    if (load->drafts_sent == load->drafts_n)
        return false;
    request->draft = load->drafts[load->drafts_sent + load->turn++ % (load->drafts_n - load->drafts_sent)];
    buf_clear(&load->body);
    buf_add_str(&load->body, ENVELOPE "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
                                      "<m:ItemIds><t:ItemId Id=\"");
    buf_add_str(&load->body, request->draft.id);
    buf_add_str(&load->body, "\" ChangeKey=\"");
    buf_add_str(&load->body, request->draft.change_key);
    buf_add_str(&load->body, "\"/></m:ItemIds></m:GetItem>" ENVELOPE_END);
    return finish(load, request, request->draft.user, (struct span){ 0 });
}

/* A message with one attachment-like part, so large that its MimeContent has
 * large_size characters. */
static void make_large(struct load *load)
{
    static const char head[] = "From: load@example.test\r\nTo: someone@elsewhere.test\r\nSubject: a large message\r\n"
                               "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
    struct buf mime = BUF_INIT(REQUEST_MAX);
    buf_add_str(&mime, head);
    while (mime.len < load->large_size / 4 * 3 && !buf_error(&mime))
        buf_add(&mime, filler, BODY_SIZE);
    base64_encode(&load->large, mime.ptr, mime.len);
    buf_add_str(&load->large, "</t:MimeContent>" CREATE_END ENVELOPE_END);
    if (buf_error(&mime) || buf_error(&load->large))
        die("no memory for a large message");
    buf_done(&mime);
}

static bool compose_large(struct load *load, struct request *request)
{
    if (load->large.len == 0)
        make_large(load);
    buf_clear(&load->body);
    buf_add_str(&load->body, ENVELOPE CREATE "<t:MimeContent CharacterSet=\"UTF-8\">");
    return finish(load, request, next_user(load), buf_span(&load->large));
}

/* What a SendItem would be, of an id that nobody gave. */
static bool compose_echo(struct load *load, struct request *request)
{
    struct draft draft = { 0 };
    memset(draft.id, 'A', 152);
    memset(draft.change_key, 'A', 40);
    write_send(&load->body, &draft);
    return finish(load, request, next_user(load), (struct span){ 0 });
}

/* ---- answers ---- */

static const char *find(struct span text, const char *word)
{
    return text.len ? memmem(text.ptr, text.len, word, strlen(word)) : NULL;
}

static const char *only_no_error(const struct answer *answer)
{
    struct span rest = answer->body;
    const char *end = rest.ptr + rest.len, *code;
    unsigned codes = 0;
    if (answer->status != 200)
        return "the status is not 200";
    while ((code = find(rest, "ResponseCode>"))) {
        code += strlen("ResponseCode>");
        rest = (struct span){ code, (size_t)(end - code) };
        if (!span_starts(rest, SPAN("NoError</")))
            return "a ResponseCode is not NoError";
        code = find(rest, "ResponseCode>"); /* its end tag */
        if (!code)
            return "a ResponseCode does not end";
        code += strlen("ResponseCode>");
        rest = (struct span){ code, (size_t)(end - code) };
        codes++;
    }
    if (!find(answer->body, "Envelope>") || codes != 1)
        return "there is not one ResponseCode";
    return NULL;
}

static bool copy_attribute(struct span text, const char *name, char ret_value[LOAD_ID_SIZE])
{
    const char *start = find(text, name);
    if (!start)
        return false;
    start += strlen(name);
    const char *end = memchr(start, '"', text.len - (size_t)(start - text.ptr));
    if (!end || end - start >= LOAD_ID_SIZE || end == start)
        return false;
    memcpy(ret_value, start, (size_t)(end - start));
    ret_value[end - start] = 0;
    return true;
}

static void keep_draft(struct load *load, const struct draft *draft)
{
    if (load->drafts_n == load->drafts_room) {
        load->drafts_room = load->drafts_room ? load->drafts_room * 2 : 4096;
        load->drafts = reallocarray(load->drafts, load->drafts_room, sizeof(*load->drafts));
        if (!load->drafts)
            die("no memory for drafts");
    }
    load->drafts[load->drafts_n++] = *draft;
}

static const char *accept_create(struct load *load, const struct request *request, const struct answer *answer)
{
    struct draft draft = { .user = request->draft.user };
    const char *wrong = only_no_error(answer);
    if (wrong)
        return wrong;
    if (!copy_attribute(answer->body, "<t:ItemId Id=\"", draft.id) ||
        !copy_attribute(answer->body, "\" ChangeKey=\"", draft.change_key))
        return "there is no ItemId";
    keep_draft(load, &draft);
    return NULL;
}

static const char *accept_send(struct load *load, const struct request *request ATTR_UNUSED, const struct answer *answer)
{
    const char *wrong = only_no_error(answer);
    load->sent += !wrong;
    return wrong;
}

static const char *accept_get(struct load *load ATTR_UNUSED, const struct request *request, const struct answer *answer)
{
    const char *wrong = only_no_error(answer);
    if (wrong)
        return wrong;
    return find(answer->body, request->draft.id) && find(answer->body, "the lazy dog") ? NULL : "it is not the item";
}

static const char *accept_plain(struct load *load ATTR_UNUSED, const struct request *request ATTR_UNUSED,
                                const struct answer *answer)
{
    return only_no_error(answer);
}

const struct load_op load_create = { "create", compose_create, accept_create };
const struct load_op load_send = { "send", compose_send, accept_send };
const struct load_op load_get = { "get", compose_get, accept_get };
const struct load_op load_large = { "large", compose_large, accept_plain };
const struct load_op load_echo = { "echo", compose_echo, accept_plain };

/* ---- users ---- */

void ews_init(struct load *load)
{
    make_filler();
    load->body = load->large = BUF_INIT(REQUEST_MAX);
}

/* The headers are those that exchangelib's requests have. */
void ews_add_user(struct load *load, const char *pair)
{
    const char *colon = strchr(pair, ':');
    if (!colon || load->users_n == LOAD_USERS_MAX)
        die("--user is ADDRESS:PASSWORD, %d times at most", LOAD_USERS_MAX);
    struct user *user = &load->users[load->users_n++];
    user->head = BUF_INIT(4096);
    buf_printf(&user->head,
               "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: ewsd-bench\r\n"
               "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
               "Content-Type: text/xml; charset=utf-8\r\nX-AnchorMailbox: %.*s\r\nAuthorization: Basic ",
               load->host, load->port, (int)(colon - pair), pair);
    base64_encode(&user->head, pair, strlen(pair));
    buf_add_str(&user->head, "\r\nContent-Length: ");
    if (buf_error(&user->head))
        die("--user %s is too long", pair);
}

void ews_done(struct load *load)
{
    for (unsigned i = 0; i < load->users_n; i++)
        buf_done(&load->users[i].head);
    buf_done(&load->body);
    buf_done(&load->large);
    free(load->drafts);
}
