/*
 * Any bytes as a question to Autodiscover, POX and SOAP: it is read the same
 * both times, within the limits; and whatever was asked, the answer is XML in
 * UTF-8, in which what was asked for can be read again.
 */
#include "fuzz.h"

#include "soap/discover.h"
#include "soap/xml_read.h"

static const struct soap_server server = { 15, 0, 847, 32, { "Exchange2013_SP1", 16 } };
static const struct discover_place place = { .url = { "http://localhost/EWS/Exchange.asmx", 34 }, .host = { "localhost", 9 },
                                             .server = &server };

static void check_xml(struct buf *answer)
{
    struct arena *arena = fuzz_arena(64u << 20);
    struct xml_reader *reader;
    struct xml_node *root;
    struct xml_flaw flaw;
    FUZZ_CHECK(buf_error(answer) == 0);
    FUZZ_CHECK_TEXT(span_utf8_ok(buf_span(answer)), buf_span(answer));
    buf_add_char(answer, 0);
    struct xml_source source = { .text = answer->ptr, .len = answer->len - 1 };
    FUZZ_CHECK(xml_reader_new(NULL, XML_LIMITS_USUAL, &reader) == 0);
    FUZZ_CHECK_TEXT(xml_read(reader, &source, arena, NULL, &root, &flaw) == 0, buf_span(answer));
    xml_reader_free(reader);
    arena_free(arena);
}

static void pox(struct arena *arena, struct span bytes, struct buf *out)
{
    struct buf body = BUF_INIT(4u << 20);
    struct span address = { 0 };
    buf_add_span(&body, bytes);
    int r = discover_pox_read(arena, &body, &address);
    FUZZ_CHECK(r == 0 || r == DISCOVER_INVALID || r == DISCOVER_NO_PROVIDER);
    if (r)
        discover_pox_write_error(out, (enum discover_error)r, 1);
    else
        discover_pox_write(out, &place, &(struct discover_user){ .known = true, .address = address, .name = address, .id = SPAN("x") });
    buf_done(&body);
}

static void soap(struct arena *arena, struct span bytes, struct buf *out)
{
    struct buf body = BUF_INIT(4u << 20);
    struct discover_request request = { 0 };
    struct discover_user users[DISCOVER_USERS_MAX] = { 0 };
    struct soap_fault fault = { 0 };
    buf_add_span(&body, bytes);
    int r = discover_soap_read(arena, &body, &request, &fault);
    FUZZ_CHECK(r >= 0);
    FUZZ_CHECK(r || (request.asked_n <= DISCOVER_USERS_MAX && request.settings_n <= DISCOVER_SETTINGS_MAX));
    for (size_t i = 0; r == 0 && i < request.asked_n; i++)
        users[i] = (struct discover_user){ .asked = request.asked[i], .known = i % 2 == 0, .address = request.asked[i],
                                           .name = request.asked[i] };
    if (r)
        soap_fault_write(out, &server, false, &fault);
    else
        discover_soap_write(out, &place, &request, users);
    buf_done(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ways[])(struct arena *, struct span, struct buf *) = { pox, soap };
    const struct span bytes = { (const char *)data, size };
    for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
        struct buf first = BUF_INIT(64u << 20), second = BUF_INIT(64u << 20);
        struct arena *arena = fuzz_arena(64u << 20);
        ways[way](arena, bytes, &first);
        ways[way](arena, bytes, &second);
        FUZZ_CHECK(span_eq(buf_span(&first), buf_span(&second)));
        arena_free(arena);
        check_xml(&first);
        buf_done(&first);
        buf_done(&second);
    }
    return 0;
}
