/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/buffer.h"
#include "resources/lease.h"

#include "tvn_test.h"

static uint8_t memory[256];

static struct tvn_buffer owned(tvn_owner owner)
{
    return (struct tvn_buffer){
        .bytes = memory,
        .capacity = sizeof(memory),
        .id = UINT64_C(1) << 32,
        .owner = owner,
        .holders = 1,
        .state = TVN_BUFFER_OWNED,
    };
}

/* Rows: from, columns: to; Pooled, Owned, Borrowed, Leased. */
static const char edges[4][5] = {".x..", "x.xx", ".x..", ".x.."};

static void test_buffer_state_every_pair_follows_the_table(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 4; from++) {
        for (unsigned to = 0; to < 4; to++) {
            assert_int_equal(
                tvn_buffer_state_may_follow((enum tvn_buffer_state)from, (enum tvn_buffer_state)to),
                edges[from][to] == 'x');
        }
    }
    assert_string_equal(tvn_buffer_state_name(TVN_BUFFER_POOLED), "Pooled");
    assert_string_equal(tvn_buffer_state_name(TVN_BUFFER_LEASED), "Leased");
}

static void test_buffer_id_is_generation_and_index(void **state)
{
    (void)state;
    struct tvn_buffer buffer = owned(1);
    buffer.id = UINT64_C(0x9abcdef012345678);
    struct tvn_buffer_id id = tvn_buffer_id_of(&buffer);
    assert_int_equal(tvn_buffer_index(id), 0x12345678);
    assert_int_equal(tvn_buffer_generation(id), 0x9abcdef0);
}

static void test_buffer_write_bounds(void **state)
{
    (void)state;
    struct tvn_buffer buffer = owned(1);
    uint8_t bytes[257] = {0};
    assert_status(tvn_buffer_write(&buffer, 1, bytes, 1), TVN_NOT_FOUND);
    assert_status(tvn_buffer_write(&buffer, 0, "abcd", 4), TVN_OK);
    assert_int_equal(buffer.length, 4);
    assert_status(tvn_buffer_write(&buffer, 1, "X", 1), TVN_OK);
    assert_int_equal(buffer.length, 4);
    assert_memory_equal(buffer.bytes, "aXcd", 4);
    assert_status(tvn_buffer_write(&buffer, 4, bytes, 252), TVN_OK);
    assert_int_equal(buffer.length, 256);
    assert_status(tvn_buffer_write(&buffer, 256, NULL, 0), TVN_OK);
    assert_status(tvn_buffer_write(&buffer, 256, bytes, 1), TVN_E_CAPACITY_EXCEEDED);
    assert_status(tvn_buffer_write(&buffer, 0, bytes, 257), TVN_E_CAPACITY_EXCEEDED);
    volatile size_t enormous = SIZE_MAX;
    assert_status(tvn_buffer_write(&buffer, 1, bytes, enormous), TVN_E_CAPACITY_EXCEEDED);
    assert_status(tvn_buffer_write(&buffer, UINT64_MAX, bytes, 2), TVN_NOT_FOUND);
    assert_int_equal(buffer.length, 256);
}

static void test_buffer_freeze_makes_the_old_id_stale_and_writing_fail(void **state)
{
    (void)state;
    struct tvn_buffer buffer = owned(1);
    struct tvn_buffer_id before = tvn_buffer_id_of(&buffer);
    assert_status(tvn_buffer_freeze(&buffer), TVN_OK);
    assert_int_not_equal(tvn_buffer_id_of(&buffer).raw, before.raw);
    assert_status(tvn_buffer_freeze(&buffer), TVN_E_STALE_HANDLE);
    assert_status(tvn_buffer_write(&buffer, 0, "a", 1), TVN_E_STALE_HANDLE);
    assert_int_equal(tvn_buffer_id_of(&buffer).raw, before.raw + (UINT64_C(1) << 32));
}

static void test_buffer_borrowed_cannot_be_frozen_released_or_transferred(void **state)
{
    (void)state;
    struct tvn_buffer buffer = owned(3);
    tvn_buffer_borrow(&buffer);
    tvn_buffer_borrow(&buffer);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(buffer.state, TVN_BUFFER_BORROWED);
        assert_status(tvn_buffer_freeze(&buffer), TVN_E_BORROWS_OUTSTANDING);
        assert_status(tvn_buffer_may_release(&buffer), TVN_E_BORROWS_OUTSTANDING);
        assert_status(tvn_buffer_transfer(&buffer, 3, TVN_OWNER_HOST, NULL),
                      TVN_E_BORROWS_OUTSTANDING);
        tvn_buffer_end_borrow(&buffer);
    }
    assert_int_equal(buffer.state, TVN_BUFFER_OWNED);
    assert_status(tvn_buffer_may_release(&buffer), TVN_OK);
    assert_status(tvn_buffer_transfer(&buffer, 3, TVN_OWNER_HOST, NULL), TVN_OK);
    assert_int_equal(buffer.owner, TVN_OWNER_HOST);
}

