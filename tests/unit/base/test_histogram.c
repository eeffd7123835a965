/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include "tvn_test.h"

#include <stdlib.h>

static struct tvn_histogram histogram;
static struct tvn_histogram other;

static int setup(void **state)
{
    (void)state;
    tvn_histogram_reset(&histogram);
    tvn_histogram_reset(&other);
    return 0;
}

/* xorshift: the same values in every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void test_histogram_bucket_grows_by_one_at_each_top(void **state)
{
    (void)state;
    for (uint32_t bucket = 0; bucket + 1 < TVN_HISTOGRAM_BUCKETS; bucket++) {
        uint64_t top = tvn_histogram_bucket_top(bucket);
        assert_int_equal(tvn_histogram_bucket(top), bucket);
        assert_int_equal(tvn_histogram_bucket(top + 1), bucket + 1);
    }
    assert_int_equal(tvn_histogram_bucket(0), 0);
    assert_int_equal(tvn_histogram_bucket_top(TVN_HISTOGRAM_BUCKETS - 1), TVN_HISTOGRAM_VALUE_MAX);
    assert_int_equal(tvn_histogram_bucket(TVN_HISTOGRAM_VALUE_MAX), TVN_HISTOGRAM_BUCKETS - 1);
    assert_int_equal(tvn_histogram_bucket(TVN_HISTOGRAM_VALUE_MAX + 1), TVN_HISTOGRAM_BUCKETS - 1);
    assert_int_equal(tvn_histogram_bucket(UINT64_MAX), TVN_HISTOGRAM_BUCKETS - 1);
}

static void test_histogram_bucket_width_is_within_the_error(void **state)
{
    (void)state;
    for (uint32_t bucket = 1; bucket < TVN_HISTOGRAM_BUCKETS; bucket++) {
        uint64_t bottom = tvn_histogram_bucket_top(bucket - 1) + 1;
        uint64_t top = tvn_histogram_bucket_top(bucket);
        assert_true((double)(top - bottom) / 2 <= TVN_HISTOGRAM_ERROR * (double)bottom);
    }
}

static void test_histogram_empty_reads_zero(void **state)
{
    (void)state;
    assert_int_equal(tvn_histogram_count(&histogram), 0);
    assert_int_equal(tvn_histogram_min(&histogram), 0);
    assert_int_equal(tvn_histogram_max(&histogram), 0);
    assert_int_equal(tvn_histogram_quantile(&histogram, 0.5), 0);
    assert_true(tvn_histogram_mean(&histogram) == 0);
}

static void test_histogram_one_value_is_every_quantile(void **state)
{
    (void)state;
    tvn_histogram_record(&histogram, 123457);
    assert_int_equal(tvn_histogram_quantile(&histogram, 0), 123457);
    assert_int_equal(tvn_histogram_quantile(&histogram, 0.5), 123457);
    assert_int_equal(tvn_histogram_quantile(&histogram, 1), 123457);
    assert_int_equal(tvn_histogram_min(&histogram), 123457);
    assert_int_equal(tvn_histogram_max(&histogram), 123457);
    assert_int_equal(tvn_histogram_sum(&histogram), 123457);
}

static void test_histogram_zero_and_huge_values_are_kept(void **state)
{
    (void)state;
    tvn_histogram_record(&histogram, 0);
    tvn_histogram_record(&histogram, UINT64_C(1) << 40);
    assert_int_equal(tvn_histogram_count(&histogram), 2);
    assert_int_equal(tvn_histogram_min(&histogram), 0);
    assert_int_equal(tvn_histogram_max(&histogram), UINT64_C(1) << 40);
    assert_int_equal(tvn_histogram_quantile(&histogram, 1), UINT64_C(1) << 40);
    assert_int_equal(tvn_histogram_count_to(&histogram, TVN_HISTOGRAM_VALUE_BITS), 1);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

#define VALUES 20000

/* Against the sorted values, with magnitudes from 1 ns to 10 s. */
static void test_histogram_quantiles_are_within_the_error(void **state)
{
    (void)state;
    static uint64_t values[VALUES];
    uint64_t seed = UINT64_C(88172645463325252);
    uint64_t sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        uint64_t random = next_random(&seed);
        values[i] = (random >> 8) % (UINT64_C(1) << (1 + random % 33));
        sum += values[i];
        tvn_histogram_record(&histogram, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), compare);
    static const double quantiles[] = {0, 0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    for (size_t i = 0; i < TVN_ARRAY_LEN(quantiles); i++) {
        size_t rank = (size_t)(quantiles[i] * VALUES + 0.999999);
        uint64_t truth = values[rank == 0 ? 0 : rank - 1];
        uint64_t found = tvn_histogram_quantile(&histogram, quantiles[i]);
        uint64_t distance = found > truth ? found - truth : truth - found;
        assert_true((double)distance <= TVN_HISTOGRAM_ERROR * (double)truth + 1);
    }
    assert_int_equal(tvn_histogram_sum(&histogram), sum);
    assert_int_equal(tvn_histogram_min(&histogram), values[0]);
    assert_int_equal(tvn_histogram_max(&histogram), values[VALUES - 1]);
    for (uint32_t bits = 0; bits <= TVN_HISTOGRAM_VALUE_BITS; bits++) {
        size_t truth = 0;
        while (truth < VALUES && values[truth] <= UINT64_C(1) << bits) {
            truth++;
        }
        assert_int_equal(tvn_histogram_count_to(&histogram, bits), truth);
    }
}

