/*
 * Any bytes as the body of a request: parsing and validating end with a
 * request or a fault that can be written, the same
 * both times that they are read. Every operation of the schema is served here.
 */
#include "fuzz.h"

#include "soap/envelope.h"

static bool served(struct span name)
{
    (void)name;
    return true;
}

static int parse(struct soap *soap, struct span bytes, struct buf *ret_answer)
{
    const struct soap_server server = { 15, 0, 847, 32, SPAN("Exchange2013_SP1") };
    struct buf body = BUF_INIT(64u << 20);
    struct soap_request request = { 0 };
    struct soap_fault fault = { 0 };
    struct arena *arena = fuzz_arena(64u << 20);
    buf_add_span(&body, bytes);
    int r = soap_parse(soap, &body, arena, &request, &fault);
    FUZZ_CHECK(r >= 0);
    if (r == SOAP_FAULT)
        soap_fault_write(ret_answer, &server, request.shape_2007, &fault);
    else
        buf_add_span(ret_answer, request.operation->name);
    FUZZ_CHECK(buf_error(ret_answer) == 0);
    arena_free(arena);
    buf_done(&body);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct soap *soap;
    struct span bytes = { (const char *)data, size };
    struct buf first = BUF_INIT(1u << 20), second = BUF_INIT(1u << 20);
    if (!soap)
        FUZZ_CHECK(soap_new(&(struct soap_rules){ .served = served, .limits = XML_LIMITS_USUAL, .version_gate = true }, &soap) == 0);
    int r = parse(soap, bytes, &first);
    FUZZ_CHECK(parse(soap, bytes, &second) == r && span_eq(buf_span(&first), buf_span(&second)));
    FUZZ_CHECK_TEXT(span_utf8_ok(buf_span(&first)), buf_span(&first));
    buf_done(&first);
    buf_done(&second);
    return 0;
}
