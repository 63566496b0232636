/*
 * Answers that are asked for before somebody needs them, so that one way there and
 * back brings them all. One is good until it is taken, or until something is written
 * that it may speak of: rows of the same mailbox, or rows of none.
 */
#include "store/store_postgres.h"
#include "store/store_sql.h"

#include <errno.h>

enum { SLOT_FREE, SLOT_ASKED, SLOT_TAKEN, SLOT_DROPPED };

static bool same_value(const struct store_value *a, const struct store_value *b)
{
    return a->type == b->type && (a->type == STORE_INT ? a->number == b->number : span_eq(a->bytes, b->bytes));
}

static bool is_for(const struct postgres_expected *slot, unsigned statement, const struct store_value *args, size_t n)
{
    if (slot->state != SLOT_ASKED || slot->statement != statement || slot->n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!same_value(&slot->args[i], &args[i]))
            return false;
    return true;
}

static struct postgres_expected *find(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n)
{
    for (size_t i = 0; i < conn->expected_n; i++)
        if (is_for(&conn->expected[i], statement, args, n))
            return &conn->expected[i];
    return NULL;
}

static void free_slot(struct postgres_expected *slot)
{
    PQclear(slot->result);
    *slot = (struct postgres_expected){ .state = SLOT_FREE };
}

/* What is owed still comes, and is thrown away then. */
static void drop(struct postgres_expected *slot)
{
    if (slot->state == SLOT_ASKED && !slot->result)
        slot->state = SLOT_DROPPED;
    else if (slot->state == SLOT_ASKED)
        free_slot(slot);
}

static struct postgres_expected *make_slot(struct store_conn *conn)
{
    for (size_t i = 0; i < conn->expected_n; i++) {
        struct postgres_expected *slot = &conn->expected[i];
        if (slot->state == SLOT_DROPPED && slot->result)
            free_slot(slot);
        if (slot->state == SLOT_FREE)
            return slot;
    }
    return conn->expected_n < POSTGRES_EXPECTED_MAX ? &conn->expected[conn->expected_n++] : NULL;
}

/* False: it is too long to be kept. */
static bool keep_args(struct postgres_expected *slot, const struct store_value *args, size_t n)
{
    size_t at = 0;

    if (n > ARRAY_LEN(slot->args))
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t len = args[i].type == STORE_INT ? 0 : args[i].bytes.len;
        if (len > sizeof(slot->text) - at)
            return false;
        slot->args[i] = args[i];
        if (len > 0)
            slot->args[i].bytes.ptr = memcpy(slot->text + at, args[i].bytes.ptr, len);
        at += len;
    }
    slot->n = n;
    return true;
}

int postgres_expect(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n)
{
    struct postgres_expected *slot = conn->spread || find(conn, statement, args, n) ? NULL : make_slot(conn);

    if (!slot || !keep_args(slot, args, n))
        return 0;
    slot->state = SLOT_TAKEN; /* others run meanwhile, when the partitions have to be asked for */
    int r = postgres_send(conn, statement, NULL, args, n);
    if (r != 0) {
        free_slot(slot);
        return postgres_fail(conn, r);
    }
    slot->state = SLOT_ASKED;
    slot->statement = statement;
    conn->owed[conn->owed_n - 1].to = &slot->result;
    return 0;
}

bool postgres_is_expected(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n)
{
    return find(conn, statement, args, n) != NULL;
}

int postgres_take_expected(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n,
                           PGresult **ret_result)
{
    struct postgres_expected *slot = find(conn, statement, args, n);

    if (!slot)
        return 1;
    slot->state = SLOT_TAKEN;
    int r = slot->result ? 0 : postgres_wait(conn);
    if (r == 0 && (conn->failed || !slot->result))
        r = postgres_fail(conn, -EIO);
    if (r == 0) {
        *ret_result = slot->result;
        slot->result = NULL;
    }
    free_slot(slot);
    return r;
}

void postgres_written(struct store_conn *conn, unsigned statement, const struct store_value *args, size_t n)
{
    bool of_mailbox = n > 0 && args[0].type == STORE_INT && statement_is_of_mailbox((enum store_statement)statement);

    for (size_t i = 0; i < conn->expected_n; i++) {
        struct postgres_expected *slot = &conn->expected[i];
        bool is_number = slot->n > 0 && slot->args[0].type == STORE_INT;
        if (of_mailbox ? is_number && slot->args[0].number == args[0].number : !is_number)
            drop(slot);
    }
}

void postgres_expect_nothing(struct store_conn *conn)
{
    for (size_t i = 0; i < conn->expected_n; i++)
        drop(&conn->expected[i]);
}

void postgres_forget_expected(struct store_conn *conn)
{
    for (size_t i = 0; i < conn->expected_n; i++)
        free_slot(&conn->expected[i]);
    conn->expected_n = 0;
}
