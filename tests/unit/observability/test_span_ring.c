/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/span_ring.h"

#include "tvn_test.h"

static void add(struct tvn_span_ring *ring, uint64_t sequence)
{
    *tvn_span_ring_add(ring) = (struct tvn_span_record){.sequence = sequence};
}

static void assert_takes(struct tvn_span_ring *ring, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct tvn_span_record *record = tvn_span_ring_take(ring);
        assert_non_null(record);
        assert_int_equal(record->sequence, first + i);
    }
    assert_null(tvn_span_ring_take(ring));
}

static void test_ring_keeps_the_newest_in_order(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= 5; capacity++) {
        struct tvn_span_ring *ring = tvn_span_ring_create(capacity);
        uint64_t next = 0;
        for (uint64_t added = 0; added <= 12; added++) {
            for (uint64_t i = 0; i < added; i++) {
                add(ring, next++);
            }
            uint64_t kept = added < capacity ? added : capacity;
            assert_int_equal(tvn_span_ring_count(ring), kept);
            assert_takes(ring, next - kept, kept);
        }
        tvn_span_ring_destroy(ring);
    }
}

static void test_ring_partly_taken_wraps(void **state)
{
    (void)state;
    struct tvn_span_ring *ring = tvn_span_ring_create(4);
    for (uint64_t i = 0; i < 4; i++) {
        add(ring, i);
    }
    assert_int_equal(tvn_span_ring_take(ring)->sequence, 0);
    assert_int_equal(tvn_span_ring_take(ring)->sequence, 1);
    for (uint64_t i = 4; i < 7; i++) {
        add(ring, i);
    }
    assert_takes(ring, 3, 4);
    tvn_span_ring_destroy(ring);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ring_keeps_the_newest_in_order),
    cmocka_unit_test(test_ring_partly_taken_wraps),
};
TVN_TEST_MAIN("observability.span_ring", tests)
