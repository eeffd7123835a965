/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The one result type of the project. Zero is success; a negative value is an expected condition
 * that the direct caller must handle; a positive value is a public error number (E0301 = 301) from
 * base/errors.def.
 */
#include "base/compiler.h"

#include <stdbool.h>

enum tvn_status {
    TVN_OK = 0,
    TVN_FULL = -1,      /* no room; nothing was taken */
    TVN_EMPTY = -2,     /* nothing there */
    TVN_AGAIN = -3,     /* would block; try after an event */
    TVN_NOT_FOUND = -4, /* no such key */
    TVN_END = -5,       /* end of input */
    TVN_EXISTS = -6,    /* the key is taken */
#define TVN_ERR(number, name, title, what, fix) TVN_E_##name = (number),
#include "base/errors.def"
#undef TVN_ERR
};

// COLD PATH. "E0301" for an error (static storage), "OK" or the condition's name otherwise.
const char *tvn_status_code(enum tvn_status status);
// COLD PATH. The specification's name ("PoolExhausted"), what happened, and how to fix it; "" when
// not a public error.
const char *tvn_status_name(enum tvn_status status);
const char *tvn_status_what(enum tvn_status status);
const char *tvn_status_fix(enum tvn_status status);

/* Walks every public error in ascending order. Returns false past the end. */
bool tvn_status_at(size_t index, enum tvn_status *out_status);

/* A negative status that nobody handled is our bug: turns it into E0099 where a module boundary is
 * crossed. */
static inline enum tvn_status tvn_status_fold(enum tvn_status status)
{
    return status < TVN_OK ? TVN_E_INTERNAL : status;
}
#define TVN_FOLD(expression) tvn_status_fold(expression)

#define TVN_TRY(expression)                         \
    do {                                            \
        enum tvn_status try_status_ = (expression); \
        if (TVN_UNLIKELY(try_status_ != TVN_OK)) {  \
            return try_status_;                     \
        }                                           \
    } while (0)
