/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "tvn_test.h"

static void test_str_equal_compares_bytes_and_length(void **state)
{
    (void)state;
    assert_true(tvn_str_equal(TVN_STR("ab"), TVN_STR("ab")));
    assert_false(tvn_str_equal(TVN_STR("ab"), TVN_STR("abc")));
    assert_false(tvn_str_equal(TVN_STR("a\0b"), TVN_STR("a\0c")));
    assert_true(tvn_str_equal((struct tvn_str){NULL, 0}, TVN_STR("")));
    assert_true(tvn_str_is(TVN_STR("x"), "x"));
    assert_int_equal(tvn_str_of(NULL).len, 0);
}

static void test_str_starts_and_ends_with(void **state)
{
    (void)state;
    struct tvn_str empty = {NULL, 0};
    assert_true(tvn_str_starts_with(TVN_STR("torvyn_x"), TVN_STR("torvyn_")));
    assert_false(tvn_str_starts_with(TVN_STR("tor"), TVN_STR("torvyn_")));
    assert_true(tvn_str_ends_with(TVN_STR("a.wit"), TVN_STR(".wit")));
    assert_false(tvn_str_ends_with(TVN_STR("wit"), TVN_STR(".wit")));
    assert_true(tvn_str_starts_with(TVN_STR("a"), TVN_STR("")));
    assert_true(tvn_str_ends_with(empty, empty));
}

static void test_str_find_first_last_and_missing(void **state)
{
    (void)state;
    assert_int_equal(tvn_str_find(TVN_STR("a/b/c"), '/'), 1);
    assert_int_equal(tvn_str_find_last(TVN_STR("a/b/c"), '/'), 3);
    assert_true(tvn_str_find(TVN_STR("abc"), '/') == SIZE_MAX);
    assert_true(tvn_str_find_last(TVN_STR("abc"), '/') == SIZE_MAX);
    assert_true(tvn_str_find((struct tvn_str){NULL, 0}, 'a') == SIZE_MAX);
    assert_int_equal(tvn_str_find_last(TVN_STR("/"), '/'), 0);
}

static void test_str_trim_strips_ascii_space_only(void **state)
{
    (void)state;
    assert_str(tvn_str_trim(TVN_STR(" \t\r\n\v\fa b \n")), "a b");
    assert_str(tvn_str_trim(TVN_STR("   ")), "");
    assert_str(tvn_str_trim(TVN_STR("")), "");
    assert_str(tvn_str_trim(TVN_STR("\xc2\xa0"
                                    "a")),
               "\xc2\xa0"
               "a"); /* no-break space stays */
}

static void test_strbuf_zeroed_is_empty_and_usable(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) buf = {0};
    assert_string_equal(tvn_strbuf_text(&buf), "");
    assert_int_equal(tvn_strbuf_view(&buf).len, 0);

    tvn_strbuf_add_text(&buf, "a");
    tvn_strbuf_add_char(&buf, 'b');
    tvn_strbuf_add_str(&buf, TVN_STR("cd"));
    tvn_strbuf_add_repeat(&buf, '-', 3);
    tvn_strbuf_add(&buf, NULL, 0);
    tvn_strbuf_printf(&buf, "%d %s", 42, "end");

    assert_string_equal(tvn_strbuf_text(&buf), "abcd---42 end");
    assert_false(buf.failed);
}

static void test_strbuf_grows_through_many_sizes(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) buf = {0};
    for (int i = 0; i < 10000; i++) {
        tvn_strbuf_printf(&buf, "%04d", i);
    }
    assert_false(buf.failed);
    assert_int_equal(buf.len, 40000);
    assert_int_equal(strlen(buf.ptr), 40000);
    assert_memory_equal(buf.ptr + 4936, "1234", 4);
}

static void test_strbuf_at_maximum_keeps_prefix_and_fails_sticky(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) buf;
    tvn_strbuf_init(&buf, 5);

    tvn_strbuf_add_text(&buf, "abc");
    tvn_strbuf_add_text(&buf, "de");
    assert_false(buf.failed);
    tvn_strbuf_add_text(&buf, "fgh");

    assert_true(buf.failed);
    assert_string_equal(tvn_strbuf_text(&buf), "abcde");

    tvn_strbuf_reset(&buf);
    assert_false(buf.failed);
    assert_string_equal(tvn_strbuf_text(&buf), "");
    tvn_strbuf_add_text(&buf, "abcdefgh");
    assert_true(buf.failed);
    assert_string_equal(tvn_strbuf_text(&buf), "abcde");
}

static void test_strbuf_after_failure_takes_nothing_more(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) buf = {0};
    tvn_strbuf_add_text(&buf, "kept");
    tvn_mem_fail_at(1, false);

    tvn_strbuf_add_repeat(&buf, 'x', 1000); /* needs memory */
    tvn_strbuf_add_text(&buf, "y");         /* would fit */
    tvn_strbuf_printf(&buf, "z");

    assert_true(buf.failed);
    assert_string_equal(tvn_strbuf_text(&buf), "kept");
}

static void test_strbuf_first_allocation_failing_leaves_empty_text(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) buf = {0};
    tvn_mem_fail_at(1, false);

    tvn_strbuf_printf(&buf, "%d", 1);

    assert_true(buf.failed);
    assert_string_equal(tvn_strbuf_text(&buf), "");
}

