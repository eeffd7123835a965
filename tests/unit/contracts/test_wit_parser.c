/* SPDX-License-Identifier: Apache-2.0 */
#include "tvn_wit_test.h"

struct row {
    const char *text;
    const char *errors;
};

static void run_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect_errors(rows[i].text, rows[i].errors);
    }
}

static void test_wit_parser_accepts_the_whole_syntax(void **state)
{
    (void)state;
    expect_no_errors(
        "package a:b@1.2.3-rc.1+x;\n"
        "use c:d/e as f;\n"
        "interface i {\n"
        "  use f.{t, t as u,};\n"
        "  type %type = list<tuple<u8, s8, u16, s16, u32, s32, u64, s64, f32, f64, char, bool,>>;\n"
        "  record r { a: option<t>, b: result, c: result<u8>, d: result<_, u8>, e: result<u8, u8>, "
        "}\n"
        "  variant v { a, b(string), } enum e { A, b-2 } flags g { x, y, }\n"
        "  resource h; resource k {}\n"
        "  resource m { constructor(a: u8,); n: func(); o: static func() -> m; p: async func(); }\n"
        "  resource n { constructor() -> result<n, string>; }\n"
        "  f: async func(a: borrow<h>, b: own<h>, c: h) -> map<string, list<u8, 4>>;\n"
        "  x: get() -> u8; x: set(value: u8) -> result<_, string>; get: func(); set: func();\n"
        "}\n"
        "/// docs\n"
        "world w {\n"
        "  import i; import c:d/e; export c:d/e; import p: i; import q: c:d/e;\n"
        "  import z: interface { f: func(); } export y: func(); import o: get() -> u8;\n"
        "  use i.{r}; type s = r; include w2 with { a as b } include w2 with { a as c };\n"
        "}\n"
        "world w2 { import a: func(); }\n"
        "package c:d { interface e { type t = u8; } }\n");
}

static void test_wit_parser_accepts_gates(void **state)
{
    (void)state;
    expect_no_errors("package a:b@1.0.0;\n"
                     "@since(version = 0.9.0) @deprecated(version = 1.0.0)\n"
                     "interface i { @unstable(feature = x) f: func(); "
                     "@external-id(\"a\\u{1f600}\\\"\\n\\41\") g: func(); }\n");
}

static void test_wit_parser_reports_exact_places(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"package a:b;\ninterface i {\n  f: func() -> ;\n}\n",
         "3:16 E0100 expected a type, found ';'"},
        {"package a:b;\ninterface i {\n  f func();\n}\n",
         "3:5 E0100 expected ':', found keyword 'func'"},
        {"package a:b;\ninterface i {\n  type t = list<u8;\n}\n",
         "3:19 E0100 expected '>', found ';'"},
        {"package a:b\ninterface i {}\n", "2:1 E0100 expected ';', found keyword 'interface'"},
        {"package a;\n", "1:10 E0100 expected ':', found ';'"},
        {"package a:b@1.0;\n", "1:13 E0100 invalid version"},
        {"package a:b@;\n", "1:13 E0100 expected a version, found ';'"},
        {"package a:b;\ninterface i {\n  f: func();\n",
         "4:1 E0100 expected '}', found the end of the file"},
        {"package a:b;\nworld w { import a: b:c; }", "2:24 E0100 expected '/', found ';'"},
        {"package a:b;\nworld w { import a:b; }", "2:21 E0100 expected '/', found ';'"},
        {"package a:b;\ninterface i { record r { a: u8 b: u8 } }",
         "2:32 E0100 expected '}', found 'b'"},
        {"package a:b;\ninterface i { type t = tuple<>; }",
         "2:24 E0100 a tuple needs at least one element"},
        {"package a:b;\ninterface i { type t = list<u8, 0>; }",
         "2:33 E0100 a list's length is a number from 1 to 4294967295"},
        {"package a:b;\ninterface i { type t = map<f32, u8>; }",
         "2:28 E0100 invalid type of a map's key"},
        {"package a:b;\ninterface option {}", "2:11 E0100 expected a name, found keyword 'option'"},
        {"package a:b;\ninterface é {}", "2:11 E0100 invalid name"},
        {"package a:b;\ninterface a--b {}", "2:13 E0100 invalid name"},
        {"package a:b;\ninterface aB {}", "2:12 E0100 invalid name"},
        {"package a:b;\ninterface a_b {}", "2:12 E0100 invalid name"},
        {"package a:b;\ninterface a- {}", "2:13 E0100 invalid name"},
        {"package a:b;\nworld w { include x with { a }; }", "2:30 E0100 expected 'as', found '}'"},
        {"package a:b;\npackage c:d;\n", "2:12 E0100 expected '{', found ';'"},
        {"package a:b;\n  $", "2:3 E0100 expected 'world', 'interface' or 'use', found '$'"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
}

