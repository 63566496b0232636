/*
 * See ews_world.h.
 */
#include "ews_world.h"

#include "wire_rules.h"

#include "base/log.h"
#include "base/when.h"
#include "mime/mime.h"
#include "model/rights.h"
#include "outbox/runner.h"
#include "store/store_capture.h"
#include "store/store_mail.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM 600
#define NOW INT64_C(1767225600000) /* 2026-01-01 */
#define FILES_MAX 8
#define ITEMS_MAX 8
#define ROUNDS_MAX 32

/* What ids are made for. */
struct thing {
    const char *name;
    struct item item;
};

struct saved_file {
    char name[64];
    struct buf bytes;
};

static struct ews_world world;
static struct arena *lasting; /* as long as the program */
static char folder[FUZZ_FOLDER_SIZE];
static struct saved_file saved[FILES_MAX];
static size_t saved_n;
static struct thing things[ITEMS_MAX];
static size_t things_n;
static uint64_t commits; /* of the store when it was opened */

static int64_t clock_stands(void)
{
    return NOW;
}

/* ---- people and their items ---- */

static void add_item(struct store_tx *tx, struct arena *arena, const char *name, int64_t mailbox_id, enum folder_role role,
                     uint32_t flags, const char *mark)
{
    struct folder in;
    struct item item;
    struct span text;
    struct rcpt to[2] = { { .name = SPAN("Out"), .address = SPAN("out@elsewhere.test") }, { .address = SPAN("carol@example.test") } };
    struct attachment attachment = { .name = span_of(mark), .content_type = SPAN("text/plain") };
    FUZZ_CHECK(arena_printf(arena, &text, "%s %s", name, mark) == 0);
    FUZZ_CHECK(store_folder_by_role(tx, arena, mailbox_id, role, &in) == 0);
    item_init(&item);
    item.mailbox_id = mailbox_id;
    item.folder_no = in.folder_no;
    item.flags = flags | ITEM_HAS_ATTACHMENTS;
    item.subject = item.body = attachment.data = text;
    item.conversation_topic = text;
    item.created = item.modified = item.received = NOW;
    item.to = (struct rcpt_list){ to, 2 };
    item.bcc = (struct rcpt_list){ to + 1, 1 };
    item.message_id = SPAN("<draft@example.test>");
    attachment.size = text.len;
    item.attachments = (struct attachment_list){ &attachment, 1 };
    item.size = item_content_size(&item);
    FUZZ_CHECK(store_item_insert(tx, &item) == 0 && things_n < ITEMS_MAX);
    things[things_n++] = (struct thing){ name, { .mailbox_id = mailbox_id, .folder_no = item.folder_no, .item_no = item.item_no,
                                                 .key_no = item.key_no } };
}

static int make_people(struct store_tx *tx, void *arg)
{
    static const char *const addresses[] = { "alice@example.test", "bob@example.test", "carol@example.test", "dave@example.test" };
    int64_t *boxes = world.mailboxes;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
        FUZZ_CHECK(store_mailbox_create(tx, span_of(addresses[i]), SPAN(""), SPAN("!"), &boxes[i]) == 0);
    FUZZ_CHECK(store_grant_set(tx, boxes[2], boxes[0], RIGHT_reviewer | RIGHT_send_on_behalf) == 0);
    FUZZ_CHECK(store_grant_set(tx, boxes[3], boxes[0], RIGHT_impersonate) == 0);
    add_item(tx, arg, "draft", boxes[0], FOLDER_ROLE_drafts, ITEM_DRAFT | ITEM_READ, "plain");
    add_item(tx, arg, "second", boxes[0], FOLDER_ROLE_drafts, ITEM_DRAFT, "plain");
    add_item(tx, arg, "third", boxes[0], FOLDER_ROLE_inbox, 0, "plain");
    add_item(tx, arg, "sent", boxes[0], FOLDER_ROLE_sentitems, ITEM_READ | ITEM_FROM_ME, "plain");
    add_item(tx, arg, "foreign", boxes[1], FOLDER_ROLE_drafts, ITEM_DRAFT, BOBS_MARK);
    add_item(tx, arg, "shared", boxes[2], FOLDER_ROLE_inbox, 0, "plain");
    add_item(tx, arg, "acting", boxes[3], FOLDER_ROLE_drafts, ITEM_DRAFT, "plain");
    return 0;
}

/* ---- the store, and its beginning ---- */

static void open_store(void)
{
    uint64_t jobs;
    FUZZ_CHECK(store_open(&(struct store_options){ .path = folder, .readers = 2 }, &world.store) == 0);
    store_stats(world.store, &commits, &jobs);
    op_env_init(&world.ops, world.store, &world.conf, NULL);
}

