/* SPDX-License-Identifier: Apache-2.0 */
/* Values into a guest and back, by dynamic calls and by compiled ones. */
#include "tvn_component_test.h"

static struct guest guest;

static int set_up(void **state)
{
    (void)state;
    guest_start(&guest, "echo", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guest_stop(&guest);
    return 0;
}

static void echo(const char *name, const struct tvn_value *value, const char *text)
{
    struct tvn_value result = {0};
    enum tvn_status status = guest_call(&guest, name, value, 1, &result);
    if (status != TVN_OK) {
        print_error("%s: %s\n", name, tvn_instance_fault(guest.instance)->text);
    }
    assert_status(status, TVN_OK);
    TVN_AUTO_VALUE(tvn_strbuf) printed = {0};
    tvn_value_print(&result, &printed);
    assert_string_equal(tvn_strbuf_text(&printed), text);
}

static void test_calls_scalars_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct tvn_value value;
        const char *text;
    } cases[] = {
        {"bool", {.of.boolean = true}, "true"},
        {"s8", {.of.s = -128}, "-128"},
        {"u8", {.of.u = 255}, "255"},
        {"s16", {.of.s = -32768}, "-32768"},
        {"u16", {.of.u = 65535}, "65535"},
        {"s32", {.of.s = INT32_MIN}, "-2147483648"},
        {"u32", {.of.u = UINT32_MAX}, "4294967295"},
        {"s64", {.of.s = INT64_MIN}, "-9223372036854775808"},
        {"u64", {.of.u = UINT64_MAX}, "18446744073709551615"},
        {"f32", {.of.f32 = 0x40490fdb}, "3.14159274"},
        {"f64", {.of.f64 = UINT64_C(0xbff8000000000000)}, "-1.5"},
        {"char", {.of.code_point = 0x20ac}, "'\xe2\x82\xac'"},
        {"enum", {.of.variant = {1, NULL}}, "pause"},
        {"flags", {.of.u = 0x101}, "{a, i}"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        echo(cases[i].name, &cases[i].value, cases[i].text);
    }
}

static void test_calls_texts_come_back_in_every_encoding(void **state)
{
    (void)state;
    static const char *const names[] = {"string", "string-utf16", "string-latin1"};
    static const char *const texts[] = {"", "abc", "na\xc3\xafve", "\xe2\x82\xac \xf0\x9f\x98\x80"};
    for (size_t n = 0; n < TVN_ARRAY_LEN(names); n++) {
        for (size_t t = 0; t < TVN_ARRAY_LEN(texts); t++) {
            char quoted[64];
            snprintf(quoted, sizeof(quoted), "\"%s\"", texts[t]);
            echo(names[n], &(struct tvn_value){.of.string = tvn_str_of(texts[t])}, quoted);
        }
    }
}

static void test_calls_lists_come_back(void **state)
{
    (void)state;
    struct tvn_value numbers[] = {{.of.u = 1}, {.of.u = 2}, {.of.u = 3}};
    struct tvn_value texts[] = {{.of.string = TVN_STR("a")}, {.of.string = TVN_STR("bc")}};
    echo("numbers", &(struct tvn_value){.of.list = {numbers, 3}}, "[1, 2, 3]");
    echo("numbers", &(struct tvn_value){.of.list = {NULL, 0}}, "[]");
    echo("texts", &(struct tvn_value){.of.list = {texts, 2}}, "[\"a\", \"bc\"]");
    echo("bytes", &(struct tvn_value){.of.bytes = TVN_STR("\x01\xff"), .is_bytes = true},
         "[1, 255]");
    echo("tuple", &(struct tvn_value){.of.list = {numbers, 2}}, "(1, 2)");
}

static void test_calls_records_and_cases_come_back(void **state)
{
    (void)state;
    struct tvn_value fields[] = {{.of.u = 7}, {.of.u = UINT64_MAX}, {.of.string = TVN_STR("x")}};
    struct tvn_value text = {.of.string = TVN_STR("some text")}, number = {.of.u = 9},
                     single = {.of.f32 = 0x3f800000}, wide = {.of.s = -7};
    echo("record", &(struct tvn_value){.of.list = {fields, 3}},
         "{a: 7, b: 18446744073709551615, c: \"x\"}");
    echo("option", &(struct tvn_value){.of.variant = {1, &text}}, "some(\"some text\")");
    echo("option", &(struct tvn_value){.of.variant = {0, NULL}}, "none");
    echo("result", &(struct tvn_value){.of.variant = {0, &number}}, "ok(9)");
    echo("result", &(struct tvn_value){.of.variant = {1, &text}}, "err(\"some text\")");
    echo("variant", &(struct tvn_value){.of.variant = {0, &single}}, "f(1)");
    echo("variant", &(struct tvn_value){.of.variant = {1, &wide}}, "l(-7)");
    echo("variant", &(struct tvn_value){.of.variant = {2, &text}}, "s(\"some text\")");
    echo("variant", &(struct tvn_value){.of.variant = {3, NULL}}, "n");
}