static void test_wit_parser_reports_gates(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"package a:b@1.0.0;\n@since(feature = x)\ninterface i {}",
         "2:8 E0100 expected 'version', found 'feature'"},
        {"package a:b@1.0.0;\n@since(version = 1)\ninterface i {}", "2:18 E0100 invalid version"},
        {"package a:b@1.0.0;\n@since\ninterface i {}",
         "3:1 E0100 expected '(', found keyword 'interface'"},
        {"package a:b@1.0.0;\n@deprecated(version = 1.0.0)\ninterface i {}",
         "2:1 E0100 @deprecated needs @since or @unstable beside it"},
        {"package a:b@1.0.0;\n@since(version = 1.0.0) @unstable(feature = x)\ninterface i {}",
         "2:1 E0100 an item is either @since or @unstable, not both"},
        {"package a:b@1.0.0;\n@other()\ninterface i {}",
         "2:2 E0100 expected 'since', 'unstable', 'deprecated' or 'external-id', found 'other'"},
        {"package a:b;\n@external-id(\"x\")\ninterface i {}",
         "2:2 E0100 @external-id is not allowed on interface declarations"},
        {"package a:b;\ninterface i { @external-id(\"\\q\") f: func(); }",
         "2:29 E0100 invalid escape in string"},
        {"package a:b;\ninterface i { @external-id(\"\\ff\") f: func(); }",
         "2:28 E0100 string is not valid UTF-8"},
        {"package a:b;\ninterface i { @external-id(\"x) f: func();\n}",
         "2:28 E0100 string has no end"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
}

static void test_wit_parser_goes_on_behind_errors(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"package a:b;\n"
         "interface i {\n"
         "  f: func(;\n"
         "  g: func() -> u8;\n"
         "  record r { a: , b: u8 }\n"
         "  h: fun();\n"
         "}\n"
         "world w { imprt i; export i; }\n"
         "interface j { type = u8; }\n",
         "3:11 E0100 expected a name, found ';'; 5:17 E0100 expected a type, found ','; "
         "6:6 E0100 expected 'func', found 'fun'; "
         "8:11 E0100 expected import, export, include, use or a type, found 'imprt'; "
         "9:20 E0100 expected a name, found '='"},
        /* A missing ';' at a line's end costs nothing of the next line. */
        {"package a:b;\ninterface i {\n  f: func()\n  g: funk();\n}\n",
         "4:3 E0100 expected ';', found 'g'; 4:6 E0100 expected 'func', found 'funk'"},
        /* A missing '}' ends with the next world. */
        {"package a:b;\ninterface i {\n  f: func();\n\nworld w {\n  import ;\n}\n",
         "5:1 E0100 expected a type, resource, use or function, found keyword 'world'; "
         "6:10 E0100 expected a name, found ';'"},
        {"package a:b;\n}\ninterface i { f: x(); }\n",
         "2:1 E0100 expected 'world', 'interface' or 'use', found '}'; 3:18 E0100 expected 'func', "
         "found 'x'"},
        {"package a:b;\npackage c:d {\n  package e:f { interface g {} }\n  interface h { x }\n}\n",
         "3:3 E0100 nested packages must be placed at the top level; 4:19 E0100 expected ':', "
         "found '}'"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
}

