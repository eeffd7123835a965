/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/map_internal.h"

#include "tvn_test.h"

#define MANY 100000

static int values[MANY];

static struct tvn_str key_of(char buffer[16], int i)
{
    int length = snprintf(buffer, 16, "key-%d", i);
    return (struct tvn_str){buffer, (size_t)length};
}

static void test_map_add_get_has_remove(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(10);
    assert_status(tvn_map_add(map, TVN_STR("a"), &values[1]), TVN_OK);
    assert_status(tvn_map_add(map, TVN_STR("b"), NULL), TVN_OK);

    assert_ptr_equal(tvn_map_get(map, TVN_STR("a")), &values[1]);
    assert_null(tvn_map_get(map, TVN_STR("b")));
    assert_true(tvn_map_has(map, TVN_STR("b")));
    assert_false(tvn_map_has(map, TVN_STR("c")));
    assert_null(tvn_map_remove(map, TVN_STR("c")));
    assert_ptr_equal(tvn_map_remove(map, TVN_STR("a")), &values[1]);
    assert_false(tvn_map_has(map, TVN_STR("a")));
    assert_int_equal(tvn_map_count(map), 1);
}

static void test_map_empty_answers_without_memory(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(10);
    size_t cursor = 0;
    assert_null(tvn_map_get(map, TVN_STR("a")));
    assert_false(tvn_map_has(map, TVN_STR("")));
    assert_null(tvn_map_remove(map, TVN_STR("a")));
    assert_false(tvn_map_next(map, &cursor, NULL, NULL));
    tvn_map_destroy(NULL);
}

static void test_map_keys_may_be_empty_or_hold_nul(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(10);
    assert_status(tvn_map_add(map, TVN_STR(""), &values[0]), TVN_OK);
    assert_status(tvn_map_add(map, TVN_STR("\0"), &values[1]), TVN_OK);
    assert_status(tvn_map_add(map, TVN_STR("\0\0"), &values[2]), TVN_OK);
    assert_status(tvn_map_add(map, (struct tvn_str){NULL, 0}, NULL), TVN_EXISTS);
    assert_ptr_equal(tvn_map_get(map, TVN_STR("")), &values[0]);
    assert_ptr_equal(tvn_map_get(map, TVN_STR("\0")), &values[1]);
    assert_ptr_equal(tvn_map_get(map, TVN_STR("\0\0")), &values[2]);
}

static void test_map_add_of_existing_key_changes_nothing(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(1);
    assert_status(tvn_map_add(map, TVN_STR("a"), &values[1]), TVN_OK);
    assert_status(tvn_map_add(map, TVN_STR("a"), &values[2]), TVN_EXISTS); /* rather than FULL */
    assert_ptr_equal(tvn_map_get(map, TVN_STR("a")), &values[1]);
}

static void test_map_at_maximum_is_full_until_one_is_removed(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(2);
    assert_status(tvn_map_add(map, TVN_STR("a"), NULL), TVN_OK);
    assert_status(tvn_map_add(map, TVN_STR("b"), NULL), TVN_OK);
    assert_status(tvn_map_add(map, TVN_STR("c"), NULL), TVN_FULL);
    tvn_map_remove(map, TVN_STR("a"));
    assert_status(tvn_map_add(map, TVN_STR("c"), NULL), TVN_OK);
}

static void test_map_copies_its_keys(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(2);
    char key[] = "abc";
    assert_status(tvn_map_add(map, tvn_str_of(key), &values[0]), TVN_OK);
    key[0] = 'X';
    assert_true(tvn_map_has(map, TVN_STR("abc")));
}

static void test_map_grows_to_many_keys_in_insertion_order(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(MANY);
    char buffer[16];
    for (int i = 0; i < MANY; i++) {
        assert_status(tvn_map_add(map, key_of(buffer, i), &values[i]), TVN_OK);
    }
    assert_status(tvn_map_add(map, TVN_STR("one more"), NULL), TVN_FULL);
    assert_int_equal(tvn_map_count(map), MANY);

    for (int i = 0; i < MANY; i++) {
        assert_ptr_equal(tvn_map_get(map, key_of(buffer, i)), &values[i]);
    }
    assert_false(tvn_map_has(map, key_of(buffer, MANY)));

    size_t cursor = 0;
    struct tvn_str key;
    void *value;
    int expected = 0;
    while (tvn_map_next(map, &cursor, &key, &value)) {
        assert_ptr_equal(value, &values[expected]);
        assert_true(tvn_str_equal(key, key_of(buffer, expected)));
        expected++;
    }
    assert_int_equal(expected, MANY);
}

static void test_map_removal_keeps_order_of_the_rest(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(MANY);
    char buffer[16];
    for (int i = 0; i < MANY; i++) {
        assert_status(tvn_map_add(map, key_of(buffer, i), &values[i]), TVN_OK);
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 3 != 0) {
            assert_ptr_equal(tvn_map_remove(map, key_of(buffer, i)), &values[i]);
        }
    }
    /* A removed key that comes back goes to the end. */
    assert_status(tvn_map_add(map, key_of(buffer, 1), &values[1]), TVN_OK);

    size_t cursor = 0;
    void *value;
    int expected = 0;
    while (tvn_map_next(map, &cursor, NULL, &value)) {
        assert_ptr_equal(value, &values[expected < MANY ? expected : 1]);
        expected += 3;
    }
    assert_int_equal(tvn_map_count(map), MANY / 3 + 2);
    assert_int_equal(expected / 3, MANY / 3 + 2);
}

