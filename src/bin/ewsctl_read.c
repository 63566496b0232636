/*
 * Reading what is imported: mbox files, Maildirs with their folders, .eml files,
 * and folders of all of these, whose names are those of folders in the mailbox.
 */
#include "bin/ewsctl_move.h"

#include "base/err.h"
#include "base/when.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 32
#define PATH_SIZE 4096

int move_give_bad(struct move_reading *reading, const char *label, const char *why)
{
    return parcel_send(&reading->end, &(struct parcel){ .kind = PARCEL_BAD, .done = reading->done, .all = reading->all,
                                                        .label = span_of(label), .bytes = span_of(why) });
}

int move_give(struct move_reading *reading, uint32_t marks, int64_t at, const char *label)
{
    if (buf_error(&reading->message))
        return move_give_bad(reading, label, "it is larger than a GB");
    return parcel_send(&reading->end, &(struct parcel){ .kind = PARCEL_MESSAGE, .marks = marks, .at = at, .done = reading->done,
                                                        .all = reading->all, .folder = buf_span(&reading->folder),
                                                        .label = span_of(label), .bytes = buf_span(&reading->message) });
}

/* ---- a message in a file of its own ---- */

static int read_file(int file, struct buf *out)
{
    ssize_t n = 1;

    buf_clear(out);
    while (n > 0) {
        char *room = buf_reserve(out, 65536);
        if (!room)
            return 0; /* too long, which move_give says */
        n = read(file, room, 65536);
        if (n < 0 && errno != EINTR)
            return -errno;
        out->len += n > 0 ? (size_t)n : 0;
        n = n < 0 ? 1 : n;
    }
    return 0;
}

static int read_message(struct move_reading *reading, const char *path, uint32_t marks)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int r = file < 0 || fstat(file, &info) != 0 ? -errno : S_ISREG(info.st_mode) ? read_file(file, &reading->message) : -EISDIR;

    if (file >= 0)
        close(file);
    if (r)
        return move_give_bad(reading, path, r == -EISDIR ? "it is no file" : err_text(r));
    reading->done += (uint64_t)info.st_size;
    text_make_crlf(&reading->message, false);
    r = move_give(reading, marks, (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000, path);
    buf_clear(&reading->message);
    return r;
}

int move_read_input(struct move_reading *reading, int file)
{
    int r = read_file(file, &reading->message);

    if (r)
        return parcel_send(&reading->end, &(struct parcel){ .kind = PARCEL_FAILED, .bytes = span_of(err_text(r)) });
    text_make_crlf(&reading->message, false);
    return move_give(reading, 0, WHEN_NONE, "standard input");
}

/* ---- folders ---- */

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int only_hidden(const struct dirent *entry)
{
    return entry->d_name[0] == '.' && entry->d_name[1] && entry->d_name[1] != '.';
}

typedef int read_entry(struct move_reading *reading, const char *path, const char *name);

static int for_each(struct move_reading *reading, const char *path, int (*wanted)(const struct dirent *), read_entry *take)
{
    struct dirent **entries;
    int n = scandir(path, &entries, wanted, alphasort), r = 0;

    if (n < 0)
        return move_give_bad(reading, path, err_text(-errno));
    for (int i = 0; i < n; i++) {
        char inner[PATH_SIZE + sizeof(entries[i]->d_name) + 1];
        int len = snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
        if (r == 0)
            r = len < PATH_SIZE ? take(reading, inner, entries[i]->d_name) : move_give_bad(reading, path, "the path is too long");
        free(entries[i]);
    }
    free(entries);
    return r;
}

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_maildir(const char *path)
{
    char cur[PATH_SIZE];

    return snprintf(cur, sizeof(cur), "%s/cur", path) < (int)sizeof(cur) && is_folder(cur);
}

/* One name more; the caller cuts the path back. */
static void enter(struct move_reading *reading, struct span name, bool of_maildir)
{
    if (reading->folder.len)
        buf_add_char(&reading->folder, '\n');
    if (!of_maildir)
        text_read_file(name, &reading->folder);
    else if (!text_read_maildir(name, &reading->folder))
        buf_add_span(&reading->folder, name);
}

/* ---- Maildir ---- */

static const struct {
    char letter;
    uint32_t mark;
} flags[] = {
    { 'S', MARK_READ }, { 'R', MARK_REPLIED }, { 'P', MARK_FORWARDED }, { 'F', MARK_FLAGGED }, { 'T', MARK_DELETED }, { 'D', MARK_DRAFT },
};

