/*
 * Any text as an ItemId, FolderId, AttachmentId or ChangeKey: nothing that was
 * not made with the key may be accepted, and nothing may be read out of bounds.
 */
#include "model/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mac_key key;
    static const uint8_t epoch[GUID_SIZE];
    struct span text = {(const char *)data, size};
    struct ews_id id;
    uint64_t counter;
    (void)id_decode(&key, text, &id);
    (void)change_key_decode(text, epoch, &counter);
    return 0;
}
