/*
 * Names for the negative (fatal) values, for logs: a fatal value is -errno.
 */
#ifndef EWSD_BASE_ERR_H
#define EWSD_BASE_ERR_H

#include "base/base.h"

#include <errno.h>

/* "EIO: Input/output error"; thread-safe, static text. error is negative. */
const char *err_text(int error);

#endif
