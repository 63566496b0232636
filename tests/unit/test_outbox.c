/*
 * The outbox' decisions without a store or a network: when it tries again, when
 * it gives up, what a report of failure looks like (RFC 3464), which relay takes
 * what with which secret, what a relay's replies mean, and what people call it all.
 */
#include "base/when.h"
#include "outbox/bounce.h"
#include "outbox/idna.h"
#include "outbox/names.h"
#include "outbox/policy.h"
#include "outbox/smtp_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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
    assert_int_equal(bounce_make(arena, &conf, BOUNCE_FAILED, &entry, &failed, SPAN("From: a@b.c\r\nX-Mine: 1\r\n\r\nX-Body: 1\r\n"), rcpts,
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

/* ---- relays ---- */

static void assert_secret(const char *file, const char *host, int64_t port, const char *user, const char *password)
{
    struct span found_user, found_password;
    int r = relay_secret(span_of(file), host, port, &found_user, &found_password);
    assert_int_equal(r, user ? 0 : 1);
    if (user) {
        assert_true(span_is(found_user, user));
        assert_true(span_is(found_password, password));
    }
}

static void test_secrets(void **state)
{
    (void)state;
    static const char file[] = "# comment\n\nother.test a:b\nr.test:587\tjoe@r.test:p:w d \r\nr.test u:v\n";
    assert_secret(file, "r.test", 587, "joe@r.test", "p:w d");
    assert_secret(file, "R.TEST", 25, "u", "v");
    assert_secret(file, "none.test", 25, NULL, NULL);
    assert_secret("u:v", "any.test", 25, "u", "v");
    assert_secret("[::1]:25 u:v", "[::1]", 25, "u", "v");
    assert_secret("[::1] u:v", "[::1]", 25, "u", "v");
    assert_secret("nonsense\n:x\n", "any.test", 25, NULL, NULL);
    assert_secret("", "any.test", 25, NULL, NULL);
}

static void set(struct conf *conf, const char *assignment)
{
    char error[CONF_ERROR_SIZE];
    assert_int_equal(conf_assign(conf, assignment, error), 0);
}

static const char *relay_name(const struct relays *relays, struct arena *arena, const char *address)
{
    const struct relay *relay;
    assert_int_equal(relay_of(relays, arena, span_of(address), SPAN("s@sender.test"), &relay), 0);
    return relay ? relay->name : "none";
}

static void keep_sentence(void *arg, const char *text)
{
    snprintf(arg, CONF_ERROR_SIZE, "%s", text);
}

static void test_which_relay(void **state)
{
    (void)state;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct relays *relays;
    static struct conf conf;
    char error[CONF_ERROR_SIZE];
    struct conf_report report = { .tell = keep_sentence, .arg = error };
    assert_int_equal(arena_new(1u << 20, &arena), 0);
    conf_init(&conf);
    set(&conf, "server.hostname=mail.test");
    set(&conf, "relay one.url=smtp://one.test");
    set(&conf, "relay one.domains=A.test, .b.test b\xc3\xbc" "cher.test");
    set(&conf, "relay two.url=smtps://[::1]:1465/");
    set(&conf, "relay two.domains=c.b.test, .d.b.test");
    assert_int_equal(relays_load(&conf, &relays, &report), 0);
    assert_string_equal(relay_name(relays, arena, "x@a.TEST"), "one");
    assert_string_equal(relay_name(relays, arena, "x@b.a.test"), "none");
    assert_string_equal(relay_name(relays, arena, "x@b.test"), "none");
    assert_string_equal(relay_name(relays, arena, "x@x.b.test"), "one");
    assert_string_equal(relay_name(relays, arena, "x@c.b.test"), "two");
    assert_string_equal(relay_name(relays, arena, "x@e.c.b.test"), "one");
    assert_string_equal(relay_name(relays, arena, "x@e.d.b.test"), "two");
    assert_string_equal(relay_name(relays, arena, "x@B\xc3\x9c" "CHER.test"), "one");
    assert_true(span_is(relays->v[0].url, "smtp://one.test:25/mail.test"));
    assert_true(span_is(relays->v[1].url, "smtps://[::1]:1465/mail.test"));
    assert_true(relays->v[1].verify && !relays->v[0].verify);
    relays_free(relays);
    set(&conf, "relay.url=smtp://rest.test:587");
    assert_int_equal(relays_load(&conf, &relays, &report), 0);
    assert_string_equal(relay_name(relays, arena, "x@b.test"), "relay");
    relays_free(relays);
    set(&conf, "relay.url=http://rest.test");
    assert_int_equal(relays_load(&conf, &relays, &report), 1);
    assert_non_null(strstr(error, "smtp://HOST:PORT"));
}

/* ---- replies ---- */

struct talk {
    struct arena *arena;
    struct smtp_offers offers;
    struct transport_result rcpts[3];
    struct smtp_dialogue dialogue;
};

static void talk_init(struct talk *talk, size_t rcpts_n)
{
    *talk = (struct talk){ 0 };
    assert_int_equal(arena_new(1u << 20, &talk->arena), 0);
    talk->dialogue = (struct smtp_dialogue){ .arena = talk->arena, .offers = &talk->offers, .rcpts = talk->rcpts, .rcpts_n = rcpts_n };
}

/* A command, and lines of reply to it. */
static void say(struct talk *talk, const char *command, const char *first, const char *second)
{
    smtp_dialogue_command(&talk->dialogue, span_of(command));
    smtp_dialogue_reply(&talk->dialogue, span_of(first));
    if (second)
        smtp_dialogue_reply(&talk->dialogue, span_of(second));
}

static void assert_result(const struct talk *talk, size_t i, enum transport_outcome outcome, const char *status)
{
    struct transport_result result = smtp_dialogue_result(&talk->dialogue, i, SPAN("lost"));
    assert_int_equal(result.outcome, outcome);
    if (!span_is(result.status, status))
        fail_msg("%.*s, not %s", (int)result.status.len, result.status.ptr, status);
}

static void test_dialogue(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, 3);
    say(&talk, "EHLO me\r\n", "250-r.test\r\n", "250-SIZE 1000\r\n");
    smtp_dialogue_reply(&talk.dialogue, SPAN("250 smtputf8\r\n"));
    assert_true(talk.offers.utf8);
    assert_int_equal(talk.offers.size, 1000);
    say(&talk, "EHLO me\r\n", "250 r.test\r\n", NULL); /* after STARTTLS all is new */
    assert_false(talk.offers.utf8);
    say(&talk, "MAIL FROM:<a@b>\r\n", "250-fine\r\n", "250 go on\r\n");
    say(&talk, "RCPT TO:<a@b>\r\n", "250\r\n", NULL);
    say(&talk, "RCPT TO:<c@b>\r\n", "550-5.1.1 no\r\n", "550 5.1.1 such\tone\r\n");
    say(&talk, "RCPT TO:<d@b>\r\n", "450 4.2.0 wait \xff\r\n", NULL);
    assert_false(smtp_dialogue_decided(&talk.dialogue));
    assert_result(&talk, 0, TRANSPORT_DEFERRED, "lost");
    say(&talk, "DATA\r\n", "354 go\r\n", "250 2.0.0 taken\r\n");
    assert_true(smtp_dialogue_decided(&talk.dialogue));
    assert_result(&talk, 0, TRANSPORT_SENT, "250 2.0.0 taken");
    assert_result(&talk, 1, TRANSPORT_FAILED, "550 5.1.1 no such one");
    assert_result(&talk, 2, TRANSPORT_DEFERRED, "450 4.2.0 wait ?");
    arena_free(talk.arena);
}

static void test_dialogue_refused(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, 2);
    say(&talk, "MAIL FROM:<a@b>\r\n", "421 4.3.2 bye\r\n", NULL);
    assert_false(smtp_dialogue_decided(&talk.dialogue)); /* about the line */
    talk.dialogue.mail = SPAN("");
    say(&talk, "MAIL FROM:<a@b>\r\n", "530 5.7.0 log in\r\n", NULL);
    assert_true(smtp_dialogue_decided(&talk.dialogue));
    assert_result(&talk, 1, TRANSPORT_DEFERRED, "530 5.7.0 log in");
    arena_free(talk.arena);
    talk_init(&talk, 2);
    say(&talk, "RCPT TO:<a@b>\r\n", "550 no\r\n", NULL);
    assert_false(smtp_dialogue_decided(&talk.dialogue));
    say(&talk, "RCPT TO:<c@b>\r\n", "450 no\r\n", NULL);
    assert_true(smtp_dialogue_decided(&talk.dialogue));
    say(&talk, "RCPT TO:<d@b>\r\n", "250 one too many\r\n", NULL);
    assert_int_equal(talk.dialogue.replies_n, 2);
    arena_free(talk.arena);
    talk_init(&talk, 1);
    say(&talk, "RCPT TO:<a@b>\r\n", "250 ok\r\n", NULL);
    say(&talk, "DATA\r\n", "554 5.5.0 no\r\n", NULL);
    assert_result(&talk, 0, TRANSPORT_FAILED, "554 5.5.0 no");
    arena_free(talk.arena);
}

