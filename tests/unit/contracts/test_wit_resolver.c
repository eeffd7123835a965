/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

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

static struct wit_case resolved(const char *text)
{
    struct wit_case wit_case = wit_case_begin();
    assert_status(wit_case_run(&wit_case, text), TVN_OK);
    return wit_case;
}

static const struct tvn_interface *interface_of(const struct wit_case *wit_case, const char *id)
{
    const struct tvn_interface *interface = tvn_wit_find_interface(wit_case->wit, tvn_str_of(id));
    assert_non_null(interface);
    return interface;
}

static void test_wit_resolver_builds_the_model(void **state)
{
    (void)state;
    struct wit_case wit_case =
        resolved("package a:b@0.2.0;\n"
                 "/// an interface\n"
                 "interface i {\n"
                 "  record r { a: u8, b: e }\n"
                 "  enum e { x, y }\n"
                 "  resource h { constructor(size: u64); read: func(n: u32) -> list<u8>;\n"
                 "    open: static func() -> h; }\n"
                 "  f: func(a: borrow<h>) -> result<r, string>;\n"
                 "}\n");
    const struct tvn_interface *i = interface_of(&wit_case, "a:b/i@0.2.0");
    assert_ptr_equal(i, interface_of(&wit_case, "a:b/i"));
    assert_null(tvn_wit_find_interface(wit_case.wit, TVN_STR("a:b/i@0.2.1")));
    assert_null(tvn_wit_find_interface(wit_case.wit, TVN_STR("a:b/j")));
    assert_str(i->id, "a:b/i@0.2.0");
    assert_string_equal(i->docs, "an interface");
    assert_int_equal(i->type_count, 3);
    assert_int_equal(i->func_count, 4);

    const struct tvn_type_item *r = tvn_interface_find_type(i, TVN_STR("r"));
    assert_int_equal(r->kind, TVN_TYPE_ITEM_DEFINED);
    assert_int_equal(r->type->kind, TVN_TYPE_RECORD);
    assert_int_equal(r->type->abi_size, 2);
    assert_ptr_equal(r->type->owner, i);
    assert_str(r->type->fields[1].name, "b");
    assert_ptr_equal(r->type->fields[1].type, tvn_interface_find_type(i, TVN_STR("e"))->type);

    const struct tvn_type_item *h = tvn_interface_find_type(i, TVN_STR("h"));
    assert_int_equal(h->kind, TVN_TYPE_ITEM_RESOURCE);
    assert_ptr_equal(h->resource->owner, i);

    const struct tvn_func *constructor = tvn_interface_find_func(i, TVN_STR("[constructor]h"));
    assert_int_equal(constructor->kind, TVN_FUNC_CONSTRUCTOR);
    assert_int_equal(constructor->type.result->kind, TVN_TYPE_OWN);
    assert_ptr_equal(constructor->type.result->resource, h->resource);
    assert_str(constructor->item_name, "");
    const struct tvn_func *read = tvn_interface_find_func(i, TVN_STR("[method]h.read"));
    assert_str(read->item_name, "read");
    assert_int_equal(read->type.param_count, 2);
    assert_str(read->type.params[0].name, "self");
    assert_int_equal(read->type.params[0].type->kind, TVN_TYPE_BORROW);
    assert_int_equal(tvn_interface_find_func(i, TVN_STR("[static]h.open"))->kind, TVN_FUNC_STATIC);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_func_type_print(&tvn_interface_find_func(i, TVN_STR("f"))->type, &text);
    assert_string_equal(tvn_strbuf_text(&text), "func(a: borrow<h>) -> result<r, string>");
    wit_case_end(&wit_case);
}

