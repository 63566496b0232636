/*
 * The SID of a mailbox, as ConnectingSID and UserId of EWS name it. It is the
 * mailbox' GUID in another spelling, S-1-5-21-a-b-c-d with the four 32-bit
 * words of the GUID, so neither has to be stored beside the other.
 */
#ifndef EWSD_MODEL_SID_H
#define EWSD_MODEL_SID_H

#include "model/id.h"

#define SID_TEXT_SIZE 56

void sid_format(const uint8_t guid[GUID_SIZE], char ret_text[SID_TEXT_SIZE]);
/* false: no SID that sid_format writes. The S may be small. */
bool sid_parse(struct span text, uint8_t ret_guid[GUID_SIZE]);

#endif
