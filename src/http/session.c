/*
 * The sessions of session.h: a fixed table; who logs in when it is full takes the
 * place of the one that was idle longest. Secrets are compared in constant time.
 */
#include "http/session.h"

#include "base/codec.h"
#include "base/when.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define SESSIONS_MAX 64
#define SECRET_LEN (SESSION_TEXT_SIZE - 1)

struct session {
    char cookie[SESSION_TEXT_SIZE], token[SESSION_TEXT_SIZE];
    char user[SESSION_USER_SIZE]; /* empty: no session */
    uint64_t generation;
    int64_t since, used; /* monotonic ms */
};

struct sessions {
    struct auth *auth;
    const struct conf *conf;
    pthread_mutex_t lock;
    struct session v[SESSIONS_MAX]; /* under lock */
};

int sessions_new(struct auth *auth, const struct conf *conf, struct sessions **ret_sessions)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));
    if (!sessions)
        return -ENOMEM;
    sessions->auth = auth;
    sessions->conf = conf;
    pthread_mutex_init(&sessions->lock, NULL);
    *ret_sessions = sessions;
    return 0;
}

static void forget(struct session *session)
{
    explicit_bzero(session, sizeof(*session));
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    pthread_mutex_destroy(&sessions->lock);
    explicit_bzero(sessions, sizeof(*sessions));
    free(sessions);
}

bool sessions_may(const struct conf *conf, struct span address)
{
    struct span rest = span_of(conf->admin_users), word;
    while (conf_list_next(&rest, &word))
        if (span_eq_nocase(word, address))
            return true;
    return false;
}

static int random_text(char ret_text[SESSION_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[SECRET_LEN / 2];
    int r = random_bytes(bytes, sizeof(bytes));
    if (r)
        return r;
    for (size_t i = 0; i < SECRET_LEN; i++)
        ret_text[i] = digits[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
    ret_text[SECRET_LEN] = 0;
    return 0;
}

int sessions_open(struct sessions *sessions, struct span address, uint64_t generation, char ret_cookie[SESSION_TEXT_SIZE],
                  char ret_token[SESSION_TEXT_SIZE])
{
    struct session session = { .generation = generation, .since = when_monotonic() };
    session.used = session.since;
    if (address.len == 0 || address.len >= sizeof(session.user))
        return -EINVAL;
    memcpy(session.user, address.ptr, address.len);
    int r = random_text(session.cookie);
    if (r == 0)
        r = random_text(session.token);
    if (r)
        return r;
    pthread_mutex_lock(&sessions->lock);
    struct session *place = sessions->v;
    for (size_t i = 0; i < SESSIONS_MAX && place->user[0]; i++)
        if (!sessions->v[i].user[0] || sessions->v[i].used < place->used)
            place = &sessions->v[i];
    *place = session;
    pthread_mutex_unlock(&sessions->lock);
    memcpy(ret_cookie, session.cookie, SESSION_TEXT_SIZE);
    memcpy(ret_token, session.token, SESSION_TEXT_SIZE);
    forget(&session);
    return 0;
}

/* The value of our cookie in the header; empty: it is not there. A browser sends one. */
static struct span cookie_of(const char *header)
{
    struct span rest = span_of(header ? header : "");
    const struct span name = SPAN(SESSION_COOKIE "=");
    while (rest.len) {
        const char *end = memchr(rest.ptr, ';', rest.len);
        struct span one = span_trim((struct span){ rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len });
        if (span_starts(one, name))
            return (struct span){ one.ptr + name.len, one.len - name.len };
        rest = end ? (struct span){ end + 1, rest.len - (size_t)(end + 1 - rest.ptr) } : (struct span){ 0 };
    }
    return rest;
}

static bool is_secret(struct span shown, const char secret[SESSION_TEXT_SIZE])
{
    return shown.len == SECRET_LEN && mem_equal_secret(shown.ptr, secret, SECRET_LEN);
}

static bool is_over(struct sessions *sessions, const struct session *session, int64_t now)
{
    const struct conf *conf = sessions->conf;
    return now - session->used > conf->admin_session_idle * 1000 || now - session->since > conf->admin_session_max * 1000 ||
           session->generation != auth_generation(sessions->auth) || !sessions_may(conf, span_of(session->user));
}

/* The session that the cookie names, or NULL; the lock is held. One that is over is
 * forgotten. */
static struct session *find(struct sessions *sessions, const struct session_proof *proof)
{
    struct span cookie = cookie_of(proof->cookie);
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &sessions->v[i];
        if (!session->user[0] || !is_secret(cookie, session->cookie))
            continue;
        if (!is_over(sessions, session, when_monotonic()))
            return session;
        forget(session);
    }
    return NULL;
}

int sessions_judge(struct sessions *sessions, const struct session_proof *proof, bool changes)
{
    pthread_mutex_lock(&sessions->lock);
    struct session *session = find(sessions, proof);
    int status = !session ? 401 : changes && !is_secret(span_of(proof->token ? proof->token : ""), session->token) ? 403 : 0;
    if (status == 0 && !proof->idle)
        session->used = when_monotonic();
    pthread_mutex_unlock(&sessions->lock);
    return status;
}

bool sessions_user(struct sessions *sessions, const struct session_proof *proof, char ret_user[SESSION_USER_SIZE])
{
    pthread_mutex_lock(&sessions->lock);
    const struct session *session = find(sessions, proof);
    if (session)
        memcpy(ret_user, session->user, SESSION_USER_SIZE);
    pthread_mutex_unlock(&sessions->lock);
    return session != NULL;
}

void sessions_close(struct sessions *sessions, const struct session_proof *proof)
{
    pthread_mutex_lock(&sessions->lock);
    struct session *session = find(sessions, proof);
    if (session)
        forget(session);
    pthread_mutex_unlock(&sessions->lock);
}
