/*
 * Messages beyond the wire's rules: who is refused, what stays 8-bit, equal
 * bytes for equal items, supplied binary parts, groups that nest.
 */
#include "mime/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    return arena_new(256u << 20, &arena);
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct item note(struct rcpt *to)
{
    struct item item;

    item_init(&item);
    item.from = (struct rcpt){ .name = SPAN("Alice"), .address = SPAN("alice@example.test") };
    item.to = (struct rcpt_list){ to, 1 };
    item.sent = 1795494484000;
    item.message_id = SPAN("<1@example.test>");
    item.boundary_seed = 7;
    return item;
}

static int written(const struct item *item, bool eight_bit, char **ret_text)
{
    struct buf out = BUF_INIT(1u << 20);
    struct mime_options options = { .eight_bit = eight_bit };
    int r = mime_write(item, &options, &out);

    buf_add_char(&out, '\0');
    *ret_text = out.ptr;
    return r;
}

static void test_bad_addresses(void **state)
{
    static const char *const bad[] = { "a@b.c>\r\nRCPT TO:<x@y.z", "<a@b.c>", "a@b.c\n", "a b@c.d", "a@b.c\x7f", "a@b.c,d@e.f" };
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct rcpt to = { .address = span_of(bad[i]) };
        struct item item = note(&to);
        assert_int_equal(written(&item, false, &text), CODE_ErrorInvalidRecipients);
        free(text);
        item.to.n = 0;
        item.reply_to = (struct rcpt_list){ &to, 1 };
        assert_int_equal(written(&item, false, &text), CODE_ErrorInvalidRecipients);
        free(text);
    }
}

static void test_odd_addresses(void **state)
{
    struct rcpt to[] = { { .name = SPAN("Nobody, Named") },
                         { .address = SPAN("gr\xc3\xbc\xc3\x9f@example.test") },
                         { .address = SPAN("/O=X/CN=Y"), .routing = SPAN("EX"), .name = SPAN("Ex") } };
    struct item item = note(to), back;
    char *text;

    (void)state;
    item.to.n = ARRAY_LEN(to);
    assert_int_equal(written(&item, false, &text), 0);
    assert_null(strstr(text, "@example.test\r\nTo"));
    assert_non_null(strstr(text, "\"Nobody, Named\":;"));
    assert_int_equal(mime_read(span_of(text), arena, &back), 0);
    assert_int_equal(back.to.n, 0);
    free(text);
}

static void test_eight_bit(void **state)
{
    struct rcpt to = { .address = SPAN("b@example.test") };
    struct item item = note(&to);
    char *text;

    (void)state;
    item.subject = item.body = SPAN("mostly ascii, one \xc3\xa9\n");
    assert_int_equal(written(&item, true, &text), 0);
    assert_non_null(strstr(text, "Content-Transfer-Encoding: 8bit"));
    assert_null(strstr(text, "Subject: mostly"));
    free(text);
    assert_int_equal(written(&item, false, &text), 0);
    assert_non_null(strstr(text, "one =C3=A9\r\n"));
    free(text);
}

static void test_same_bytes(void **state)
{
    struct rcpt to = { .address = SPAN("b@example.test") };
    struct item item = note(&to);
    struct attachment attachment = { .no = 1, .name = SPAN("a.txt"), .content_type = SPAN("text/plain"), .data = SPAN("x") };
    char *first, *second;

    (void)state;
    item.attachments = (struct attachment_list){ &attachment, 1 };
    item.body = SPAN("=_ewsd_0000000000000007_0 forged\n--=_ewsd_0000000000000007_0--\n");
    assert_int_equal(written(&item, false, &first), 0);
    assert_int_equal(written(&item, false, &second), 0);
    assert_string_equal(first, second);
    char *end = strstr(first, "\n--=_ewsd_0000000000000007_0--");
    assert_non_null(end); /* the true one, and no other */
    assert_null(strstr(end + 1, "\n--=_ewsd_"));
    free(second);
    struct item back;
    assert_int_equal(mime_read(span_of(first), arena, &back), 0);
    assert_int_equal(back.attachments.n, 1);
    assert_true(span_starts(back.body, SPAN("=_ewsd_")));
    free(first);
}

static void test_supplied_binary(void **state)
{
    static const char mime[] = "Subject: s\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: application/x-y\r\n"
                               "Content-Transfer-Encoding: binary\r\n\r\n\0\r\xff\n\r\n--q--\r\n";
    struct rcpt to = { .address = SPAN("b@example.test") };
    struct item item = note(&to), back;
    char *text;

    (void)state;
    item.mime = (struct span){ mime, sizeof(mime) - 1 };
    assert_int_equal(written(&item, false, &text), 0);
    assert_int_equal(mime_read(span_of(text), arena, &back), 0);
    assert_int_equal(back.attachments.n, 1);
    assert_int_equal(back.attachments.v[0].data.len, 4);
    assert_memory_equal(back.attachments.v[0].data.ptr, "\0\r\xff\n", 4);
    free(text);
}

static void test_supplied_hidden_bcc(void **state)
{
    static const char *const heads[] = { "Subject: s\nBcc: h@x.test\n\nb", "Subject: s\nBcc : h@x.test\n\nb", "Subject: s\nbCC:\n h@x.test\n\nb",
                                         "Subject: s\rBcc: h@x.test\r\rb", "Bcc: h@x.test\nSubject: s\xe9\n\nb\xe9" };
    struct rcpt to = { .address = SPAN("b@example.test") };
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct item item = note(&to);
        item.mime = span_of(heads[i]);
        assert_int_equal(written(&item, false, &text), 0);
        assert_null(strstr(text, "h@x.test"));
        free(text);
    }
}

static void test_nested_groups(void **state)
{
    struct buf message = BUF_INIT(1u << 20);
    struct item item;

    (void)state;
    buf_add_str(&message, "To: ");
    for (int i = 0; i < 100000; i++)
        buf_add_str(&message, i % 50 ? "g:" : "g:\n ");
    buf_add_str(&message, "\n\nb");
    assert_int_equal(mime_read(buf_span(&message), arena, &item), CODE_ErrorMimeContentInvalid);
    buf_done(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_eight_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_supplied_binary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_supplied_hidden_bcc, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nested_groups, setup, teardown),
    };

    mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
