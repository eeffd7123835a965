/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "config/manifest.h"

#include "manifest_fixture.h"

#define PROJECT "[torvyn]\nname = \"p\"\nversion = \"0.1.0\"\ncontract_version = \"0.1.0\"\n"
#define NODE(name)                                                       \
    "[flow.main.nodes." name "]\ncomponent = \"" name "\"\ninterface = " \
    "\"torvyn:streaming/sink\"\n"

static void test_manifest_pipeline_is_read_in_file_order(void **state)
{
    (void)state;
    struct manifest_fixture f = manifest_open(
        PROJECT "description = \"d\"\nauthors = [\"A <a@b.c>\", \"B\"]\n"
                "[[component]]\nname = \"zeta\"\npath = \"components/zeta\"\n"
                "[[component]]\nname = \"alpha\"\npath = \"x\"\nlanguage = \"c\"\n"
                "[flow.second]\ndescription = \"s\"\n"
                "[flow.main]\npriority = \"critical\"\ndeadline_ms = \"2m\"\n"
                "max_buffer_memory = \"8MiB\"\ndead_letter_file = \"bad.jsonl\"\n"
                "dead_letter_payload = \"omit\"\ndead_letter_max_size = \"1KiB\"\n"
                "[flow.main.nodes.source]\ncomponent = \"zeta\"\n"
                "interface = \"torvyn:streaming/source\"\nconfig = '{\"count\": 5}'\n"
                "[flow.main.nodes.a-sink]\ncomponent = \"builtin:stdout\"\non_error = \"retry\"\n"
                "[[flow.main.edges]]\n"
                "from = { node = \"source\", port = \"output\" }\n"
                "to = { node = \"a-sink\", port = \"input\" }\n");
    assert_status(f.status, TVN_OK);
    const struct tvn_manifest *m = f.manifest;
    assert_string_equal(m->path, "dir/Torvyn.toml");
    assert_string_equal(m->directory, "dir");
    assert_string_equal(m->project.name, "p");
    assert_string_equal(m->project.license, "");
    assert_int_equal(m->project.author_count, 2);
    assert_string_equal(m->project.authors[1], "B");
    assert_int_equal(m->component_count, 2);
    assert_string_equal(m->components[0].name, "zeta");
    assert_string_equal(m->components[0].language, "rust");
    assert_string_equal(m->components[1].language, "c");
    assert_string_equal(m->components[1].build_command, "");
    assert_int_equal(m->flow_count, 2);
    assert_string_equal(m->flows[0].name, "second");
    const struct tvn_manifest_flow *flow = tvn_manifest_find_flow(m, "main");
    assert_ptr_equal(flow, &m->flows[1]);
    assert_int_equal(flow->priority, TVN_MANIFEST_PRIORITY_CRITICAL);
    assert_int_equal(flow->deadline_ms, 120000);
    assert_int_equal(flow->max_buffer_memory, 8 << 20);
    assert_string_equal(flow->dead_letter_file, "bad.jsonl");
    assert_int_equal(flow->dead_letter_payload, TVN_MANIFEST_DEAD_LETTER_OMIT);
    assert_int_equal(flow->dead_letter_max_size, 1024);
    assert_string_equal(m->flows[0].dead_letter_file, ".torvyn/dead-letters.jsonl");
    assert_int_equal(m->flows[0].dead_letter_payload, TVN_MANIFEST_DEAD_LETTER_TEXT);
    assert_int_equal(m->flows[0].max_buffer_memory, 0);
    assert_int_equal(flow->node_count, 2);
    assert_string_equal(flow->nodes[0].name, "source");
    assert_string_equal(flow->nodes[0].config, "{\"count\": 5}");
    assert_string_equal(flow->nodes[1].interface, "");
    assert_int_equal(flow->nodes[1].on_error, TVN_MANIFEST_ON_ERROR_RETRY);
    assert_int_equal(flow->nodes[1].max_retries, 3);
    assert_int_equal(flow->edge_count, 1);
    assert_string_equal(flow->edges[0].from.node, "source");
    assert_string_equal(flow->edges[0].to.port, "input");
    assert_str(tvn_test_span_text(f.sink, flow->span), "main");
    assert_str(tvn_test_span_text(f.sink, flow->nodes[0].span), "source");
    assert_str(tvn_test_span_text(f.sink, flow->nodes[0].component_span), "\"zeta\"");
    assert_str(tvn_test_span_text(f.sink, flow->edges[0].to.node_span), "\"a-sink\"");
    assert_str(tvn_test_span_text(f.sink, flow->edges[0].span), "[[flow.main.edges]]");
    assert_ptr_equal(tvn_manifest_find_component(m, "alpha"), &m->components[1]);
    assert_null(tvn_manifest_find_node(flow, "nobody"));
    manifest_close(&f);
}

