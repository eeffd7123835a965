/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses grants reach, with a resolver that lies: what a name stands for is remembered as
 * a look-up would. Nothing is sent anywhere. */
#include "wasi/context_internal.h"
#include "wasi/network_internal.h"

#include "tvn_test.h"
#include "wasi_recorder.h"

#include <arpa/inet.h>

static struct tvn_wasi_address address_from(const char *text)
{
    struct tvn_wasi_address address = {.is_v6 = strchr(text, ':') != NULL};
    assert_int_equal(inet_pton(address.is_v6 ? AF_INET6 : AF_INET, text, address.bytes), 1);
    tvn_wasi_address_normalise(&address);
    return address;
}

static union tvn_socket_address socket_address(const char *text, uint16_t port)
{
    union tvn_socket_address address = {0};
    if (strchr(text, ':')) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        assert_int_equal(inet_pton(AF_INET6, text, &address.v6.sin6_addr), 1);
    } else {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        assert_int_equal(inet_pton(AF_INET, text, &address.v4.sin_addr), 1);
    }
    return address;
}

/* grant: the scope; "" for a grant without one, NULL for none at all. */
struct row {
    const char *grant;
    enum tvn_wasi_protocol protocol;
    const char *name; /* looked up before, and stood for the address; NULL: not by name */
    const char *address;
    uint16_t port;
    bool allowed;
};

static const struct row rows[] = {
    /* nothing is granted: nothing is reached, not even oneself */
    {NULL, TVN_WASI_TCP, NULL, "127.0.0.1", 80, false},
    {NULL, TVN_WASI_TCP, NULL, "::1", 80, false},
    {NULL, TVN_WASI_UDP, NULL, "127.0.0.1", 53, false},
    {NULL, TVN_WASI_TCP, NULL, "169.254.169.254", 80, false},
    {NULL, TVN_WASI_TCP, NULL, "fe80::1", 80, false},
    {NULL, TVN_WASI_TCP, NULL, "192.0.2.1", 443, false},
    /* addresses */
    {"tcp:192.0.2.1:443", TVN_WASI_TCP, NULL, "192.0.2.1", 443, true},
    {"tcp:192.0.2.1:443", TVN_WASI_TCP, NULL, "192.0.2.1", 444, false},
    {"tcp:192.0.2.1:443", TVN_WASI_TCP, NULL, "192.0.2.2", 443, false},
    {"tcp:192.0.2.1:443", TVN_WASI_TCP, NULL, "192.0.2.10", 443, false},
    {"tcp:192.0.2.1:443", TVN_WASI_UDP, NULL, "192.0.2.1", 443, false},
    {"udp:192.0.2.1:53", TVN_WASI_UDP, NULL, "192.0.2.1", 53, true},
    {"udp:192.0.2.1:53", TVN_WASI_TCP, NULL, "192.0.2.1", 53, false},
    {"tcp:192.0.2.1:8000-8099", TVN_WASI_TCP, NULL, "192.0.2.1", 8042, true},
    {"tcp:192.0.2.1:8000-8099", TVN_WASI_TCP, NULL, "192.0.2.1", 8100, false},
    {"tcp:192.0.2.1", TVN_WASI_TCP, NULL, "192.0.2.1", 1, true},
    {"tcp:[2001:db8::1]:443", TVN_WASI_TCP, NULL, "2001:db8:0::1", 443, true},
    {"tcp:[2001:db8::1]:443", TVN_WASI_TCP, NULL, "2001:db8::2", 443, false},
    {"tcp:169.254.169.254:80", TVN_WASI_TCP, NULL, "169.254.169.254", 80, true},
    {"tcp:*:443", TVN_WASI_TCP, NULL, "198.51.100.7", 443, true},
    {"tcp:*:443", TVN_WASI_TCP, NULL, "198.51.100.7", 80, false},
    {"tcp", TVN_WASI_TCP, NULL, "127.0.0.1", 80, true},
    {"tcp", TVN_WASI_UDP, NULL, "127.0.0.1", 80, false},
    {"", TVN_WASI_UDP, NULL, "127.0.0.1", 80, true},
    {"http:192.0.2.1:443", TVN_WASI_TCP, NULL, "192.0.2.1", 443, false},
    /* names */
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "192.0.2.1", 443, true},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "192.0.2.1", 80, false},
    {"tcp:example.org:443", TVN_WASI_UDP, "example.org", "192.0.2.1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, NULL, "192.0.2.1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.com", "192.0.2.1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "2001:db8::1", 443, true},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "10.0.0.5", 443, true},
    {"tcp:*.example.org:443", TVN_WASI_TCP, "a.example.org", "192.0.2.1", 443, true},
    {"tcp:*.example.org:443", TVN_WASI_TCP, "example.org", "192.0.2.1", 443, false},
    {"tcp:*.example.org:443", TVN_WASI_TCP, "a.example.org.evil.test", "192.0.2.1", 443, false},
    {"udp:dns.test", TVN_WASI_UDP, "dns.test", "192.0.2.53", 53, true},
    /* names whose owner points them inwards */
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "127.0.0.1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "127.8.8.8", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "::1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "169.254.169.254", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "fe80::1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "febf::1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "0.0.0.0", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "::", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "224.0.0.1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "ff02::1", 443, false},
    {"tcp:example.org:443", TVN_WASI_TCP, "example.org", "255.255.255.255", 443, false},
    {"tcp:localhost:80", TVN_WASI_TCP, "localhost", "127.0.0.1", 80, true},
    {"tcp:localhost:80", TVN_WASI_TCP, "localhost", "169.254.1.1", 80, false},
    {"tcp:localhost.example.org:80", TVN_WASI_TCP, "localhost.example.org", "127.0.0.1", 80, false},
};