static void test_wit_resolver_follows_use(void **state)
{
    (void)state;
    struct wit_case wit_case =
        resolved("package a:b;\n"
                 "use types as t;\n"
                 "interface i { use t.{r as q, h}; type z = q; f: func(a: q, b: z) -> h; }\n"
                 "interface types { record r { a: u8 } resource h; }\n");
    const struct tvn_interface *types = interface_of(&wit_case, "a:b/types");
    const struct tvn_interface *i = interface_of(&wit_case, "a:b/i");
    const struct tvn_type_item *q = tvn_interface_find_type(i, TVN_STR("q"));
    assert_int_equal(q->kind, TVN_TYPE_ITEM_USED);
    assert_ptr_equal(q->used_from, types);
    assert_str(q->used_name, "r");
    assert_ptr_equal(q->type->alias_of, tvn_interface_find_type(types, TVN_STR("r"))->type);
    assert_str(q->type->name, "q");
    const struct tvn_type_item *z = tvn_interface_find_type(i, TVN_STR("z"));
    assert_int_equal(z->kind, TVN_TYPE_ITEM_DEFINED);
    assert_str(z->type->name, "z");
    assert_ptr_equal(z->type->alias_of, q->type);
    assert_true(tvn_type_equal(z->type, q->type, NULL, NULL));
    const struct tvn_type_item *h = tvn_interface_find_type(i, TVN_STR("h"));
    assert_ptr_equal(h->resource, tvn_interface_find_type(types, TVN_STR("h"))->resource);
    wit_case_end(&wit_case);
}

static void test_wit_resolver_knows_asynchronous_types(void **state)
{
    (void)state;
    struct wit_case wit_case =
        resolved("package a:b;\ninterface i { type t = option<future>; "
                 "f: async func(x: error-context, y: t) -> stream<list<u8>>; g: func(); }\n");
    const struct tvn_interface *i = interface_of(&wit_case, "a:b/i");
    const struct tvn_func *f = tvn_interface_find_func(i, TVN_STR("f"));
    assert_true(f->type.is_async);
    assert_int_equal(f->type.params[0].type->kind, TVN_TYPE_ERROR_CONTEXT);
    assert_int_equal(f->type.params[1].type->element->kind, TVN_TYPE_FUTURE);
    assert_null(f->type.params[1].type->element->element);
    assert_true(f->type.params[1].type->has_async);
    assert_int_equal(f->type.result->kind, TVN_TYPE_STREAM);
    assert_int_equal(f->type.result->abi_size, 4);
    assert_int_equal(f->type.result->abi_flat_count, 1);
    assert_false(f->type.result->has_pointers);
    assert_false(f->type.result->element->has_async);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_func_type_print(&f->type, &text);
    assert_string_equal(tvn_strbuf_text(&text),
                        "async func(x: error-context, y: t) -> stream<list<u8>>");
    wit_case_end(&wit_case);
}

static void test_wit_resolver_puts_setters_behind_getters(void **state)
{
    (void)state;
    struct wit_case wit_case =
        resolved("package a:b;\ninterface i { x: set(v: u8); y: func(); x: get() -> u8; }\n"
                 "world base { import p: get() -> u8; }\n"
                 "world w { import p: set(v: u8); import q: func(); include base; }\n");
    const struct tvn_interface *i = interface_of(&wit_case, "a:b/i");
    assert_str(i->funcs[0].name, "y");
    assert_str(i->funcs[1].name, "[get]x");
    assert_str(i->funcs[2].name, "[set]x");
    const struct tvn_world *w =
        tvn_package_find_world(tvn_wit_package_at(wit_case.wit, 0), TVN_STR("w"));
    assert_str(w->imports[0].name, "q");
    assert_str(w->imports[1].name, "[get]p");
    assert_str(w->imports[2].name, "[set]p");
    wit_case_end(&wit_case);
}

static void expect_items(const struct tvn_world_item *items, size_t count, const char *expected)
{
    TVN_AUTO_VALUE(tvn_strbuf) names = {0};
    for (size_t i = 0; i < count; i++) {
        tvn_strbuf_printf(&names, "%s%.*s", i == 0 ? "" : " ", TVN_STR_ARG(items[i].name));
    }
    assert_string_equal(tvn_strbuf_text(&names), expected);
}

