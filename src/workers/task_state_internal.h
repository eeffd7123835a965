/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a task is, so that it is in at most one queue, run by at most one thread, and no wake-up is
 * lost.
 *
 *     FREE ──spawn──▶ QUEUED ──begin──▶ RUNNING ──sleep──▶ IDLE ──notify──▶ QUEUED
 *                       ▲                 │ ▲ notify           (whoever notified queues it)
 *                       └────requeue──────┤ ▼
 *                                         ├ NOTIFIED ──sleep──▶ refused: requeue
 *                                         └──finish──▶ FREE
 *
 * A notification is always a read-modify-write, also where it changes nothing: what its sender
 * wrote before (a stop flag) is then seen by the run that begins after it, because begin is one,
 * too. sleep releases the flow's memory, and the notify that ends the sleep acquires it.
 */
#include "base/assert.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum tvn_task_state {
    TVN_TASK_FREE,
    TVN_TASK_QUEUED,
    TVN_TASK_RUNNING,
    TVN_TASK_NOTIFIED, /* running; there is news since the run began */
    TVN_TASK_IDLE,
};

typedef _Atomic uint32_t tvn_task_state;

/* Any thread, at any time. True: it was asleep, the caller must queue it. */
static inline bool tvn_task_state_notify(tvn_task_state *state)
{
    uint32_t seen = atomic_load_explicit(state, memory_order_relaxed);
    for (;;) {
        uint32_t next = seen;
        if (seen == TVN_TASK_FREE) {
            return false;
        }
        if (seen == TVN_TASK_IDLE) {
            next = TVN_TASK_QUEUED;
        } else if (seen == TVN_TASK_RUNNING) {
            next = TVN_TASK_NOTIFIED;
        }
        if (atomic_compare_exchange_weak_explicit(state, &seen, next, memory_order_acq_rel,
                                                  memory_order_relaxed)) {
            return seen == TVN_TASK_IDLE;
        }
    }
}

/* Who took it out of a queue. */
static inline void tvn_task_state_begin(tvn_task_state *state)
{
    uint32_t before = atomic_exchange_explicit(state, TVN_TASK_RUNNING, memory_order_acq_rel);
    tvn_assert(before == TVN_TASK_QUEUED);
}

/* Who runs it. False: it was notified meanwhile, and must be queued. After true it belongs to
 * others. */
static inline bool tvn_task_state_sleep(tvn_task_state *state)
{
    uint32_t running = TVN_TASK_RUNNING;
    return atomic_compare_exchange_strong_explicit(state, &running, TVN_TASK_IDLE,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* Who runs it, or has been given a free one; it must then be put into a queue. */
static inline void tvn_task_state_requeue(tvn_task_state *state)
{
    uint32_t before = atomic_exchange_explicit(state, TVN_TASK_QUEUED, memory_order_acq_rel);
    tvn_assert(before == TVN_TASK_RUNNING || before == TVN_TASK_NOTIFIED ||
               before == TVN_TASK_FREE);
}

static inline void tvn_task_state_finish(tvn_task_state *state)
{
    uint32_t before = atomic_exchange_explicit(state, TVN_TASK_FREE, memory_order_acq_rel);
    tvn_assert(before == TVN_TASK_RUNNING || before == TVN_TASK_NOTIFIED);
}
