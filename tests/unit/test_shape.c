/*
 * Items to XML and back: shapes, extended properties, the rules of what a
 * client may set (protocol.md 3.1, 3.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/rights.h"
#include "soap/shape.h"
#include "soap/xml_read.h"

#include <stdio.h>

#define T "xmlns:t='" NS_TYPES "' xmlns:m='" NS_MESSAGES "'"

struct fixture {
    struct arena *arena;
    struct xml_reader *reader;
    struct mac_key key;
    uint8_t guid[GUID_SIZE], epoch[GUID_SIZE];
    struct shape_ids ids;
};

static int setup(void **state)
{
    static struct fixture f;
    const uint8_t secret[MAC_KEY_SIZE] = { 7 };
    assert_int_equal(arena_new(1 << 24, &f.arena), 0);
    assert_int_equal(xml_reader_new(NULL, XML_LIMITS_USUAL, &f.reader), 0);
    mac_key_init(&f.key, secret);
    f.ids = (struct shape_ids){ &f.key, f.guid, f.epoch, SPAN("example.test"), FOLDER_RIGHTS_ALL };
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    xml_reader_free(f->reader);
    arena_free(f->arena);
    return 0;
}

static struct xml_node *parse(struct fixture *f, const char *inner, const char *element)
{
    struct span text;
    struct xml_node *root;
    struct xml_flaw flaw;
    assert_int_equal(arena_printf(f->arena, &text, "<%s " T ">%s</%s>", element, inner, element), 0);
    struct xml_source source = { .text = (char *)(uintptr_t)text.ptr, .len = text.len };
    assert_int_equal(xml_read(f->reader, &source, f->arena, NULL, &root, &flaw), 0);
    return root;
}

static int read_item(struct fixture *f, const char *inner, struct item *item)
{
    bool structured;
    const struct xml_node *culprit;
    item_init(item);
    item->flags = ITEM_DRAFT | ITEM_UNMODIFIED;
    return shape_read_item(f->arena, parse(f, inner, "t:Message"), item, &structured, &culprit);
}

static const char *write_item(struct fixture *f, const char *shape_xml, const struct item *item)
{
    struct shape shape;
    const struct xml_node *culprit;
    struct buf out = BUF_INIT(1 << 20);
    struct xml_writer xw;
    struct span copy;
    assert_int_equal(shape_parse(f->arena, parse(f, shape_xml, "m:ItemShape"), SHAPE_2013, false, &shape, &culprit), 0);
    xw_init(&xw, &out);
    assert_int_equal(shape_write_item(&xw, f->arena, &shape, &f->ids, item, NULL), 0);
    assert_int_equal(xw_error(&xw), 0);
    assert_int_equal(arena_copy(f->arena, buf_span(&out), &copy), 0);
    buf_done(&out);
    return copy.ptr;
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct item item;
    assert_int_equal(read_item(f,
                               "<t:Subject>a &lt; b</t:Subject><t:Body BodyType='HTML'>&lt;p>hi&lt;/p></t:Body><t:Importance>High</t:Importance>"
                               "<t:ToRecipients><t:Mailbox><t:Name>Bob</t:Name><t:EmailAddress>bob@example.test</t:EmailAddress></t:Mailbox>"
                               "</t:ToRecipients><t:IsRead>1</t:IsRead>",
                               &item),
                     0);
    const char *xml = write_item(f, "<t:BaseShape>AllProperties</t:BaseShape>", &item);
    assert_non_null(strstr(xml, "<t:Subject>a &lt; b</t:Subject>"));
    assert_non_null(strstr(xml, "<t:Body BodyType=\"HTML\">&lt;p&gt;hi&lt;/p&gt;</t:Body>"));
    assert_non_null(strstr(xml, "<t:Importance>High</t:Importance>"));
    assert_non_null(strstr(xml, "<t:EmailAddress>bob@example.test</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>"
                                "<t:MailboxType>Mailbox</t:MailboxType>"));
    assert_non_null(strstr(xml, "<t:IsRead>true</t:IsRead>"));
    assert_null(strstr(xml, "CcRecipients"));
    assert_null(strstr(xml, "Attachments/"));
    assert_true(strstr(xml, "<t:Subject>") < strstr(xml, "<t:Body") && strstr(xml, "<t:Body") < strstr(xml, "<t:ToRecipients>"));
}

static void test_id_only(void **state)
{
    struct fixture *f = *state;
    struct item item;
    assert_int_equal(read_item(f, "<t:Subject>x</t:Subject>", &item), 0);
    const char *xml = write_item(f, "<t:BaseShape>IdOnly</t:BaseShape>", &item);
    assert_non_null(strstr(xml, "<t:Message><t:ItemId Id=\""));
    assert_null(strstr(xml, "Subject"));
    xml = write_item(f,
                     "<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI='calendar:Start'/>"
                     "<t:FieldURI FieldURI='item:Subject'/><t:ExtendedFieldURI PropertyTag='3591' PropertyType='Integer'/>"
                     "</t:AdditionalProperties>",
                     &item);
    assert_non_null(strstr(xml, "<t:Subject>x</t:Subject>"));
    assert_non_null(strstr(xml, "<t:ExtendedFieldURI PropertyTag=\"0xe07\" PropertyType=\"Integer\"/><t:Value>10</t:Value>"));
}

static void test_refused(void **state)
{
    static const struct {
        const char *xml;
        int code;
    } cases[] = {
        { "<t:Size>1</t:Size>", CODE_ErrorInvalidPropertySet },
        { "<t:DateTimeSent>2026-01-01T00:00:00Z</t:DateTimeSent>", CODE_ErrorInvalidPropertySet },
        { "<t:ItemClass>IPM.Contact</t:ItemClass>", CODE_ErrorObjectTypeChanged },
        { "<t:ItemClass>IPM.Note.Own</t:ItemClass>", 0 },
        { "<t:InternetMessageId>&lt;a@b></t:InternetMessageId>", 0 },
        { "<t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag>", 0 },
        { "<t:Flag><t:FlagStatus>Flagged</t:FlagStatus><t:StartDate>2026-01-01T00:00:00Z</t:StartDate></t:Flag>", CODE_ErrorInvalidArgument },
        { "<t:Flag><t:FlagStatus>NotFlagged</t:FlagStatus><t:CompleteDate>2026-01-01T00:00:00Z</t:CompleteDate></t:Flag>",
          CODE_ErrorInvalidArgument },
        { "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x8001' PropertyType='String'/><t:Value>x</t:Value></t:ExtendedProperty>",
          CODE_ErrorNoPropertyTagForCustomProperties },
        { "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x1' PropertyName='n' PropertyType='String'/><t:Value>x</t:Value>"
          "</t:ExtendedProperty>",
          CODE_ErrorInvalidExtendedProperty },
        { "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x1' PropertyType='Object'/><t:Value>x</t:Value></t:ExtendedProperty>",
          CODE_ErrorUnsupportedMapiPropertyType },
        { "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x1' PropertyType='Integer'/><t:Value>x</t:Value></t:ExtendedProperty>",
          CODE_ErrorInvalidExtendedPropertyValue },
    };
    struct fixture *f = *state;
    struct item item;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (read_item(f, cases[i].xml, &item) != cases[i].code)
            fail_msg("%s", cases[i].xml);
}

static void test_flags_and_bcc(void **state)
{
    struct fixture *f = *state;
    struct item item;
    struct rcpt hidden = { .address = SPAN("Carol@elsewhere.test"), .type = RCPT_BCC };
    bool structured;
    const struct xml_node *culprit;
    item_init(&item);
    item.flags = ITEM_DRAFT;
    item.bcc = (struct rcpt_list){ &hidden, 1 };
    const struct xml_node *node =
        parse(f,
              "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x0E07' PropertyType='Integer'/><t:Value>1</t:Value></t:ExtendedProperty>"
              "<t:BccRecipients><t:Mailbox><t:EmailAddress>carol@elsewhere.test</t:EmailAddress></t:Mailbox>"
              "<t:Mailbox><t:EmailAddress>dan@elsewhere.test</t:EmailAddress></t:Mailbox></t:BccRecipients>",
              "t:Message");
    assert_int_equal(shape_read_item(f->arena, node, &item, &structured, &culprit), 0);
    assert_false(structured);
    assert_int_equal(item.flags, ITEM_READ);
    assert_int_equal(item.bcc.n, 2);
}

static void test_attachment(void **state)
{
    struct fixture *f = *state;
    struct attachment attachment;
    const struct xml_node *node = parse(f, "<t:Name>a.txt</t:Name><t:ContentType>text/plain</t:ContentType><t:Content>aGk=</t:Content>"
                                           "<t:IsContactPhoto>true</t:IsContactPhoto>", "t:FileAttachment");
    assert_int_equal(shape_read_attachment(f->arena, node, 1, &attachment), 0);
    assert_true(span_is(attachment.data, "hi"));
    assert_int_equal(attachment.kind, ATTACHMENT_PHOTO);
    node = parse(f, "<t:Content>aGk=</t:Content>", "t:FileAttachment");
    assert_int_equal(shape_read_attachment(f->arena, node, 1, &attachment), CODE_ErrorRequiredPropertyMissing);
    node = parse(f, "<t:Name>a</t:Name><t:Content>%</t:Content>", "t:FileAttachment");
    assert_int_equal(shape_read_attachment(f->arena, node, 1, &attachment), CODE_ErrorInvalidArgument);
    node = parse(f, "<t:Name>a</t:Name><t:IsInline>false</t:IsInline><t:Message/>", "t:ItemAttachment");
    assert_int_equal(shape_read_attachment(f->arena, node, 1, &attachment), 0);
    assert_int_equal(attachment.kind, ATTACHMENT_ITEM);
    assert_true(xml_is(shape_attached_node(node), XML_NS_T, "Message"));
}

static void test_folder(void **state)
{
    struct fixture *f = *state;
    struct folder_shape shape;
    const struct xml_node *culprit;
    struct buf out = BUF_INIT(1 << 16);
    struct xml_writer xw;
    const struct folder calendar = { .folder_no = 9, .key_no = 1, .name = SPAN("Calendar"), .class = SPAN("IPF.Appointment") };
    assert_int_equal(folder_shape_parse(f->arena, parse(f, "<t:BaseShape>Default</t:BaseShape>", "m:FolderShape"), SHAPE_2013, &shape, &culprit),
                     0);
    xw_init(&xw, &out);
    shape_write_folder(&xw, &shape, &f->ids, &calendar, NULL);
    buf_add_char(&out, '\0');
    assert_non_null(strstr(out.ptr, "<t:CalendarFolder><t:FolderId Id=\""));
    assert_non_null(strstr(out.ptr, "<t:DisplayName>Calendar</t:DisplayName><t:TotalCount>0</t:TotalCount>"));
    assert_null(strstr(out.ptr, "UnreadCount"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_id_only),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_flags_and_bcc), cmocka_unit_test(test_attachment), cmocka_unit_test(test_folder),
    };
    return cmocka_run_group_tests_name("shape", tests, setup, teardown);
}
