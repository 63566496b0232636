/*
 * Chunks of stored content as a source: a piece is a chunk, read when it is
 * asked for, in the snapshot that it was made in or, detached, in one of its
 * own.
 */
#include "model/code.h"
#include "store/store_content.h"
#include "store/store_core.h"
#include "store/store_item.h"

#include <errno.h>

struct chunks {
    struct source source; /* first */
    struct store *store;
    struct store_tx *tx; /* NULL: detached */
    int64_t mailbox_id;
    uint64_t content_no;
    uint32_t part;
    char *piece; /* SOURCE_PIECE */
};

static int read_chunk(struct store_tx *tx, struct chunks *chunks, uint64_t at, struct span *ret_piece)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int r = sql_first(tx, SQL_chunk_one,
                     ARGS(V_INT(chunks->mailbox_id), V_INT(chunks->content_no), V_INT(chunks->part), V_INT(at / CHUNK_SIZE)), &sql);

    if (r != 0)
        return r < 0 ? r : -EUCLEAN;
    struct span data = sql_bytes(&sql, 0);
    if (data.len > SOURCE_PIECE)
        return -EUCLEAN;
    memcpy(chunks->piece, data.ptr, data.len);
    *ret_piece = (struct span){ chunks->piece, data.len };
    return 0;
}

static int read_piece(struct source *source, uint64_t at, struct span *ret_piece)
{
    struct chunks *chunks = (struct chunks *)source;
    CLEANUP(free_ptr_store_read) struct store_tx *own = NULL;
    int r = chunks->tx ? 0 : store_read_begin(chunks->store, &own);

    return r == 0 ? read_chunk(chunks->tx ? chunks->tx : own, chunks, at, ret_piece) : r;
}

int chunks_source(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t content_no, uint32_t part, uint64_t size,
                  struct source **ret_source)
{
    struct chunks *chunks = arena_alloc(arena, sizeof(*chunks));
    char *piece = arena_alloc(arena, SOURCE_PIECE);
    int64_t there = 0;

    if (!chunks || !piece)
        return -ENOMEM;
    int r = sql_number(tx, SQL_chunk_size, ARGS(V_INT(mailbox_id), V_INT(content_no), V_INT(part)), &there);
    if (r != 0 || (uint64_t)there != size)
        return r < 0 ? r : CODE_ErrorItemCorrupt;
    *chunks = (struct chunks){ .source = { .len = size, .read = read_piece }, .store = tx->store, .tx = tx, .mailbox_id = mailbox_id,
                               .content_no = content_no, .part = part, .piece = piece };
    *ret_source = &chunks->source;
    return 0;
}

static void detach(struct source *source)
{
    if (source && source->read == read_piece)
        ((struct chunks *)source)->tx = NULL;
}

void store_item_detach(struct item *item)
{
    detach(item->body_source);
    detach(item->mime_source);
    for (size_t i = 0; i < item->attachments.n; i++) {
        detach(item->attachments.v[i].source);
        if (item->attachments.v[i].item)
            store_item_detach(item->attachments.v[i].item);
    }
}
