/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diag_json.h"
#include "format/json_writer.h"

#include "tvn_test.h"

static int make_sink(void **state)
{
    *state = tvn_diag_sink_create();
    return *state ? 0 : -1;
}

static int drop_sink(void **state)
{
    tvn_diag_sink_destroy(*state);
    return 0;
}

static void check_json(const struct tvn_diag_sink *sink, const char *expected)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 0);
    tvn_diag_json_array(sink, &json);
    assert_false(out.failed);
    assert_str(tvn_strbuf_view(&out), expected);
}

static void test_diag_json_of_empty_sink_is_empty_array(void **state)
{
    check_json(*state, "[]");
}

static void test_diag_json_has_every_part(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t one = tvn_diag_add_source(sink, "Torvyn.toml", TVN_STR("ä = 1\nworker_thread = 4\n"));
    uint32_t two = tvn_diag_add_source(sink, "b.wit", TVN_STR("xyz"));
    tvn_diag_error(sink, TVN_E_UNKNOWN_FIELD, (struct tvn_span){one, 7, 13}, "unknown '%s'", "x");
    tvn_diag_label(sink, "did you mean 'worker_threads'?");
    tvn_diag_related(sink, (struct tvn_span){two, 1, 0}, "there");
    tvn_diag_note(sink, "note a");
    tvn_diag_note(sink, "note b");
    tvn_diag_help(sink, "help");

    check_json(sink, "[{\"severity\":\"error\",\"code\":\"E0701\",\"name\":\"UnknownField\","
                     "\"message\":\"unknown 'x'\",\"file\":\"Torvyn.toml\",\"line\":2,\"column\":1,"
                     "\"end_column\":14,\"label\":\"did you mean 'worker_threads'?\","
                     "\"notes\":[\"note a\",\"note b\"],\"help\":\"help\","
                     "\"related\":[{\"file\":\"b.wit\",\"line\":1,\"column\":2,\"end_column\":2,"
                     "\"label\":\"there\"}]}]");
}

static void test_diag_json_without_place_has_nulls(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "message");

    check_json(sink,
               "[{\"severity\":\"warning\",\"code\":null,\"name\":null,\"message\":\"message\","
               "\"file\":null,\"line\":null,\"column\":null,\"end_column\":null,\"label\":null,"
               "\"notes\":[],\"help\":null,\"related\":[]}]");
}

static void test_diag_json_of_binary_source_has_offset(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_binary_source(sink, "a.wasm");
    tvn_diag_warning(sink, TVN_E_COMPONENT_INVALID, (struct tvn_span){file, 31, 2}, "m");
    tvn_diag_related(sink, (struct tvn_span){file, 4, 0}, "l");

    check_json(sink, "[{\"severity\":\"warning\",\"code\":\"E0211\",\"name\":\"ComponentInvalid\","
                     "\"message\":\"m\",\"file\":\"a.wasm\",\"line\":null,\"column\":null,"
                     "\"end_column\":null,\"offset\":31,\"label\":null,\"notes\":[],\"help\":null,"
                     "\"related\":[{\"file\":\"a.wasm\",\"line\":null,\"column\":null,"
                     "\"end_column\":null,\"offset\":4,\"label\":\"l\"}]}]");
}

static void test_diag_json_without_help_has_the_codes_fix_for_errors(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_error(sink, TVN_E_SIGNING_FAILED, TVN_SPAN_NONE, "m");

    check_json(sink, "[{\"severity\":\"error\",\"code\":\"E0603\",\"name\":\"SigningFailed\","
                     "\"message\":\"m\",\"file\":null,\"line\":null,\"column\":null,"
                     "\"end_column\":null,\"label\":null,\"notes\":[],"
                     "\"help\":\"Check signing key configuration.\",\"related\":[]}]");
}

static void test_diag_json_carries_any_bytes(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "a\"\\\n\x1b\xff ä");

    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 0);
    tvn_diag_json_array(sink, &json);
    assert_non_null(
        strstr(tvn_strbuf_text(&out), "\"message\":\"a\\\"\\\\\\n\\u001b\xef\xbf\xbd ä\""));
}

static void test_diag_json_stands_as_a_value_within_an_object(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "a");
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "b");
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 0);

    tvn_json_begin_object(&json);
    tvn_json_key(&json, "errors");
    tvn_diag_json_array(sink, &json);
    tvn_json_field_u64(&json, "exit_code", 1);
    tvn_json_end_object(&json);

    assert_true(tvn_str_starts_with(tvn_strbuf_view(&out), TVN_STR("{\"errors\":[{")));
    assert_true(tvn_str_ends_with(tvn_strbuf_view(&out), TVN_STR("}],\"exit_code\":1}")));
    assert_non_null(strstr(tvn_strbuf_text(&out), "\"related\":[]},{\"severity\""));
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, make_sink, drop_sink)

static const struct CMUnitTest tests[] = {
    WITH_SINK(test_diag_json_of_empty_sink_is_empty_array),
    WITH_SINK(test_diag_json_has_every_part),
    WITH_SINK(test_diag_json_without_place_has_nulls),
    WITH_SINK(test_diag_json_of_binary_source_has_offset),
    WITH_SINK(test_diag_json_without_help_has_the_codes_fix_for_errors),
    WITH_SINK(test_diag_json_carries_any_bytes),
    WITH_SINK(test_diag_json_stands_as_a_value_within_an_object),
};
TVN_TEST_MAIN("cli.diag_json", tests)
