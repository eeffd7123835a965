/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest_fixture.h"

static struct manifest_fixture open_node(const char *config, const char *first, const char *second)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_printf(&text,
                      "[flow.main.nodes.source]\ncomponent = \"builtin:x\"\nconfig = '%s'\n"
                      "[flow.other.nodes.source]\ncomponent = \"builtin:x\"\n",
                      config);
    const char *const overrides[] = {first, second, NULL};
    return manifest_open_with(tvn_strbuf_text(&text), NULL, overrides);
}

static void test_node_config_values_are_merged(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        const char *first;
        const char *second;
        const char *result;
        const char *other; /* the node of the same name in another flow, whose config is "" */
    } cases[] = {
        {"{\"count\": 5, \"x\": 1}", "source.count=7", NULL, "{\"count\":7,\"x\":1}",
         "{\"count\":7}"},
        {"", "source.a.b=true", "source.a.c=null", "{\"a\":{\"b\":true,\"c\":null}}",
         "{\"a\":{\"b\":true,\"c\":null}}"},
        {"{\"a\": 1}", "source.a.b=2", NULL, "{\"a\":{\"b\":2}}", "{\"a\":{\"b\":2}}"},
        {"", "source.text=plain words", "source.quoted=\"5\"",
         "{\"text\":\"plain words\",\"quoted\":\"5\"}",
         "{\"text\":\"plain words\",\"quoted\":\"5\"}"},
        {"", "source.list=[1, {\"a\": 2}]", "source.empty=",
         "{\"list\":[1,{\"a\":2}],\"empty\":\"\"}", "{\"list\":[1,{\"a\":2}],\"empty\":\"\"}"},
        {"", "source.eq=a=b", NULL, "{\"eq\":\"a=b\"}", "{\"eq\":\"a=b\"}"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct manifest_fixture f = open_node(cases[i].config, cases[i].first, cases[i].second);
        assert_status(f.status, TVN_OK);
        assert_string_equal(f.manifest->flows[0].nodes[0].config, cases[i].result);
        assert_string_equal(f.manifest->flows[1].nodes[0].config, cases[i].other);
        manifest_close(&f);
    }
}

static void test_node_config_that_is_no_object_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        const char *message;
    } cases[] = {
        {"1000", "the configuration of node 'source' is not a JSON object: it is another value"},
        {"{\"a\":", NULL},
        {"blocked word", NULL},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct manifest_fixture f = open_node(cases[i].config, "source.count=7", NULL);
        assert_int_equal(tvn_diag_count(f.sink), 1);
        assert_diagnostic(f.sink, 0, TVN_E_CONSTRAINT_VIOLATION, cases[i].message, "source.count",
                          1, 1, NULL);
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(f.sink, 0);
        assert_int_equal(diagnostic->related_count, 1);
        assert_string_equal(diagnostic->help,
                            "replace the whole string with flow.X.nodes.source.config=…");
        manifest_close(&f);
    }
}

static void test_node_config_malformed_paths_are_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"source..a=1", "source.a.=1", "source.a..b=1",
                                       "source.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(keys); i++) {
        struct manifest_fixture f = open_node("", keys[i], NULL);
        assert_int_equal(tvn_diag_count(f.sink), 1);
        assert_status(f.status, TVN_E_CONSTRAINT_VIOLATION);
        manifest_close(&f);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_node_config_values_are_merged),
    cmocka_unit_test(test_node_config_that_is_no_object_is_refused),
    cmocka_unit_test(test_node_config_malformed_paths_are_refused),
};
TVN_TEST_MAIN("config.node_config", tests)
