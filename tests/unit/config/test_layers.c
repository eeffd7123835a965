/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "manifest_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#define FLOW "[flow.main.nodes.a]\ncomponent = \"builtin:x\"\n"

static struct manifest_fixture open_overridden(const char *text, const char *override)
{
    const char *const overrides[] = {override, NULL};
    return manifest_open_with(text, NULL, overrides);
}

static void test_layers_later_ones_win(void **state)
{
    (void)state;
    static const char *const environment[] = {"TORVYN_RUNTIME_YIELD_ELEMENTS=3",
                                              "TORVYN_RUNTIME_DRAIN_TIMEOUT_MS=2s",
                                              "TORVYN_RUNTIME_BACKPRESSURE_DEFAULT_QUEUE_DEPTH=9",
                                              "TORVYN_RUNTIME_BACKPRESSURE_DEFAULT_POLICY=error",
                                              "TORVYN_RUNTIME_MAX_MEMORY_PER_COMPONENT=1MiB",
                                              "TORVYN_OBSERVABILITY_LEVEL=off",
                                              "TORVYN_OBSERVABILITY_SAMPLE_RATE=0.5",
                                              "TORVYN_LOG=info",
                                              "TORVYN_HOME=/nowhere",
                                              NULL};
    static const char *const overrides[] = {"runtime.yield_elements=4",
                                            "runtime.pools.huge_pool_size=1",
                                            "observability.tracing.error_promote=false", NULL};
    struct manifest_fixture f =
        manifest_open_with(FLOW "[runtime]\nyield_elements = 2\nyield_quantum_us = 7\n"
                                "drain_timeout_ms = 1\n",
                           environment, overrides);
    assert_status(f.status, TVN_OK);
    assert_int_equal(tvn_diag_count(f.sink), 0);
    const struct tvn_config *config = &f.manifest->config;
    assert_int_equal(config->runtime.yield_elements, 4);
    assert_int_equal(config->runtime.yield_quantum_us, 7);
    assert_int_equal(config->runtime.drain_timeout_ms, 2000);
    assert_int_equal(config->runtime.max_memory_per_component, 1 << 20);
    assert_int_equal(config->backpressure.queue_depth, 9);
    assert_int_equal(config->backpressure.policy, TVN_CONFIG_POLICY_ERROR);
    assert_int_equal(config->pools.huge_pool_size, 1);
    assert_int_equal(config->observability.level, TVN_CONFIG_LEVEL_OFF);
    assert_true(config->observability.sample_rate == 0.5);
    assert_false(config->observability.error_promote);
    assert_int_equal(f.manifest->flows[0].nodes[0].max_memory, 1 << 20);
    assert_int_equal(f.manifest->flows[0].backpressure.queue_depth, 9);
    manifest_close(&f);
}

static void test_layers_environment_errors_have_a_place(void **state)
{
    (void)state;
    static const char *const environment[] = {"TORVYN_RUNTIME_WORKER_THREADS=many", NULL};
    struct manifest_fixture f = manifest_open_with(FLOW, environment, NULL);
    assert_int_equal(tvn_diag_count(f.sink), 1);
    assert_diagnostic(f.sink, 0, TVN_E_INVALID_FIELD_TYPE, "'worker_threads' must be an integer",
                      "many", 1, 31, NULL);
    assert_string_equal(tvn_diag_source(f.sink, tvn_diag_at(f.sink, 0)->primary.span.file)->name,
                        "environment");
    manifest_close(&f);
}

static void test_layers_unknown_variable_is_a_warning(void **state)
{
    (void)state;
    static const char *const environment[] = {"TORVYN_RUNTIME_WORKER_THREAD=3", NULL};
    struct manifest_fixture f = manifest_open_with(FLOW, environment, NULL);
    assert_status(f.status, TVN_OK);
    assert_int_equal(tvn_diag_warning_count(f.sink), 1);
    assert_diagnostic(f.sink, 0, TVN_E_UNKNOWN_FIELD, NULL, "TORVYN_RUNTIME_WORKER_THREAD", 1, 1,
                      "did you mean 'TORVYN_RUNTIME_WORKER_THREADS'?");
    manifest_close(&f);
}

