/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include "tvn_test.h"

static const char *const names[] = {"worker_threads", "queue_depth", "name", "fan", "version"};

static const char *suggest(const char *word)
{
    return tvn_suggest(tvn_str_of(word), names, TVN_ARRAY_LEN(names));
}

static void test_suggest_finds_name_within_the_allowed_edits(void **state)
{
    (void)state;
    assert_string_equal(suggest("worker_thread"), "worker_threads");
    assert_string_equal(suggest("workr_thraeds"), "worker_threads");
    assert_string_equal(suggest("queuedepth"), "queue_depth");
    assert_string_equal(suggest("nmae"), "name"); /* a swap is one edit */
    assert_string_equal(suggest("names"), "name");
    assert_string_equal(suggest("version"), "version");
}

static void test_suggest_when_nothing_is_near_returns_null(void **state)
{
    (void)state;
    assert_null(suggest("timeout"));
    assert_null(suggest("nxxe")); /* two edits, one allowed */
    assert_null(suggest(""));
    assert_null(tvn_suggest(TVN_STR("a"), NULL, 0));
}

static void test_suggest_single_letter_is_not_near_another(void **state)
{
    (void)state;
    static const char *const letters[] = {"b", "", "ab"};
    assert_null(tvn_suggest(TVN_STR("a"), letters, 2));
    assert_string_equal(tvn_suggest(TVN_STR("a"), letters, 3), "ab");
}

static void test_suggest_takes_nearest_and_earlier_on_tie(void **state)
{
    (void)state;
    static const char *const close[] = {"abcdeX", "abcdefg", "abcdef", "abcdfe"};
    assert_string_equal(tvn_suggest(TVN_STR("abcdef"), close, 4), "abcdef");
    assert_string_equal(tvn_suggest(TVN_STR("abcdef"), close, 2), "abcdeX");
    assert_string_equal(tvn_suggest(TVN_STR("abcdfeg"), close, 4), "abcdefg");
}

static void test_suggest_ignores_names_and_words_beyond_64_bytes(void **state)
{
    (void)state;
    char long_word[66];
    memset(long_word, 'a', 65);
    long_word[65] = '\0';
    const char *const list[] = {long_word, long_word + 1};
    assert_null(tvn_suggest(tvn_str_of(long_word), list, 2));
    assert_ptr_equal(tvn_suggest(tvn_str_of(long_word + 1), list, 2), long_word + 1);
    assert_ptr_equal(tvn_suggest(tvn_str_of(long_word + 2), list, 2), long_word + 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_suggest_finds_name_within_the_allowed_edits),
    cmocka_unit_test(test_suggest_when_nothing_is_near_returns_null),
    cmocka_unit_test(test_suggest_single_letter_is_not_near_another),
    cmocka_unit_test(test_suggest_takes_nearest_and_earlier_on_tie),
    cmocka_unit_test(test_suggest_ignores_names_and_words_beyond_64_bytes),
};
TVN_TEST_MAIN("base.suggest", tests)
