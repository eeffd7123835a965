/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include "tvn_test.h"

static struct tvn_json *parse(const char *text)
{
    struct tvn_json *value = NULL;
    struct tvn_json_error error = {0};
    assert_status(tvn_json_parse(tvn_str_of(text), &value, &error), TVN_OK);
    return value;
}

static void test_json_values_keep_kind_and_order(void **state)
{
    (void)state;
    TVN_AUTO(tvn_json)
    value = parse("{\"z\":[1,-2.5,true,null,\"\\u00e9\"],\"a\":{}}");
    assert_int_equal(tvn_json_kind(value), TVN_JSON_OBJECT);
    assert_int_equal(tvn_json_count(value), 2);
    const struct tvn_json *array = tvn_json_get(value, "z");
    assert_int_equal(tvn_json_count(array), 5);
    assert_int_equal(tvn_json_integer(tvn_json_at(array, 0)), 1);
    assert_true(tvn_json_real(tvn_json_at(array, 0)) == 1.0);
    assert_true(tvn_json_real(tvn_json_at(array, 1)) == -2.5);
    assert_true(tvn_json_boolean(tvn_json_at(array, 2)));
    assert_int_equal(tvn_json_kind(tvn_json_at(array, 3)), TVN_JSON_NULL);
    assert_str(tvn_json_string(tvn_json_at(array, 4)), "\xc3\xa9");
    assert_null(tvn_json_at(array, 5));
    assert_null(tvn_json_get(value, "missing"));
    assert_null(tvn_json_get(array, "no object"));
    void *cursor = NULL;
    const char *key = NULL;
    struct tvn_json *member = NULL;
    assert_true(tvn_json_next(value, &cursor, &key, &member));
    assert_string_equal(key, "z");
    assert_true(tvn_json_next(value, &cursor, &key, &member));
    assert_string_equal(key, "a");
    assert_false(tvn_json_next(value, &cursor, &key, &member));
}

static void test_json_errors_have_an_offset(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at_least;
        size_t at_most;
    } cases[] = {
        {"", 0, 0},
        {"{\"a\":1,\"a\":2}", 8, 12},
        {"[1,]", 3, 4},
        {"[1] x", 4, 5},
        {"{'a':1}", 1, 3},
        {"nul", 0, 3},
        {"\"\xff\"", 0, 2},
        {"[1e999]", 1, 6},
        {"123456789012345678901234567890", 0, 30},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct tvn_json *value = NULL;
        struct tvn_json_error error = {0};
        assert_status(tvn_json_parse(tvn_str_of(cases[i].text), &value, &error),
                      TVN_E_CONSTRAINT_VIOLATION);
        assert_null(value);
        assert_true(error.text[0] != '\0');
        assert_in_range(error.offset, cases[i].at_least, cases[i].at_most);
    }
}

static void test_json_depth_is_limited(void **state)
{
    (void)state;
    for (size_t depth = TVN_JSON_DEPTH_MAX; depth <= TVN_JSON_DEPTH_MAX + 1; depth++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_strbuf_add_repeat(&text, '[', depth);
        tvn_strbuf_add_text(&text, "\"]]{{\\\"[[\"");
        tvn_strbuf_add_repeat(&text, ']', depth);
        TVN_AUTO(tvn_json) value = NULL;
        struct tvn_json_error error = {0};
        bool allowed = depth <= TVN_JSON_DEPTH_MAX;
        assert_status(tvn_json_parse(tvn_strbuf_view(&text), &value, &error),
                      allowed ? TVN_OK : TVN_E_CONSTRAINT_VIOLATION);
        assert_int_equal(error.offset, allowed ? 0 : TVN_JSON_DEPTH_MAX);
    }
}

static void test_json_nul_is_for_those_who_ask(void **state)
{
    (void)state;
    const struct tvn_str text = TVN_STR("[\"a\\u0000b\"]");
    struct tvn_json *value = NULL;
    struct tvn_json_error error = {0};
    assert_status(tvn_json_parse(text, &value, &error), TVN_E_CONSTRAINT_VIOLATION);
    assert_null(value);
    assert_status(tvn_json_parse_with_nul(text, &value, &error), TVN_OK);
    assert_true(tvn_str_equal(tvn_json_string(tvn_json_at(value, 0)), TVN_STR("a\0b")));
    tvn_json_unref(TVN_TAKE(value));
    assert_status(tvn_json_parse_with_nul(TVN_STR("{\"a\\u0000\":1}"), &value, &error),
                  TVN_E_CONSTRAINT_VIOLATION);
}

static void test_json_set_replaces_and_prints_compactly(void **state)
{
    (void)state;
    TVN_AUTO(tvn_json) value = parse("{\"count\": 5, \"b\": [1, 2]}");
    assert_status(tvn_json_set(value, "count", parse("7")), TVN_OK);
    assert_status(tvn_json_set(value, "new", tvn_json_create_string(TVN_STR("x\"y"))), TVN_OK);
    assert_status(tvn_json_set(value, "none", NULL), TVN_E_OUT_OF_MEMORY);
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_json_print(value, &out);
    assert_string_equal(tvn_strbuf_text(&out), "{\"count\":7,\"b\":[1,2],\"new\":\"x\\\"y\"}");
    TVN_AUTO_VALUE(tvn_strbuf) small = {.max = 8};
    tvn_json_print(value, &small);
    assert_true(small.failed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_json_values_keep_kind_and_order),
    cmocka_unit_test(test_json_errors_have_an_offset),
    cmocka_unit_test(test_json_depth_is_limited),
    cmocka_unit_test(test_json_nul_is_for_those_who_ask),
    cmocka_unit_test(test_json_set_replaces_and_prints_compactly),
};
TVN_TEST_MAIN("format.json", tests)
