/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What every unit test includes: cmocka behind a few names of our own, so that the framework can be
 * changed in one place.
 *
 *     static void test_queue_push_when_full_returns_full(void **state) { … }
 *     static const struct CMUnitTest tests[] = {
 *         cmocka_unit_test(test_queue_push_when_full_returns_full),
 *     };
 *     TVN_TEST_MAIN("reactor.queue", tests)
 *
 * The program's first argument filters by name: test_reactor_queue 'test_queue_push_*'.
 *
 * cmocka puts its own handlers for SIGSEGV, SIGILL, SIGFPE and SIGBUS around every fixture and
 * test. That takes the sanitizer's report away and breaks an engine that turns faults into traps,
 * so each function is called through a wrapper that puts the kept handlers back: those of the
 * program's start if there are any, or those of tvn_test_keep_signal_handlers, to be called once
 * the engine exists.
 */
#include "base/compiler.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/status.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TVN_TEST_COUNT_MAX 512

/* Statuses by name: "E0301 PoolExhausted" says more than 301. */
#define assert_status(actual, expected) \
    tvn_test_assert_status((actual), (expected), #actual, __FILE__, __LINE__)

static inline void tvn_test_assert_status(enum tvn_status actual, enum tvn_status expected,
                                          const char *expression, const char *file, int line)
{
    if (actual != expected) {
        print_error("%s is %s %s, expected %s %s\n", expression, tvn_status_code(actual),
                    tvn_status_name(actual), tvn_status_code(expected), tvn_status_name(expected));
        _fail(file, line);
    }
}

/*
 * The same for a call that was given a fresh sink, with the promise of such calls: positive if and
 * only if there is an error diagnostic.
 */
#define assert_diag_status(actual, expected, sink) \
    tvn_test_assert_diag_status((actual), (expected), (sink), #actual, __FILE__, __LINE__)

static inline void tvn_test_assert_diag_status(enum tvn_status actual, enum tvn_status expected,
                                               const struct tvn_diag_sink *sink,
                                               const char *expression, const char *file, int line)
{
    size_t errors = tvn_diag_error_count(sink);
    if (actual != expected || (actual > TVN_OK) != (errors > 0)) {
        for (size_t i = 0; i < tvn_diag_count(sink); i++) {
            const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, i);
            print_error("diagnostic: %s: %s\n", tvn_status_code(diagnostic->code),
                        diagnostic->message);
        }
        print_error("%s left %zu errors in the sink\n", expression, errors);
        tvn_test_assert_status(actual, expected, expression, file, line);
        print_error("status and sink disagree\n");
        _fail(file, line);
    }
}

/* The bytes of a view against a string; both are printed when they differ. */
#define assert_str(actual, expected) \
    tvn_test_assert_str((actual), (expected), #actual, __FILE__, __LINE__)

static inline void tvn_test_assert_str(struct tvn_str actual, const char *expected,
                                       const char *expression, const char *file, int line)
{
    if (!tvn_str_is(actual, expected)) {
        print_error("%s is\n'%.*s', expected\n'%s'\n", expression, TVN_STR_ARG(actual), expected);
        _fail(file, line);
    }
}

/* Runs `function(argument)` in a child and expects a failed assertion of ours to end it. */
#define assert_aborts(function, argument) \
    tvn_test_assert_aborts((function), (argument), #function, __FILE__, __LINE__)

static inline void tvn_test_assert_aborts(void (*function)(void *), void *argument,
                                          const char *expression, const char *file, int line)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr)) {
            _exit(2);
        }
        function(argument);
        _exit(0);
    }
    int result = 0;
    pid_t ended;
    do {
        ended = waitpid(child, &result, 0);
    } while (ended < 0 && errno == EINTR);
    if (!WIFSIGNALED(result) || WTERMSIG(result) != SIGABRT) {
        print_error("%s did not abort (wait status 0x%x)\n", expression, (unsigned)result);
        _fail(file, line);
    }
}

/* For property tests: the seed is TVN_SEED or a fixed number, and is printed to repeat a failure.
 */