static void test_layers_flags_reach_flows_and_nodes(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "flow.main.default_queue_depth=5", "flow.main.backpressure.policy=drop-oldest",
        "flow.main.nodes.a.max_retries=1", "flow.main.nodes.a.config=plain text", NULL};
    struct manifest_fixture f = manifest_open_with(FLOW, NULL, overrides);
    assert_status(f.status, TVN_OK);
    const struct tvn_manifest_flow *flow = &f.manifest->flows[0];
    assert_int_equal(flow->backpressure.queue_depth, 5);
    assert_int_equal(flow->backpressure.policy, TVN_CONFIG_POLICY_DROP_OLDEST);
    assert_int_equal(flow->nodes[0].max_retries, 1);
    assert_string_equal(flow->nodes[0].config, "plain text");
    manifest_close(&f);
}

static void test_layers_wrong_flags_have_a_place_and_a_suggestion(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        enum tvn_status code;
        const char *message;
        const char *under;
        uint32_t column;
        const char *label;
    } cases[] = {
        {"runtime.worker_thread=1", TVN_E_UNKNOWN_FIELD, "unknown key 'worker_thread' in [runtime]",
         "worker_thread", 9, "did you mean 'worker_threads'?"},
        {"runtime.worker_threads=x", TVN_E_INVALID_FIELD_TYPE,
         "'worker_threads' must be an integer", "x", 24, NULL},
        {"runtime.worker_threads=-1", TVN_E_CONSTRAINT_VIOLATION,
         "'worker_threads' must be between 1 and 1024", "-1", 24, NULL},
        {"runtime.worker_threads=99999999999999999999", TVN_E_CONSTRAINT_VIOLATION,
         "'worker_threads' must be between 1 and 1024", "99999999999999999999", 24, NULL},
        {"runtime.worker_threads=-", TVN_E_INVALID_FIELD_TYPE,
         "'worker_threads' must be an integer", "-", 24, NULL},
        {"runtime.invocation_timeout_ms=-5", TVN_E_CONSTRAINT_VIOLATION,
         "'invocation_timeout_ms' must be between 0ms and 86400000ms", "-5", 31, NULL},
        {"observability.sample_rate=-0.5", TVN_E_CONSTRAINT_VIOLATION,
         "'sample_rate' must be between 0.0 and 1.0", "-0.5", 27, NULL},
        {"runtime.worker_threads=", TVN_E_INVALID_FIELD_TYPE, "'worker_threads' must be an integer",
         "", 24, NULL},
        {"runtime.pool.small_pool_size=1", TVN_E_UNKNOWN_FIELD, "there is no such section",
         "runtime.pool", 1, "did you mean 'runtime.pools'?"},
        {"runtime.pools=1", TVN_E_UNKNOWN_FIELD, "'pools' is not a single value", "pools", 9, NULL},
        {"flow.mian.description=x", TVN_E_UNKNOWN_FIELD, "there is no such flow", "mian", 6,
         "did you mean 'main'?"},
        {"flow.main.nodes.b.config=x", TVN_E_UNKNOWN_FIELD, "there is no such node", "b", 17, ""},
        {"flow.main=x", TVN_E_UNKNOWN_FIELD,
         "expected flow.X.KEY, flow.X.backpressure.KEY or flow.X.nodes.N.KEY", "flow.main", 1,
         NULL},
        {"flow.main.nodes.a=x", TVN_E_UNKNOWN_FIELD,
         "expected flow.X.KEY, flow.X.backpressure.KEY or flow.X.nodes.N.KEY", "flow.main.nodes.a",
         1, NULL},
        {"runtim.worker_threads=1", TVN_E_UNKNOWN_FIELD,
         "neither a configuration section nor a node has this name", "runtim", 1,
         "did you mean 'runtime'?"},
        {"worker_threads=1", TVN_E_UNKNOWN_FIELD,
         "expected a dotted key such as runtime.worker_threads or NODE.key", "worker_threads", 1,
         NULL},
        {"runtime.=1", TVN_E_UNKNOWN_FIELD,
         "expected a dotted key such as runtime.worker_threads or NODE.key", "runtime.", 1, NULL},
        {"=1", TVN_E_UNKNOWN_FIELD,
         "expected a dotted key such as runtime.worker_threads or NODE.key", "", 1, NULL},
        {"runtime.worker_threads", TVN_E_CONSTRAINT_VIOLATION, "expected KEY=VALUE",
         "runtime.worker_threads", 1, NULL},
        {"", TVN_E_CONSTRAINT_VIOLATION, "expected KEY=VALUE", "", 1, NULL},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct manifest_fixture f = open_overridden(FLOW, cases[i].flag);
        assert_int_equal(tvn_diag_count(f.sink), 1);
        assert_diagnostic(f.sink, 0, cases[i].code, cases[i].message, cases[i].under, 1,
                          cases[i].column, cases[i].label);
        manifest_close(&f);
    }
}

