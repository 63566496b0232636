/*
 * Memory runs short at each allocation of our code, SQLite and libxml2, under
 * whole requests (parsed, validated, dispatched, stored, answered) and under
 * deliveries. A request is answered with NoError, a code or a fault; what was
 * answered NoError stands; asked again with memory to spare, it is done, and
 * what is sent is sent once. Of the allocations one in STRIDE is failed;
 * --everywhere fails each.
 */
#include "base/log.h"
#include "deeds.h"
#include "http/http.h"
#include "mime/mime.h"
#include "nth.h"
#include "short.h"
#include "soap/envelope.h"
#include "store/store_capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define STRIDE 3
#define STRIDE_COLD 61
#define ID_SIZE 512
#define MISSES 5 /* a runner may have been done before memory ran short: so many in a row are the end */

static bool everywhere;
static size_t injected;

struct server {
    struct deeds deeds;
    struct soap *soap;
    struct op_env ops;
    struct http_options http;
    struct arena *arena;
    struct buf answer;
};

/* ---- requests ---- */

#define TO "<t:ToRecipients><t:Mailbox><t:EmailAddress>bob@example.test</t:EmailAddress></t:Mailbox>" \
           "<t:Mailbox><t:EmailAddress>carol@elsewhere.test</t:EmailAddress></t:Mailbox></t:ToRecipients>"
#define IDS "<m:ItemIds><t:ItemId Id=\"%s\" ChangeKey=\"%s\"/></m:ItemIds>"

static const char create[] = "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items><t:Message><t:Subject>S &amp; s</t:Subject>"
                             "<t:Body BodyType=\"HTML\">&lt;b>x&lt;/b></t:Body><t:Attachments><t:FileAttachment><t:Name>a</t:Name>"
                             "<t:Content>YWJj</t:Content></t:FileAttachment></t:Attachments>" TO "</t:Message></m:Items></m:CreateItem>";
/* From: alice, To: bob, Subject: S, a text and an attachment */
static const char create_mime[] =
    "<m:CreateItem MessageDisposition=\"SendAndSaveCopy\"><m:Items><t:Message><t:MimeContent>"
    "RnJvbTogYWxpY2VAZXhhbXBsZS50ZXN0DQpUbzogYm9iQGV4YW1wbGUudGVzdA0KU3ViamVjdDogUw0KTUlNRS1WZXJzaW9uOiAxLjANCkNvbnRlbnQtVHlw"
    "ZTogbXVsdGlwYXJ0L21peGVkOyBib3VuZGFyeT1iDQoNCi0tYg0KQ29udGVudC1UeXBlOiB0ZXh0L3BsYWluDQoNCkhlbGxvDQotLWINCkNvbnRlbnQtVHlw"
    "ZTogaW1hZ2UvZ2lmDQpDb250ZW50LVRyYW5zZmVyLUVuY29kaW5nOiBiYXNlNjQNCg0KWVdKag0KLS1iLS0NCg=="
    "</t:MimeContent></t:Message></m:Items></m:CreateItem>";
static const char send_item[] = "<m:SendItem SaveItemToFolder=\"true\">" IDS "</m:SendItem>";
static const char get_item[] = "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:IncludeMimeContent>true"
                               "</t:IncludeMimeContent></m:ItemShape>" IDS "</m:GetItem>";
static const char update_item[] =
    "<m:UpdateItem ConflictResolution=\"AlwaysOverwrite\" MessageDisposition=\"SaveOnly\"><m:ItemChanges><t:ItemChange>"
    "<t:ItemId Id=\"%s\" ChangeKey=\"%s\"/><t:Updates><t:SetItemField><t:FieldURI FieldURI=\"item:Body\"/><t:Message>"
    "<t:Body BodyType=\"Text\">y</t:Body></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>";
static const char attach[] = "<m:CreateAttachment><m:ParentItemId Id=\"%s\" ChangeKey=\"%s\"/><m:Attachments><t:FileAttachment>"
                             "<t:Name>b</t:Name><t:Content>YWJj</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>";
static const char find_item[] = "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
                                "<m:IndexedPageItemView MaxEntriesReturned=\"3\" Offset=\"0\" BasePoint=\"Beginning\"/>"
                                "<m:ParentFolderIds><t:DistinguishedFolderId Id=\"drafts\"/></m:ParentFolderIds></m:FindItem>";
static const char move_item[] = "<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id=\"inbox\"/></m:ToFolderId>" IDS "</m:MoveItem>";
static const char delete_item[] = "<m:DeleteItem DeleteType=\"HardDelete\">" IDS "</m:DeleteItem>";

