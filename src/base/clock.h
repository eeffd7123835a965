/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Time. Durations on the hot path come from the time-stamp counter (10 ns a read instead of 20)
 * where it is invariant and synchronous, else from CLOCK_MONOTONIC; timestamps and timers always
 * come from the kernel's clocks.
 *
 * Threads: any. tvn_ticks_init must have returned in, or been handed over to, every thread that
 * reads ticks.
 */
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

// WARM PATH. CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds.
TVN_HOT uint64_t tvn_clock_monotonic_ns(void);
TVN_HOT uint64_t tvn_clock_wall_ns(void);

/*
 * HOT PATH. Raw ticks; only differences mean something. tvn_ticks_init calibrates (about 2 ms,
 * idempotent, thread-safe) and must run before; without an invariant TSC a tick is a nanosecond
 * of CLOCK_MONOTONIC. Conversions saturate at UINT64_MAX.
 */
void tvn_ticks_init(void);
uint64_t tvn_ticks_from_ns(uint64_t duration_ns);
bool tvn_ticks_are_tsc(void);

/* Written once by tvn_ticks_init; read through the functions only. */
extern bool tvn_ticks_tsc_;
extern uint64_t tvn_ns_per_tick_; /* 32.32 fixed point */

static inline uint64_t tvn_ticks_to_ns(uint64_t ticks)
{
    __extension__ unsigned __int128 ns = (unsigned __int128)ticks * tvn_ns_per_tick_ >> 32;
    return TVN_LIKELY(ns >> 64 == 0) ? (uint64_t)ns : UINT64_MAX;
}

static inline uint64_t tvn_ticks_now(void)
{
#if defined(__x86_64__)
    if (TVN_LIKELY(tvn_ticks_tsc_)) {
        return __builtin_ia32_rdtsc();
    }
#elif defined(__aarch64__)
    if (TVN_LIKELY(tvn_ticks_tsc_)) {
        uint64_t ticks;
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
        return ticks;
    }
#endif
    return tvn_clock_monotonic_ns();
}
