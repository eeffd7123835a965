/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Diagnostic log to stderr, filtered by TORVYN_LOG ("warn", "info,torvyn_reactor=debug"). Library
 * code logs debug and trace, and warn only for "went on anyway, because"; the CLI's `[torvyn] …`
 * lines are info.
 *
 * A file that logs has TVN_LOG_CATEGORY("reactor") once at its top; the filter's name for it is
 * torvyn_reactor. Threads: any; a line is written with one write call. Messages: lower case,
 * objects in quotes, no full stop.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>

enum tvn_log_level {
    TVN_LOG_OFF,
    TVN_LOG_ERROR,
    TVN_LOG_WARN,
    TVN_LOG_INFO,
    TVN_LOG_DEBUG,
    TVN_LOG_TRACE,
};

struct tvn_log_category {
    const char *name;
    int cached_level; /* accessed with relaxed atomics; -1 until looked up under the current filter
                       */
    int generation;
};

#define TVN_LOG_CATEGORY(category_name)                                                 \
    static struct tvn_log_category log_category_ TVN_UNUSED = {.name = (category_name), \
                                                               .cached_level = -1}

// COLD PATH. Parses a filter; TVN_E_CONSTRAINT_VIOLATION for an unknown level or bad syntax (filter
// unchanged).
TVN_NODISCARD enum tvn_status tvn_log_set_filter(const char *filter);
/* Names of levels: "error" … "trace", "off". False for others. */
TVN_NODISCARD bool tvn_log_level_parse(struct tvn_str text, enum tvn_log_level *out_level);
bool tvn_log_enabled(struct tvn_log_category *category, enum tvn_log_level level);
void tvn_log_write(struct tvn_log_category *category, enum tvn_log_level level, const char *format,
                   ...) TVN_PRINTF(3, 4);

#define TVN_LOG_AT(level, ...)                                   \
    do {                                                         \
        if (tvn_log_enabled(&log_category_, (level))) {          \
            tvn_log_write(&log_category_, (level), __VA_ARGS__); \
        }                                                        \
    } while (0)
#define tvn_log_error(...) TVN_LOG_AT(TVN_LOG_ERROR, __VA_ARGS__)
#define tvn_log_warn(...)  TVN_LOG_AT(TVN_LOG_WARN, __VA_ARGS__)
#define tvn_log_info(...)  TVN_LOG_AT(TVN_LOG_INFO, __VA_ARGS__)
#define tvn_log_debug(...) TVN_LOG_AT(TVN_LOG_DEBUG, __VA_ARGS__)
#define tvn_log_trace(...) TVN_LOG_AT(TVN_LOG_TRACE, __VA_ARGS__)
