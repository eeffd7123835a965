/* SPDX-License-Identifier: Apache-2.0 */
#include "security/capability.h"

#include "diag_assert.h"

static struct tvn_grant parse(struct tvn_arena *arena, const char *text)
{
    struct tvn_diag_sink *sink = tvn_diag_sink_create();
    struct tvn_grant grant = {0};
    assert_diag_status(tvn_grant_parse(arena, tvn_str_of(text), TVN_SPAN_NONE, sink, &grant),
                       TVN_OK, sink);
    tvn_diag_sink_destroy(sink);
    return grant;
}

static void test_capability_names_go_both_ways(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    for (unsigned i = 0; i < TVN_CAP_COUNT; i++) {
        enum tvn_capability capability = (enum tvn_capability)i;
        enum tvn_capability found = TVN_CAP_COUNT;
        const char *key = tvn_capability_key(capability);
        assert_true(tvn_capability_from_key(tvn_str_of(key), &found));
        assert_int_equal(found, capability);
        struct tvn_grant grant = parse(arena, tvn_capability_grant_name(capability));
        assert_int_equal(grant.capability, capability);
        assert_null(grant.scope);
    }
    enum tvn_capability unused;
    assert_false(tvn_capability_from_key(TVN_STR("wasi-file"), &unused));
    assert_false(tvn_capability_from_key(TVN_STR(""), &unused));
}

static const struct {
    const char *text;
    enum tvn_capability capability;
    const char *scope;
    const char *printed;
} grants[] = {
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data/in", NULL},
    {"wasi:filesystem/write://data///out/", TVN_CAP_FILESYSTEM_WRITE, "/data/out",
     "wasi:filesystem/write:/data/out"},
    {"wasi:filesystem/read:/", TVN_CAP_FILESYSTEM_READ, "/", NULL},
    {"wasi:filesystem/read:/a:b", TVN_CAP_FILESYSTEM_READ, "/a:b", NULL},
    {"wasi:clocks/wall-clock", TVN_CAP_CLOCKS, NULL, "wasi:clocks"},
    {"wasi:random/insecure", TVN_CAP_RANDOM, NULL, "wasi:random"},
    {"wasi:sockets/tcp-connect", TVN_CAP_NETWORK_EGRESS, "tcp", NULL},
    {"wasi:sockets/tcp-connect:db.example:5432", TVN_CAP_NETWORK_EGRESS, "tcp:db.example:5432",
     NULL},
    {"wasi:sockets/udp:*:53", TVN_CAP_NETWORK_EGRESS, "udp:*:53", NULL},
    {"wasi:http/outgoing:[::1]:8080-8090", TVN_CAP_NETWORK_EGRESS, "http:[::1]:8080-8090", NULL},
    {"wasi:network/egress", TVN_CAP_NETWORK_EGRESS, NULL, NULL},
    {"wasi:sockets/tcp-listen:0.0.0.0:80", TVN_CAP_NETWORK_INGRESS, "tcp:0.0.0.0:80", NULL},
    {"wasi:cli/environment", TVN_CAP_ENVIRONMENT, NULL, NULL},
    {"wasi:cli/environment:HOME", TVN_CAP_ENVIRONMENT, "HOME", NULL},
    {"torvyn:resources/pool:default", TVN_CAP_TORVYN_POOL, "default", NULL},
};

static void test_capability_grants_parse_and_print(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    for (size_t i = 0; i < TVN_ARRAY_LEN(grants); i++) {
        struct tvn_grant grant = parse(arena, grants[i].text);
        assert_int_equal(grant.capability, grants[i].capability);
        assert_true((grant.scope == NULL) == (grants[i].scope == NULL));
        if (grant.scope) {
            assert_string_equal(grant.scope, grants[i].scope);
        }
        TVN_AUTO_VALUE(tvn_strbuf) printed = {0};
        tvn_grant_print(&grant, &printed);
        assert_string_equal(tvn_strbuf_text(&printed),
                            grants[i].printed ? grants[i].printed : grants[i].text);
        struct tvn_grant again = parse(arena, tvn_strbuf_text(&printed));
        assert_int_equal(again.capability, grant.capability);
        assert_true((again.scope == NULL) == (grant.scope == NULL));
    }
}

static const struct {
    const char *text;
    const char *message;
    const char *label;
} bad_grants[] = {
    {"wasi:filesystem/raed:/x", "the grant 'wasi:filesystem/raed:/x' names no known capability",
     "did you mean \"wasi:filesystem/read\"?"},
    {"wasi-clocks", "the grant 'wasi-clocks' names no known capability",
     "did you mean \"wasi:clocks\"?"},
    {"", "the grant '' names no known capability", ""},
    {"x\ny", "the grant 'x\\ny' names no known capability", ""},
    {"wasi:filesystem/read:data",
     "the grant 'wasi:filesystem/read:data' needs an absolute path "
     "without '.' and '..'",
     ""},
    {"wasi:filesystem/read:/a/../b",
     "the grant 'wasi:filesystem/read:/a/../b' needs an absolute "
     "path without '.' and '..'",
     ""},
    {"wasi:filesystem/read:", "the grant 'wasi:filesystem/read:' has an empty or too long scope",
     ""},
    {"wasi:cli/stdout:1", "the grant 'wasi:cli/stdout:1' takes no scope", ""},
    {"wasi:clocks:x", "the grant 'wasi:clocks:x' takes no scope", ""},
    {"wasi:sockets/tcp-connect:h:x",
     "the grant 'wasi:sockets/tcp-connect:h:x' needs HOST or "
     "HOST:PORT",
     ""},
    {"wasi:sockets/tcp-connect:h:70000", NULL, ""},
    {"wasi:sockets/tcp-connect:h:9-8", NULL, ""},
    {"wasi:sockets/tcp-connect::80", NULL, ""},
};

