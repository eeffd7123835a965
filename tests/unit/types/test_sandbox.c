/* SPDX-License-Identifier: Apache-2.0 */
#include "types/sandbox.h"

#include "tvn_test.h"

static void test_sandbox_without_grants_has_nothing(void **state)
{
    (void)state;
    struct tvn_sandbox sandbox = {.component = "c"};
    for (unsigned i = 0; i < TVN_CAP_COUNT; i++) {
        assert_false(tvn_sandbox_has(&sandbox, (enum tvn_capability)i));
    }
}

static void test_sandbox_has_exactly_the_granted_kinds(void **state)
{
    (void)state;
    const struct tvn_grant grants[] = {
        {TVN_CAP_STDOUT, NULL},
        {TVN_CAP_FILESYSTEM_READ, "/data"},
        {TVN_CAP_FILESYSTEM_READ, "/tmp"},
    };
    struct tvn_sandbox sandbox = {.grants = grants, .grant_count = TVN_ARRAY_LEN(grants)};
    for (unsigned i = 0; i < TVN_CAP_COUNT; i++) {
        bool expected = i == TVN_CAP_STDOUT || i == TVN_CAP_FILESYSTEM_READ;
        assert_int_equal(tvn_sandbox_has(&sandbox, (enum tvn_capability)i), expected);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sandbox_without_grants_has_nothing),
    cmocka_unit_test(test_sandbox_has_exactly_the_granted_kinds),
};
TVN_TEST_MAIN("types.sandbox", tests)
