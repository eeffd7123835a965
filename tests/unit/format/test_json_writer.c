/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"
#include "format/json_writer.h"

#include "tvn_test.h"

#include <math.h>

static void write_sample(struct tvn_json_writer *json)
{
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "text", "a\"\\\n\t\x01z");
    tvn_json_field_u64(json, "big", UINT64_MAX);
    tvn_json_field_i64(json, "small", INT64_MIN);
    tvn_json_field_bool(json, "yes", true);
    tvn_json_field_text(json, "none", NULL);
    tvn_json_key(json, "list");
    tvn_json_begin_array(json);
    tvn_json_write_real(json, 0.1);
    tvn_json_write_real(json, 3.0);
    tvn_json_write_real(json, 1e300);
    tvn_json_write_real(json, (double)NAN);
    tvn_json_begin_object(json);
    tvn_json_end_object(json);
    tvn_json_begin_array(json);
    tvn_json_end_array(json);
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

static void test_json_writer_compact_is_exact(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 0);
    write_sample(&json);
    assert_string_equal(tvn_strbuf_text(&out),
                        "{\"text\":\"a\\\"\\\\\\n\\t\\u0001z\",\"big\":18446744073709551615,"
                        "\"small\":-9223372036854775808,\"yes\":true,\"none\":null,"
                        "\"list\":[0.1,3.0,1e+300,null,{},[]]}");
}

static void test_json_writer_indented_is_exact(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 2);
    tvn_json_begin_object(&json);
    tvn_json_field_i64(&json, "a", 1);
    tvn_json_key(&json, "b");
    tvn_json_begin_array(&json);
    tvn_json_write_null(&json);
    tvn_json_end_array(&json);
    tvn_json_end_object(&json);
    assert_string_equal(tvn_strbuf_text(&out), "{\n  \"a\": 1,\n  \"b\": [\n    null\n  ]\n}");
}

static void test_json_writer_replaces_invalid_utf8(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 0);
    tvn_json_write_str(&json, TVN_STR("a\xff\xfe\xc3\xa9\xc3"));
    assert_string_equal(tvn_strbuf_text(&out), "\"a\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\"");
}

static void test_json_writer_output_parses_back(void **state)
{
    (void)state;
    uint64_t seed = tvn_test_seed();
    for (size_t round = 0; round < 200; round++) {
        char bytes[64];
        size_t length = (size_t)(tvn_test_random(&seed) % sizeof(bytes));
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (char)tvn_test_random(&seed);
        }
        uint64_t raw = tvn_test_random(&seed);
        double real;
        memcpy(&real, &raw, sizeof(real));
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        struct tvn_json_writer json;
        tvn_json_writer_init(&json, &out, (unsigned)(round % 3));
        tvn_json_begin_array(&json);
        tvn_json_write_str(&json, (struct tvn_str){bytes, length});
        tvn_json_write_real(&json, real);
        tvn_json_end_array(&json);
        TVN_AUTO(tvn_json) value = NULL;
        struct tvn_json_error error = {0};
        if (memchr(bytes, '\0', length)) {
            continue; /* the reader refuses U+0000 */
        }
        assert_status(tvn_json_parse(tvn_strbuf_view(&out), &value, &error), TVN_OK);
        if (isfinite(real)) {
            assert_true(tvn_json_real(tvn_json_at(value, 1)) == real);
        }
    }
}

static void write_value_without_key(void *context)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, context, 0);
    tvn_json_begin_object(&json);
    tvn_json_write_null(&json);
}

static void end_wrong_kind(void *context)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, context, 0);
    tvn_json_begin_array(&json);
    tvn_json_end_object(&json);
}

static void write_two_values(void *context)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, context, 0);
    tvn_json_write_null(&json);
    tvn_json_write_null(&json);
}

static void test_json_writer_misuse_is_asserted(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    assert_aborts(write_value_without_key, &out);
    assert_aborts(end_wrong_kind, &out);
    assert_aborts(write_two_values, &out);
}

static void test_json_writer_deepest_nesting_works(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 0);
    for (size_t i = 0; i < TVN_JSON_WRITER_DEPTH_MAX; i++) {
        tvn_json_begin_array(&json);
        tvn_json_write_i64(&json, 0);
    }
    for (size_t i = 0; i < TVN_JSON_WRITER_DEPTH_MAX; i++) {
        tvn_json_end_array(&json);
    }
    assert_int_equal(out.len, 4 * TVN_JSON_WRITER_DEPTH_MAX - 1);
}

static void write_nested(struct tvn_json_writer *json)
{
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "n", 1);
    tvn_json_key(json, "list");
    tvn_json_begin_array(json);
    tvn_json_write_bool(json, true);
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

static void write_around(unsigned indent, bool apart, struct tvn_strbuf *out)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, out, indent);
    tvn_json_begin_object(&json);
    tvn_json_key(&json, "values");
    tvn_json_begin_array(&json);
    for (unsigned i = 0; i < 2; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) value = {0};
        struct tvn_json_writer other;
        tvn_json_writer_init_value(&other, &value, indent, json.depth);
        write_nested(apart ? &other : &json);
        if (apart) {
            tvn_json_write_written(&json, tvn_strbuf_view(&value));
        }
    }
    tvn_json_end_array(&json);
    tvn_json_end_object(&json);
}

static void test_json_writer_value_written_apart_is_the_same(void **state)
{
    (void)state;
    for (unsigned indent = 0; indent <= 2; indent += 2) {
        TVN_AUTO_VALUE(tvn_strbuf) at_once = {0};
        TVN_AUTO_VALUE(tvn_strbuf) apart = {0};
        write_around(indent, false, &at_once);
        write_around(indent, true, &apart);
        assert_string_equal(tvn_strbuf_text(&apart), tvn_strbuf_text(&at_once));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_json_writer_compact_is_exact),
    cmocka_unit_test(test_json_writer_indented_is_exact),
    cmocka_unit_test(test_json_writer_replaces_invalid_utf8),
    cmocka_unit_test(test_json_writer_output_parses_back),
    cmocka_unit_test(test_json_writer_misuse_is_asserted),
    cmocka_unit_test(test_json_writer_deepest_nesting_works),
    cmocka_unit_test(test_json_writer_value_written_apart_is_the_same),
};
TVN_TEST_MAIN("format.json_writer", tests)
