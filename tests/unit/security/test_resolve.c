/* SPDX-License-Identifier: Apache-2.0 */
#include "security/capability.h"

#include "manifest_fixture.h"

#define PIPELINE                                                                   \
    "[[component]]\nname = \"reader\"\npath = \"r\"\n"                             \
    "[component.capabilities.required]\nwasi-clocks = true\nwasi-stdout = true\n"  \
    "[component.capabilities.optional]\nwasi-random = true\n"                      \
    "[flow.main.nodes.first]\ncomponent = \"reader\"\ninterface = \"i\"\n"         \
    "max_memory = \"1MiB\"\nfuel_per_invocation = 9\ninvocation_timeout_ms = 11\n" \
    "[flow.main.nodes.second]\ncomponent = \"builtin:stdout\"\n"

static struct tvn_security_subject subject_of(const struct manifest_fixture *f, size_t node)
{
    assert_non_null(f->manifest);
    const struct tvn_manifest_flow *flow = &f->manifest->flows[0];
    return (struct tvn_security_subject){
        .manifest = f->manifest,
        .flow = flow,
        .node = &flow->nodes[node],
        .component = tvn_manifest_find_component(f->manifest, flow->nodes[node].component),
    };
}

static bool has(const struct tvn_sandbox *sandbox, enum tvn_capability capability,
                const char *scope)
{
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        if (tvn_grant_covers(&sandbox->grants[i], capability, scope)) {
            return true;
        }
    }
    return false;
}

static void test_resolve_default_is_stdout_and_stderr(void **state)
{
    (void)state;
    struct manifest_fixture f = manifest_open(PIPELINE);
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_security_subject subject = subject_of(&f, 1);
    struct tvn_sandbox sandbox;
    assert_diag_status(tvn_security_check_manifest(f.manifest, f.sink), TVN_OK, f.sink);
    assert_diag_status(tvn_security_resolve(arena, &subject, f.sink, &sandbox), TVN_OK, f.sink);
    assert_string_equal(sandbox.component, "second");
    assert_true(has(&sandbox, TVN_CAP_STDOUT, NULL));
    assert_true(has(&sandbox, TVN_CAP_STDERR, NULL));
    assert_false(has(&sandbox, TVN_CAP_STDIN, NULL));
    assert_false(has(&sandbox, TVN_CAP_CLOCKS, NULL));
    assert_true(has(&sandbox, TVN_CAP_TORVYN_ALLOC, NULL));
    assert_true(has(&sandbox, TVN_CAP_TORVYN_POOL, "default"));
    assert_false(has(&sandbox, TVN_CAP_TORVYN_POOL, "other"));
    assert_false(has(&sandbox, TVN_CAP_TORVYN_DIAGNOSTICS, NULL));
    assert_int_equal(sandbox.max_memory_bytes, 64 << 20);
    assert_int_equal(sandbox.max_buffer_bytes, 16 << 20);
    assert_int_equal(sandbox.declared_memory_bytes, 0);
    assert_int_equal(sandbox.invocation_timeout_ms, 1000);
    assert_int_equal(sandbox.init_timeout_ms, 5000);
    assert_int_equal(sandbox.teardown_timeout_ms, 2000);
    manifest_close(&f);
}

static void test_resolve_explicit_table_replaces_the_default(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open(PIPELINE "[security.grants.reader]\n"
                               "capabilities = [\"wasi:clocks\", \"wasi:cli/stdout\", "
                               "\"wasi:filesystem/read:/data\"]\n");
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_security_subject subject = subject_of(&f, 0);
    struct tvn_sandbox sandbox;
    assert_diag_status(tvn_security_check_manifest(f.manifest, f.sink), TVN_OK, f.sink);
    assert_diag_status(tvn_security_resolve(arena, &subject, f.sink, &sandbox), TVN_OK, f.sink);
    assert_true(has(&sandbox, TVN_CAP_CLOCKS, NULL));
    assert_true(has(&sandbox, TVN_CAP_FILESYSTEM_READ, "/data/x"));
    assert_false(has(&sandbox, TVN_CAP_STDERR, NULL));
    assert_int_equal(sandbox.max_memory_bytes, 1 << 20);
    assert_int_equal(sandbox.fuel_per_invocation, 9);
    assert_int_equal(sandbox.invocation_timeout_ms, 11);
    manifest_close(&f);
}

