/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How durations are distributed: a histogram with fixed, logarithmic buckets.
 *
 * Each power of two is divided into 2^TVN_HISTOGRAM_SUB_BITS buckets of equal width, so a value
 * read back differs from the one recorded by at most TVN_HISTOGRAM_ERROR of it; values up to 2 ×
 * 2^SUB_BITS are exact. Buckets hold their upper end, not their lower one (lo < value ≤ hi), as
 * Prometheus and OpenTelemetry count; so the number of values ≤ 2^n is exact. Values above
 * TVN_HISTOGRAM_VALUE_MAX fall into the last bucket; minimum, maximum and sum are exact in any
 * case.
 *
 * Threads: one writer; any thread may read at any time (relaxed: the parts may be a moment apart).
 * Memory:  fixed size, by value; nothing is allocated.
 * Limits:  TVN_HISTOGRAM_VALUE_MAX, 17 s in nanoseconds.
 */
#include "base/compiler.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#define TVN_HISTOGRAM_SUB_BITS   5
#define TVN_HISTOGRAM_VALUE_BITS 34
#define TVN_HISTOGRAM_VALUE_MAX  (UINT64_C(1) << TVN_HISTOGRAM_VALUE_BITS)
#define TVN_HISTOGRAM_BUCKETS \
    ((TVN_HISTOGRAM_VALUE_BITS - TVN_HISTOGRAM_SUB_BITS + 1) << TVN_HISTOGRAM_SUB_BITS)
/* Half a bucket: what tvn_histogram_quantile is off by, at most, relative to the value. */
#define TVN_HISTOGRAM_ERROR (0.5 / (1 << TVN_HISTOGRAM_SUB_BITS))

/* All zero is an empty one. */
struct tvn_histogram {
    _Atomic uint64_t sum;
    _Atomic uint64_t max;
    _Atomic uint64_t min_plus_one; /* 0: empty */
    _Atomic uint64_t counts[TVN_HISTOGRAM_BUCKETS];
};
static_assert(sizeof(struct tvn_histogram) == 24 + 8 * TVN_HISTOGRAM_BUCKETS, "7.7 KiB");

/* HOT PATH. The bucket of a value. */
static inline uint32_t tvn_histogram_bucket(uint64_t value)
{
    uint64_t at = value - 1; /* of 0 far beyond the last bucket */
    /* The position of the highest bit, as if it were not below SUB_BITS; ^ is what bsr gives. */
    uint32_t top = (uint32_t)__builtin_clzll(at | (1u << TVN_HISTOGRAM_SUB_BITS)) ^ 63u;
    uint32_t shift = top - TVN_HISTOGRAM_SUB_BITS;
    uint64_t bucket = (uint64_t)(shift << TVN_HISTOGRAM_SUB_BITS) + (at >> shift);
    if (TVN_UNLIKELY(bucket >= TVN_HISTOGRAM_BUCKETS)) {
        return value == 0 ? 0 : TVN_HISTOGRAM_BUCKETS - 1;
    }
    return (uint32_t)bucket;
}
/* The largest value that falls into the bucket (but for the last one, which takes all larger ones).
 */
uint64_t tvn_histogram_bucket_top(uint32_t bucket);

/* HOT PATH. `times` values at once. */
static inline void tvn_histogram_add(struct tvn_histogram *histogram, uint64_t value,
                                     uint64_t times)
{
    _Atomic uint64_t *count = &histogram->counts[tvn_histogram_bucket(value)];
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + times,
                          memory_order_relaxed);
    uint64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    atomic_store_explicit(&histogram->sum, sum + value * times, memory_order_relaxed);
    if (value > atomic_load_explicit(&histogram->max, memory_order_relaxed)) {
        atomic_store_explicit(&histogram->max, value, memory_order_relaxed);
    }
    uint64_t least = atomic_load_explicit(&histogram->min_plus_one, memory_order_relaxed);
    if (least == 0 || value + 1 < least) {
        atomic_store_explicit(&histogram->min_plus_one, value + 1, memory_order_relaxed);
    }
}
/* HOT PATH. */
static inline void tvn_histogram_record(struct tvn_histogram *histogram, uint64_t value)
{
    tvn_histogram_add(histogram, value, 1);
}

/*
 * HOT PATH. Several values for less: begin, add each, end. Sum, minimum and maximum are there at
 * the end. By the writer, who records nothing else in this histogram meanwhile.
 */
struct tvn_histogram_batch {
    struct tvn_histogram *histogram;
    uint64_t sum;
    uint64_t max;
    uint64_t min; /* UINT64_MAX: nothing was added */
};
static inline struct tvn_histogram_batch tvn_histogram_batch_begin(struct tvn_histogram *histogram)
{
    return (struct tvn_histogram_batch){.histogram = histogram, .min = UINT64_MAX};
}
static inline void tvn_histogram_batch_add(struct tvn_histogram_batch *batch, uint64_t value)
{
    _Atomic uint64_t *count = &batch->histogram->counts[tvn_histogram_bucket(value)];
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    batch->sum += value;
    batch->max = value > batch->max ? value : batch->max;
    batch->min = value < batch->min ? value : batch->min;
}
void tvn_histogram_batch_end(struct tvn_histogram_batch batch);

// COLD PATH. By the writer only.
void tvn_histogram_reset(struct tvn_histogram *histogram);
/* COLD PATH. Adds what `from` holds; by the writer of `into`. */
void tvn_histogram_merge(struct tvn_histogram *into, const struct tvn_histogram *from);

/*
 * COLD PATH. What was recorded between two copies of one histogram: `later` less `earlier`. Minimum
 * and maximum are those of the buckets. `into` may be neither.
 */
void tvn_histogram_difference(struct tvn_histogram *into, const struct tvn_histogram *later,
                              const struct tvn_histogram *earlier);

uint64_t tvn_histogram_count(const struct tvn_histogram *histogram);
uint64_t tvn_histogram_sum(const struct tvn_histogram *histogram);
uint64_t tvn_histogram_min(const struct tvn_histogram *histogram); /* 0 when empty */
uint64_t tvn_histogram_max(const struct tvn_histogram *histogram);
double tvn_histogram_mean(const struct tvn_histogram *histogram); /* exact; 0 when empty */
/* Values ≤ 2^bits, exactly. bits ≤ TVN_HISTOGRAM_VALUE_BITS. */
uint64_t tvn_histogram_count_to(const struct tvn_histogram *histogram, uint32_t bits);
/*
 * COLD PATH. The smallest value that at least the part `quantile` (0 to 1) of all values does not
 * exceed, within TVN_HISTOGRAM_ERROR; 0 when empty.
 */
uint64_t tvn_histogram_quantile(const struct tvn_histogram *histogram, double quantile);
