/*
 * Any UTF-8 as the HTML of a body (others become U+FFFD before they are one):
 * its text is UTF-8 without NUL, and can be shown as HTML and read again.
 */
#include "fuzz.h"

#include "soap/html.h"

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
    buf_done(&text);
    buf_done(&shown);
    buf_done(&again);
    return 0;
}
