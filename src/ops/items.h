/*
 * What the operations that write items have in common: the items of a request,
 * one store job in which each of them is tried, and a response message for each.
 * Nothing here knows what is done with an item. One that is large takes its time
 * in several jobs, each of them committed, so that others get their turn.
 */
#ifndef EWSD_OPS_ITEMS_H
#define EWSD_OPS_ITEMS_H

#include "ops/call.h"

struct op_items;

/* Tries one item, in a savepoint: undone unless it returns 0, or
 * ret_result->keep is set. Positive codes go to ret_result; negative is
 * returned. May run again, so it starts from the request each time. When
 * items->budget is used up it says ret_result->more and leaves there what it goes
 * on from. */
typedef int op_item(struct op_call *call, struct store_tx *tx, size_t index, struct op_result *ret_result, void *arg);
/* Writes the response message of one item. */
typedef void op_answer(struct op_call *call, size_t index, const struct op_result *result, void *arg);
/* After the job. r: not 0 when the request as a whole has failed, and then to be
 * returned. Ends with items_answer. */
typedef int op_finish(struct op_call *call, int r, struct op_items *items);

/* What an operation does. */
struct op_verbs {
    op_item *item;
    op_answer *answer;
    op_finish *finish; /* NULL: only the messages */
};

/* All of it is the arena's. */
struct op_items {
    size_t n;
    const struct xml_node **nodes; /* as they stand in the request */
    struct op_result *results;     /* one with a code beforehand is not tried */
    const struct op_verbs *verbs;
    void *arg; /* the operation's own */
    size_t from;     /* those before are done and committed */
    bool splits;     /* what the store can't commit together goes into several jobs */
    unsigned budget; /* of the job: rows that may still be written; counted by verbs that may be many */
};
enum { ITEMS_BUDGET = 200 }; /* some milliseconds of the writer */

/* Those below the element `list` of the operation. -ENOMEM. */
int items_of(struct op_call *call, const char *list, const struct op_verbs *verbs, void *arg, struct op_items **ret_items);
/* The job and what follows it. What codes that stop the batch leave untried is
 * ErrorBatchProcessingStopped; a failed commit becomes each item's answer. May
 * return OP_LATER. */
int items_write(struct op_call *call, struct op_items *items);
/* The item loop alone, inside a job that does more: its result is a code when
 * the only item failed. */
int items_run(struct op_call *call, struct store_tx *tx, const struct op_items *items);
/* What becomes of the results (given: as they were before the job) when the job
 * came to r. -ENOMEM. */
int items_settle(int r, const struct op_items *items, const struct op_result *given);
/* The results as they are, for a job that may run again. NULL: -ENOMEM. */
struct op_result *items_results(struct op_call *call, const struct op_items *items);
/* verbs->finish, or what stands for it. */
int items_finish(struct op_call *call, int r, struct op_items *items);
/* m:ResponseMessages, with a message for each; those that an Idempotency-Key
 * brought back are as they were. */
int items_answer(struct op_call *call, const struct op_items *items);

#endif