static void test_manifest_settings_are_inherited(void **state)
{
    (void)state;
    struct manifest_fixture f = manifest_open(
        "[runtime]\nmax_memory_per_component = \"32MiB\"\nfuel_per_invocation = 7\n"
        "[runtime.backpressure]\ndefault_policy = \"drop-newest\"\n"
        "low_watermark_ratio = 0.25\n"
        "[flow.main]\ndefault_queue_depth = 16\n"
        "[flow.main.backpressure]\nmax_bytes = \"1MiB\"\n" NODE("a")
            NODE("b") "max_memory = \"1MiB\"\nfuel_per_invocation = 0\n"
                      "[[flow.main.edges]]\nfrom = { node = \"a\", port = \"output\" }\n"
                      "to = { node = \"b\", port = \"input\" }\n"
                      "queue_depth = 4\npolicy = \"rate-limit\"\nmax_elements_per_second = 10\n"
                      "[[flow.main.edges]]\nfrom = { node = \"a\", port = \"output\" }\n"
                      "to = { node = \"b\", port = \"input\" }\n");
    assert_status(f.status, TVN_OK);
    const struct tvn_manifest_flow *flow = &f.manifest->flows[0];
    const struct tvn_config_backpressure *own = &flow->edges[0].backpressure;
    const struct tvn_config_backpressure *inherited = &flow->edges[1].backpressure;
    assert_int_equal(own->queue_depth, 4);
    assert_int_equal(own->policy, TVN_CONFIG_POLICY_RATE_LIMIT);
    assert_int_equal(own->max_elements_per_second, 10);
    assert_int_equal(own->max_bytes, 1 << 20);
    assert_true(own->low_watermark_ratio == 0.25);
    assert_int_equal(inherited->queue_depth, 16);
    assert_int_equal(inherited->policy, TVN_CONFIG_POLICY_DROP_NEWEST);
    assert_str(tvn_test_span_text(f.sink, inherited->policy_span), "\"drop-newest\"");
    assert_int_equal(flow->backpressure.queue_depth, 16);
    assert_int_equal(flow->nodes[0].max_memory, 32 << 20);
    assert_int_equal(flow->nodes[0].fuel_per_invocation, 7);
    assert_int_equal(flow->nodes[0].invocation_timeout_ms, 1000);
    assert_int_equal(flow->nodes[1].max_memory, 1 << 20);
    assert_int_equal(flow->nodes[1].fuel_per_invocation, 0);
    assert_int_equal(f.manifest->project.span.file, 0);
    manifest_close(&f);
}

static void test_manifest_single_component_takes_the_top_capabilities(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open("[component]\nname = \"one\"\nversion = \"0.2.0\"\n"
                      "[capabilities.required]\nwasi-clocks = true\n"
                      "[capabilities.optional]\nwasi-network-egress = false\n"
                      "[capabilities.torvyn]\nmax-memory = \"8MiB\"\n");
    assert_status(f.status, TVN_OK);
    const struct tvn_manifest_component *one = &f.manifest->components[0];
    assert_string_equal(one->path, ".");
    assert_string_equal(one->version, "0.2.0");
    assert_int_equal(one->capabilities.count, 2);
    assert_string_equal(one->capabilities.items[0].name, "wasi-clocks");
    assert_true(one->capabilities.items[0].required && one->capabilities.items[0].wanted);
    assert_false(one->capabilities.items[1].required || one->capabilities.items[1].wanted);
    assert_str(tvn_test_span_text(f.sink, one->capabilities.items[1].span), "wasi-network-egress");
    assert_int_equal(one->capabilities.max_memory, 8 << 20);
    assert_int_equal(one->capabilities.max_buffer_size, 16 << 20);
    assert_string_equal(one->capabilities.buffer_pool_access, "default");
    manifest_close(&f);
}

