/*
 * What an answer takes over from what it answers: the thread, within bounds, and
 * the text, whatever that is.
 */
#include "ops/quote.h"
#include "ops/thread.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct arena *arena = NULL;
    int r = arena_new(64u << 20, &arena);
    *state = arena;
    return r;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static struct item joined(struct arena *arena, const struct item *original, const char *prefix)
{
    struct item answer;
    item_init(&answer);
    assert_int_equal(thread_join(arena, original, prefix, &answer), 0);
    return answer;
}

static void test_subjects(void **state)
{
    static const struct {
        const char *original, *wanted;
    } cases[] = { { "Hello", "RE: Hello" },     { "Re: Hello", "RE: Hello" },     { "FW:re: fwd: Hello", "RE: Hello" },
                  { "  RE:", "RE: " },          { "", "RE: " },                  { "Regards", "RE: Regards" },
                  { "AW: Hallo", "RE: AW: Hallo" } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct item original;
        item_init(&original);
        original.subject = span_of(cases[i].original);
        struct item answer = joined(*state, &original, "RE: ");
        assert_true(span_is(answer.subject, cases[i].wanted));
    }
}

static void test_references(void **state)
{
    struct item original;
    struct buf many = BUF_INIT(1000000);
    item_init(&original);
    original.message_id = SPAN("<last@x>");
    struct item answer = joined(*state, &original, "RE: ");
    assert_true(span_is(answer.references, "<last@x>") && span_is(answer.in_reply_to, "<last@x>"));
    original.in_reply_to = SPAN("<before@x>");
    answer = joined(*state, &original, "RE: ");
    assert_true(span_is(answer.references, "<before@x> <last@x>"));
    for (int i = 0; i < 5000; i++)
        buf_printf(&many, "%s<r%d@x>", i ? " " : "", i);
    original.references = buf_span(&many);
    answer = joined(*state, &original, "RE: ");
    assert_true(answer.references.len <= 4000 && answer.references.len > 3900);
    assert_true(span_starts(answer.references, SPAN("<r0@x> <r")));
    assert_non_null(memmem(answer.references.ptr, answer.references.len, "<r4999@x> <last@x>", 18));
    buf_clear(&many);
    for (int i = 0; i < 100000; i++)
        buf_add_char(&many, 'x');
    original.references = buf_span(&many);
    answer = joined(*state, &original, "RE: ");
    assert_true(span_is(answer.references, "<last@x>"));
    buf_done(&many);
}

static void test_index(void **state)
{
    struct item original;
    char damaged[30] = "no index of a conversation";
    item_init(&original);
    original.sent = when_now() - 86400000;
    struct item answer = joined(*state, &original, "RE: ");
    assert_int_equal(answer.conversation_index.len, 27);
    assert_int_equal(answer.conversation_index.ptr[0], 1);
    original.conversation_index = answer.conversation_index;
    struct item next = joined(*state, &original, "RE: ");
    assert_int_equal(next.conversation_index.len, 32);
    assert_memory_equal(next.conversation_index.ptr, answer.conversation_index.ptr, 27);
    for (int i = 0; i < 300; i++) {
        original.conversation_index = next.conversation_index;
        next = joined(*state, &original, "RE: ");
    }
    assert_true(next.conversation_index.len <= 522);
    original.conversation_index = (struct span){ damaged, sizeof(damaged) };
    assert_int_equal(joined(*state, &original, "RE: ").conversation_index.len, 27);
}

static struct span quoted(struct arena *arena, const char *text, enum body_type type, const char *body, enum body_type body_type)
{
    struct item original;
    struct span out;
    struct rcpt to = { .name = SPAN("A\r\nSubject: forged"), .address = SPAN("a@x") };
    item_init(&original);
    original.from = (struct rcpt){ .name = SPAN("<b>F"), .address = SPAN("f@x") };
    original.to = (struct rcpt_list){ &to, 1 };
    original.subject = SPAN("S <i>");
    original.body = span_of(body);
    original.body_type = body_type;
    struct quote quote = { .original = &original, .text = span_of(text), .text_type = type, .type = type };
    assert_int_equal(quote_body(arena, &quote, 1u << 20, &out), 0);
    return out;
}

