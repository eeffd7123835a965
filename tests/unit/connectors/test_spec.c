/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/spec.h"

#include "tvn_test.h"

struct row {
    const char *text;
    enum tvn_connector_kind kind;
    const char *path;
    uint64_t count;
};

static void test_source_specs(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"-", TVN_CONNECTOR_STDIN, "", 0},
        {"stdin", TVN_CONNECTOR_STDIN, "", 0},
        {"builtin:stdin", TVN_CONNECTOR_STDIN, "", 0},
        {"generator", TVN_CONNECTOR_GENERATOR, "", UINT64_MAX},
        {"generator:0", TVN_CONNECTOR_GENERATOR, "", 0},
        {"builtin:generator:25", TVN_CONNECTOR_GENERATOR, "", 25},
        {"./stdin", TVN_CONNECTOR_FILE, "./stdin", 0},
        {"generators.txt", TVN_CONNECTOR_FILE, "generators.txt", 0},
        {"/var/log/dpkg.log", TVN_CONNECTOR_FILE, "/var/log/dpkg.log", 0},
        {"a b", TVN_CONNECTOR_FILE, "a b", 0},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        struct tvn_connector_spec spec;
        assert_status(tvn_connector_spec_parse_source(tvn_str_of(rows[i].text), &spec), TVN_OK);
        assert_int_equal(spec.kind, rows[i].kind);
        assert_str(spec.path, rows[i].path);
        assert_int_equal(spec.count, rows[i].count);
    }
}

static void test_sink_specs(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"-", TVN_CONNECTOR_STDOUT, "", 0},
        {"stdout", TVN_CONNECTOR_STDOUT, "", 0},
        {"builtin:stdout", TVN_CONNECTOR_STDOUT, "", 0},
        {"stderr", TVN_CONNECTOR_STDERR, "", 0},
        {"builtin:stderr", TVN_CONNECTOR_STDERR, "", 0},
        {"/dev/null", TVN_CONNECTOR_FILE, "/dev/null", 0},
        {"generator", TVN_CONNECTOR_FILE, "generator", 0},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        struct tvn_connector_spec spec;
        assert_status(tvn_connector_spec_parse_sink(tvn_str_of(rows[i].text), &spec), TVN_OK);
        assert_int_equal(spec.kind, rows[i].kind);
        assert_str(spec.path, rows[i].path);
    }
}

static void test_bad_specs_are_refused(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "",
        "builtin:",
        "builtin:-",
        "builtin:tap",
        "builtin:./file",
        "stdout",
        "builtin:stdout",
        "stderr",
        "generator:",
        "generator:x",
        "generator:-1",
        "generator:1 ",
        "generator:18446744073709551616",
        "generator:18446744073709551615",
    };
    static const char *const sinks[] = {"", "builtin:", "builtin:file", "stdin", "builtin:stdin"};
    struct tvn_connector_spec spec;
    for (size_t i = 0; i < TVN_ARRAY_LEN(sources); i++) {
        assert_status(tvn_connector_spec_parse_source(tvn_str_of(sources[i]), &spec),
                      TVN_E_CONSTRAINT_VIOLATION);
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(sinks); i++) {
        assert_status(tvn_connector_spec_parse_sink(tvn_str_of(sinks[i]), &spec),
                      TVN_E_CONSTRAINT_VIOLATION);
    }
    struct tvn_str nul = {"a\0b", 3};
    assert_status(tvn_connector_spec_parse_source(nul, &spec), TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_connector_spec_parse_sink(nul, &spec), TVN_E_CONSTRAINT_VIOLATION);
}

static void test_builtin_is_told_from_components(void **state)
{
    (void)state;
    assert_true(tvn_connector_spec_is_builtin(TVN_STR("builtin:stdin")));
    assert_true(tvn_connector_spec_is_builtin(TVN_STR("builtin:")));
    assert_false(tvn_connector_spec_is_builtin(TVN_STR("stdin")));
    assert_false(tvn_connector_spec_is_builtin(TVN_STR("./x.wasm")));
    assert_string_equal(tvn_connector_kind_name(TVN_CONNECTOR_GENERATOR), "generator");
    assert_string_equal(tvn_connector_kind_name(TVN_CONNECTOR_FILE), "file");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_source_specs),
    cmocka_unit_test(test_sink_specs),
    cmocka_unit_test(test_bad_specs_are_refused),
    cmocka_unit_test(test_builtin_is_told_from_components),
};
TVN_TEST_MAIN("connectors.spec", tests)