static int read_maildir_file(struct move_reading *reading, const char *path, const char *name)
{
    const char *info = strstr(name, ":2,");
    uint32_t marks = 0;

    for (size_t i = 0; info && i < ARRAY_LEN(flags); i++)
        if (strchr(info + 3, flags[i].letter))
            marks |= flags[i].mark;
    return read_message(reading, path, marks);
}

static int read_new_and_cur(struct move_reading *reading, const char *path)
{
    static const char *const parts[] = { "new", "cur" };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++) {
        char part[PATH_SIZE];
        if (snprintf(part, sizeof(part), "%s/%s", path, parts[i]) < (int)sizeof(part) && is_folder(part))
            r = for_each(reading, part, not_hidden, read_maildir_file);
    }
    return r;
}

/* What IMAP servers call folders that every mailbox has here. */
static struct span known_as(struct span name)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {
        { "Sent", "sentitems" },     { "Sent Messages", "sentitems" }, { "Trash", "deleteditems" }, { "Deleted Messages", "deleteditems" },
        { "Junk", "junkemail" },     { "Spam", "junkemail" },
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq_nocase(name, span_of(names[i].theirs)))
            return span_of(names[i].ours);
    return name;
}

/* ".Work.2026" beside new and cur. */
static int read_subfolder(struct move_reading *reading, const char *path, const char *name)
{
    size_t before = reading->folder.len;
    bool top = before == 0 && !reading->below;

    if (!is_maildir(path))
        return 0;
    for (struct span rest = span_of(name + 1); rest.len > 0; top = false) {
        const char *dot = memchr(rest.ptr, '.', rest.len);
        struct span one = { rest.ptr, dot ? (size_t)(dot - rest.ptr) : rest.len };
        enter(reading, top ? known_as(one) : one, true);
        rest = dot ? (struct span){ dot + 1, rest.len - one.len - 1 } : (struct span){ rest.ptr, 0 };
    }
    int r = read_new_and_cur(reading, path);
    reading->folder.len = before;
    return r;
}

static int read_maildir(struct move_reading *reading, const char *path)
{
    int r = read_new_and_cur(reading, path);

    return r ? r : for_each(reading, path, only_hidden, read_subfolder);
}

/* ---- anything ---- */

static int read_mbox(struct move_reading *reading, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return move_give_bad(reading, path, err_text(-errno));
    int r = move_read_mbox(reading, file, path);
    close(file);
    return r;
}

static bool begins_with_from(const char *path)
{
    char begin[5] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool does = file >= 0 && read(file, begin, sizeof(begin)) == sizeof(begin) && memcmp(begin, "From ", sizeof(begin)) == 0;

    if (file >= 0)
        close(file);
    return does;
}

static int read_folder(struct move_reading *reading, const char *path);

static int read_entry_of_folder(struct move_reading *reading, const char *path, const char *name)
{
    const char *end = strrchr(name, '.');
    bool mbox = end && strcmp(end, ".mbox") == 0, eml = end && strcmp(end, ".eml") == 0, folder = is_folder(path);
    size_t before = reading->folder.len;

    if (folder || mbox)
        enter(reading, (struct span){ name, folder ? strlen(name) : (size_t)(end - name) }, false);
    int r = folder ? read_folder(reading, path) : mbox ? read_mbox(reading, path) : eml ? read_message(reading, path, MARK_READ) : 0;
    reading->folder.len = before;
    return r;
}

static int read_folder(struct move_reading *reading, const char *path)
{
    if (is_maildir(path))
        return read_maildir(reading, path);
    if (reading->format == MOVE_MAILDIR)
        return move_give_bad(reading, path, "it is no Maildir: there is no cur in it");
    if (reading->depth == DEPTH_MAX)
        return move_give_bad(reading, path, "folders in folders, too many");
    reading->depth++;
    int r = for_each(reading, path, not_hidden, read_entry_of_folder);
    reading->depth--;
    return r;
}

int move_read_path(struct move_reading *reading, const char *path)
{
    enum move_format format = reading->format;

    buf_clear(&reading->folder);
    if (is_folder(path))
        return read_folder(reading, path);
    if (format == MOVE_MAILDIR)
        return move_give_bad(reading, path, "it is no Maildir, but a file");
    bool mbox = format == MOVE_GUESSED ? begins_with_from(path) : format != MOVE_EML;
    return mbox ? read_mbox(reading, path) : read_message(reading, path, MARK_READ);
}