static void path_of(const char *name, char ret_path[PATH_ROOM])
{
    FUZZ_CHECK((size_t)snprintf(ret_path, PATH_ROOM, "%s/%s", folder, name) < PATH_ROOM);
}

static void save_file(const char *name)
{
    char path[PATH_ROOM], bytes[65536];
    struct saved_file *file = &saved[saved_n++];
    path_of(name, path);
    FUZZ_CHECK(saved_n < FILES_MAX && strlen(name) < sizeof(file->name));
    strcpy(file->name, name);
    file->bytes = BUF_INIT(64u << 20);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t n = 1; n > 0;) {
        n = read(fd, bytes, sizeof(bytes));
        FUZZ_CHECK(n >= 0);
        buf_add(&file->bytes, bytes, (size_t)n);
    }
    close(fd);
}

static void each_file(void (*visit)(const char *name))
{
    DIR *dir = opendir(folder);
    FUZZ_CHECK(dir != NULL);
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            visit(entry->d_name);
    closedir(dir);
}

static void remove_file(const char *name)
{
    char path[PATH_ROOM];
    path_of(name, path);
    unlink(path);
}

static void restore_files(void)
{
    char path[PATH_ROOM];
    each_file(remove_file);
    for (size_t i = 0; i < saved_n; i++) {
        path_of(saved[i].name, path);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        struct span bytes = buf_span(&saved[i].bytes);
        FUZZ_CHECK(fd >= 0 && (bytes.len == 0 || write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len));
        close(fd);
    }
}

static void leave(void)
{
    store_close(world.store);
    each_file(remove_file);
    rmdir(folder);
    soap_free(world.soap);
    arena_free(lasting);
}

static void know_alice(struct arena *arena)
{
    struct store_tx *tx;
    FUZZ_CHECK(store_read_begin(world.store, &tx) == 0);
    FUZZ_CHECK(store_mailbox_by_id(tx, arena, world.mailboxes[0], &world.alice.mailbox) == 0);
    store_read_end(tx);
}

static void begin(void)
{
    const struct soap_rules rules = { .served = op_is_served, .limits = XML_LIMITS_USUAL };
    lasting = fuzz_arena(16u << 20);
    log_set_level(LOG_ERROR_LEVEL);
    when_set_clock(clock_stands);
    mime_init();
    conf_init(&world.conf);
    fuzz_folder(folder);
    open_store();
    FUZZ_CHECK(store_write(world.store, make_people, lasting) == 0);
    know_alice(lasting);
    store_close(world.store);
    each_file(save_file);
    open_store();
    FUZZ_CHECK(soap_new(&rules, &world.soap) == 0);
    atexit(leave);
}

struct ews_world *ews_world(void)
{
    if (!world.store)
        begin();
    return &world;
}

void ews_world_reset(struct ews_world *unused)
{
    uint64_t now, jobs;
    (void)unused;
    store_stats(world.store, &now, &jobs);
    if (now == commits)
        return;
    store_close(world.store);
    restore_files();
    open_store();
}

/* ---- ids ---- */

static const struct thing *thing_named(struct span name)
{
    for (size_t i = 0; i < things_n; i++)
        if (span_is(name, things[i].name))
            return &things[i];
    return &things[name.len % 3];
}

static void guid_of(int64_t mailbox_id, uint8_t ret_guid[GUID_SIZE])
{
    static uint8_t guids[4][GUID_SIZE];
    static bool known;
    for (size_t i = 0; !known && i < 4; i++) {
        struct arena *arena = fuzz_arena(1u << 20);
        struct store_mailbox mailbox;
        struct store_tx *tx;
        FUZZ_CHECK(store_read_begin(world.store, &tx) == 0);
        FUZZ_CHECK(store_mailbox_by_id(tx, arena, world.mailboxes[i], &mailbox) == 0);
        memcpy(guids[i], mailbox.guid, GUID_SIZE);
        store_read_end(tx);
        arena_free(arena);
    }
    known = true;
    for (size_t i = 0; i < 4; i++)
        if (world.mailboxes[i] == mailbox_id)
            memcpy(ret_guid, guids[i], GUID_SIZE);
}