static void test_resolve_missing_grant_shows_the_table_to_write(void **state)
{
    (void)state;
    struct manifest_fixture f = manifest_open(PIPELINE);
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_security_subject subject = subject_of(&f, 0);
    struct tvn_sandbox sandbox;
    assert_diag_status(tvn_security_resolve(arena, &subject, f.sink, &sandbox),
                       TVN_E_CAPABILITY_NOT_GRANTED, f.sink);
    assert_int_equal(tvn_diag_count(f.sink), 1);
    assert_diagnostic(f.sink, 0, TVN_E_CAPABILITY_NOT_GRANTED,
                      "component 'reader' requires 'wasi-clocks', which is not granted",
                      "wasi-clocks", 5, 1, NULL);
    assert_string_equal(tvn_diag_at(f.sink, 0)->help,
                        "write in the manifest:\n[security.grants.reader]\ncapabilities = "
                        "[\"wasi:cli/stdout\", \"wasi:cli/stderr\", \"wasi:clocks\"]");
    manifest_close(&f);
}

static void test_resolve_flow_and_node_override_the_component(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open(PIPELINE "[security.grants.reader]\ncapabilities = []\n"
                               "[security.grants.\"main/first\"]\n"
                               "capabilities = [\"wasi:clocks\", \"wasi:cli/stdout\"]\n");
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_security_subject subject = subject_of(&f, 0);
    struct tvn_sandbox sandbox;
    assert_diag_status(tvn_security_check_manifest(f.manifest, f.sink), TVN_OK, f.sink);
    assert_diag_status(tvn_security_resolve(arena, &subject, f.sink, &sandbox), TVN_OK, f.sink);
    assert_true(has(&sandbox, TVN_CAP_CLOCKS, NULL));
    manifest_close(&f);
}

static void test_resolve_two_matching_tables_are_an_error(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open(PIPELINE "[security.grants.reader]\ncapabilities = [\"wasi:clocks\"]\n"
                               "[security.grants.first]\ncapabilities = [\"wasi:clocks\"]\n");
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_security_subject subject = subject_of(&f, 0);
    struct tvn_sandbox sandbox;
    assert_diag_status(tvn_security_resolve(arena, &subject, f.sink, &sandbox),
                       TVN_E_CONSTRAINT_VIOLATION, f.sink);
    assert_diagnostic(f.sink, 0, TVN_E_CONSTRAINT_VIOLATION,
                      "two tables of grants match node 'first'", "first", 19, 18, NULL);
    manifest_close(&f);
}

static void test_resolve_component_without_a_flow(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open("[component]\nname = \"one\"\n[capabilities.torvyn]\n"
                      "max-buffer-size = \"1MiB\"\nmax-memory = \"128MiB\"\n");
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_security_subject subject = {.manifest = f.manifest,
                                           .component = &f.manifest->components[0]};
    struct tvn_sandbox sandbox;
    assert_diag_status(tvn_security_resolve(arena, &subject, f.sink, &sandbox),
                       TVN_E_CONSTRAINT_VIOLATION, f.sink);
    assert_diagnostic(f.sink, 0, TVN_E_CONSTRAINT_VIOLATION,
                      "node 'one' needs 134217728 bytes of memory, its limit is 67108864",
                      "\"128MiB\"", 5, 14, NULL);
    manifest_close(&f);
    static const char *const overrides[] = {"runtime.max_memory_per_component=128MiB", NULL};
    f = manifest_open_with("[component]\nname = \"one\"\n[capabilities.torvyn]\n"
                           "max-buffer-size = \"1MiB\"\nmax-memory = \"128MiB\"\n",
                           NULL, overrides);
    subject = (struct tvn_security_subject){.manifest = f.manifest,
                                            .component = &f.manifest->components[0]};
    assert_diag_status(tvn_security_resolve(arena, &subject, f.sink, &sandbox), TVN_OK, f.sink);
    assert_string_equal(sandbox.component, "one");
    assert_int_equal(sandbox.max_buffer_bytes, 1 << 20);
    assert_int_equal(sandbox.declared_memory_bytes, 128 << 20);
    assert_int_equal(sandbox.max_memory_bytes, 128 << 20);
    manifest_close(&f);
}

