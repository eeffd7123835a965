/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/table.h"

#include "tvn_test.h"

static struct tvn_buffer_table table;

static struct tvn_buffer *take(void)
{
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_buffer_table_take(&table, &buffer), TVN_OK);
    return buffer;
}

static void test_table_slots_are_new_pooled_and_never_move(void **state)
{
    (void)state;
    tvn_buffer_table_init(&table);
    struct tvn_buffer *first = take();
    assert_int_equal(first->index, 0);
    assert_int_equal(first->generation, 1);
    assert_int_equal(first->state, TVN_BUFFER_POOLED);
    assert_int_equal((uintptr_t)first % 64, 0);
    for (uint32_t i = 1; i <= TVN_BUFFERS_PER_CHUNK; i++) {
        assert_int_equal(take()->index, i);
    }
    struct tvn_buffer *found = NULL;
    first->state = TVN_BUFFER_OWNED;
    assert_status(tvn_buffer_table_find(&table, tvn_buffer_id_of(first), &found), TVN_OK);
    assert_ptr_equal(found, first);
    tvn_buffer_table_deinit(&table);
}

static void test_table_find_tells_unknown_from_stale(void **state)
{
    (void)state;
    tvn_buffer_table_init(&table);
    struct tvn_buffer *buffer = take();
    struct tvn_buffer *found = NULL;
    struct tvn_buffer_id id = tvn_buffer_id_of(buffer);

    assert_status(tvn_buffer_table_find(&table, id, &found), TVN_E_STALE_HANDLE); /* pooled */
    buffer->state = TVN_BUFFER_OWNED;
    assert_status(tvn_buffer_table_find(&table, id, &found), TVN_OK);

    static const struct {
        uint64_t raw;
        enum tvn_status expected;
    } cases[] = {
        {0, TVN_E_STALE_HANDLE},                     /* slot 0, generation 0 */
        {UINT64_C(2) << 32, TVN_E_STALE_HANDLE},     /* generation to come */
        {UINT64_C(1) << 32 | 1, TVN_E_NOT_OWNER},    /* never made, same chunk */
        {1, TVN_E_NOT_OWNER},                        /* the same with generation 0 */
        {UINT64_C(1) << 32 | 4096, TVN_E_NOT_OWNER}, /* next chunk */
        {UINT64_C(1) << 32 | TVN_BUFFERS_MAX, TVN_E_NOT_OWNER},
        {UINT64_MAX, TVN_E_NOT_OWNER},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        found = NULL;
        struct tvn_buffer_id bad = {cases[i].raw};
        assert_status(tvn_buffer_table_find(&table, bad, &found), cases[i].expected);
        assert_null(found);
    }
    tvn_buffer_table_deinit(&table);
}

static void test_table_given_slot_comes_back_retired_one_does_not(void **state)
{
    (void)state;
    tvn_buffer_table_init(&table);
    struct tvn_buffer *a = take();
    struct tvn_buffer *b = take();
    b->generation = TVN_BUFFER_GENERATION_LAST + 1;
    tvn_buffer_table_give(&table, b);
    tvn_buffer_table_give(&table, a);
    assert_ptr_equal(take(), a);
    struct tvn_buffer *next = take();
    assert_int_equal(next->index, 2);
    struct tvn_buffer *found = NULL;
    assert_status(tvn_buffer_table_find(&table, tvn_buffer_id_of(b), &found), TVN_E_STALE_HANDLE);
    tvn_buffer_table_deinit(&table);
}

static void test_table_full_and_out_of_memory(void **state)
{
    (void)state;
    tvn_buffer_table_init(&table);
    struct tvn_buffer *buffer = NULL;
    tvn_mem_fail_at(1, false);
    assert_status(tvn_buffer_table_take(&table, &buffer), TVN_E_OUT_OF_MEMORY);
    assert_int_equal(take()->index, 0);
    table.slot_count = TVN_BUFFERS_MAX;
    assert_status(tvn_buffer_table_take(&table, &buffer), TVN_FULL);
    tvn_buffer_table_deinit(&table);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_table_slots_are_new_pooled_and_never_move),
    cmocka_unit_test(test_table_find_tells_unknown_from_stale),
    cmocka_unit_test(test_table_given_slot_comes_back_retired_one_does_not),
    cmocka_unit_test(test_table_full_and_out_of_memory),
};
TVN_TEST_MAIN("resources.table", tests)
