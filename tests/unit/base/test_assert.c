/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"

#include "tvn_test.h"

static void assert_value(void *value)
{
    tvn_assert(*(int *)value == 1);
}

static void reach_unreachable(void *unused)
{
    (void)unused;
    tvn_unreachable();
}

static void assert_long_expression(void *unused)
{
    (void)unused;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    tvn_assert_failed(text, "file.c", 1);
}

static void test_assert_when_true_goes_on_and_evaluates_once(void **state)
{
    (void)state;
    int count = 0;

    tvn_assert(++count == 1);

    assert_int_equal(count, 1);
}

static void test_assert_when_false_aborts(void **state)
{
    (void)state;
    int zero = 0;
    assert_aborts(assert_value, &zero);
    assert_aborts(reach_unreachable, NULL);
    assert_aborts(assert_long_expression, NULL);
}

static void test_assert_failed_writes_expression_and_place(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        tvn_assert_failed("a == b", "x/y.c", 42);
    }
    close(ends[1]);
    char text[256];
    ssize_t length = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    waitpid(child, NULL, 0);

    assert_true(length > 0);
    text[length] = '\0';
    assert_string_equal(text, "torvyn: assertion 'a == b' failed at x/y.c:42\n");
}

static void test_debug_assert_compiles_and_never_evaluates_in_release(void **state)
{
    (void)state;
    int count = 0;
    tvn_debug_assert(++count == 1);
#ifdef TVN_DEBUG
    assert_int_equal(count, 1);
#else
    assert_int_equal(count, 0);
#endif
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_assert_when_true_goes_on_and_evaluates_once),
    cmocka_unit_test(test_assert_when_false_aborts),
    cmocka_unit_test(test_assert_failed_writes_expression_and_place),
    cmocka_unit_test(test_debug_assert_compiles_and_never_evaluates_in_release),
};
TVN_TEST_MAIN("base.assert", tests)
