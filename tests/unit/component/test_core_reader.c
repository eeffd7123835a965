/* SPDX-License-Identifier: Apache-2.0 */
#include "component/core_reader_internal.h"

#include "tvn_test.h"

#define PREAMBLE 0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00

struct fixture {
    struct tvn_diag_sink *sink;
    struct tvn_arena *arena;
    struct tvn_decode_context context;
    const struct tvn_core_module_index *index;
    enum tvn_status status;
};

static void read_bytes(struct fixture *fixture, const uint8_t *bytes, size_t length)
{
    *fixture = (struct fixture){.sink = tvn_diag_sink_create(), .arena = tvn_arena_create(0)};
    assert_non_null(fixture->sink);
    assert_non_null(fixture->arena);
    fixture->context = (struct tvn_decode_context){
        .bytes = bytes,
        .sink = fixture->sink,
        .file = tvn_diag_add_binary_source(fixture->sink, "test.wasm"),
        .arena = fixture->arena,
        .steps_left = 1000,
    };
    struct tvn_reader reader = {&fixture->context, 0, (uint32_t)length};
    fixture->status = tvn_core_module_read(&reader, &fixture->index);
}

static void fixture_stop(struct fixture *fixture)
{
    tvn_diag_sink_destroy(fixture->sink);
    tvn_arena_destroy(fixture->arena);
}

static void assert_refused(const uint8_t *bytes, size_t length, enum tvn_status expected,
                           uint32_t offset, const char *text)
{
    struct fixture f;
    read_bytes(&f, bytes, length);
    assert_diag_status(f.status, expected, f.sink);
    const struct tvn_diagnostic *diagnostic = tvn_diag_at(f.sink, 0);
    if (!strstr(diagnostic->message, text)) {
        fail_msg("'%s' does not contain '%s'", diagnostic->message, text);
    }
    assert_int_equal(diagnostic->primary.span.offset, offset);
    fixture_stop(&f);
}

#define ASSERT_INVALID(offset, text, ...)                                                \
    do {                                                                                 \
        static const uint8_t bytes[] = {PREAMBLE, __VA_ARGS__};                          \
        assert_refused(bytes, sizeof(bytes), TVN_E_COMPONENT_INVALID, (offset), (text)); \
    } while (0)

/* One of everything. */
static const char whole[] =
    "\0asm\1\0\0\0"
    /* types: (i32, i64) -> (f64), (i32) -> () */
    "\x01\x0b\x02\x60\x02\x7f\x7e\x01\x7c\x60\x01\x7f\x00"
    /* imports: m.f func, m.t table, m.g mutable i32, m.e tag */
    "\x02\x1d\x04\x01\x6d\x01\x66\x00\x00\x01\x6d\x01\x74\x01\x70\x00\x01\x01\x6d\x01"
    "\x67\x03\x7f\x01\x01\x6d\x01\x65\x04\x00\x01"
    /* a function of type 1 */
    "\x03\x02\x01\x01"
    /* tables: externref 0..2; funcref with a first value */
    "\x04\x0d\x02\x6f\x01\x00\x02\x40\x00\x70\x00\x01\xd0\x70\x0b"
    /* memory 1..3 */
    "\x05\x04\x01\x01\x01\x03"
    /* a tag of type 1 */
    "\x0d\x03\x01\x00\x01"
    /* globals: i64 = 5; mutable f64 = 0; i32 = 1 + 2 */
    "\x06\x1a\x03\x7e\x00\x42\x05\x0b\x7c\x01\x44\x00\x00\x00\x00\x00\x00\x00\x00\x0b"
    "\x7f\x00\x41\x01\x41\x02\x6a\x0b"
    /* exports: run func 1, mem memory 0, g global 1, t table 2, x tag 1 */
    "\x07\x19\x05\x03\x72\x75\x6e\x00\x01\x03\x6d\x65\x6d\x02\x00\x01\x67\x03\x01\x01"
    "\x74\x01\x02\x01\x78\x04\x01"
    /* code */
    "\x0a\x04\x01\x02\x00\x0b"
    /* custom x */
    "\x00\x02\x01\x78";
#define WHOLE_LENGTH (sizeof(whole) - 1)

