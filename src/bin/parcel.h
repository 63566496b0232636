/*
 * What goes between a command that imports or exports and the half of ewsctl
 * that has the files, over a socket: so the server never opens a file that
 * somebody names, and files are read and written with the rights of whoever
 * started ewsctl. Both halves are of one machine and, as wire.h sees to, of one
 * version.
 *   import: MESSAGE and BAD in the order of the files, END
 *   deliver: MESSAGE, or BAD or FAILED
 *   export: FOLDER; OFFER, answered by WANTED, then MESSAGE or BAD, or by HAVE; at
 *           last END, answered by END when all is on the disk. Instead of
 *           any answer FAILED, which is the end.
 */
#ifndef EWSD_BIN_PARCEL_H
#define EWSD_BIN_PARCEL_H

#include "base/buf.h"

enum parcel_kind {
    PARCEL_MESSAGE,
    PARCEL_BAD, /* label could not be read; bytes say why */
    PARCEL_FOLDER,
    PARCEL_OFFER,
    PARCEL_WANTED,
    PARCEL_HAVE,
    PARCEL_FAILED, /* bytes say why */
    PARCEL_END,
    PARCEL_KINDS
};

/* What a mailbox file says of a message beside its bytes. */
#define MARK_READ 0x01u
#define MARK_REPLIED 0x02u
#define MARK_FORWARDED 0x04u
#define MARK_FLAGGED 0x08u
#define MARK_DELETED 0x10u
#define MARK_DRAFT 0x20u

struct parcel {
    enum parcel_kind kind;
    uint32_t marks;
    int64_t at;         /* when it arrived; WHEN_NONE: nobody says */
    uint64_t number;    /* OFFER: of the item */
    uint64_t done, all; /* of the files, in bytes */
    struct span folder; /* names from the top, a newline between them */
    struct span label;  /* what people call it: a file; OFFER: whom it is from */
    struct span bytes;
};

struct parcel_end {
    int fd;
    bool (*is_over)(void *arg); /* asked while the other side keeps one waiting; NULL: never */
    void *arg;
};

#define PARCEL_TEXT_MAX 65536 /* folder and label */

/* -EPIPE: the other side is gone; -ECANCELED: is_over. */
int parcel_send(const struct parcel_end *end, const struct parcel *parcel);
/* Spans point into buf. What has more bytes than max comes without them: ptr is
 * NULL, and len what it is. 1: the other side is gone. -EPROTO; -ECANCELED. */
int parcel_receive(const struct parcel_end *end, uint64_t max, struct buf *buf, struct parcel *ret_parcel);

#endif
