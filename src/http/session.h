/*
 * Log-ins to the page on the admin listener. A session is a random cookie, which
 * scripts don't see and other sites don't send, and a random token, which the page
 * was told at log-in and shows with each call that changes something. (Cookies
 * don't know ports: what else listens on this machine may see the cookie, never the
 * token.) Sessions are in memory only; they end when idle, by age, by log-out, when
 * a mailbox or password changed, and when admin.users no longer has the address.
 * Thread-safe.
 */
#ifndef EWSD_HTTP_SESSION_H
#define EWSD_HTTP_SESSION_H

#include "auth/auth.h"

#define SESSION_TEXT_SIZE 49 /* 192 bits as hex, and a NUL */
#define SESSION_USER_SIZE 321
#define SESSION_COOKIE "ewsd_session"
#define SESSION_TOKEN "X-Ewsd-Token" /* the header of the token */
#define SESSION_IDLE "X-Ewsd-Idle"   /* a call that nobody asked for: the session stays idle */

struct sessions;

/* auth and conf outlive the sessions. -ENOMEM. */
int sessions_new(struct auth *auth, const struct conf *conf, struct sessions **ret_sessions);
void sessions_free(struct sessions *sessions);

/* Whether admin.users has the address. */
bool sessions_may(const struct conf *conf, struct span address);

/* For one who has shown his password, at that auth_generation. -errno. */
int sessions_open(struct sessions *sessions, struct span address, uint64_t generation, char ret_cookie[SESSION_TEXT_SIZE],
                  char ret_token[SESSION_TEXT_SIZE]);

/* What a request brings along; NULL: nothing. cookie is the whole header. */
struct session_proof {
    const char *cookie, *token, *idle;
};

/* 0; 401: no session; 403: it changes something and has not the token. */
int sessions_judge(struct sessions *sessions, const struct session_proof *proof, bool changes);
/* Whose session it is; false: none. */
bool sessions_user(struct sessions *sessions, const struct session_proof *proof, char ret_user[SESSION_USER_SIZE]);
void sessions_close(struct sessions *sessions, const struct session_proof *proof);

#endif
