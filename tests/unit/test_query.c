/*
 * Words, folding and the text of HTML as searches see them; days of query
 * strings, where the calendar is awkward.
 */
#include "model/fold.h"
#include "model/query.h"

#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folded(struct arena *arena, const char *text, unsigned how)
{
    struct span out;
    assert_int_equal(fold_text(arena, span_of(text), how, &out), 0);
    assert_int_equal(arena_copy(arena, out, &out), 0);
    return out.ptr;
}

static void texts_fold(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    (void)state;
    assert_int_equal(arena_new(1 << 20, &arena), 0);
    assert_string_equal(folded(arena, "\u00c9VIAN \u0410\u0411 \u0391\u0392", FOLD_CASE), "\u00e9vian \u0430\u0431 \u03b1\u03b2");
    assert_string_equal(folded(arena, "\u00c9vian e\u0301t\u00e9", FOLD_ACCENTS), "Evian ete");
    assert_string_equal(folded(arena, "\u00c5NGSTR\u00d6M", FOLD_CASE | FOLD_ACCENTS), "angstrom");
    assert_string_equal(folded(arena, "As It Is \u00c9", 0), "As It Is \u00c9");
    assert_string_equal(folded(arena, "\u212a \u65e5\u672c \U0001f600", FOLD_CASE | FOLD_ACCENTS), "\u212a \u65e5\u672c \U0001f600");
}

static void expect_words(const char *text, const char *wanted)
{
    struct words words = { .rest = span_of(text) };
    struct span word;
    struct buf all = BUF_INIT(4096);
    while (words_next(&words, &word)) {
        buf_add_span(&all, word);
        buf_add_char(&all, '|');
    }
    buf_add(&all, "", 1);
    assert_string_equal(all.ptr, wanted);
    buf_done(&all);
}

static void texts_are_cut_into_words(void **state)
{
    char lengthy[200];
    (void)state;
    expect_words("", "");
    expect_words("The quick-brown fox_1, \u00c9t\u00e9!", "the|quick|brown|fox|1|ete|");
    expect_words("a@b.test \u201cquoted\u201d\u00a0text", "a|b|test|quoted|text|");
    expect_words("\u65e5\u672c\u8a9e x\u65e5y", "\u65e5|\u672c|\u8a9e|x|\u65e5|y|");
    memset(lengthy, 'x', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = 0;
    struct words words = { .rest = span_of(lengthy) };
    struct span word;
    assert_true(words_next(&words, &word));
    assert_int_equal(word.len, WORD_MAX);
    assert_false(words_next(&words, &word));
}

static void expect_text(const char *html, const char *wanted)
{
    struct buf text = BUF_INIT(4096);
    fold_html(span_of(html), &text);
    buf_add(&text, "", 1);
    assert_string_equal(text.ptr, wanted);
    buf_done(&text);
}

static void html_shows_its_text(void **state)
{
    (void)state;
    expect_text("<p>one<b>two</b>&amp;three</p>four", " onetwo&three four");
    expect_text("a<style>p { }</style>b<script>if (1<2) x()</script>c", "a  b  c");
    expect_text("<!-- no <b> -->yes &eacute;&#233;&#xe9; &nosuch; & < 3", "yes \u00e9\u00e9\u00e9   & < 3");
    expect_text("unclosed <a href='x", "unclosed ");
    expect_text("<!doctype html><br/>x", "  x");
}

static void expect_days(const char *text, const char *now, const char *from, const char *to)
{
    struct span rest = span_of(text);
    struct query_days days = { 0 };
    int64_t at = 0, begin = 0, end = 0;
    assert_true(when_parse_xs(span_of(now), &at) && when_parse_xs(span_of(from), &begin) && when_parse_xs(span_of(to), &end));
    if (!query_take_date(&rest, at, &days))
        fail_msg("%s is no date", text);
    if (days.from != begin || days.to != end)
        fail_msg("%s: %lld to %lld, not %lld to %lld", text, (long long)days.from, (long long)days.to, (long long)begin, (long long)end);
}

static void dates_are_days(void **state)
{
    static const char now[] = "2028-03-01T12:00:00Z"; /* a Wednesday, the day after the 29th */
    struct span none = SPAN("sometime");
    struct query_days days;
    (void)state;
    expect_days("today", now, "2028-03-01T00:00:00Z", "2028-03-02T00:00:00Z");
    expect_days("Yesterday", now, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z");
    expect_days("this week", now, "2028-02-27T00:00:00Z", "2028-03-05T00:00:00Z");
    expect_days("last week", now, "2028-02-20T00:00:00Z", "2028-02-27T00:00:00Z");
    expect_days("past month", now, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z");
    expect_days("last month", "2028-01-15T00:00:00Z", "2027-12-01T00:00:00Z", "2028-01-01T00:00:00Z");
    expect_days("next month", "2028-12-15T00:00:00Z", "2029-01-01T00:00:00Z", "2029-02-01T00:00:00Z");
    expect_days("coming year", now, "2029-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
    expect_days("sunday", now, "2028-02-27T00:00:00Z", "2028-02-28T00:00:00Z");
    expect_days("Saturday", now, "2028-03-04T00:00:00Z", "2028-03-05T00:00:00Z");
    expect_days("12/11/2013", now, "2013-12-11T00:00:00Z", "2013-12-12T00:00:00Z");
    expect_days("2/29", now, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z");
    expect_days("December", now, "2028-12-01T00:00:00Z", "2029-01-01T00:00:00Z");
    expect_days("December 11", now, "2028-12-11T00:00:00Z", "2028-12-12T00:00:00Z");
    expect_days("December 11, 2013", now, "2013-12-11T00:00:00Z", "2013-12-12T00:00:00Z");
    expect_days("2013-12-11", now, "2013-12-11T00:00:00Z", "2013-12-12T00:00:00Z");
    expect_days("2013", now, "2013-01-01T00:00:00Z", "2014-01-01T00:00:00Z");
    expect_days("2013-12-11T10:00:00Z", now, "2013-12-11T10:00:00Z", "2013-12-11T10:00:01Z");
    expect_days("1/1/1960", now, "1960-01-01T00:00:00Z", "1960-01-02T00:00:00Z");
    assert_false(query_take_date(&none, 0, &days));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_fold),
        cmocka_unit_test(texts_are_cut_into_words),
        cmocka_unit_test(html_shows_its_text),
        cmocka_unit_test(dates_are_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
