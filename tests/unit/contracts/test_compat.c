/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/compat.h"

#include "tvn_wit_test.h"

static enum tvn_version_fit fit(const char *used, const char *offered)
{
    struct tvn_semver a = {0};
    struct tvn_semver b = {0};
    assert_true(used[0] == '\0' || tvn_semver_parse(tvn_str_of(used), &a));
    assert_true(offered[0] == '\0' || tvn_semver_parse(tvn_str_of(offered), &b));
    return tvn_version_fit(&a, &b);
}

static void test_compat_versions_fit_within_a_major_up_to_what_is_offered(void **state)
{
    (void)state;
    assert_int_equal(fit("0.1.0", "0.1.0"), TVN_VERSION_FITS);
    assert_int_equal(fit("0.1.0", "0.2.0"), TVN_VERSION_FITS);
    assert_int_equal(fit("0.2.0", "0.1.0"), TVN_VERSION_TOO_OLD);
    assert_int_equal(fit("1.0.0", "0.9.0"), TVN_VERSION_OTHER_MAJOR);
    assert_int_equal(fit("0.9.0", "1.0.0"), TVN_VERSION_OTHER_MAJOR);
    assert_int_equal(fit("", "1.0.0"), TVN_VERSION_FITS);
}

/* Two interfaces of one text, a:b/used and a:b/offered. */
static struct tvn_contract_difference compare(struct wit_case *wit_case, const char *text)
{
    assert_status(wit_case_run(wit_case, text), TVN_OK);
    const struct tvn_interface *used = tvn_wit_find_interface(wit_case->wit, TVN_STR("a:b/used"));
    const struct tvn_interface *offered =
        tvn_wit_find_interface(wit_case->wit, TVN_STR("a:b/offered"));
    assert_non_null(used);
    assert_non_null(offered);
    return tvn_contract_compare(used, offered);
}

static void expect(const char *text, enum tvn_contract_fault fault, const char *func)
{
    struct wit_case wit_case = wit_case_begin();
    struct tvn_contract_difference difference = compare(&wit_case, text);
    assert_int_equal(difference.fault, fault);
    assert_true(!func == !difference.used);
    assert_true(!func || tvn_str_is(difference.used->name, func));
    assert_int_equal(difference.offered != NULL, fault == TVN_CONTRACT_FUNC_DIFFERS);
    wit_case_end(&wit_case);
}

static void test_compat_of_a_subset_fits(void **state)
{
    (void)state;
    expect("package a:b; interface used { f: func(x: u32); }"
           "interface offered { g: func(); f: func(x: u32); }",
           TVN_CONTRACT_FITS, NULL);
}

static void test_compat_names_the_missing_function(void **state)
{
    (void)state;
    expect("package a:b; interface used { f: func(); g: func(); } interface offered { f: func(); }",
           TVN_CONTRACT_FUNC_MISSING, "g");
}

static void test_compat_sees_another_type(void **state)
{
    (void)state;
    expect("package a:b; interface used { f: func() -> u32; }"
           "interface offered { f: func() -> u64; }",
           TVN_CONTRACT_FUNC_DIFFERS, "f");
}

static void test_compat_sees_borrow_turned_into_own(void **state)
{
    (void)state;
    expect("package a:b; interface used { resource r; f: func(x: borrow<r>); }"
           "interface offered { resource r; f: func(x: r); }",
           TVN_CONTRACT_FUNC_DIFFERS, "f");
}

static void test_compat_takes_resources_of_one_name_for_the_same(void **state)
{
    (void)state;
    expect("package a:b; interface used { resource r { m: func(); } f: func(x: borrow<r>); }"
           "interface offered { resource r { m: func(); } f: func(x: borrow<r>); }",
           TVN_CONTRACT_FITS, NULL);
    expect("package a:b; interface used { resource r; f: func(x: borrow<r>); }"
           "interface offered { resource s; f: func(x: borrow<s>); }",
           TVN_CONTRACT_FUNC_DIFFERS, "f");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_compat_versions_fit_within_a_major_up_to_what_is_offered),
    cmocka_unit_test(test_compat_of_a_subset_fits),
    cmocka_unit_test(test_compat_names_the_missing_function),
    cmocka_unit_test(test_compat_sees_another_type),
    cmocka_unit_test(test_compat_sees_borrow_turned_into_own),
    cmocka_unit_test(test_compat_takes_resources_of_one_name_for_the_same),
};

TVN_TEST_MAIN("contracts.compat", tests)
