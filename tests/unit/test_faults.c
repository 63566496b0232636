/*
 * Faults on demand as plain values: rules from text, whose turn it is, how an
 * answer goes out; and JSON as rules come in.
 */
#include "base/json_read.h"
#include "http/faults.h"
#include "model/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define E10 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define E60 E10 E10 E10 E10 E10 E10

static void rules_are_read(void **state ATTR_UNUSED)
{
    char error[FAULT_ERROR_SIZE];
    struct fault_rule rule;
    assert_int_equal(fault_rule_read(SPAN("op=SendItem,every=2,do=busy:7,text=a,b=c"), &rule, error), 0);
    assert_string_equal(rule.op, "SendItem");
    assert_string_equal(rule.text, "a,b=c");
    assert_int_equal(rule.when, FAULT_EVERY);
    assert_int_equal(rule.effect.code, CODE_ErrorServerBusy);
    assert_int_equal(rule.effect.back_off_ms, 7);
    assert_false(rule.effect.each);
    static const char *const bad[] = { "", ",", "do", "do=", "do=busy,", "do=busy,,call=1", "=busy", "do=busy:-1", "do=busy:99999999999999999999" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(fault_rule_read(span_of(bad[i]), &rule, error), i == 4 ? 0 : 1);
    assert_int_equal(fault_rule_read(SPAN("do=a" E60), &rule, error), 1); /* the 60th byte is half a letter */
    assert_true(span_utf8_ok(span_of(error)));
}

static uint64_t strike(struct faults *faults, struct span op, struct span user)
{
    struct fault_rule struck = { 0 };
    return faults_strike(faults, op, user, &struck) ? struck.id : 0;
}

static void rules_take_turns(void **state ATTR_UNUSED)
{
    char error[FAULT_ERROR_SIZE];
    struct faults *faults;
    struct fault_rule rules[2];
    assert_int_equal(faults_new(&faults), 0);
    assert_int_equal(fault_rule_read(SPAN("op=SendItem,every=2,do=drop"), &rules[0], error), 0);
    assert_int_equal(fault_rule_read(SPAN("user=bob@example.test,do=drop"), &rules[1], error), 0);
    assert_int_equal(faults_add(faults, rules, 2), 0);
    assert_int_equal(strike(faults, SPAN("SendItem"), SPAN("a@b.test")), 0);
    assert_int_equal(strike(faults, SPAN("GetItem"), SPAN("a@b.test")), 0);
    assert_int_equal(strike(faults, SPAN("SendItem"), SPAN("BOB@example.test")), 1);
    assert_int_equal(strike(faults, SPAN("SendItem"), SPAN("bob@example.test")), 2);
    assert_true(faults_remove(faults, 1));
    assert_false(faults_remove(faults, 1));
    assert_int_equal(strike(faults, SPAN("SendItem"), SPAN("a@b.test")), 0);
    assert_int_equal(strike(faults, SPAN("SendItem"), SPAN("bob@example.test")), 2);
    faults_clear(faults);
    assert_int_equal(strike(faults, SPAN("SendItem"), SPAN("bob@example.test")), 0);
    faults_free(faults);
}

static void answers_have_a_pace(void **state ATTR_UNUSED)
{
    int64_t wait = 0;
    assert_int_equal(pace_allows(&(struct http_pace){ 0 }, 100, 30, 0, &wait), 70);
    const struct http_pace cut = { .broken = true, .after = 40 };
    assert_int_equal(pace_allows(&cut, 100, 30, 0, &wait), 10);
    assert_int_equal(pace_allows(&cut, 100, 40, 0, &wait), PACE_BROKEN);
    assert_int_equal(pace_allows(&cut, 20, 0, 0, &wait), 20);
    const struct http_pace slow = { .rate = 100 };
    assert_int_equal(pace_allows(&slow, 1000, 0, 0, &wait), 0);
    assert_true(wait >= 11);
    assert_int_equal(pace_allows(&slow, 1000, 0, 500, &wait), 50);
    assert_int_equal(pace_allows(&slow, 1000, 20, 500, &wait), 30);
    assert_int_equal(pace_allows(&slow, 1000, 50, 505, &wait), 0);
    assert_int_equal(pace_allows(&slow, 60, 50, 1000000, &wait), 10);
}

static void json_is_read(void **state ATTR_UNUSED)
{
    struct json_read *root = NULL;
    char error[JSON_READ_ERROR_SIZE];
    struct span text, name;
    const struct json_read *value;
    int64_t number;
    bool yes;
    void *place = NULL;
    assert_int_equal(json_read_parse(SPAN("{\"b\": [1, 2.5, \"x\\u00e9\"], \"a\": true, \"n\": null}"), &root, error), 0);
    const struct json_read *list = json_read_member(root, "b");
    assert_int_equal(json_read_count(list), 3);
    assert_true(json_read_number(json_read_at(list, 0), &number) && number == 1);
    assert_int_equal(json_read_kind(json_read_at(list, 1)), JSON_IS_FRACTION);
    assert_true(json_read_text(json_read_at(list, 2), &text) && span_is(text, "x\xc3\xa9"));
    assert_null(json_read_at(list, 3));
    assert_true(json_read_bool(json_read_member(root, "a"), &yes) && yes);
    assert_int_equal(json_read_kind(json_read_member(root, "missing")), JSON_IS_NOTHING);
    assert_int_equal(json_read_kind(json_read_member(root, "n")), JSON_IS_NULL);
    assert_true(json_read_each(root, &place, &name, &value) && span_is(name, "b"));
    assert_true(json_read_each(root, &place, &name, &value) && span_is(name, "a"));
    assert_true(json_read_each(root, &place, &name, &value) && span_is(name, "n"));
    assert_false(json_read_each(root, &place, &name, &value));
    assert_false(json_read_number(root, &number));
    json_read_free(root);
    static const char *const bad[] = { "", "{", "{}x", "{\"a\":1,\"a\":2}", "\"\\u0000\"", "\"\xff\"", "[1,]", "99999999999999999999" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(json_read_parse(span_of(bad[i]), &root, error), 1);
    json_read_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(rules_take_turns),
        cmocka_unit_test(answers_have_a_pace),
        cmocka_unit_test(json_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
