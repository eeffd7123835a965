/* SPDX-License-Identifier: Apache-2.0 */
#include "security/guard.h"

#include "tvn_test.h"

struct denial {
    size_t count;
    enum tvn_capability capability;
    const char *scope;
};

static void note_denial(void *context, const struct tvn_guard *guard,
                        enum tvn_capability capability, const char *scope)
{
    struct denial *denial = context;
    assert_non_null(guard);
    denial->count++;
    denial->capability = capability;
    denial->scope = scope;
}

static const struct tvn_grant grants[] = {
    {TVN_CAP_STDOUT, NULL},
    {TVN_CAP_FILESYSTEM_READ, "/data"},
    {TVN_CAP_FILESYSTEM_READ, "/more"},
};
static const struct tvn_sandbox sandbox = {
    .component = "c", .grants = grants, .grant_count = TVN_ARRAY_LEN(grants)};

static void test_guard_allows_and_counts_what_is_granted(void **state)
{
    (void)state;
    struct denial denial = {0};
    struct tvn_guard guard;
    tvn_guard_init(&guard, &sandbox, note_denial, &denial);
    uint64_t before = tvn_mem_allocation_count();
    assert_true(tvn_guard_check(&guard, TVN_CAP_STDOUT, NULL));
    assert_true(tvn_guard_check(&guard, TVN_CAP_STDOUT, NULL));
    assert_true(tvn_guard_check(&guard, TVN_CAP_FILESYSTEM_READ, "/more/x"));
    assert_true(tvn_mem_allocation_count() == before);
    assert_int_equal(tvn_stat_get(&guard.exercised[TVN_CAP_STDOUT]), 2);
    assert_int_equal(tvn_stat_get(&guard.exercised[TVN_CAP_FILESYSTEM_READ]), 1);
    assert_int_equal(denial.count, 0);
}

static void test_guard_denies_counts_and_reports_everything_else(void **state)
{
    (void)state;
    struct denial denial = {0};
    struct tvn_guard guard;
    tvn_guard_init(&guard, &sandbox, note_denial, &denial);
    assert_false(tvn_guard_check(&guard, TVN_CAP_FILESYSTEM_READ, "/etc"));
    assert_int_equal(denial.capability, TVN_CAP_FILESYSTEM_READ);
    assert_string_equal(denial.scope, "/etc");
    assert_false(tvn_guard_check(&guard, TVN_CAP_FILESYSTEM_READ, NULL));
    assert_false(tvn_guard_check(&guard, TVN_CAP_RANDOM, NULL));
    assert_int_equal(denial.count, 3);
    assert_int_equal(tvn_stat_get(&guard.denials[TVN_CAP_FILESYSTEM_READ]), 2);
    assert_int_equal(tvn_stat_get(&guard.denials[TVN_CAP_RANDOM]), 1);
    assert_int_equal(tvn_stat_get(&guard.exercised[TVN_CAP_FILESYSTEM_READ]), 0);
}

static void test_guard_without_grants_denies_all(void **state)
{
    (void)state;
    static const struct tvn_sandbox empty = {.component = "c"};
    struct tvn_guard guard;
    tvn_guard_init(&guard, &empty, NULL, NULL);
    for (unsigned i = 0; i < TVN_CAP_COUNT; i++) {
        assert_false(tvn_guard_check(&guard, (enum tvn_capability)i, NULL));
        assert_false(tvn_guard_check(&guard, (enum tvn_capability)i, "/x"));
        assert_int_equal(tvn_stat_get(&guard.denials[i]), 2);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_guard_allows_and_counts_what_is_granted),
    cmocka_unit_test(test_guard_denies_counts_and_reports_everything_else),
    cmocka_unit_test(test_guard_without_grants_denies_all),
};
TVN_TEST_MAIN("security.guard", tests)