static void test_buffer_transfer_moves_the_charge(void **state)
{
    (void)state;
    struct tvn_budget a = {.used_bytes = 256, .max_bytes = 1000};
    struct tvn_budget b = {.max_bytes = 300};
    struct tvn_budget small = {.max_bytes = 255};
    struct tvn_buffer buffer = owned(1);
    buffer.budget = &a;
    assert_status(tvn_buffer_transfer(&buffer, 2, 3, &b), TVN_E_NOT_OWNER);
    assert_status(tvn_buffer_transfer(&buffer, 1, 2, &small), TVN_E_BUDGET_EXCEEDED);
    assert_int_equal(buffer.owner, 1);
    assert_ptr_equal(buffer.budget, &a);
    assert_int_equal(a.used_bytes, 256);
    assert_int_equal(small.used_bytes, 0);

    assert_status(tvn_buffer_transfer(&buffer, 1, 2, &b), TVN_OK);
    assert_int_equal(a.used_bytes, 0);
    assert_int_equal(b.used_bytes, 256);
    /* to the same budget nothing is charged, though a second charge would not fit */
    assert_status(tvn_buffer_transfer(&buffer, 2, 4, &b), TVN_OK);
    assert_int_equal(b.used_bytes, 256);
    assert_status(tvn_buffer_transfer(&buffer, 4, TVN_OWNER_HOST, NULL), TVN_OK);
    assert_int_equal(b.used_bytes, 0);
    assert_null(buffer.budget);

    buffer.state = TVN_BUFFER_POOLED;
    assert_status(tvn_buffer_transfer(&buffer, TVN_OWNER_HOST, 1, NULL), TVN_E_NOT_OWNER);
}

static void test_buffer_hold_stops_at_65535(void **state)
{
    (void)state;
    struct tvn_buffer buffer = owned(1);
    buffer.holders = UINT16_MAX - 1;
    assert_status(tvn_buffer_hold(&buffer), TVN_OK);
    assert_status(tvn_buffer_hold(&buffer), TVN_FULL);
    assert_int_equal(buffer.holders, UINT16_MAX);
}

static void test_budget_below_what_is_used_takes_nothing_more(void **state)
{
    (void)state;
    struct tvn_budget budget = {.used_bytes = 20, .max_bytes = 10}; /* the limit fell meanwhile */
    assert_false(tvn_budget_charge(&budget, 1));
    assert_false(tvn_budget_charge(&budget, UINT64_MAX));
    tvn_budget_discharge(&budget, 15);
    assert_true(tvn_budget_charge(&budget, 5));
}

static void test_lease_keeps_the_buffer_where_it_is(void **state)
{
    (void)state;
    struct tvn_buffer buffer = {.capacity = 256,
                                .owner = TVN_OWNER_HOST,
                                .state = TVN_BUFFER_OWNED,
                                .id = UINT64_C(1) << 32,
                                .holders = 1};
    struct tvn_lease lease = {0};
    assert_false(tvn_lease_is_held(&lease));
    assert_false(tvn_lease_expire(&lease, UINT64_MAX));
    tvn_lease_begin(&lease, &buffer, TVN_LEASE_SCOPE);
    assert_true(tvn_lease_is_held(&lease));
    assert_false(tvn_lease_expire(&lease, UINT64_MAX - 1));
    assert_int_equal(buffer.state, TVN_BUFFER_LEASED);
    assert_status(tvn_buffer_may_release(&buffer), TVN_E_BORROWS_OUTSTANDING);
    assert_status(tvn_buffer_transfer(&buffer, TVN_OWNER_HOST, 3, NULL), TVN_E_BORROWS_OUTSTANDING);
    tvn_lease_end(&lease);
    assert_false(tvn_lease_is_held(&lease));
    assert_int_equal(buffer.state, TVN_BUFFER_OWNED);
    assert_status(tvn_buffer_may_release(&buffer), TVN_OK);
}

static void test_lease_with_a_deadline_is_reclaimed_when_it_comes(void **state)
{
    (void)state;
    struct tvn_buffer buffer = {
        .owner = TVN_OWNER_HOST, .state = TVN_BUFFER_OWNED, .id = UINT64_C(1) << 32, .holders = 1};
    struct tvn_lease lease = {0};
    tvn_lease_begin(&lease, &buffer, 1000);
    assert_false(tvn_lease_expire(&lease, 999));
    assert_int_equal(buffer.state, TVN_BUFFER_LEASED);
    assert_status(tvn_buffer_may_release(&buffer), TVN_E_BORROWS_OUTSTANDING);
    assert_true(tvn_lease_expire(&lease, 1000));
    assert_int_equal(buffer.state, TVN_BUFFER_OWNED);
    assert_false(tvn_lease_expire(&lease, 2000));
    tvn_lease_begin(&lease, &buffer, 3000); /* and may be leased again */
    tvn_lease_end(&lease);
    assert_int_equal(buffer.state, TVN_BUFFER_OWNED);
}