static void test_capability_bad_grants_are_refused(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad_grants); i++) {
        struct tvn_diag_sink *sink = tvn_diag_sink_create();
        struct tvn_grant grant;
        assert_diag_status(
            tvn_grant_parse(arena, tvn_str_of(bad_grants[i].text), TVN_SPAN_NONE, sink, &grant),
            TVN_E_CONSTRAINT_VIOLATION, sink);
        assert_diagnostic(sink, 0, TVN_E_CONSTRAINT_VIOLATION, bad_grants[i].message, "", 0, 0,
                          bad_grants[i].label);
        if (bad_grants[i].message && strstr(bad_grants[i].message, "names no known") &&
            bad_grants[i].label[0] == '\0') {
            assert_non_null(strstr(tvn_diag_at(sink, 0)->help, "wasi:filesystem/read, "));
        }
        tvn_diag_sink_destroy(sink);
    }
}

static const struct {
    const char *grant;
    enum tvn_capability capability;
    const char *scope;
    bool covers;
} coverage[] = {
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data/in", true},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data/in/a/b", true},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data/input2", false},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data", false},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data/in/../secret", false},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data/in/..", false},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data/in/./x", false},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, "/data/in/...", true},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_READ, NULL, false},
    {"wasi:filesystem/read:/data/in", TVN_CAP_FILESYSTEM_WRITE, "/data/in", false},
    {"wasi:filesystem/read:/", TVN_CAP_FILESYSTEM_READ, "/etc/x", true},
    {"wasi:filesystem/read:/", TVN_CAP_FILESYSTEM_READ, "etc", false},
    {"wasi:filesystem/read", TVN_CAP_FILESYSTEM_READ, "/etc/x", true},
    {"wasi:filesystem/read", TVN_CAP_FILESYSTEM_READ, NULL, true},
    {"wasi:sockets/tcp-connect", TVN_CAP_NETWORK_EGRESS, "tcp:h:80", true},
    {"wasi:sockets/tcp-connect", TVN_CAP_NETWORK_EGRESS, "udp:h:80", false},
    {"wasi:sockets/tcp-connect", TVN_CAP_NETWORK_EGRESS, "h", false},
    {"wasi:sockets/tcp-connect", TVN_CAP_NETWORK_INGRESS, "tcp:h:80", false},
    {"wasi:network/egress", TVN_CAP_NETWORK_EGRESS, "udp:h:80", true},
    {"wasi:sockets/tcp-connect:h", TVN_CAP_NETWORK_EGRESS, "tcp:H:80", true},
    {"wasi:sockets/tcp-connect:h", TVN_CAP_NETWORK_EGRESS, "tcp", false},
    {"wasi:sockets/tcp-connect:h", TVN_CAP_NETWORK_EGRESS, "tcp:hh:80", false},
    {"wasi:sockets/tcp-connect:h:80", TVN_CAP_NETWORK_EGRESS, "tcp:h:80", true},
    {"wasi:sockets/tcp-connect:h:80", TVN_CAP_NETWORK_EGRESS, "tcp:h:81", false},
    {"wasi:sockets/tcp-connect:h:80", TVN_CAP_NETWORK_EGRESS, "tcp:h", false},
    {"wasi:sockets/tcp-connect:h:80-90", TVN_CAP_NETWORK_EGRESS, "tcp:h:85", true},
    {"wasi:sockets/tcp-connect:*:80", TVN_CAP_NETWORK_EGRESS, "tcp:x:80", true},
    {"wasi:sockets/tcp-connect:*.ex.org", TVN_CAP_NETWORK_EGRESS, "tcp:a.ex.org:1", true},
    {"wasi:sockets/tcp-connect:*.ex.org", TVN_CAP_NETWORK_EGRESS, "tcp:ex.org:1", false},
    {"wasi:sockets/tcp-connect:*.ex.org", TVN_CAP_NETWORK_EGRESS, "tcp:aex.org:1", false},
    {"wasi:sockets/tcp-connect:[::1]", TVN_CAP_NETWORK_EGRESS, "tcp:[::1]:1", true},
    {"wasi:cli/environment:HOME", TVN_CAP_ENVIRONMENT, "HOME", true},
    {"wasi:cli/environment:HOME", TVN_CAP_ENVIRONMENT, "HOME2", false},
    {"wasi:cli/environment:HOME", TVN_CAP_ENVIRONMENT, NULL, false},
};

static void test_capability_scopes_cover_by_parts(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    for (size_t i = 0; i < TVN_ARRAY_LEN(coverage); i++) {
        struct tvn_grant grant = parse(arena, coverage[i].grant);
        bool covers = tvn_grant_covers(&grant, coverage[i].capability, coverage[i].scope);
        if (covers != coverage[i].covers) {
            print_error("case %zu: %s for %s\n", i, coverage[i].grant,
                        coverage[i].scope ? coverage[i].scope : "(everything)");
        }
        assert_true(covers == coverage[i].covers);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_capability_names_go_both_ways),
    cmocka_unit_test(test_capability_grants_parse_and_print),
    cmocka_unit_test(test_capability_bad_grants_are_refused),
    cmocka_unit_test(test_capability_scopes_cover_by_parts),
};
TVN_TEST_MAIN("security.capability", tests)
