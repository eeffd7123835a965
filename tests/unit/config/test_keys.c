/* SPDX-License-Identifier: Apache-2.0 */
#include "config/keys.h"
#include "config/load_internal.h"

#include "tvn_test.h"

static void test_keys_rows_are_sound(void **state)
{
    (void)state;
    const struct tvn_config_key *key = NULL;
    size_t count = 0;
    for (; (key = tvn_config_key_at(count)); count++) {
        assert_true(key->doc && key->doc[0] != '\0');
        assert_true(key->min <= key->max);
        const struct tvn_config_key *found = config_find_key(key->section, tvn_str_of(key->name));
        assert_non_null(found);
        assert_true(key->type == TVN_CONFIG_TYPE_ALIAS ? found != key : found == key);
        assert_true(found->type != TVN_CONFIG_TYPE_ALIAS);
        bool words = key->type == TVN_CONFIG_TYPE_WORD || key->type == TVN_CONFIG_TYPE_CHOICE;
        assert_true(words == (key->choices != NULL));
        bool part_of_layer = tvn_config_section_is_layered(key->section) &&
                             key->type != TVN_CONFIG_TYPE_ALIAS &&
                             key->type != TVN_CONFIG_TYPE_PART;
        assert_false(part_of_layer && tvn_config_key_is_required(key));
    }
    assert_true(count > 90);
}

/* Every default passes its own row's checks: otherwise the sink would be asked, and there is none.
 */
static void test_keys_defaults_are_those_of_the_reference(void **state)
{
    (void)state;
    struct tvn_config config;
    tvn_config_defaults(&config);
    assert_true(config.runtime.worker_threads >= 1);
    assert_int_equal(config.runtime.max_memory_per_component, 64 << 20);
    assert_int_equal(config.runtime.fuel_per_invocation, 0);
    assert_int_equal(config.runtime.component_init_timeout_ms, 5000);
    assert_int_equal(config.runtime.component_teardown_timeout_ms, 2000);
    assert_int_equal(config.runtime.invocation_timeout_ms, 1000);
    assert_int_equal(config.runtime.yield_elements, 32);
    assert_int_equal(config.runtime.yield_quantum_us, 100);
    assert_int_equal(config.runtime.max_blocking_threads, 64);
    assert_int_equal(config.runtime.cancel_grace_ms, 1000);
    assert_int_equal(config.runtime.cancel_trap_ms, 500);
    assert_int_equal(config.runtime.drain_timeout_ms, 5000);
    assert_int_equal(config.backpressure.queue_depth, 64);
    assert_int_equal(config.backpressure.max_bytes, 0);
    assert_int_equal(config.backpressure.policy, TVN_CONFIG_POLICY_BLOCK);
    assert_true(config.backpressure.low_watermark_ratio == 0.5);
    assert_int_equal(config.pools.small_pool_size, 4096);
    assert_int_equal(config.pools.medium_pool_size, 1024);
    assert_int_equal(config.pools.large_pool_size, 256);
    assert_int_equal(config.pools.huge_pool_size, 32);
    assert_int_equal(config.pools.exhaustion_policy, TVN_CONFIG_EXHAUSTION_FALLBACK_ALLOC);
    assert_int_equal(config.observability.level, TVN_CONFIG_LEVEL_PRODUCTION);
    assert_true(config.observability.tracing_enabled);
    assert_int_equal(config.observability.tracing_exporter, TVN_CONFIG_EXPORTER_STDOUT);
    assert_string_equal(config.observability.tracing_endpoint, "");
    assert_true(config.observability.sample_rate == 0.01);
    assert_true(config.observability.error_promote);
    assert_int_equal(config.observability.latency_promote_threshold_ms, 10);
    assert_true(config.observability.metrics_enabled);
    assert_true(config.observability.prometheus_enabled);
    assert_false(config.observability.otlp_metrics_enabled);
    assert_int_equal(config.observability.otlp_metrics_interval_s, 15);
    assert_int_equal(config.observability.ring_buffer_capacity, 64);
    assert_true(config.security.audit_enabled);
    assert_int_equal(config.security.audit_target, TVN_CONFIG_AUDIT_FILE);
    assert_string_equal(config.security.audit_file, "");
    assert_string_equal(config.registry.default_url, "");
    assert_int_equal(config.backpressure.policy_span.file, 0);
}

static void test_keys_policy_names_are_those_of_the_table(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) names = {0};
    for (unsigned i = 0; i <= TVN_CONFIG_POLICY_RATE_LIMIT; i++) {
        tvn_strbuf_printf(&names, "%s%s", i > 0 ? "|" : "",
                          tvn_config_policy_name((enum tvn_config_policy)i));
    }
    const struct tvn_config_key *key =
        config_find_key(TVN_SECTION_BACKPRESSURE, TVN_STR("default_policy"));
    assert_string_equal(key->choices, tvn_strbuf_text(&names));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_keys_rows_are_sound),
    cmocka_unit_test(test_keys_defaults_are_those_of_the_reference),
    cmocka_unit_test(test_keys_policy_names_are_those_of_the_table),
};
TVN_TEST_MAIN("config.keys", tests)