/* As http/call.c does it; the answer is in server->answer. */
static int post(struct server *server, const char *operation)
{
    struct buf body = BUF_INIT(1u << 20);
    struct http_response response = { .status = 200, .body = BUF_INIT(1u << 20) };
    buf_printf(&body,
               "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
               "xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" "
               "xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><s:Header><t:RequestServerVersion "
               "Version=\"Exchange2013_SP1\"/></s:Header><s:Body>%s</s:Body></s:Envelope>", operation);
    if (buf_error(&body))
        return -ENOMEM; /* answered with 503 at the door */
    struct http_request request = { .server = &server->http, .arena = server->arena, .method = "POST", .body = &body,
                                    .path = SPAN("/ews/exchange.asmx"), .caller = server->deeds.alice,
                                    .request_id = SPAN("00000000-0000-0000-0000-000000000000") };
    int r = http_route_ews.handle(&request, &response);
    r = r ? r : buf_error(&response.body);
    buf_done(&body);
    buf_done(&server->answer);
    server->answer = response.body;
    arena_reset(server->arena);
    return r;
}

static bool answer_has(const struct server *server, const char *text)
{
    return memmem(server->answer.ptr, server->answer.len, text, strlen(text)) != NULL;
}

static void take_attribute(const struct server *server, const char *name, char ret_value[ID_SIZE])
{
    char *at = memmem(server->answer.ptr, server->answer.len, name, strlen(name));
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(name), "%511[^\"]", ret_value), 1);
}

/* ---- a trial ---- */

struct request {
    const char *name, *text;
    bool draft;                  /* it is about a draft, a new one each time */
    enum folder_role folder;     /* where something appears; FOLDER_ROLE_COUNT: nowhere */
    bool once;
};

static uint64_t count_in(struct server *server, enum folder_role role)
{
    struct store_tx *tx = NULL;
    struct folder folder;
    assert_int_equal(store_read_begin(server->deeds.store, &tx), 0);
    assert_int_equal(store_folder_by_role(tx, server->arena, server->deeds.alice.mailbox_id, role, &folder), 0);
    store_read_end(tx);
    return folder.total;
}

static void make_text(struct server *server, const struct request *request, char text[4096])
{
    char id[ID_SIZE], key[ID_SIZE];
    if (!request->draft) {
        snprintf(text, 4096, "%s", request->text);
        return;
    }
    assert_int_equal(post(server, create), 0);
    take_attribute(server, "<t:ItemId Id=\"", id);
    take_attribute(server, "ChangeKey=\"", key);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, 4096, request->text, id, key);
#pragma GCC diagnostic pop
}

enum way {
    ONCE,
    LASTING, /* from then on */
    COLD,    /* once, in a store that was opened just now, so statements are made anew */
};
static const char *const ways[] = { "once", "from then on", "once, with a store just opened" };

static void cool_down(struct server *server)
{
    store_close(server->deeds.store);
    assert_int_equal(deeds_open(&server->deeds), 0);
    op_env_init(&server->ops, server->deeds.store, &server->deeds.conf, NULL);
}

/* True: something failed. */
static bool try_request(struct server *server, const struct request *request, unsigned at, enum way way)
{
    char text[4096];
    make_text(server, request, text);
    uint64_t before = count_in(server, request->folder);
    if (way == COLD)
        cool_down(server);
    nth_arm(at, way == LASTING);
    int r = post(server, text);
    unsigned failed = nth_clear();
    injected += failed;
    bool good = r == 0 && answer_has(server, "NoError");
    bool told = r == -ENOMEM || (r == 0 && answer_has(server, ">Error"));
    uint64_t made = count_in(server, request->folder) - before;
    if ((!good && !told) || made > 1 || (good && request->once && made != 1))
        fail_msg("%s without memory at %u: %d, %llu made, %.*s", request->name, at, r, (unsigned long long)made,
                 (int)server->answer.len, server->answer.ptr);
    if (good)
        return failed > 0;
    assert_int_equal(post(server, text), 0);
    bool again = answer_has(server, "NoError");
    bool gone = answer_has(server, "ErrorItemNotFound"); /* it was moved or deleted, and only the answer was lost */
    uint64_t sum = count_in(server, request->folder) - before;
    if (!(again || (gone && !request->once)) || (request->once && sum != 1))
        fail_msg("%s after memory was short at %u: %llu made, %.*s", request->name, at, (unsigned long long)sum,
                 (int)server->answer.len, server->answer.ptr);
    return failed > 0;
}

static unsigned stride(enum way way)
{
    return everywhere ? 1 : way == COLD ? STRIDE_COLD : STRIDE;
}

