/*
 * MarkAllItemsAsRead (protocol.md 3.5): each folder from its newest item on, some
 * hundred items in a job, so that nobody waits for the whole of a large folder.
 * What comes into the folder meanwhile is not marked. In another's mailbox it
 * takes the right to edit every item of the folder.
 */
#include "ops/target.h"
#include "store/store_sync.h"

#define AT_ONCE 250 /* items in a job */

struct marking {
    struct op_call *call;
    const struct xml_node *node;
    bool read;
    int64_t received; /* behind this item */
    uint64_t item_no;
    struct folder folder;
    struct store_unlike *items;
    size_t n;
};

static int find_folder(struct op_call *call, struct store_tx *tx, const struct xml_node *node, struct folder *ret_folder)
{
    struct target_folder t;
    int r = target_folder(call, tx, node, FOLDER_RIGHT_READ | FOLDER_RIGHT_EDIT_ALL, &t);
    if (r)
        return r == CODE_ErrorFolderNotFound && !xml_child(node, "Mailbox") ? CODE_ErrorItemNotFound : r;
    *ret_folder = t.folder;
    return 0;
}

/* The next to be marked, as they are on the disk. */
static int look(struct marking *m)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    access_forget(m->call);
    int r = store_read_begin(m->call->env->store, &tx);
    if (r || (r = find_folder(m->call, tx, m->node, &m->folder)))
        return r;
    return store_sync_unlike(tx, m->call->arena, m->folder.mailbox_id, m->folder.folder_no, m->read, m->received, m->item_no, AT_ONCE,
                             &m->items, &m->n);
}

static int mark_job(struct store_tx *tx, void *arg)
{
    const struct marking *m = arg;
    return store_items_mark_read(tx, m->folder.mailbox_id, m->folder.folder_no, m->items, m->n, m->read);
}

static int mark_folder(struct marking *m)
{
    int r = 0;
    m->received = STORE_SYNC_FIRST;
    m->item_no = STORE_SYNC_FIRST;
    do {
        r = look(m);
        if (r == 0 && m->n > 0)
            r = store_write(m->call->env->store, mark_job, m);
        if (r == 0 && m->n > 0) {
            m->received = m->items[m->n - 1].received;
            m->item_no = m->items[m->n - 1].item_no;
        }
    } while (r == 0 && m->n == AT_ONCE);
    return r;
}

int op_run_MarkAllItemsAsRead(struct op_call *call)
{
    const struct xml_node *list = xml_child(call->node, "FolderIds");
    struct marking m = { .call = call };
    bool stopped = false; /* protocol.md 2.10 */
    struct span text;
    if (xml_child_text(call->node, "ReadFlag", &text))
        (void)span_bool(span_trim(text), &m.read);
    op_messages_begin(call);
    for (m.node = list ? list->child : NULL; m.node; m.node = m.node->next) {
        int r = stopped ? CODE_ErrorBatchProcessingStopped : mark_folder(&m);
        if (r == -ENOMEM)
            return r;
        const struct op_result result = { .code = op_code_of(r) };
        stopped = stopped || code_stops_batch(result.code);
        op_message_begin(call, "m:MarkAllItemsAsReadResponseMessage", &result);
        op_message_end(call);
    }
    op_messages_end(call);
    return 0;
}
