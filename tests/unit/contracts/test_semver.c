/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "contracts/model.h"

#include "tvn_test.h"

static struct tvn_semver parse(const char *text)
{
    struct tvn_semver version = {0};
    assert_true(tvn_semver_parse(tvn_str_of(text), &version));
    assert_true(version.valid);
    return version;
}

static void test_semver_parse_keeps_every_part(void **state)
{
    (void)state;
    struct tvn_semver version = parse("1.20.300-rc.1.x-y+build.007");
    assert_int_equal(version.major, 1);
    assert_int_equal(version.minor, 20);
    assert_int_equal(version.patch, 300);
    assert_str(version.pre, "rc.1.x-y");
    assert_str(version.build, "build.007");
    assert_str(parse("0.2.0").pre, "");
    assert_str(parse("1.0.0+a").build, "a");
    assert_str(parse("1.0.0--").pre, "-");
    assert_int_equal(parse("4294967295.0.0").major, UINT32_MAX);
}

static void test_semver_parse_refuses_what_is_not_a_version(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "1",          "1.2",      "1.2.",           "1.2.3.4",  "01.2.3",
        "1.02.3",     "1.2.03",     "v1.2.3",   " 1.2.3",         "1.2.3 ",   "1.2.3-",
        "1.2.3+",     "1.2.3-a..b", "1.2.3-a.", "1.2.3-.a",       "1.2.3-01", "1.2.3-a_b",
        "1.2.3+a..b", "1.2.3+a+b",  "-1.2.3",   "1.2.3-\xc3\xa9", "1,2,3",    "4294967296.0.0",
        "1.2.3a",     "1..3",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        struct tvn_semver version = {.major = 77};
        if (tvn_semver_parse(tvn_str_of(bad[i]), &version)) {
            fail_msg("accepted '%s'", bad[i]);
        }
        assert_int_equal(version.major, 77);
    }
}

/* The order of the specification's own example, and the cases around it. */
static void test_semver_compare_follows_precedence(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "0.0.0",      "0.0.1-0",      "0.0.1",         "0.1.0",         "1.0.0-1",
        "1.0.0-2",    "1.0.0-10",     "1.0.0-alpha",   "1.0.0-alpha.1", "1.0.0-alpha.beta",
        "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",    "1.0.0",
        "1.0.1",      "1.1.0",        "2.0.0",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(ascending); i++) {
        for (size_t j = 0; j < TVN_ARRAY_LEN(ascending); j++) {
            struct tvn_semver a = parse(ascending[i]);
            struct tvn_semver b = parse(ascending[j]);
            assert_int_equal(tvn_semver_compare(&a, &b), (i > j) - (i < j));
        }
    }
    struct tvn_semver with_build = parse("1.0.0+b");
    struct tvn_semver without = parse("1.0.0");
    assert_int_equal(tvn_semver_compare(&with_build, &without), 0);
}

static void test_semver_same_track_is_the_caret_rule(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } rows[] = {
        {"1.0.0", "1.9.3", true},  {"1.0.0", "2.0.0", false}, {"0.2.0", "0.2.9", true},
        {"0.2.0", "0.3.0", false}, {"0.1.0", "1.1.0", false},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        struct tvn_semver a = parse(rows[i].a);
        struct tvn_semver b = parse(rows[i].b);
        assert_int_equal(tvn_semver_same_track(&a, &b), rows[i].same);
    }
}

static void test_interface_id_parse_splits_names(void **state)
{
    (void)state;
    struct tvn_package_id package;
    struct tvn_str name;
    assert_true(tvn_interface_id_parse(TVN_STR("torvyn:streaming/buffer-allocator@0.1.0"), &package,
                                       &name));
    assert_str(package.namespace_name, "torvyn");
    assert_str(package.name, "streaming");
    assert_str(name, "buffer-allocator");
    assert_true(package.version.valid);
    assert_int_equal(package.version.minor, 1);
    assert_true(tvn_interface_id_parse(TVN_STR("a:b/c"), &package, &name));
    assert_false(package.version.valid);
}

static void test_interface_id_parse_refuses_other_forms(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "a",      "a:b",     "a/b",           "a/b:c",   "a:b/",
        ":b/c",     "a:/c",   "a:b/c@",  "a:b/c@1",       "a:b/c/d", "a:b:c/d",
        "a:b/C-d-", "a:b/[x", "a b:c/d", "a:b/c@1.0.0@2", "1a:b/c"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        struct tvn_package_id package;
        struct tvn_str name;
        if (tvn_interface_id_parse(tvn_str_of(bad[i]), &package, &name)) {
            fail_msg("accepted '%s'", bad[i]);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_semver_parse_keeps_every_part),
    cmocka_unit_test(test_semver_parse_refuses_what_is_not_a_version),
    cmocka_unit_test(test_semver_compare_follows_precedence),
    cmocka_unit_test(test_semver_same_track_is_the_caret_rule),
    cmocka_unit_test(test_interface_id_parse_splits_names),
    cmocka_unit_test(test_interface_id_parse_refuses_other_forms),
};

TVN_TEST_MAIN("contracts.semver", tests)
