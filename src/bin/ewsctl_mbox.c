/*
 * mbox, as one stream: a message begins with a line "From SENDER DATE" behind an
 * empty line. Lines of its own that look so are quoted: by one more > (mboxrd), or
 * by a > only where there is none (mboxo, which cannot be undone for sure). What
 * is known of a message beside its bytes stands in fields of its own, Status and
 * X-Status, which no message has otherwise.
 */
#include "bin/ewsctl_move.h"

#include "base/err.h"
#include "base/when.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PIECE 65536

/* ---- lines ---- */

struct lines {
    int file;
    char text[PIECE];
    size_t at, len;
    bool end, whole; /* of the file; was the last piece the end of a line? */
    int error;
};

/* What there is now, as it may come out of a pipe. */
static void fill(struct lines *lines)
{
    memmove(lines->text, lines->text + lines->at, lines->len - lines->at);
    lines->len -= lines->at;
    lines->at = 0;
    ssize_t n = read(lines->file, lines->text + lines->len, PIECE - lines->len);
    if (n < 0 && errno != EINTR)
        lines->error = -errno;
    if (n == 0 || lines->error)
        lines->end = true;
    lines->len += n > 0 ? (size_t)n : 0;
}

/* A line with its end, or a piece of one that is very long. first: it begins a line. */
static bool next_piece(struct lines *lines, struct span *ret_piece, bool *ret_first)
{
    const char *end = lines->at < lines->len ? memchr(lines->text + lines->at, '\n', lines->len - lines->at) : NULL;

    while (!end && !lines->end && lines->len - lines->at < PIECE) {
        fill(lines);
        end = lines->len ? memchr(lines->text, '\n', lines->len) : NULL;
    }
    if (lines->at == lines->len)
        return false;
    *ret_first = lines->whole;
    *ret_piece = (struct span){ lines->text + lines->at, end ? (size_t)(end - lines->text) - lines->at + 1 : lines->len - lines->at };
    lines->at += ret_piece->len;
    lines->whole = end != NULL;
    return true;
}

static bool is_empty(struct span line)
{
    return span_is(line, "\n") || span_is(line, "\r\n");
}

/* ---- the line that begins a message ---- */

/* "Mon Nov 30 09:34:28 2026", with seconds and the name of a zone or without; UTC. */
static bool read_date(const char *text, int64_t *ret_at)
{
    struct tm when = { 0 };
    const char *rest = strptime(text, "%a %b %d %H:%M", &when);
    int year;

    if (!rest)
        return false;
    if (*rest == ':' && !(rest = strptime(rest, ":%S", &when)))
        return false;
    rest += strspn(rest, " ");
    if (isalpha((unsigned char)*rest) || *rest == '+' || *rest == '-') {
        rest += strcspn(rest, " ");
        rest += strspn(rest, " ");
    }
    if (sscanf(rest, "%4d", &year) != 1 || year < 1970)
        return false;
    when.tm_year = year - 1900;
    *ret_at = (int64_t)timegm(&when) * 1000;
    return true;
}

static bool is_from_line(struct span line, int64_t *ret_at)
{
    char text[512];

    if (!span_starts(line, SPAN("From ")) || line.len >= sizeof(text))
        return false;
    memcpy(text, line.ptr, line.len);
    text[line.len] = '\0';
    for (const char *space = text + 4; space; space = strchr(space + 1, ' '))
        if (read_date(space + strspn(space, " "), ret_at))
            return true;
    return false;
}

/* ---- Status and X-Status ---- */

static const struct {
    char letter;
    bool x; /* in X-Status */
    uint32_t mark;
} letters[] = {
    { 'R', false, MARK_READ },   { 'A', true, MARK_REPLIED },  { 'F', true, MARK_FLAGGED },
    { 'D', true, MARK_DELETED }, { 'T', true, MARK_DRAFT },    { 'P', true, MARK_FORWARDED },
};

static bool read_status(struct span line, uint32_t *marks)
{
    bool x = line.len > 9 && span_eq_nocase((struct span){ line.ptr, 9 }, SPAN("X-Status:"));
    bool plain = line.len > 7 && span_eq_nocase((struct span){ line.ptr, 7 }, SPAN("Status:"));
    struct span value = span_trim((struct span){ line.ptr + (x ? 9 : 7), x || plain ? line.len - (x ? 9 : 7) : 0 });

    if (!x && !plain)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (!isupper((unsigned char)value.ptr[i]))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (letters[i].x == x && value.len && memchr(value.ptr, letters[i].letter, value.len))
            *marks |= letters[i].mark;
    return true;
}

static void add_status(struct buf *out, uint32_t marks)
{
    char x[8] = "";
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (letters[i].x && marks & letters[i].mark)
            x[n++] = letters[i].letter;
    buf_printf(out, "Status: %sO\n", marks & MARK_READ ? "R" : "");
    if (n)
        buf_printf(out, "X-Status: %s\n", x);
}