static struct tvn_wasi *make_wasi(struct recorder *recorder, struct tvn_sandbox *sandbox,
                                  const struct tvn_grant *grants, size_t count)
{
    *recorder = (struct recorder){.sandbox = sandbox};
    *sandbox = (struct tvn_sandbox){.component = "c", .grants = grants, .grant_count = count};
    struct tvn_wasi *wasi = NULL;
    struct tvn_wasi_options options = {
        .world = (const struct tvn_wasi_world *)(const void *)recorder, /* never looked at */
        .sandbox = sandbox,
        .ops = &recorder_ops,
        .context = recorder,
        .stdin_fd = -1,
        .cancel_fd = -1,
    };
    assert_status(tvn_wasi_create(&options, &wasi), TVN_OK);
    return wasi;
}

static struct tvn_grant egress(const char *scope)
{
    return (struct tvn_grant){.capability = TVN_CAP_NETWORK_EGRESS,
                              .scope = scope && scope[0] ? scope : NULL};
}

static void test_addresses_and_names_reach_what_is_granted(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct recorder recorder;
        struct tvn_sandbox sandbox;
        struct tvn_grant grant = egress(row->grant);
        struct tvn_wasi *wasi = make_wasi(&recorder, &sandbox, &grant, row->grant ? 1 : 0);
        if (row->name) {
            struct tvn_wasi_address meant = address_from(row->address);
            assert_true(tvn_wasi_names_remember(wasi, row->name, &meant));
        }
        union tvn_socket_address address = socket_address(row->address, row->port);
        assert_int_equal(tvn_wasi_would_reach(wasi, row->protocol, &address), row->allowed);
        bool allowed = tvn_wasi_may_reach(wasi, row->protocol, &address);
        if (allowed != row->allowed) {
            fail_msg("row %zu: %s to %s is %d", i, row->grant ? row->grant : "no grant",
                     row->address, allowed);
        }
        assert_int_equal(recorder.uses[TVN_CAP_NETWORK_EGRESS], row->allowed);
        assert_int_equal(recorder.denials[TVN_CAP_NETWORK_EGRESS], !row->allowed);
        tvn_wasi_destroy(wasi);
    }
}

static void test_another_spelling_of_an_address_is_no_address(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        uint16_t port;
        sa_family_t family;
        bool local;
        bool remote;
    } cases[] = {
        {"::ffff:127.0.0.1", 80, AF_INET6, false, false},
        {"::ffff:169.254.169.254", 80, AF_INET6, false, false},
        {"::127.0.0.1", 80, AF_INET6, false, false},
        {"::1", 80, AF_INET6, true, true},
        {"::", 80, AF_INET6, true, false},
        {"0.0.0.0", 80, AF_INET, true, false},
        {"127.0.0.1", 0, AF_INET, true, false},
        {"127.0.0.1", 80, AF_INET6, false, false},
        {"224.0.0.1", 80, AF_INET, false, false},
        {"255.255.255.255", 80, AF_INET, false, false},
        {"ff02::1", 80, AF_INET6, false, false},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        union tvn_socket_address address = socket_address(cases[i].address, cases[i].port);
        assert_int_equal(tvn_wasi_address_check_local(&address, cases[i].family) == 0,
                         cases[i].local);
        assert_int_equal(tvn_wasi_address_check_remote(&address, cases[i].family) == 0,
                         cases[i].remote);
    }
    struct tvn_wasi_address mapped = address_from("::ffff:192.0.2.1");
    assert_false(mapped.is_v6);
    assert_memory_equal(mapped.bytes, ((const uint8_t[16]){192, 0, 2, 1}), 16);
}

