/* SPDX-License-Identifier: Apache-2.0 */
/* Types and ranges of single values, through whole manifests. */
#include "manifest_fixture.h"

#define PROJECT "[torvyn]\nname = \"p\"\nversion = \"0.1.0\"\ncontract_version = \"0.1.0\"\n"

static const struct {
    const char *line; /* section, newline, key = value */
    enum tvn_status code;
    const char *message;
    const char *under;
} wrong[] = {
    {"[runtime]\nworker_threads = 0", TVN_E_CONSTRAINT_VIOLATION,
     "'worker_threads' must be between 1 and 1024", "0"},
    {"[runtime]\nworker_threads = -1", TVN_E_CONSTRAINT_VIOLATION,
     "'worker_threads' must be between 1 and 1024", "-1"},
    {"[runtime]\nworker_threads = 2.0", TVN_E_INVALID_FIELD_TYPE,
     "'worker_threads' must be an integer, not a float", "2.0"},
    {"[runtime]\nworker_threads = true", TVN_E_INVALID_FIELD_TYPE,
     "'worker_threads' must be an integer, not a boolean", "true"},
    {"[runtime]\nworker_threads = [1]", TVN_E_INVALID_FIELD_TYPE,
     "'worker_threads' must be an integer, not an array", "[1]"},
    {"[runtime]\nworker_threads = 1979-05-27", TVN_E_INVALID_FIELD_TYPE,
     "'worker_threads' must be an integer, not a date", "1979-05-27"},
    {"[runtime]\nmax_memory_per_component = 64", TVN_E_INVALID_FIELD_TYPE,
     "'max_memory_per_component' must be a size such as \"64MiB\", not an integer", "64"},
    {"[runtime]\nmax_memory_per_component = \"64 apples\"", TVN_E_CONSTRAINT_VIOLATION,
     "'max_memory_per_component' is not a size", "\"64 apples\""},
    {"[runtime]\nmax_memory_per_component = \"1KiB\"", TVN_E_CONSTRAINT_VIOLATION,
     "'max_memory_per_component' must be between 64KiB and 4GiB", "\"1KiB\""},
    {"[runtime]\ndrain_timeout_ms = \"1us\"", TVN_E_CONSTRAINT_VIOLATION,
     "'drain_timeout_ms' must be a whole number of ms", "\"1us\""},
    {"[runtime]\ndrain_timeout_ms = \"100\"", TVN_E_CONSTRAINT_VIOLATION,
     "'drain_timeout_ms' is not a duration", "\"100\""},
    {"[runtime]\ndrain_timeout_ms = \"2h\"", TVN_E_CONSTRAINT_VIOLATION,
     "'drain_timeout_ms' must be between 0ms and 3600000ms", "\"2h\""},
    {"[runtime]\ndrain_timeout_ms = true", TVN_E_INVALID_FIELD_TYPE,
     "'drain_timeout_ms' must be an integer, or a duration such as \"500ms\", not a boolean",
     "true"},
    {"[runtime.backpressure]\nlow_watermark_ratio = 1.01", TVN_E_CONSTRAINT_VIOLATION,
     "'low_watermark_ratio' must be between 0.0 and 1.0", "1.01"},
    {"[runtime.backpressure]\nlow_watermark_ratio = nan", TVN_E_CONSTRAINT_VIOLATION,
     "'low_watermark_ratio' must be between 0.0 and 1.0", "nan"},
    {"[runtime.backpressure]\nlow_watermark_ratio = \"0.5\"", TVN_E_INVALID_FIELD_TYPE,
     "'low_watermark_ratio' must be a number, not a string", "\"0.5\""},
    {"[observability]\ntracing_enabled = \"true\"", TVN_E_INVALID_FIELD_TYPE,
     "'tracing_enabled' must be true or false, not a string", "\"true\""},
    {"[observability]\nlevel = 1", TVN_E_INVALID_FIELD_TYPE,
     "'level' must be a string, not an integer", "1"},
    {"[observability]\nlevel = \"debug\"", TVN_E_CONSTRAINT_VIOLATION,
     "'level' must be one of \"off\", \"production\", \"diagnostic\"", "\"debug\""},
    {"[security]\ndefault_capability_policy = \"allow-all\"", TVN_E_CONSTRAINT_VIOLATION,
     "'default_capability_policy' must be \"deny-all\"", "\"allow-all\""},
    {"[registry]\ndefault = \"a\\u0000b\"", TVN_E_CONSTRAINT_VIOLATION,
     "'default' must not contain the character U+0000", "\"a\\u0000b\""},
    {"[runtime]\npools = 1", TVN_E_INVALID_FIELD_TYPE, "'pools' must be a table, not an integer",
     "1"},
};

