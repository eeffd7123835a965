/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/diff.h"

#include "tvn_wit_test.h"

struct row {
    const char *before; /* what stands in "package a:b; …" */
    const char *after;
    const char *expected; /* "major a:b/i.f: text" of every change, divided by "; " */
};

static struct tvn_diff *diff_of(struct wit_case *before, struct wit_case *after)
{
    const struct tvn_package *old_package = tvn_wit_package_at(before->wit, 0);
    const struct tvn_package *new_package = tvn_wit_package_at(after->wit, 0);
    struct tvn_diff_side sides[] = {{.packages = &old_package, .package_count = 1},
                                    {.packages = &new_package, .package_count = 1}};
    struct tvn_diff *diff = NULL;
    assert_status(tvn_diff_compare(&sides[0], &sides[1], &diff), TVN_OK);
    return diff;
}

static void resolve(struct wit_case *wit_case, const char *text)
{
    TVN_AUTO_VALUE(tvn_strbuf) whole = {0};
    tvn_strbuf_printf(&whole, "package a:b; %s", text);
    assert_status(wit_case_run(wit_case, tvn_strbuf_text(&whole)), TVN_OK);
}

static void check_row(const struct row *row)
{
    struct wit_case before = wit_case_begin();
    struct wit_case after = wit_case_begin();
    resolve(&before, row->before);
    resolve(&after, row->after);
    TVN_AUTO(tvn_diff) diff = diff_of(&before, &after);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    for (size_t i = 0; i < tvn_diff_count(diff); i++) {
        const struct tvn_diff_change *change = tvn_diff_at(diff, i);
        tvn_strbuf_printf(&text, "%s%s%s %s: %s", i == 0 ? "" : "; ",
                          tvn_diff_level_name(change->level), change->abi_breaking ? "!" : "",
                          change->where, change->text);
    }
    assert_string_equal(tvn_strbuf_text(&text), row->expected);
    wit_case_end(&before);
    wit_case_end(&after);
}

static void test_diff_follows_the_rules(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"interface i { f: func(a: u8) -> u8; }", "interface i { f: func(a: u8) -> u8; }", ""},
        {"interface i {}", "interface i { f: func(); }", "minor a:b/i.f: the function was added"},
        {"interface i { f: func(); }", "interface i {}", "major a:b/i.f: the function was removed"},
        {"interface i { f: func(); }", "interface i { g: func(); }",
         "major a:b/i.f: the function was removed; minor a:b/i.g: the function was added"},
        {"interface i { f: func(a: u8); }", "interface i { f: func(b: u8); }",
         "major a:b/i.f: the function's signature changed"},
        {"interface i { f: func(); }", "interface i { f: async func(); }",
         "major a:b/i.f: the function's signature changed"},
        {"interface i { resource r; f: func(a: r); }",
         "interface i { resource r; f: func(a: borrow<r>); }",
         "major a:b/i.f: ownership in the function's signature changed"},
        {"interface i { record r { a: u8, b: u8 } }", "interface i { record r { b: u8, a: u8 } }",
         "major a:b/i.r: the order changed"},
        {"interface i { record r { a: u8 } }", "interface i { record r { a: u8, b: u8 } }",
         "major a:b/i.r: field 'b' was added"},
        {"interface i { record r { a: u8, b: u8 } }", "interface i { record r { a: u8 } }",
         "major a:b/i.r: field 'b' was removed"},
        {"interface i { variant v { a } }", "interface i { variant v { a, b(u8) } }",
         "minor! a:b/i.v: case 'b' was added"},
        {"interface i { variant v { a, b } }", "interface i { variant v { a, b(u8) } }",
         "major a:b/i.v: case 'b' has another payload"},
        {"interface i { enum e { a, b } }", "interface i { enum e { a } }",
         "major a:b/i.e: case 'b' was removed"},
        {"interface i { flags f { a } }", "interface i { flags f { a, b } }",
         "minor! a:b/i.f: flag 'b' was added"},
        {"interface i { type t = u8; f: func(a: t); }",
         "interface i { type t = u16; f: func(a: t); }",
         "major a:b/i.t: the type is another one; major a:b/i.f: the function's signature changed"},
        {"interface i { type t = u8; f: func(a: t); }",
         "interface i { type t = u8; f: func(a: u8); }", ""},
        {"interface i { record r { a: u8 } f: func(a: r); }",
         "interface i { record r { a: u16 } f: func(a: r); }",
         "major a:b/i.r: field 'a' has another type"},
        {"interface i { record r { a: u8 } }", "interface i { resource r; }",
         "major a:b/i.r: the type became a resource"},
        {"interface i { f: func(); }", "interface i { /// words\nf: func(); }",
         "patch a:b/i.f: documentation changed"},
        {"interface i {}", "interface j {}",
         "major a:b/i: the interface was removed; minor a:b/j: the interface was added"},
        {"interface i {} world w {}", "interface i {} world w { import i; }",
         "major a:b/w.a:b/i: the import was added"},
        {"interface t { type x = u8; } interface i { use t.{x}; f: func(a: x); }",
         "interface t { type x = u8; } interface i { use t.{x as y}; f: func(a: y); }",
         "major a:b/i.x: the type was removed; minor a:b/i.y: the type was added"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        check_row(&rows[i]);
    }
}

/* 2^60 paths through shared parts. */
static void test_diff_gives_up_on_entangled_types(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "interface i { resource r; type t0 = tuple<own<r>, u8>; ");
    for (int i = 1; i <= 60; i++) {
        tvn_strbuf_printf(&text, "type t%d = result<t%d, t%d>; ", i, i - 1, i - 1);
    }
    tvn_strbuf_add_text(&text, "f: func(a: t60); }");
    struct wit_case before = wit_case_begin();
    struct wit_case after = wit_case_begin();
    resolve(&before, tvn_strbuf_text(&text));
    resolve(&after, tvn_strbuf_text(&text));
    const struct tvn_package *packages[] = {tvn_wit_package_at(before.wit, 0),
                                            tvn_wit_package_at(after.wit, 0)};
    struct tvn_diff_side sides[] = {{.packages = &packages[0], .package_count = 1},
                                    {.packages = &packages[1], .package_count = 1}};
    struct tvn_diff *diff = NULL;
    assert_status(tvn_diff_compare(&sides[0], &sides[1], &diff), TVN_FULL);
    wit_case_end(&before);
    wit_case_end(&after);
}

static void test_diff_knows_version_steps(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *after;
        enum tvn_diff_level step;
    } rows[] = {
        {"1.2.3", "1.2.3", TVN_DIFF_NONE},  {"1.2.3", "1.2.4", TVN_DIFF_PATCH},
        {"1.2.3", "1.3.0", TVN_DIFF_MINOR}, {"1.2.3", "2.0.0", TVN_DIFF_MAJOR},
        {"0.1.0", "0.2.0", TVN_DIFF_MINOR}, {"1.2.3", "1.2.2", TVN_DIFF_MAJOR},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        struct tvn_semver before;
        struct tvn_semver after;
        assert_true(tvn_semver_parse(tvn_str_of(rows[i].before), &before));
        assert_true(tvn_semver_parse(tvn_str_of(rows[i].after), &after));
        assert_int_equal(tvn_diff_version_step(&before, &after), rows[i].step);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_diff_follows_the_rules),
    cmocka_unit_test(test_diff_gives_up_on_entangled_types),
    cmocka_unit_test(test_diff_knows_version_steps),
};

TVN_TEST_MAIN("contracts.diff", tests)
