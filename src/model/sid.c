/*
 * SIDs and GUIDs; the words are little-endian, as a SID's are in its binary form.
 */
#include "model/sid.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

static const struct span prefix = { "S-1-5-21-", 9 };

void sid_format(const uint8_t guid[GUID_SIZE], char ret_text[SID_TEXT_SIZE])
{
    uint32_t words[4];

    memcpy(words, guid, sizeof(words));
    snprintf(ret_text, SID_TEXT_SIZE, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu32 "-%" PRIu32, prefix.ptr, le32toh(words[0]),
             le32toh(words[1]), le32toh(words[2]), le32toh(words[3]));
}

bool sid_parse(struct span text, uint8_t ret_guid[GUID_SIZE])
{
    char again[SID_TEXT_SIZE];
    uint8_t guid[GUID_SIZE];
    uint32_t words[4];

    if (text.len <= prefix.len || !span_eq_nocase((struct span){ text.ptr, prefix.len }, prefix))
        return false;
    struct span rest = { text.ptr + prefix.len, text.len - prefix.len };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const char *dash = i + 1 < ARRAY_LEN(words) ? memchr(rest.ptr, '-', rest.len) : rest.ptr + rest.len;
        int64_t word;
        if (!dash || !span_int((struct span){ rest.ptr, (size_t)(dash - rest.ptr) }, false, 0, UINT32_MAX, &word))
            return false;
        words[i] = htole32((uint32_t)word);
        size_t used = (size_t)(dash - rest.ptr) + (i + 1 < ARRAY_LEN(words));
        rest = (struct span){ rest.ptr + used, rest.len - used };
    }
    memcpy(guid, words, sizeof(guid));
    sid_format(guid, again); /* no leading zeros or signs */
    if (!span_eq_nocase(text, span_of(again)))
        return false;
    memcpy(ret_guid, guid, sizeof(guid));
    return true;
}
