/* SPDX-License-Identifier: Apache-2.0 */
#include "types/event_sink.h"

#include "base/assert.h"

const char *tvn_event_kind_name(enum tvn_event_kind kind)
{
    static const char *const names[TVN_EVENT_KIND_COUNT] = {
        [TVN_EVENT_STATE] = "state",         [TVN_EVENT_THROTTLED] = "throttled",
        [TVN_EVENT_RELIEVED] = "relieved",   [TVN_EVENT_EVICTED] = "evicted",
        [TVN_EVENT_DISCARDED] = "discarded", [TVN_EVENT_FAULT] = "fault",
        [TVN_EVENT_RESTARTED] = "restarted", [TVN_EVENT_DEAD_LETTER] = "dead-letter",
    };
    tvn_assert((unsigned)kind < TVN_EVENT_KIND_COUNT);
    return names[kind];
}
