/*
 * Any bytes as the body of a request: parsing and validating must end with a
 * request or a fault. tools/fuzz builds and runs it, with the requests of the
 * golden tests as its corpus.
 */
#include "base/arena.h"
#include "soap/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool served(struct span name)
{
    (void)name;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct soap *soap;
    struct buf body = BUF_INIT(64u << 20);
    struct soap_request request;
    struct soap_fault fault;
    struct arena *arena;
    if (!soap && soap_new(&(struct soap_rules){ .served = served, .limits = XML_LIMITS_USUAL, .version_gate = true }, &soap) != 0)
        abort();
    if (arena_new(64u << 20, &arena) != 0)
        abort();
    buf_add(&body, data, size);
    (void)soap_parse(soap, &body, arena, &request, &fault);
    arena_free(arena);
    buf_done(&body);
    return 0;
}
