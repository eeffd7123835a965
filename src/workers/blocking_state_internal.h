/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One word per thread: who has the worker of a thread that may be sleeping in a call.
 *
 *     NONE ──enter──▶ (tick, worker) ──leave──▶ NONE
 *                          │ retake (the watchdog)
 *                          ▼
 *                       RETAKEN ──leave──▶ refused: wait for a worker, then resume ──▶ NONE
 *
 * Entering is a store, leaving a compare-and-swap; only one of leave and retake succeeds. enter
 * releases what the thread wrote to the worker's queue and magazine, retake acquires it.
 */
#include "base/assert.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef _Atomic uint64_t tvn_blocking_word;

#define TVN_BLOCKING_NONE        UINT64_C(0)
#define TVN_BLOCKING_RETAKEN     UINT64_MAX
#define TVN_BLOCKING_WORKER_BITS 16
#define TVN_BLOCKING_WORKERS_MAX UINT64_C(0xfffe)
#define TVN_BLOCKING_WORKER_MASK UINT64_C(0xffff)
#define TVN_BLOCKING_TICKS_MAX   (UINT64_MAX >> TVN_BLOCKING_WORKER_BITS)
#define TVN_BLOCKING_HELD_TICKS  2u /* a whole one and a part */

/* The thread. `tick` counts the watchdog's looks. */
static inline void tvn_blocking_word_enter(tvn_blocking_word *word, uint64_t tick, uint32_t worker)
{
    tvn_assert(worker < TVN_BLOCKING_WORKERS_MAX);
    tvn_assert(atomic_load_explicit(word, memory_order_relaxed) == TVN_BLOCKING_NONE);
    uint64_t entered = (tick & TVN_BLOCKING_TICKS_MAX) << TVN_BLOCKING_WORKER_BITS;
    atomic_store_explicit(word, entered | (worker + 1), memory_order_release);
}

/* The thread. False: the worker is another thread's now. */
static inline bool tvn_blocking_word_leave(tvn_blocking_word *word)
{
    uint64_t entered = atomic_load_explicit(word, memory_order_relaxed);
    tvn_assert(entered != TVN_BLOCKING_NONE);
    return entered != TVN_BLOCKING_RETAKEN &&
           atomic_compare_exchange_strong_explicit(word, &entered, TVN_BLOCKING_NONE,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* The thread, after a refused leave, with a worker again. */
static inline void tvn_blocking_word_resume(tvn_blocking_word *word)
{
    tvn_assert(atomic_load_explicit(word, memory_order_relaxed) == TVN_BLOCKING_RETAKEN);
    atomic_store_explicit(word, TVN_BLOCKING_NONE, memory_order_release);
}

/* Is a thread with this word in a call, and has a worker? */
static inline bool tvn_blocking_word_holds(uint64_t seen)
{
    return seen != TVN_BLOCKING_NONE && seen != TVN_BLOCKING_RETAKEN;
}
/* … for more than a tick? */
static inline bool tvn_blocking_word_is_overdue(uint64_t seen, uint64_t tick)
{
    uint64_t held = (tick - (seen >> TVN_BLOCKING_WORKER_BITS)) & TVN_BLOCKING_TICKS_MAX;
    return tvn_blocking_word_holds(seen) && held >= TVN_BLOCKING_HELD_TICKS;
}
/* The watchdog. True: the worker that `seen` names, to *out_worker, is the caller's now. */
static inline bool tvn_blocking_word_retake(tvn_blocking_word *word, uint64_t seen,
                                            uint32_t *out_worker)
{
    tvn_assert(tvn_blocking_word_holds(seen));
    if (!atomic_compare_exchange_strong_explicit(word, &seen, TVN_BLOCKING_RETAKEN,
                                                 memory_order_acq_rel, memory_order_relaxed)) {
        return false;
    }
    *out_worker = (uint32_t)(seen & TVN_BLOCKING_WORKER_MASK) - 1;
    return true;
}
