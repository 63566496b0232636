/*
 * Waking other servers of the same store: a thread with a connection of its own
 * that listens, and notifies when it was asked to. Not as a part of the commits
 * that there is something to be told of, since PostgreSQL lets only one of those
 * commit at a time that notify; so a server that dies in between wakes nobody,
 * and what it left is found when somebody looks the next time. However often
 * wake_others is called, others are woken once in PAUSE_MS.
 */
#include "store/store_postgres.h"

#include "base/when.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PAUSE_MS 50
#define AGAIN_MS 1000 /* until it is tried again to connect */
#define ALL_NEWS (STORE_NEWS_DIRECTORY | STORE_NEWS_NODES)

struct watch {
    struct store_db *db;
    PGconn *pg;
    bool owing;     /* others have to be told */
    int64_t told;   /* monotonic: the last time */
};

static void close_link(struct watch *watch)
{
    PQfinish(watch->pg);
    watch->pg = NULL;
}

static void run(struct watch *watch, const char *text)
{
    PGresult *result = PQexec(watch->pg, text);

    if (postgres_error(result) != 0)
        close_link(watch);
    PQclear(result);
}

static int open_link(struct watch *watch)
{
    int r = postgres_link(watch->db, "ewsd watcher", &watch->pg);

    if (r == 0)
        run(watch, "LISTEN ewsd");
    return r == 0 && !watch->pg ? -EIO : r;
}

/* What was told while nobody listened is lost, so whoever comes back looks. */
static void open_again(struct watch *watch)
{
    if (open_link(watch) == 0)
        watch->db->woken(watch->db->woken_arg, ALL_NEWS);
}

/* The words of a notice; a server of another version may have words of its own. */
static unsigned read_news(const char *text)
{
    return (strstr(text, "directory") ? STORE_NEWS_DIRECTORY : 0u) | (strstr(text, "nodes") ? STORE_NEWS_NODES : 0u);
}

static void hear(struct watch *watch)
{
    PGnotify *notice;
    bool others = false;
    unsigned news = 0;

    if (!PQconsumeInput(watch->pg)) {
        close_link(watch);
        return;
    }
    while ((notice = PQnotifies(watch->pg))) {
        others = others || notice->be_pid != PQbackendPID(watch->pg);
        news |= read_news(notice->extra);
        PQfreemem(notice);
    }
    if (others)
        watch->db->woken(watch->db->woken_arg, news);
}

static const char *message(struct store_db *db)
{
    static const char *const texts[ALL_NEWS + 1] = {
        "NOTIFY ewsd",
        [STORE_NEWS_DIRECTORY] = "NOTIFY ewsd, 'directory'",
        [STORE_NEWS_NODES] = "NOTIFY ewsd, 'nodes'",
        [ALL_NEWS] = "NOTIFY ewsd, 'directory nodes'",
    };

    return texts[atomic_exchange(&db->news, 0)];
}

static void tell(struct watch *watch)
{
    watch->told = when_monotonic();
    watch->owing = false;
    run(watch, message(watch->db));
}

static bool read_event(int fd)
{
    uint64_t n;

    return read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n);
}

/* False: it is over. */
static bool wait_for_news(struct watch *watch)
{
    struct pollfd fds[] = {
        { .fd = watch->db->stop, .events = POLLIN },
        { .fd = watch->owing ? -1 : watch->db->wake, .events = POLLIN },
        { .fd = watch->pg ? PQsocket(watch->pg) : -1, .events = POLLIN },
    };
    int64_t pause = watch->told + PAUSE_MS - when_monotonic();
    int wait = !watch->pg ? AGAIN_MS : !watch->owing ? -1 : pause > 0 ? (int)pause : 0;

    (void)poll(fds, ARRAY_LEN(fds), wait);
    if (fds[0].revents)
        return false;
    if (fds[1].revents)
        watch->owing = read_event(watch->db->wake);
    if (fds[2].revents)
        hear(watch);
    return true;
}

static void *watch_loop(void *arg)
{
    struct watch watch = { .db = arg, .pg = ((struct store_db *)arg)->listening };

    do {
        if (!watch.pg)
            open_again(&watch);
        if (watch.pg && watch.owing && when_monotonic() - watch.told >= PAUSE_MS)
            tell(&watch);
    } while (wait_for_news(&watch));
    close_link(&watch);
    return NULL;
}

int postgres_watch(struct store_db *db, store_woken *woken, void *arg)
{
    db->woken = woken;
    db->woken_arg = arg;
    db->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    db->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct watch watch = { .db = db };
    int r = db->wake < 0 || db->stop < 0 ? -errno : open_link(&watch);
    db->listening = watch.pg;
    if (r == 0)
        r = -pthread_create(&db->watcher, NULL, watch_loop, db);
    if (r != 0)
        close_link(&watch);
    db->watching = r == 0;
    return r;
}

void postgres_unwatch(struct store_db *db)
{
    const uint64_t one = 1;

    if (db->watching) {
        (void)!write(db->stop, &one, sizeof(one));
        pthread_join(db->watcher, NULL);
    }
    db->watching = false;
    if (db->wake >= 0)
        close(db->wake);
    if (db->stop >= 0)
        close(db->stop);
    db->wake = db->stop = -1;
}

/* Who does not watch, as ewsctl, tells it over a connection of its own. */
static void tell_now(struct store_db *db)
{
    struct watch watch = { .db = db };

    if (postgres_link(db, "ewsd", &watch.pg) == 0)
        run(&watch, message(db));
    close_link(&watch);
}

void postgres_wake_others(struct store_db *db, unsigned news)
{
    const uint64_t one = 1;

    atomic_fetch_or(&db->news, news);
    if (db->watching)
        (void)!write(db->wake, &one, sizeof(one));
    else
        tell_now(db);
}