static void test_only_granted_names_are_looked_up(void **state)
{
    (void)state;
    static const struct {
        const char *grant;
        const char *name;
        bool allowed;
    } cases[] = {
        {NULL, "example.org", false},
        {"", "example.org", true},
        {"tcp", "example.org", true},
        {"tcp:example.org", "example.org", true},
        {"tcp:example.org:443", "example.org", true},
        {"tcp:example.org:8000-8099", "example.org", true},
        {"tcp:example.org:*", "example.org", true},
        {"udp:example.org:53", "example.org", true},
        {"tcp:example.org:443", "example.com", false},
        {"tcp:example.org:443", "a.example.org", false},
        {"tcp:example.org:443", "tcp", false},
        {"tcp:*.example.org:443", "a.example.org", true},
        {"tcp:*.example.org:443", "example.org", false},
        {"tcp:192.0.2.1:443", "example.org", false},
        {"tcp:[2001:db8::1]:443", "example.org", false},
        {"tcp:*:443", "example.org", true},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct recorder recorder;
        struct tvn_sandbox sandbox;
        struct tvn_grant grant = egress(cases[i].grant);
        struct tvn_wasi *wasi = make_wasi(&recorder, &sandbox, &grant, cases[i].grant ? 1 : 0);
        if (tvn_wasi_may_resolve(wasi, cases[i].name) != cases[i].allowed) {
            fail_msg("row %zu", i);
        }
        assert_int_equal(recorder.denials[TVN_CAP_NETWORK_EGRESS], !cases[i].allowed);
        tvn_wasi_destroy(wasi);
    }
}

static void test_listening_and_binding_need_their_place(void **state)
{
    (void)state;
    struct recorder recorder;
    struct tvn_sandbox sandbox;
    const struct tvn_grant grants[] = {
        {.capability = TVN_CAP_NETWORK_INGRESS, .scope = "tcp:127.0.0.1:8080"},
        {.capability = TVN_CAP_NETWORK_EGRESS, .scope = "udp:192.0.2.1:53"},
    };
    struct tvn_wasi *wasi = make_wasi(&recorder, &sandbox, grants, 2);
    union tvn_socket_address granted = socket_address("127.0.0.1", 8080);
    union tvn_socket_address other = socket_address("127.0.0.1", 8081);
    union tvn_socket_address everywhere = socket_address("0.0.0.0", 8080);
    union tvn_socket_address any = socket_address("0.0.0.0", 0);
    assert_true(tvn_wasi_may_listen(wasi, &granted, &granted));
    assert_false(tvn_wasi_may_listen(wasi, &other, &other));
    assert_false(tvn_wasi_may_listen(wasi, &everywhere, &everywhere));
    assert_false(tvn_wasi_may_listen(wasi, &any, &other));
    assert_true(tvn_wasi_may_bind(wasi, TVN_WASI_TCP, &granted));
    assert_false(tvn_wasi_may_bind(wasi, TVN_WASI_TCP, &everywhere));
    assert_true(tvn_wasi_may_bind(wasi, TVN_WASI_UDP, &any));
    assert_false(tvn_wasi_may_bind(wasi, TVN_WASI_UDP, &granted));
    tvn_wasi_destroy(wasi);
    wasi = make_wasi(&recorder, &sandbox, NULL, 0);
    assert_false(tvn_wasi_may_bind(wasi, TVN_WASI_UDP, &any));
    assert_false(tvn_wasi_may_bind(wasi, TVN_WASI_TCP, &any));
    assert_false(tvn_wasi_may_make_socket(wasi));
    tvn_wasi_destroy(wasi);
}

static void test_the_oldest_address_is_forgotten(void **state)
{
    (void)state;
    struct recorder recorder;
    struct tvn_sandbox sandbox;
    struct tvn_grant grant = egress("tcp:example.org:443");
    struct tvn_wasi *wasi = make_wasi(&recorder, &sandbox, &grant, 1);
    for (uint32_t i = 0; i <= TVN_WASI_NAMES_MAX; i++) {
        struct tvn_wasi_address address = {.bytes = {192, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        assert_true(tvn_wasi_names_remember(wasi, "example.org", &address));
        assert_true(tvn_wasi_names_remember(wasi, "example.org", &address)); /* once is enough */
    }
    union tvn_socket_address first = socket_address("192.0.0.0", 443);
    union tvn_socket_address second = socket_address("192.0.0.1", 443);
    assert_false(tvn_wasi_may_reach(wasi, TVN_WASI_TCP, &first));
    assert_true(tvn_wasi_may_reach(wasi, TVN_WASI_TCP, &second));
    tvn_wasi_destroy(wasi);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_addresses_and_names_reach_what_is_granted),
    cmocka_unit_test(test_another_spelling_of_an_address_is_no_address),
    cmocka_unit_test(test_only_granted_names_are_looked_up),
    cmocka_unit_test(test_listening_and_binding_need_their_place),
    cmocka_unit_test(test_the_oldest_address_is_forgotten),
};
TVN_TEST_MAIN("wasi.network_grants", tests)
