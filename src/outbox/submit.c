/*
 * Submission: everything that sends goes through freeze() and queue(), inside
 * the caller's store job. A message is frozen there (From, Date, Message-ID,
 * boundary seed, envelope): later edits of the sent copy never change what
 * leaves (decisions 3, 7). Successes are recorded, so that a repeated SendItem
 * is answered again and sends nothing (decisions 4).
 */
#include "outbox/deferral.h"
#include "outbox/filing.h"
#include "outbox/limit.h"
#include "outbox/local.h"
#include "outbox/originator.h"
#include "outbox/resolve.h"

#include "base/metrics.h"
#include "model/conversation.h"
#include "store/store_mail.h"

#include <errno.h>
#include <stdio.h>

#define HOUR_MS 3600000
#define SUBMIT_DEPTH (STORE_RECIPIENTS)

static bool is_elsewhere(const struct outbox_submit *submit)
{
    return submit->save_folder != 0 && submit->save_mailbox->mailbox_id != submit->mailbox->mailbox_id;
}

bool outbox_leaves_draft(const struct outbox_submit *submit)
{
    return is_elsewhere(submit) && strcmp(submit->conf->senditem_delegate_copy, "documented") == 0;
}

static void replay_key(const struct outbox_submit *submit, uint8_t ret_key[SHA256_SIZE])
{
    const uint64_t elsewhere = is_elsewhere(submit) ? (uint64_t)submit->save_mailbox->mailbox_id : 0;
    const uint64_t numbers[] = { submit->key_no, submit->save_folder, elsewhere };
    const struct span parts[] = {
        { (const char *)submit->caller->guid, STORE_GUID_SIZE },
        { (const char *)submit->sender->guid, STORE_GUID_SIZE },
        { (const char *)numbers, sizeof(numbers) },
        submit->id_text,
    };
    sha256_parts(parts, ARRAY_LEN(parts), ret_key);
}

/* The record of a success is where the sent copy went, if there is one. */
static int replay_find(struct store_tx *tx, const struct outbox_submit *submit, const uint8_t key[SHA256_SIZE],
                       struct outbox_sent *ret_sent)
{
    struct span answer;
    int r = store_replay_find(tx, submit->arena, submit->mailbox->mailbox_id, submit->item_no, key, when_now(), &answer);
    if (r)
        return r;
    return outbox_sent_read(answer, ret_sent);
}

static int replay_put(struct store_tx *tx, const struct outbox_submit *submit, const uint8_t key[SHA256_SIZE],
                      const struct outbox_sent *sent)
{
    struct sent_record record = sent_to_record(sent);
    return store_replay_put(tx, submit->mailbox->mailbox_id, submit->item_no, key,
                            (struct span){ (const char *)&record, sizeof(record) },
                            when_now() + submit->conf->send_replay_hours * HOUR_MS);
}

/* RFC 5322 msg-id, roughly: <left@right> of printable ASCII. */
static bool message_id_ok(struct span id)
{
    if (id.len < 5 || id.len > 900 || id.ptr[0] != '<' || id.ptr[id.len - 1] != '>')
        return false;
    size_t ats = 0;
    for (size_t i = 1; i < id.len - 1; i++) {
        if (id.ptr[i] <= ' ' || id.ptr[i] >= 127 || id.ptr[i] == '<' || id.ptr[i] == '>')
            return false;
        ats += id.ptr[i] == '@';
    }
    return ats == 1 && id.ptr[1] != '@' && id.ptr[id.len - 2] != '@';
}

/* It begins with what leads answers to the item's conversation. */
static int message_id_make(struct arena *arena, const struct item *item, struct span *ret_id)
{
    uint64_t random[2];
    int r = random_bytes(random, sizeof(random));
    if (r)
        return r;
    (void)conversation_seed(item, &random[0]);
    struct span domain = rcpt_address_domain(item->from.address);
    return arena_printf(arena, ret_id, "<%016llx%016llx@%.*s>", (unsigned long long)random[0],
                        (unsigned long long)random[1], (int)domain.len, domain.ptr);
}