static void test_manifest_capabilities_of_entries_stay_apart(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open("[[component]]\nname = \"a\"\npath = \"a\"\n"
                      "[component.capabilities.required]\nwasi-random = true\n"
                      "[[component]]\nname = \"b\"\npath = \"b\"\n");
    assert_status(f.status, TVN_OK);
    assert_int_equal(f.manifest->components[0].capabilities.count, 1);
    assert_int_equal(f.manifest->components[1].capabilities.count, 0);
    assert_int_equal(f.manifest->components[1].capabilities.max_buffer_size, 16 << 20);
    manifest_close(&f);
}

static void test_manifest_grants_keep_order_and_places(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open(PROJECT "[security.grants.my-transform]\ncapabilities = [\n"
                              " \"wasi:filesystem/read:/data/input\",\n \"wasi:clocks\" ]\n"
                              "[security.grants.\"main/a\"]\ncapabilities = []\n");
    assert_status(f.status, TVN_OK);
    assert_int_equal(f.manifest->grant_count, 2);
    const struct tvn_manifest_grants *grants = &f.manifest->grants[0];
    assert_string_equal(grants->component, "my-transform");
    assert_int_equal(grants->capability_count, 2);
    assert_string_equal(grants->capabilities[1].text, "wasi:clocks");
    assert_str(tvn_test_span_text(f.sink, grants->capabilities[1].span), "\"wasi:clocks\"");
    assert_string_equal(f.manifest->grants[1].component, "main/a");
    assert_int_equal(f.manifest->grants[1].capability_count, 0);
    manifest_close(&f);
}

static void test_manifest_nested_tracing_is_an_alias(void **state)
{
    (void)state;
    struct manifest_fixture f = manifest_open(
        PROJECT "[observability]\notlp_export_interval_s = 3\n[observability.tracing]\n"
                "level = \"diagnostic\"\ntracing_exporter = \"otlp-grpc\"\nsample_rate = 1\n");
    assert_status(f.status, TVN_OK);
    assert_int_equal(f.manifest->config.observability.level, TVN_CONFIG_LEVEL_DIAGNOSTIC);
    assert_int_equal(f.manifest->config.observability.tracing_exporter,
                     TVN_CONFIG_EXPORTER_OTLP_GRPC);
    assert_true(f.manifest->config.observability.sample_rate == 1.0);
    assert_int_equal(f.manifest->config.observability.otlp_metrics_interval_s, 3);
    manifest_close(&f);
}