static void test_budget_with_a_parent_charges_both_or_none(void **state)
{
    (void)state;
    struct tvn_budget flow = {.max_bytes = 100};
    struct tvn_budget one = {.max_bytes = 80, .parent = &flow};
    struct tvn_budget two = {.max_bytes = 80, .parent = &flow};
    assert_true(tvn_budget_charge(&one, 70));
    assert_false(tvn_budget_charge(&one, 20)); /* its own limit */
    assert_false(tvn_budget_charge(&two, 40)); /* the flow's */
    assert_int_equal(one.used_bytes, 70);
    assert_int_equal(two.used_bytes, 0);
    assert_int_equal(flow.used_bytes, 70);
    assert_true(tvn_budget_charge(&two, 30));
    assert_int_equal(flow.used_bytes, 100);
    tvn_budget_discharge(&one, 70);
    assert_int_equal(flow.used_bytes, 30);
}

static void test_transfer_to_the_parent_budget_needs_no_more_room(void **state)
{
    (void)state;
    struct tvn_budget flow = {.used_bytes = 256, .max_bytes = 256};
    struct tvn_budget one = {.used_bytes = 256, .max_bytes = 300, .parent = &flow};
    struct tvn_budget other = {.max_bytes = 100, .parent = &flow};
    struct tvn_buffer buffer = {.capacity = 256,
                                .owner = 3,
                                .state = TVN_BUFFER_OWNED,
                                .id = UINT64_C(1) << 32,
                                .holders = 1,
                                .budget = &one};
    assert_status(tvn_buffer_transfer(&buffer, 3, 4, &other), TVN_E_BUDGET_EXCEEDED);
    assert_ptr_equal(buffer.budget, &one);
    assert_int_equal(one.used_bytes, 256);
    assert_int_equal(flow.used_bytes, 256);
    flow.max_bytes = 100; /* fell below what is used: nothing is added */
    assert_status(tvn_buffer_transfer(&buffer, 3, TVN_OWNER_HOST, &flow), TVN_OK);
    assert_int_equal(one.used_bytes, 0);
    assert_int_equal(flow.used_bytes, 256);
    assert_ptr_equal(buffer.budget, &flow);
    assert_status(tvn_buffer_transfer(&buffer, TVN_OWNER_HOST, 3, NULL), TVN_OK);
    assert_int_equal(flow.used_bytes, 0);
}

static void test_budget_edges(void **state)
{
    (void)state;
    struct tvn_budget budget = {.max_bytes = 10};
    assert_true(tvn_budget_charge(&budget, 10));
    assert_false(tvn_budget_charge(&budget, 1));
    assert_true(tvn_budget_charge(&budget, 0));
    assert_true(tvn_budget_charge(NULL, UINT64_MAX));
    tvn_budget_discharge(NULL, UINT64_MAX);
    tvn_budget_discharge(&budget, 10);
    assert_false(tvn_budget_charge(&budget, UINT64_MAX));
    assert_int_equal(budget.used_bytes, 0);
    budget.max_bytes = UINT64_MAX;
    assert_true(tvn_budget_charge(&budget, 1));
    assert_false(tvn_budget_charge(&budget, UINT64_MAX)); /* the sum does not wrap */
    assert_int_equal(budget.used_bytes, 1);
}

static void end_borrow(void *buffer)
{
    tvn_buffer_end_borrow(buffer);
}
static void borrow(void *buffer)
{
    tvn_buffer_borrow(buffer);
}
static void discharge(void *budget)
{
    tvn_budget_discharge(budget, 1);
}

static void test_buffer_misuse_aborts(void **state)
{
    (void)state;
    struct tvn_buffer buffer = owned(1);
    struct tvn_budget budget = {.max_bytes = 10};
    assert_aborts(end_borrow, &buffer);
    assert_aborts(discharge, &budget);
    buffer.state = TVN_BUFFER_POOLED;
    assert_aborts(borrow, &buffer);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_buffer_state_every_pair_follows_the_table),
    cmocka_unit_test(test_buffer_id_is_generation_and_index),
    cmocka_unit_test(test_buffer_write_bounds),
    cmocka_unit_test(test_buffer_freeze_makes_the_old_id_stale_and_writing_fail),
    cmocka_unit_test(test_buffer_borrowed_cannot_be_frozen_released_or_transferred),
    cmocka_unit_test(test_buffer_transfer_moves_the_charge),
    cmocka_unit_test(test_buffer_hold_stops_at_65535),
    cmocka_unit_test(test_budget_below_what_is_used_takes_nothing_more),
    cmocka_unit_test(test_lease_keeps_the_buffer_where_it_is),
    cmocka_unit_test(test_lease_with_a_deadline_is_reclaimed_when_it_comes),
    cmocka_unit_test(test_budget_with_a_parent_charges_both_or_none),
    cmocka_unit_test(test_transfer_to_the_parent_budget_needs_no_more_room),
    cmocka_unit_test(test_budget_edges),
    cmocka_unit_test(test_buffer_misuse_aborts),
};
TVN_TEST_MAIN("resources.buffer", tests)
