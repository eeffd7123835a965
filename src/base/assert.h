/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Assertions for our own bugs, always on: print the expression and place to stderr, then abort.
 * Never for bad input.
 */
#include "base/compiler.h"

TVN_NORETURN void tvn_assert_failed(const char *expression, const char *file, int line);

#define tvn_assert(condition)                                  \
    do {                                                       \
        if (TVN_UNLIKELY(!(condition))) {                      \
            tvn_assert_failed(#condition, __FILE__, __LINE__); \
        }                                                      \
    } while (0)
#define tvn_unreachable() tvn_assert_failed("unreachable", __FILE__, __LINE__)

/* Only in measured hot loops; compiled in under the dev preset (TVN_DEBUG). */
#ifdef TVN_DEBUG
#define tvn_debug_assert(condition) tvn_assert(condition)
#else
#define tvn_debug_assert(condition) ((void)sizeof(condition))
#endif
