/*
 * Writing what is exported. A message in a file of its own has a name that is
 * made of its number and its mailbox alone, and gets it when it is whole and on
 * the disk; so what is there is not asked for again. An mbox is written anew as
 * a whole, beside its name, and replaces what has that name only if told to.
 */
#include "bin/ewsctl_move.h"

#include "base/err.h"
#include "base/when.h"

#include <dirent.h>
#include <fcntl.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define NAME_SIZE 256

struct writing {
    const struct parcel_end *end;
    enum move_format format;
    const char *dest;
    bool one_folder, force;
    char guid[16];
    char folder[PATH_SIZE]; /* where messages go now, or the mbox */
    void *names;            /* of messages that are there, for tsearch */
    FILE *mbox;
    char part[PATH_SIZE + 8]; /* of the mbox that is under way */
    struct buf in, out;
    struct span message;
};

/* Tells the other side why this is the end. */
static int failed(const struct writing *writing, const char *format, ...) ATTR_PRINTF(2, 3);

static int failed(const struct writing *writing, const char *format, ...)
{
    char text[PATH_SIZE + 256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    int r = parcel_send(writing->end, &(struct parcel){ .kind = PARCEL_FAILED, .bytes = span_of(text) });
    return r ? r : -EIO;
}

static int failed_at(const struct writing *writing, const char *path, int error)
{
    return failed(writing, "%s: %s", path, err_text(error));
}

/* ---- places ---- */

/* With all above it. */
static int make_folders(const struct writing *writing, const char *path)
{
    char text[PATH_SIZE];

    snprintf(text, sizeof(text), "%s", path);
    for (char *slash = text + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(text, 0700);
        *slash = '/';
    }
    return mkdir(text, 0700) == 0 || errno == EEXIST ? 0 : failed_at(writing, path, -errno);
}

static int sync_folder(const struct writing *writing, const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = folder < 0 || fsync(folder) != 0 ? -errno : 0;

    if (folder >= 0)
        close(folder);
    return r ? failed_at(writing, path, r) : 0;
}

/* ---- what is there ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void forget_names(struct writing *writing)
{
    tdestroy(writing->names, free);
    writing->names = NULL;
}

/* Without what a Maildir says of flags. */
static int learn_names(struct writing *writing, const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (!folder)
        return failed_at(writing, path, -errno);
    while ((entry = readdir(folder))) {
        char *name = entry->d_name[0] == '.' ? NULL : strndup(entry->d_name, strcspn(entry->d_name, ":"));
        void *const *known = name ? tsearch(name, &writing->names, compare) : NULL;
        if (!known || *known != name)
            free(name);
    }
    closedir(folder);
    return 0;
}

static void make_name(const struct writing *writing, const struct parcel *offer, char ret_name[NAME_SIZE])
{
    int64_t at = offer->at == WHEN_NONE || offer->at < 0 ? 0 : offer->at;

    if (writing->format == MOVE_EML)
        snprintf(ret_name, NAME_SIZE, "%s-%llu.eml", writing->guid, (unsigned long long)offer->number);
    else
        snprintf(ret_name, NAME_SIZE, "%lld.M%06lldN%llu.%s", (long long)(at / 1000), (long long)(at % 1000 * 1000),
                 (unsigned long long)offer->number, writing->guid);
}

/* ---- an mbox ---- */

static int close_mbox(struct writing *writing)
{
    if (!writing->mbox)
        return 0;
    int r = fflush(writing->mbox) == 0 && fsync(fileno(writing->mbox)) == 0 ? 0 : -errno;
    if (fclose(writing->mbox) != 0 && r == 0)
        r = -errno;
    writing->mbox = NULL;
    if (r == 0 && rename(writing->part, writing->folder) != 0)
        r = -errno;
    if (r)
        (void)unlink(writing->part);
    return r ? failed_at(writing, writing->folder, r) : 0;
}

static int open_mbox(struct writing *writing)
{
    struct stat info;

    if (!writing->force && lstat(writing->folder, &info) == 0)
        return failed(writing, "%s is there already; --force replaces it", writing->folder);
    snprintf(writing->part, sizeof(writing->part), "%s.XXXXXX", writing->folder);
    int file = mkostemp(writing->part, O_CLOEXEC);
    writing->mbox = file >= 0 ? fdopen(file, "w") : NULL;
    return writing->mbox ? 0 : failed_at(writing, writing->folder, -errno);
}

static int put_in_mbox(struct writing *writing, const struct parcel *offer)
{
    buf_clear(&writing->out);
    move_put_mbox(&writing->out, offer, writing->message, writing->format == MOVE_MBOXO);
    if (buf_error(&writing->out))
        return failed_at(writing, writing->folder, buf_error(&writing->out));
    bool whole = fwrite(writing->out.ptr, 1, writing->out.len, writing->mbox) == writing->out.len;
    return whole ? 0 : failed_at(writing, writing->folder, -errno);
}

/* ---- a file of its own ---- */

static void add_flags(uint32_t marks, char name[NAME_SIZE])
{
    static const struct {
        uint32_t mark;
        char letter;
    } flags[] = { { MARK_DRAFT, 'D' }, { MARK_FLAGGED, 'F' }, { MARK_FORWARDED, 'P' }, { MARK_REPLIED, 'R' }, { MARK_READ, 'S' } };
    size_t len = strlen(name);

    len += (size_t)snprintf(name + len, NAME_SIZE - len, ":2,");
    for (size_t i = 0; i < ARRAY_LEN(flags) && len + 1 < NAME_SIZE; i++)
        if (marks & flags[i].mark)
            name[len++] = flags[i].letter;
    name[len] = '\0';
}

static int write_file(const char *path, struct span bytes, int64_t at)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), r = file < 0 ? -errno : 0;

    while (r == 0 && bytes.len > 0) {
        ssize_t n = write(file, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR)
            r = -errno;
        if (n > 0)
            bytes = (struct span){ bytes.ptr + n, bytes.len - (size_t)n };
    }
    const struct timespec times[] = { { .tv_sec = (time_t)(at / 1000), .tv_nsec = at % 1000 * 1000000 },
                                      { .tv_sec = (time_t)(at / 1000), .tv_nsec = at % 1000 * 1000000 } };
    if (r == 0 && at > 0 && futimens(file, times) != 0)
        r = -errno;
    if (r == 0 && fsync(file) != 0)
        r = -errno;
    if (file >= 0 && close(file) != 0 && r == 0)
        r = -errno;
    return r;
}