/* One mistake each; exactly one diagnostic. */
static const struct {
    const char *text;
    enum tvn_status code;
    const char *message;
    const char *under;
    uint32_t line;
    uint32_t column;
    const char *label;
} mistakes[] = {
    {"[flow.main]\ndefault_queue_dept = 16\n", TVN_E_UNKNOWN_FIELD,
     "unknown key 'default_queue_dept' in [flow.main]", "default_queue_dept", 2, 1,
     "did you mean 'default_queue_depth'?"},
    {PROJECT "[runtme]\nworker_threads = 1\n", TVN_E_UNKNOWN_FIELD,
     "unknown key 'runtme' in the manifest", "runtme", 5, 2, "did you mean 'runtime'?"},
    {"[torvin]\nname = \"p\"\n", TVN_E_UNKNOWN_FIELD, "unknown key 'torvin' in the manifest",
     "torvin", 1, 2, "did you mean 'torvyn'?"},
    {"[torvyn]\nname = \"p\"\nversion = \"0.1.0\"\ncontract_versoin = \"0.1.0\"\n",
     TVN_E_UNKNOWN_FIELD, "unknown key 'contract_versoin' in [torvyn]", "contract_versoin", 4, 1,
     "did you mean 'contract_version'?"},
    {"[flow.main.nodes.a]\ncomponet = \"x\"\ninterface = \"i\"\n", TVN_E_UNKNOWN_FIELD,
     "unknown key 'componet' in [flow.main.nodes.a]", "componet", 2, 1,
     "did you mean 'component'?"},
    {"[flow.main.nodes.a]\ncomponent = \"x\"\ninterfce = \"i\"\n", TVN_E_UNKNOWN_FIELD,
     "unknown key 'interfce' in [flow.main.nodes.a]", "interfce", 3, 1,
     "did you mean 'interface'?"},
    {"[[flow.main.edges]]\nfrom = {node = \"a\", port = \"o\"}\ntoo = {node = \"b\", port = "
     "\"i\"}\n",
     TVN_E_UNKNOWN_FIELD, "unknown key 'too' in [[flow.main.edges]]", "too", 3, 1,
     "did you mean 'to'?"},
    {"[[flow.main.edges]]\nfrom = {nod = \"a\", port = \"o\"}\nto = {node = \"b\", port = \"i\"}\n",
     TVN_E_UNKNOWN_FIELD, "unknown key 'nod' in 'from' of an edge", "nod", 2, 9,
     "did you mean 'node'?"},
    {"[[flow.main.edges]]\nfrom = {node = \"a\", port = \"o\"}\n", TVN_E_CONSTRAINT_VIOLATION,
     "[[flow.main.edges]] has no 'to'", "[[flow.main.edges]]", 1, 1, NULL},
    {"[flow.main.edges.a-to-b]\nqueue_depth = 1\n", TVN_E_INVALID_FIELD_TYPE,
     "'edges' must be an array of tables, not a table", "edges", 1, 12, NULL},
    {"[flow.main.nodes.a]\ninterface = \"i\"\n", TVN_E_CONSTRAINT_VIOLATION,
     "[flow.main.nodes.a] has no 'component'", "[flow.main.nodes.a]", 1, 1, NULL},
    {"[flow.main.nodes.a]\ncomponent = \"x.wasm\"\n", TVN_E_CONSTRAINT_VIOLATION,
     "[flow.main.nodes.a] has no 'interface'", "[flow.main.nodes.a]", 1, 1, NULL},
    {"[flow.\"a b\"]\n", TVN_E_CONSTRAINT_VIOLATION,
     "a flow's name must consist of letters, digits, '_' and '-', at most 128", "\"a b\"", 1, 7,
     NULL},
    {"[flow.main.nodes.\"a/b\"]\n", TVN_E_CONSTRAINT_VIOLATION,
     "a node's name must consist of letters, digits, '_' and '-', at most 128", "\"a/b\"", 1, 18,
     NULL},
    {"[flow]\nmain = 1\n", TVN_E_INVALID_FIELD_TYPE, "'main' must be a table, not an integer", "1",
     2, 8, "expected a table"},
    {"component = 1\n", TVN_E_INVALID_FIELD_TYPE,
     "'component' must be a table or an array of tables, not an integer", "1", 1, 13, NULL},
    {"[[component]]\nname = \"a\"\n", TVN_E_CONSTRAINT_VIOLATION, "[[component]] has no 'path'",
     "[[component]]", 1, 1, NULL},
    {"[[component]]\nname = \"a\"\npath = \"a\"\n[[component]]\nname = \"a\"\npath = \"b\"\n",
     TVN_E_CONSTRAINT_VIOLATION, "there are two components named 'a'", "\"a\"", 5, 8, NULL},
    {"[[component]]\nname = \"a\"\npath = \"a\"\nlanguage = \"pyton\"\n",
     TVN_E_CONSTRAINT_VIOLATION,
     "'language' must be one of \"rust\", \"c\", \"python\", \"javascript\", \"go\", \"zig\"",
     "\"pyton\"", 4, 12, "did you mean \"python\"?"},
    {"[[component]]\nname = \"a\"\npath = \"a\"\n[[component]]\nname = \"b\"\npath = \"b\"\n"
     "[capabilities.required]\n",
     TVN_E_CONSTRAINT_VIOLATION,
     "[capabilities] at the top needs a manifest with one component, this one has 2",
     "capabilities", 7, 2, NULL},
    {"[component]\nname = \"a\"\n[capabilities.required]\nwasi-clocks = 1\n",
     TVN_E_INVALID_FIELD_TYPE, "'wasi-clocks' must be true or false, not an integer", "1", 4, 15,
     "expected true or false"},
    {PROJECT "authors = [1]\n", TVN_E_INVALID_FIELD_TYPE,
     "'authors' must be a string, not an integer", "1", 5, 12, NULL},
    {PROJECT "[security.grants.a]\n", TVN_E_CONSTRAINT_VIOLATION,
     "[security.grants.…] has no 'capabilities'", "[security.grants.a]", 5, 1, NULL},
    {PROJECT
     "[runtime.backpressure]\ndefault_policy = \"error\"\nbackpressure_policy = \"block\"\n",
     TVN_E_CONSTRAINT_VIOLATION, "'backpressure_policy' is given twice under different names",
     "backpressure_policy", 7, 1, NULL},
    {"[flow.main.backpressure]\npolicy = \"rate-limit\"\n", TVN_E_CONSTRAINT_VIOLATION,
     "the policy \"rate-limit\" needs 'max_elements_per_second'", "\"rate-limit\"", 2, 10, NULL},
    {"", TVN_E_CONSTRAINT_VIOLATION, "the manifest has neither [torvyn] nor a component nor a flow",
     "", 1, 1, NULL},
    {"[torvyn\n", TVN_E_MANIFEST_PARSE_ERROR, "expected ']', found the end of the line", "", 1, 8,
     NULL},
};

