/*
 * See store_node.h. The row of a node is written by itself alone until it is
 * taken for dead, and gone from then on.
 */
#include "store/store_node.h"

#include "store/store_core.h"

#include <errno.h>

static const char credentials_name[] = "credentials";

int store_node_number(int64_t *ret_node_id)
{
    uint32_t n = 0;
    int r = random_bytes(&n, sizeof(n));

    if (r == 0)
        *ret_node_id = (int64_t)((n >> 1) | 1) * ((int64_t)NODE_OWNERS + 1);
    return r;
}

int store_node_join(struct store_tx *tx, const struct store_node *node)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_node_insert, ARGS(V_INT(node->node_id), V_TEXT(node->name), V_INT(node->started), V_INT(node->patience)),
                    &written);

    return r == 0 && written == 0 ? 1 : r;
}

int store_node_beat(struct store_tx *tx, int64_t node_id)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_node_beat, ARGS(V_INT(node_id)), &written);

    return r == 0 && written == 0 ? 1 : r;
}

int store_node_leave(struct store_tx *tx, int64_t node_id)
{
    return sql_run(tx, SQL_node_delete, ARGS(V_INT(node_id)), NULL);
}

static int read_node(struct sql *sql, struct arena *arena, void *ret_row)
{
    struct store_node *node = ret_row;

    node->node_id = sql_int(sql, 0);
    node->started = sql_int(sql, 2);
    node->beats = sql_int(sql, 3);
    node->patience = sql_int(sql, 4);
    return sql_copy(sql, 1, arena, &node->name);
}

int store_node_list(struct store_tx *tx, struct arena *arena, struct store_node **ret_nodes, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_node_list, NULL, 0, sizeof(struct store_node), read_node, ret_nodes, ret_n);
}

int store_node_leases(struct store_tx *tx, struct arena *arena, int64_t node_id, bool relayed, struct store_outbox_key after,
                      size_t limit, struct store_outbox_key **ret_keys, size_t *ret_n)
{
    return sql_list(tx, arena, SQL_lease_list,
                    ARGS(V_INT(node_id), V_INT(node_id + NODE_OWNERS), V_INT(relayed), V_INT(after.mailbox_id),
                    V_INT(after.outbox_no), V_INT(limit)),
                    sizeof(struct store_outbox_key), outbox_read_key, ret_keys, ret_n);
}

int store_node_free(struct store_tx *tx, int64_t node_id, bool relayed, struct store_outbox_key key)
{
    int64_t written = 0;
    int r = sql_run(tx, SQL_lease_free,
                    ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no), V_INT(node_id), V_INT(node_id + NODE_OWNERS), V_INT(relayed)),
                    &written);

    if (r != 0 || written == 0)
        return r;
    return sql_run(tx, SQL_outbox_renew_due, ARGS(V_INT(key.mailbox_id), V_INT(key.outbox_no)), NULL);
}

int store_credentials(struct store_tx *tx, uint8_t ret_state[STORE_CREDENTIALS_SIZE])
{
    int r = meta_get(tx, credentials_name, ret_state, STORE_CREDENTIALS_SIZE);

    if (r == 1)
        memset(ret_state, 0, STORE_CREDENTIALS_SIZE);
    return r == 1 ? 0 : r;
}

int store_credentials_changed(struct store_tx *tx)
{
    uint8_t state[STORE_CREDENTIALS_SIZE];
    int r = random_bytes(state, sizeof(state));

    return r == 0 ? meta_put(tx, credentials_name, state, sizeof(state)) : r;
}
