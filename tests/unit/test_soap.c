/*
 * The SOAP part against good, bad and hostile requests: each fault with its
 * code, line and position, the caps, the writer's escapes, HTML to text.
 */
#include "soap/envelope.h"
#include "soap/html.h"
#include "soap/xml_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define ENVELOPE(header, body)                                                                             \
    "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_MESSAGES "\" xmlns:t=\"" NS_TYPES "\">" header "<s:Body>" body \
    "</s:Body></s:Envelope>"
#define SEND "<m:SendItem SaveItemToFolder=\"true\"><m:ItemIds><t:ItemId Id=\"a\" ChangeKey=\"b\"/></m:ItemIds></m:SendItem>"
#define CREATE(content)                                                                     \
    ENVELOPE("", "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items><t:Message>" content \
                 "</t:Message></m:Items></m:CreateItem>")

static struct soap *soap;

struct run {
    struct buf body;
    struct arena *arena;
    struct soap_request request;
    struct soap_fault fault;
    int result;
};

static bool served(struct span name)
{
    static const char *const names[] = { "CreateItem",    "SendItem",  "GetItem",    "CreateAttachment", "GetAttachment",
                                         "DeleteItem",    "GetFolder", "FindFolder", "FindItem",         "ConvertId" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_is(name, names[i]))
            return true;
    return false;
}

static struct run parse(struct span body)
{
    struct run run = { .body = BUF_INIT(64 << 20) };

    assert_int_equal(arena_new(64 << 20, &run.arena), 0);
    buf_add_span(&run.body, body);
    run.result = soap_parse(soap, &run.body, run.arena, &run.request, &run.fault);
    return run;
}

static void end(struct run *run)
{
    arena_free(run->arena);
    buf_done(&run->body);
}

static void print_span(const char *what, struct span text)
{
    print_message("%s: %.*s\n", what, (int)text.len, text.ptr);
}

static void expect_ok(const char *body)
{
    struct run run = parse(span_of(body));

    if (run.result != 0)
        print_span("refused", run.fault.text);
    assert_int_equal(run.result, 0);
    assert_non_null(run.request.operation);
    end(&run);
}

static void expect_fault(struct span body, const char *code, const char *words)
{
    struct run run = parse(body);

    assert_int_equal(run.result, SOAP_FAULT);
    if (!span_is(run.fault.code, code) || !memmem(run.fault.text.ptr, run.fault.text.len, words, strlen(words)))
        print_span("said", run.fault.text);
    assert_true(span_is(run.fault.code, code));
    assert_non_null(memmem(run.fault.text.ptr, run.fault.text.len, words, strlen(words)));
    end(&run);
}

static void expect_at(const char *body, uint32_t line, uint32_t position, const char *violation)
{
    struct run run = parse(span_of(body));

    assert_int_equal(run.result, SOAP_FAULT);
    assert_true(span_is(run.fault.code, "ErrorSchemaValidation"));
    if (!span_is(run.fault.violation, violation))
        print_span("said", run.fault.violation);
    assert_true(span_is(run.fault.violation, violation));
    assert_int_equal(run.fault.line, line);
    assert_int_equal(run.fault.position, position);
    end(&run);
}

static int setup(void **state)
{
    (void)state;
    return soap_new(&(struct soap_rules){ .served = served, .limits = XML_LIMITS_USUAL }, &soap);
}

static int teardown(void **state)
{
    (void)state;
    soap_free(soap);
    return 0;
}