static const struct {
    const char *text;
    enum tvn_status code;
    const char *message;
    const char *under;
    uint32_t line;
    uint32_t column;
    const char *label;
} mistakes[] = {
    {"[component]\nname = \"c\"\n[capabilities.required]\nwasi-clock = true\n", TVN_E_UNKNOWN_FIELD,
     "unknown capability 'wasi-clock'", "wasi-clock", 4, 1, "did you mean 'wasi-clocks'?"},
    {"[component]\nname = \"c\"\n[capabilities.optional]\nnonsense = false\n", TVN_E_UNKNOWN_FIELD,
     "unknown capability 'nonsense'", "nonsense", 4, 1, ""},
    {"[component]\nname = \"transform\"\n[security.grants.tranform]\ncapabilities = []\n",
     TVN_E_CONSTRAINT_VIOLATION, "no component and no node has this name", "tranform", 3, 18,
     "did you mean 'transform'?"},
    {"[component]\nname = \"c\"\n[security.grants.\"main/c\"]\ncapabilities = []\n",
     TVN_E_CONSTRAINT_VIOLATION, "no component and no node has this name", "\"main/c\"", 3, 18, ""},
    {"[component]\nname = \"c\"\n[security.grants.c]\ncapabilities = [\"wasi:clock\"]\n",
     TVN_E_CONSTRAINT_VIOLATION, "the grant 'wasi:clock' names no known capability",
     "\"wasi:clock\"", 4, 17, "did you mean \"wasi:clocks\"?"},
    {"[[component]]\nname = \"c\"\npath = \"c\"\n[[component]]\nname = \"d\"\npath = \"d\"\n"
     "[flow.main.nodes.c]\ncomponent = \"d\"\ninterface = \"i\"\n"
     "[security.grants.c]\ncapabilities = []\n",
     TVN_E_CONSTRAINT_VIOLATION, "'c' is a component and also a node of another component", "c", 10,
     18, ""},
};

static void test_resolve_mistakes_in_the_manifest_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(mistakes); i++) {
        struct manifest_fixture f = manifest_open(mistakes[i].text);
        assert_status(f.status, TVN_OK);
        assert_diag_status(tvn_security_check_manifest(f.manifest, f.sink), mistakes[i].code,
                           f.sink);
        assert_int_equal(tvn_diag_count(f.sink), 1);
        assert_diagnostic(f.sink, 0, mistakes[i].code, mistakes[i].message, mistakes[i].under,
                          mistakes[i].line, mistakes[i].column, mistakes[i].label);
        manifest_close(&f);
    }
}

static void test_resolve_component_and_node_may_share_a_name(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open("[[component]]\nname = \"c\"\npath = \"c\"\n"
                      "[flow.main.nodes.c]\ncomponent = \"c\"\ninterface = \"i\"\n"
                      "[security.grants.c]\ncapabilities = [\"wasi:random\"]\n");
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_security_subject subject = subject_of(&f, 0);
    struct tvn_sandbox sandbox;
    assert_diag_status(tvn_security_check_manifest(f.manifest, f.sink), TVN_OK, f.sink);
    assert_diag_status(tvn_security_resolve(arena, &subject, f.sink, &sandbox), TVN_OK, f.sink);
    assert_true(has(&sandbox, TVN_CAP_RANDOM, NULL));
    manifest_close(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_resolve_default_is_stdout_and_stderr),
    cmocka_unit_test(test_resolve_explicit_table_replaces_the_default),
    cmocka_unit_test(test_resolve_missing_grant_shows_the_table_to_write),
    cmocka_unit_test(test_resolve_flow_and_node_override_the_component),
    cmocka_unit_test(test_resolve_two_matching_tables_are_an_error),
    cmocka_unit_test(test_resolve_component_without_a_flow),
    cmocka_unit_test(test_resolve_mistakes_in_the_manifest_are_found),
    cmocka_unit_test(test_resolve_component_and_node_may_share_a_name),
};
TVN_TEST_MAIN("security.resolve", tests)
