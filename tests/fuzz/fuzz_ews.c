/*
 * Any bytes as the body of a request of alice's, all the way: parsed,
 * validated, run by its operation on a store in memory, delivered. The answer
 * is XML that is valid against our schema, or a fault; it is never an internal
 * error, never more than memory should need, and never holds what is bob's.
 * The counts of the store agree afterwards, and what left keeps the rules.
 * Inputs are requests as in tests/golden, with their {{id:draft}} and the like;
 * one that begins with ONCE brings an Idempotency-Key and is played twice.
 */
#include "ews_world.h"
#include "xml_mutate.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#define ONCE "<!-- once -->"
#define MEMORY_MAX (128u << 20)
#define ANSWER_MAX (64u << 20)

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return xml_mutate(data, size, max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t max, unsigned seed)
{
    return xml_cross(a, a_size, b, b_size, out, max, seed);
}

/* ---- the answer ---- */

static void be_silent(void *arg, const char *format, ...)
{
    (void)arg;
    (void)format;
}

static xmlSchemaPtr schema_read(void)
{
    static xmlSchemaPtr schema;
    if (!schema) {
        xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(SCHEMA_FOLDER "/messages.xsd");
        schema = xmlSchemaParse(parser);
        xmlSchemaFreeParserCtxt(parser);
        FUZZ_CHECK(schema != NULL);
        xmlSetGenericErrorFunc(NULL, be_silent);
    }
    return schema;
}

static xmlNodePtr child_named(xmlNodePtr node, const char *name)
{
    for (xmlNodePtr child = node ? node->children : NULL; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && strcmp((const char *)child->name, name) == 0)
            return child;
    return NULL;
}

static void check_answer(struct span answer, bool fault)
{
    xmlSchemaPtr schema = schema_read();
    xmlDocPtr doc = xmlReadMemory(answer.ptr, (int)answer.len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOERROR);
    FUZZ_CHECK_TEXT(doc != NULL, answer);
    xmlNodePtr body = child_named(xmlDocGetRootElement(doc), "Body"), payload = body ? xmlFirstElementChild(body) : NULL;
    FUZZ_CHECK_TEXT(payload && !xmlNextElementSibling(payload), answer);
    FUZZ_CHECK_TEXT((strcmp((const char *)payload->name, "Fault") == 0) == fault, answer);
    if (!fault) {
        xmlSchemaValidCtxtPtr check = xmlSchemaNewValidCtxt(schema);
        FUZZ_CHECK_TEXT(xmlSchemaValidateOneElement(check, payload) == 0, answer);
        xmlSchemaFreeValidCtxt(check);
    }
    xmlFreeDoc(doc);
}

static void check_secrets(struct span answer)
{
    static const char *const never[] = { "ResponseCode>ErrorInternalServer", "ResponseCode>ErrorNotEnoughMemory", BOBS_MARK };
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        FUZZ_CHECK_TEXT(!fuzz_contains(answer, span_of(never[i])), answer);
}

/* ---- the request ---- */

static void play(struct ews_world *world, struct span text, bool once)
{
    struct arena *arena = fuzz_arena(MEMORY_MAX);
    struct buf body = BUF_INIT(16u << 20), answer = BUF_INIT(ANSWER_MAX);
    struct soap_request request = { 0 };
    struct soap_fault fault = { 0 };
    struct op_reply reply;
    struct op_call *call;
    buf_add_span(&body, text);
    struct op_once *key = once ? op_once_new(arena, SPAN("a-key"), buf_span(&body)) : NULL;
    int r = soap_parse(world->soap, &body, arena, &request, &fault);
    FUZZ_CHECK(r == 0 || r == SOAP_FAULT);
    if (r == 0) {
        const struct op_request asked = { .env = &world->ops, .caller = &world->alice, .arena = arena, .soap = &request, .once = key,
                                          .id = SPAN("id") };
        FUZZ_CHECK(op_dispatch(&asked, &answer, &reply, &call) == 0);
        check_secrets(buf_span(&answer));
        check_answer(buf_span(&answer), reply.status != 200);
    }
    buf_done(&answer);
    buf_done(&body);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = { (const char *)data, size };
    struct ews_world *world = ews_world();
    struct buf text = BUF_INIT(16u << 20);
    bool once = span_starts(input, SPAN(ONCE));
    ews_world_fill(world, input, &text);
    if (buf_error(&text) == 0 && !fuzz_contains(buf_span(&text), SPAN(BOBS_MARK))) {
        play(world, buf_span(&text), once);
        if (once)
            play(world, buf_span(&text), once);
        ews_world_deliver(world);
        ews_world_check(world);
        ews_world_reset(world);
    }
    buf_done(&text);
    return 0;
}
