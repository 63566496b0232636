/*
 * What makes an answer part of a conversation: subject, In-Reply-To and
 * References (RFC 5322, 3.6.4), ConversationTopic and ConversationIndex
 * (MS-OXOMSG, 2.2.1.3).
 */
#ifndef EWSD_OPS_THREAD_H
#define EWSD_OPS_THREAD_H

#include "model/item.h"

/* prefix ("RE: ") stands once before the subject, in place of those there. What
 * is set in answer already stays. -ENOMEM, and what random_bytes gives. */
int thread_join(struct arena *arena, const struct item *original, const char *prefix, struct item *answer);

#endif
