/* SPDX-License-Identifier: Apache-2.0 */
/* The test support itself: what a failing test reports, name filters, fault handlers. */
#include "tvn_test.h"

static void fails_by_status(void **state)
{
    (void)state;
    assert_status(TVN_FULL, TVN_OK);
}

static void passes_by_status(void **state)
{
    (void)state;
    assert_status(TVN_E_INTERNAL, TVN_E_INTERNAL);
}

static void fails_by_text(void **state)
{
    (void)state;
    assert_str(TVN_STR("ab"), "abc");
}

static void fails_by_silent_error(void **state)
{
    (void)state;
    /* Static: a failed test leaves by longjmp, past the cleanup. */
    static struct tvn_diag_sink *sink;
    sink = tvn_diag_sink_create();
    assert_diag_status(TVN_E_INTERNAL, TVN_E_INTERNAL, sink); /* no error in the sink */
}

static void fails_by_error_with_ok(void **state)
{
    (void)state;
    static struct tvn_diag_sink *sink;
    sink = tvn_diag_sink_create();
    tvn_diag_error(sink, TVN_E_INTERNAL, TVN_SPAN_NONE, "x");
    assert_diag_status(TVN_OK, TVN_OK, sink);
}

static void returns(void *unused)
{
    (void)unused;
}

static void exits(void *unused)
{
    (void)unused;
    _exit(1);
}

static void fails_by_missing_abort(void **state)
{
    (void)state;
    assert_aborts(returns, NULL);
}

static void fails_by_exit_instead_of_abort(void **state)
{
    (void)state;
    assert_aborts(exits, NULL);
}

/* Runs one test as a program of its own, filtered by name, and returns its exit code. */
static int run_program(const struct CMUnitTest *test, const char *filter)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) {
            _exit(99);
        }
        char name[] = "program";
        char pattern[64];
        snprintf(pattern, sizeof(pattern), "%s", filter ? filter : "");
        char *argv[] = {name, filter ? pattern : NULL, NULL};
        _exit(tvn_test_main_(filter ? 2 : 1, argv, "group", test, 1, NULL, NULL));
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void test_support_failed_assertions_fail_the_program(void **state)
{
    (void)state;
    static const struct CMUnitTest failing[] = {
        cmocka_unit_test(fails_by_status),        cmocka_unit_test(fails_by_text),
        cmocka_unit_test(fails_by_silent_error),  cmocka_unit_test(fails_by_error_with_ok),
        cmocka_unit_test(fails_by_missing_abort), cmocka_unit_test(fails_by_exit_instead_of_abort),
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(failing); i++) {
        assert_int_equal(run_program(&failing[i], NULL), 1);
    }
    static const struct CMUnitTest passing = cmocka_unit_test(passes_by_status);
    assert_int_equal(run_program(&passing, NULL), 0);
}

static void test_support_filter_selects_by_pattern_and_must_match(void **state)
{
    (void)state;
    static const struct CMUnitTest passing = cmocka_unit_test(passes_by_status);
    assert_int_equal(run_program(&passing, "passes_*"), 0);
    assert_int_equal(run_program(&passing, "passes_by_statu?"), 0);
    assert_int_equal(run_program(&passing, "other_*"), 2);
}

static void own_handler(int signal_number)
{
    (void)signal_number;
}

static void assert_own_handlers(void)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(tvn_test_signals_); i++) {
        struct sigaction action;
        assert_int_equal(sigaction(tvn_test_signals_[i], NULL, &action), 0);
        assert_true(action.sa_handler == own_handler);
    }
}

/* As an engine would do in the setup of a group. */
static int install_handlers(void **state)
{
    static int group_state = 42;
    *state = &group_state;
    struct sigaction action = {.sa_handler = own_handler};
    for (size_t i = 0; i < TVN_ARRAY_LEN(tvn_test_signals_); i++) {
        sigaction(tvn_test_signals_[i], &action, NULL);
    }
    tvn_test_keep_signal_handlers();
    return 0;
}

static void test_support_kept_handlers_are_active_in_a_test(void **state)
{
    assert_own_handlers();
    assert_int_equal(*(int *)*state, 42); /* the group's state */
}

static int check_handlers(void **state)
{
    (void)state;
    assert_own_handlers();
    return 0;
}

static void test_support_kept_handlers_are_active_in_fixtures(void **state)
{
    assert_own_handlers();
    assert_string_equal(*state, "own state");
}

static void test_support_random_repeats_with_its_seed(void **state)
{
    (void)state;
    uint64_t a = 1;
    uint64_t b = 1;
    uint64_t first = tvn_test_random(&a);
    assert_true(first == tvn_test_random(&b));
    assert_true(first != tvn_test_random(&a));
}

static char own_state[] = "own state";

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_support_failed_assertions_fail_the_program),
    cmocka_unit_test(test_support_filter_selects_by_pattern_and_must_match),
    cmocka_unit_test(test_support_kept_handlers_are_active_in_a_test),
    cmocka_unit_test_prestate_setup_teardown(test_support_kept_handlers_are_active_in_fixtures,
                                             check_handlers, check_handlers, own_state),
    cmocka_unit_test(test_support_random_repeats_with_its_seed),
};
TVN_TEST_MAIN_WITH("base.support", tests, install_handlers, check_handlers)
