/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/wit.h"

#include "tvn_decode_test.h"

static const struct tvn_interface *interface_of(const struct tvn_world_item *items, size_t count,
                                                const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == TVN_WORLD_INTERFACE && tvn_str_is(items[i].name, id)) {
            return items[i].interface;
        }
    }
    fail_msg("no interface '%s'", id);
    return NULL;
}

static const struct tvn_interface *import_of(const struct decoded *d, const char *id)
{
    const struct tvn_world *world = tvn_component_world(d->component);
    return interface_of(world->imports, world->import_count, id);
}

static const struct tvn_interface *export_of(const struct decoded *d, const char *id)
{
    const struct tvn_world *world = tvn_component_world(d->component);
    return interface_of(world->exports, world->export_count, id);
}

static const struct tvn_type_item *type_of(const struct tvn_interface *interface, const char *name)
{
    const struct tvn_type_item *item = tvn_interface_find_type(interface, tvn_str_of(name));
    assert_non_null(item);
    return item;
}

static void test_world_items_follow_the_binary(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "world");
    const struct tvn_world *world = tvn_component_world(d.component);
    assert_str(world->package.namespace_name, "root");
    assert_str(world->package.name, "component");
    assert_int_equal(world->import_count, 4);
    assert_int_equal(world->export_count, 1);
    assert_str(world->imports[0].name, "ex:io/types@1.0.0");
    assert_int_equal(world->imports[2].kind, TVN_WORLD_FUNC);
    assert_str(world->imports[2].func->name, "now");
    assert_str(world->imports[2].func->item_name, "now");
    assert_int_equal(world->imports[2].func->kind, TVN_FUNC_FREE);
    assert_true(world->imports[2].span.offset > 8);
    const struct tvn_interface *plain = world->imports[3].interface;
    assert_str(plain->name, "limits");
    assert_str(plain->id, "limits");
    assert_int_equal(plain->package.namespace_name.len, 0);
    decoded_stop(&d);
}

static void test_world_interface_has_its_package_types_and_functions(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "world");
    const struct tvn_interface *types = import_of(&d, "ex:io/types@1.0.0");
    assert_str(types->package.namespace_name, "ex");
    assert_str(types->package.name, "io");
    assert_int_equal(types->package.version.major, 1);
    assert_str(types->name, "types");
    assert_str(types->id, "ex:io/types@1.0.0");
    assert_int_equal(types->type_count, 3);
    assert_int_equal(types->func_count, 3);

    const struct tvn_type_item *buffer = type_of(types, "buffer");
    assert_int_equal(buffer->kind, TVN_TYPE_ITEM_RESOURCE);
    assert_ptr_equal(buffer->resource->owner, types);
    assert_str(buffer->resource->name, "buffer");
    static const struct {
        const char *name;
        const char *item;
        enum tvn_func_kind kind;
    } expected[] = {
        {"[constructor]buffer", "", TVN_FUNC_CONSTRUCTOR},
        {"[method]buffer.read", "read", TVN_FUNC_METHOD},
        {"[static]buffer.merge", "merge", TVN_FUNC_STATIC},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        assert_str(types->funcs[i].name, expected[i].name);
        assert_str(types->funcs[i].item_name, expected[i].item);
        assert_int_equal(types->funcs[i].kind, expected[i].kind);
        assert_ptr_equal(types->funcs[i].resource, buffer->resource);
    }
    const struct tvn_type_item *severity = type_of(types, "severity");
    assert_int_equal(severity->kind, TVN_TYPE_ITEM_DEFINED);
    assert_ptr_equal(severity->type->alias_of, type_of(types, "level")->type);
    decoded_stop(&d);
}

