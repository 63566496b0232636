/*
 * Is the store whole? First the engine looks at its file; then what must hold
 * between rows is asked for, a row of checks.def each; then what no statement
 * can see: the blobs of properties, and the tree of folders. Each mailbox is
 * looked at in one snapshot, so that what is counted agrees, and no snapshot
 * lasts longer than that.
 */
#include "store/store_core.h"
#include "store/store_item.h"
#include "store/store_keep.h"
#include "store/store_mail.h"
#include "store/store_mailbox.h"

#include <errno.h>

#define COMPLAINTS 100 /* of the engine */
#define MEMORY (64u << 20)
#define WHAT_SIZE 256

#define LOST_MAILBOX "nothing uses it; restore a backup if the mailbox should be there"
#define HARMLESS "nothing uses it"
#define REPAIR "ewsctl store check --repair counts anew"
#define RESTORE "restore a backup"
#define UNREADABLE "the item cannot be read; delete it for good, or restore a backup"
#define UNSENDABLE "it cannot be sent; ewsctl queue remove, or restore a backup"
#define DAMAGED "stop the server, keep a copy of the store, and restore a backup"

enum scope { STORE, MAILBOX };
enum { NONE = -1 };

static const struct check {
    enum store_statement find;
    enum scope scope;
    const char *table, *what, *advice;
    int repair; /* statement, or NONE */
} checks[] = {
#define SQL_NONE NONE
#define CHECK(find, scope, table, what, advice, repair) { SQL_##find, scope, table, what, advice, SQL_##repair },
#include "store/checks.def"
#undef CHECK
};

_Static_assert(ITEM_READ == 2 && ITEM_HAS_ATTACHMENTS == 64 && ITEM_ASSOCIATED == 1024 && ITEM_LENT == 16384,
               "as check_item_keys and check_content_refs have them");
_Static_assert(ATTACHMENT_ITEM == 1, "as the checks of attachments have it");
_Static_assert(INLINE_BODY == 65536 && PART_BODY == 0 && PART_MIME == 1 && PART_ATTACHMENT == 2 && PART_DATA == 2,
               "as the checks of content have them");

/* One look at the store. */
struct look {
    struct store *store;
    const struct store_check *check;
    const struct store_mailbox *mailbox; /* NULL: the store as a whole */
    struct store_tx *tx;
    struct arena *arena; /* for a row or so */
    uint64_t done, all;  /* mailboxes */
};

static bool is_over(const struct look *look)
{
    const struct store_watch *watch = &look->check->watch;

    return watch->tick && watch->tick(watch->arg, look->done, look->all);
}

/* ---- telling ---- */

static int tell(const struct look *look, const char *table, uint64_t number, struct span what, const char *advice, bool repaired)
{
    struct store_problem problem = { .table = table, .number = number, .what = what, .advice = advice, .repaired = repaired };

    if (look->mailbox) {
        problem.mailbox_id = look->mailbox->mailbox_id;
        problem.mailbox = look->mailbox->address;
    }
    return look->check->found(look->check->arg, &problem);
}

/* `what` of a row, with its two numbers in it. */
static struct span fill_in(const char *what, const int64_t numbers[2], struct buf *text)
{
    buf_clear(text);
    for (; *what; what++) {
        bool number = what[0] == '$' && (what[1] == '1' || what[1] == '2');
        if (number)
            buf_printf(text, "%lld", (long long)numbers[*++what - '1']);
        else
            buf_add_char(text, *what);
    }
    return buf_span(text);
}

/* ---- mending ---- */

struct repair {
    enum store_statement statement;
    int64_t mailbox_id;
    uint64_t number;
};

/* What it counts may have changed since it was looked at: it counts again. */
static int repair_job(struct store_tx *tx, void *arg)
{
    const struct repair *repair = arg;

    store_forget_kept(tx);
    return sql_run(tx, repair->statement, ARGS(V_INT(repair->mailbox_id), V_INT(repair->number)), NULL);
}

static int mend(const struct look *look, const struct check *check, uint64_t number, bool *ret_repaired)
{
    *ret_repaired = look->check->repair && check->repair != NONE;
    if (!*ret_repaired)
        return 0;
    struct repair repair = { (enum store_statement)check->repair, look->mailbox->mailbox_id, number };
    return store_write(look->store, repair_job, &repair);
}

/* ---- rows ---- */

static int run_check(const struct look *look, const struct check *check)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    struct buf text = BUF_INIT(WHAT_SIZE);
    const struct store_value arg = V_INT(look->mailbox ? look->mailbox->mailbox_id : 0);
    int r = sql_open(look->tx, check->find, &arg, look->mailbox ? 1 : 0, &sql);

    while (r == 0 && (r = sql_next(&sql)) == 1) {
        const int64_t numbers[] = { sql_int(&sql, 1), sql_int(&sql, 2) };
        uint64_t number = (uint64_t)sql_int(&sql, 0);
        bool repaired = false;
        r = is_over(look) ? -ECANCELED : mend(look, check, number, &repaired);
        if (r == 0)
            r = tell(look, check->table, number, fill_in(check->what, numbers, &text), check->advice, repaired);
    }
    buf_done(&text);
    return r;
}

/* A row that the engine cannot read hides what else that check would find. */
static int run_checks(const struct look *look, enum scope scope)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(checks); i++) {
        if (checks[i].scope != scope)
            continue;
        r = is_over(look) ? -ECANCELED : run_check(look, &checks[i]);
        if (r == -EUCLEAN)
            r = tell(look, checks[i].table, 0, SPAN("the file is damaged where this table is"), DAMAGED, false);
    }
    return r;
}

/* ---- blobs ---- */