static void expect_world(const char *text, const char *imports, const char *exports)
{
    struct wit_case wit_case = resolved(text);
    const struct tvn_world *world =
        tvn_package_find_world(tvn_wit_package_at(wit_case.wit, 0), TVN_STR("w"));
    assert_non_null(world);
    expect_items(world->imports, world->import_count, imports);
    expect_items(world->exports, world->export_count, exports);
    wit_case_end(&wit_case);
}

static void test_wit_resolver_adds_what_a_world_needs(void **state)
{
    (void)state;
    static const char shared[] = "package p:q;\n"
                                 "interface a { type t = u8; }\n"
                                 "interface b { use a.{t}; type u = t; }\n"
                                 "interface c { use b.{u}; f: func(x: u); }\n";
    static const struct {
        const char *world;
        const char *imports;
        const char *exports;
    } rows[] = {
        {"world w { import c; }", "p:q/a p:q/b p:q/c", ""},
        {"world w { export c; }", "p:q/a p:q/b", "p:q/c"},
        {"world w { export c; export b; }", "p:q/a", "p:q/b p:q/c"},
        {"world w { export a; export b; export c; }", "", "p:q/a p:q/b p:q/c"},
        {"world w { use b.{u}; import f: func(x: u); }", "p:q/a p:q/b u f", ""},
        {"world w { import f: interface { use b.{u}; } export f: interface {} }", "p:q/a p:q/b f",
         "f"},
        {"world w { export c; import f: func(); export g: func(); import a; }", "p:q/a p:q/b f",
         "g p:q/c"},
        {"world w { import one: c; export two: b; }", "p:q/a p:q/b one", "two"},
        {"world w { resource r { constructor(); m: func(); } import f: func(x: borrow<r>); }",
         "r f [constructor]r [method]r.m", ""},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_strbuf_add_text(&text, shared);
        tvn_strbuf_add_text(&text, rows[i].world);
        expect_world(tvn_strbuf_text(&text), rows[i].imports, rows[i].exports);
    }
}