static void test_world_types_from_elsewhere_are_used(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "world");
    const struct tvn_interface *types = import_of(&d, "ex:io/types@1.0.0");
    const struct tvn_interface *log = import_of(&d, "ex:io/log@1.0.0");
    const struct tvn_interface *worker = export_of(&d, "ex:work/worker@2.1.0");

    const struct tvn_type_item *level = type_of(log, "level");
    assert_int_equal(level->kind, TVN_TYPE_ITEM_USED);
    assert_ptr_equal(level->used_from, types);
    assert_str(level->used_name, "level");
    const struct tvn_type_item *data = type_of(log, "data");
    assert_int_equal(data->kind, TVN_TYPE_ITEM_USED);
    assert_ptr_equal(data->used_from, types);
    assert_str(data->used_name, "buffer");
    assert_ptr_equal(data->resource, type_of(types, "buffer")->resource);
    assert_int_equal(type_of(log, "line")->kind, TVN_TYPE_ITEM_DEFINED);

    /* through the component that an exported interface is made of */
    const struct tvn_type_item *line = type_of(worker, "line");
    assert_int_equal(line->kind, TVN_TYPE_ITEM_USED);
    assert_ptr_equal(line->used_from, log);
    assert_int_equal(type_of(worker, "job")->kind, TVN_TYPE_ITEM_RESOURCE);
    assert_ptr_equal(type_of(worker, "job")->resource->owner, worker);
    const struct tvn_type_item *outcome = type_of(worker, "outcome");
    assert_int_equal(outcome->kind, TVN_TYPE_ITEM_DEFINED);
    assert_null(outcome->type->alias_of);
    assert_ptr_equal(worker->funcs[0].type.result, outcome->type);
    decoded_stop(&d);
}

static void test_world_prints_as_wit(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "world");
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_wit_print_world(tvn_component_world(d.component), &text);
    static const char *const expected[] = {
        "package root:component;\n\nworld root {\n",
        "  import ex:io/types@1.0.0;\n",
        "  import now: func() -> u64;\n",
        "  import limits: interface {\n    max: func() -> option<u32>;\n  }\n",
        "  export ex:work/worker@2.1.0;\n",
        "      constructor(size: u32);\n",
        "      read: func(at: u64) -> list<u8>;\n",
        "      merge: static func(all: list<buffer>) -> buffer;\n",
        "    type severity = level;\n",
        "    use types.{level, buffer as data};\n",
        "    write: func(line: line, data: borrow<data>);\n",
        "    use ex:io/log@1.0.0.{line};\n",
        "    variant outcome {\n      done(u32),\n      failed(job),\n    }\n",
        "    run: func(line: line) -> outcome;\n",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        if (!strstr(tvn_strbuf_text(&text), expected[i])) {
            fail_msg("'%s' is not in\n%s", expected[i], tvn_strbuf_text(&text));
        }
    }
    decoded_stop(&d);
}

static void test_world_prints_text_that_parses_back_to_the_same_interfaces(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "world");
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_wit_print_world(tvn_component_world(d.component), &text);
    TVN_AUTO(tvn_wit) wit = tvn_wit_create();
    assert_non_null(wit);
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    assert_diag_status(tvn_wit_add_text(wit, "world.wit", tvn_strbuf_view(&text), sink), TVN_OK,
                       sink);
    assert_diag_status(tvn_wit_resolve(wit, sink), TVN_OK, sink);
    const struct tvn_interface *log = tvn_wit_find_interface(wit, TVN_STR("ex:io/log@1.0.0"));
    const struct tvn_interface *decoded = import_of(&d, "ex:io/log@1.0.0");
    assert_non_null(log);
    assert_int_equal(log->func_count, decoded->func_count);
    assert_true(
        tvn_type_equal(type_of(log, "line")->type, type_of(decoded, "line")->type, NULL, NULL));
    decoded_stop(&d);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_world_items_follow_the_binary),
    cmocka_unit_test(test_world_interface_has_its_package_types_and_functions),
    cmocka_unit_test(test_world_types_from_elsewhere_are_used),
    cmocka_unit_test(test_world_prints_as_wit),
    cmocka_unit_test(test_world_prints_text_that_parses_back_to_the_same_interfaces),
};
TVN_TEST_MAIN("component.world", tests)