static void test_core_reader_one_of_everything_gives_the_types(void **state)
{
    (void)state;
    const uint8_t *bytes = (const uint8_t *)whole;
    size_t length = WHOLE_LENGTH;
    struct fixture f;
    read_bytes(&f, bytes, length);
    assert_diag_status(f.status, TVN_OK, f.sink);
    const struct tvn_core_module_type *type = &f.index->type;
    assert_int_equal(type->import_count, 4);
    assert_int_equal(type->export_count, 5);

    const struct tvn_core_extern *func =
        tvn_core_module_find_import(f.index, TVN_STR("m"), TVN_STR("f"));
    assert_non_null(func);
    assert_int_equal(func->kind, TVN_CORE_EXTERN_FUNC);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_core_func_type_print(func->func, &text);
    assert_string_equal(tvn_strbuf_text(&text), "(i32, i64) -> (f64)");

    const struct tvn_core_extern *memory = tvn_core_module_find_export(f.index, TVN_STR("mem"));
    assert_int_equal(memory->kind, TVN_CORE_EXTERN_MEMORY);
    assert_true(memory->has_max && memory->min == 1 && memory->max == 3);
    const struct tvn_core_extern *global = tvn_core_module_find_export(f.index, TVN_STR("g"));
    assert_int_equal(global->value_type, 0x7e);
    assert_false(global->is_mutable);
    const struct tvn_core_extern *table = tvn_core_module_find_export(f.index, TVN_STR("t"));
    assert_int_equal(table->value_type, 0x70);
    assert_int_equal(tvn_core_module_find_export(f.index, TVN_STR("x"))->func->param_count, 1);
    assert_null(tvn_core_module_find_export(f.index, TVN_STR("nothing")));
    assert_null(tvn_core_module_find_import(f.index, TVN_STR("n"), TVN_STR("f")));
    fixture_stop(&f);
}

static void test_core_reader_every_prefix_ends_without_harm(void **state)
{
    (void)state;
    const uint8_t *bytes = (const uint8_t *)whole;
    size_t length = WHOLE_LENGTH;
    for (size_t i = 0; i < length; i++) {
        TVN_AUTO_FREE uint8_t *exact = tvn_malloc(i + 1); /* ASan sees what is read beyond */
        assert_non_null(exact);
        memcpy(exact, bytes, i);
        struct fixture f;
        read_bytes(&f, exact, i);
        assert_true(f.status == TVN_OK || f.status == TVN_E_COMPONENT_INVALID);
        assert_true((f.status == TVN_OK) == (tvn_diag_error_count(f.sink) == 0));
        fixture_stop(&f);
    }
}

static void test_core_reader_code_and_data_are_not_looked_at(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {PREAMBLE, 0x08, 0x01, 0x63, 0x09, 0x02, 0xff, 0xff, 0x0c, 0x01,
                                    0x09,     0x0a, 0x01, 0xee, 0x0b, 0x00, 0x00, 0x01, 0x00};
    struct fixture f;
    read_bytes(&f, bytes, sizeof(bytes));
    assert_diag_status(f.status, TVN_OK, f.sink);
    assert_int_equal(f.index->type.export_count, 0);
    fixture_stop(&f);
}

static void test_core_reader_malformed_modules_are_refused_with_their_place(void **state)
{
    (void)state;
    static const uint8_t no_magic[] = {0x00, 'a', 's', 'm', 0x0d, 0x00, 0x01, 0x00};
    assert_refused(no_magic, sizeof(no_magic), TVN_E_COMPONENT_INVALID, 0, "no core module");
    ASSERT_INVALID(8, "section id", 0x0e, 0x00);
    ASSERT_INVALID(11, "out of order", 0x03, 0x01, 0x00, 0x01, 0x01, 0x00);
    ASSERT_INVALID(11, "out of order", 0x01, 0x01, 0x00, 0x01, 0x01, 0x00);
    ASSERT_INVALID(11, "0x40 is not a core type", 0x01, 0x02, 0x01, 0x40);
    ASSERT_INVALID(13, "0x00 is not a core value type", 0x01, 0x05, 0x01, 0x60, 0x01, 0x00, 0x00);
    ASSERT_INVALID(11, "core type index 0 out of bounds", 0x03, 0x02, 0x01, 0x00);
    ASSERT_INVALID(13, "item that does not exist", 0x07, 0x05, 0x01, 0x01, 'a', 0x00, 0x00);
    ASSERT_INVALID(15, "0x05 is not a kind", 0x02, 0x06, 0x01, 0x01, 'a', 0x01, 'b', 0x05);
    ASSERT_INVALID(12, "mutability", 0x06, 0x05, 0x01, 0x7f, 0x02, 0x41, 0x00, 0x0b);
    ASSERT_INVALID(13, "not an instruction of a constant", 0x06, 0x05, 0x01, 0x7f, 0x00, 0x01,
                   0x0b);
    ASSERT_INVALID(11, "bytes follow", 0x01, 0x03, 0x00, 0x00, 0x00);
    ASSERT_INVALID(11, "size limits of a memory", 0x05, 0x04, 0x01, 0x01, 0x02, 0x01);
    ASSERT_INVALID(11, "size limits of a memory", 0x05, 0x05, 0x01, 0x00, 0x81, 0x80, 0x04);
    ASSERT_INVALID(11, "not a reference type", 0x04, 0x04, 0x01, 0x7f, 0x00, 0x00);
}

