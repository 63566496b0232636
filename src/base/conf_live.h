/*
 * The settings of a program that runs: each configuration is a value that never
 * changes. When another takes its place, whoever holds the old one keeps it
 * until he is done, so that nothing changes in the middle of a request.
 */
#ifndef EWSD_BASE_CONF_LIVE_H
#define EWSD_BASE_CONF_LIVE_H

#include "base/conf.h"

struct conf_live;

/* Copies conf. -ENOMEM. */
int conf_live_new(const struct conf *conf, struct conf_live **ret_live);
/* Nobody holds one any more. NULL is fine. */
void conf_live_free(struct conf_live *live);

/* From any thread. What holds now, until conf_release. */
const struct conf *conf_hold(struct conf_live *live);
/* One that is held already gets another holder. */
void conf_hold_same(struct conf_live *live, const struct conf *conf);
/* NULL is fine. */
void conf_release(struct conf_live *live, const struct conf *conf);

/* A copy of conf that may take the place of the current one: held by the caller,
 * until conf_release, or until conf_live_put makes it the current one. -ENOMEM. */
int conf_live_make(const struct conf *conf, const struct conf **ret_conf);
void conf_live_put(struct conf_live *live, const struct conf *conf);

#endif
