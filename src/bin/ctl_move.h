/*
 * What import, export and deliver share: folders by their path, and what went wrong with
 * single messages, which is told at the end.
 */
#ifndef EWSD_BIN_CTL_MOVE_H
#define EWSD_BIN_CTL_MOVE_H

#include "bin/ctl.h"
#include "bin/parcel.h"
#include "store/store_folder.h"

#define MOVE_MEMORY (1u << 30) /* of a message, and what it is read as */

struct move {
    struct ctl_call *call;
    struct parcel_end end;
    struct store_mailbox mailbox;
    struct arena *arena; /* for a batch */
    struct buf buf;      /* the parcel that came last */
    struct buf bad;      /* label and reason, a NUL behind each */
    uint64_t bad_n;
};

/* EX_USAGE: no socket came along. */
int move_open(struct ctl_call *call, struct move *ret_move);
/* And finds the mailbox that the first operand names. */
int move_begin(struct ctl_call *call, struct move *ret_move);
void move_done(struct move *move);
/* The next parcel, whose bytes are at most max. An exit status when it ended. */
int move_receive(struct move *move, uint64_t max, struct parcel *ret_parcel);
int move_send(struct move *move, const struct parcel *parcel);
/* One message more that could not be taken. */
void move_put_bad(struct move *move, struct span label, const char *why);
/* Prints those; a style of its own, so before anything else is printed. */
void move_print_bad(struct move *move);

/* A path of names with `separator` between, below parent_no: made where it is
 * missing, if `make`. At the top a distinguished id will do for a name. 1: there is
 * no such folder. Positive codes of the store. */
int move_find_folder(struct store_tx *tx, int64_t mailbox_id, struct span path, char separator, bool make, int64_t max_folders,
                     uint64_t *folder_no);

#endif
