/* SPDX-License-Identifier: Apache-2.0 */
#include "component/handle_table.h"
#include "component/host.h"

#include "tvn_test.h"

static const struct tvn_resource_rt buffer_type = {.name = "buffer"};
static const struct tvn_resource_rt context_type = {.name = "flow-context"};

static int set_up(void **state)
{
    static struct tvn_handle_table table;
    assert_status(tvn_handle_table_init(&table, 0), TVN_OK);
    *state = &table;
    return 0;
}

static int tear_down(void **state)
{
    tvn_handle_table_deinit(*state);
    return 0;
}

static void test_handle_table_first_index_is_one(void **state)
{
    struct tvn_handle_table *table = *state;

    assert_int_equal(tvn_handle_add(table, &buffer_type, 7, true, 0), 1);
    assert_int_equal(tvn_handle_add(table, &buffer_type, 8, true, 0), 2);

    assert_int_equal(tvn_handle_find(table, 1, &buffer_type)->rep, 7);
    assert_int_equal(tvn_handle_find(table, 2, &buffer_type)->rep, 8);
    assert_int_equal(tvn_handle_table_live(table), 2);
}

static void test_handle_table_find_refuses_what_is_not_there(void **state)
{
    struct tvn_handle_table *table = *state;
    uint32_t index = tvn_handle_add(table, &buffer_type, 7, true, 0);

    assert_null(tvn_handle_find(table, 0, &buffer_type));
    assert_null(tvn_handle_find(table, 0, NULL));
    assert_null(tvn_handle_find(table, index + 1, &buffer_type));
    assert_null(tvn_handle_find(table, UINT32_MAX, &buffer_type));
    assert_null(tvn_handle_find(table, index, &context_type));
    assert_null(tvn_handle_find(table, index, NULL));
}

static void test_handle_table_removed_handle_is_gone(void **state)
{
    struct tvn_handle_table *table = *state;
    uint32_t index = tvn_handle_add(table, &buffer_type, 7, true, 0);

    tvn_handle_remove(table, tvn_handle_find(table, index, &buffer_type));

    assert_null(tvn_handle_find(table, index, &buffer_type));
    assert_null(tvn_handle_find(table, index, NULL));
    assert_int_equal(tvn_handle_table_live(table), 0);
}

static void test_handle_table_reuses_last_freed_first(void **state)
{
    struct tvn_handle_table *table = *state;
    for (uint64_t i = 1; i <= 4; i++) {
        assert_int_equal(tvn_handle_add(table, &buffer_type, i, true, 0), i);
    }
    tvn_handle_remove(table, tvn_handle_find(table, 2, &buffer_type));
    tvn_handle_remove(table, tvn_handle_find(table, 4, &buffer_type));

    assert_int_equal(tvn_handle_add(table, &context_type, 9, false, 3), 4);
    assert_int_equal(tvn_handle_add(table, &context_type, 9, false, 3), 2);
    assert_int_equal(tvn_handle_add(table, &context_type, 9, false, 3), 5);

    const struct tvn_handle *handle = tvn_handle_find(table, 2, &context_type);
    assert_false(handle->own);
    assert_int_equal(handle->scope, 3);
    assert_int_equal(handle->lends, 0);
}

static void test_handle_table_knows_whether_two_are_free(void **state)
{
    struct tvn_handle_table *table = *state;
    assert_false(tvn_handle_table_has_two_free(table));
    assert_true(tvn_handle_table_reserve(table));
    assert_false(tvn_handle_table_has_two_free(table));
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(tvn_handle_add(table, &buffer_type, UINT64_MAX, true, 0), i);
    }
    assert_false(tvn_handle_table_has_two_free(table));
    tvn_handle_remove(table, tvn_handle_find(table, 3, &buffer_type));
    assert_false(tvn_handle_table_has_two_free(table));
    tvn_handle_remove(table, tvn_handle_find(table, 1, &buffer_type));
    assert_true(tvn_handle_table_has_two_free(table));
    assert_int_equal(tvn_handle_add_reserved(table, &buffer_type, 1, true, 0), 1);
    assert_int_equal(tvn_handle_add_reserved(table, &buffer_type, 1, true, 0), 3);
    assert_false(tvn_handle_table_has_free(table));
}