static void test_manifest_one_mistake_is_one_diagnostic(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(mistakes); i++) {
        struct manifest_fixture f = manifest_open(mistakes[i].text);
        if (tvn_diag_count(f.sink) != 1) {
            print_error("case %zu: %s\n", i, mistakes[i].text);
        }
        assert_int_equal(tvn_diag_count(f.sink), 1);
        assert_status(f.status, mistakes[i].code);
        assert_diagnostic(f.sink, 0, mistakes[i].code, mistakes[i].message, mistakes[i].under,
                          mistakes[i].line, mistakes[i].column, mistakes[i].label);
        manifest_close(&f);
    }
}

static void test_manifest_several_mistakes_are_reported_together(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open("[torvyn]\nname = \"P\"\nversion = \"0.1\"\ncontract_version = \"0.1.0\"\n"
                      "[runtime]\nworker_threads = \"four\"\nyield_element = 1\n"
                      "[flow.main.nodes.a]\ncomponent = 3\ninterface = \"i\"\n");
    assert_int_equal(tvn_diag_error_count(f.sink), 5);
    assert_diagnostic(f.sink, 0, TVN_E_CONSTRAINT_VIOLATION,
                      "the project's name must be lower case and start with a letter", "\"P\"", 2,
                      8, NULL);
    assert_diagnostic(f.sink, 1, TVN_E_CONSTRAINT_VIOLATION,
                      "'version' must be a semantic version such as \"0.1.0\"", "\"0.1\"", 3, 11,
                      NULL);
    assert_diagnostic(f.sink, 2, TVN_E_INVALID_FIELD_TYPE,
                      "'worker_threads' must be an integer, not a string", "\"four\"", 6, 18,
                      "expected an integer");
    assert_diagnostic(f.sink, 3, TVN_E_UNKNOWN_FIELD, "unknown key 'yield_element' in [runtime]",
                      "yield_element", 7, 1, "did you mean 'yield_elements'?");
    assert_diagnostic(f.sink, 4, TVN_E_INVALID_FIELD_TYPE,
                      "'component' must be a string, not an integer", "3", 9, 13, NULL);
    manifest_close(&f);
}

static void test_manifest_missing_file_is_e0001(void **state)
{
    (void)state;
    struct tvn_diag_sink *sink = tvn_diag_sink_create();
    struct tvn_manifest *manifest = NULL;
    assert_diag_status(tvn_manifest_load("no/such/Torvyn.toml", NULL, sink, &manifest),
                       TVN_E_MANIFEST_NOT_FOUND, sink);
    assert_diagnostic(sink, 0, TVN_E_MANIFEST_NOT_FOUND, "manifest 'no/such/Torvyn.toml' not found",
                      "", 0, 0, NULL);
    tvn_diag_sink_destroy(sink);
}