static void test_strbuf_printf_beyond_maximum_is_cut(void **state)
{
    (void)state;
    for (size_t max = 1; max < 200; max++) {
        TVN_AUTO_VALUE(tvn_strbuf) buf = {.max = max};
        tvn_strbuf_printf(&buf, "%0150d", 7);
        assert_int_equal(buf.failed, max < 150);
        assert_int_equal(buf.len, max < 150 ? max : 150);
        assert_int_equal(strlen(tvn_strbuf_text(&buf)), buf.len);
    }
}

static void test_strbuf_printf_with_empty_result_changes_nothing(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) buf = {0};
    tvn_strbuf_printf(&buf, "%s", "");
    assert_false(buf.failed);
    assert_string_equal(tvn_strbuf_text(&buf), "");
}

static void test_strbuf_deinit_leaves_usable_buffer_with_its_maximum(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) buf = {.max = 3};
    tvn_strbuf_add_text(&buf, "abcdef");

    tvn_strbuf_deinit(&buf);

    assert_false(buf.failed);
    tvn_strbuf_add_text(&buf, "wxyz");
    assert_string_equal(tvn_strbuf_text(&buf), "wxy");
    tvn_strbuf_deinit(NULL);
}

static void check_escaped(struct tvn_str text, const char *expected)
{
    TVN_AUTO_VALUE(tvn_strbuf) buf = {0};
    tvn_strbuf_add_escaped(&buf, text);
    assert_str(tvn_strbuf_view(&buf), expected);
}

static void test_strbuf_add_escaped_leaves_printable_text(void **state)
{
    (void)state;
    check_escaped(TVN_STR(""), "");
    check_escaped(TVN_STR("plain ~ \"quoted\" \\ text"), "plain ~ \"quoted\" \\ text");
    check_escaped(TVN_STR("gr\u00fc\u00dfe \u20ac \U0001f389"),
                  "gr\u00fc\u00dfe \u20ac \U0001f389");
    check_escaped(TVN_STR("\xc2\xa0"), "\xc2\xa0"); /* U+00A0, the first beyond the C1 controls */
}

static void test_strbuf_add_escaped_shows_controls(void **state)
{
    (void)state;
    check_escaped(TVN_STR("a\nb\tc\r"), "a\\nb\\tc\\r");
    check_escaped(TVN_STR("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
    check_escaped(TVN_STR("\0\x07\x7f"), "\\x00\\x07\\x7f");
    check_escaped(TVN_STR("\xc2\x80\xc2\x9b"
                          "31m\xc2\x9f"),
                  "\\u{80}\\u{9b}31m\\u{9f}");
}

static void test_strbuf_add_escaped_shows_bidi_and_line_separators(void **state)
{
    (void)state;
    check_escaped(TVN_STR("\xe2\x80\xae"
                          "evil"),
                  "\\u{202e}evil");
    check_escaped(TVN_STR("\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad"),
                  "\\u{202a}\\u{202b}\\u{202c}\\u{202d}");
    check_escaped(TVN_STR("\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9"),
                  "\\u{2066}\\u{2067}\\u{2068}\\u{2069}");
    check_escaped(TVN_STR("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c"), "\\u{200e}\\u{200f}\\u{61c}");
    check_escaped(TVN_STR("\xe2\x80\xa8\xe2\x80\xa9"), "\\u{2028}\\u{2029}");
    check_escaped(TVN_STR("\xe2\x80\xa7\xe2\x80\xaf"), "\xe2\x80\xa7\xe2\x80\xaf"); /* neighbours */
}

static void test_strbuf_add_escaped_shows_invalid_bytes(void **state)
{
    (void)state;
    check_escaped(TVN_STR("a\xff"
                          "b"),
                  "a\\xffb");
    check_escaped(TVN_STR("\xe2\x82"), "\\xe2\\x82");
    check_escaped(TVN_STR("\xed\xa0\x80"), "\\xed\\xa0\\x80");
    check_escaped(TVN_STR("\xc0\x9b"), "\\xc0\\x9b");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_str_equal_compares_bytes_and_length),
    cmocka_unit_test(test_str_starts_and_ends_with),
    cmocka_unit_test(test_str_find_first_last_and_missing),
    cmocka_unit_test(test_str_trim_strips_ascii_space_only),
    cmocka_unit_test(test_strbuf_zeroed_is_empty_and_usable),
    cmocka_unit_test(test_strbuf_grows_through_many_sizes),
    cmocka_unit_test(test_strbuf_at_maximum_keeps_prefix_and_fails_sticky),
    cmocka_unit_test(test_strbuf_after_failure_takes_nothing_more),
    cmocka_unit_test(test_strbuf_first_allocation_failing_leaves_empty_text),
    cmocka_unit_test(test_strbuf_printf_beyond_maximum_is_cut),
    cmocka_unit_test(test_strbuf_printf_with_empty_result_changes_nothing),
    cmocka_unit_test(test_strbuf_deinit_leaves_usable_buffer_with_its_maximum),
    cmocka_unit_test(test_strbuf_add_escaped_leaves_printable_text),
    cmocka_unit_test(test_strbuf_add_escaped_shows_controls),
    cmocka_unit_test(test_strbuf_add_escaped_shows_bidi_and_line_separators),
    cmocka_unit_test(test_strbuf_add_escaped_shows_invalid_bytes),
};
TVN_TEST_MAIN("base.str", tests)