static void test_wit_resolver_includes_worlds(void **state)
{
    (void)state;
    static const char shared[] =
        "package p:q;\n"
        "interface i { type t = u8; }\n"
        "world one { import i; import f: func(); export g: func(); use i.{t}; }\n"
        "world two { import i; resource r { m: func(); } import f: func(x: r); }\n";
    static const struct {
        const char *world;
        const char *imports;
        const char *exports;
    } rows[] = {
        {"world w { include one; }", "p:q/i t f", "g"},
        {"world w { include one; include two with { f as f2, r as s } }",
         "p:q/i t s f f2 [method]s.m", "g"},
        {"world w { include one with { g as h, t as u }; import g: func(); }", "p:q/i u g f", "h"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_strbuf_add_text(&text, shared);
        tvn_strbuf_add_text(&text, rows[i].world);
        expect_world(tvn_strbuf_text(&text), rows[i].imports, rows[i].exports);
    }
}

static void test_wit_resolver_reports_unknown_names(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"package a:b;\ninterface i { f: func(a: nope); }",
         "2:26 E0101 type 'nope' does not exist"},
        {"package a:b;\ninterface i { use j.{t}; }",
         "2:19 E0101 interface or world 'j' does not exist"},
        {"package a:b;\ninterface i { use j.{t}; }\ninterface j { f: func(); }",
         "2:22 E0101 type 't' does not exist in interface 'a:b/j'"},
        {"package a:b;\ninterface i { use j.{f}; }\ninterface j { f: func(); }",
         "2:22 E0101 'f' is a function; only types can be used"},
        {"package a:b;\ninterface i { f: func(); g: func() -> f; }",
         "2:39 E0101 'f' is a function, not a type"},
        {"package a:b;\nworld w { import c:d/e@1.0.0; }",
         "2:18 E0101 package 'c:d@1.0.0' not found"},
        {"package a:b;\nworld w { import c:d/e; }\npackage c:d {}",
         "2:22 E0101 interface 'e' not found in package 'c:d'"},
        {"package a:b;\nworld w { import v; }\nworld v {}",
         "2:18 E0101 'v' is a world, not an interface"},
        {"package a:b;\nworld w { include i; }\ninterface i {}",
         "2:19 E0101 'i' is an interface, not a world"},
        {"package a:b;\nworld w { include v with { x as y } }\nworld v {}",
         "2:28 E0101 world 'v' has no import or export 'x' to rename"},
        {"package a:b;\ninterface i { type t = u8; f: func(a: borrow<t>); }",
         "2:46 E0101 type 't' in a handle must be a resource"},
        {"interface i {}", "1:1 E0101 no package header"},
        {"", "1:1 E0101 no package header"},
        /* One mistake, one message: u, v and f depend on t. */
        {"package a:b;\ninterface i { type t = nope; type u = list<t>; record v { a: u } f: "
         "func(a: v) -> t; }\n"
         "interface j { use i.{t, v}; g: func(a: t) -> v; }",
         "2:24 E0101 type 'nope' does not exist"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
}

static void test_wit_resolver_suggests_near_names(void **state)
{
    (void)state;
    expect_help("package a:b; interface i { record element {a: u8} f: func(x: elemnt); }",
                "did you mean 'element'?");
    expect_help("package a:b; interface processor {} world w { import procesor; }",
                "did you mean 'processor'?");
    expect_help(
        "package a:b; world w { import c:d/streams; } package c:d { interface stream-s {} }",
        "did you mean 'stream-s'?");
    expect_help("package a:b; world w { import c:d/e; } package c:d@0.1.0 { interface e {} }",
                "there is 'c:d@0.1.0': a path names the version too");
    expect_help("package a:b; world w { import wasi:clocks/x; }", "put its .wit files under deps/");
    expect_help("package a:b; world w { import torvyn:streaming/x@0.1.0; }",
                "put Torvyn's contracts under deps/: torvyn doctor --fix");
    expect_help("package a:b; interface i { f: func() -> float32; }", "it is called 'f32' now");
}

static void test_wit_resolver_reports_cycles(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"package a:b;\ninterface i { type t = t; }", "2:24 E0101 type 't' depends on itself"},
        {"package a:b;\ninterface i { record r { a: option<s> }\n record s { b: r } f: func(a: r); "
         "}",
         "2:36 E0101 type 's' depends on itself"},
        {"package a:b;\ninterface i { use j.{t}; type u = u8; }\ninterface j { use i.{u}; type t = "
         "u8; }",
         "3:11 E0101 interface 'j' depends on itself"},
        {"package a:b;\nworld v { include w; }\nworld w { include v; }",
         "3:7 E0101 world 'w' depends on itself"},
        {"package a:b;\nworld w { include w; }", "2:7 E0101 world 'w' depends on itself"},
        {"package a:b;\ninterface i { use c:d/i.{}; }\ninterface j {}\npackage c:d {\ninterface i "
         "{ use a:b/j.{}; }\n}",
         "2:19 E0101 package 'a:b' depends on package 'c:d', which depends on it"},
        {"package a:b;\ninterface i {}\ninterface j { use a:b/i.{}; }",
         "3:19 E0101 package 'a:b' depends on itself"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
}

static void test_wit_resolver_reports_taken_names(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"package a:b;\ninterface i {}\ninterface i {}",
         "3:11 E0100 'i' is defined more than once in this file"},
        {"package a:b;\nuse i as j;\ninterface i {}\nworld j {}",
         "4:7 E0100 'j' is defined more than once in this file"},
        {"package a:b;\ninterface i { type t = u8; t: func(); }",
         "2:28 E0100 name 't' is defined more than once"},
        {"package a:b;\ninterface i { f-f: func(); FF: func(); }",
         "2:28 E0100 name 'FF' conflicts with 'f-f'"},
        {"package a:b;\ninterface i { record r { a: u8, A: u8 } }",
         "2:33 E0100 field 'A' conflicts with 'a'"},
        {"package a:b;\ninterface i { enum e { a, a } }",
         "2:27 E0100 case 'a' is defined more than once"},
        {"package a:b;\ninterface i { flags e { a, a } }",
         "2:28 E0100 flag 'a' is defined more than once"},
        {"package a:b;\ninterface i { f: func(a: u8, a: u8); }",
         "2:30 E0100 parameter 'a' is defined more than once"},
        {"package a:b;\ninterface i { resource r { m: func(); m: static func(); } }",
         "2:39 E0100 function 'm' is defined more than once"},
        {"package a:b;\ninterface i { resource r { constructor(); constructor(); } }",
         "2:43 E0100 function 'constructor' is defined more than once"},
        {"package a:b;\ninterface i { resource r { m: func(self: u8); } }",
         "2:36 E0100 parameter 'self' is defined more than once"},
        {"package a:b;\ninterface i {}\nworld w { import i; import i; }",
         "3:28 E0100 interface 'a:b/i' is imported more than once"},
        {"package a:b;\nworld w { import f: func(); import F: interface {} }",
         "2:36 E0100 import 'F' conflicts with 'f'"},
        {"package a:b;\nworld v { import f: func(); }\nworld w { import f: func(); include v; }",
         "3:37 E0100 included name 'f' is defined more than once"},
        {"package a:b;\npackage c:d {}\npackage c:d {}",
         "3:9 E0101 package 'c:d' is defined in two places"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
    expect_no_errors("package a:b; world w { import f: func(); export f: func(); }");
}

static void test_wit_resolver_reports_broken_rules(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"package a:b;\ninterface i { enum e {} }", "2:20 E0100 'e' needs at least one case"},
        {"package a:b;\ninterface i { record r {} }", "2:22 E0100 'r' needs at least one field"},
        {"package a:b;\ninterface i { resource r; f: func() -> borrow<r>; }",
         "2:27 E0100 function 'f' returns a type that contains a borrow"},
        {"package a:b;\ninterface i { resource r { constructor() -> result<u8>; } }",
         "2:52 E0100 a constructor's result must hold its resource 'r'"},
        {"package a:b;\ninterface i { x: set(v: u8); }", "2:15 E0100 setter 'x' has no getter"},
        {"package a:b;\ninterface i { type t = list<u64, 4294967295>; }",
         "2:24 E0100 type is too large or nested too deep"},
        {"package a:b;\ninterface i { resource r; f: func() -> stream<borrow<r>>; }",
         "2:27 E0100 function 'f' returns a type that contains a borrow"},
        {"package a:b;\ninterface a { type t = u8; }\ninterface b { use a.{t}; }\ninterface c { "
         "use b.{t}; }\n"
         "world w { export a; export c; }",
         "5:7 E0101 export 'a:b/c' needs an interface both imported and exported"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
}

static void test_wit_resolver_counts_flags(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "package a:b;\ninterface i {\nflags f {\n");
    for (int i = 1; i <= 33; i++) {
        tvn_strbuf_printf(&text, "flag%d,\n", i);
    }
    tvn_strbuf_add_text(&text, "}}\n");
    expect_errors(tvn_strbuf_text(&text), "36:1 E0100 more than 32 flags");
}

