/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/model.h"
#include "wasi/context_internal.h"
#include "wasi/wasi.h"

#include "wasi_guest.h"

static const char *const offered[] = {
    "error",
    "pollable",
    "input-stream",
    "output-stream",
    "terminal-input",
    "terminal-output",
    "descriptor",
    "directory-entry-stream",
    "network",
    "tcp-socket",
    "udp-socket",
    "resolve-address-stream",
    "incoming-datagram-stream",
    "outgoing-datagram-stream",
};
static const char *const owners[] = {
    "wasi:io/error@0.2.12",           "wasi:io/poll@0.2.12",
    "wasi:io/streams@0.2.12",         "wasi:io/streams@0.2.12",
    "wasi:cli/terminal-input@0.2.12", "wasi:cli/terminal-output@0.2.12",
    "wasi:filesystem/types@0.2.12",   "wasi:filesystem/types@0.2.12",
    "wasi:sockets/network@0.2.12",    "wasi:sockets/tcp@0.2.12",
    "wasi:sockets/udp@0.2.12",        "wasi:sockets/ip-name-lookup@0.2.12",
    "wasi:sockets/udp@0.2.12",        "wasi:sockets/udp@0.2.12",
};

static void test_every_resource_is_offered(void **state)
{
    (void)state;
    struct tvn_imports *imports = tvn_imports_create();
    struct tvn_wasi_world *world = NULL;
    assert_non_null(imports);
    assert_status(tvn_wasi_add_imports(imports, 0, &world), TVN_OK);
    for (size_t i = 0; i < TVN_ARRAY_LEN(offered); i++) {
        assert_non_null(
            tvn_imports_resource(imports, tvn_str_of(owners[i]), tvn_str_of(offered[i])));
    }
    tvn_imports_destroy(imports);
    tvn_wasi_world_destroy(world);
    tvn_wasi_world_destroy(NULL);
}

static void test_several_worlds_may_exist(void **state)
{
    (void)state;
    struct tvn_imports *imports[2];
    struct tvn_wasi_world *worlds[2];
    for (size_t i = 0; i < 2; i++) {
        imports[i] = tvn_imports_create();
        assert_non_null(imports[i]);
        assert_status(tvn_wasi_add_imports(imports[i], 3, &worlds[i]), TVN_OK);
    }
    assert_ptr_not_equal(worlds[0]->resources[TVN_WASI_POLLABLE],
                         worlds[1]->resources[TVN_WASI_POLLABLE]);
    for (size_t i = 0; i < 2; i++) {
        tvn_imports_destroy(imports[i]);
        tvn_wasi_world_destroy(worlds[i]);
    }
}

static void test_add_imports_survives_failing_allocations(void **state)
{
    (void)state;
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct tvn_wasi_world *world = NULL;
        struct tvn_imports *imports = tvn_imports_create();
        assert_non_null(imports);
        tvn_mem_fail_at(n, false);
        enum tvn_status status = tvn_wasi_add_imports(imports, 0, &world);
        tvn_mem_fail_at(0, false);
        done = status == TVN_OK;
        if (!done) {
            assert_true(status == TVN_E_OUT_OF_MEMORY || status == TVN_E_INTERNAL);
            assert_null(world);
        }
        tvn_imports_destroy(imports);
        tvn_wasi_world_destroy(world);
    }
}

static void test_components_of_any_0_2_release_link(void **state)
{
    (void)state;
    struct wasi_guest guest = {0};
    struct wasi_run run;
    assert_int_equal(wasi_guest_load(&guest, TVN_GUEST_DIR "/wasi-old.wasm"), 0);
    wasi_run_start(&run, &guest, NULL, 0,
                   (struct tvn_wasi_options){.stdin_fd = -1, .cancel_fd = -1});
    assert_int_equal(WASI_CALL0(&run, "run").of.u, 1);
    wasi_run_end(&run);
    wasi_guest_unload(&guest);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_resource_is_offered),
    cmocka_unit_test(test_several_worlds_may_exist),
    cmocka_unit_test(test_add_imports_survives_failing_allocations),
    cmocka_unit_test(test_components_of_any_0_2_release_link),
};
TVN_TEST_MAIN("wasi.world", tests)
