/*
 * HTML that is made harmless, and XML that is looked into without a parser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/when.h"
#include "soap/html_clean.h"
#include "soap/xml_piece.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(const char *html, struct html_rules rules, const char *wanted)
{
    struct buf out = BUF_INIT(1 << 20);
    struct html_outcome outcome;

    assert_int_equal(html_clean(span_of(html), &rules, &out, &outcome), 0);
    assert_int_equal(buf_error(&out), 0);
    if (!span_is(buf_span(&out), wanted))
        printf("of %s\ngot %.*s\nnot %s\n", html, (int)out.len, out.ptr, wanted);
    assert_true(span_is(buf_span(&out), wanted));
    buf_done(&out);
}

#define FILTER ((struct html_rules){ .filter = true })

static void what_acts_goes(void **state)
{
    (void)state;
    expect("", FILTER, "");
    expect("a<script>b</script>c", FILTER, "ac");
    expect("<p onclick=x onMouseOver='y'>a", FILTER, "<p>a</p>");
    expect("<a href=' JaVa\tScRiPt:alert(1)'>a</a>", FILTER, "<a>a</a>");
    expect("<a href='&#106;avascript:alert(1)'>a</a>", FILTER, "<a>a</a>");
    expect("<a href='\x01javascript:alert(1)'>a</a>", FILTER, "<a>a</a>");
    expect("<a href='vbscript:x'>a</a><a href='data:text/html,x'>b</a>", FILTER, "<a>a</a><a>b</a>");
    expect("<a href='mailto:a@b.test'>a</a>", FILTER, "<a href=\"mailto:a@b.test\">a</a>");
    expect("<a href='x?a:b'>a</a>", FILTER, "<a href=\"x?a:b\">a</a>");
    expect("<img src=x onerror=alert(1)//>", FILTER, "<img src=\"x\">");
    expect("<svg><script>alert(1)</script></svg>b", FILTER, "b");
    expect("<math><mtext><img src=x onerror=alert(1)></mtext></math>b", FILTER, "b");
    expect("<iframe src=x></iframe><object data=x>o</object><embed src=x>b", FILTER, "b");
    expect("<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>b", FILTER, "b");
    expect("<p style='width:expression(alert(1))'>a</p>", FILTER, "<p>a</p>");
    expect("<p style='background:u\\72l(x)'>a</p>", FILTER, "<p>a</p>");
    expect("<p style='exp/**/ression(1)'>a</p>", FILTER, "<p>a</p>");
    expect("<style>p{color:red}/* c */</style>", FILTER, "<style>p{color:red}</style>");
    expect("<style>@im/**/port 'x';</style>", FILTER, "<style></style>");
    expect("<style>p{}<img src=x onerror=alert(1)></style>", FILTER, "<style></style>");
    expect("<p title='\"><script>x</script>'>a</p>", FILTER, "<p title=\"&quot;&gt;&lt;script&gt;x&lt;/script&gt;\">a</p>");
    expect("<!--[if mso]><script>x</script><![endif]-->a", FILTER, "a");
    expect("<form action=x><input value=1><button>b</button></form>", FILTER, "b");
    expect("<meta http-equiv=refresh content='0;url=x'><base href=x><link rel=stylesheet href=x>a", FILTER, "a");
    expect("a</ewsd>b", FILTER, "a");
}

static void what_tells_goes(void **state)
{
    (void)state;
    expect("<img src='http://x.test/a' width=1 height=1>", FILTER, "<img width=\"1\" height=\"1\">");
    expect("<img src='http://x.test/a' style='display:none'>", FILTER, "<img style=\"display:none\">");
    expect("<img src='http://x.test/a' width=100>", FILTER, "<img src=\"http://x.test/a\" width=\"100\">");
    expect("<img src='cid:a' width=1>", FILTER, "<img src=\"cid:a\" width=\"1\">");
    expect("<img srcset='http://x.test/a 2x'>", FILTER, "<img>");
    expect("<img src='data:image/png;base64,AA=='><img src='data:image/svg+xml,x'>", FILTER,
           "<img src=\"data:image/png;base64,AA==\"><img>");
}

static void nothing_is_lost_unasked(void **state)
{
    static const struct html_rules blank = { .blank_target = true };

    (void)state;
    expect("<!DOCTYPE html><html><head><script>a<b&&c</script></head><body><!--x-->t</body></html>", blank,
           "<!DOCTYPE html><html><head><script>a<b&&c</script></head><body><!--x-->t</body></html>");
    expect("x<p>y</p><td>z</td>", blank, "x<p>y</p><td>z</td>");
}