static int freeze(struct store_tx *tx, const struct outbox_submit *submit, struct item *item, struct outbox_sent *ret_sent)
{
    bool again = item->item_no != 0 && !(item->flags & ITEM_DRAFT);
    int r = originator_freeze(tx, submit, again, item, &ret_sent->refusal);
    if (r)
        return r;
    if (again || item->flags & ITEM_SENT_ONCE || !message_id_ok(item->message_id)) {
        r = message_id_make(submit->arena, item, &item->message_id);
        if (r)
            return r;
    }
    while (item->boundary_seed == 0) {
        r = random_bytes(&item->boundary_seed, sizeof(item->boundary_seed));
        if (r)
            return r;
    }
    item->sent = when_now();
    item->received = item->sent;
    item->answers = (struct item_answers){ 0 };
    item->flags &= ~(ITEM_DRAFT | ITEM_SUBMITTED | ITEM_SENT_ONCE);
    item->flags |= ITEM_READ;
    return 0;
}

struct envelope {
    struct store_tx *tx;
    const struct conf *conf;
    struct arena *arena;
    struct store_outbox *entry;
    int64_t due;
    struct span *folded; /* of each recipient so far */
    struct span domain;  /* of the last one, with its answer */
    bool domain_local;
    struct span culprit;
};

static int envelope_is_local(struct envelope *envelope, struct span folded, bool *ret_local)
{
    struct span domain = rcpt_address_domain(folded);
    if (local_is_shared(envelope->conf, domain))
        return local_address(envelope->tx, envelope->arena, envelope->conf, folded, ret_local);
    if (!span_eq(domain, envelope->domain)) {
        int r = local_domain(envelope->tx, envelope->conf, domain, &envelope->domain_local);
        if (r)
            return r;
        envelope->domain = domain;
    }
    *ret_local = envelope->domain_local;
    return 0;
}

static int envelope_add(struct envelope *envelope, const struct rcpt *rcpt)
{
    bool smtp = rcpt->routing.len == 0 || span_eq_nocase(rcpt->routing, SPAN("SMTP"));
    bool known = span_eq_nocase(rcpt->routing, SPAN("EX")) || span_is(rcpt->routing, RCPT_ROUTING_CONTACT);
    if (!smtp && !known)
        return CODE_ErrorInvalidRoutingType;
    if (!smtp || !rcpt_address_ok(rcpt->address)) {
        envelope->culprit = rcpt->address.len ? rcpt->address : rcpt->name.len ? rcpt->name : SPAN("(no name and no address)");
        return CODE_ErrorInvalidRecipients;
    }
    struct span folded;
    int r = rcpt_address_fold(envelope->arena, rcpt->address, &folded);
    if (r)
        return r;
    struct store_outbox *entry = envelope->entry;
    for (size_t i = 0; i < entry->rcpts_n; i++)
        if (span_eq(envelope->folded[i], folded))
            return 0;
    bool local = false;
    r = envelope_is_local(envelope, folded, &local);
    if (r)
        return r;
    envelope->folded[entry->rcpts_n] = folded;
    entry->rcpts[entry->rcpts_n++] = (struct store_outbox_rcpt){
        .address = rcpt->address,
        .name = rcpt->name,
        .kind = local ? STORE_RCPT_LOCAL : STORE_RCPT_REMOTE,
        .state = STORE_RCPT_QUEUED,
        .next_attempt = envelope->due,
    };
    return 0;
}

/* To, Cc and Bcc, each address once (decisions 9). */
static int envelope_fill(struct envelope *envelope, const struct item *item)
{
    size_t n = item_recipient_count(item) + 1; /* and the copy into another mailbox */
    envelope->entry->rcpts = arena_array(envelope->arena, n, sizeof(*envelope->entry->rcpts));
    envelope->folded = arena_array(envelope->arena, n, sizeof(*envelope->folded));
    if (!envelope->entry->rcpts || !envelope->folded)
        return -ENOMEM;
    const struct rcpt_list *lists[] = { &item->to, &item->cc, &item->bcc };
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        for (size_t i = 0; i < lists[l]->n; i++) {
            int r = envelope_add(envelope, &lists[l]->v[i]);
            if (r)
                return r;
        }
    }
    return 0;
}

/* Of a message that is written from its properties: what no header can hold is
 * refused now, not reported later. */