static void test_calls_seventeen_parameters_go_through_memory(void **state)
{
    (void)state;
    struct tvn_value args[17], result = {0};
    for (unsigned i = 0; i < 17; i++) {
        args[i] = (struct tvn_value){.of.u = i + 1};
    }
    assert_true(guest_export(&guest, "sum17")->params_spill);
    assert_status(guest_call(&guest, "sum17", args, 17, &result), TVN_OK);
    assert_int_equal(result.of.u, 17 * 18 / 2);
}

static void test_calls_compiled_call_does_its_own_layout(void **state)
{
    (void)state;
    const struct tvn_export *export = guest_export(&guest, "string");
    static const char text[] = "compiled";
    for (int round = 0; round < 3; round++) {
        union tvn_flat slots[4] = {0};
        uint32_t offset;
        assert_status(tvn_export_begin(export), TVN_OK);
        assert_status(tvn_export_realloc(export, 1, sizeof(text), &offset), TVN_OK);
        uint8_t *at = tvn_guest_mem_at(export->mem, offset, sizeof(text));
        assert_non_null(at);
        memcpy(at, text, sizeof(text));
        slots[0].u32 = offset;
        slots[1].u32 = sizeof(text);
        assert_status(tvn_export_call(export, slots), TVN_OK);
        const uint8_t *pair = tvn_guest_mem_at(export->mem, slots[0].u32, 8);
        assert_non_null(pair);
        assert_int_equal(tvn_guest_load_u32(pair), offset);
        assert_int_equal(tvn_guest_load_u32(pair + 4), sizeof(text));
        assert_status(tvn_export_end(export, slots), TVN_OK);
        assert_int_equal(offset, 4096); /* post-return gave it back */
    }
}

static void test_calls_compiled_call_allocates_nothing(void **state)
{
    (void)state;
    const struct tvn_export *export = guest_export(&guest, "string");
    union tvn_flat slots[4] = {0};
    uint32_t offset;
    uint64_t before = tvn_mem_allocation_count();
    for (int round = 0; round < 100; round++) {
        assert_status(tvn_export_begin(export), TVN_OK);
        assert_status(tvn_export_realloc(export, 1, 16, &offset), TVN_OK);
        slots[0].u32 = offset;
        slots[1].u32 = 16;
        assert_status(tvn_export_call(export, slots), TVN_OK);
        assert_status(tvn_export_end(export, slots), TVN_OK);
    }
    assert_int_equal(tvn_mem_allocation_count(), before);
}

static void test_calls_nested_begin_cannot_enter(void **state)
{
    (void)state;
    const struct tvn_export *export = guest_export(&guest, "u32");
    assert_status(tvn_export_begin(export), TVN_OK);
    assert_status(tvn_export_begin(export), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "cannot enter component instance");
}

static void test_calls_wrong_number_of_arguments_is_refused(void **state)
{
    (void)state;
    assert_status(guest_call(&guest, "u32", NULL, 0, NULL), TVN_E_INTERNAL);
    assert_guest_fault(&guest, TVN_E_INTERNAL, "takes 1 arguments, 0 were passed");
}

static void test_calls_unknown_export_is_null(void **state)
{
    (void)state;
    assert_null(tvn_instance_find_export(guest.instance, TVN_STR(""), TVN_STR("nothing")));
    assert_null(tvn_instance_find_export(guest.instance, TVN_STR("a:b/c@1.0.0"), TVN_STR("u32")));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(test_calls_scalars_come_back),
    CASE(test_calls_texts_come_back_in_every_encoding),
    CASE(test_calls_lists_come_back),
    CASE(test_calls_records_and_cases_come_back),
    CASE(test_calls_seventeen_parameters_go_through_memory),
    CASE(test_calls_compiled_call_does_its_own_layout),
    CASE(test_calls_compiled_call_allocates_nothing),
    CASE(test_calls_nested_begin_cannot_enter),
    CASE(test_calls_wrong_number_of_arguments_is_refused),
    CASE(test_calls_unknown_export_is_null),
};
TVN_TEST_MAIN_WITH("component.calls", tests, guest_engine_start, guest_engine_stop)