static inline uint64_t tvn_test_seed(void)
{
    const char *text = getenv("TVN_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20240229;
    print_message("TVN_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* SplitMix64. */
static inline uint64_t tvn_test_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static const int tvn_test_signals_[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};

/* The run's state; one test program is one translation unit with one thread that runs tests. */
static struct {
    struct sigaction kept[TVN_ARRAY_LEN(tvn_test_signals_)];
    bool is_kept[TVN_ARRAY_LEN(tvn_test_signals_)];
    const struct CMUnitTest *current; /* the original of the test that runs */
    void *group_state;
    CMFixtureFunction group_setup;
    CMFixtureFunction group_teardown;
} tvn_test_run_;

/* Call it once the engine (or whatever installs fault handlers) exists, in a setup or a test. */
static inline void tvn_test_keep_signal_handlers(void)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(tvn_test_signals_); i++) {
        tvn_test_run_.is_kept[i] =
            sigaction(tvn_test_signals_[i], NULL, &tvn_test_run_.kept[i]) == 0;
    }
}

static inline void tvn_test_restore_signal_handlers_(void)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(tvn_test_signals_); i++) {
        if (tvn_test_run_.is_kept[i]) {
            sigaction(tvn_test_signals_[i], &tvn_test_run_.kept[i], NULL);
        }
    }
}

static inline int tvn_test_setup_(void **state)
{
    const struct CMUnitTest *test = *state;
    tvn_test_run_.current = test;
    *state = test->initial_state ? test->initial_state : tvn_test_run_.group_state;
    tvn_test_restore_signal_handlers_();
    return test->setup_func ? test->setup_func(state) : 0;
}

static inline void tvn_test_body_(void **state)
{
    tvn_test_restore_signal_handlers_();
    tvn_test_run_.current->test_func(state);
}

static inline int tvn_test_teardown_(void **state)
{
    tvn_test_restore_signal_handlers_();
    tvn_mem_fail_at(0, false); /* a failed test must not fail the next one's allocations */
    CMFixtureFunction teardown = tvn_test_run_.current->teardown_func;
    return teardown ? teardown(state) : 0;
}

static inline int tvn_test_group_setup_(void **state)
{
    int result = tvn_test_run_.group_setup ? tvn_test_run_.group_setup(state) : 0;
    tvn_test_run_.group_state = *state;
    *state = NULL; /* cmocka would prefer it to a test's initial state, which is the wrapped test */
    return result;
}

static inline int tvn_test_group_teardown_(void **state)
{
    tvn_test_restore_signal_handlers_();
    *state = tvn_test_run_.group_state;
    return tvn_test_run_.group_teardown ? tvn_test_run_.group_teardown(state) : 0;
}

static inline int tvn_test_main_(int argc, char **argv, const char *group,
                                 const struct CMUnitTest *tests, size_t count,
                                 CMFixtureFunction group_setup, CMFixtureFunction group_teardown)
{
    static struct CMUnitTest wrapped[TVN_TEST_COUNT_MAX];
    if (count > TVN_TEST_COUNT_MAX) {
        fprintf(stderr, "%s: more than %d tests\n", group, TVN_TEST_COUNT_MAX);
        return 2;
    }
    size_t selected = 0;
    for (size_t i = 0; i < count; i++) {
        wrapped[i] = (struct CMUnitTest){
            .name = tests[i].name,
            .test_func = tvn_test_body_,
            .setup_func = tvn_test_setup_,
            .teardown_func = tvn_test_teardown_,
            .initial_state = (void *)(uintptr_t)&tests[i],
        };
        selected += argc < 2 || fnmatch(argv[1], tests[i].name, 0) == 0;
    }
    if (selected == 0) {
        fprintf(stderr, "%s: no test is named '%s'\n", group, argc < 2 ? "" : argv[1]);
        return 2;
    }
    if (argc >= 2) {
        cmocka_set_test_filter(argv[1]);
    }
    /* A sanitizer's handlers; a plain crash is left to cmocka, which goes on with the next test. */
    tvn_test_keep_signal_handlers();
    for (size_t i = 0; i < TVN_ARRAY_LEN(tvn_test_signals_); i++) {
        tvn_test_run_.is_kept[i] &= tvn_test_run_.kept[i].sa_handler != SIG_DFL;
    }
    tvn_test_run_.group_setup = group_setup;
    tvn_test_run_.group_teardown = group_teardown;
    return _cmocka_run_group_tests(group, wrapped, count, tvn_test_group_setup_,
                                   tvn_test_group_teardown_);
}

#define TVN_TEST_MAIN(group, tests) TVN_TEST_MAIN_WITH(group, tests, NULL, NULL)
/* With fixtures of the whole group. */
#define TVN_TEST_MAIN_WITH(group, tests, group_setup, group_teardown)                          \
    int main(int argc, char **argv)                                                            \
    {                                                                                          \
        return tvn_test_main_(argc, argv, (group), (tests), TVN_ARRAY_LEN(tests), group_setup, \
                              group_teardown);                                                 \
    }