/* ---- reading ---- */

struct mbox {
    struct move_reading *reading;
    const char *path;
    bool begun, head, old_quotes;
    uint32_t marks;
    int64_t at;
    uint64_t n; /* of the message */
};

static void add_line(struct mbox *mbox, struct span line, bool first)
{
    size_t quotes = 0;

    if (first && is_empty(line))
        mbox->head = false;
    if (first && mbox->head && read_status(line, &mbox->marks))
        return;
    while (first && quotes < line.len && line.ptr[quotes] == '>')
        quotes++;
    bool quoted = quotes > 0 && span_starts((struct span){ line.ptr + quotes, line.len - quotes }, SPAN("From "));
    if (quoted && (!mbox->old_quotes || quotes == 1))
        line = (struct span){ line.ptr + 1, line.len - 1 };
    buf_add_span(&mbox->reading->message, line);
}

/* Without the empty line behind it. */
static int end_message(struct mbox *mbox)
{
    struct buf *message = &mbox->reading->message;
    char label[4096];

    if (!mbox->begun)
        return 0;
    size_t cut = message->len >= 2 && memcmp(message->ptr + message->len - 2, "\n\n", 2) == 0 ? 1
               : message->len >= 4 && memcmp(message->ptr + message->len - 4, "\r\n\r\n", 4) == 0 ? 2 : 0;
    if (mbox->head) /* no body, so the empty line ended the header */
        cut = 0;
    message->len -= cut;
    text_make_crlf(message, true);
    snprintf(label, sizeof(label), "%s, message %llu", mbox->path, (unsigned long long)mbox->n);
    return move_give(mbox->reading, mbox->marks, mbox->at, label);
}

static int begin_message(struct mbox *mbox, int64_t at)
{
    int r = end_message(mbox);

    buf_clear(&mbox->reading->message);
    *mbox = (struct mbox){ mbox->reading, mbox->path, true, true, mbox->old_quotes, 0, at, mbox->n + 1 };
    return r;
}

static int read_lines(struct mbox *mbox, struct lines *lines)
{
    bool empty = true, first;
    struct span line;
    int64_t at;
    int r = 0;

    while (r == 0 && next_piece(lines, &line, &first)) {
        mbox->reading->done += line.len;
        if (first && empty && is_from_line(line, &at))
            r = begin_message(mbox, at);
        else if (mbox->begun)
            add_line(mbox, line, first);
        else if (!is_empty(line))
            return move_give_bad(mbox->reading, mbox->path, "it is no mbox: it begins with no From line");
        empty = first && is_empty(line);
    }
    return r ? r : end_message(mbox);
}

int move_read_mbox(struct move_reading *reading, int file, const char *path)
{
    struct mbox mbox = { .reading = reading, .path = path, .old_quotes = reading->format == MOVE_MBOXO };
    static struct lines lines;

    lines = (struct lines){ .file = file, .whole = true };
    int r = read_lines(&mbox, &lines);
    buf_clear(&reading->message);
    return r || !lines.error ? r : move_give_bad(reading, path, err_text(lines.error));
}

/* ---- writing ---- */

static void add_from_line(struct buf *out, const struct parcel *offer)
{
    time_t seconds = (time_t)(offer->at == WHEN_NONE ? 0 : offer->at / 1000);
    struct tm when;
    char date[64];
    bool sender = offer->label.len > 0 && span_utf8_ok(offer->label);

    for (size_t i = 0; i < offer->label.len; i++)
        sender = sender && (unsigned char)offer->label.ptr[i] > ' ';
    gmtime_r(&seconds, &when);
    strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &when);
    buf_printf(out, "From %.*s %s\n", sender ? (int)offer->label.len : 13, sender ? offer->label.ptr : "MAILER-DAEMON", date);
}

void move_put_mbox(struct buf *out, const struct parcel *offer, struct span message, bool old_quotes)
{
    add_from_line(out, offer);
    add_status(out, offer->marks);
    while (message.len > 0) {
        const char *end = memchr(message.ptr, '\n', message.len);
        size_t len = end ? (size_t)(end - message.ptr) + 1 : message.len, quotes = 0;
        while (quotes < len && message.ptr[quotes] == '>')
            quotes++;
        if (span_starts((struct span){ message.ptr + quotes, len - quotes }, SPAN("From ")) && (quotes == 0 || !old_quotes))
            buf_add_char(out, '>');
        text_add_lf(out, (struct span){ message.ptr, len });
        if (!end)
            buf_add_char(out, '\n');
        message = (struct span){ message.ptr + len, message.len - len };
    }
    buf_add_char(out, '\n');
}