static void test_histogram_batch_equals_recording_one_by_one(void **state)
{
    (void)state;
    uint64_t seed = 11;
    struct tvn_histogram_batch batch = tvn_histogram_batch_begin(&histogram);
    tvn_histogram_batch_end(batch);
    assert_int_equal(tvn_histogram_count(&histogram), 0);
    assert_int_equal(tvn_histogram_min(&histogram), 0);
    for (uint32_t count = 0; count <= 40; count++) {
        batch = tvn_histogram_batch_begin(&histogram);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t value = next_random(&seed) >> (1 + next_random(&seed) % 63);
            tvn_histogram_record(&other, value);
            tvn_histogram_batch_add(&batch, value);
        }
        tvn_histogram_batch_end(batch);
        assert_memory_equal(&histogram, &other, sizeof(histogram));
    }
    tvn_histogram_record(&other, 0);
    batch = tvn_histogram_batch_begin(&histogram);
    tvn_histogram_batch_add(&batch, 0);
    tvn_histogram_batch_end(batch);
    assert_memory_equal(&histogram, &other, sizeof(histogram));
}

static void test_histogram_merge_equals_recording_in_one(void **state)
{
    (void)state;
    static struct tvn_histogram both;
    tvn_histogram_reset(&both);
    uint64_t seed = 7;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = next_random(&seed) >> 32;
        tvn_histogram_record(i % 3 == 0 ? &histogram : &other, value);
        tvn_histogram_record(&both, value);
    }
    tvn_histogram_merge(&histogram, &other);
    assert_memory_equal(&histogram, &both, sizeof(both));
}

static void test_histogram_merge_of_an_empty_one_changes_nothing(void **state)
{
    (void)state;
    tvn_histogram_add(&histogram, 50, 3);
    tvn_histogram_merge(&histogram, &other);
    assert_int_equal(tvn_histogram_count(&histogram), 3);
    assert_int_equal(tvn_histogram_sum(&histogram), 150);
    assert_int_equal(tvn_histogram_min(&histogram), 50);
}

static void test_histogram_difference_is_what_came_between(void **state)
{
    (void)state;
    static struct tvn_histogram between;
    tvn_histogram_record(&histogram, 5);
    tvn_histogram_record(&histogram, 1000000);
    tvn_histogram_merge(&other, &histogram); /* a copy: other was empty */
    tvn_histogram_record(&histogram, 1000);
    tvn_histogram_record(&histogram, 2000);
    tvn_histogram_difference(&between, &histogram, &other);
    assert_int_equal(tvn_histogram_count(&between), 2);
    assert_int_equal(tvn_histogram_sum(&between), 3000);
    assert_in_range(tvn_histogram_min(&between), 984, 1000);
    assert_in_range(tvn_histogram_max(&between), 2000, 2032);
    tvn_histogram_difference(&between, &histogram, &histogram);
    assert_int_equal(tvn_histogram_count(&between), 0);
    assert_int_equal(tvn_histogram_max(&between), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_histogram_bucket_grows_by_one_at_each_top, setup),
    cmocka_unit_test_setup(test_histogram_bucket_width_is_within_the_error, setup),
    cmocka_unit_test_setup(test_histogram_empty_reads_zero, setup),
    cmocka_unit_test_setup(test_histogram_one_value_is_every_quantile, setup),
    cmocka_unit_test_setup(test_histogram_zero_and_huge_values_are_kept, setup),
    cmocka_unit_test_setup(test_histogram_quantiles_are_within_the_error, setup),
    cmocka_unit_test_setup(test_histogram_batch_equals_recording_one_by_one, setup),
    cmocka_unit_test_setup(test_histogram_merge_equals_recording_in_one, setup),
    cmocka_unit_test_setup(test_histogram_difference_is_what_came_between, setup),
    cmocka_unit_test_setup(test_histogram_merge_of_an_empty_one_changes_nothing, setup),
};

TVN_TEST_MAIN("base.histogram", tests)