static void test_manifest_unreadable_file_is_e0004(void **state)
{
    (void)state;
    struct tvn_diag_sink *sink = tvn_diag_sink_create();
    struct tvn_manifest *manifest = NULL;
    assert_diag_status(tvn_manifest_load("/", NULL, sink, &manifest), TVN_E_IO_ERROR, sink);
    assert_string_equal(tvn_diag_at(sink, 0)->message, "cannot read '/': Is a directory");
    tvn_diag_sink_destroy(sink);
}

static void test_manifest_without_project_has_the_configuration(void **state)
{
    (void)state;
    static const char *const environment[] = {"TORVYN_REGISTRY_DEFAULT=https://r", NULL};
    const struct tvn_config_options options = {.environment = environment, .user_config = ""};
    struct tvn_diag_sink *sink = tvn_diag_sink_create();
    struct tvn_manifest *manifest = NULL;
    assert_diag_status(tvn_manifest_without_project(&options, sink, &manifest), TVN_OK, sink);
    assert_string_equal(manifest->config.registry.default_url, "https://r");
    assert_int_equal(manifest->flow_count, 0);
    assert_string_equal(manifest->project.name, "");
    tvn_manifest_destroy(manifest);
    tvn_diag_sink_destroy(sink);
}

static void test_manifest_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const char text[] =
        PROJECT "authors = [\"${A:-b}\"]\n[component]\nname = \"c\"\n"
                "[capabilities.required]\nwasi-clocks = true\n"
                "[security.grants.c]\ncapabilities = [\"wasi:clocks\"]\n" NODE(
                    "a") "[[flow.main.edges]]\nfrom = {node = \"a\", port = \"o\"}\n"
                         "to = {node = \"a\", port = \"i\"}\n";
    static const char *const environment[] = {"TORVYN_RUNTIME_YIELD_ELEMENTS=3", NULL};
    static const char *const overrides[] = {"a.x.y=1", "runtime.yield_elements=4"};
    for (uint64_t n = 1;; n++) {
        const struct tvn_config_options options = {.environment = environment,
                                                   .overrides = overrides,
                                                   .override_count = 2,
                                                   .user_config = ""};
        struct tvn_diag_sink *sink = tvn_diag_sink_create();
        struct tvn_manifest *manifest = NULL;
        tvn_mem_fail_at(n, false);
        enum tvn_status status =
            tvn_manifest_parse("x", tvn_str_of(text), &options, sink, &manifest);
        tvn_mem_fail_at(0, false);
        assert_true(status == TVN_OK || tvn_diag_error_count(sink) > 0);
        if (status != TVN_OK) {
            assert_status(status, TVN_E_OUT_OF_MEMORY);
        }
        assert_true((manifest != NULL) == (status == TVN_OK));
        bool done = status == TVN_OK && n > 100;
        tvn_manifest_destroy(manifest);
        tvn_diag_sink_destroy(sink);
        if (done) {
            return;
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_manifest_pipeline_is_read_in_file_order),
    cmocka_unit_test(test_manifest_settings_are_inherited),
    cmocka_unit_test(test_manifest_single_component_takes_the_top_capabilities),
    cmocka_unit_test(test_manifest_capabilities_of_entries_stay_apart),
    cmocka_unit_test(test_manifest_grants_keep_order_and_places),
    cmocka_unit_test(test_manifest_nested_tracing_is_an_alias),
    cmocka_unit_test(test_manifest_one_mistake_is_one_diagnostic),
    cmocka_unit_test(test_manifest_several_mistakes_are_reported_together),
    cmocka_unit_test(test_manifest_missing_file_is_e0001),
    cmocka_unit_test(test_manifest_unreadable_file_is_e0004),
    cmocka_unit_test(test_manifest_without_project_has_the_configuration),
    cmocka_unit_test(test_manifest_every_failed_allocation_is_reported),
};
TVN_TEST_MAIN("config.manifest", tests)
