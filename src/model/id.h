/*
 * ItemId, FolderId, AttachmentId and ChangeKey in their published layout
 * (protocol.md 4.5; decisions 17): base64 of storage type 3, the mailbox GUID
 * as 36 characters, a 46-byte folder or 70-byte message store id, and a tail
 * for attachments, a level for each item that is attached to another. The 16-byte replica GUID in front of the number is a keyed
 * tag over mailbox, kind, folder and number, so ids cannot be made up. The tag
 * replaces no rights check.
 */
#ifndef EWSD_MODEL_ID_H
#define EWSD_MODEL_ID_H

#include "base/codec.h"
#include "model/code.h"

#define GUID_SIZE 16
#define GUID_TEXT_SIZE 37
#define ID_NUMBER_MAX 0xffffffffffffu /* numbers are 48 bits in a store id */
#define ID_TEXT_MAX 512
#define ID_LEVELS_MAX 11 /* an attachment of an item that is attached to an item that... */

enum id_kind { ID_FOLDER = 1, ID_ITEM, ID_ATTACHMENT };

struct ews_id {
    uint8_t mailbox[GUID_SIZE];
    enum id_kind kind;
    uint64_t folder;     /* folder_no */
    uint64_t item;       /* item_no; 0 for a folder */
    unsigned levels;     /* of attachments; 0 unless ID_ATTACHMENT */
    uint32_t attachment[ID_LEVELS_MAX]; /* numbers: of the item's own, of the one in that... */
};

/* Kinds of ChangeKeys (first int32). */
enum change_key_kind { CHANGE_KEY_FOLDER = 1, CHANGE_KEY_MESSAGE = 9, CHANGE_KEY_CALENDAR = 15 };

void guid_format(const uint8_t guid[GUID_SIZE], char ret_text[GUID_TEXT_SIZE]);
bool guid_parse(struct span text, uint8_t ret_guid[GUID_SIZE]);

/* Appends the base64 text. */
void id_encode(const struct mac_key *key, const struct ews_id *id, struct buf *out);
/* The same of the store id alone: an item's entry id. */
void id_encode_entry(const struct mac_key *key, const struct ews_id *id, struct buf *out);
/* The id of a conversation of that mailbox. */
void id_encode_conversation(const uint8_t mailbox[GUID_SIZE], const uint8_t conversation[GUID_SIZE], struct buf *out);
/* CODE_ErrorInvalidIdEmpty, -Malformed (also: the tag does not fit),
 * -MonikerTooLong, -StoreObjectIdTooLong, -TooManyAttachmentLevels,
 * -MalformedEwsLegacyIdFormat.
 * Compressed ids (RLE) are understood. */
int id_decode(const struct mac_key *key, struct span text, struct ews_id *ret_id);
/* Is this id of the kind that is wanted here? CODE_ErrorCannotUseFolderIdForItemId,
 * CODE_ErrorCannotUseItemIdForFolderId, CODE_ErrorInvalidIdNotAnItemAttachmentId,
 * CODE_ErrorInvalidIdMalformed (an attachment id for an item). */
int id_expect(const struct ews_id *id, enum id_kind kind);

/* epoch is the store's (decisions 16); counter is the object's key_no. */
void change_key_encode(enum change_key_kind kind, const uint8_t epoch[GUID_SIZE], uint64_t counter, struct buf *out);
/* CODE_ErrorInvalidChangeKey: not a ChangeKey at all. A key of another epoch is
 * well-formed but never current: its counter comes back as UINT64_MAX, as does
 * the four-byte form that holds no key. */
int change_key_decode(struct span text, const uint8_t epoch[GUID_SIZE], uint64_t *ret_counter);

#endif