static void test_value_wrong_ones_are_reported_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(wrong); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_strbuf_printf(&text, PROJECT "%s\n", wrong[i].line);
        struct manifest_fixture f = manifest_open(tvn_strbuf_text(&text));
        assert_int_equal(tvn_diag_count(f.sink), 1);
        const char *value = strstr(wrong[i].line, "= ");
        assert_diagnostic(f.sink, 0, wrong[i].code, wrong[i].message, wrong[i].under, 6,
                          (uint32_t)(value + 3 - strchr(wrong[i].line, '\n') - 1), NULL);
        manifest_close(&f);
    }
}

static void test_value_edges_of_ranges_are_accepted(void **state)
{
    (void)state;
    struct manifest_fixture f = manifest_open(
        PROJECT "[runtime]\nworker_threads = 1024\nmax_memory_per_component = \"4GiB\"\n"
                "drain_timeout_ms = \"1h\"\nyield_quantum_us = \"1ms\"\n"
                "fuel_per_invocation = 9223372036854775807\n"
                "[runtime.backpressure]\nlow_watermark_ratio = 0\ndefault_queue_depth = 1\n"
                "[runtime.pools]\nsmall_pool_size = 0\n");
    assert_status(f.status, TVN_OK);
    assert_int_equal(f.manifest->config.runtime.worker_threads, 1024);
    assert_true(f.manifest->config.runtime.max_memory_per_component == UINT64_C(4) << 30);
    assert_int_equal(f.manifest->config.runtime.drain_timeout_ms, 3600000);
    assert_int_equal(f.manifest->config.runtime.yield_quantum_us, 1000);
    assert_true(f.manifest->config.runtime.fuel_per_invocation == INT64_MAX);
    assert_true(f.manifest->config.backpressure.low_watermark_ratio == 0.0);
    assert_int_equal(f.manifest->config.pools.small_pool_size, 0);
    manifest_close(&f);
}

static void test_value_versions_are_semantic(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        bool valid;
    } cases[] = {
        {"0.1.0", true},     {"1.2.3-rc.1+b.01", true}, {"1.0.0-0a", true},    {"10.20.30", true},
        {"1.2", false},      {"1.2.3.4", false},        {"01.2.3", false},     {"1.2.3-", false},
        {"1.2.3-01", false}, {"1.2.3+", false},         {"v1.2.3", false},     {"", false},
        {"1..3", false},     {"1.2.3-a_b", false},      {"1.2.3-a..b", false},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_strbuf_printf(&text, "[torvyn]\nname = \"p\"\nversion = \"%s\"\n%s", cases[i].version,
                          "contract_version = \"0.1.0\"\n");
        struct manifest_fixture f = manifest_open(tvn_strbuf_text(&text));
        assert_status(f.status, cases[i].valid ? TVN_OK : TVN_E_CONSTRAINT_VIOLATION);
        manifest_close(&f);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_value_wrong_ones_are_reported_exactly),
    cmocka_unit_test(test_value_edges_of_ranges_are_accepted),
    cmocka_unit_test(test_value_versions_are_semantic),
};
TVN_TEST_MAIN("config.value", tests)
