/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed parses back to the same, for the canonical packages and for texts with every
 * construct. */
#include "tvn_wit_test.h"

static void resolve_path(struct wit_case *wit_case, const char *path)
{
    assert_diag_status(tvn_wit_add_path(wit_case->wit, path, wit_case->sink), TVN_OK,
                       wit_case->sink);
    assert_diag_status(tvn_wit_resolve(wit_case->wit, wit_case->sink), TVN_OK, wit_case->sink);
}

/* Prints every package, reads them as one set, prints again. */
static void expect_fixpoint(const struct wit_case *original)
{
    struct wit_case again = wit_case_begin();
    tvn_wit_enable_all_features(again.wit);
    size_t count = tvn_wit_package_count(original->wit);
    for (size_t i = 0; i < count; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_wit_print_package(tvn_wit_package_at(original->wit, i), &text);
        assert_false(text.failed);
        char name[32];
        snprintf(name, sizeof(name), "%zu/a.wit", i);
        enum tvn_status status =
            tvn_wit_add_text(again.wit, name, tvn_strbuf_view(&text), again.sink);
        if (status != TVN_OK) {
            print_error("%s", tvn_strbuf_text(&text));
        }
        assert_diag_status(status, TVN_OK, again.sink);
    }
    assert_diag_status(tvn_wit_resolve(again.wit, again.sink), TVN_OK, again.sink);
    assert_int_equal(tvn_wit_package_count(again.wit), count);
    for (size_t i = 0; i < count; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) first = {0};
        TVN_AUTO_VALUE(tvn_strbuf) second = {0};
        tvn_wit_print_package(tvn_wit_package_at(original->wit, i), &first);
        tvn_wit_print_package(tvn_wit_package_at(again.wit, i), &second);
        assert_string_equal(tvn_strbuf_text(&second), tvn_strbuf_text(&first));
    }
    wit_case_end(&again);
}

static struct wit_case resolved(const char *text)
{
    struct wit_case wit_case = wit_case_begin();
    tvn_wit_enable_all_features(wit_case.wit);
    assert_status(wit_case_run(&wit_case, text), TVN_OK);
    return wit_case;
}

static void test_wit_print_is_a_fixpoint_over_the_canonical_packages(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t packages;
    } rows[] = {
        {TVN_SOURCE_DIR "/wit/torvyn-streaming", 1},    {TVN_SOURCE_DIR "/wit/torvyn-filtering", 2},
        {TVN_SOURCE_DIR "/wit/torvyn-aggregation", 2},  {TVN_SOURCE_DIR "/wit/torvyn-resources", 2},
        {TVN_SOURCE_DIR "/wit/torvyn-capabilities", 1}, {TVN_SOURCE_DIR "/wit/torvyn-runtime", 1},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        struct wit_case wit_case = wit_case_begin();
        resolve_path(&wit_case, rows[i].path);
        assert_int_equal(tvn_wit_package_count(wit_case.wit), rows[i].packages);
        expect_fixpoint(&wit_case);
        wit_case_end(&wit_case);
    }
}

static void test_wit_print_is_a_fixpoint_over_every_construct(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "package a:b;",
        "package %interface:%world@1.2.3-a.b+c; interface %type { type %list = u8; %func: "
        "func(%async: %list); } "
        "world %use { import %type; }",
        "/// one\n///\n/// two\tthree\npackage a:b; /** four */ interface i { /// five\nf: func(); "
        "} /// six\nworld w {}",
        "package a:b; interface i { type a = b; record b { /// docs\nx: c, y: option<result<_, "
        "tuple<u8, c>>> } "
        "variant c { k, l(list<u8, 3>) } enum d { x } flags e { y, z } type f = map<string, "
        "list<b>>; }",
        "package a:b; interface i { type q = r; resource r; type o = own<r>; use j.{s as t, s, v "
        "as u}; "
        "f: func(a: q, b: borrow<q>, c: o, d: t, e: u) -> result<q>; type x = t; type y = u; } "
        "interface j { resource s { constructor() -> result<s>; a: async func(); b: static func(); "
        "} record v { a: u8 } }",
        "package a:b@1.0.0; @since(version = 1.0.0) @deprecated(version = 1.0.0) interface i { "
        "@unstable(feature = x-y) @external-id(\"a\\\"\\\\\\u{202e}\\00z\") f: func(); }",
        "package a:b; interface i { p: get() -> u8; p: set(value: u8); resource r { q: static "
        "get() -> u8; "
        "q: static set(v: u8) -> result<_, u8>; } }",
        "package a:b; interface i { type t = u8; } world w { use i.{t as s}; type u = s; resource "
        "r { constructor(); "
        "m: func(x: r); } import f: func(a: u) -> r; import p: i; export q: i; export g: func(); "
        "import o: get() -> u8; "
        "import n: interface { use i.{t}; f: func(a: t); } export i; @unstable(feature = z) export "
        "h: func(); }",
        "package a:b; world v { resource r { constructor(); m: func(x: borrow<r>) -> r; } type a = "
        "r; record d { e: r } "
        "import f: func(x: d) -> a; } world w { include v with { r as s, d as t, f as g } }",
        "package a:b@1.0.0; world w { include c:d/v@2.0.0; } package c:d@2.0.0 { interface i { "
        "type t = "
        "u8; } "
        "world v { @since(version = 2.0.0) import i; @since(version = 2.0.0) import f: func(); } }",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(texts); i++) {
        struct wit_case wit_case = resolved(texts[i]);
        expect_fixpoint(&wit_case);
        wit_case_end(&wit_case);
    }
}

