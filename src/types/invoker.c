/* SPDX-License-Identifier: Apache-2.0 */
#include "types/invoker.h"

#include "base/assert.h"

const char *tvn_role_name(enum tvn_role role)
{
    static const char *const names[] = {
        [TVN_ROLE_SOURCE] = "source",         [TVN_ROLE_PROCESSOR] = "processor",
        [TVN_ROLE_FILTER] = "filter",         [TVN_ROLE_ROUTER] = "router",
        [TVN_ROLE_AGGREGATOR] = "aggregator", [TVN_ROLE_SINK] = "sink",
    };
    tvn_assert((unsigned)role < TVN_ARRAY_LEN(names));
    return names[role];
}

const char *tvn_process_error_name(enum tvn_process_error error)
{
    static const char *const names[] = {
        [TVN_PROCESS_INVALID_INPUT] = "invalid-input",
        [TVN_PROCESS_UNAVAILABLE] = "unavailable",
        [TVN_PROCESS_INTERNAL] = "internal",
        [TVN_PROCESS_DEADLINE_EXCEEDED] = "deadline-exceeded",
        [TVN_PROCESS_FATAL] = "fatal",
    };
    tvn_assert((unsigned)error < TVN_ARRAY_LEN(names));
    return names[error];
}
