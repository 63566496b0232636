/*
 * A list of entries, each one piece of memory with its texts behind it. The
 * oldest go when there are too many bytes.
 */
#include "http/reqlog.h"

#include "http/feed.h"
#include "ops/op.h"
#include "soap/lint.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define OVERHEAD 64 /* bytes that an allocation costs besides */

struct node {
    struct reqlog_entry entry;
    struct node *older, *newer;
    size_t size;
};

struct reqlog {
    pthread_mutex_t lock;
    struct node *oldest, *newest;
    uint64_t bytes, max;
    uint64_t last, n;
    struct feed *feed;
    struct linter linter;
};

int reqlog_new(uint64_t bytes, struct feed *feed, struct reqlog **ret_log)
{
    struct reqlog *log = calloc(1, sizeof(*log));
    if (!log)
        return -ENOMEM;
    log->max = bytes;
    log->feed = feed;
    pthread_mutex_init(&log->lock, NULL);
    linter_init(&log->linter, op_is_served);
    *ret_log = log;
    return 0;
}

void reqlog_free(struct reqlog *log)
{
    if (!log)
        return;
    (void)reqlog_clear(log);
    linter_done(&log->linter);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

struct linter *reqlog_linter(struct reqlog *log)
{
    return &log->linter;
}

/* ---- texts ---- */

enum { TEXTS = 9 };

static void texts_of(struct reqlog_entry *entry, struct span *ret_texts[TEXTS + REQLOG_CODES_MAX])
{
    struct span *const texts[TEXTS] = { &entry->request_id, &entry->user,           &entry->op,     &entry->method, &entry->path,
                                        &entry->request_headers, &entry->answer_headers, &entry->request, &entry->answer };
    memcpy(ret_texts, texts, sizeof(texts));
    for (size_t i = 0; i < REQLOG_CODES_MAX; i++)
        ret_texts[TEXTS + i] = &entry->codes[i];
}

static void cut(struct span *text, size_t max)
{
    text->len = text->len < max ? text->len : max;
    while (text->len && text->len == max && ((unsigned char)text->ptr[text->len - 1] & 0x80)) /* not within a character */
        text->len--, max--;
}

static struct node *make_node(const struct reqlog_entry *entry)
{
    struct reqlog_entry copy = *entry;
    struct span *texts[TEXTS + REQLOG_CODES_MAX];
    size_t size = sizeof(struct node);
    cut(&copy.request, REQLOG_BODY_MAX);
    cut(&copy.answer, REQLOG_BODY_MAX);
    texts_of(&copy, texts);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        size += texts[i]->len;
    struct node *node = calloc(1, size);
    if (!node)
        return NULL;
    node->size = size + OVERHEAD;
    char *to = (char *)(node + 1);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i]->len)
            memcpy(to, texts[i]->ptr, texts[i]->len);
        texts[i]->ptr = to;
        to += texts[i]->len;
    }
    node->entry = copy;
    return node;
}

/* ---- the list ---- */

static void unlink_oldest(struct reqlog *log)
{
    struct node *node = log->oldest;
    log->oldest = node->newer;
    *(log->oldest ? &log->oldest->older : &log->newest) = NULL;
    log->bytes -= node->size;
    log->n--;
    free(node);
}

void reqlog_add(struct reqlog *log, const struct reqlog_entry *entry)
{
    struct node *node = make_node(entry);
    if (!node)
        return;
    pthread_mutex_lock(&log->lock);
    node->entry.id = ++log->last;
    node->older = log->newest;
    *(log->newest ? &log->newest->newer : &log->oldest) = node;
    log->newest = node;
    log->bytes += node->size;
    log->n++;
    while (log->oldest && log->bytes > log->max)
        unlink_oldest(log);
    pthread_mutex_unlock(&log->lock);
    feed_changed(log->feed);
}

void reqlog_counts(struct reqlog *log, uint64_t *ret_last, uint64_t *ret_dropped)
{
    pthread_mutex_lock(&log->lock);
    *ret_last = log->last;
    *ret_dropped = log->last - log->n;
    pthread_mutex_unlock(&log->lock);
}

void reqlog_each(struct reqlog *log, uint64_t after, uint64_t before, bool newest, reqlog_visit *visit, void *arg)
{
    pthread_mutex_lock(&log->lock);
    struct node *node = newest ? log->newest : log->oldest;
    for (bool more = true; node && more; node = newest ? node->older : node->newer)
        if (node->entry.id > after && (before == 0 || node->entry.id < before))
            more = visit(arg, &node->entry);
    pthread_mutex_unlock(&log->lock);
}

struct copying {
    struct arena *arena;
    uint64_t id;
    struct reqlog_entry *entry;
    int result;
};

static bool copy_one(void *arg, const struct reqlog_entry *entry)
{
    struct copying *copying = arg;
    struct span *texts[TEXTS + REQLOG_CODES_MAX];
    *copying->entry = *entry;
    texts_of(copying->entry, texts);
    copying->result = 0;
    for (size_t i = 0; copying->result == 0 && i < ARRAY_LEN(texts); i++)
        copying->result = arena_copy(copying->arena, *texts[i], texts[i]);
    return false;
}

int reqlog_get(struct reqlog *log, struct arena *arena, uint64_t id, struct reqlog_entry *ret_entry)
{
    struct copying copying = { arena, id, ret_entry, 1 };
    reqlog_each(log, id - 1, id + 1, false, copy_one, &copying);
    return copying.result;
}

uint64_t reqlog_clear(struct reqlog *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t n = log->n;
    while (log->oldest)
        unlink_oldest(log);
    pthread_mutex_unlock(&log->lock);
    feed_changed(log->feed);
    return n;
}

/* ---- codes ---- */

static bool has_code(const struct reqlog_entry *entry, struct span code)
{
    for (size_t i = 0; i < entry->codes_n; i++)
        if (span_eq(entry->codes[i], code))
            return true;
    return false;
}

void reqlog_find_codes(struct span answer, struct reqlog_entry *entry)
{
    static const char name[] = ":ResponseCode";
    const char *at = answer.ptr, *end = answer.ptr + answer.len;
    while (entry->codes_n < REQLOG_CODES_MAX && at && at < end && (at = memmem(at, (size_t)(end - at), name, sizeof(name) - 1))) {
        const char *open = memchr(at, '>', (size_t)(end - at));
        const char *close = open ? memchr(open, '<', (size_t)(end - open)) : NULL;
        if (!close)
            return;
        struct span code = span_trim((struct span){ open + 1, (size_t)(close - open - 1) });
        if (code.len && code.len <= 80 && !has_code(entry, code))
            entry->codes[entry->codes_n++] = code;
        at = close + 15 < end ? close + 15 : end; /* behind "</m:ResponseCode" */
    }
}