static void test_prefixes(void **state)
{
    struct run run;
    struct span id;

    (void)state;
    expect_ok(ENVELOPE("", SEND));
    expect_ok("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Envelope xmlns=\"" NS_SOAP
              "\"><Header/><Body><SendItem xmlns=\"" NS_MESSAGES
              "\" SaveItemToFolder=\"0\"><ItemIds><q:ItemId xmlns:q=\"" NS_TYPES
              "\" Id='x'/></ItemIds></SendItem></Body></Envelope>");
    run = parse(SPAN("<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"" NS_SOAP "\"><SOAP-ENV:Header><RequestServerVersion "
                     "xmlns=\"" NS_TYPES "\" Version=\"Exchange2013_SP1\"/></SOAP-ENV:Header><SOAP-ENV:Body>"
                     "<messages:SendItem xmlns:messages=\"" NS_MESSAGES "\" xmlns=\"" NS_TYPES
                     "\" SaveItemToFolder=\"true\"><messages:ItemIds><ItemId Id=\"A&amp;&#66;\"/></messages:ItemIds>"
                     "</messages:SendItem></SOAP-ENV:Body></SOAP-ENV:Envelope>"));
    assert_int_equal(run.result, 0);
    assert_true(span_is(run.request.version, "Exchange2013_SP1"));
    assert_true(xml_attr(xml_child(xml_child(run.request.operation, "ItemIds"), "ItemId"), "Id", &id));
    assert_true(span_is(id, "A&B"));
    end(&run);
}

static void test_schemas_compile(void **state)
{
    struct schema *strict;

    (void)state;
    assert_int_equal(schema_new(false, &strict), 0);
    schema_free(strict);
}

/* Broken copies of a good request: any answer will do, a crash will not. */
static void test_mutations(void **state)
{
    char text[2048];
    size_t len = strlen(CREATE("<t:Subject>a &amp; b</t:Subject><t:Body BodyType=\"Text\"><![CDATA[x]]></t:Body>"));
    uint32_t random = 12345;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        memcpy(text, CREATE("<t:Subject>a &amp; b</t:Subject><t:Body BodyType=\"Text\"><![CDATA[x]]></t:Body>"), len);
        for (int i = 0; i < 1 + round % 3; i++) {
            random = random * 1664525 + 1013904223;
            text[(random >> 8) % len] = (char)("<>/&;\"'= \0\xff:[!?-"[random >> 28]);
        }
        struct run run = parse((struct span){ text, len - (random >> 16) % 5 });

        assert_true(run.result == 0 || run.result == SOAP_FAULT);
        end(&run);
    }
}

static void test_text(void **state)
{
    struct run run = parse(SPAN(CREATE("<t:Subject>a &amp; b&#10;<!-- c --><![CDATA[<d>]]>\r\ne</t:Subject>"
                                       "<t:Body BodyType=\"Text\">plain</t:Body>")));
    const struct xml_node *message;
    struct span text;

    (void)state;
    assert_int_equal(run.result, 0);
    message = xml_child(xml_child(run.request.operation, "Items"), "Message");
    assert_true(xml_child_text(message, "Subject", &text));
    assert_true(span_is(text, "a & b\n<d>\ne"));
    assert_true(xml_child_text(message, "Body", &text));
    assert_true(span_is(text, "plain"));
    end(&run);
}

static void test_lenient_item(void **state)
{
    (void)state;
    expect_ok(CREATE("<t:IsRead>0</t:IsRead><t:Subject>s</t:Subject><t:MimeContent CharacterSet=\"UTF-8\">QQ==</t:MimeContent>"
                     "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"3591\" PropertyType=\"Integer\"/>"
                     "<t:Value>9</t:Value></t:ExtendedProperty><t:BccRecipients/>"
                     "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0xe07\" PropertyType=\"Integer\"/>"
                     "<t:Value>9</t:Value></t:ExtendedProperty>"));
    expect_fault(SPAN(CREATE("<t:Subject>s</t:Subject><t:Body BodyType=\"Text\"/><t:Subject>s</t:Subject>")),
                 "ErrorSchemaValidation", "invalid child element 'Subject'");
    expect_fault(SPAN(CREATE("<t:Body BodyType=\"HTML\"><b>x</b></t:Body>")), "ErrorSchemaValidation", "Body");
}