static void test_core_reader_duplicate_names_are_refused(void **state)
{
    (void)state;
    ASSERT_INVALID(0, "duplicate import name 'a' 'b'", 0x02, 0x0f, 0x02, 0x01, 'a', 0x01, 'b', 0x03,
                   0x7f, 0x00, 0x01, 'a', 0x01, 'b', 0x03, 0x7e, 0x00);
    ASSERT_INVALID(0, "duplicate core export name 'a'", 0x05, 0x03, 0x01, 0x00, 0x00, 0x07, 0x09,
                   0x02, 0x01, 'a', 0x02, 0x00, 0x01, 'a', 0x02, 0x00);
}

static void test_core_reader_unsupported_features_are_named(void **state)
{
    (void)state;
    ASSERT_INVALID(11, "64-bit memory or table: not supported", 0x05, 0x03, 0x01, 0x04, 0x00);
    ASSERT_INVALID(11, "shared memory: not supported", 0x05, 0x04, 0x01, 0x03, 0x01, 0x01);
    ASSERT_INVALID(11, "custom page size: not supported", 0x05, 0x04, 0x01, 0x08, 0x01, 0x00);
    ASSERT_INVALID(11, "garbage-collected core types: not supported", 0x01, 0x02, 0x01, 0x4e);
    ASSERT_INVALID(11, "typed function references: not supported", 0x04, 0x04, 0x01, 0x64, 0x00,
                   0x00);
}

static void test_core_reader_too_many_parameters_is_too_complex(void **state)
{
    (void)state;
    uint8_t bytes[2048] = {PREAMBLE, 0x01, 0xee, 0x07, 0x01, 0x60, 0xe9, 0x07};
    memset(bytes + 15, 0x7f, 1001);
    assert_refused(bytes, 11 + 1006, TVN_E_COMPONENT_TOO_COMPLEX, 13, "more than 1000 parameters");
}

static void test_core_reader_out_of_memory_is_reported(void **state)
{
    (void)state;
    const uint8_t *bytes = (const uint8_t *)whole;
    size_t length = WHOLE_LENGTH;
    for (uint64_t i = 1; i < 200; i++) {
        struct fixture f = {.sink = tvn_diag_sink_create(), .arena = tvn_arena_create(0)};
        f.context = (struct tvn_decode_context){
            .bytes = bytes, .sink = f.sink, .arena = f.arena, .steps_left = 1000};
        struct tvn_reader reader = {&f.context, 0, (uint32_t)length};
        tvn_mem_fail_at(i, false);
        f.status = tvn_core_module_read(&reader, &f.index);
        tvn_mem_fail_at(0, false);
        assert_true(f.status == TVN_OK || f.status == TVN_E_OUT_OF_MEMORY);
        fixture_stop(&f);
        if (f.status == TVN_OK) {
            assert_true(i > 5);
            return;
        }
    }
    fail();
}

static struct tvn_core_extern limits(enum tvn_core_extern_kind kind, uint64_t min, bool has_max,
                                     uint64_t max)
{
    return (struct tvn_core_extern){
        .kind = kind, .value_type = 0x70, .min = min, .has_max = has_max, .max = max};
}

static void test_core_extern_matches_by_import_rules(void **state)
{
    (void)state;
    struct tvn_core_extern wanted = limits(TVN_CORE_EXTERN_MEMORY, 2, true, 5);
    struct tvn_core_extern given = wanted;
    assert_true(tvn_core_extern_matches(&given, &wanted));
    given = limits(TVN_CORE_EXTERN_MEMORY, 3, true, 4);
    assert_true(tvn_core_extern_matches(&given, &wanted));
    given = limits(TVN_CORE_EXTERN_MEMORY, 1, true, 4);
    assert_false(tvn_core_extern_matches(&given, &wanted));
    given = limits(TVN_CORE_EXTERN_MEMORY, 2, false, 0);
    assert_false(tvn_core_extern_matches(&given, &wanted));
    given = limits(TVN_CORE_EXTERN_MEMORY, 2, true, 6);
    assert_false(tvn_core_extern_matches(&given, &wanted));
    given = limits(TVN_CORE_EXTERN_TABLE, 2, true, 5);
    assert_false(tvn_core_extern_matches(&given, &wanted));
    wanted = limits(TVN_CORE_EXTERN_TABLE, 0, false, 0);
    assert_true(tvn_core_extern_matches(&given, &wanted));
    given.value_type = 0x6f;
    assert_false(tvn_core_extern_matches(&given, &wanted));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_core_reader_one_of_everything_gives_the_types),
    cmocka_unit_test(test_core_reader_every_prefix_ends_without_harm),
    cmocka_unit_test(test_core_reader_code_and_data_are_not_looked_at),
    cmocka_unit_test(test_core_reader_malformed_modules_are_refused_with_their_place),
    cmocka_unit_test(test_core_reader_duplicate_names_are_refused),
    cmocka_unit_test(test_core_reader_unsupported_features_are_named),
    cmocka_unit_test(test_core_reader_too_many_parameters_is_too_complex),
    cmocka_unit_test(test_core_reader_out_of_memory_is_reported),
    cmocka_unit_test(test_core_extern_matches_by_import_rules),
};
TVN_TEST_MAIN("component.core_reader", tests)
