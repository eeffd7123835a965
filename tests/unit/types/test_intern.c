/* SPDX-License-Identifier: Apache-2.0 */
#include "types/intern.h"

#include "tvn_test.h"

static enum tvn_status add(struct tvn_intern *intern, const char *name, uint32_t *out_index)
{
    return tvn_intern_add(intern, name, strlen(name), out_index);
}

static void test_intern_empty_name_is_index_0(void **state)
{
    (void)state;
    struct tvn_intern intern;
    tvn_intern_init(&intern);
    uint32_t index = 9;
    assert_status(tvn_intern_add(&intern, NULL, 0, &index), TVN_OK);
    assert_int_equal(index, 0);
    assert_str(tvn_intern_name(&intern, 0), "");
}

static void test_intern_same_name_same_index(void **state)
{
    (void)state;
    struct tvn_intern intern;
    tvn_intern_init(&intern);
    uint32_t text, json, again;
    assert_status(add(&intern, "text/plain", &text), TVN_OK);
    assert_status(add(&intern, "application/json", &json), TVN_OK);
    assert_status(add(&intern, "text/plain", &again), TVN_OK);
    assert_int_equal(text, again);
    assert_int_not_equal(text, json);
    assert_str(tvn_intern_name(&intern, json), "application/json");
    assert_status(add(&intern, "text/plai", &again), TVN_OK);
    assert_int_not_equal(text, again);
}

static void test_intern_64_names_then_budget_exceeded(void **state)
{
    (void)state;
    struct tvn_intern intern;
    tvn_intern_init(&intern);
    char name[32];
    uint32_t index;
    for (int i = 1; i < TVN_INTERN_MAX; i++) {
        snprintf(name, sizeof(name), "type/%d", i);
        assert_status(add(&intern, name, &index), TVN_OK);
        assert_int_equal(index, i);
    }
    index = 1234;
    assert_status(add(&intern, "one/more", &index), TVN_E_BUDGET_EXCEEDED);
    assert_int_equal(index, 1234);
    assert_status(add(&intern, "type/63", &index), TVN_OK);
    assert_int_equal(index, 63);
}

static void test_intern_length_256_fits_257_does_not(void **state)
{
    (void)state;
    struct tvn_intern intern;
    tvn_intern_init(&intern);
    char name[258];
    memset(name, 'x', sizeof(name));
    uint32_t index;
    assert_status(tvn_intern_add(&intern, name, 256, &index), TVN_OK);
    assert_status(tvn_intern_add(&intern, name, 257, &index), TVN_E_CAPACITY_EXCEEDED);
}

static void test_intern_controls_and_bad_utf8_are_refused(void **state)
{
    (void)state;
    struct tvn_intern intern;
    tvn_intern_init(&intern);
    uint32_t index;
    const char *bad[] = {"a\nb", "\x7f", "a\xc2\x85", "\xff", "\xc2", "\x1b[0m"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        assert_status(add(&intern, bad[i], &index), TVN_E_CONSTRAINT_VIOLATION);
    }
    assert_status(tvn_intern_add(&intern, "a\0b", 3, &index), TVN_E_CONSTRAINT_VIOLATION);
    assert_int_equal(intern.count, 1);
    assert_status(add(&intern, "t/\xc3\xa9", &index), TVN_OK);
    assert_status(add(&intern, "t/\xc2\xa0", &index), TVN_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_intern_empty_name_is_index_0),
    cmocka_unit_test(test_intern_same_name_same_index),
    cmocka_unit_test(test_intern_64_names_then_budget_exceeded),
    cmocka_unit_test(test_intern_length_256_fits_257_does_not),
    cmocka_unit_test(test_intern_controls_and_bad_utf8_are_refused),
};
TVN_TEST_MAIN("types.intern", tests)