/* Each would take minutes if its cost grew with the square of its length. */
static void long_input_takes_no_time(void **state)
{
    static const char *const pieces[] = { "</", "</body", "<a href=x ", "<p>", "<!--", "<blockquote>", "<div id=a>", "&#1", "</ewsd>" };
    const size_t len = 300000;

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(16 << 20);
        struct html_outcome outcome;
        int64_t begin = when_monotonic();
        while (in.len < len)
            buf_add_str(&in, pieces[i]);
        (void)html_clean(buf_span(&in), &FILTER, &out, &outcome);
        if (when_monotonic() - begin > 20000)
            printf("%s: %lld ms\n", pieces[i], (long long)(when_monotonic() - begin));
        assert_true(when_monotonic() - begin < 20000);
        buf_done(&in);
        buf_done(&out);
    }
}

/* The parser compares each attribute of a tag with all others. What a tag with
 * far too many is in ends there; quotes hide neither them nor what is no tag. */
static void many_attributes_take_no_time(void **state)
{
    static const struct {
        const char *begin, *piece, *end;
        bool cut;
    } rows[] = {
        { "<p>before</p><p ", "a%x=1 ", ">in it</p><p>behind</p>", true },
        { "<p>before</p><p title='>' ", "a%x=\">\"", ">in it</p><p>behind</p>", true },
        { "<p>before</p><p a=b=\" ", "c%x ", ">in it</p><p>behind</p>", true },
        { "<p>before</p><p \"a=\" ", "c%x ", ">in it</p><p>behind</p>", true },
        { "<p>before</p><!-- <p ", "a%x=1 ", "--><p>behind</p>", false },
        { "<p>before</p><img title=\"", "a%x=1\r\n", "\"><p>behind</p>", false },
        { "<p>before</p><p>", "a%x=1 ", "</p><p>behind</p>", false },
        { "<p>before</p>", "<b a%x=1>x</b>", "<p>behind</p>", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf in = BUF_INIT(64 << 20), out = BUF_INIT(64 << 20);
        struct html_outcome outcome;
        int64_t begin = when_monotonic();
        buf_add_str(&in, rows[i].begin);
        for (unsigned n = 0; n < 200000; n++)
            buf_printf(&in, rows[i].piece, n);
        buf_add_str(&in, rows[i].end);
        assert_int_equal(buf_error(&in), 0);
        assert_int_equal(html_clean(buf_span(&in), &FILTER, &out, &outcome), 0);
        assert_true(when_monotonic() - begin < 20000);
        assert_non_null(memmem(out.ptr, out.len, "before", 6));
        if (!rows[i].cut != (memmem(out.ptr, out.len, "behind", 6) != NULL))
            printf("%s\n", rows[i].begin);
        assert_true(!rows[i].cut == (memmem(out.ptr, out.len, "behind", 6) != NULL));
        buf_done(&in);
        buf_done(&out);
    }
}

static void pieces_are_found(void **state)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL;
    struct span rest = SPAN("<t:A Key=\"k&amp;\" B=\"x\"><t:C/><t:A>t&lt;&#xD;</t:A></t:A><t:D></t:D>"), text;
    struct xml_piece piece, child;

    (void)state;
    assert_int_equal(arena_new(10000, &arena), 0);
    assert_true(xml_piece_find(rest, "A", &child));
    assert_int_equal(xml_piece_text(arena, child.content, &text), 0);
    assert_true(span_is(text, "t<\r"));
    assert_true(xml_piece_next(&rest, &piece));
    assert_true(span_is(piece.name, "A") && span_is(xml_piece_attr(&piece, "Key"), "k&amp;") && span_is(xml_piece_attr(&piece, "B"), "x"));
    assert_false(xml_piece_attr(&piece, "ey").len);
    assert_true(xml_piece_next(&rest, &piece) && span_is(piece.name, "D") && !piece.content.len && !rest.len);
    assert_false(xml_piece_next(&rest, &piece));
}

/* Damaged text is not found; nothing is read beyond it. */
static void damaged_pieces_are_not_found(void **state)
{
    static const char *const bad[] = { "", "x", "<", "<t", "<t:A", "<t:A>", "<t:A><t:B></t:A>", "</t:A>", "x<t:A/>", "<>", "<t:A Key=\"x>" };
    struct xml_piece piece;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *copy = malloc(strlen(bad[i]) + 1);
        memcpy(copy, bad[i], strlen(bad[i]));
        struct span rest = { copy, strlen(bad[i]) };
        if (xml_piece_next(&rest, &piece))
            (void)xml_piece_attr(&piece, "Key");
        (void)xml_piece_find((struct span){ copy, strlen(bad[i]) }, "B", &piece);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_acts_goes),
        cmocka_unit_test(what_tells_goes),
        cmocka_unit_test(nothing_is_lost_unasked),
        cmocka_unit_test(long_input_takes_no_time),
        cmocka_unit_test(many_attributes_take_no_time),
        cmocka_unit_test(pieces_are_found),
        cmocka_unit_test(damaged_pieces_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