static void test_wit_resolver_applies_gates(void **state)
{
    (void)state;
    static const char text[] = "package a:b@1.0.0;\n"
                               "interface i {\n"
                               "  @since(version = 1.0.0) f: func();\n"
                               "  @unstable(feature = x) type t = u8;\n"
                               "  @unstable(feature = x) g: func(a: t);\n"
                               "}\n"
                               "@unstable(feature = x) interface j {}\n";
    struct wit_case wit_case = resolved(text);
    assert_int_equal(interface_of(&wit_case, "a:b/i")->func_count, 1);
    assert_null(tvn_wit_find_interface(wit_case.wit, TVN_STR("a:b/j")));
    wit_case_end(&wit_case);

    wit_case = wit_case_begin();
    assert_status(tvn_wit_enable_feature(wit_case.wit, TVN_STR("x")), TVN_OK);
    assert_status(wit_case_run(&wit_case, text), TVN_OK);
    const struct tvn_interface *i = interface_of(&wit_case, "a:b/i");
    assert_int_equal(i->func_count, 2);
    assert_true(i->funcs[0].attributes->since.valid);
    assert_str(i->funcs[1].attributes->unstable, "x");
    assert_non_null(tvn_wit_find_interface(wit_case.wit, TVN_STR("a:b/j")));
    wit_case_end(&wit_case);

    static const struct row rows[] = {
        {"package a:b@1.0.0;\n@since(version = 1.0.1)\ninterface i {}",
         "3:11 E0100 @since names a later version than that of package 'a:b@1.0.0'"},
        {"package a:b;\n@since(version = 1.0.1)\ninterface i {}",
         "3:11 E0100 @since needs a version of package 'a:b'"},
        {"package a:b;\ninterface i { @unstable(feature = x) type t = u8; f: func(a: t); }",
         "2:62 E0101 type 't' belongs to a feature that is not enabled"},
        {"package a:b;\n@unstable(feature = x) interface i { type t = u8; }",
         "2:43 E0101 the interface belongs to a feature that is not enabled, 't' does not"},
        {"package a:b;\n@unstable(feature = x) interface i {}\nworld w { import i; }",
         "3:18 E0101 'i' belongs to a feature that is not enabled"},
        {"package a:b;\ninterface i { @unstable(feature = x) resource r { m: func(); } }",
         "2:51 E0101 resource 'r' belongs to a feature that is not enabled, this does not"},
    };
    run_rows(rows, TVN_ARRAY_LEN(rows));
}

