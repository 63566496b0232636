/*
 * See html_allow.h. Filtering knows what is allowed, not what is forbidden:
 * elements and attributes that are not listed are left out, the text of most of
 * them stays; URLs need a known scheme; a style that could load or run anything
 * is left out whole.
 */
#include "soap/html_allow.h"

/* ---- lists ---- */

static bool in_list(const char *list, struct span word)
{
    for (const char *at = list; *at;) {
        const char *end = strchr(at, ' ');
        struct span name = { at, end ? (size_t)(end - at) : strlen(at) };
        if (span_eq_nocase(name, word))
            return true;
        at += name.len + (end ? 1 : 0);
    }
    return false;
}

static const char allowed_elements[] =
    "a abbr acronym address article aside b bdi bdo big blockquote body br caption center cite code col colgroup dd del details dfn dir "
    "div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 head header hr html i img ins kbd li main map area mark menu nav ol p "
    "pre q rp rt ruby s samp section small span strike strong style sub summary sup table tbody td tfoot th thead time title tr tt u "
    "ul var wbr";
/* These go with all that is in them. */
static const char silent_elements[] =
    "script noscript object applet iframe frame frameset noframes svg math template xml audio video canvas select textarea "
    "datalist";
static const char void_elements[] = "area base basefont bgsound br col embed frame hr img input link meta param source track wbr";
static const char allowed_attributes[] =
    "abbr align alt axis bgcolor border cellpadding cellspacing char charoff cite class clear color colspan compact coords datetime dir "
    "face headers height href hspace id lang name noshade nowrap rel rev rowspan rules scope shape size span src start style summary "
    "target title type usemap valign value vspace width background";
static const char picture_attributes[] = "src srcset background poster lowsrc dynsrc data";
static const char quoting_ids[] =
    "divRplyFwdMsg appendonsend mail-editor-reference-message-container OLK_SRC_BODY_SECTION stopSpelling reply-intro";
static const char quoting_classes[] = "gmail_quote gmail_quote_container gmail_extra moz-cite-prefix yahoo_quoted OutlookMessageHeader";

bool html_element_allowed(struct span element)
{
    return in_list(allowed_elements, element);
}

bool html_element_silent(struct span element)
{
    return in_list(silent_elements, element);
}

bool html_element_void(struct span element)
{
    return in_list(void_elements, element);
}

bool html_attr_allowed(struct span name)
{
    return in_list(allowed_attributes, name);
}

bool html_attr_is_picture(struct span name)
{
    return in_list(picture_attributes, name);
}

/* ---- URLs and styles ---- */

bool html_contains(struct span text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++)
        if (span_eq_nocase((struct span){ text.ptr + i, len }, span_of(word)))
            return true;
    return false;
}

/* What stands in front of the colon, without the white space and controls that
 * browsers overlook. Empty: a relative URL. False: too odd to be any. */
static bool url_scheme(struct span url, char ret_scheme[16])
{
    size_t n = 0;
    ret_scheme[0] = '\0';
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c <= ' ' || c == 0x7f)
            continue;
        if (c == '/' || c == '?' || c == '#' || c == '\\')
            break;
        if (c == ':') {
            ret_scheme[n] = '\0';
            return n > 0;
        }
        if (n == 15)
            return memchr(url.ptr + i, ':', url.len - i) == NULL;
        ret_scheme[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    ret_scheme[0] = '\0';
    return true;
}

bool html_url_allowed(struct span url, bool picture)
{
    char scheme[16];
    if (!url_scheme(url, scheme))
        return false;
    if (picture && strcmp(scheme, "data") == 0)
        return html_contains((struct span){ url.ptr, url.len < 40 ? url.len : 40 }, "image/") &&
               !html_contains((struct span){ url.ptr, url.len < 40 ? url.len : 40 }, "svg");
    return !scheme[0] || in_list("http https mailto tel sip ftp ftps cid callto news nntp webcal", span_of(scheme));
}

/* A picture that comes with the message itself. */
bool html_url_inline(struct span url)
{
    char scheme[16];
    return url_scheme(url, scheme) && (strcmp(scheme, "cid") == 0 || strcmp(scheme, "data") == 0);
}

bool html_style_loads(struct span style)
{
    return html_contains(style, "url(") || html_contains(style, "src(") || html_contains(style, "image-set") ||
           html_contains(style, "@import") || (style.len && memchr(style.ptr, '\\', style.len));
}

/* Comments apart, which could hide a word. */
bool html_style_allowed(struct span style)
{
    static const char *const bad[] = { "expression", "javascript", "vbscript", "behavior", "binding", "@charset", "<", "&#", "/*" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (html_contains(style, bad[i]))
            return false;
    return !html_style_loads(style);
}

struct span html_attr(const char *const *attrs, const char *name)
{
    for (size_t i = 0; attrs && attrs[i]; i += 2)
        if (span_eq_nocase(span_of(attrs[i]), span_of(name)))
            return span_of(attrs[i + 1]);
    return (struct span){ 0 };
}

/* So small, or so hidden, that it is there only to be fetched. */
bool html_is_beacon(const char *const *attrs)
{
    static const char *const sides[] = { "width", "height" };
    struct span style = html_attr(attrs, "style");
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        struct span size = span_trim(html_attr(attrs, sides[i]));
        if (size.len && (size.ptr[0] == '0' || size.ptr[0] == '1') && (size.len == 1 || size.ptr[1] == 'p' || size.ptr[1] == '.'))
            return true;
    }
    return html_contains(style, "display:none") || html_contains(style, "display: none") ||
           html_contains(style, "visibility:hidden") || html_contains(style, "visibility: hidden") ||
           html_contains(style, "width:1px") || html_contains(style, "height:1px") || html_contains(style, "width:0") ||
           html_contains(style, "height:0");
}

static bool has_word(const char *words, struct span list)
{
    while (list.len) {
        const char *end = memchr(list.ptr, ' ', list.len);
        struct span word = { list.ptr, end ? (size_t)(end - list.ptr) : list.len };
        if (word.len && in_list(words, word))
            return true;
        list = (struct span){ list.ptr + word.len + (end ? 1 : 0), list.len - word.len - (end ? 1 : 0) };
    }
    return false;
}

/* Marks by which mail programs begin what they quote. */
bool html_begins_quote(struct span element, const char *const *attrs)
{
    struct span style = html_attr(attrs, "style");
    if (span_eq_nocase(element, SPAN("blockquote")))
        return span_eq_nocase(html_attr(attrs, "type"), SPAN("cite")) || has_word(quoting_classes, html_attr(attrs, "class"));
    return has_word(quoting_ids, html_attr(attrs, "id")) || has_word(quoting_classes, html_attr(attrs, "class")) ||
           html_contains(style, "border-top:solid #E1E1E1") || html_contains(style, "border-top:solid #B5C4DF");
}
