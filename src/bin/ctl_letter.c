/*
 * See ctl_letter.h.
 */
#include "bin/ctl_letter.h"

#include "base/when.h"
#include "mime/mime.h"
#include "model/kind.h"
#include "model/mapi.h"
#include "store/store_content.h"
#include "store/store_mail.h"
#include "store/store_outbox.h"

#include <errno.h>
#include <inttypes.h>

#define MARK_LIFE_MS (366 * 86400000LL)

static int put_number(struct arena *arena, struct item *item, int32_t tag, int64_t number)
{
    struct xprop x = { .tag = tag, .id = -1, .type = SPAN("Integer") };
    struct span *value = arena_alloc(arena, sizeof(*value));

    if (!value)
        return -ENOMEM;
    x.values = (struct span_list){ value, 1 };
    int r = arena_printf(arena, value, "%" PRId64, number);
    return r ? r : item_xprop_put(arena, item, &x);
}

/* PR_ICON_INDEX and PR_LAST_VERB_EXECUTED, as an answer that is sent leaves them. */
static int mark_answered(struct arena *arena, struct item *item, uint32_t marks)
{
    bool replied = (marks & MARK_REPLIED) != 0;

    if (!(marks & (MARK_REPLIED | MARK_FORWARDED)))
        return 0;
    item->icon_index = replied ? 261 : 262;
    int r = put_number(arena, item, 0x1080, item->icon_index);
    return r ? r : put_number(arena, item, 0x1081, replied ? 102 : 104);
}

int letter_read(struct arena *arena, const struct store_mailbox *mailbox, const struct parcel *parcel, uint64_t folder_no, struct span name,
                struct letter *letter)
{
    struct item *item = &letter->item;
    struct span bytes;
    int r = arena_copy(arena, parcel->bytes, &bytes);

    item_init(item);
    if (r == 0)
        r = arena_copy(arena, parcel->label, &letter->label);
    if (r == 0)
        r = mime_read(bytes, arena, item);
    if (r == 0)
        r = mark_answered(arena, item, parcel->marks);
    if (r)
        return r;
    item->mailbox_id = mailbox->mailbox_id;
    item->mime = bytes;
    item->kind = ITEM_KIND_MESSAGE;
    item->flags |= ITEM_UNMODIFIED | (parcel->marks & MARK_READ ? ITEM_READ : 0) | (parcel->marks & MARK_DRAFT ? ITEM_DRAFT : 0);
    item->flag_status = parcel->marks & MARK_FLAGGED ? FLAG_FLAGGED : FLAG_NOT_FLAGGED;
    item->received = item->created = item->modified = when_now();
    item->last_modified_name = mailbox->display_name;
    item->conversation_topic = item->conversation_topic.len ? item->conversation_topic : mapi_subject_plain(item->subject);
    item->size = item_content_size(item);
    item->folder_no = folder_no;
    const struct span parts[] = { name, { (const char *)&folder_no, sizeof(folder_no) }, bytes };
    sha256_parts(parts, ARRAY_LEN(parts), letter->key);
    return 0;
}

/* What is refused takes its mark along. */
int letter_store(struct store_tx *tx, struct letter *letter, bool again)
{
    struct item item = letter->item;
    int r = store_savepoint(tx);

    if (r)
        return r;
    r = store_delivery_mark(tx, item.mailbox_id, letter->key, when_now() + MARK_LIFE_MS);
    bool already = r == 1 && !again;
    if (r == 0 || (r == 1 && again))
        r = store_item_insert(tx, &item);
    letter->result = r > 0 && already ? 1 : r;
    if (r < 0)
        return r;
    return r ? store_savepoint_rollback(tx) : store_savepoint_release(tx);
}