static bool has(struct span text, const char *word)
{
    return memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

static int count(struct span text, const char *word)
{
    int n = 0;
    for (const char *at = text.ptr; (at = memmem(at, (size_t)(text.ptr + text.len - at), word, strlen(word))); at++)
        n++;
    return n;
}

static void test_quotes(void **state)
{
    struct span out = quoted(*state, "new", BODY_TEXT, "old\r\ntext", BODY_TEXT);
    assert_true(span_starts(out, SPAN("new\r\n\r\n____")) && has(out, "From: <b>F <f@x>\r\n") && has(out, "\r\n\r\nold\r\ntext"));
    assert_false(has(out, "\nSubject: forged"));
    out = quoted(*state, "a < b\nc", BODY_TEXT, "<p>one<p>two<script>x()</script>", BODY_HTML);
    assert_true(has(out, "a < b\nc") && has(out, "one\r\n\r\ntwo"));
    out = quoted(*state, "<p>new", BODY_HTML, "1 < 2 & 3\nnext", BODY_TEXT);
    assert_true(has(out, "<p>new</p>") && has(out, "1 &lt; 2 &amp; 3<br>\r\nnext") && has(out, "&lt;b&gt;F"));
    assert_false(has(out, "<i>"));
}

/* Nothing of the original, nor of what is written, gets out of its place. */
static void test_hostile_html(void **state)
{
    static const char *const bad[] = {
        "<!-- never closed", "<script>", "<style>", "<textarea>", "<xmp>", "<plaintext>", "</div></div></body></html><p>after", "<title>",
        "<p onclick=\"x()\" style=\"color:red\">t", "<a href=\"java\nscript:x()\">t</a>", "<iframe src=x>t", "<p title=\"\\\"><script>x()</script>\">",
        "<style>p{}</style<script>x()</script>", "<img src=x onerror=x()>", "<svg><script>x()</script></svg>", "<![CDATA[<script>x()</script>]]>",
        "<p <script>x()</script>", "<?php <script>x()</script> ?>", "<math><mtext><img src=x onerror=x()></mtext></math>",
        "<noscript><p title=\"</noscript><img src=x onerror=x()>\"></noscript>",
        "t<div", "<div><b><div class=x" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        for (int side = 0; side < 2; side++) {
            struct span out = quoted(*state, side ? bad[i] : "MARK", BODY_HTML, side ? "<p>MARK</p>" : bad[i], BODY_HTML);
            assert_true(has(out, "MARK") && has(out, "<b>Subject:</b> S &lt;i&gt;<br>") && has(out, "</div>\r\n</body></html>\r\n"));
            assert_int_equal(count(out, "<div"), count(out, "</div>"));
            assert_false(has(out, "<script") || has(out, " onclick") || has(out, "\" onerror") || has(out, "<!--") || has(out, "<textarea") || has(out, "<plaintext"));
        }
}

static void test_bounds(void **state)
{
    struct item original;
    struct span out;
    struct buf large = BUF_INIT(4u << 20);
    item_init(&original);
    for (int i = 0; i < 300000; i++)
        buf_add_str(&large, "<<<<<");
    original.body = buf_span(&large);
    struct quote quote = { .original = &original, .type = BODY_HTML };
    assert_int_equal(quote_body(*state, &quote, 1u << 20, &out), 1);
    original.body_type = BODY_HTML; /* a tag of 1.5 MB: taken as text */
    assert_int_equal(quote_body(*state, &quote, 16u << 20, &out), 0);
    assert_true(has(out, "&lt;&lt;&lt;"));
    buf_done(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_subjects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_references, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_html, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
