/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The life of a flow. Created → Validated → Instantiated → Running ↔ Suspended → Draining →
 * Completed; or Failed. */
#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum tvn_flow_state {
    TVN_FLOW_CREATED,
    TVN_FLOW_VALIDATED,
    TVN_FLOW_INSTANTIATED,
    TVN_FLOW_RUNNING,
    TVN_FLOW_SUSPENDED,
    TVN_FLOW_DRAINING,
    TVN_FLOW_COMPLETED,
    TVN_FLOW_FAILED,
    TVN_FLOW_STATE_COUNT,
};
const char *tvn_flow_state_name(enum tvn_flow_state state); /* "Running" */
bool tvn_flow_state_may_follow(enum tvn_flow_state from, enum tvn_flow_state to);
TVN_HOT bool tvn_flow_state_is_terminal(enum tvn_flow_state state);

/* How a flow is asked to end early. Any thread or signal handler may raise it; it is never lowered.
 */
enum tvn_stop {
    TVN_STOP_NONE,
    TVN_STOP_DRAIN,  /* sources are pulled no more; what is in the queues is delivered; Completed */
    TVN_STOP_CANCEL, /* at once, also out of a running call; Failed with E0402 */
};
typedef _Atomic uint32_t tvn_stop_flag;

/* How a flow is asked to stand still: true until it may go on. Any thread may set it. */
typedef atomic_bool tvn_pause_flag;

static inline enum tvn_stop tvn_stop_level(const tvn_stop_flag *flag)
{
    return (enum tvn_stop)atomic_load_explicit(flag, memory_order_relaxed);
}
static inline void tvn_stop_raise(tvn_stop_flag *flag, enum tvn_stop level)
{
    uint32_t current = atomic_load_explicit(flag, memory_order_relaxed);
    while (current < (uint32_t)level &&
           !atomic_compare_exchange_weak_explicit(flag, &current, (uint32_t)level,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}