static int check_reply_to(const struct item *item, struct envelope *envelope)
{
    const struct rcpt_list *list = &item->reply_to;
    if (item->mime.len || item->flags & ITEM_HAS_MIME)
        return 0;
    for (size_t i = 0; i < list->n; i++) {
        bool smtp = list->v[i].routing.len == 0 || span_eq_nocase(list->v[i].routing, SPAN("SMTP"));
        if (!smtp || !rcpt_address_is_hazard(list->v[i].address))
            continue;
        envelope->culprit = list->v[i].address;
        return CODE_ErrorInvalidRecipients;
    }
    return 0;
}

/* The envelope, checked (2.11: 11 and 12); nothing is written yet. */
static int prepare(struct store_tx *tx, const struct conf *conf, struct arena *arena, const struct item *item, int without,
                   struct store_outbox *ret_entry, struct outbox_sent *ret_sent)
{
    int r = limit_message(conf, item, without, ret_sent);
    if (r)
        return r;
    int64_t now = when_now(), due = deferral_due(item, now);
    *ret_entry = (struct store_outbox){
        .mailbox_id = item->mailbox_id,
        .created = now,
        .expires = due + conf->outbox_expire * 1000,
    };
    struct envelope envelope = { .tx = tx, .conf = conf, .arena = arena, .entry = ret_entry, .due = due };
    r = envelope_fill(&envelope, item);
    if (r == 0)
        r = check_reply_to(item, &envelope);
    if (r > 0)
        ret_sent->culprit = envelope.culprit;
    return r;
}

static void address_entry(const struct item *item, struct store_outbox *entry)
{
    entry->envelope_sender = item->sender.address; /* a delegate gets the reports on what it sent */
    entry->message_id = item->message_id;
    entry->date = item->sent;
    entry->boundary_seed = item->boundary_seed;
}

static int queue(struct store_tx *tx, struct item *item, struct store_outbox *entry)
{
    address_entry(item, entry);
    int r = store_outbox_insert(tx, item, entry);
    if (r == 0)
        metric_add(METRIC_outbox_submitted, 1);
    return r;
}

static int save_folder_exists(struct store_tx *tx, struct arena *arena, int64_t mailbox_id, uint64_t folder_no)
{
    if (folder_no == 0)
        return 0;
    struct folder folder;
    int r = store_folder_get(tx, arena, mailbox_id, folder_no, &folder);
    return r > 0 ? CODE_ErrorSavedItemFolderNotFound : r;
}

/* Is it still what the client saw, and may it be sent at all? (2.11: 8 to 10) */
static int load_draft(struct store_tx *tx, const struct outbox_submit *submit, struct item *ret_item)
{
    int r = store_item_get(tx, submit->arena, submit->mailbox->mailbox_id, submit->item_no, SUBMIT_DEPTH, ret_item);
    if (r)
        return r;
    if (ret_item->folder_no != submit->folder_no)
        return CODE_ErrorItemNotFound;
    if (ret_item->kind != ITEM_KIND_MESSAGE && ret_item->kind != ITEM_KIND_POST)
        return CODE_ErrorInvalidItemForOperationSendItem;
    if (ret_item->key_no != submit->key_no)
        return CODE_ErrorIrresolvableConflict;
    return 0;
}

/* A draft that was sent is not there any more, or not with this ChangeKey: so
 * only then an earlier success is looked for. */
static int replayed(struct store_tx *tx, const struct outbox_submit *submit, const uint8_t key[SHA256_SIZE], int code,
                    struct outbox_sent *ret_sent)
{
    int r = replay_find(tx, submit, key, ret_sent);
    if (r == 0)
        metric_add(METRIC_outbox_replayed, 1);
    return r > 0 ? code : r;
}

/* Decisions 5: the entry, and a draft untouched but for its ChangeKey, so that
 * the old one is known as a replay and a new one is a new send. */
static int leave_draft(struct store_tx *tx, struct item *item, struct item *draft, struct store_outbox *entry,
                       struct outbox_sent *ret_sent)
{
    int r = store_outbox_insert(tx, item, entry);
    draft->flags |= ITEM_SENT_ONCE;
    ret_sent->uncopied = true;
    return r ? r : store_item_update(tx, draft, true);
}

