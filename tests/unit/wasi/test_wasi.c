/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "path_tree.h"
#include "wasi_guest.h"

#include <fcntl.h>

static struct wasi_guest guest;

static int load(void **state)
{
    (void)state;
    return wasi_guest_load(&guest, TVN_GUEST_DIR "/wasi-libc.wasm");
}

static int unload(void **state)
{
    (void)state;
    wasi_guest_unload(&guest);
    return 0;
}

static const struct tvn_wasi_options plain = {.stdin_fd = -1, .cancel_fd = -1};

static void start(struct wasi_run *run, const struct tvn_grant *grants, size_t count)
{
    wasi_run_start(run, &guest, grants, count, plain);
}
#define START(run, ...)                                   \
    start((run), (const struct tvn_grant[]){__VA_ARGS__}, \
          TVN_ARRAY_LEN(((const struct tvn_grant[]){__VA_ARGS__})))

/* The C library finds out with the first line that this is no terminal, and buffers from then on.
 */
static void test_printf_arrives_when_flushed(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    (void)WASI_CALL(&run, "print", wasi_text("one\n"));
    assert_str(wasi_written(&run, TVN_WASI_STDOUT), "[one\n]");
    (void)WASI_CALL(&run, "print", wasi_text("two\nthree\n"));
    assert_str(wasi_written(&run, TVN_WASI_STDOUT), "[one\n]");
    assert_int_equal(WASI_CALL0(&run, "flush").of.s, 0);
    assert_str(wasi_written(&run, TVN_WASI_STDOUT), "[one\n][two\nthree\n]");
    wasi_run_end(&run);
}

static void test_printf_arrives_by_lines_when_line_buffered(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    (void)WASI_CALL(&run, "print-line-buffered", wasi_text("one\n"));
    (void)WASI_CALL(&run, "print", wasi_text("two\n"));
    assert_str(wasi_written(&run, TVN_WASI_STDOUT), "[one\n][two\n]");
    wasi_run_end(&run);
}

static void test_stderr_is_joined_to_lines(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDERR});
    (void)WASI_CALL(&run, "print-error", wasi_text("part "));
    (void)WASI_CALL(&run, "print-error", wasi_text("and end\n"));
    assert_str(wasi_written(&run, TVN_WASI_STDERR), "[part and end\n]");
    wasi_run_end(&run);
}

static void test_printf_without_grant_is_an_error_of_the_guest(void **state)
{
    (void)state;
    struct wasi_run run;
    wasi_run_start(&run, &guest, NULL, 0, plain);
    (void)WASI_CALL(&run, "print", wasi_text("no end of line"));
    assert_int_not_equal(WASI_CALL0(&run, "flush").of.s, 0);
    assert_true(run.recorder.denials[TVN_CAP_STDOUT] >= 1);
    assert_false(tvn_instance_is_dead(run.instance));
    wasi_run_end(&run);
}

static void test_stdin_is_read_to_its_end(void **state)
{
    (void)state;
    static const struct tvn_grant grants[] = {{.capability = TVN_CAP_STDIN}};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    char text[30001];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
    close(ends[1]);
    struct tvn_wasi_options options = plain;
    options.stdin_fd = ends[0];
    struct wasi_run run;
    wasi_run_start(&run, &guest, grants, 1, options);
    assert_reply(WASI_CALL0(&run, "read-all"), text);
    wasi_run_end(&run);
    close(ends[0]);
}

static void test_libc_asks_for_variables_time_and_random(void **state)
{
    (void)state;
    static const struct tvn_grant grants[] = {
        {.capability = TVN_CAP_ENVIRONMENT, .scope = "NAME"},
        {.capability = TVN_CAP_CLOCKS},
        {.capability = TVN_CAP_RANDOM},
    };
    static const char *const variables[] = {"NAME=value", "OTHER=secret", NULL};
    struct tvn_wasi_options options = plain;
    options.environment = variables;
    struct wasi_run run;
    wasi_run_start(&run, &guest, grants, TVN_ARRAY_LEN(grants), options);
    struct tvn_value value = WASI_CALL(&run, "get-variable", wasi_text("NAME"));
    assert_int_equal(value.of.variant.index, 1);
    assert_reply(*value.of.variant.value, "value");
    assert_int_equal(WASI_CALL(&run, "get-variable", wasi_text("OTHER")).of.variant.index, 0);
    uint64_t before = tvn_clock_wall_ns();
    assert_true(WASI_CALL0(&run, "time").of.u >= before);
    assert_true(WASI_CALL(&run, "sleep-ms", wasi_number(12)).of.u >= 12000000);
    assert_true(WASI_CALL0(&run, "random").of.u != WASI_CALL0(&run, "random").of.u);
    wasi_run_end(&run);
}

