/*
 * Wording of violations. libxml2's numbers are fixed by its public interface
 * (xmlerror.h); they are named here so that the library stays in its files.
 * Its messages look like
 *   Element '{uri}Name', attribute 'Id': [facet 'enumeration'] The value 'x' ...
 * and the parts that matter stand between quotes and braces.
 */
#include "soap/xml_flaw.h"

#include <errno.h>

enum {
    LX_DOCUMENT_EMPTY = 4,
    LX_DOCUMENT_END = 5,
    LX_ENTITY_FIRST = 6,
    LX_ENTITY_LAST = 29,
    LX_LT_IN_ATTRIBUTE = 38,
    LX_TAG_NOT_FINISHED = 77,
    LX_SV_DATATYPE = 1824,
    LX_SV_ENUMERATION = 1840,
    LX_SV_ATTRIBUTE_UNKNOWN = 1866,
    LX_SV_ATTRIBUTE_MISSING = 1868,
    LX_SV_CONTENT = 1871,
};

/* What stands after the words before and in front of the words after. */
static struct span between(const char *text, const char *before, const char *after)
{
    const char *start = strstr(text, before);
    const char *end = start ? strstr(start + strlen(before), after) : NULL;

    if (!end)
        return (struct span){ "", 0 };
    start += strlen(before);
    return (struct span){ start, (size_t)(end - start) };
}

#define S(span) (int)(span).len, (span).ptr

