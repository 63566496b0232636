/*
 * The page of a FindItem or FindFolder (protocol.md 3.5): which part of the
 * whole is given back, and the paging attributes that clients count by
 * (clients.md 2: exactly "true"/"false", the next offset).
 */
#ifndef EWSD_OPS_PAGE_H
#define EWSD_OPS_PAGE_H

#include "soap/xml.h"

#define PAGE_MAX 1000

enum page_kind { PAGE_NONE, PAGE_INDEXED, PAGE_INDEXED_END, PAGE_FRACTIONAL };

struct page {
    enum page_kind kind;
    uint64_t offset;
    uint64_t max;   /* at most PAGE_MAX */
    uint64_t asked; /* MaxEntriesReturned as it was given; 0: it was not */
    uint64_t numerator, denominator;
};

/* suffix is "ItemView" or "FolderView". CODE_ErrorInvalidIndexedPagingParameters,
 * -InvalidPagingMaxRows, -InvalidFractionalPagingParameters. */
int page_parse(const struct xml_node *operation, const char *suffix, struct page *ret_page);
/* Where the page lies in total entries. */
void page_place(const struct page *page, uint64_t total, uint64_t *ret_start, uint64_t *ret_n);
/* Attributes of m:RootFolder, right after xw_open. */
void page_write(struct xml_writer *xw, const struct page *page, uint64_t total, uint64_t start, uint64_t n);

#endif
