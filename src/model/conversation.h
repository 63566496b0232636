/*
 * Which conversation a message is of (protocol.md 3.3). A ConversationIndex is
 * 22 bytes of its first message (a reserved 1, five bytes of time, the
 * conversation's GUID), and five more for each answer. A message that came
 * without one belongs where its first reference, or its own Message-ID, says:
 * so answers of programs that know nothing of indexes find their conversation,
 * in every mailbox alike.
 */
#ifndef EWSD_MODEL_CONVERSATION_H
#define EWSD_MODEL_CONVERSATION_H

#include "model/id.h"
#include "model/item.h"

/* Gives a new message an index, unless it has one. -ENOMEM, or what random_bytes gives. */
int conversation_begin(struct arena *arena, struct item *item);
/* The index of an answer; where the original has none, or one that is damaged or
 * too long, that of the first answer there is. As conversation_begin. */
int conversation_answer(struct arena *arena, const struct item *original, int64_t now, struct span *ret_index);
/* The GUID; false when nothing says one (a contact, say). */
bool conversation_guid(const struct item *item, uint8_t ret_guid[GUID_SIZE]);
/* What a Message-ID that is made for this message has to begin with, for
 * answers to find its conversation; false when it may be anything. */
bool conversation_seed(const struct item *item, uint64_t *ret_seed);

#endif
