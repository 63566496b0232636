/*
 * The outbox' decisions without a store: when it tries again, when it gives
 * up, and what a report of failure looks like (RFC 3464).
 */
#include "base/when.h"
#include "outbox/bounce.h"
#include "outbox/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW 1000000
#define LATE (NOW + 432000000LL)

static void test_waits_double(void **state)
{
    (void)state;
    static const int64_t waits[] = { 300, 600, 1200, 2400, 4000, 4000 };
    struct conf conf;
    conf_init(&conf);
    for (uint32_t i = 0; i < ARRAY_LEN(waits); i++) {
        struct policy_verdict verdict = policy_decide(&conf, TRANSPORT_DEFERRED, i, NOW, LATE);
        assert_int_equal(verdict.state, STORE_RCPT_QUEUED);
        assert_int_equal(verdict.next_attempt, NOW + waits[i] * 1000);
    }
    assert_int_equal(policy_decide(&conf, TRANSPORT_DEFERRED, UINT32_MAX, NOW, LATE).next_attempt, NOW + 4000000);
}

static void test_gives_up(void **state)
{
    (void)state;
    struct conf conf;
    conf_init(&conf);
    assert_int_equal(policy_decide(&conf, TRANSPORT_SENT, 0, NOW, NOW).state, STORE_RCPT_SENT);
    assert_int_equal(policy_decide(&conf, TRANSPORT_FAILED, 0, NOW, LATE).state, STORE_RCPT_FAILED);
    assert_int_equal(policy_decide(&conf, TRANSPORT_DEFERRED, 0, NOW, NOW + 300000).state, STORE_RCPT_QUEUED);
    assert_int_equal(policy_decide(&conf, TRANSPORT_DEFERRED, 0, NOW, NOW + 299999).state, STORE_RCPT_FAILED);
}

static void assert_contains(struct span text, const char *needle)
{
    if (!memmem(text.ptr, text.len, needle, strlen(needle)))
        fail_msg("not there: %s", needle);
}

static void make_report(struct arena *arena, struct item *ret_report)
{
    const struct store_outbox entry = { .mailbox_id = 7,
                                        .envelope_sender = SPAN("alice@example.test"),
                                        .message_id = SPAN("<1@example.test>"),
                                        .date = 0,
                                        .boundary_seed = 0xabc };
    static struct conf conf;
    const struct bounce_rcpt rcpts[] = {
        { .no = 2, .address = SPAN("nobody@example.test"), .status = SPAN("5.1.1 there is no mailbox") },
        { .no = 3, .address = SPAN("x@there.test"), .status = SPAN("550 go\r\naway") },
        { .no = 4, .address = SPAN("y@there.test"), .status = SPAN("552 5.2.2 mailbox full") },
        { .no = 5, .address = SPAN("z@there.test"), .status = SPAN("4.4.1 relay r.test:25: Connection refused"), .expired = true },
        { .no = 6, .address = SPAN("jos\xc3\xa9\xf0\x9f\x98\x80@there.test"), .status = SPAN("5.6.7 no") },
    };
    conf_init(&conf);
    strcpy(conf.server_hostname, "mail.example.test");
    struct item failed;
    item_init(&failed);
    failed.subject = SPAN("Hi\r\nX-Forged: yes");
    failed.from.address = SPAN("alice@example.test");
    assert_int_equal(bounce_make(arena, &conf, &entry, &failed, SPAN("From: a@b.c\r\nX-Mine: 1\r\n\r\nX-Body: 1\r\n"), rcpts,
                                 ARRAY_LEN(rcpts), ret_report), 0);
}

static void test_report(void **state)
{
    (void)state;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct item report;
    assert_int_equal(arena_new(1u << 20, &arena), 0);
    make_report(arena, &report);
    assert_int_equal(report.mailbox_id, 7);
    assert_int_equal(report.kind, ITEM_KIND_REPORT);
    assert_contains(report.mime, "\r\nTo: alice@example.test\r\n");
    assert_contains(report.mime, "\r\nAuto-Submitted: auto-replied\r\n");
    assert_contains(report.mime, "multipart/report; report-type=delivery-status;");
    assert_contains(report.mime, "\r\nReporting-MTA: dns; mail.example.test\r\nArrival-Date: ");
    assert_contains(report.mime, "\r\n\r\nFinal-Recipient: rfc822; nobody@example.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
                                 "Diagnostic-Code: X-Ewsd; 5.1.1 there is no mailbox\r\n");
    assert_contains(report.mime, "\r\n\r\nFinal-Recipient: rfc822; x@there.test\r\nAction: failed\r\nStatus: 5.0.0\r\n"
                                 "Diagnostic-Code: smtp; 550 go");
    assert_contains(report.mime, "Status: 5.2.2\r\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\r\n");
    assert_contains(report.mime, "Final-Recipient: rfc822; z@there.test\r\nAction: failed\r\nStatus: 4.4.1\r\nDiagnostic-Code: X-Ewsd; ");
    assert_contains(report.mime, "Final-Recipient: utf-8; jos\\x{E9}\\x{1F600}@there.test\r\n");
    assert_contains(report.mime, "Content-Type: text/rfc822-headers\r\n\r\nFrom: a@b.c\r\nX-Mine: 1\r\n\r\n--");
    assert_null(memmem(report.mime.ptr, report.mime.len, "X-Body", 6));
    assert_contains(report.mime, "\r\nIn-Reply-To: <1@example.test>\r\n");
    assert_contains(report.body, "nobody@example.test\r\n    5.1.1 there is no mailbox\r\n");
    assert_contains(report.body, "y@there.test\r\n    was refused by the mail server with:\r\n    552 5.2.2 mailbox full\r\n");
    assert_contains(report.body, "and is given up. The last try failed with:\r\n    4.4.1 relay r.test:25: Connection refused\r\n");
    assert_contains(report.body, "jos\xc3\xa9");
    assert_true(span_eq(report.message_id, SPAN("<report-0000000000000abc.2@mail.example.test>")));
}

static void test_report_keeps_lines(void **state)
{
    (void)state;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct item report;
    assert_int_equal(arena_new(1u << 20, &arena), 0);
    make_report(arena, &report);
    assert_null(memmem(report.mime.ptr, report.mime.len, "\nX-Forged", 9));
    assert_null(memmem(report.mime.ptr, report.mime.len, "\naway", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_double),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_report_keeps_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
