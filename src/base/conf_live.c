/*
 * A configuration with a count of those who hold it, the current one by the
 * conf_live itself.
 */
#include "base/conf_live.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct held {
    struct conf conf; /* first: a configuration is what holds it */
    unsigned holders;
};

struct conf_live {
    pthread_mutex_t lock; /* guards what follows, and every count */
    struct held *now;
};

static struct held *held_of(const struct conf *conf)
{
    return (struct held *)(uintptr_t)conf;
}

int conf_live_make(const struct conf *conf, const struct conf **ret_conf)
{
    struct held *held = malloc(sizeof(*held));

    if (!held)
        return -ENOMEM;
    held->conf = *conf;
    held->holders = 1;
    *ret_conf = &held->conf;
    return 0;
}

int conf_live_new(const struct conf *conf, struct conf_live **ret_live)
{
    struct conf_live *live = calloc(1, sizeof(*live));
    const struct conf *copy;

    if (!live || conf_live_make(conf, &copy)) {
        free(live);
        return -ENOMEM;
    }
    live->now = held_of(copy);
    pthread_mutex_init(&live->lock, NULL);
    *ret_live = live;
    return 0;
}

void conf_live_free(struct conf_live *live)
{
    if (!live)
        return;
    conf_release(live, &live->now->conf);
    pthread_mutex_destroy(&live->lock);
    free(live);
}

const struct conf *conf_hold(struct conf_live *live)
{
    pthread_mutex_lock(&live->lock);
    struct held *held = live->now;
    held->holders++;
    pthread_mutex_unlock(&live->lock);
    return &held->conf;
}

void conf_hold_same(struct conf_live *live, const struct conf *conf)
{
    pthread_mutex_lock(&live->lock);
    held_of(conf)->holders++;
    pthread_mutex_unlock(&live->lock);
}

void conf_release(struct conf_live *live, const struct conf *conf)
{
    if (!conf)
        return;
    pthread_mutex_lock(&live->lock);
    bool over = --held_of(conf)->holders == 0;
    pthread_mutex_unlock(&live->lock);
    if (over)
        free(held_of(conf));
}

void conf_live_put(struct conf_live *live, const struct conf *conf)
{
    pthread_mutex_lock(&live->lock);
    const struct held *old = live->now;
    live->now = held_of(conf);
    pthread_mutex_unlock(&live->lock);
    conf_release(live, &old->conf);
}
