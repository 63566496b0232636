/*
 * libxml2's XML Schema under schema.h. The files are read from memory under
 * the private address ewsd-schema:/NAME, so imports between them resolve
 * without a file system. Between the marks <!-- any-order --> and
 * <!-- /any-order --> the lenient schema reads xs:sequence as a repeated
 * xs:choice.
 */
#include "soap/schema.h"

#include "base/buf.h"
#include "soap/schema_data.h"

#include <errno.h>
#include <libxml/xmlschemas.h>
#include <libxml/xmlschemastypes.h>
#include <pthread.h>
#include <stdlib.h>

#define SCHEMA_SIZE_MAX (4 << 20)
#define VIOLATION_SIZE 1024
#define ADDRESS_STRICT "ewsd-schema:/strict/"
#define ADDRESS_LENIENT "ewsd-schema:/lenient/"

struct schema {
    xmlSchemaPtr compiled;
};

struct schema_check {
    xmlSchemaValidCtxtPtr valid;
    xmlSAXHandlerPtr sax; /* the validator's handlers, while plugged */
    void *sax_arg;
    xmlSchemaSAXPlugPtr plug;
    bool forgiven; /* that it is not valid was told */
    int code;
    size_t len;
    char violation[VIOLATION_SIZE];
};

struct span schema_file_text(enum schema_file file)
{
    static const struct {
        const unsigned char *start, *end;
    } files[SCHEMA_FILE_COUNT] = {
        [SCHEMA_TYPES] = { schema_types_start, schema_types_end },
        [SCHEMA_MESSAGES] = { schema_messages_start, schema_messages_end },
        [SCHEMA_SOAP] = { schema_soap_start, schema_soap_end },
    };

    return (struct span){ (const char *)files[file].start, (size_t)(files[file].end - files[file].start) };
}

static const char *const file_names[SCHEMA_FILE_COUNT] = {
    [SCHEMA_TYPES] = "types.xsd",
    [SCHEMA_MESSAGES] = "messages.xsd",
    [SCHEMA_SOAP] = "soap.xsd",
};

/* ---- the two readings of one text ---- */

static void add_replaced(struct buf *out, struct span text, const char *from, const char *to)
{
    const char *at = text.ptr, *end = text.ptr + text.len, *found;
    size_t len = strlen(from);

    while ((found = memmem(at, (size_t)(end - at), from, len))) {
        buf_add(out, at, (size_t)(found - at));
        buf_add_str(out, to);
        at = found + len;
    }
    buf_add(out, at, (size_t)(end - at));
}

static void add_any_order(struct buf *out, struct span text)
{
    struct buf half = BUF_INIT(SCHEMA_SIZE_MAX);

    add_replaced(&half, text, "<xs:sequence>", "<xs:choice minOccurs=\"0\" maxOccurs=\"unbounded\">");
    add_replaced(out, buf_span(&half), "</xs:sequence>", "</xs:choice>");
    buf_done(&half);
}

static void add_lenient(struct buf *out, struct span text)
{
    static const char open[] = "<!-- any-order -->", close[] = "<!-- /any-order -->";
    const char *at = text.ptr, *end = text.ptr + text.len;

    while (at < end) {
        const char *first = memmem(at, (size_t)(end - at), open, sizeof(open) - 1);
        const char *last = first ? memmem(first, (size_t)(end - first), close, sizeof(close) - 1) : NULL;

        if (!last)
            break;
        buf_add(out, at, (size_t)(first - at));
        add_any_order(out, (struct span){ first, (size_t)(last - first) });
        at = last;
    }
    buf_add(out, at, (size_t)(end - at));
}

/* ---- files from memory, for libxml2 ---- */

struct opened {
    struct buf text;
    size_t at;
};

static int address_match(const char *address)
{
    return strncmp(address, "ewsd-schema:/", strlen("ewsd-schema:/")) == 0;
}

static void *address_open(const char *address)
{
    const char *name = strrchr(address, '/') + 1;

    for (int file = 0; file < SCHEMA_FILE_COUNT; file++) {
        if (strcmp(name, file_names[file]) != 0)
            continue;
        struct opened *opened = calloc(1, sizeof(*opened));

        if (!opened)
            return NULL;
        opened->text = BUF_INIT(SCHEMA_SIZE_MAX);
        if (strncmp(address, ADDRESS_LENIENT, strlen(ADDRESS_LENIENT)) == 0)
            add_lenient(&opened->text, schema_file_text((enum schema_file)file));
        else
            buf_add_span(&opened->text, schema_file_text((enum schema_file)file));
        return opened;
    }
    return NULL;
}

static int address_read(void *arg, char *to, int len)
{
    struct opened *opened = arg;
    size_t left = opened->text.len - opened->at;
    size_t n = left < (size_t)len ? left : (size_t)len;

    if (n)
        memcpy(to, opened->text.ptr + opened->at, n);
    opened->at += n;
    return (int)n;
}

