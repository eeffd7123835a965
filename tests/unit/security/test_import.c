/* SPDX-License-Identifier: Apache-2.0 */
#include "security/capability.h"

#include "tvn_test.h"

static uint32_t of(const char *interface)
{
    return tvn_capability_of_import(tvn_str_of(interface));
}

static void test_import_of_wasi_interfaces_names_the_capability(void **state)
{
    (void)state;
    const uint32_t files = 1u << TVN_CAP_FILESYSTEM_READ | 1u << TVN_CAP_FILESYSTEM_WRITE;
    const uint32_t network = 1u << TVN_CAP_NETWORK_EGRESS | 1u << TVN_CAP_NETWORK_INGRESS;

    assert_int_equal(of("wasi:filesystem/preopens@0.2.3"), files);
    assert_int_equal(of("wasi:clocks/monotonic-clock@0.2.0"), 1u << TVN_CAP_CLOCKS);
    assert_int_equal(of("wasi:random/insecure"), 1u << TVN_CAP_RANDOM);
    assert_int_equal(of("wasi:sockets/tcp@0.2.0"), network);
    assert_int_equal(of("wasi:sockets/udp@0.2.0"), 1u << TVN_CAP_NETWORK_EGRESS);
    assert_int_equal(of("wasi:http/outgoing-handler@0.2.0"), 1u << TVN_CAP_NETWORK_EGRESS);
    assert_int_equal(of("wasi:cli/terminal-stdin@0.2.0"), 1u << TVN_CAP_STDIN);
    assert_int_equal(of("torvyn:streaming/buffer-allocator@0.1.0"), 1u << TVN_CAP_TORVYN_ALLOC);
}

static void test_import_without_effect_needs_nothing(void **state)
{
    (void)state;
    assert_int_equal(of("wasi:io/streams@0.2.0"), 0);
    assert_int_equal(of("wasi:cli/exit@0.2.0"), 0);
    assert_int_equal(of("wasi:cli/stdout-like"), 0);
    assert_int_equal(of("torvyn:streaming/types@0.1.0"), 0);
    assert_int_equal(of("my:clocks/wall-clock"), 0);
    assert_int_equal(of(""), 0);
}

static void test_import_rows_cover_every_wasi_capability(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= TVN_CAP_STDERR; i++) {
        assert_true(tvn_capability_has_imports((enum tvn_capability)i));
        assert_false(tvn_capability_is_intrinsic((enum tvn_capability)i));
    }
    assert_false(tvn_capability_has_imports(TVN_CAP_TORVYN_POOL));
    assert_true(tvn_capability_is_intrinsic(TVN_CAP_TORVYN_POOL));
    assert_false(tvn_capability_is_intrinsic(TVN_CAP_TORVYN_METRICS));
}

static void test_import_excess_depends_on_the_role(void **state)
{
    (void)state;
    assert_true(tvn_capability_is_excessive(TVN_CAP_NETWORK_EGRESS, TVN_ROLE_FILTER));
    assert_false(tvn_capability_is_excessive(TVN_CAP_NETWORK_EGRESS, TVN_ROLE_SINK));
    assert_true(tvn_capability_is_excessive(TVN_CAP_FILESYSTEM_WRITE, TVN_ROLE_SOURCE));
    assert_false(tvn_capability_is_excessive(TVN_CAP_FILESYSTEM_WRITE, TVN_ROLE_SINK));
    for (unsigned role = TVN_ROLE_SOURCE; role <= TVN_ROLE_SINK; role++) {
        assert_false(tvn_capability_is_excessive(TVN_CAP_STDERR, (enum tvn_role)role));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_import_of_wasi_interfaces_names_the_capability),
    cmocka_unit_test(test_import_without_effect_needs_nothing),
    cmocka_unit_test(test_import_rows_cover_every_wasi_capability),
    cmocka_unit_test(test_import_excess_depends_on_the_role),
};

TVN_TEST_MAIN("security.import", tests)
