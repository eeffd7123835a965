/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include "tvn_test.h"

static void test_status_code_of_error_is_four_digits(void **state)
{
    (void)state;
    assert_string_equal(tvn_status_code(TVN_E_MANIFEST_NOT_FOUND), "E0001");
    assert_string_equal(tvn_status_code(TVN_E_OUT_OF_MEMORY), "E0011");
    assert_string_equal(tvn_status_code(TVN_E_POOL_EXHAUSTED), "E0301");
    assert_string_equal(tvn_status_code(TVN_E_CONSTRAINT_VIOLATION), "E0702");
}

static void test_status_code_of_condition_is_its_name(void **state)
{
    (void)state;
    assert_string_equal(tvn_status_code(TVN_OK), "OK");
    assert_string_equal(tvn_status_code(TVN_FULL), "FULL");
    assert_string_equal(tvn_status_code(TVN_EMPTY), "EMPTY");
    assert_string_equal(tvn_status_code(TVN_AGAIN), "AGAIN");
    assert_string_equal(tvn_status_code(TVN_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(tvn_status_code(TVN_END), "END");
    assert_string_equal(tvn_status_code(TVN_EXISTS), "EXISTS");
}

static void test_status_text_of_unknown_number_is_empty(void **state)
{
    (void)state;
    enum tvn_status unknown = TVN_E_CONSTRAINT_VIOLATION;
    unknown++; /* as a number from elsewhere could be */

    assert_string_equal(tvn_status_code(unknown), "UNKNOWN");
    assert_string_equal(tvn_status_name(unknown), "");
    assert_string_equal(tvn_status_what(unknown), "");
    assert_string_equal(tvn_status_fix(unknown), "");
    assert_string_equal(tvn_status_name(TVN_OK), "");
    assert_string_equal(tvn_status_fix(TVN_FULL), "");
}

static void test_status_at_walks_all_errors_ascending_and_complete(void **state)
{
    (void)state;
    enum tvn_status status = TVN_OK;
    enum tvn_status last = TVN_OK;
    size_t count = 0;

    for (; tvn_status_at(count, &status); count++) {
        assert_true(status > last);
        assert_true(status < 800);
        last = status;
        assert_int_equal(tvn_status_code(status)[0], 'E');
        assert_int_equal(atoi(tvn_status_code(status) + 1), status);
        assert_true(strlen(tvn_status_name(status)) > 3);
        /* A sentence: capital letter or a name of ours, full stop. */
        const char *what = tvn_status_what(status);
        const char *fix = tvn_status_fix(status);
        assert_int_equal(what[strlen(what) - 1], '.');
        assert_int_equal(fix[strlen(fix) - 1], '.');
    }

    assert_true(count > 40);
    assert_int_equal(last, TVN_E_CONSTRAINT_VIOLATION);
    assert_false(tvn_status_at(SIZE_MAX, &status));
    assert_int_equal(status, last);
}

static void test_status_names_are_unique(void **state)
{
    (void)state;
    enum tvn_status a;
    enum tvn_status b;
    for (size_t i = 0; tvn_status_at(i, &a); i++) {
        for (size_t j = i + 1; tvn_status_at(j, &b); j++) {
            assert_string_not_equal(tvn_status_name(a), tvn_status_name(b));
        }
    }
}

static void test_status_fold_turns_stray_condition_into_internal(void **state)
{
    (void)state;
    assert_status(TVN_FOLD(TVN_FULL), TVN_E_INTERNAL);
    assert_status(TVN_FOLD(TVN_OK), TVN_OK);
    assert_status(TVN_FOLD(TVN_E_IO_ERROR), TVN_E_IO_ERROR);
}

static enum tvn_status try_then_end(enum tvn_status inner)
{
    TVN_TRY(inner);
    return TVN_END;
}

static void test_status_try_returns_on_anything_but_ok(void **state)
{
    (void)state;
    assert_status(try_then_end(TVN_OK), TVN_END);
    assert_status(try_then_end(TVN_FULL), TVN_FULL);
    assert_status(try_then_end(TVN_E_INTERNAL), TVN_E_INTERNAL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_status_code_of_error_is_four_digits),
    cmocka_unit_test(test_status_code_of_condition_is_its_name),
    cmocka_unit_test(test_status_text_of_unknown_number_is_empty),
    cmocka_unit_test(test_status_at_walks_all_errors_ascending_and_complete),
    cmocka_unit_test(test_status_names_are_unique),
    cmocka_unit_test(test_status_fold_turns_stray_condition_into_internal),
    cmocka_unit_test(test_status_try_returns_on_anything_but_ok),
};
TVN_TEST_MAIN("base.status", tests)
