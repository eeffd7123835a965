/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include "base/assert.h"

static uint64_t get(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void set(_Atomic uint64_t *value, uint64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

uint64_t tvn_histogram_bucket_top(uint32_t bucket)
{
    tvn_assert(bucket < TVN_HISTOGRAM_BUCKETS);
    uint32_t row = bucket >> TVN_HISTOGRAM_SUB_BITS;
    if (row == 0) {
        return (uint64_t)bucket + 1;
    }
    uint32_t shift = row - 1;
    uint64_t mantissa = bucket - (shift << TVN_HISTOGRAM_SUB_BITS);
    return (mantissa + 1) << shift;
}

/* The smallest value of the bucket. */
static uint64_t bucket_bottom(uint32_t bucket)
{
    return bucket == 0 ? 0 : tvn_histogram_bucket_top(bucket - 1) + 1;
}

void tvn_histogram_batch_end(struct tvn_histogram_batch batch)
{
    tvn_assert(batch.histogram);
    struct tvn_histogram *histogram = batch.histogram;
    set(&histogram->sum, get(&histogram->sum) + batch.sum);
    if (batch.max > get(&histogram->max)) {
        set(&histogram->max, batch.max);
    }
    uint64_t least = get(&histogram->min_plus_one);
    if (batch.min != UINT64_MAX && (least == 0 || batch.min + 1 < least)) {
        set(&histogram->min_plus_one, batch.min + 1);
    }
}

void tvn_histogram_reset(struct tvn_histogram *histogram)
{
    tvn_assert(histogram);
    set(&histogram->sum, 0);
    set(&histogram->max, 0);
    set(&histogram->min_plus_one, 0);
    for (uint32_t i = 0; i < TVN_HISTOGRAM_BUCKETS; i++) {
        set(&histogram->counts[i], 0);
    }
}

void tvn_histogram_merge(struct tvn_histogram *into, const struct tvn_histogram *from)
{
    tvn_assert(into && from && into != from);
    set(&into->sum, get(&into->sum) + get(&from->sum));
    if (get(&from->max) > get(&into->max)) {
        set(&into->max, get(&from->max));
    }
    uint64_t least = get(&from->min_plus_one);
    if (least != 0 && (get(&into->min_plus_one) == 0 || least < get(&into->min_plus_one))) {
        set(&into->min_plus_one, least);
    }
    for (uint32_t i = 0; i < TVN_HISTOGRAM_BUCKETS; i++) {
        set(&into->counts[i], get(&into->counts[i]) + get(&from->counts[i]));
    }
}

void tvn_histogram_difference(struct tvn_histogram *into, const struct tvn_histogram *later,
                              const struct tvn_histogram *earlier)
{
    tvn_assert(into && later && earlier && into != later && into != earlier);
    tvn_histogram_reset(into);
    for (uint32_t i = 0; i < TVN_HISTOGRAM_BUCKETS; i++) {
        uint64_t count = get(&later->counts[i]) - get(&earlier->counts[i]);
        set(&into->counts[i], count);
        if (count > 0) {
            uint64_t least = get(&into->min_plus_one);
            set(&into->min_plus_one, least == 0 ? bucket_bottom(i) + 1 : least);
            set(&into->max, tvn_histogram_bucket_top(i));
        }
    }
    set(&into->sum, get(&later->sum) - get(&earlier->sum));
}

uint64_t tvn_histogram_count(const struct tvn_histogram *histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < TVN_HISTOGRAM_BUCKETS; i++) {
        count += get(&histogram->counts[i]);
    }
    return count;
}

uint64_t tvn_histogram_sum(const struct tvn_histogram *histogram)
{
    return get(&histogram->sum);
}

uint64_t tvn_histogram_min(const struct tvn_histogram *histogram)
{
    uint64_t least = get(&histogram->min_plus_one);
    return least == 0 ? 0 : least - 1;
}

uint64_t tvn_histogram_max(const struct tvn_histogram *histogram)
{
    return get(&histogram->max);
}

double tvn_histogram_mean(const struct tvn_histogram *histogram)
{
    uint64_t count = tvn_histogram_count(histogram);
    return count == 0 ? 0 : (double)tvn_histogram_sum(histogram) / (double)count;
}

uint64_t tvn_histogram_count_to(const struct tvn_histogram *histogram, uint32_t bits)
{
    tvn_assert(bits <= TVN_HISTOGRAM_VALUE_BITS);
    uint32_t last = tvn_histogram_bucket(UINT64_C(1) << bits);
    uint64_t count = 0;
    for (uint32_t i = 0; i <= last; i++) {
        count += get(&histogram->counts[i]);
    }
    if (bits == TVN_HISTOGRAM_VALUE_BITS && get(&histogram->max) > TVN_HISTOGRAM_VALUE_MAX) {
        /* The last bucket also holds what is larger; how many of it are is not known. */
        count -= get(&histogram->counts[last]);
    }
    return count;
}

uint64_t tvn_histogram_quantile(const struct tvn_histogram *histogram, double quantile)
{
    tvn_assert(quantile >= 0 && quantile <= 1);
    uint64_t count = tvn_histogram_count(histogram);
    if (count == 0) {
        return 0;
    }
    double exact = quantile * (double)count;
    uint64_t rank = (uint64_t)exact;
    rank += (double)rank < exact ? 1 : 0;
    rank = rank == 0 ? 1 : rank;
    uint64_t seen = 0;
    uint32_t bucket = 0;
    while (bucket < TVN_HISTOGRAM_BUCKETS - 1) {
        seen += get(&histogram->counts[bucket]);
        if (seen >= rank) {
            break;
        }
        bucket++;
    }
    uint64_t bottom = bucket_bottom(bucket);
    uint64_t value = bottom + (tvn_histogram_bucket_top(bucket) - bottom) / 2;
    uint64_t least = tvn_histogram_min(histogram);
    uint64_t most = tvn_histogram_max(histogram);
    if (rank >= count || value > most) {
        return most;
    }
    return value < least ? least : value;
}