static void test_wit_parser_refuses_characters_that_deceive(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"package a:b;\n// \xe2\x80\xae hidden\n",
         "2:4 E0100 bidirectional override U+202E is not allowed in WIT"},
        {"package a:b;\ninterface a\xe2\x81\xa6z {}\n",
         "2:12 E0100 bidirectional override U+2066 is not allowed in WIT"},
        {"package a:b;\n\x1b[31m\n", "2:1 E0100 control character U+001B is not allowed in WIT; "
                                     "2:2 E0100 expected 'world', 'interface' or 'use', found '['"},
        {"package a:b; // \xc2\x85\n", "1:17 E0100 control character U+0085 is not allowed in WIT"},
        {"package a:b; // \xc5\x89\n",
         "1:17 E0100 deprecated character U+0149 is not allowed in WIT"},
        {"package a:b;\n\xff\xfe\n", "2:1 E0100 the file is not valid UTF-8"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
    expect_no_errors("\xef\xbb\xbfpackage a:b;\r\n\tinterface i {}\r\n// ☃\n");
}

static void test_wit_parser_bounds_nesting(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "package a:b;\ninterface i {\ntype t = ");
    for (int i = 0; i < 101; i++) {
        tvn_strbuf_add_text(&text, "list<");
    }
    tvn_strbuf_add_text(&text, "u8;\n}\n");
    expect_errors(tvn_strbuf_text(&text), "3:510 E0100 types are nested more than 100 deep");
}

static void test_wit_parser_keeps_at_most_fifty_errors(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "package a:b;\ninterface i {\n");
    for (int i = 0; i < 1000; i++) {
        tvn_strbuf_add_text(&text, "f: x();\n");
    }
    tvn_strbuf_add_text(&text, "}\n");
    struct wit_case wit_case = wit_case_begin();
    assert_status(wit_case_run(&wit_case, tvn_strbuf_text(&text)), TVN_E_WIT_SYNTAX_ERROR);
    assert_int_equal(tvn_diag_count(wit_case.sink), TVN_DIAG_ERRORS_MAX);
    assert_int_equal(tvn_diag_error_count(wit_case.sink), 1000);
    wit_case_end(&wit_case);
}

static void test_wit_parser_refuses_large_files(void **state)
{
    (void)state;
    struct wit_case wit_case = wit_case_begin();
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_repeat(&text, ' ', TVN_WIT_FILE_MAX + 1);
    assert_diag_status(
        tvn_wit_add_text(wit_case.wit, "a.wit", tvn_strbuf_view(&text), wit_case.sink),
        TVN_E_WIT_SYNTAX_ERROR, wit_case.sink);
    wit_case_end(&wit_case);
}

static void test_wit_parser_helps(void **state)
{
    (void)state;
    expect_help("package a:b; interface option {}", "write '%option' to use a keyword as a name");
    expect_help("package a:b@1.0;", "versions have three numbers, as in 1.2.3 or 1.2.3-rc.1");
    expect_help("package a:b; /* /* */",
                "add '*/'; block comments nest, so each '/*' needs its own");
}

static void test_wit_parser_reads_documentation(void **state)
{
    (void)state;
    struct wit_case wit_case = wit_case_begin();
    assert_status(wit_case_run(&wit_case, "/// one\n//  not this\n///   two  \n\n///\n/// three\n"
                                          "package a:b;\n"
                                          "/** four\n * five\n\n   six */ // seven\n"
                                          "interface i {\n  // plain\n  /**/\n  f: func();\n}\n"),
                  TVN_OK);
    const struct tvn_package *package = tvn_wit_package_at(wit_case.wit, 0);
    assert_string_equal(package->docs, "one\n not this\n  two\n\nthree");
    assert_string_equal(package->interfaces[0]->docs, "four\nfive\n\nsix\n seven");
    assert_string_equal(package->interfaces[0]->funcs[0].docs, "plain");
    wit_case_end(&wit_case);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_wit_parser_accepts_the_whole_syntax),
    cmocka_unit_test(test_wit_parser_accepts_gates),
    cmocka_unit_test(test_wit_parser_reports_exact_places),
    cmocka_unit_test(test_wit_parser_reports_gates),
    cmocka_unit_test(test_wit_parser_goes_on_behind_errors),
    cmocka_unit_test(test_wit_parser_refuses_characters_that_deceive),
    cmocka_unit_test(test_wit_parser_bounds_nesting),
    cmocka_unit_test(test_wit_parser_keeps_at_most_fifty_errors),
    cmocka_unit_test(test_wit_parser_refuses_large_files),
    cmocka_unit_test(test_wit_parser_helps),
    cmocka_unit_test(test_wit_parser_reads_documentation),
};

TVN_TEST_MAIN("contracts.wit_parser", tests)