static void test_files_are_not_there(void **state)
{
    (void)state;
    struct wasi_run run;
    wasi_run_start(&run, &guest, NULL, 0, plain);
    assert_int_not_equal(WASI_CALL(&run, "open", wasi_text("/etc/passwd")).of.s, 0);
    assert_int_not_equal(WASI_CALL(&run, "open", wasi_text("../x")).of.s, 0);
    assert_false(tvn_instance_is_dead(run.instance));
    wasi_run_end(&run);
}

static void test_libc_works_with_files(void **state)
{
    (void)state;
    struct path_tree tree;
    struct wasi_run run;
    char before[64];
    char after[64];
    path_tree_create(&tree);
    path_tree_outside(&tree, before, sizeof(before));
    START(&run, {.capability = TVN_CAP_FILESYSTEM_READ, .scope = tree.in},
          {.capability = TVN_CAP_FILESYSTEM_WRITE, .scope = tree.in});
    assert_reply(WASI_CALL(&run, "use-files", wasi_text(tree.in)), "");
    assert_reply(WASI_CALL(&run, "use-files", wasi_text(tree.in)), ""); /* nothing was left */
    assert_int_not_equal(WASI_CALL(&run, "open", wasi_text(tree.outside)).of.s, 0);
    assert_int_equal(WASI_CALL(&run, "open", wasi_text(tree.in)).of.s, 0);
    wasi_run_end(&run);
    path_tree_outside(&tree, after, sizeof(after));
    assert_string_equal(before, after);
    path_tree_destroy(&tree);
}

static void test_libc_exit_ends_the_instance(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    (void)WASI_CALL(&run, "print", wasi_text("last words"));
    WASI_FAULT(&run, "leave", TVN_E_COMPONENT_TRAPPED, "called exit(", wasi_number(3));
    assert_str(wasi_written(&run, TVN_WASI_STDOUT), "");
    tvn_wasi_flush(run.wasi);
    assert_str(wasi_written(&run, TVN_WASI_STDOUT), "[last words]");
    wasi_run_end(&run);
}

static void test_libc_sees_no_terminal(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_false(WASI_CALL0(&run, "is-terminal").of.boolean);
    wasi_run_end(&run);
}

static void test_create_survives_failing_allocations(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    struct tvn_sandbox sandbox = {.component = "c"};
    struct tvn_wasi_options options = plain;
    options.world = guest.world;
    options.sandbox = &sandbox;
    options.ops = &recorder_ops;
    options.context = &recorder;
    options.argument = "name";
    for (uint64_t n = 1;; n++) {
        struct tvn_wasi *wasi = NULL;
        tvn_mem_fail_at(n, false);
        enum tvn_status status = tvn_wasi_create(&options, &wasi);
        tvn_mem_fail_at(0, false);
        if (status == TVN_OK) {
            assert_true(n > 1);
            tvn_wasi_destroy(wasi);
            break;
        }
        assert_status(status, TVN_E_OUT_OF_MEMORY);
        assert_null(wasi);
    }
    tvn_wasi_destroy(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_printf_arrives_when_flushed),
    cmocka_unit_test(test_printf_arrives_by_lines_when_line_buffered),
    cmocka_unit_test(test_stderr_is_joined_to_lines),
    cmocka_unit_test(test_printf_without_grant_is_an_error_of_the_guest),
    cmocka_unit_test(test_stdin_is_read_to_its_end),
    cmocka_unit_test(test_libc_asks_for_variables_time_and_random),
    cmocka_unit_test(test_files_are_not_there),
    cmocka_unit_test(test_libc_works_with_files),
    cmocka_unit_test(test_libc_exit_ends_the_instance),
    cmocka_unit_test(test_libc_sees_no_terminal),
    cmocka_unit_test(test_create_survives_failing_allocations),
};
TVN_TEST_MAIN_WITH("wasi.wasi", tests, load, unload)
