/*
 * Paging; see page.h.
 */
#include "ops/page.h"

#include "model/code.h"

#include <stdio.h>

static const struct xml_node *view(const struct xml_node *operation, const char *prefix, const char *suffix)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s%s", prefix, suffix);
    return xml_child(operation, name);
}

static bool attr_int(const struct xml_node *node, const char *name, int64_t fallback, int64_t *ret_value)
{
    struct span text;
    *ret_value = fallback;
    return !xml_attr(node, name, &text) || span_int(span_trim(text), false, INT32_MIN, INT32_MAX, ret_value);
}

int page_parse(const struct xml_node *operation, const char *suffix, struct page *ret_page)
{
    struct page page = { .max = PAGE_MAX };
    int64_t max, offset = 0, numerator = 0, denominator = 1;
    struct span base;
    const struct xml_node *indexed = view(operation, "IndexedPage", suffix);
    const struct xml_node *fractional = view(operation, "FractionalPage", suffix);
    const struct xml_node *node = indexed ? indexed : fractional;
    if (!node) {
        *ret_page = page;
        return 0;
    }
    if (!attr_int(node, "MaxEntriesReturned", PAGE_MAX, &max) || max <= 0)
        return CODE_ErrorInvalidPagingMaxRows;
    if (indexed && (!attr_int(node, "Offset", 0, &offset) || offset < 0))
        return CODE_ErrorInvalidIndexedPagingParameters;
    if (fractional && (!attr_int(node, "Numerator", 0, &numerator) || !attr_int(node, "Denominator", 1, &denominator) ||
                       numerator < 0 || denominator <= 0 || numerator > denominator))
        return CODE_ErrorInvalidFractionalPagingParameters;
    page.kind = fractional ? PAGE_FRACTIONAL : PAGE_INDEXED;
    if (indexed && xml_attr(node, "BasePoint", &base) && span_is(base, "End"))
        page.kind = PAGE_INDEXED_END;
    page.asked = xml_attr(node, "MaxEntriesReturned", &base) ? (uint64_t)max : 0;
    page.max = max > PAGE_MAX ? PAGE_MAX : (uint64_t)max;
    page.offset = (uint64_t)offset;
    page.numerator = (uint64_t)numerator;
    page.denominator = (uint64_t)denominator;
    *ret_page = page;
    return 0;
}

void page_place(const struct page *page, uint64_t total, uint64_t *ret_start, uint64_t *ret_n)
{
    uint64_t start = page->kind == PAGE_FRACTIONAL ? total * page->numerator / page->denominator : page->offset;
    uint64_t rest = start < total ? total - start : 0;
    uint64_t n = rest < page->max ? rest : page->max;
    if (page->kind == PAGE_INDEXED_END)
        start = rest - n;
    *ret_start = start;
    *ret_n = n;
}

void page_write(struct xml_writer *xw, const struct page *page, uint64_t total, uint64_t start, uint64_t n)
{
    bool last = start + n >= total;
    if (page->kind == PAGE_INDEXED)
        xw_attr_int(xw, "IndexedPagingOffset", (int64_t)(start + n));
    if (page->kind == PAGE_INDEXED_END) {
        xw_attr_int(xw, "IndexedPagingOffset", (int64_t)(page->offset + n));
        last = start == 0;
    }
    if (page->kind == PAGE_FRACTIONAL) {
        xw_attr_int(xw, "NumeratorOffset", (int64_t)(start + n));
        xw_attr_int(xw, "AbsoluteDenominator", (int64_t)total);
    }
    xw_attr_int(xw, "TotalItemsInView", (int64_t)total);
    xw_attr_bool(xw, "IncludesLastItemInRange", last);
}
