/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest_fixture.h"

static const char *const environment[] = {
    "NAME=value", "EMPTY=", "REFERENCE=${NAME}", "TOML=\"\\n[x]\\n", "N=7", "A_1=under", NULL,
};

static struct manifest_fixture open_config(const char *config)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_printf(&text, "[flow.main.nodes.a]\ncomponent = \"builtin:x\"\nconfig = '''%s'''\n",
                      config);
    return manifest_open_with(tvn_strbuf_text(&text), environment, NULL);
}

static void test_interpolate_values_are_replaced_in_one_pass(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *result;
    } cases[] = {
        {"${NAME}", "value"},
        {"a ${NAME} b ${N}", "a value b 7"},
        {"${A_1}", "under"},
        {"${MISSING:-other}", "other"},
        {"${MISSING:-}", ""},
        {"${EMPTY}", ""},
        {"${EMPTY:-full}", "full"},
        {"${REFERENCE}", "${NAME}"},
        {"${MISSING:-${NAME}", "${NAME"},
        {"${TOML}", "\"\\n[x]\\n"},
        {"$${NAME}", "${NAME}"},
        {"$NAME $ {NAME} $$", "$NAME $ {NAME} $$"},
        {"{\"a\": \"${NAME}\"}", "{\"a\": \"value\"}"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct manifest_fixture f = open_config(cases[i].text);
        assert_status(f.status, TVN_OK);
        assert_string_equal(f.manifest->flows[0].nodes[0].config, cases[i].result);
        manifest_close(&f);
    }
}

static void test_interpolate_errors_point_at_the_reference(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
        const char *under;
        uint32_t column;
    } cases[] = {
        {"x ${MISSING} y", "environment variable 'MISSING' is not set", "${MISSING}", 15},
        {"${}", "malformed environment reference", "${}", 13},
        {"${1X}", "malformed environment reference", "${1X}", 13},
        {"${A-b}", "malformed environment reference", "${A-b}", 13},
        {"${A b}", "malformed environment reference", "${A b}", 13},
        {"a ${NAME", "'${' without '}'", "${", 15},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct manifest_fixture f = open_config(cases[i].text);
        assert_int_equal(tvn_diag_count(f.sink), 1);
        assert_diagnostic(f.sink, 0, TVN_E_CONSTRAINT_VIOLATION, cases[i].message, cases[i].under,
                          3, cases[i].column, NULL);
        manifest_close(&f);
    }
}

static void test_interpolate_feeds_keys_of_other_types(void **state)
{
    (void)state;
    struct manifest_fixture f = manifest_open_with(
        "[flow.main]\n[runtime]\nworker_threads = \"${N}\"\nyield_elements = \"${X:-5}\"\n"
        "drain_timeout_ms = \"${X:-2s}\"\ncancel_grace_ms = \"${N}\"\n"
        "[observability]\ntracing_enabled = \"${X:-false}\"\nsample_rate = \"${X:-0.25}\"\n",
        environment, NULL);
    assert_status(f.status, TVN_OK);
    assert_int_equal(f.manifest->config.runtime.worker_threads, 7);
    assert_int_equal(f.manifest->config.runtime.yield_elements, 5);
    assert_int_equal(f.manifest->config.runtime.drain_timeout_ms, 2000);
    assert_int_equal(f.manifest->config.runtime.cancel_grace_ms, 7);
    assert_false(f.manifest->config.observability.tracing_enabled);
    assert_true(f.manifest->config.observability.sample_rate == 0.25);
    manifest_close(&f);
}

static void test_interpolate_wrong_values_are_never_shown(void **state)
{
    (void)state;
    static const char *const secret[] = {"SECRET=hunter2", NULL};
    static const char *const lines[] = {"worker_threads", "drain_timeout_ms", "scheduling_policy",
                                        "max_memory_per_component"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(lines); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_strbuf_printf(&text, "[flow.main]\n[runtime]\n%s = \"${SECRET}\"\n", lines[i]);
        struct manifest_fixture f = manifest_open_with(tvn_strbuf_text(&text), secret, NULL);
        assert_int_equal(tvn_diag_count(f.sink), 1);
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(f.sink, 0);
        assert_null(strstr(diagnostic->message, "hunter2"));
        assert_true(!diagnostic->help || !strstr(diagnostic->help, "hunter2"));
        assert_str(tvn_test_span_text(f.sink, diagnostic->primary.span), "\"${SECRET}\"");
        manifest_close(&f);
    }
}

static void test_interpolate_keys_are_left_alone(void **state)
{
    (void)state;
    struct manifest_fixture f =
        manifest_open_with("[security.grants.\"${NAME}\"]\ncapabilities = [\"${NAME}\"]\n"
                           "[flow.main]\n",
                           environment, NULL);
    assert_status(f.status, TVN_OK);
    assert_string_equal(f.manifest->grants[0].component, "${NAME}");
    assert_string_equal(f.manifest->grants[0].capabilities[0].text, "value");
    manifest_close(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_interpolate_values_are_replaced_in_one_pass),
    cmocka_unit_test(test_interpolate_errors_point_at_the_reference),
    cmocka_unit_test(test_interpolate_feeds_keys_of_other_types),
    cmocka_unit_test(test_interpolate_wrong_values_are_never_shown),
    cmocka_unit_test(test_interpolate_keys_are_left_alone),
};
TVN_TEST_MAIN("config.interpolate", tests)