static bool fill_token(struct span kind, struct span name, struct buf *out)
{
    const struct item *item = &thing_named(name)->item;
    struct ews_id id = { .folder = item->folder_no, .item = item->item_no, .kind = ID_ITEM };
    guid_of(item->mailbox_id, id.mailbox);
    if (span_is(kind, "changekey") || span_is(kind, "rootkey"))
        change_key_encode(CHANGE_KEY_MESSAGE, store_epoch(world.store), item->key_no, out);
    else if (span_is(kind, "folderkey"))
        change_key_encode(CHANGE_KEY_FOLDER, store_epoch(world.store), 1, out);
    else if (span_is(kind, "folder")) {
        id.kind = ID_FOLDER;
        id.item = 0;
        id_encode(&world.ops.id_key, &id, out);
    } else if (span_is(kind, "attachment")) {
        id.kind = ID_ATTACHMENT;
        id.levels = 1;
        id.attachment[0] = 1;
        id_encode(&world.ops.id_key, &id, out);
    } else if (span_is(kind, "id"))
        id_encode(&world.ops.id_key, &id, out);
    else
        return false;
    return true;
}

void ews_world_fill(struct ews_world *unused, struct span text, struct buf *out)
{
    (void)unused;
    while (text.len) {
        const char *open = memmem(text.ptr, text.len, "{{", 2);
        size_t before = open ? (size_t)(open - text.ptr) : text.len;
        buf_add(out, text.ptr, before);
        text = (struct span){ text.ptr + before, text.len - before };
        const char *close = open ? memmem(text.ptr, text.len, "}}", 2) : NULL;
        struct span token = { text.ptr + 2, close ? (size_t)(close - text.ptr) - 2 : 0 }, kind;
        size_t whole = close ? token.len + 4 : text.len;
        if (close && fuzz_next(&token, ':', &kind) && fill_token(kind, token, out))
            text = (struct span){ text.ptr + whole, text.len - whole };
        else if (text.len) {
            buf_add_char(out, *text.ptr);
            text = (struct span){ text.ptr + 1, text.len - 1 };
        }
    }
}

/* ---- afterwards ---- */

void ews_world_deliver(struct ews_world *unused)
{
    struct outbox outbox = { .options = { .store = world.store, .conf = &world.conf, .capture = true },
                             .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .next_due = WHEN_NONE };
    struct fleet fleet = { .outbox = &outbox, .conf = &world.conf };
    struct arena *arena = fuzz_arena(256u << 20);
    int64_t next;
    int r = 0;
    (void)unused;
    outbox.fleet = &fleet;
    for (int i = 0; r == 0 && i < ROUNDS_MAX; i++)
        r = outbox_dispatch(&outbox, arena, &next);
    FUZZ_CHECK(r == 1);
    arena_free(arena);
}

static void check_counts(struct store_tx *tx, struct arena *arena, int64_t mailbox_id)
{
    struct store_usage *usage;
    size_t n;
    FUZZ_CHECK(store_mailbox_usage(tx, arena, mailbox_id, &usage, &n) == 0);
    for (size_t i = 0; i < n; i++) {
        struct folder in;
        FUZZ_CHECK(store_folder_get(tx, arena, mailbox_id, usage[i].folder_no, &in) == 0);
        FUZZ_CHECK(in.total == usage[i].total && in.unread == usage[i].unread);
    }
}

static bool may_send(struct span address)
{
    return span_eq_nocase(address, SPAN("alice@example.test")) || span_eq_nocase(address, SPAN("carol@example.test")) ||
           span_eq_nocase(address, SPAN("dave@example.test"));
}

static void check_captured(struct store_tx *tx, struct arena *arena, const struct store_capture *capture)
{
    struct span raw;
    struct item item;
    FUZZ_CHECK(store_capture_raw(tx, arena, capture->capture_no, &raw) == 0);
    wire_check(raw, false);
    FUZZ_CHECK_TEXT(wire_count(raw, "From") == 1 && wire_count(raw, "Message-ID") == 1, raw);
    FUZZ_CHECK_TEXT(!fuzz_contains(raw, SPAN(BOBS_MARK)), raw);
    FUZZ_CHECK_TEXT(mime_read(raw, arena, &item) == 0, raw);
    FUZZ_CHECK_TEXT(capture->sender.len == 0 || (may_send(capture->sender) && may_send(item.from.address)), raw);
}

void ews_world_check(struct ews_world *unused)
{
    struct arena *arena = fuzz_arena(256u << 20);
    struct store_capture *captured;
    struct store_tx *tx;
    size_t n;
    (void)unused;
    FUZZ_CHECK(store_read_begin(world.store, &tx) == 0);
    for (size_t i = 0; i < ARRAY_LEN(world.mailboxes); i++)
        check_counts(tx, arena, world.mailboxes[i]);
    FUZZ_CHECK(store_capture_list(tx, arena, 0, 0, &captured, &n) == 0);
    for (size_t i = 0; i < n; i++)
        check_captured(tx, arena, &captured[i]);
    store_read_end(tx);
    arena_free(arena);
}