/* The draft goes, and a recipient more is the copy. */
static int file_elsewhere(struct store_tx *tx, const struct outbox_submit *submit, struct item *item, const struct item *draft,
                          struct store_outbox *entry, struct outbox_sent *ret_sent)
{
    int r = store_mailbox_room(tx, submit->save_mailbox->mailbox_id, item->size);
    if (r == 0)
        r = filing_add(submit, entry);
    if (r)
        return r;
    item->folder_no = 0;
    item->creator_id = submit->save_mailbox->mailbox_id == submit->sender->mailbox_id ? 0 : submit->sender->mailbox_id;
    r = store_outbox_submit(tx, item, draft, entry);
    ret_sent->filing = (struct store_outbox_key){ entry->mailbox_id, entry->outbox_no };
    ret_sent->draft_no = draft->item_no;
    return r;
}

/* What is queued, and what becomes of the draft (protocol.md 2.6, 2.8). */
static int submit_draft(struct store_tx *tx, const struct outbox_submit *submit, struct item *item, struct item *draft,
                        struct store_outbox *entry, struct outbox_sent *ret_sent)
{
    address_entry(item, entry);
    if (is_elsewhere(submit))
        return outbox_leaves_draft(submit) ? leave_draft(tx, item, draft, entry, ret_sent)
                                           : file_elsewhere(tx, submit, item, draft, entry, ret_sent);
    item->folder_no = submit->save_folder;
    int r = store_outbox_submit(tx, item, draft, entry);
    if (r)
        return r == CODE_ErrorFolderNotFound ? CODE_ErrorSavedItemFolderNotFound : r;
    if (submit->save_folder != 0) {
        ret_sent->folder_no = item->folder_no;
        ret_sent->item_no = item->item_no;
    }
    return 0;
}

int outbox_submit(struct store_tx *tx, const struct outbox_submit *submit, struct outbox_sent *ret_sent)
{
    *ret_sent = (struct outbox_sent){ 0 };
    uint8_t key[SHA256_SIZE];
    replay_key(submit, key);
    struct item draft;
    int r = load_draft(tx, submit, &draft);
    if (r > 0)
        return submit->edited ? r : replayed(tx, submit, key, r, ret_sent);
    if (r)
        return r;
    if ((r = resolve_names(tx, submit->arena, &draft)))
        return r;
    struct item item = draft;
    struct store_outbox entry;
    const int without = submit->edited ? CODE_ErrorInvalidRecipients : CODE_ErrorMissingRecipients;
    r = prepare(tx, submit->conf, submit->arena, &item, without, &entry, ret_sent);
    if (r == 0)
        r = freeze(tx, submit, &item, ret_sent);
    if (r == 0)
        r = limit_queue(tx, submit->conf, ret_sent);
    if (r == 0)
        r = limit_pace(tx, submit->conf, submit->sender->mailbox_id, ret_sent);
    if (r == 0)
        r = submit_draft(tx, submit, &item, &draft, &entry, ret_sent);
    if (r)
        return r;
    ret_sent->submitted = true;
    ret_sent->answers = draft.answers;
    metric_add(METRIC_outbox_submitted, 1);
    memcpy(ret_sent->replay_key, key, sizeof(key));
    return submit->edited ? 0 : replay_put(tx, submit, key, ret_sent);
}

int outbox_submit_new(struct store_tx *tx, const struct outbox_submit *submit, struct item *item, struct outbox_sent *ret_sent)
{
    *ret_sent = (struct outbox_sent){ 0 };
    int r = save_folder_exists(tx, submit->arena, submit->mailbox->mailbox_id, submit->save_folder);
    if (r)
        return r;
    item->mailbox_id = submit->mailbox->mailbox_id;
    struct store_outbox entry;
    r = resolve_names(tx, submit->arena, item);
    if (r == 0)
        r = prepare(tx, submit->conf, submit->arena, item, CODE_ErrorInvalidRecipients, &entry, ret_sent);
    if (r == 0)
        r = freeze(tx, submit, item, ret_sent);
    if (r == 0)
        r = limit_queue(tx, submit->conf, ret_sent);
    if (r == 0)
        r = limit_pace(tx, submit->conf, submit->sender->mailbox_id, ret_sent);
    if (r)
        return r;
    if (submit->save_folder != 0) {
        item->folder_no = submit->save_folder;
        r = store_item_insert(tx, item);
        if (r)
            return r;
        ret_sent->folder_no = item->folder_no;
        ret_sent->item_no = item->item_no;
    }
    ret_sent->submitted = true;
    return queue(tx, item, &entry);
}