static int put_in_file(struct writing *writing, const struct parcel *offer)
{
    char name[NAME_SIZE], part[PATH_SIZE + NAME_SIZE + 16], path[PATH_SIZE + NAME_SIZE + 16];
    bool maildir = writing->format == MOVE_MAILDIR;

    make_name(writing, offer, name);
    snprintf(part, sizeof(part), maildir ? "%s/tmp/%s" : "%s/.%s.part", writing->folder, name);
    if (maildir)
        add_flags(offer->marks, name);
    snprintf(path, sizeof(path), maildir ? "%s/cur/%s" : "%s/%s", writing->folder, name);
    buf_clear(&writing->out);
    if (maildir)
        text_add_lf(&writing->out, writing->message);
    int r = write_file(part, maildir ? buf_span(&writing->out) : writing->message, offer->at);
    if (r == 0 && rename(part, path) != 0)
        r = -errno;
    if (r)
        (void)unlink(part);
    return r ? failed_at(writing, path, r) : 0;
}

/* ---- folders ---- */

/* The folder's place, by its path; names are encoded as the format wants it. */
static void find_place(struct writing *writing, struct span path)
{
    struct buf place = BUF_INIT(PATH_SIZE - 1);
    bool maildir = writing->format == MOVE_MAILDIR, inbox = maildir && span_is(path, "Inbox");

    buf_add_str(&place, writing->dest);
    if (maildir && path.len && !inbox)
        buf_add_char(&place, '/');
    while (path.len > 0 && !inbox) {
        const char *end = memchr(path.ptr, '\n', path.len);
        struct span name = { path.ptr, end ? (size_t)(end - path.ptr) : path.len };
        buf_add_char(&place, maildir ? '.' : '/');
        if (maildir)
            text_add_maildir(&place, name);
        else
            text_add_file(&place, name);
        path = end ? (struct span){ end + 1, path.len - name.len - 1 } : (struct span){ path.ptr, 0 };
    }
    if ((writing->format == MOVE_MBOX || writing->format == MOVE_MBOXO) && !writing->one_folder)
        buf_add_str(&place, ".mbox");
    snprintf(writing->folder, sizeof(writing->folder), "%.*s", buf_error(&place) ? 0 : (int)place.len, place.ptr);
    buf_done(&place);
}

