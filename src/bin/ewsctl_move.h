/*
 * The half of import, export and deliver that has the files: a process of its own, made
 * before ewsctl becomes the account of the store, so that files are read and
 * written with the rights of whoever called it. It speaks to the command, here
 * or in the server, over a socket (parcel.h), and ends with it.
 */
#ifndef EWSD_BIN_EWSCTL_MOVE_H
#define EWSD_BIN_EWSCTL_MOVE_H

#include "bin/ctl.h"
#include "bin/parcel.h"

#include <sys/types.h>

#define MOVE_MESSAGE_MAX (1u << 30)

enum move_format { MOVE_GUESSED, MOVE_MBOX, MOVE_MBOXO, MOVE_MAILDIR, MOVE_EML };

struct ctl_move {
    pid_t child; /* 0: the command moves nothing */
};

/* Sets call->file to the socket. An exit status. */
int ctl_move_begin(struct ctl_call *call, struct ctl_move *ret_move);
void ctl_move_end(struct ctl_call *call, struct ctl_move *move);

/* ---- the child: ewsctl_read.c, ewsctl_write.c ---- */

struct move_reading {
    struct parcel_end end;
    enum move_format format;
    uint64_t done, all;   /* bytes of files */
    struct buf folder;    /* path of what is read now */
    struct buf message;
    unsigned depth;       /* of folders in folders */
    bool below;           /* a folder that was named, so names of folders are not those of the mailbox' own */
};

/* All: 0, or -errno when the other side is gone. */
int move_read_path(struct move_reading *reading, const char *path);
/* One message, to the end of the file. */
int move_read_input(struct move_reading *reading, int file);
int move_write_all(const struct parcel_end *end, enum move_format format, const char *dest, bool one_folder, bool force);
/* reading->message, if it is none too long. */
int move_give(struct move_reading *reading, uint32_t marks, int64_t at, const char *label);
int move_give_bad(struct move_reading *reading, const char *label, const char *why);
/* A whole mbox. An open file, and what it is called. */
int move_read_mbox(struct move_reading *reading, int file, const char *path);
/* A message as part of one. */
void move_put_mbox(struct buf *out, const struct parcel *offer, struct span message, bool old_quotes);

/* ---- texts (ewsctl_text.c) ---- */

/* Line ends as files have them, and as messages do. all: also where there are
 * some of those already. */
void text_add_lf(struct buf *out, struct span text);
void text_make_crlf(struct buf *text, bool all);
/* The name of a folder in that of a Maildir (modified UTF-7 of IMAP; dots and
 * slashes are encoded, too), and back; and in that of a file, and back. False:
 * it is none. */
void text_add_maildir(struct buf *out, struct span name);
bool text_read_maildir(struct span text, struct buf *out);
void text_add_file(struct buf *out, struct span name);
void text_read_file(struct span text, struct buf *out);

#endif
