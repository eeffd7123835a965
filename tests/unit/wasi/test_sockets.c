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

enum { ACCESS_DENIED = 1, NOT_SUPPORTED = 2 };

static void test_network_without_grant_is_denied_and_counted(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_int_equal(WASI_CALL(&run, "network", wasi_text("tcp")).of.u, ACCESS_DENIED);
    assert_int_equal(WASI_CALL(&run, "network", wasi_text("udp")).of.u, ACCESS_DENIED);
    assert_int_equal(run.recorder.denials[TVN_CAP_NETWORK_EGRESS], 2);
    assert_int_equal(WASI_CALL(&run, "network", wasi_text("lookup")).of.u, ACCESS_DENIED);
    assert_int_equal(run.recorder.denials[TVN_CAP_NETWORK_EGRESS], 3);
    assert_string_equal(run.recorder.last_scope, "example.org");
    wasi_run_end(&run);
}

static void test_network_with_grant_is_not_supported(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_NETWORK_EGRESS});
    assert_int_equal(WASI_CALL(&run, "network", wasi_text("tcp")).of.u, NOT_SUPPORTED);
    assert_int_equal(WASI_CALL(&run, "network", wasi_text("lookup")).of.u, NOT_SUPPORTED);
    assert_int_equal(run.recorder.denials[TVN_CAP_NETWORK_EGRESS], 0);
    wasi_run_end(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_network_without_grant_is_denied_and_counted),
    cmocka_unit_test(test_network_with_grant_is_not_supported),
};
TVN_TEST_MAIN_WITH("wasi.sockets", tests, load, unload)