static void test_map_add_and_remove_for_ever_does_not_grow(void **state)
{
    (void)state;
    TVN_AUTO(tvn_map) map = tvn_map_create(4);
    char buffer[16];
    assert_status(tvn_map_add(map, TVN_STR("stays"), &values[7]), TVN_OK);
    for (int i = 0; i < 10000; i++) {
        assert_status(tvn_map_add(map, key_of(buffer, i), &values[i]), TVN_OK);
        assert_ptr_equal(tvn_map_remove(map, key_of(buffer, i)), &values[i]);
    }
    assert_int_equal(tvn_map_count(map), 1);
    assert_ptr_equal(tvn_map_get(map, TVN_STR("stays")), &values[7]);
    size_t cursor = 0;
    assert_true(tvn_map_next(map, &cursor, NULL, NULL));
    assert_true(cursor <= 8); /* rows are reused: eight are enough */
}

static void test_map_agrees_with_model_under_random_operations(void **state)
{
    (void)state;
    enum { KEYS = 300 };
    TVN_AUTO(tvn_map) map = tvn_map_create(KEYS);
    bool present[KEYS] = {0};
    size_t count = 0;
    uint64_t random = tvn_test_seed();
    for (int round = 0; round < 100000; round++) {
        char buffer[16];
        int i = (int)(tvn_test_random(&random) % KEYS);
        struct tvn_str key = key_of(buffer, i);
        if (tvn_test_random(&random) % 2) {
            assert_status(tvn_map_add(map, key, &values[i]), present[i] ? TVN_EXISTS : TVN_OK);
            count += !present[i];
            present[i] = true;
        } else {
            assert_ptr_equal(tvn_map_remove(map, key), present[i] ? &values[i] : NULL);
            count -= present[i];
            present[i] = false;
        }
        assert_int_equal(tvn_map_count(map), count);
    }
}

static void test_map_when_memory_is_exhausted_is_unchanged(void **state)
{
    (void)state;
    tvn_mem_fail_at(1, false);
    assert_null(tvn_map_create(1));
    TVN_AUTO(tvn_map) map = tvn_map_create(100);
    char buffer[16];
    /* Key copy, entries, slots: each of the first insertion's allocations in turn. */
    for (uint64_t n = 1; n <= 3; n++) {
        tvn_mem_fail_at(n, false);
        assert_status(tvn_map_add(map, key_of(buffer, 0), NULL), TVN_E_OUT_OF_MEMORY);
        assert_int_equal(tvn_map_count(map), 0);
    }
    tvn_mem_fail_at(0, false);
    for (int i = 0; i < 8; i++) {
        assert_status(tvn_map_add(map, key_of(buffer, i), &values[i]), TVN_OK);
    }
    for (uint64_t n = 1; n <= 3; n++) {
        tvn_mem_fail_at(n, false);
        assert_status(tvn_map_add(map, key_of(buffer, 8), NULL), TVN_E_OUT_OF_MEMORY);
    }
    tvn_mem_fail_at(0, false);
    for (int i = 0; i < 8; i++) {
        assert_ptr_equal(tvn_map_get(map, key_of(buffer, i)), &values[i]);
    }
}

static void test_map_hash_gives_known_siphash_1_3_values(void **state)
{
    (void)state;
    /* Key zero, prefixes of the alphabet; computed with CPython 3.11, which hashes bytes so. */
    static const struct {
        size_t length;
        uint64_t hash;
    } known[] = {
        {0, UINT64_C(0xd1fba762150c532c)},  {1, UINT64_C(0x407448d2b89b1813)},
        {7, UINT64_C(0x6db12aae9070f506)},  {8, UINT64_C(0x3f7b849c0b8e35ea)},
        {9, UINT64_C(0xf89b34a3d11eb6e5)},  {15, UINT64_C(0x1fd27a29b0e9dc7a)},
        {16, UINT64_C(0x94f60d3d29e6a312)}, {19, UINT64_C(0x7ab5be5c8ae7beaa)},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(known); i++) {
        uint64_t hash = tvn_map_hash_with((struct tvn_map_key){0, 0}, "abcdefghijklmnopqrstuvwxyz",
                                          known[i].length);
        assert_true(hash == known[i].hash);
    }
}

static void test_map_hash_is_stable_in_process_and_keyed(void **state)
{
    (void)state;
    assert_true(tvn_map_hash("abc", 3) == tvn_map_hash("abc", 3));
    assert_true(tvn_map_hash("abc", 3) != tvn_map_hash("abd", 3));
    assert_true(tvn_map_hash("abc", 3) != tvn_map_hash_with((struct tvn_map_key){0, 0}, "abc", 3));
    assert_true(tvn_map_hash_with((struct tvn_map_key){1, 0}, "abc", 3) !=
                tvn_map_hash_with((struct tvn_map_key){0, 1}, "abc", 3));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_map_add_get_has_remove),
    cmocka_unit_test(test_map_empty_answers_without_memory),
    cmocka_unit_test(test_map_keys_may_be_empty_or_hold_nul),
    cmocka_unit_test(test_map_add_of_existing_key_changes_nothing),
    cmocka_unit_test(test_map_at_maximum_is_full_until_one_is_removed),
    cmocka_unit_test(test_map_copies_its_keys),
    cmocka_unit_test(test_map_grows_to_many_keys_in_insertion_order),
    cmocka_unit_test(test_map_removal_keeps_order_of_the_rest),
    cmocka_unit_test(test_map_add_and_remove_for_ever_does_not_grow),
    cmocka_unit_test(test_map_agrees_with_model_under_random_operations),
    cmocka_unit_test(test_map_when_memory_is_exhausted_is_unchanged),
    cmocka_unit_test(test_map_hash_gives_known_siphash_1_3_values),
    cmocka_unit_test(test_map_hash_is_stable_in_process_and_keyed),
};
TVN_TEST_MAIN("base.map", tests)