/* However long a reply is, what is kept is short and well-formed. */
static void test_dialogue_long(void **state)
{
    (void)state;
    struct talk talk;
    char line[1200] = "550-";
    talk_init(&talk, 1);
    for (size_t i = 4; i + 2 < sizeof(line); i += 2)
        memcpy(line + i, "\xc3\xa9", 2);
    smtp_dialogue_command(&talk.dialogue, SPAN("RCPT TO:<a@b>\r\n"));
    for (int i = 0; i < 100; i++)
        smtp_dialogue_reply(&talk.dialogue, span_of(line));
    line[3] = ' ';
    smtp_dialogue_reply(&talk.dialogue, span_of(line));
    assert_true(talk.rcpts[0].status.len <= SMTP_REPLY_MAX && talk.rcpts[0].status.len > SMTP_REPLY_MAX - 8);
    assert_true(span_utf8_ok(talk.rcpts[0].status));
    arena_free(talk.arena);
}

static void test_idna(void **state)
{
    (void)state;
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct span address;
    bool utf8;
    assert_int_equal(arena_new(1u << 20, &arena), 0);
    assert_int_equal(idna_address(arena, SPAN("Joe@B.test"), &address, &utf8), 0);
    assert_true(span_is(address, "Joe@B.test") && !utf8);
    assert_int_equal(idna_address(arena, SPAN("joe@stra\xc3\x9f" "e.test"), &address, &utf8), 0);
    assert_true(span_is(address, "joe@xn--strae-oqa.test") && !utf8);
    assert_int_equal(idna_address(arena, SPAN("jos\xc3\xa9@\xc3\xa9.test"), &address, &utf8), 0);
    assert_true(span_is(address, "jos\xc3\xa9@xn--9ca.test") && utf8);
    assert_int_equal(idna_address(arena, SPAN("joe@\xcc\x81" "a.test"), &address, &utf8), 1);
}