static void test_violations(void **state)
{
    (void)state;
    expect_at(ENVELOPE("", "\n\n  <m:SendItem><m:ItemIds><t:ItemId Id=\"a\"/></m:ItemIds></m:SendItem>"), 3, 3,
              "The required attribute 'SaveItemToFolder' is missing.");
    expect_at(ENVELOPE("", "\n<m:SendItem SaveItemToFolder=\"true\">\n<m:SavedItemFolderId/></m:SendItem>"), 3, 1,
              "The element 'SendItem' in namespace '" NS_MESSAGES "' has invalid child element 'SavedItemFolderId' in "
              "namespace '" NS_MESSAGES "'. List of possible elements expected: 'ItemIds' in namespace '" NS_MESSAGES
              "'.");
    expect_at(ENVELOPE("", "\n<m:SendItem SaveItemToFolder=\"true\"><m:ItemIds/></m:SendItem>"), 2, 37,
              "The element 'ItemIds' in namespace '" NS_MESSAGES "' has incomplete content. List of possible elements "
              "expected: 'ItemId, OccurrenceItemId, RecurringMasterItemId, RecurringMasterItemIdRanges' in namespace "
              "'" NS_TYPES "'.");
    expect_at(ENVELOPE("", "\n<m:SendItem SaveItemToFolder=\"maybe\"/>"), 2, 13,
              "The 'SaveItemToFolder' attribute is invalid - The value 'maybe' is invalid according to its datatype "
              "'http://www.w3.org/2001/XMLSchema:boolean' - The string 'maybe' is not a valid value.");
    expect_at(ENVELOPE("", "\n<m:SendItem SaveItemToFolder=\"1\"><m:ItemIds><t:ItemId Id=\"a\"/></m:ItemIds>"
                           "<m:SavedItemFolderId>\n<t:DistinguishedFolderId\n Id=\"x\"/></m:SavedItemFolderId></m:SendItem>"),
              4, 2,
              "The 'Id' attribute is invalid - The value 'x' is invalid according to its datatype '" NS_TYPES
              ":DistinguishedFolderIdNameType' - The Enumeration constraint failed.");
    expect_at(CREATE("\n<t:Importance>high</t:Importance>"), 2, 1,
              "The '" NS_TYPES ":Importance' element is invalid - The value 'high' is invalid according to its datatype '"
              NS_TYPES ":ImportanceChoicesType' - The Enumeration constraint failed.");
    expect_at(ENVELOPE("", "\n<m:SendItem SaveItemToFolder=\"1\" Foo=\"2\"/>"), 2, 34,
              "The 'Foo' attribute is not declared.");
}