static bool row_is_good(struct sql *sql, struct arena *arena, int *ret_error)
{
    struct item item;

    item_init(&item);
    *ret_error = item_unpack(arena, sql_bytes(sql, 1), &item);
    return *ret_error == 0 && sql_int(sql, 2) >= BODY_TEXT && sql_int(sql, 2) <= BODY_HTML && sql_int(sql, 3) >= IMPORTANCE_LOW &&
           sql_int(sql, 3) <= IMPORTANCE_HIGH && sql_int(sql, 4) >= SENSITIVITY_NORMAL &&
           sql_int(sql, 4) <= SENSITIVITY_CONFIDENTIAL;
}

static int check_blobs(const struct look *look, enum store_statement statement, const char *table, const char *advice)
{
    CLEANUP(sql_close) struct sql sql = { 0 };
    int error, r = sql_open(look->tx, statement, ARGS(V_INT(look->mailbox->mailbox_id)), &sql);

    while (r == 0 && (r = sql_next(&sql)) == 1) {
        arena_reset(look->arena);
        bool good = row_is_good(&sql, look->arena, &error);
        r = error < 0 && error != -EBADMSG ? error : is_over(look) ? -ECANCELED : 0;
        if (r == 0 && !good)
            r = tell(look, table, (uint64_t)sql_int(&sql, 0), SPAN("its properties cannot be read"), advice, false);
    }
    return r == -EUCLEAN ? tell(look, table, 0, SPAN("the file is damaged where this table is"), DAMAGED, false) : r;
}

/* ---- folders ---- */

struct tree_row {
    uint64_t folder_no, parent_no;
};

static const struct tree_row *row_of(const struct tree_row *rows, size_t n, uint64_t folder_no)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].folder_no == folder_no)
            return &rows[i];
    return NULL;
}

/* A way up that is longer than there are folders has no end. */
static bool ends(const struct tree_row *rows, size_t n, const struct tree_row *row)
{
    size_t steps = 0;

    while (row && row->parent_no != row->folder_no && steps++ <= n)
        row = row_of(rows, n, row->parent_no);
    return steps <= n;
}

static int read_tree_row(struct sql *sql, struct arena *arena, void *ret_row)
{
    (void)arena;
    *(struct tree_row *)ret_row = (struct tree_row){ (uint64_t)sql_int(sql, 0), (uint64_t)sql_int(sql, 1) };
    return 0;
}

static int check_tree(const struct look *look)
{
    const struct tree_row *rows = NULL;
    size_t n = 0;

    arena_reset(look->arena);
    int r = sql_list(look->tx, look->arena, SQL_folder_all, ARGS(V_INT(look->mailbox->mailbox_id)), sizeof(*rows), read_tree_row, &rows,
                     &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (!ends(rows, n, &rows[i]))
            r = tell(look, "folder", rows[i].folder_no, SPAN("it is inside itself"), RESTORE, false);
    for (int role = 1; r == 0 && role < FOLDER_ROLE_COUNT; role++)
        if (folder_role_info((enum folder_role)role) && !row_of(rows, n, (uint64_t)role))
            r = tell(look, "folder", (uint64_t)role, SPAN("this distinguished folder is missing"), RESTORE, false);
    return r == -EUCLEAN ? tell(look, "folder", 0, SPAN("the file is damaged where this table is"), DAMAGED, false) : r;
}

/* ---- all of it ---- */

static int complain(void *arg, struct span text)
{
    return tell(arg, "", 0, text, DAMAGED, false);
}

/* Also a mailbox that is gone meanwhile is none that is damaged. */
static int check_mailbox(struct look *look)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    struct store_mailbox mailbox;
    int r = store_read_begin_long(look->store, &tx);

    look->tx = tx;
    arena_reset(look->arena);
    if (r == 0)
        r = store_mailbox_by_id(tx, look->arena, look->mailbox->mailbox_id, &mailbox);
    if (r != 0)
        return r > 0 ? 0 : r;
    r = look->check->quick ? 0 : run_checks(look, MAILBOX);
    if (r == 0)
        r = check_tree(look);
    if (r || look->check->quick)
        return r;
    if (r == 0)
        r = check_blobs(look, SQL_check_item_blobs, "item", UNREADABLE);
    if (r == 0)
        r = check_blobs(look, SQL_check_attached_blobs, "attached", UNREADABLE);
    return r == 0 ? check_blobs(look, SQL_check_outbox_blobs, "outbox", UNSENDABLE) : r;
}

static int check_directory(struct look *look, struct arena *arena, struct store_mailbox **ret_mailboxes, size_t *ret_n)
{
    CLEANUP(free_ptr_store_read) struct store_tx *tx = NULL;
    int r = store_read_begin_long(look->store, &tx);

    look->tx = tx;
    if (r == 0)
        r = run_checks(look, STORE);
    return r == 0 ? store_mailbox_list(tx, arena, ret_mailboxes, ret_n) : r;
}

int store_check(struct store *store, const struct store_check *check)
{
    CLEANUP(free_ptr_arena) struct arena *arena = NULL, *list = NULL;
    struct look look = { .store = store, .check = check };
    struct store_mailbox *mailboxes = NULL;
    size_t n = 0;
    int r = arena_new(MEMORY, &arena);

    if (r == 0)
        r = arena_new(MEMORY, &list);
    look.arena = arena;
    if (r == 0 && !check->quick && store->driver->verify)
        r = store->driver->verify(store->db, COMPLAINTS, complain, &look, &check->watch);
    if (r == 0)
        r = check_directory(&look, list, &mailboxes, &n);
    look.all = n;
    for (size_t i = 0; r == 0 && i < n; i++) {
        look.mailbox = &mailboxes[i];
        look.done = i;
        r = check_mailbox(&look);
    }
    return r;
}