static void test_wit_print_package_reads_as_people_write(void **state)
{
    (void)state;
    static const char text[] = "/// A package.\n"
                               "package a:b@1.0.0;\n"
                               "\n"
                               "interface i {\n"
                               "  use c:d/types@0.1.0.{t, u as v};\n"
                               "\n"
                               "  /// A record.\n"
                               "  record r {\n"
                               "    /// A field.\n"
                               "    a: t,\n"
                               "    b: borrow<h>,\n"
                               "  }\n"
                               "\n"
                               "  resource h {\n"
                               "    constructor(size: u64);\n"
                               "    read: func(n: u32) -> list<u8>;\n"
                               "    open: static func() -> h;\n"
                               "  }\n"
                               "\n"
                               "  type e = list<v, 4>;\n"
                               "\n"
                               "  f: func(a: r) -> result<_, string>;\n"
                               "\n"
                               "  g: func();\n"
                               "}\n"
                               "\n"
                               "world w {\n"
                               "  import c:d/types@0.1.0;\n"
                               "  import f: func();\n"
                               "\n"
                               "  export i;\n"
                               "}\n";
    struct wit_case wit_case = wit_case_begin();
    assert_status(tvn_wit_add_text(
                      wit_case.wit, "x/d.wit",
                      TVN_STR("package c:d@0.1.0; interface types { type t = u8; type u = u16; }"),
                      wit_case.sink),
                  TVN_OK);
    assert_status(wit_case_run(&wit_case, text), TVN_OK);
    TVN_AUTO_VALUE(tvn_strbuf) printed = {0};
    tvn_wit_print_package(tvn_wit_package_at(wit_case.wit, 1), &printed);
    assert_string_equal(tvn_strbuf_text(&printed), text);
    tvn_strbuf_reset(&printed);
    tvn_wit_print_interface(tvn_wit_find_interface(wit_case.wit, TVN_STR("c:d/types")), &printed);
    assert_string_equal(tvn_strbuf_text(&printed),
                        "interface types {\n  type t = u8;\n\n  type u = u16;\n}\n");
    wit_case_end(&wit_case);
}

static void test_wit_print_world_shows_what_it_names(void **state)
{
    (void)state;
    struct wit_case wit_case =
        resolved("package a:b@1.0.0; interface i { use c:d/e.{t}; f: func(a: t); } "
                 "world w { export i; import z: interface { g: func(); } import h: func(); } "
                 "package c:d { interface e { type t = u8; } }");
    TVN_AUTO_VALUE(tvn_strbuf) printed = {0};
    tvn_wit_print_world(tvn_package_find_world(tvn_wit_package_at(wit_case.wit, 0), TVN_STR("w")),
                        &printed);
    assert_string_equal(tvn_strbuf_text(&printed), "package root:component;\n"
                                                   "\n"
                                                   "world root {\n"
                                                   "  import z: interface {\n"
                                                   "    g: func();\n"
                                                   "  }\n"
                                                   "  import c:d/e;\n"
                                                   "  import h: func();\n"
                                                   "\n"
                                                   "  export a:b/i@1.0.0;\n"
                                                   "}\n"
                                                   "package c:d {\n"
                                                   "  interface e {\n"
                                                   "    type t = u8;\n"
                                                   "  }\n"
                                                   "}\n"
                                                   "\n"
                                                   "package a:b@1.0.0 {\n"
                                                   "  interface i {\n"
                                                   "    use c:d/e.{t};\n"
                                                   "\n"
                                                   "    f: func(a: t);\n"
                                                   "  }\n"
                                                   "}\n");
    wit_case_end(&wit_case);
}

static void test_wit_print_stops_at_the_buffers_maximum(void **state)
{
    (void)state;
    struct wit_case wit_case =
        resolved("package a:b; interface i { f: func(); g: func(); } world w { import i; }");
    TVN_AUTO_VALUE(tvn_strbuf) printed = {.max = 20};
    tvn_wit_print_package(tvn_wit_package_at(wit_case.wit, 0), &printed);
    assert_true(printed.failed);
    wit_case_end(&wit_case);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_wit_print_is_a_fixpoint_over_the_canonical_packages),
    cmocka_unit_test(test_wit_print_is_a_fixpoint_over_every_construct),
    cmocka_unit_test(test_wit_print_package_reads_as_people_write),
    cmocka_unit_test(test_wit_print_world_shows_what_it_names),
    cmocka_unit_test(test_wit_print_stops_at_the_buffers_maximum),
};

TVN_TEST_MAIN("contracts.wit_print", tests)
