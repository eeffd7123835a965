/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi_guest.h"

static struct wasi_guest guest;

static int load(void **state)
{
    (void)state;
    return wasi_guest_load(&guest, TVN_GUEST_DIR "/wasi-direct.wasm");
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

static const char *const variables[] = {"HOME=/root", "EMPTY=",       "TOKEN=a=b", "=odd",
                                        "NOVALUE",    "BAD=\xff\xfe", NULL};

static void start_with_environment(struct wasi_run *run, const struct tvn_grant *grants,
                                   size_t count, const char *argument)
{
    struct tvn_wasi_options options = plain;
    options.environment = variables;
    options.argument = argument;
    wasi_run_start(run, &guest, grants, count, options);
}

static void test_environment_shows_granted_names_only(void **state)
{
    (void)state;
    static const struct tvn_grant grants[] = {
        {.capability = TVN_CAP_ENVIRONMENT, .scope = "TOKEN"},
        {.capability = TVN_CAP_ENVIRONMENT, .scope = "MISSING"},
        {.capability = TVN_CAP_ENVIRONMENT, .scope = "BAD"},
        {.capability = TVN_CAP_STDIN, .scope = "HOME"},
    };
    struct wasi_run run;
    start_with_environment(&run, grants, TVN_ARRAY_LEN(grants), "upper");
    assert_reply(WASI_CALL0(&run, "environment"), "TOKEN=a=b\n>upper");
    assert_int_equal(run.recorder.uses[TVN_CAP_ENVIRONMENT], 1);
    assert_int_equal(run.recorder.denials[TVN_CAP_ENVIRONMENT], 0);
    assert_string_equal(run.recorder.last_scope, "TOKEN");
    wasi_run_end(&run);
}

static void test_environment_grant_without_scope_shows_all_that_is_text(void **state)
{
    (void)state;
    static const struct tvn_grant grants[] = {{.capability = TVN_CAP_ENVIRONMENT}};
    struct wasi_run run;
    start_with_environment(&run, grants, 1, NULL);
    assert_reply(WASI_CALL0(&run, "environment"), "HOME=/root\nEMPTY=\nTOKEN=a=b\n");
    wasi_run_end(&run);
}

static void test_environment_without_grant_is_empty(void **state)
{
    (void)state;
    struct wasi_run run;
    start_with_environment(&run, NULL, 0, NULL);
    assert_reply(WASI_CALL0(&run, "environment"), "");
    wasi_run_end(&run);
}

static void test_environment_is_the_processes_by_default(void **state)
{
    (void)state;
    static const struct tvn_grant grants[] = {
        {.capability = TVN_CAP_ENVIRONMENT, .scope = "TVN_TEST_WASI"},
    };
    assert_int_equal(setenv("TVN_TEST_WASI", "here", 1), 0);
    struct wasi_run run;
    wasi_run_start(&run, &guest, grants, 1, plain);
    assert_reply(WASI_CALL0(&run, "environment"), "TVN_TEST_WASI=here\n");
    wasi_run_end(&run);
}

static void test_exit_ends_the_instance(void **state)
{
    (void)state;
    const struct {
        uint64_t code;
        bool is_plain;
        const char *text;
    } cases[] = {
        {0, true, "called exit(0)"},
        {7, true, "called exit(1)"},
        {0, false, "called exit(0)"},
        {42, false, "called exit(42)"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct wasi_run run;
        wasi_run_start(&run, &guest, NULL, 0, plain);
        WASI_FAULT(&run, "leave", TVN_E_COMPONENT_TRAPPED, cases[i].text,
                   wasi_number(cases[i].code), wasi_bool(cases[i].is_plain));
        assert_string_equal(tvn_instance_fault(run.instance)->text, cases[i].text);
        assert_true(tvn_instance_is_dead(run.instance));
        wasi_run_end(&run);
    }
}

static void test_output_is_no_terminal(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_false(WASI_CALL0(&run, "is-terminal").of.boolean);
    wasi_run_end(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_environment_shows_granted_names_only),
    cmocka_unit_test(test_environment_grant_without_scope_shows_all_that_is_text),
    cmocka_unit_test(test_environment_without_grant_is_empty),
    cmocka_unit_test(test_environment_is_the_processes_by_default),
    cmocka_unit_test(test_exit_ends_the_instance),
    cmocka_unit_test(test_output_is_no_terminal),
};
TVN_TEST_MAIN_WITH("wasi.cli", tests, load, unload)
