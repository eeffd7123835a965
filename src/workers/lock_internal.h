/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A lock that is held for a few loads and stores: one instruction where it is free. A worker that
 * wakes up with cold caches takes three of them before its task runs, and each pair of calls into
 * the C library was more than a hundred instructions in pages that nobody else had kept warm. Who
 * finds it held sleeps on its futex until it is given back.
 *
 * Zeroed it is free, and when free it holds nothing that had to be destroyed.
 * Threads: any. Not recursive. Who takes it sees what was written before it was given.
 */
#include "base/compiler.h"

#include <stdatomic.h>
#include <stdint.h>

enum tvn_lock_state {
    TVN_LOCK_FREE,
    TVN_LOCK_HELD,
    TVN_LOCK_WANTED, /* held, and somebody may sleep */
};

struct tvn_lock {
    _Atomic uint32_t word;
};

TVN_COLD void tvn_lock_wait(struct tvn_lock *lock);
TVN_COLD void tvn_lock_wake(struct tvn_lock *lock);

static inline void tvn_lock_take(struct tvn_lock *lock)
{
    uint32_t free = TVN_LOCK_FREE;
    if (TVN_UNLIKELY(!atomic_compare_exchange_strong_explicit(
            &lock->word, &free, TVN_LOCK_HELD, memory_order_acquire, memory_order_relaxed))) {
        tvn_lock_wait(lock);
    }
}

static inline void tvn_lock_give(struct tvn_lock *lock)
{
    uint32_t before = atomic_exchange_explicit(&lock->word, TVN_LOCK_FREE, memory_order_release);
    if (TVN_UNLIKELY(before == TVN_LOCK_WANTED)) {
        tvn_lock_wake(lock);
    }
}
