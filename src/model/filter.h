/*
 * What a search asks of an item or a folder: a tree that a Restriction or a query string was
 * read into (soap/filter_read.c, ops/query.c). filter_match is what it means;
 * whatever an engine finds by its indexes is only a shorter way to the same.
 * A comparison with what is unset is false, but for "not equal".
 */
#ifndef EWSD_MODEL_FILTER_H
#define EWSD_MODEL_FILTER_H

#include "model/field.h"

enum filter_op {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT, /* of its first child */
    FILTER_EXISTS,
    FILTER_EXCLUDES, /* none of the bits */
    FILTER_CONTAINS,
    FILTER_EQ,
    FILTER_NE,
    FILTER_GT,
    FILTER_GE,
    FILTER_LT,
    FILTER_LE,
    FILTER_WORDS,
};

enum filter_mode { FILTER_WHOLE, FILTER_PREFIX, FILTER_SUBSTRING, FILTER_WORD_PREFIX, FILTER_PHRASE };

/* Where words are looked for. */
enum filter_in {
    FILTER_IN_SUBJECT = 1 << 0,
    FILTER_IN_BODY = 1 << 1,
    FILTER_IN_FROM = 1 << 2, /* and the sender */
    FILTER_IN_TO = 1 << 3,
    FILTER_IN_CC = 1 << 4,
    FILTER_IN_BCC = 1 << 5,
    FILTER_IN_ATTACHMENTS = 1 << 6, /* their names */
    FILTER_IN_CATEGORIES = 1 << 7,
    FILTER_IN_DETAILS = 1 << 8, /* what only its kind of item has */
    FILTER_IN_ALL = (1 << 9) - 1,
};

enum { FILTER_PHRASE_MAX = 32 }; /* words of one phrase */

struct filter {
    enum filter_op op;
    struct filter *child; /* first */
    struct filter *next;  /* sibling */
    struct field field;
    struct field other;  /* compared with this field, when has_other */
    bool has_other;
    struct value value;  /* the constant; EXCLUDES: number */
    enum filter_mode mode;
    unsigned fold;       /* enum fold */
    struct span folded;  /* the constant, folded so */
    unsigned in;         /* enum filter_in */
    const struct span *words; /* folded, in this order, in one of those texts */
    size_t words_n;
    bool prefix;         /* the begin of a word is enough: of the last, or (each) of all */
    bool each;
};

/* An item that is matched, of which more is read only when that decides; or a folder. */
struct filter_item {
    struct item *item;
    unsigned loaded; /* enum field_load */
    int (*load)(void *arg, struct item *item, unsigned load); /* FIELD_ATTACHMENTS: names */
    void *arg;
    struct arena *arena; /* for what is needed meanwhile */
    const struct folder *folder; /* that is matched instead of an item, by a filter of its fields; or NULL */
};

/* Negative: an errno of load, or -ENOMEM. */
int filter_match(const struct filter *filter, struct filter_item *item, bool *ret_match);

/* Gives each word of an item that words are looked for in, repetitions included.
 * each: not 0 stops, and is returned. Everything has to be loaded. */
int filter_each_word(struct arena *arena, const struct item *item, int (*each)(void *arg, struct span word), void *arg);
/* What has to be loaded for that. */
#define FILTER_WORDS_LOAD (FIELD_RARE | FIELD_RCPTS | FIELD_BODY | FIELD_ATTACHMENTS)

/* A node of that op, zeroed; NULL: memory. */
struct filter *filter_new(struct arena *arena, enum filter_op op);
/* One more child, which is whole; before those that cost more to match. */
void filter_add(struct filter *parent, struct filter *child);
/* The words of text as FILTER_WORDS; NULL with *ret_r 0: it has none. At most FILTER_PHRASE_MAX. */
struct filter *filter_of_text(struct arena *arena, struct span text, unsigned in, int *ret_r);

#endif
