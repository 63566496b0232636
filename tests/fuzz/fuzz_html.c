/*
 * Any UTF-8 as the HTML of a body (others become U+FFFD before they are one):
 * its text is UTF-8 without NUL, and can be shown as HTML and read again; what
 * is quoted of it stays within what stands around, and can be quoted again; and
 * what is left of it when it is filtered holds nothing that acts, even when it
 * is parsed anew.
 */
#include "fuzz.h"

#include "soap/html.h"
#include "soap/html_clean.h"

static bool holds(struct span html, const char *word)
{
    for (size_t i = 0; i + strlen(word) <= html.len; i++)
        if (span_eq_nocase((struct span){ html.ptr + i, strlen(word) }, span_of(word)))
            return true;
    return false;
}

static void check_harmless(struct span html)
{
    static const char *const never[] = { "<script", "<iframe", "<object", "<embed", "<svg", "<link", "<meta", "<base ", "<form",
                                         "=\"javascript:" };
    FUZZ_CHECK_TEXT(span_utf8_ok(html), html);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        FUZZ_CHECK_TEXT(!holds(html, never[i]), html);
}

static void check_filter(struct span html)
{
    static const struct html_rules filter = { .filter = true };
    struct buf clean = BUF_INIT(64u << 20), again = BUF_INIT(64u << 20);
    struct html_outcome outcome;
    if (html_clean(html, &filter, &clean, &outcome) == 0 && buf_error(&clean) == 0) {
        check_harmless(buf_span(&clean));
        FUZZ_CHECK(html_clean(buf_span(&clean), &filter, &again, &outcome) == 0);
        check_harmless(buf_span(&again));
    }
    buf_done(&clean);
    buf_done(&again);
}

/* Tags that begin like that; tag ends with the name. */
static size_t tags(struct span text, const char *tag)
{
    const size_t len = strlen(tag);
    size_t n = 0;
    for (size_t i = 0; i + len < text.len; i++)
        n += memcmp(text.ptr + i, tag, len) == 0 && (text.ptr[i + len] == '>' || text.ptr[i + len] == ' ');
    return n;
}

static void check_quote(struct span html)
{
    struct buf once = BUF_INIT(64u << 20), twice = BUF_INIT(64u << 20);
    if (html_add_inner(html, &once) == 0 && buf_error(&once) == 0) {
        struct span quoted = buf_span(&once);
        FUZZ_CHECK_TEXT(span_utf8_ok(quoted), quoted);
        FUZZ_CHECK_TEXT(tags(quoted, "<div") == tags(quoted, "</div"), quoted);
        FUZZ_CHECK_TEXT((!quoted.len || !memmem(quoted.ptr, quoted.len, "<!", 2)) && !tags(quoted, "<script") && !tags(quoted, "<body"), quoted);
        FUZZ_CHECK(html_add_inner(quoted, &twice) == 0);
    }
    buf_done(&once);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span html = { (const char *)data, size };
    struct buf text = BUF_INIT(16u << 20), shown = BUF_INIT(64u << 20), again = BUF_INIT(16u << 20);
    if (span_utf8_ok(html) && html_to_text(html, &text) == 0 && buf_error(&text) == 0) {
        FUZZ_CHECK_TEXT(span_utf8_ok(buf_span(&text)), buf_span(&text));
        text_to_html(buf_span(&text), &shown);
        FUZZ_CHECK(buf_error(&shown) == 0 && span_utf8_ok(buf_span(&shown)));
        FUZZ_CHECK(html_to_text(buf_span(&shown), &again) == 0);
    }
    if (span_utf8_ok(html)) {
        check_quote(html);
        check_filter(html);
    }
    buf_done(&text);
    buf_done(&shown);
    buf_done(&again);
    return 0;
}
