/* SPDX-License-Identifier: Apache-2.0 */
#include "component/pointer_map_internal.h"

#include "tvn_test.h"

static void test_pointer_map_empty_has_nothing(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_pointer_map) map = {0};
    assert_null(tvn_pointer_map_get(&map, &map));
}

static void test_pointer_map_keeps_many_and_replaces(void **state)
{
    (void)state;
    static char keys[1000];
    TVN_AUTO_VALUE(tvn_pointer_map) map = {0};
    for (size_t i = 0; i < sizeof(keys); i++) {
        assert_status(tvn_pointer_map_set(&map, &keys[i], &keys[sizeof(keys) - 1 - i]), TVN_OK);
    }
    assert_status(tvn_pointer_map_set(&map, &keys[7], &keys[7]), TVN_OK);
    for (size_t i = 0; i < sizeof(keys); i++) {
        size_t expected = i == 7 ? 7 : sizeof(keys) - 1 - i;
        assert_ptr_equal(tvn_pointer_map_get(&map, &keys[i]), &keys[expected]);
    }
    assert_int_equal(map.count, sizeof(keys));
    assert_null(tvn_pointer_map_get(&map, &map));
}

static void test_pointer_map_without_memory_is_unchanged(void **state)
{
    (void)state;
    static char keys[8];
    TVN_AUTO_VALUE(tvn_pointer_map) map = {0};
    for (size_t i = 0; i < sizeof(keys); i++) {
        assert_status(tvn_pointer_map_set(&map, &keys[i], &keys[i]), TVN_OK);
    }
    char other;
    tvn_mem_fail_at(1, true);
    enum tvn_status status = tvn_pointer_map_set(&map, &other, &other);
    tvn_mem_fail_at(0, false);
    assert_status(status, TVN_E_OUT_OF_MEMORY);
    assert_null(tvn_pointer_map_get(&map, &other));
    assert_ptr_equal(tvn_pointer_map_get(&map, &keys[3]), &keys[3]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pointer_map_empty_has_nothing),
    cmocka_unit_test(test_pointer_map_keeps_many_and_replaces),
    cmocka_unit_test(test_pointer_map_without_memory_is_unchanged),
};
TVN_TEST_MAIN("component.pointer_map", tests)