static void test_names(void **state)
{
    (void)state;
    static const struct store_outbox_key keys[] = { { 1, 1 }, { 3, 1002 }, { INT64_MAX, INT64_MAX } };
    static const char *const wrong[] = { "", "-", "3", "3-", "-1002", "3-0", "0-3", "-3-4", "3--4", "3-4-5", "3-x", "3-1002 ", "9223372036854775808-1" };
    struct store_outbox_rcpt rcpt = { .state = STORE_RCPT_QUEUED };
    struct store_outbox_key key;
    char id[OUTBOX_ID_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        outbox_id_write(keys[i], id);
        assert_true(outbox_id_read(span_of(id), &key));
        assert_int_equal(key.mailbox_id, keys[i].mailbox_id);
        assert_int_equal(key.outbox_no, keys[i].outbox_no);
    }
    assert_true(outbox_id_read((struct span){ "3-1002-9", 6 }, &key));
    assert_int_equal(key.outbox_no, 1002);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(outbox_id_read(span_of(wrong[i]), &key));
    assert_string_equal(outbox_rcpt_state(&rcpt, false), "waiting");
    assert_string_equal(outbox_rcpt_state(&rcpt, true), "held");
    rcpt.lease_until = INT64_MAX;
    assert_string_equal(outbox_rcpt_state(&rcpt, true), "sending");
    rcpt.state = STORE_RCPT_SENT;
    assert_string_equal(outbox_rcpt_state(&rcpt, true), "sent");
    rcpt.state = STORE_RCPT_FAILED;
    assert_string_equal(outbox_rcpt_state(&rcpt, false), "failed");
    rcpt.state = STORE_RCPT_REMOVED;
    assert_string_equal(outbox_rcpt_state(&rcpt, false), "removed");
    assert_string_equal(outbox_rcpt_way(STORE_RCPT_LOCAL), "local");
    assert_string_equal(outbox_rcpt_way(STORE_RCPT_REMOTE), "relay");
    assert_string_equal(outbox_rcpt_way(STORE_RCPT_FILE), "copy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_double),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_report_keeps_lines),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_which_relay),
        cmocka_unit_test(test_dialogue),
        cmocka_unit_test(test_dialogue_refused),
        cmocka_unit_test(test_dialogue_long),
        cmocka_unit_test(test_idna),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