static void test_requests(void **state)
{
    static const struct request requests[] = {
        { "SendItem", send_item, true, FOLDER_ROLE_sentitems, true },
        { "CreateItem", create, false, FOLDER_ROLE_drafts, false },
        { "CreateItem of MIME, sending", create_mime, false, FOLDER_ROLE_sentitems, false },
        { "GetItem", get_item, true, FOLDER_ROLE_drafts, false },
        { "UpdateItem", update_item, true, FOLDER_ROLE_drafts, false },
        { "CreateAttachment", attach, true, FOLDER_ROLE_drafts, false },
        { "FindItem", find_item, false, FOLDER_ROLE_drafts, false },
        { "MoveItem", move_item, true, FOLDER_ROLE_inbox, false },
        { "DeleteItem", delete_item, true, FOLDER_ROLE_inbox, false },
    };
    struct server *server = *state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        for (enum way way = ONCE; way <= COLD; way++) {
            unsigned at = 1 + (unsigned)i % stride(way);
            while (try_request(server, &requests[i], at, way))
                at += stride(way);
            print_message("%s, %s: %u allocations\n", requests[i].name, ways[way], at - 1);
        }
    }
}

/* ---- delivery ---- */

/* What test_requests sent, and a message that comes back. */
static bool try_delivery(struct server *server, struct outbox *outbox, unsigned at, bool lasting)
{
    char text[4096];
    uint64_t before = deeds_outcomes();
    const struct request sending = { "SendItem", send_item, true, FOLDER_ROLE_sentitems, true };
    make_text(server, &sending, text);
    assert_int_equal(post(server, text), 0);
    assert_true(answer_has(server, "NoError"));
    assert_int_equal(deeds_send_lost(&server->deeds), 0);
    nth_arm(at, lasting);
    outbox_wake(outbox);
    deeds_wait_for_fault(before + 3, lasting);
    unsigned failed = nth_clear();
    injected += failed;
    deeds_wait(&server->deeds, outbox);
    return failed > 0;
}

static size_t count_captured(struct server *server)
{
    struct store_capture *captured;
    struct store_tx *tx = NULL;
    size_t n;
    assert_int_equal(store_read_begin(server->deeds.store, &tx), 0);
    assert_int_equal(store_capture_list(tx, server->arena, 0, 0, &captured, &n), 0);
    store_read_end(tx);
    return n;
}

/* Everything that was sent is there once: of each message a captured copy, but
 * of those by MIME, whose only recipient is bob. */
static void test_deliveries(void **state)
{
    struct server *server = *state;
    struct outbox *outbox = deeds_start(&server->deeds);
    deeds_wait(&server->deeds, outbox); /* what test_requests sent */
    size_t captured = count_captured(server);
    uint64_t reports = count_in(server, FOLDER_ROLE_inbox);
    size_t trials = 0;
    for (int lasting = 0; lasting < 2; lasting++) {
        unsigned at = 1;
        for (int misses = 0; misses < MISSES; at += stride(ONCE), trials++)
            misses = try_delivery(server, outbox, at, lasting) ? 0 : misses + 1;
        print_message("delivery, %s: %u allocations\n", lasting ? "from then on" : "once", at - 1);
    }
    outbox_stop(outbox);
    assert_int_equal(count_captured(server) - captured, trials);
    assert_int_equal(count_in(server, FOLDER_ROLE_inbox) - reports, trials);
}

static void test_the_sum(void **state)
{
    (void)state;
    print_message("%zu allocations failed\n", injected);
    assert_true(injected > 300);
}

/* ---- set-up ---- */

static int set_up(void **state)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    deeds_prepare(&server->deeds);
    assert_int_equal(deeds_open(&server->deeds), 0);
    assert_int_equal(arena_new(64u << 20, &server->arena), 0);
    const struct soap_rules rules = { .served = op_is_served, .limits = { .depth = 128, .tag = 16384 } };
    assert_int_equal(soap_new(&rules, &server->soap), 0);
    op_env_init(&server->ops, server->deeds.store, &server->deeds.conf, NULL);
    server->http = (struct http_options){ .conf = &server->deeds.conf, .ops = &server->ops, .soap = server->soap };
    *state = server;
    return 0;
}

static int tear_down(void **state)
{
    struct server *server = *state;
    deeds_close(&server->deeds);
    deeds_done(&server->deeds);
    soap_free(server->soap);
    arena_free(server->arena);
    buf_done(&server->answer);
    free(server);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = { cmocka_unit_test(test_requests), cmocka_unit_test(test_deliveries),
                                        cmocka_unit_test(test_the_sum) };
    everywhere = argc > 1 && strcmp(argv[1], "--everywhere") == 0;
    mime_init();
    log_set_level(LOG_ERROR_LEVEL);
    short_install();
    return cmocka_run_group_tests(cases, set_up, tear_down);
}