static void test_malformed(void **state)
{
    struct run run;

    (void)state;
    expect_fault(SPAN(""), "ErrorSchemaValidation", "Line 1");
    expect_fault(SPAN("hello"), "ErrorSchemaValidation", "Line 1");
    expect_fault(SPAN("<s:Envelope"), "ErrorSchemaValidation", "Line 1");
    expect_fault((struct span){ ENVELOPE("", SEND), 300 }, "ErrorSchemaValidation", "Line 1");
    expect_fault(SPAN(CREATE("<t:Subject>a & b</t:Subject>")), "ErrorSchemaValidation", "parsing EntityName. Line 1");
    expect_fault(SPAN(CREATE("<t:Subject>\xff\xfe</t:Subject>")), "ErrorSchemaValidation", "Line 1");
    expect_fault(SPAN(CREATE("<t:Subject>&#1;</t:Subject>")), "ErrorSchemaValidation", "Line 1");
    expect_fault(SPAN("\xff\xfe<\0a\0"), "ErrorSchemaValidation", "UTF-8");
    expect_fault(SPAN("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), "ErrorSchemaValidation", "UTF-8");
    expect_fault(SPAN(CREATE("<t:Subject>&foo;</t:Subject>")), "ErrorSchemaValidation", "EntityName");
    expect_fault(SPAN(ENVELOPE("", "<a></b>")), "ErrorSchemaValidation", "");
    run = parse(SPAN(ENVELOPE("", "\n\n<m:SendItem SaveItemToFolder=\"true\"></m:ItemIds>")));
    assert_int_equal(run.fault.line, 3);
    end(&run);
}

static void test_other_faults(void **state)
{
    (void)state;
    expect_fault(SPAN(ENVELOPE("", "<m:MoveItem/>")), "ErrorInvalidOperation", "MoveItem");
    expect_fault(SPAN(ENVELOPE("", "<t:SendItem/>")), "ErrorInvalidOperation", "SendItem");
    expect_fault(SPAN(ENVELOPE("", "<m:SendItemResponse/>")), "ErrorInvalidOperation", "SendItemResponse");
    expect_fault(SPAN(ENVELOPE("", "")), "ErrorInvalidRequest", "");
    expect_fault(SPAN("<a/>"), "ErrorSchemaValidation", "The request failed schema validation: The root element is no Envelope of SOAP 1.1.");
    expect_fault(SPAN(ENVELOPE("", SEND SEND)), "ErrorInvalidRequest", "");
    expect_fault(SPAN(ENVELOPE("<s:Header><t:RequestServerVersion Version=\"Exchange2019\"/></s:Header>", SEND)),
                 "ErrorInvalidServerVersion", "The specified server version is invalid.");
    expect_fault(SPAN(ENVELOPE("<s:Header><t:MailboxCulture>en</t:MailboxCulture><t:MailboxCulture/></s:Header>", SEND)),
                 "ErrorDuplicateSOAPHeader", "");
    expect_fault(SPAN(ENVELOPE("<s:Header><x xmlns=\"u:x\" s:mustUnderstand=\"1\"/></s:Header>", SEND)), "MustUnderstand",
                 "");
    expect_ok(ENVELOPE("<s:Header><x xmlns=\"u:x\"><y/></x><t:RequestServerVersion Version=\"V2017_10_09\"/></s:Header>",
                       SEND));
}

static struct span repeated(struct buf *buf, const char *before, const char *piece, size_t n, const char *after)
{
    *buf = BUF_INIT(64 << 20);
    buf_add_str(buf, before);
    for (size_t i = 0; i < n; i++)
        buf_add_str(buf, piece);
    buf_add_str(buf, after);
    return buf_span(buf);
}

static void test_hostile(void **state)
{
    struct buf buf;

    (void)state;
    expect_fault(SPAN("<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>"), "ErrorSchemaValidation", "DTD");
    expect_fault(SPAN("<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), "ErrorSchemaValidation",
                 "DTD");
    expect_fault(repeated(&buf, "<s:Envelope xmlns:s=\"" NS_SOAP "\"><s:Body>", "<a>", 10000, ""), "ErrorSchemaValidation",
                 "depth");
    buf_done(&buf);
    expect_fault(repeated(&buf, "<s:Envelope xmlns:s=\"" NS_SOAP "\"><s:Header>", "<a>", 10000, ""),
                 "ErrorSchemaValidation", "depth");
    buf_done(&buf);
    expect_fault(repeated(&buf, "<a", " b='>'", 50000, "/>"), "ErrorSchemaValidation", "attributes");
    buf_done(&buf);
    expect_fault(repeated(&buf, "<a b='", "xxxxxxxxxx", 50000, "'/>"), "ErrorSchemaValidation", "too long");
    buf_done(&buf);
    expect_fault(repeated(&buf, "", "\0", 1, ""), "ErrorSchemaValidation", "");
    buf_done(&buf);
}

#define LARGE_BEGIN                                                                                          \
    "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_MESSAGES "\" xmlns:t=\"" NS_TYPES                       \
    "\"><s:Body><m:CreateItem><m:Items><t:Message><t:MimeContent>"
#define LARGE_END "</m:Items></m:CreateItem></s:Body></s:Envelope>"
#define LETTERS "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\r\n"

static const struct xml_node *large_content(const struct run *run)
{
    return xml_child(xml_child(xml_child(run->request.operation, "Items"), "Message"), "MimeContent");
}

static void test_large_content(void **state)
{
    struct buf buf;
    struct span bytes;

    (void)state;
    struct run run = parse(repeated(&buf, LARGE_BEGIN, LETTERS, 160000, "</t:MimeContent></t:Message>" LARGE_END));
    assert_int_equal(run.result, 0);
    assert_int_equal(large_content(&run)->content, XML_BYTES);
    assert_int_equal(xml_bytes(run.arena, large_content(&run), &bytes), 0);
    assert_int_equal(bytes.len, 160000 * 51);
    assert_memory_equal(bytes.ptr + bytes.len - 51, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy", 51);
    assert_true(arena_used(run.arena) < 1 << 20);
    end(&run);
    buf_done(&buf);
    run = parse(repeated(&buf, LARGE_BEGIN, "QUJD=", 160000, "</t:MimeContent></t:Message>" LARGE_END));
    assert_int_equal(run.result, 0);
    assert_int_equal(xml_bytes(run.arena, large_content(&run), &bytes), 1);
    end(&run);
    buf_done(&buf);
}

/* Places behind decoded content are those of the request as it came. */
static void test_places_behind_large_content(void **state)
{
    struct buf buf;

    (void)state;
    struct run run = parse(repeated(&buf, LARGE_BEGIN, LETTERS, 2000, "  </t:MimeContent><t:Nonsense/></t:Message>" LARGE_END));
    assert_int_equal(run.result, SOAP_FAULT);
    assert_int_equal(run.fault.line, 2001);
    assert_int_equal(run.fault.position, 19);
    end(&run);
    buf_done(&buf);
    run = parse(repeated(&buf, LARGE_BEGIN, "QUJD", 30000, "</t:MimeContent><t:Nonsense/></t:Message>" LARGE_END));
    assert_int_equal(run.fault.line, 1);
    assert_int_equal(run.fault.position, sizeof(LARGE_BEGIN) + 120000 + 16);
    end(&run);
    buf_done(&buf);
}

static void test_requests(void **state)
{
    (void)state;
    expect_ok(ENVELOPE("", "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
                           "<t:FieldURI FieldURI=\"folder:PermissionSet\"/><t:ExtendedFieldURI PropertyTag=\"0x3008\" "
                           "PropertyType=\"SystemTime\"/></t:AdditionalProperties></m:FolderShape><m:FolderIds>"
                           "<t:DistinguishedFolderId Id=\"inbox\"><t:Mailbox><t:EmailAddress>a@b.c</t:EmailAddress>"
                           "<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>"
                           "</t:DistinguishedFolderId></m:FolderIds></m:GetFolder>"));
    expect_ok(ENVELOPE("", "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
                           "<m:IndexedPageItemView MaxEntriesReturned=\"10\" Offset=\"0\" BasePoint=\"Beginning\"/>"
                           "<m:Restriction><t:Or><t:Not><t:Exists><t:FieldURI FieldURI=\"item:Subject\"/></t:Exists>"
                           "</t:Not><t:IsEqualTo><t:FieldURI FieldURI=\"item:Subject\"/><t:FieldURIOrConstant>"
                           "<t:Constant Value=\"x\"/></t:FieldURIOrConstant></t:IsEqualTo></t:Or></m:Restriction>"
                           "<m:SortOrder><t:FieldOrder Order=\"Descending\"><t:FieldURI FieldURI=\"item:DateTimeReceived\"/>"
                           "</t:FieldOrder></m:SortOrder><m:ParentFolderIds><t:DistinguishedFolderId Id=\"inbox\"/>"
                           "</m:ParentFolderIds></m:FindItem>"));
    expect_ok(ENVELOPE("", "<m:ConvertId DestinationFormat=\"EntryId\"><m:SourceIds><t:AlternateId Format=\"EwsId\" "
                           "Id=\"DUMMY\" Mailbox=\"a@b.c\"/></m:SourceIds></m:ConvertId>"));
    expect_ok(ENVELOPE("", "<m:DeleteItem DeleteType=\"HardDelete\" SuppressReadReceipts=\"true\" "
                           "SendMeetingCancellations=\"SendToNone\"><m:ItemIds><t:ItemId Id=\"a\"/></m:ItemIds>"
                           "</m:DeleteItem>"));
}

static void test_writer(void **state)
{
    struct buf buf = BUF_INIT(4096);
    struct xml_writer xw;

    (void)state;
    xw_init(&xw, &buf);
    xw_open(&xw, "t:A");
    xw_attr(&xw, "B", SPAN("<\"&\n>"));
    xw_leaf(&xw, "t:C", SPAN("a<b>&\"\r\x01\xff\xc3\xa4\xef\xbf\xbf"));
    xw_leaf_str(&xw, "t:D", "");
    xw_leaf_int(&xw, "t:E", INT64_MIN);
    xw_leaf_bool(&xw, "t:F", true);
    xw_close(&xw);
    assert_int_equal(xw_error(&xw), 0);
    assert_true(span_is(buf_span(&buf), "<t:A B=\"&lt;&quot;&amp;&#xA;&gt;\"><t:C>a&lt;b&gt;&amp;\"&#xD;\xef\xbf\xbd"
                                        "\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</t:C><t:D/>"
                                        "<t:E>-9223372036854775808</t:E><t:F>true</t:F></t:A>"));
    xw_close(&xw);
    assert_true(xw_error(&xw) < 0);
    buf_done(&buf);
}

static void test_fault_shapes(void **state)
{
    struct soap_server server = { 15, 0, 847, 32, SPAN("Exchange2013_SP1") };
    struct soap_fault fault = soap_fault_make("ErrorServerBusy", "Busy <now>.");
    struct buf buf = BUF_INIT(4096);

    (void)state;
    fault.back_off_ms = 1000;
    soap_fault_write(&buf, &server, false, &fault);
    assert_int_equal(buf_error(&buf), 0);
    assert_null(memmem(buf.ptr, buf.len, "s:Header", 8));
    assert_non_null(memmem(buf.ptr, buf.len, ">a:ErrorServerBusy</faultcode>", 30));
    assert_non_null(memmem(buf.ptr, buf.len, "<t:Value Name=\"BackOffMilliseconds\">1000</t:Value>", 50));
    buf_clear(&buf);
    fault.line = 2;
    fault.position = 7;
    soap_fault_write(&buf, &server, true, &fault);
    assert_non_null(memmem(buf.ptr, buf.len, "soap11:Client", 13));
    assert_non_null(memmem(buf.ptr, buf.len, ">7</e:Position>", 15));
    assert_non_null(memmem(buf.ptr, buf.len, "<h:ServerVersionInfo MajorVersion=\"15\"", 38));
    buf_done(&buf);
}

static void expect_text(const char *html, const char *text)
{
    struct buf buf = BUF_INIT(4096);

    assert_int_equal(html_to_text(span_of(html), &buf), 0);
    if (!span_is(buf_span(&buf), text))
        print_span("got", buf_span(&buf));
    assert_true(span_is(buf_span(&buf), text));
    buf_done(&buf);
}

static void test_html(void **state)
{
    struct buf buf = BUF_INIT(4096);

    (void)state;
    expect_text("", "");
    expect_text("<html><head><title>t</title><style>x{}</style></head><body><p>Hello   <b>you</b> &amp; me</p>"
                "<p>two<br>three</p><script>alert(1)</script></body></html>",
                "Hello you & me\r\n\r\ntwo\r\nthree");
    expect_text("<ul><li>a<li>b</ul>caf\xc3\xa9&nbsp;x", "* a\r\n* b\r\ncaf\xc3\xa9 x");
    expect_text("<pre>a\n  b</pre>", "a\r\n  b");
    text_to_html(SPAN("a<b>\r\nc"), &buf);
    assert_non_null(memmem(buf.ptr, buf.len, "a&lt;b&gt;<br>\r\nc", 17));
    buf_done(&buf);
}

/* Prints the cost; there is no limit to fail on a busy machine. */
static void test_speed(void **state)
{
    struct timespec from, to;
    enum { ROUNDS = 2000 };

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < ROUNDS; i++)
        expect_ok(ENVELOPE("<s:Header><t:RequestServerVersion Version=\"Exchange2013_SP1\"/></s:Header>", SEND));
    clock_gettime(CLOCK_MONOTONIC, &to);
    print_message("SendItem: %.1f us\n",
                  ((double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3) / ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes),   cmocka_unit_test(test_text),         cmocka_unit_test(test_lenient_item),
        cmocka_unit_test(test_violations), cmocka_unit_test(test_malformed),    cmocka_unit_test(test_other_faults),
        cmocka_unit_test(test_hostile),    cmocka_unit_test(test_large_content),
        cmocka_unit_test(test_places_behind_large_content),   cmocka_unit_test(test_requests),
        cmocka_unit_test(test_writer),     cmocka_unit_test(test_fault_shapes), cmocka_unit_test(test_html),
        cmocka_unit_test(test_speed),     cmocka_unit_test(test_mutations),   cmocka_unit_test(test_schemas_compile),
    };

    return cmocka_run_group_tests_name("soap", tests, setup, teardown);
}
