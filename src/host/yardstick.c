/* SPDX-License-Identifier: Apache-2.0 */
#include "host/yardstick.h"

#include "base/assert.h"
#include "base/clock.h"
#include "format/digest.h"

#include <gnu/libc-version.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_SECOND 1e9
#define PARTS         16 /* of one digest: the same bytes again, which stay in the first cache */
#define PARTS_BEFORE  2
#define PART_BYTES    4096
#define NUMBERS       2048

/* 0: the kernel does not tell. */
static uint64_t read_cpu_ns(void)
{
    struct timespec cpu;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) != 0) {
        return 0;
    }
    return (uint64_t)cpu.tv_sec * UINT64_C(1000000000) + (uint64_t)cpu.tv_nsec;
}

static bool digest(size_t part_count)
{
    static const char bytes[PART_BYTES];
    struct tvn_str parts[PARTS];
    for (size_t i = 0; i < part_count; i++) {
        parts[i] = (struct tvn_str){bytes, sizeof(bytes)};
    }
    struct tvn_sha3_256 ignored;
    return tvn_sha3_256_of(parts, part_count, &ignored) == TVN_OK;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* Always the same numbers. */
static void sort(size_t count)
{
    uint32_t numbers[NUMBERS];
    uint32_t number = 1;
    for (size_t i = 0; i < count; i++) {
        number = number * 1664525u + 1013904223u;
        numbers[i] = number;
    }
    qsort(numbers, count, sizeof(numbers[0]), compare_numbers);
}

/* Of processor time; 0: not measured. What the flow has driven out of the caches is fetched
 * before. */
static uint64_t time_work(void)
{
    sort(NUMBERS / PARTS);
    bool is_done = digest(PARTS_BEFORE);
    uint64_t begin_ns = read_cpu_ns();
    is_done &= digest(PARTS);
    sort(NUMBERS);
    uint64_t end_ns = read_cpu_ns();
    return is_done && begin_ns > 0 && end_ns > begin_ns ? end_ns - begin_ns : 0;
}

void tvn_yardstick_measure(struct tvn_yardstick *yardstick)
{
    tvn_assert(yardstick);
    uint64_t wall_begin_ns = tvn_clock_monotonic_ns();
    uint64_t cpu_begin_ns = read_cpu_ns();
    uint64_t work_ns = time_work();
    if (work_ns > 0) {
        yardstick->last_per_s = NS_PER_SECOND / (double)work_ns;
        yardstick->sum_per_s += yardstick->last_per_s;
        yardstick->count++;
    }
    yardstick->cpu_ns += read_cpu_ns() - cpu_begin_ns;
    yardstick->wall_ns += tvn_clock_monotonic_ns() - wall_begin_ns;
}

void tvn_yardstick_name(char out_name[TVN_YARDSTICK_NAME_BYTES])
{
    tvn_assert(out_name);
    (void)snprintf(out_name, TVN_YARDSTICK_NAME_BYTES, "SHA3-256 of OpenSSL %s, qsort of glibc %s",
                   tvn_digest_library_version(), gnu_get_libc_version());
}
