/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/assert.h"
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define NS_PER_S          UINT64_C(1000000000)
#define CALIBRATION_NS    2000000
#define CALIBRATION_TRIES 5
/* What a believable counter runs at; anything else is measured wrong or emulated. */
#if defined(__x86_64__)
#define TICK_HZ_MIN UINT64_C(100000000)
#else
#define TICK_HZ_MIN UINT64_C(1000000) /* where the generic timer of aarch64 starts */
#endif
#define TICK_HZ_MAX      UINT64_C(20000000000)
#define CLOCKSOURCE_PATH "/sys/devices/system/clocksource/clocksource0/current_clocksource"

__extension__ typedef unsigned __int128 wide;

static_assert(TVN_TICKS_SHORT <= UINT32_MAX / (NS_PER_S / TICK_HZ_MIN),
              "short durations fit into 64 bits in 32.32 fixed point");

bool tvn_ticks_tsc_;
static pthread_once_t ticks_once = PTHREAD_ONCE_INIT;
/* 32.32 fixed point; one tick is one nanosecond until calibration says otherwise. */
uint64_t tvn_ns_per_tick_ = UINT64_C(1) << 32;
static uint64_t ticks_per_ns = UINT64_C(1) << 32;

static TVN_HOT uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    int result = clock_gettime(clock, &now);
    tvn_assert(result == 0);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t tvn_clock_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t tvn_clock_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

#if defined(__x86_64__)
/* The CPU promises a constant rate, and the kernel found the counters of all cores synchronous. */
static bool tsc_usable(void)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    if (!__get_cpuid(0x80000007u, &eax, &ebx, &ecx, &edx) || (edx & 1u << 8) == 0) {
        return false;
    }
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    if (tvn_file_read(CLOCKSOURCE_PATH, 256, &bytes) != TVN_OK) {
        return false;
    }
    struct tvn_str name = tvn_str_trim((struct tvn_str){(const char *)bytes.ptr, bytes.len});
    return tvn_str_is(name, "tsc");
}

struct sample {
    uint64_t ns;
    uint64_t ticks;
};

/* Both clocks at the same moment: the try with the shortest time between two counter reads. */
static struct sample sample_clocks(void)
{
    struct sample best = {0};
    uint64_t best_gap = UINT64_MAX;
    for (int i = 0; i < CALIBRATION_TRIES; i++) {
        uint64_t before = __builtin_ia32_rdtsc();
        uint64_t ns = tvn_clock_monotonic_ns();
        uint64_t gap = __builtin_ia32_rdtsc() - before;
        if (gap < best_gap) {
            best_gap = gap;
            best = (struct sample){ns, before + gap / 2};
        }
    }
    return best;
}

static uint64_t tick_hz(void)
{
    if (!tsc_usable()) {
        return 0;
    }
    struct sample first = sample_clocks();
    struct timespec pause = {.tv_nsec = CALIBRATION_NS};
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
    }
    struct sample last = sample_clocks();
    if (last.ns <= first.ns || last.ticks <= first.ticks) {
        return 0;
    }
    wide hz = (wide)(last.ticks - first.ticks) * NS_PER_S / (last.ns - first.ns);
    return hz >= TICK_HZ_MIN && hz <= TICK_HZ_MAX ? (uint64_t)hz : 0;
}
#elif defined(__aarch64__)
static uint64_t tick_hz(void)
{
    uint64_t hz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz >= TICK_HZ_MIN /* some firmware leaves the register at 0 */ && hz <= TICK_HZ_MAX ? hz
                                                                                               : 0;
}
#else
static uint64_t tick_hz(void)
{
    return 0;
}
#endif

static void ticks_calibrate(void)
{
    uint64_t hz = tick_hz();
    if (hz == 0) {
        return;
    }
    tvn_ns_per_tick_ = (uint64_t)(((wide)NS_PER_S << 32) / hz);
    ticks_per_ns = (uint64_t)(((wide)hz << 32) / NS_PER_S);
    tvn_ticks_tsc_ = true;
}

void tvn_ticks_init(void)
{
    int saved = errno;
    int result = pthread_once(&ticks_once, ticks_calibrate);
    tvn_assert(result == 0);
    errno = saved;
}

uint64_t tvn_ticks_long_to_ns_(uint64_t ticks)
{
    wide ns = (wide)ticks * tvn_ns_per_tick_ >> 32;
    return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

uint64_t tvn_ticks_from_ns(uint64_t duration_ns)
{
    wide ticks = (wide)duration_ns * ticks_per_ns >> 32;
    return ticks > UINT64_MAX ? UINT64_MAX : (uint64_t)ticks;
}

bool tvn_ticks_are_tsc(void)
{
    return tvn_ticks_tsc_;
}
