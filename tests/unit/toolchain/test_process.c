/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/process.h"

#include "tvn_test.h"

static enum tvn_status run(const char *script, const char *const *environment,
                           const char *directory, struct tvn_strbuf *out, int *out_code)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const struct tvn_process_options options = {
        .argv = argv, .environment = environment, .directory = directory};
    return tvn_process_run(&options, 0, out, out_code);
}

static void test_process_run_gives_both_outputs_and_the_code(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    int code = -1;

    assert_status(run("echo one; echo two >&2; exit 7", NULL, NULL, &out, &code), TVN_OK);

    assert_int_equal(code, 7);
    assert_string_equal(tvn_strbuf_text(&out), "one\ntwo\n");
}

static void test_process_run_sets_environment_and_directory(void **state)
{
    (void)state;
    setenv("TVN_TEST_VALUE", "old", 1);
    static const char *const environment[] = {"TVN_TEST_VALUE=new", "TVN_TEST_MORE=more", NULL};
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    int code = -1;

    assert_status(
        run("echo $TVN_TEST_VALUE $TVN_TEST_MORE; pwd; cat", environment, "/usr", &out, &code),
        TVN_OK);

    assert_int_equal(code, 0);
    assert_string_equal(tvn_strbuf_text(&out), "new more\n/usr\n");
}

static void test_process_run_when_missing_returns_not_found(void **state)
{
    (void)state;
    static const char *const argv[] = {"/nowhere/tool", NULL};
    const struct tvn_process_options options = {.argv = argv};
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    int code = -1;

    assert_status(tvn_process_run(&options, 0, &out, &code), TVN_NOT_FOUND);

    assert_int_equal(errno, ENOENT);
}

static void test_process_run_when_killed_says_the_signal(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    int code = -1;

    assert_status(run("kill -TERM $$", NULL, NULL, &out, &code), TVN_OK);

    assert_int_equal(code, 128 + SIGTERM);
}

static void test_process_run_when_it_takes_too_long_kills(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sleep", "3600", NULL};
    const struct tvn_process_options options = {.argv = argv};
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    int code = -1;

    assert_status(tvn_process_run(&options, 1000000, &out, &code), TVN_OK);

    assert_int_equal(code, 128 + SIGKILL);
}

/* What a tool leaves running holds the pipe open: its end is not waited for. */
static void test_process_run_does_not_wait_for_what_is_left_behind(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    int code = -1;

    assert_status(run("sleep 3600 & echo $!", NULL, NULL, &out, &code), TVN_OK);

    assert_int_equal(code, 0);
    long pid = strtol(tvn_strbuf_text(&out), NULL, 10);
    assert_true(pid > 1);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

static void test_process_run_cuts_endless_output(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "yes | head -c 9000000", NULL};
    const struct tvn_process_options options = {.argv = argv};
    TVN_AUTO(tvn_process) process = NULL;

    assert_status(tvn_process_start(&options, &process), TVN_OK);
    while (!tvn_process_poll(process)) {
        usleep(1000);
    }

    assert_int_equal(tvn_process_exit_code(process), 0);
    assert_true(tvn_process_output_cut(process));
    assert_true(tvn_process_output(process).len < TVN_PROCESS_OUTPUT_MAX);
}

static void test_process_run_without_memory_fails(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 2; n++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        int code = -1;
        tvn_mem_fail_at(n, false);
        enum tvn_status status = run("exit 0", NULL, NULL, &out, &code);
        tvn_mem_fail_at(0, false);
        assert_status(status, TVN_E_OUT_OF_MEMORY);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_process_run_gives_both_outputs_and_the_code),
    cmocka_unit_test(test_process_run_sets_environment_and_directory),
    cmocka_unit_test(test_process_run_when_missing_returns_not_found),
    cmocka_unit_test(test_process_run_when_killed_says_the_signal),
    cmocka_unit_test(test_process_run_when_it_takes_too_long_kills),
    cmocka_unit_test(test_process_run_does_not_wait_for_what_is_left_behind),
    cmocka_unit_test(test_process_run_cuts_endless_output),
    cmocka_unit_test(test_process_run_without_memory_fails),
};
TVN_TEST_MAIN("toolchain.process", tests)
