/*
 * Records as JSON or as lines. Every value passes put(), which knows from the
 * depth alone what stands between it and the one before.
 */
#include "bin/ctl_out.h"

#include "base/json.h"
#include "base/when.h"

#include <assert.h>

enum { OUTSIDE, RECORD, LIST, INNER_RECORD, INNER_LIST };

void out_init(struct ctl_out *out, bool json)
{
    *out = (struct ctl_out){ .text = BUF_INIT(OUT_MAX), .json = json };
}

void out_done(struct ctl_out *out)
{
    buf_done(&out->text);
}

void out_clear(struct ctl_out *out)
{
    buf_clear(&out->text);
    out->depth = OUTSIDE;
}

/* C1 controls are two bytes of UTF-8: c2 80 to c2 9f. */
static bool is_c1(struct span text, size_t i)
{
    return i + 1 < text.len && (unsigned char)text.ptr[i] == 0xc2 && (unsigned char)text.ptr[i + 1] < 0xa0;
}

void out_add_clean(struct buf *out, struct span text)
{
    bool utf8 = span_utf8_ok(text);

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool two = utf8 && is_c1(text, i);
        buf_add_char(out, c < 0x20 || c == 0x7f || two || (c >= 0x80 && !utf8) ? '?' : (char)c);
        i += two;
    }
}

static void json_before(struct ctl_out *out, const char *name)
{
    if (out->levels[out->depth].n++ > 0 && out->depth != OUTSIDE)
        buf_add_char(&out->text, ',');
    if (!name)
        return;
    json_add_string(&out->text, span_of(name));
    buf_add_char(&out->text, ':');
}

static void line_before(struct ctl_out *out, const char *name)
{
    bool again = out->levels[out->depth].n++ > 0;
    const char *list = out->levels[LIST].name;

    if (out->depth == INNER_LIST)
        buf_add_char(&out->text, again ? ',' : '\t');
    else if (out->depth == INNER_RECORD && again)
        buf_add_char(&out->text, '\t');
    else if (out->depth == INNER_RECORD && out->style == OUT_TABLE)
        buf_add_str(&out->text, "\n\t");
    else if (out->style == OUT_SHEET)
        buf_printf(&out->text, "%s: ", out->depth == RECORD ? name : list);
    else if (out->depth == LIST && again)
        buf_add_char(&out->text, ',');
    else if (out->depth == LIST || again)
        buf_add_char(&out->text, '\t');
}

static void put(struct ctl_out *out, const char *name, struct span text)
{
    line_before(out, name);
    if (text.len > 0)
        out_add_clean(&out->text, text);
    else
        buf_add_char(&out->text, '-');
    if (out->style == OUT_SHEET && out->depth <= LIST)
        buf_add_char(&out->text, '\n');
}

static void enter(struct ctl_out *out, const char *name)
{
    assert(out->depth + 1 < OUT_DEPTH);
    out->depth++;
    out->levels[out->depth].name = name;
    out->levels[out->depth].n = 0;
}

void out_record(struct ctl_out *out)
{
    if (out->json) {
        json_before(out, NULL);
        buf_add_char(&out->text, '{');
    }
    enter(out, NULL);
}

void out_record_end(struct ctl_out *out)
{
    out->depth--;
    if (out->json)
        buf_add_str(&out->text, out->depth == OUTSIDE ? "}\n" : "}");
    else if (out->depth == OUTSIDE ? out->style == OUT_TABLE : out->style == OUT_SHEET)
        buf_add_char(&out->text, '\n');
}

void out_list(struct ctl_out *out, const char *name)
{
    if (out->json) {
        json_before(out, name);
        buf_add_char(&out->text, '[');
    }
    enter(out, name);
}

void out_list_end(struct ctl_out *out)
{
    out->depth--;
    if (out->json)
        buf_add_char(&out->text, ']');
}

void out_text(struct ctl_out *out, const char *name, struct span text)
{
    if (!out->json) {
        put(out, name, text);
        return;
    }
    json_before(out, name);
    json_add_string(&out->text, text);
}

void out_number(struct ctl_out *out, const char *name, uint64_t number)
{
    if (out->json)
        json_before(out, name);
    else
        line_before(out, name);
    buf_add_u64(&out->text, number);
    if (!out->json && out->style == OUT_SHEET && out->depth <= LIST)
        buf_add_char(&out->text, '\n');
}

void out_flag(struct ctl_out *out, const char *name, bool flag)
{
    if (!out->json) {
        put(out, name, flag ? SPAN("yes") : SPAN("no"));
        return;
    }
    json_before(out, name);
    buf_add_str(&out->text, flag ? "true" : "false");
}

void out_time(struct ctl_out *out, const char *name, int64_t at)
{
    char text[WHEN_XS_SIZE] = "";

    if (at != WHEN_NONE)
        when_format_xs(at, text);
    if (at != WHEN_NONE || !out->json) {
        out_text(out, name, span_of(text));
        return;
    }
    json_before(out, name);
    buf_add_str(&out->text, "null");
}