/* The second text in the sink is the first's neighbour, not part of it. */
static void test_wit_resolver_joins_files_of_one_package(void **state)
{
    (void)state;
    struct wit_case wit_case = wit_case_begin();
    struct tvn_wit *wit = wit_case.wit;
    assert_status(tvn_wit_add_text(wit, "p/a.wit",
                                   TVN_STR("package a:b; interface i { use j.{t}; }"),
                                   wit_case.sink),
                  TVN_OK);
    assert_status(
        tvn_wit_add_text(wit, "p/b.wit", TVN_STR("interface j { type t = u8; }"), wit_case.sink),
        TVN_OK);
    assert_status(tvn_wit_add_text(wit, "q/c.wit",
                                   TVN_STR("package c:d; world w { import a:b/i; }"),
                                   wit_case.sink),
                  TVN_OK);
    assert_diag_status(tvn_wit_resolve(wit, wit_case.sink), TVN_OK, wit_case.sink);
    assert_int_equal(tvn_wit_package_count(wit), 2);
    assert_int_equal(tvn_wit_package_at(wit, 0)->interface_count, 2);
    wit_case_end(&wit_case);
}

/* Worlds that include worlds: what they expand to is bounded, and so is the time. */
static void test_wit_resolver_bounds_expansion(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "package a:b;\nworld w0 { import x: func(); }\n");
    for (int i = 0; i < 2000; i++) {
        tvn_strbuf_printf(&text, "world w%d { include w%d; import x%d: func(); }\n", i + 1, i, i);
    }
    struct wit_case wit_case = wit_case_begin();
    enum tvn_status status = wit_case_run(&wit_case, tvn_strbuf_text(&text));
    assert_status(status, TVN_E_WIT_RESOLUTION_ERROR);
    assert_int_equal(tvn_diag_error_count(wit_case.sink), 1);
    wit_case_end(&wit_case);
}

