/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include "tvn_test.h"

#define LENGTH_MAX 300

/* Blocks of exactly the length, so that the address sanitizer sees a byte too far. */
static uint8_t *make_block(size_t length, unsigned first)
{
    uint8_t *block = tvn_malloc(length);
    assert_non_null(block);
    for (size_t i = 0; i < length; i++) {
        block[i] = (uint8_t)(first + i * 7);
    }
    return block;
}

static void test_copy_moves_exactly_the_length(void **state)
{
    (void)state;
    for (size_t length = 0; length <= LENGTH_MAX; length++) {
        uint8_t *from = make_block(length, 1);
        uint8_t *to = make_block(length, 100);
        tvn_bytes_copy(to, from, length);
        assert_memory_equal(to, from, length);
        if (length <= TVN_BYTES_SHORT_MAX) {
            memset(to, 0, length);
            tvn_bytes_copy_short(to, from, length);
            assert_memory_equal(to, from, length);
        }
        tvn_free(from);
        tvn_free(to);
    }
}

static void test_copy_leaves_the_neighbours_alone(void **state)
{
    (void)state;
    uint8_t from[LENGTH_MAX + 16];
    uint8_t to[LENGTH_MAX + 16];
    for (size_t i = 0; i < sizeof(from); i++) {
        from[i] = (uint8_t)i;
    }
    for (size_t length = 0; length <= LENGTH_MAX; length++) {
        for (size_t at = 1; at < 10; at++) {
            memset(to, 0xee, sizeof(to));
            tvn_bytes_copy(to + at, from + 10 - at, length);
            assert_int_equal(to[at - 1], 0xee);
            assert_int_equal(to[at + length], 0xee);
            assert_memory_equal(to + at, from + 10 - at, length);
        }
    }
}

static void test_copy_of_nothing_takes_null(void **state)
{
    (void)state;
    tvn_bytes_copy(NULL, NULL, 0);
    assert_true(tvn_bytes_name_equal(NULL, NULL, 0));
}

static void test_name_equal_sees_every_byte(void **state)
{
    (void)state;
    for (size_t length = 0; length <= TVN_BYTES_NAME_MAX; length++) {
        uint8_t *left = make_block(length, 1);
        uint8_t *right = make_block(length, 1);
        assert_true(tvn_bytes_name_equal(left, right, length));
        for (size_t i = 0; i < length; i++) {
            right[i] ^= 0x80;
            assert_false(tvn_bytes_name_equal(left, right, length));
            right[i] ^= 0x81;
            assert_false(tvn_bytes_name_equal(left, right, length));
            right[i] ^= 0x01;
        }
        assert_true(tvn_bytes_name_equal(left, right, length));
        tvn_free(left);
        tvn_free(right);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_copy_moves_exactly_the_length),
    cmocka_unit_test(test_copy_leaves_the_neighbours_alone),
    cmocka_unit_test(test_copy_of_nothing_takes_null),
    cmocka_unit_test(test_name_equal_sees_every_byte),
};
TVN_TEST_MAIN("base.bytes", tests)