static int enter_maildir(struct writing *writing)
{
    static const char *const parts[] = { "tmp", "new", "cur" };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++) {
        char part[PATH_SIZE + 8];
        snprintf(part, sizeof(part), "%s/%s", writing->folder, parts[i]);
        r = make_folders(writing, part);
        if (r == 0 && i > 0)
            r = learn_names(writing, part);
    }
    return r;
}

static int enter_mbox(struct writing *writing)
{
    char above[PATH_SIZE];
    char *slash;

    snprintf(above, sizeof(above), "%s", writing->folder);
    slash = strrchr(above, '/');
    if (slash)
        *slash = '\0';
    int r = slash && *above && !writing->one_folder ? make_folders(writing, above) : 0;
    return r ? r : open_mbox(writing);
}

/* What was written into the folder before is on the disk, with its name. */
static int leave(struct writing *writing)
{
    bool files = *writing->folder && (writing->format == MOVE_EML || writing->format == MOVE_MAILDIR);
    char path[PATH_SIZE + 8];

    forget_names(writing);
    snprintf(path, sizeof(path), "%s%s", writing->folder, writing->format == MOVE_MAILDIR ? "/cur" : "");
    return files ? sync_folder(writing, path) : close_mbox(writing);
}

static int enter(struct writing *writing, struct span path)
{
    int r = leave(writing);

    if (r)
        return r;
    find_place(writing, path);
    if (!*writing->folder)
        return failed(writing, "a path under %s is too long", writing->dest);
    if (writing->format == MOVE_MAILDIR)
        return enter_maildir(writing);
    if (writing->format != MOVE_EML)
        return enter_mbox(writing);
    r = make_folders(writing, writing->folder);
    return r ? r : learn_names(writing, writing->folder);
}

/* ---- the talk ---- */

static int answer(const struct writing *writing, enum parcel_kind kind)
{
    return parcel_send(writing->end, &(struct parcel){ .kind = kind });
}

static int receive(struct writing *writing, struct parcel *ret_parcel)
{
    int r = parcel_receive(writing->end, MOVE_MESSAGE_MAX, &writing->in, ret_parcel);

    return r == 1 ? -EPIPE : r;
}

static int take(struct writing *writing, const struct parcel *offer)
{
    char name[NAME_SIZE], from[NAME_SIZE];
    struct parcel parcel, known = *offer;

    make_name(writing, offer, name);
    if (tfind(name, &writing->names, compare))
        return answer(writing, PARCEL_HAVE);
    snprintf(from, sizeof(from), "%.*s", offer->label.len < sizeof(from) ? (int)offer->label.len : 0, offer->label.ptr);
    known.label = span_of(from);
    int r = answer(writing, PARCEL_WANTED);
    if (r == 0)
        r = receive(writing, &parcel);
    if (r || parcel.kind != PARCEL_MESSAGE)
        return r;
    writing->message = parcel.bytes;
    return writing->mbox ? put_in_mbox(writing, &known) : put_in_file(writing, &known);
}

static int take_all(struct writing *writing)
{
    struct parcel parcel;
    int r;

    while ((r = receive(writing, &parcel)) == 0) {
        if (parcel.kind == PARCEL_FOLDER && parcel.label.len)
            snprintf(writing->guid, sizeof(writing->guid), "%.*s", (int)parcel.label.len, parcel.label.ptr);
        else if (parcel.kind == PARCEL_FOLDER)
            r = enter(writing, parcel.folder);
        else if (parcel.kind == PARCEL_OFFER)
            r = take(writing, &parcel);
        else if (parcel.kind == PARCEL_END)
            return (r = leave(writing)) ? r : answer(writing, PARCEL_END);
        if (r)
            break;
    }
    return r;
}

int move_write_all(const struct parcel_end *end, enum move_format format, const char *dest, bool one_folder, bool force)
{
    struct writing writing = { .end = end, .format = format, .dest = dest, .one_folder = one_folder, .force = force,
                               .in = BUF_INIT(MOVE_MESSAGE_MAX + 2 * PARCEL_TEXT_MAX), .out = BUF_INIT(2ul * MOVE_MESSAGE_MAX) };
    int r = take_all(&writing);

    if (writing.mbox) {
        (void)fclose(writing.mbox);
        (void)unlink(writing.part);
    }
    forget_names(&writing);
    buf_done(&writing.in);
    buf_done(&writing.out);
    return r;
}