static void write_file(const char *directory, const char *name, const char *text)
{
    TVN_AUTO_FREE char *path = tvn_path_join(directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_status(tvn_fd_write_all(fd, text, strlen(text)), TVN_OK);
    tvn_fd_close(&fd);
}

static struct manifest_fixture open_with_home(const char *home, const char *config)
{
    write_file(home, "config.toml", config);
    char variable[256];
    (void)snprintf(variable, sizeof(variable), "TORVYN_HOME=%s", home);
    const char *const environment[] = {variable, NULL};
    const struct tvn_config_options options = {.environment = environment};
    struct manifest_fixture f = {.sink = tvn_diag_sink_create()};
    f.status = tvn_manifest_parse("Torvyn.toml", TVN_STR(FLOW "[runtime]\nyield_elements = 2\n"),
                                  &options, f.sink, &f.manifest);
    return f;
}

static void test_layers_users_file_lies_below_the_manifest(void **state)
{
    (void)state;
    char home[] = "/tmp/torvyn-test-XXXXXX";
    assert_non_null(mkdtemp(home));
    struct manifest_fixture f = open_with_home(
        home, "[runtime]\nyield_elements = 9\nyield_quantum_us = 9\n[registry]\ndefault = \"r\"\n");
    assert_status(f.status, TVN_OK);
    assert_int_equal(f.manifest->config.runtime.yield_elements, 2);
    assert_int_equal(f.manifest->config.runtime.yield_quantum_us, 9);
    assert_string_equal(f.manifest->config.registry.default_url, "r");
    manifest_close(&f);

    f = open_with_home(home, "[security.grants.a]\ncapabilities = []\n[flow.x]\n[registri]\n");
    assert_int_equal(tvn_diag_count(f.sink), 3);
    assert_diagnostic(
        f.sink, 0, TVN_E_UNKNOWN_FIELD,
        "'grants' belong into a project's manifest, not into the user's configuration", "grants", 1,
        11, NULL);
    assert_diagnostic(f.sink, 1, TVN_E_UNKNOWN_FIELD, NULL, "flow", 3, 2, NULL);
    assert_diagnostic(f.sink, 2, TVN_E_UNKNOWN_FIELD,
                      "unknown key 'registri' in the user's configuration", "registri", 4, 2,
                      "did you mean 'registry'?");
    manifest_close(&f);

    f = open_with_home(home, "[runtime\n");
    assert_status(f.status, TVN_E_MANIFEST_PARSE_ERROR);
    manifest_close(&f);
    TVN_AUTO_FREE char *file = tvn_path_join(home, "config.toml");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    const struct tvn_config_options options = {.user_config = file};
    f.sink = tvn_diag_sink_create();
    assert_diag_status(tvn_manifest_parse("x", TVN_STR(FLOW), &options, f.sink, &f.manifest),
                       TVN_E_IO_ERROR, f.sink);
    manifest_close(&f);
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(rmdir(home), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_layers_later_ones_win),
    cmocka_unit_test(test_layers_environment_errors_have_a_place),
    cmocka_unit_test(test_layers_unknown_variable_is_a_warning),
    cmocka_unit_test(test_layers_flags_reach_flows_and_nodes),
    cmocka_unit_test(test_layers_wrong_flags_have_a_place_and_a_suggestion),
    cmocka_unit_test(test_layers_users_file_lies_below_the_manifest),
};
TVN_TEST_MAIN("config.layers", tests)