static size_t attr_offset(const struct xml_node *node, struct span text, struct span name)
{
    const char *end = text.ptr + text.len;
    const char *p = text.ptr + node->offset;
    char quote = 0;

    for (; p < end && (quote || *p != '>'); p++) {
        if (quote)
            quote = *p == quote ? 0 : quote;
        else if (*p == '"' || *p == '\'')
            quote = *p;
        else if ((*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') && (size_t)(end - p) > name.len + 1 &&
                 memcmp(p + 1, name.ptr, name.len) == 0 && strchr("= \t\r\n", p[1 + name.len]))
            return (size_t)(p + 1 - text.ptr);
    }
    return node->offset;
}

/* "{uri}Name" out of words, from at on; returns behind it, or NULL. */
static const char *braced(const char *at, struct span *ret_uri, struct span *ret_name)
{
    const char *open = strchr(at, '{');
    const char *close = open ? strchr(open, '}') : NULL;

    if (!close)
        return NULL;
    *ret_uri = (struct span){ open + 1, (size_t)(close - open - 1) };
    *ret_name = (struct span){ close + 1, strcspn(close + 1, " ,)'*") };
    return ret_name->ptr + ret_name->len;
}

/* 'A, B' in namespace 'N': expected elements, one group for each namespace. */
static void add_expected(struct buf *out, const char *words)
{
    const char *at = strstr(words, "xpected is");
    const char *line_end = at ? strchr(at, '\n') : NULL;
    struct span uri = { "", 0 }, next_uri, name;
    bool any = false;

    while (at && (at = braced(at, &next_uri, &name)) && (!line_end || name.ptr < line_end)) {
        if (any && span_eq(uri, next_uri)) {
            buf_printf(out, ", %.*s", S(name));
        } else {
            if (any)
                buf_printf(out, "' in namespace '%.*s' as well as ", S(uri));
            buf_printf(out, "%s'%.*s", any ? "" : " List of possible elements expected: ", S(name));
        }
        uri = next_uri;
        any = true;
    }
    if (any)
        buf_printf(out, "' in namespace '%.*s'.", S(uri));
}

static void say_element(struct buf *out, const struct xml_node *node)
{
    buf_printf(out, "element '%.*s' in namespace '%.*s'", S(node->name), S(node->uri));
}

static void say_content(struct buf *out, const char *words, const struct xml_node *node)
{
    if (strstr(words, "Missing child")) {
        buf_add_str(out, "The ");
        say_element(out, node);
        buf_add_str(out, " has incomplete content.");
    } else if (strstr(words, "No matching global")) {
        buf_printf(out, "The '%.*s:%.*s' element is not declared.", S(node->uri), S(node->name));
        return;
    } else if (node->parent && strstr(words, "not expected")) {
        buf_add_str(out, "The ");
        say_element(out, node->parent);
        buf_add_str(out, " has invalid child ");
        say_element(out, node);
        buf_add_str(out, ".");
    } else {
        buf_printf(out, "The '%.*s:%.*s' element is invalid - %s", S(node->uri), S(node->name), words);
        return;
    }
    add_expected(out, words);
}

/* libxml2 does not name the type whose enumeration failed: these are the
 * enumerations of requests. attr NULL: the element's own text; element NULL:
 * any. */
static const char *enumeration_type(const struct xml_node *node, struct span attr)
{
    static const struct {
        const char *element, *attr, *type;
    } rows[] = {
        { "DistinguishedFolderId", "Id", "DistinguishedFolderIdNameType" },
        { "FieldURI", "FieldURI", "UnindexedFieldURIType" },
        { "IndexedFieldURI", "FieldURI", "DictionaryURIType" },
        { "ExceptionFieldURI", "FieldURI", "ExceptionPropertyURIType" },
        { NULL, "PropertyType", "MapiPropertyTypeType" },
        { NULL, "DistinguishedPropertySetId", "DistinguishedPropertySetType" },
        { NULL, "Order", "SortDirectionType" },
        { NULL, "BasePoint", "IndexBasePointType" },
        { NULL, "BodyType", "BodyTypeType" },
        { NULL, "MessageDisposition", "MessageDispositionType" },
        { NULL, "SendMeetingInvitations", "CalendarItemCreateOrDeleteOperationType" },
        { NULL, "SendMeetingCancellations", "CalendarItemCreateOrDeleteOperationType" },
        { NULL, "AffectedTaskOccurrences", "AffectedTaskOccurrencesType" },
        { NULL, "DeleteType", "DisposalType" },
        { "FindItem", "Traversal", "ItemQueryTraversalType" },
        { "FindFolder", "Traversal", "FolderQueryTraversalType" },
        { NULL, "Format", "IdFormatType" },
        { NULL, "DestinationFormat", "IdFormatType" },
        { NULL, "Aggregate", "AggregateType" },
        { NULL, "ContainmentMode", "ContainmentModeType" },
        { NULL, "ContainmentComparison", "ContainmentComparisonType" },
        { "BaseShape", NULL, "DefaultShapeNamesType" },
        { "BodyType", NULL, "BodyTypeResponseType" },
        { "UniqueBodyType", NULL, "BodyTypeResponseType" },
        { "NormalizedBodyType", NULL, "BodyTypeResponseType" },
        { "Importance", NULL, "ImportanceChoicesType" },
        { "Sensitivity", NULL, "SensitivityChoicesType" },
        { "FlagStatus", NULL, "FlagStatusType" },
        { "Status", NULL, "TaskStatusType" },
        { "LegacyFreeBusyStatus", NULL, "LegacyFreeBusyType" },
        { "FileAsMapping", NULL, "FileAsMappingType" },
        { "PostalAddressIndex", NULL, "PhysicalAddressIndexType" },
        { "MailboxType", NULL, "MailboxTypeType" },
        { "StandardGroupBy", NULL, "StandardGroupByType" },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((!rows[i].element || span_is(node->name, rows[i].element)) &&
            (rows[i].attr ? span_is(attr, rows[i].attr) : attr.len == 0))
            return rows[i].type;
    return NULL;
}

/* "uri:Name" of the type. The words spell it '{uri}Name' or 'xs:name'. */
static void add_type(struct buf *out, const char *words, const struct xml_node *node, struct span attr)
{
    const char *type = strstr(words, "type '"), *enumeration = enumeration_type(node, attr);
    struct span uri, name;

    if (type && type[6] == '{' && braced(type, &uri, &name)) {
        buf_printf(out, "%.*s:%.*s", S(uri), S(name));
    } else if (type && strncmp(type + 6, "xs:", 3) == 0) {
        name = (struct span){ type + 9, strcspn(type + 9, "'") };
        buf_printf(out, "http://www.w3.org/2001/XMLSchema:%.*s", S(name));
    } else if (enumeration) {
        buf_printf(out, "%s:%s", NS_TYPES, enumeration);
    }
}

static void say_value(struct buf *out, int code, const char *words, const struct xml_node *node, struct span attr)
{
    struct span value = code == LX_SV_ENUMERATION ? between(words, "The value '", "' is not an element")
                                                  : between(words, ": '", "' is not a valid value");

    if (attr.len)
        buf_printf(out, "The '%.*s' attribute is invalid - ", S(attr));
    else
        buf_printf(out, "The '%.*s:%.*s' element is invalid - ", S(node->uri), S(node->name));
    buf_printf(out, "The value '%.*s' is invalid according to its datatype '", S(value));
    add_type(out, words, node, attr);
    buf_add_str(out, "' - ");
    if (code == LX_SV_ENUMERATION)
        buf_add_str(out, "The Enumeration constraint failed.");
    else
        buf_printf(out, "The string '%.*s' is not a valid value.", S(value));
}

static void say_other(struct buf *out, const char *words)
{
    buf_add(out, words, strcspn(words, "\n"));
}

int xml_flaw_describe(struct arena *arena, int code, const char *words, const struct xml_node *node, struct span text,
                      struct span *ret_text, size_t *ret_offset)
{
    struct buf out = BUF_INIT(8192);
    struct span attr = between(words, ", attribute '", "'");

    switch (code) {
    case LX_SV_ATTRIBUTE_MISSING:
        attr = between(words, "The attribute '", "'");
        buf_printf(&out, "The required attribute '%.*s' is missing.", S(attr));
        break;
    case LX_SV_ATTRIBUTE_UNKNOWN:
        buf_printf(&out, "The '%.*s' attribute is not declared.", S(attr));
        break;
    case LX_SV_CONTENT:
        say_content(&out, words, node);
        break;
    case LX_SV_ENUMERATION:
    case LX_SV_DATATYPE:
        say_value(&out, code, words, node, attr);
        break;
    default:
        say_other(&out, words);
    }
    int r = buf_error(&out);

    r = r < 0 && r != -EFBIG ? r : arena_copy(arena, buf_span(&out), ret_text);
    buf_done(&out);
    if (r == 0)
        *ret_offset = attr.len && code != LX_SV_ATTRIBUTE_MISSING ? attr_offset(node, text, attr) : node->offset;
    return r;
}

int xml_flaw_child(struct arena *arena, const struct xml_node *node, struct span *ret_text)
{
    return arena_printf(arena, ret_text,
                        "The element '%.*s' in namespace '%.*s' has invalid child element '%.*s' in namespace '%.*s'.",
                        S(node->parent->name), S(node->parent->uri), S(node->name), S(node->uri));
}

static const char *malformed_words(int code, const char *words)
{
    static const struct {
        int code;
        const char *words;
    } known[] = {
        { LX_DOCUMENT_EMPTY, "Root element is missing." },
        { LX_DOCUMENT_END, "There are multiple root elements or text after the root element." },
        { LX_TAG_NOT_FINISHED, "Unexpected end of file has occurred." },
        { LX_LT_IN_ATTRIBUTE, "'<', hexadecimal value 0x3C, is an invalid attribute character." },
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].code == code)
            return known[i].words;
    return (code >= LX_ENTITY_FIRST && code <= LX_ENTITY_LAST) || (words && strstr(words, "EntityRef")) ?
               "An error occurred while parsing EntityName." :
               NULL;
}

int xml_flaw_malformed(struct arena *arena, int code, const char *words, uint32_t line, uint32_t position,
                       struct span *ret_text)
{
    const char *known = malformed_words(code, words);
    struct span said = known ? span_of(known) : span_trim(span_of(words ? words : "The request is not XML."));

    return arena_printf(arena, ret_text, "%.*s%s Line %u, position %u.", S(said),
                        said.len && said.ptr[said.len - 1] == '.' ? "" : ".", line, position);
}
