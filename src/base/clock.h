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

uint64_t tvn_ticks_long_to_ns_(uint64_t ticks);

/* Fewer ticks than this need no more than 64 bits: a tick is at most 10 ns (x86-64) or 1 us. */
#if defined(__x86_64__)
#define TVN_TICKS_SHORT (UINT64_C(1) << 28)
#else
#define TVN_TICKS_SHORT (UINT64_C(1) << 22)
#endif
static inline uint64_t tvn_ticks_to_ns(uint64_t ticks)
{
    return TVN_LIKELY(ticks < TVN_TICKS_SHORT) ? ticks * tvn_ns_per_tick_ >> 32
                                               : tvn_ticks_long_to_ns_(ticks);
}

/* False: there is no usable counter, and tvn_ticks_now asks the kernel. */
static TVN_ALWAYS_INLINE bool tvn_ticks_counted(uint64_t *out_ticks)
{
#if defined(__x86_64__)
    if (TVN_LIKELY(tvn_ticks_tsc_)) {
        *out_ticks = __builtin_ia32_rdtsc();
        return true;
    }
#elif defined(__aarch64__)
    if (TVN_LIKELY(tvn_ticks_tsc_)) {
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(*out_ticks));
        return true;
    }
#endif
    (void)out_ticks;
    return false;
}

static inline uint64_t tvn_ticks_now(void)
{
    uint64_t ticks;
    return TVN_LIKELY(tvn_ticks_counted(&ticks)) ? ticks : tvn_clock_monotonic_ns();
}