static void test_handle_table_full_at_limit(void **state)
{
    struct tvn_handle_table *table = *state;
    for (uint32_t i = 1; i <= TVN_HANDLES_MAX; i++) {
        assert_int_equal(tvn_handle_add(table, &buffer_type, i, true, 0), i);
    }

    assert_int_equal(tvn_handle_add(table, &buffer_type, 1, true, 0), 0);
    assert_int_equal(tvn_handle_table_grow(table), TVN_FULL);

    tvn_handle_remove(table, tvn_handle_find(table, 77, &buffer_type));
    assert_int_equal(tvn_handle_add(table, &buffer_type, 1, true, 0), 77);
    assert_int_equal(tvn_handle_add(table, &buffer_type, 1, true, 0), 0);
}

static void test_handle_table_reserve_makes_room_for_one(void **state)
{
    struct tvn_handle_table *table = *state;
    for (uint32_t i = 1; i <= 40; i++) {
        assert_false(tvn_handle_table_has_free(table));
        assert_true(tvn_handle_table_reserve(table));
        assert_true(tvn_handle_table_reserve(table)); /* there is: nothing happens */
        assert_true(tvn_handle_table_has_free(table));
        assert_null(tvn_handle_find(table, i, &buffer_type));
        assert_null(tvn_handle_find(table, i, NULL));
        assert_int_equal(tvn_handle_add_reserved(table, &buffer_type, i, true, 0), i);
        assert_int_equal(tvn_handle_table_live(table), i);
    }
    tvn_handle_remove(table, tvn_handle_find(table, 7, &buffer_type));
    assert_int_equal(tvn_handle_table_live(table), 39);
    assert_true(tvn_handle_table_reserve(table));
    assert_int_equal(tvn_handle_add_reserved(table, &buffer_type, 1, true, 0), 7);
}

static void test_handle_table_without_memory_refuses_and_stays_usable(void **state)
{
    struct tvn_handle_table *table = *state;
    uint32_t last = 0;
    while (table->count < table->capacity) {
        last = tvn_handle_add(table, &buffer_type, 1, true, 0);
    }

    tvn_mem_fail_at(1, true);
    assert_int_equal(tvn_handle_add(table, &buffer_type, 1, true, 0), 0);
    tvn_mem_fail_at(0, false);

    assert_non_null(tvn_handle_find(table, last, &buffer_type));
    assert_int_equal(tvn_handle_add(table, &buffer_type, 1, true, 0), last + 1);
}

/* Against a plain model: random adds and removes, every live handle findable, no other. */
static void test_handle_table_agrees_with_model(void **state)
{
    enum { ROUNDS = 20000, INDICES = 512 };
    struct tvn_handle_table *table = *state;
    uint64_t model[INDICES] = {0};
    uint64_t seed = tvn_test_seed();
    uint32_t live = 0;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t index = (uint32_t)(tvn_test_random(&seed) % INDICES);
        struct tvn_handle *handle = tvn_handle_find(table, index, &buffer_type);
        assert_int_equal(handle ? handle->rep : 0, model[index]);
        if (handle) {
            tvn_handle_remove(table, handle);
            model[index] = 0;
            live--;
        } else if (live < INDICES / 2) {
            uint32_t added = tvn_handle_add(table, &buffer_type, round, true, 0);
            assert_true(added > 0 && added < INDICES && model[added] == 0);
            model[added] = round;
            live++;
        }
        assert_int_equal(tvn_handle_table_live(table), live);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_handle_table_first_index_is_one, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_handle_table_find_refuses_what_is_not_there, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_handle_table_removed_handle_is_gone, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_handle_table_reuses_last_freed_first, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_handle_table_knows_whether_two_are_free, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_handle_table_full_at_limit, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_handle_table_reserve_makes_room_for_one, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_handle_table_without_memory_refuses_and_stays_usable,
                                    set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_handle_table_agrees_with_model, set_up, tear_down),
};
TVN_TEST_MAIN("component.handle_table", tests)