/* Chains as long as a file allows need no stack. */
static void test_wit_resolver_follows_long_chains(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "package a:b;\ninterface i0 { type t0 = u8;\n");
    for (int i = 20000; i > 0; i--) {
        tvn_strbuf_printf(&text, "type t%d = t%d;\n", i, i - 1);
    }
    tvn_strbuf_add_text(&text, "}\n");
    for (int i = 10000; i > 0; i--) {
        tvn_strbuf_printf(&text, "interface i%d { use i%d.{t0}; }\n", i, i - 1);
    }
    tvn_strbuf_add_text(&text, "world w { import i10000; }\n");
    struct wit_case wit_case = resolved(tvn_strbuf_text(&text));
    const struct tvn_world *world =
        tvn_package_find_world(tvn_wit_package_at(wit_case.wit, 0), TVN_STR("w"));
    assert_int_equal(world->import_count, 10001);
    wit_case_end(&wit_case);
}

/* Every allocation fails once: an error is reported, nothing leaks, nothing crashes. */
static void test_wit_resolver_survives_lack_of_memory(void **state)
{
    (void)state;
    static const char text[] =
        "package a:b;\n"
        "interface i { use j.{r, h as g}; f: func(a: g) -> r; resource k { m: func(); } }\n"
        "interface j { record r { a: list<u8> } resource h; }\n"
        "world v { import i; import x: func(); }\n"
        "world w { include v with { x as y } export z: interface { use j.{r}; } }\n";
    for (uint64_t n = 1;; n++) {
        struct wit_case wit_case = wit_case_begin();
        tvn_mem_fail_at(n, false);
        enum tvn_status status =
            tvn_wit_add_text(wit_case.wit, "a.wit", TVN_STR(text), wit_case.sink);
        bool agree = (status != TVN_OK) == (tvn_diag_error_count(wit_case.sink) > 0);
        if (status == TVN_OK) {
            status = tvn_wit_resolve(wit_case.wit, wit_case.sink);
            agree &= (status != TVN_OK) == (tvn_diag_error_count(wit_case.sink) > 0);
        }
        tvn_mem_fail_at(0, false);
        wit_case_end(&wit_case);
        assert_true(agree);
        assert_true(status >= TVN_OK);
        if (status == TVN_OK && n > 200) {
            break;
        }
        assert_true(n < 100000);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_wit_resolver_builds_the_model),
    cmocka_unit_test(test_wit_resolver_follows_use),
    cmocka_unit_test(test_wit_resolver_knows_asynchronous_types),
    cmocka_unit_test(test_wit_resolver_puts_setters_behind_getters),
    cmocka_unit_test(test_wit_resolver_adds_what_a_world_needs),
    cmocka_unit_test(test_wit_resolver_includes_worlds),
    cmocka_unit_test(test_wit_resolver_reports_unknown_names),
    cmocka_unit_test(test_wit_resolver_suggests_near_names),
    cmocka_unit_test(test_wit_resolver_reports_cycles),
    cmocka_unit_test(test_wit_resolver_reports_taken_names),
    cmocka_unit_test(test_wit_resolver_reports_broken_rules),
    cmocka_unit_test(test_wit_resolver_counts_flags),
    cmocka_unit_test(test_wit_resolver_applies_gates),
    cmocka_unit_test(test_wit_resolver_joins_files_of_one_package),
    cmocka_unit_test(test_wit_resolver_bounds_expansion),
    cmocka_unit_test(test_wit_resolver_follows_long_chains),
    cmocka_unit_test(test_wit_resolver_survives_lack_of_memory),
};

TVN_TEST_MAIN("contracts.wit_resolver", tests)
