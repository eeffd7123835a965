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

static void test_there_are_no_directories_whatever_is_granted(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_FILESYSTEM_READ, .scope = "/"});
    assert_int_equal(WASI_CALL0(&run, "directories").of.u, 0);
    wasi_run_end(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_there_are_no_directories_whatever_is_granted),
};
TVN_TEST_MAIN_WITH("wasi.filesystem", tests, load, unload)
