/*
 * Response codes: names, texts and whether one ends its batch, one row each in
 * codes.def. They are also the positive values that model, store and outbox
 * answer with: CODE_NoError is 0.
 */
#ifndef EWSD_MODEL_CODE_H
#define EWSD_MODEL_CODE_H

#include "base/base.h"

enum ews_code {
#define CODE(name, text, stops) CODE_##name,
#include "model/codes.def"
#undef CODE
    CODE_COUNT
};

_Static_assert(CODE_NoError == 0, "success is zero");

/* "ErrorItemNotFound"; for a number that is no code "ErrorInternalServerError". */
const char *code_name(int code);
/* The default MessageText (protocol.md 2.4). */
const char *code_text(int code);
/* The items after one with this code get ErrorBatchProcessingStopped (2.10). */
bool code_stops_batch(int code);

#endif