static int address_close(void *arg)
{
    struct opened *opened = arg;

    buf_done(&opened->text);
    free(opened);
    return 0;
}

/* What the library can tell nobody in particular, as when memory is short, it
 * would write to standard error, into our log. */
static void say_nothing(void *arg ATTR_UNUSED, const char *format ATTR_UNUSED, ...)
{
}

static void library_init(void)
{
    xmlInitParser();
    xmlSetGenericErrorFunc(NULL, say_nothing);
    xmlThrDefSetGenericErrorFunc(NULL, say_nothing);
    xmlRegisterDefaultInputCallbacks();
    xmlRegisterInputCallbacks(address_match, address_open, address_read, address_close);
    xmlSchemaInitTypes();
}

static void ignore_error(void *arg ATTR_UNUSED, xmlErrorPtr error ATTR_UNUSED)
{
}

int schema_new(bool lenient, struct schema **ret_schema)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct schema *schema = calloc(1, sizeof(*schema));

    if (!schema)
        return -ENOMEM;
    pthread_once(&once, library_init);
    xmlSchemaParserCtxtPtr parser =
        xmlSchemaNewParserCtxt(lenient ? ADDRESS_LENIENT "soap.xsd" : ADDRESS_STRICT "soap.xsd");

    if (parser) {
        xmlSchemaSetParserStructuredErrors(parser, ignore_error, NULL);
        schema->compiled = xmlSchemaParse(parser);
        xmlSchemaFreeParserCtxt(parser);
    }
    if (!schema->compiled) {
        free(schema);
        return parser ? -EINVAL : -ENOMEM;
    }
    *ret_schema = schema;
    return 0;
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    xmlSchemaFree(schema->compiled);
    free(schema);
}

/* ---- checks ---- */

/* Keeps the messages up to the buffer's size, the first one's number first. */
static void note_violation(void *arg, xmlErrorPtr error)
{
    struct schema_check *check = arg;
    size_t len = error->message ? strlen(error->message) : 0;
    size_t room = sizeof(check->violation) - 1 - check->len;

    if (check->code == 0)
        check->code = error->code ? error->code : XML_SCHEMAV_ELEMENT_CONTENT;
    len = len < room ? len : room;
    if (len)
        memcpy(check->violation + check->len, error->message, len);
    check->len += len;
    check->violation[check->len] = 0;
}

int schema_check_new(const struct schema *schema, struct schema_check **ret_check)
{
    struct schema_check *check = calloc(1, sizeof(*check));

    if (!check)
        return -ENOMEM;
    check->valid = xmlSchemaNewValidCtxt(schema->compiled);
    if (!check->valid) {
        free(check);
        return -ENOMEM;
    }
    xmlSchemaSetValidStructuredErrors(check->valid, note_violation, check);
    *ret_check = check;
    return 0;
}

void schema_check_free(struct schema_check *check)
{
    if (!check)
        return;
    schema_check_finish(check);
    xmlSchemaFreeValidCtxt(check->valid);
    free(check);
}

void schema_check_forgive(struct schema_check *check)
{
    check->forgiven = true;
    check->code = 0;
    check->len = 0;
    check->violation[0] = 0;
}

int schema_check_begin(struct schema_check *check)
{
    schema_check_finish(check);
    schema_check_forgive(check);
    check->forgiven = false;
    check->sax = NULL;
    check->plug = xmlSchemaSAXPlug(check->valid, &check->sax, &check->sax_arg);
    return check->plug ? 0 : -ENOMEM;
}

void schema_check_start(struct schema_check *check, const unsigned char *name, const unsigned char *prefix,
                        const unsigned char *uri, int n_namespaces, const unsigned char **namespaces, int n_attrs,
                        int n_defaulted, const unsigned char **attrs)
{
    check->sax->startElementNs(check->sax_arg, name, prefix, uri, n_namespaces, namespaces, n_attrs, n_defaulted,
                               attrs);
}

void schema_check_text(struct schema_check *check, const unsigned char *text, int len)
{
    check->sax->characters(check->sax_arg, text, len);
}

void schema_check_end(struct schema_check *check, const unsigned char *name, const unsigned char *prefix,
                      const unsigned char *uri)
{
    check->sax->endElementNs(check->sax_arg, name, prefix, uri);
}

void schema_check_finish(struct schema_check *check)
{
    if (check->plug)
        xmlSchemaSAXUnplug(check->plug);
    check->plug = NULL;
}

const char *schema_check_violation(const struct schema_check *check)
{
    return check->code ? check->violation : NULL;
}

bool schema_check_failed(const struct schema_check *check)
{
    return check->code == XML_SCHEMAV_INTERNAL || (check->code == 0 && !check->forgiven && xmlSchemaIsValid(check->valid) != 1);
}

int schema_check_code(const struct schema_check *check)
{
    return check->code;
}
