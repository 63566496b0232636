/*
 * The web page: / and its files below /page/, as they were built in. They are
 * the same for everybody and hold no data, so on the admin listener they are
 * given before log-in; what the page shows it gets from /api and /dev. Nothing
 * from elsewhere may run in it, load into it or frame it.
 */
#include "http/http.h"

#include "base/codec.h"

#define FOLDER "/page/"
#define POLICY                                                                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "            \
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

#define PAGE(symbol, name, type) extern const char page_##symbol##_start[], page_##symbol##_end[];
#include "http/page.def"
#undef PAGE

static const struct page {
    const char *name, *type, *start, *end;
} pages[] = {
#define PAGE(symbol, name, type) { name, type, page_##symbol##_start, page_##symbol##_end },
#include "http/page.def"
#undef PAGE
};

/* Quoted hex of its digest, in the arena. */
static int tag_of(struct arena *arena, struct span text, struct span *ret_tag)
{
    uint8_t digest[SHA256_SIZE];
    char quoted[40];
    struct buf hex = BUF_INIT(sizeof(quoted));
    sha256_parts(&text, 1, digest);
    buf_add_char(&hex, '"');
    hex_encode(&hex, digest, 16);
    buf_add_char(&hex, '"');
    int r = buf_error(&hex);
    if (r == 0)
        r = arena_copy(arena, buf_span(&hex), ret_tag);
    buf_done(&hex);
    return r;
}

static int give(struct http_request *request, const struct page *page, struct http_response *response)
{
    struct span text = { page->start, (size_t)(page->end - page->start) }, tag, known;
    int r = tag_of(request->arena, text, &tag);
    if (r)
        return r;
    response->content_type = page->type;
    http_response_add(response, "ETag", tag);
    http_response_add(response, "Cache-Control", SPAN("no-cache"));
    http_response_add(response, "Content-Security-Policy", SPAN(POLICY));
    http_response_add(response, "X-Content-Type-Options", SPAN("nosniff"));
    http_response_add(response, "Cross-Origin-Resource-Policy", SPAN("same-origin"));
    http_response_add(response, "Referrer-Policy", SPAN("no-referrer"));
    if (http_header(request, "If-None-Match", &known) && span_eq(known, tag)) {
        response->status = 304;
        return 0;
    }
    buf_add_span(&response->body, text);
    return buf_error(&response->body);
}

static int root(struct http_request *request, struct http_response *response)
{
    return give(request, &pages[0], response);
}

static int file(struct http_request *request, struct http_response *response)
{
    struct span name = { request->path.ptr + sizeof(FOLDER) - 1, request->path.len - (sizeof(FOLDER) - 1) };
    for (size_t i = 1; i < ARRAY_LEN(pages); i++)
        if (span_eq(name, span_of(pages[i].name)))
            return give(request, &pages[i], response);
    response->status = 404;
    response->content_type = "text/plain; charset=utf-8";
    buf_add_str(&response->body, "There is no such file of the page.\n");
    return buf_error(&response->body);
}

const struct http_route http_route_page_root = { .path = "/", .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .methods = HTTP_GET, .handle = root };
const struct http_route http_route_page_file = { .path = FOLDER, .on = HTTP_ON_DEV | HTTP_ON_ADMIN, .prefix = true,
                                                 .methods = HTTP_GET, .handle = file };
