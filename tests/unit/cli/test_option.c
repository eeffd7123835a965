/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "cli/option.h"

#include "tvn_test.h"

struct values {
    bool flag;
    const char *text;
    struct tvn_opt_list list;
    uint64_t count;
    uint64_t duration_ns;
    unsigned choice;
    const char *word;
};

static const char *const words[] = {"one", "two", NULL};

static const struct tvn_opt table[] = {
    {.name = "flag", .letter = 'f', .kind = TVN_OPT_FLAG, .offset = offsetof(struct values, flag)},
    {.name = "text", .kind = TVN_OPT_TEXT, .offset = offsetof(struct values, text)},
    {.name = "list", .kind = TVN_OPT_LIST, .offset = offsetof(struct values, list)},
    {.name = "count", .kind = TVN_OPT_COUNT, .offset = offsetof(struct values, count)},
    {.name = "duration", .kind = TVN_OPT_DURATION, .offset = offsetof(struct values, duration_ns)},
    {.name = "choice",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct values, choice),
     .choices = words},
    {.name = "word",
     .kind = TVN_OPT_WORD,
     .offset = offsetof(struct values, word),
     .choices = words},
    {0},
};

static int make_arena(void **state)
{
    *state = tvn_arena_create(0);
    return *state ? 0 : -1;
}

static int drop_arena(void **state)
{
    tvn_arena_destroy(*state);
    return 0;
}

static enum tvn_status store(void **state, struct values *values, const char *name,
                             const char *text, struct tvn_strbuf *why)
{
    const struct tvn_opt *opt = tvn_opt_find(table, tvn_str_of(name));
    assert_non_null(opt);
    return tvn_opt_store(opt, text, *state, values, why);
}

static void test_opt_find_by_name_and_letter(void **state)
{
    (void)state;
    assert_int_equal(tvn_opt_count(table), 7);
    assert_int_equal(tvn_opt_count(NULL), 0);
    assert_ptr_equal(tvn_opt_find(table, TVN_STR("text")), &table[1]);
    assert_null(tvn_opt_find(table, TVN_STR("tex")));
    assert_null(tvn_opt_find(table, TVN_STR("")));
    assert_null(tvn_opt_find(NULL, TVN_STR("text")));
    assert_ptr_equal(tvn_opt_find_letter(table, 'f'), &table[0]);
    assert_null(tvn_opt_find_letter(table, 'x'));
    assert_null(tvn_opt_find_letter(table, '\0'));
}

static void test_opt_store_of_each_kind(void **state)
{
    struct values values = {0};
    TVN_AUTO_VALUE(tvn_strbuf) why = {0};
    assert_status(store(state, &values, "flag", NULL, &why), TVN_OK);
    assert_status(store(state, &values, "text", "a=b", &why), TVN_OK);
    assert_status(store(state, &values, "count", "18446744073709551615", &why), TVN_OK);
    assert_status(store(state, &values, "duration", "1.5s", &why), TVN_OK);
    assert_status(store(state, &values, "choice", "two", &why), TVN_OK);
    assert_status(store(state, &values, "word", "two", &why), TVN_OK);
    assert_true(values.flag);
    assert_string_equal(values.text, "a=b");
    assert_int_equal(values.count, UINT64_MAX);
    assert_int_equal(values.duration_ns, 1500000000);
    assert_int_equal(values.choice, 1);
    assert_string_equal(values.word, "two");
    assert_int_equal(why.len, 0);
}

static void test_opt_store_in_list_keeps_the_order(void **state)
{
    struct values values = {0};
    TVN_AUTO_VALUE(tvn_strbuf) why = {0};
    static const char *const items[] = {"a", "b", "c"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(items); i++) {
        assert_status(store(state, &values, "list", items[i], &why), TVN_OK);
    }
    assert_int_equal(values.list.count, 3);
    for (size_t i = 0; i < TVN_ARRAY_LEN(items); i++) {
        assert_string_equal(values.list.items[i], items[i]);
    }
}

static void test_opt_store_of_a_bad_value_says_why_and_changes_nothing(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *why;
    } cases[] = {
        {"count", "0", "write a whole number of at least 1"},
        {"count", "-1", "write a whole number of at least 1"},
        {"count", "", "write a whole number of at least 1"},
        {"count", "18446744073709551616", "the most is 18446744073709551615"},
        {"duration", "30", "write a unit behind the number, such as 500ms, 30s or 5m"},
        {"duration", "0", "write a number with a unit, such as 500ms, 30s or 5m"},
        {"duration", "0s", "write a number with a unit, such as 500ms, 30s or 5m"},
        {"choice", "three", "possible values: one, two"},
        {"word", "", "possible values: one, two"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct values values = {0};
        static const struct values untouched;
        TVN_AUTO_VALUE(tvn_strbuf) why = {0};
        assert_status(store(state, &values, cases[i].name, cases[i].text, &why),
                      TVN_E_CONSTRAINT_VIOLATION);
        assert_str(tvn_strbuf_view(&why), cases[i].why);
        assert_memory_equal(&values, &untouched, sizeof(values));
    }
}

static void test_opt_store_in_list_without_memory_keeps_what_was_there(void **state)
{
    struct values values = {0};
    TVN_AUTO_VALUE(tvn_strbuf) why = {0};
    assert_status(store(state, &values, "list", "a", &why), TVN_OK);
    TVN_AUTO(tvn_arena) full = tvn_arena_create(1);
    const struct tvn_opt *list = tvn_opt_find(table, TVN_STR("list"));
    assert_status(tvn_opt_store(list, "b", full, &values, &why), TVN_E_OUT_OF_MEMORY);
    assert_int_equal(values.list.count, 1);
    assert_string_equal(values.list.items[0], "a");
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, make_arena, drop_arena)

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_opt_find_by_name_and_letter),
    WITH_ARENA(test_opt_store_of_each_kind),
    WITH_ARENA(test_opt_store_in_list_keeps_the_order),
    WITH_ARENA(test_opt_store_of_a_bad_value_says_why_and_changes_nothing),
    WITH_ARENA(test_opt_store_in_list_without_memory_keeps_what_was_there),
};
TVN_TEST_MAIN("cli.option", tests)
