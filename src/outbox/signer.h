/*
 * DKIM signatures (RFC 6376): a message to a relay gets one of the domain of
 * its From, when that is one of dkim.domains. Relaxed canonicalisation, From
 * signed once more than it is there, so that none can be added; the time is
 * that of the submission, so every attempt has the same bytes (decisions 3).
 */
#ifndef EWSD_OUTBOX_SIGNER_H
#define EWSD_OUTBOX_SIGNER_H

#include "base/arena.h"
#include "base/conf.h"
#include "model/item.h"

struct signer;

/* NULL is what no dkim.domains make. 1: refused, and everything
 * that is wrong was reported; else the key has made a signature. conf outlives
 * the signer. -errno. */
int signer_load(const struct conf *conf, struct signer **ret_signer, struct conf_report *report);
/* Wipes the key. NULL is fine. */
void signer_free(struct signer *signer);

/* The field for a message, with its line end, in the arena; empty: it is not
 * for this signer, or there is none (NULL). submitted: ms. May be called by
 * several threads. -EIO: the library failed. */
int signer_sign(const struct signer *signer, struct arena *arena, const struct item *item, int64_t submitted, struct span raw,
                struct span *ret_field);

#endif
