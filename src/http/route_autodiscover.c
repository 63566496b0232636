/*
 * /autodiscover/autodiscover.xml (POX) and .svc (SOAP): who logged in learns
 * where EWS is, of himself and, unless names.directory is off, of everybody
 * here. GET of the first needs no password and says in a header that there is
 * the second: clients look for that (protocol.md 5).
 */
#include "http/discover.h"

#include "base/when.h"

#define XML "text/xml; charset=utf-8"

static int look_up(struct http_request *request, struct store_tx *tx, struct span address, struct discover_user *user)
{
    struct store_mailbox mailbox;
    char id[GUID_TEXT_SIZE];
    struct span text;
    user->asked = address;
    int r = rcpt_address_ok(address) ? store_mailbox_by_address(tx, request->arena, address, &mailbox) : 1;
    if (r > 0 || (r == 0 && mailbox.mailbox_id != request->caller.mailbox_id && !request->server->conf->names_directory))
        return 0;
    if (r)
        return r;
    guid_format(mailbox.guid, id);
    r = arena_copy(request->arena, span_of(id), &text);
    if (r == 0)
        *user = (struct discover_user){ .asked = address, .known = true, .address = mailbox.address, .name = mailbox.display_name,
                                        .id = text };
    return r;
}

/* ---- POX ---- */

static int say_where(struct http_request *request, struct span address, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct discover_user user = { 0 };
    struct soap_server server;
    struct discover_place place;
    int r = discover_place(request, &server, &place);
    if (r > 0)
        return discover_pox_write_error(&response->body, DISCOVER_INVALID, when_now()), 0;
    if (r == 0)
        r = store_read_begin(request->server->ops->store, &tx);
    if (r == 0)
        r = look_up(request, tx, address, &user);
    if (r == 0 && user.known)
        discover_pox_write(&response->body, &place, &user);
    else if (r == 0)
        discover_pox_write_error(&response->body, DISCOVER_NO_USER, when_now());
    return r;
}

static int pox(struct http_request *request, struct http_response *response)
{
    struct span address;
    response->content_type = XML;
    response->detail = "Autodiscover";
    if (strcmp(request->method, "POST") != 0) {
        response->headers[0].name = "X-SOAP-Enabled";
        response->headers[0].value = SPAN("True");
        discover_pox_write_error(&response->body, DISCOVER_INVALID, when_now());
        return buf_error(&response->body);
    }
    int r = discover_pox_read(request->arena, request->body, &address);
    if (r > 0)
        discover_pox_write_error(&response->body, (enum discover_error)r, when_now());
    else if (r == 0)
        r = say_where(request, address, response);
    if (r < 0) {
        buf_clear(&response->body);
        discover_pox_write_error(&response->body, DISCOVER_FAILED, when_now());
    }
    return buf_error(&response->body);
}

const struct http_route http_route_autodiscover_xml = { .path = "/autodiscover/autodiscover.xml", .on = HTTP_ON_CLIENTS,
                                                        .methods = HTTP_GET | HTTP_POST, .caller = true, .open = HTTP_GET,
                                                        .small = true, .xml = true, .handle = pox };

/* ---- SOAP ---- */

static int look_up_domain(struct http_request *request, struct store_tx *tx, struct span domain, struct discover_user *user)
{
    struct span folded;
    bool local = false;
    int r = rcpt_address_fold(request->arena, domain, &folded);
    if (r == 0)
        r = local_domain(tx, request->server->conf, folded, &local);
    *user = (struct discover_user){ .asked = domain, .known = local };
    return r;
}

static int answer_all(struct http_request *request, const struct discover_request *asked, struct http_response *response)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct discover_user *users = arena_array(request->arena, asked->asked_n, sizeof(*users));
    struct soap_server server;
    struct discover_place place;
    int r = users ? discover_place(request, &server, &place) : -ENOMEM;
    if (r == 0)
        r = store_read_begin(request->server->ops->store, &tx);
    for (size_t i = 0; r == 0 && i < asked->asked_n; i++)
        r = asked->question == DISCOVER_USER_SETTINGS ? look_up(request, tx, asked->asked[i], &users[i])
                                                      : look_up_domain(request, tx, asked->asked[i], &users[i]);
    if (r == 0)
        discover_soap_write(&response->body, &place, asked, users);
    return r;
}

static int soap(struct http_request *request, struct http_response *response)
{
    struct discover_request asked;
    struct soap_fault fault;
    response->content_type = XML;
    response->detail = "Autodiscover";
    int r = discover_soap_read(request->arena, request->body, &asked, &fault);
    if (r == 0)
        r = answer_all(request, &asked, response);
    if (r == 0)
        return buf_error(&response->body);
    if (r < 0)
        fault = soap_fault_make("ErrorInternalServerError", code_text(CODE_ErrorInternalServerError));
    else if (r != DISCOVER_FAULT)
        fault = soap_fault_make("ErrorInvalidRequest", "The Host of the request is no name.");
    struct soap_server server = discover_server(request->server->conf);
    buf_clear(&response->body);
    response->status = 500;
    soap_fault_write(&response->body, &server, false, &fault);
    return buf_error(&response->body);
}

const struct http_route http_route_autodiscover_svc = { .path = "/autodiscover/autodiscover.svc", .on = HTTP_ON_CLIENTS,
                                                        .methods = HTTP_POST, .caller = true, .small = true, .xml = true, .handle = soap };
