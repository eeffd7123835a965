/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/table.h"

#include "tvn_test.h"

#include <sys/resource.h>

static struct tvn_buffer_table table;

static struct tvn_buffer *take(void)
{
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_buffer_table_take(&table, &buffer), TVN_OK);
    return buffer;
}

static uint32_t index_of(const struct tvn_buffer *buffer)
{
    return tvn_buffer_index(tvn_buffer_id_of(buffer));
}

static void test_table_slots_are_new_pooled_and_never_move(void **state)
{
    (void)state;
    assert_status(tvn_buffer_table_init(&table), TVN_OK);
    struct tvn_buffer *first = take();
    assert_int_equal(tvn_buffer_id_of(first).raw, UINT64_C(1) << 32);
    assert_int_equal(first->state, TVN_BUFFER_POOLED);
    assert_int_equal((uintptr_t)first % 64, 0);
    for (uint32_t i = 1; i <= TVN_BUFFERS_PER_STEP; i++) {
        assert_int_equal(index_of(take()), i);
    }
    struct tvn_buffer *found = NULL;
    first->state = TVN_BUFFER_OWNED;
    assert_status(tvn_buffer_slot_find(table.slots, tvn_buffer_id_of(first), &found), TVN_OK);
    assert_ptr_equal(found, first);
    tvn_buffer_table_deinit(&table);
}

static void test_table_find_tells_unknown_from_stale(void **state)
{
    (void)state;
    assert_status(tvn_buffer_table_init(&table), TVN_OK);
    struct tvn_buffer *buffer = take();
    struct tvn_buffer *found = NULL;
    struct tvn_buffer_id id = tvn_buffer_id_of(buffer);

    assert_status(tvn_buffer_slot_find(table.slots, id, &found), TVN_E_STALE_HANDLE); /* pooled */
    buffer->state = TVN_BUFFER_OWNED;
    assert_status(tvn_buffer_slot_find(table.slots, id, &found), TVN_OK);

    static const struct {
        uint64_t raw;
        enum tvn_status expected;
    } cases[] = {
        {0, TVN_E_STALE_HANDLE},                  /* slot 0, generation 0 */
        {UINT64_C(2) << 32, TVN_E_STALE_HANDLE},  /* generation to come */
        {UINT64_C(1) << 32 | 1, TVN_E_NOT_OWNER}, /* never made, but writable */
        {1, TVN_E_NOT_OWNER},                     /* the same with generation 0 */
        {UINT64_C(1) << 32 | TVN_BUFFERS_PER_STEP, TVN_E_NOT_OWNER},
        {TVN_BUFFERS_PER_STEP, TVN_E_NOT_OWNER},
        {UINT64_C(1) << 32 | (TVN_BUFFERS_MAX - 1), TVN_E_NOT_OWNER},
        {UINT64_C(1) << 32 | TVN_BUFFERS_MAX, TVN_E_NOT_OWNER},
        {UINT64_C(1) << 32 | UINT32_MAX, TVN_E_NOT_OWNER},
        {UINT64_MAX, TVN_E_NOT_OWNER},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        found = NULL;
        struct tvn_buffer_id bad = {cases[i].raw};
        assert_status(tvn_buffer_slot_find(table.slots, bad, &found), cases[i].expected);
        assert_null(found);
    }
    tvn_buffer_table_deinit(&table);
}

static void test_table_given_slot_comes_back_retired_one_does_not(void **state)
{
    (void)state;
    assert_status(tvn_buffer_table_init(&table), TVN_OK);
    struct tvn_buffer *a = take();
    struct tvn_buffer *b = take();
    b->id = (TVN_BUFFER_GENERATION_LAST + UINT64_C(1)) << 32 | index_of(b);
    tvn_buffer_table_give(&table, b);
    tvn_buffer_table_give(&table, a);
    assert_ptr_equal(take(), a);
    struct tvn_buffer *next = take();
    assert_int_equal(index_of(next), 2);
    struct tvn_buffer *found = NULL;
    assert_status(tvn_buffer_slot_find(table.slots, tvn_buffer_id_of(b), &found),
                  TVN_E_STALE_HANDLE);
    tvn_buffer_table_deinit(&table);
}

static void test_table_full_takes_no_more(void **state)
{
    (void)state;
    assert_status(tvn_buffer_table_init(&table), TVN_OK);
    struct tvn_buffer *buffer = NULL;
    assert_int_equal(index_of(take()), 0);
    table.slot_count = TVN_BUFFERS_MAX;
    assert_status(tvn_buffer_table_take(&table, &buffer), TVN_FULL);
    tvn_buffer_table_deinit(&table);
}

/* Lowers a limit of the process for the duration of one call. */
static struct rlimit lower(__rlimit_resource_t which)
{
    struct rlimit before;
    assert_int_equal(getrlimit(which, &before), 0);
    const struct rlimit none = {.rlim_cur = 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(which, &none), 0);
    return before;
}

static void test_table_without_address_space_is_out_of_memory(void **state)
{
    (void)state;
    const struct rlimit before = lower(RLIMIT_AS);
    enum tvn_status status = tvn_buffer_table_init(&table);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_status(status, TVN_E_OUT_OF_MEMORY);
    tvn_buffer_table_deinit(&table);
}

static void test_table_refused_memory_goes_on_when_there_is_some(void **state)
{
    (void)state;
    assert_status(tvn_buffer_table_init(&table), TVN_OK);
    for (uint32_t i = 0; i < TVN_BUFFERS_PER_STEP; i++) {
        take();
    }
    struct tvn_buffer *buffer = NULL;
    const struct rlimit before = lower(RLIMIT_DATA);
    enum tvn_status status = tvn_buffer_table_take(&table, &buffer);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    assert_status(status, TVN_E_OUT_OF_MEMORY);
    assert_null(buffer);
    assert_int_equal(index_of(take()), TVN_BUFFERS_PER_STEP);
    tvn_buffer_table_deinit(&table);
}

static void test_tables_are_apart(void **state)
{
    (void)state;
    static struct tvn_buffer_table other;
    assert_status(tvn_buffer_table_init(&table), TVN_OK);
    assert_status(tvn_buffer_table_init(&other), TVN_OK);
    struct tvn_buffer *buffer = take();
    buffer->state = TVN_BUFFER_OWNED;
    struct tvn_buffer_id id = tvn_buffer_id_of(buffer);
    struct tvn_buffer *found = NULL;
    assert_status(tvn_buffer_slot_find(other.slots, id, &found), TVN_E_NOT_OWNER);
    tvn_buffer_table_deinit(&other);
    assert_status(tvn_buffer_slot_find(table.slots, id, &found), TVN_OK);
    tvn_buffer_table_deinit(&table);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_table_slots_are_new_pooled_and_never_move),
    cmocka_unit_test(test_table_find_tells_unknown_from_stale),
    cmocka_unit_test(test_table_given_slot_comes_back_retired_one_does_not),
    cmocka_unit_test(test_table_full_takes_no_more),
    cmocka_unit_test(test_table_without_address_space_is_out_of_memory),
    cmocka_unit_test(test_table_refused_memory_goes_on_when_there_is_some),
    cmocka_unit_test(test_tables_are_apart),
};
TVN_TEST_MAIN("resources.table", tests)
