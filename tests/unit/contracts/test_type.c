/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts and flattened forms against values worked out by hand from the Canonical ABI. */
#include "base/num.h"
#include "contracts/type.h"

#include "tvn_test.h"

#define P(kind) tvn_type_primitive(TVN_TYPE_##kind)

static struct tvn_arena *arena;

static const struct tvn_type *make(const struct tvn_type_spec *spec)
{
    const struct tvn_type *type = NULL;
    assert_int_equal(tvn_type_create(arena, spec, &type), TVN_OK);
    return type;
}

static const struct tvn_type *make_fields(enum tvn_type_kind kind, size_t count,
                                          const struct tvn_type *const *types)
{
    struct tvn_field *fields = TVN_ARENA_ARRAY(arena, struct tvn_field, count);
    for (size_t i = 0; i < count; i++) {
        char *name = tvn_arena_printf(arena, "f%zu", i);
        fields[i] = (struct tvn_field){.name = tvn_str_of(name), .type = types ? types[i] : NULL};
    }
    return make(&(struct tvn_type_spec){.kind = kind, .fields = fields, .field_count = count});
}
#define FIELDS(kind, ...)                                                                     \
    make_fields(TVN_TYPE_##kind,                                                              \
                sizeof((const struct tvn_type *[]){__VA_ARGS__}) / sizeof(struct tvn_type *), \
                (const struct tvn_type *[]){__VA_ARGS__})

static const struct tvn_type *list_of(const struct tvn_type *element, uint32_t length)
{
    return make(
        &(struct tvn_type_spec){.kind = TVN_TYPE_LIST, .element = element, .list_length = length});
}
static const struct tvn_type *option_of(const struct tvn_type *element)
{
    return make(&(struct tvn_type_spec){.kind = TVN_TYPE_OPTION, .element = element});
}
static const struct tvn_type *result_of(const struct tvn_type *ok, const struct tvn_type *error)
{
    return make(&(struct tvn_type_spec){.kind = TVN_TYPE_RESULT, .element = ok, .error = error});
}

static void expect_layout(const struct tvn_type *type, uint32_t size, uint32_t align,
                          const char *flat)
{
    assert_int_equal(type->abi_size, size);
    assert_int_equal(type->abi_align, align);
    enum tvn_core_kind kinds[TVN_TYPE_FLAT_MAX];
    size_t count = tvn_type_flatten(type, kinds);
    assert_int_equal(count, type->abi_flat_count);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    static const char *const names[] = {"i32", "i64", "f32", "f64"};
    for (size_t i = 0; i < count && i < TVN_TYPE_FLAT_MAX; i++) {
        tvn_strbuf_printf(&text, "%s%s", i == 0 ? "" : " ", names[kinds[i]]);
    }
    assert_string_equal(count > TVN_TYPE_FLAT_MAX ? "memory" : tvn_strbuf_text(&text), flat);
}

static void test_type_primitives_have_the_abi_layout(void **state)
{
    (void)state;
    expect_layout(P(BOOL), 1, 1, "i32");
    expect_layout(P(U8), 1, 1, "i32");
    expect_layout(P(S16), 2, 2, "i32");
    expect_layout(P(U32), 4, 4, "i32");
    expect_layout(P(S64), 8, 8, "i64");
    expect_layout(P(F32), 4, 4, "f32");
    expect_layout(P(F64), 8, 8, "f64");
    expect_layout(P(CHAR), 4, 4, "i32");
    expect_layout(P(STRING), 8, 4, "i32 i32");
    assert_true(P(STRING)->has_pointers);
    for (int kind = 0; kind <= TVN_TYPE_STRING; kind++) {
        assert_int_equal(tvn_type_primitives[kind].kind, kind);
        assert_int_equal(tvn_type_primitives[kind].depth, 1);
    }
}

static void test_type_record_pads_fields_and_tail(void **state)
{
    (void)state;
    const struct tvn_type *record = FIELDS(RECORD, P(U8), P(U64), P(U16), P(STRING));
    expect_layout(record, 32, 8, "i32 i64 i32 i32 i32");
    assert_int_equal(tvn_type_field_offset(record, 0), 0);
    assert_int_equal(tvn_type_field_offset(record, 1), 8);
    assert_int_equal(tvn_type_field_offset(record, 2), 16);
    assert_int_equal(tvn_type_field_offset(record, 3), 20);

    /* torvyn:streaming element-meta: u64, u64, string. */
    expect_layout(FIELDS(RECORD, P(U64), P(U64), P(STRING)), 24, 8, "i64 i64 i32 i32");
    expect_layout(FIELDS(TUPLE, P(U8), P(U8), P(U8)), 3, 1, "i32 i32 i32");
    expect_layout(FIELDS(TUPLE, P(U16), P(U8)), 4, 2, "i32 i32");
}

static void test_type_variant_overlays_mixed_payloads(void **state)
{
    (void)state;
    const struct tvn_type *narrow = FIELDS(VARIANT, P(U32), P(F32), NULL);
    expect_layout(narrow, 8, 4, "i32 i32");
    assert_int_equal(narrow->abi_payload_offset, 4);
    assert_int_equal(narrow->abi_discriminant, 1);

    expect_layout(FIELDS(VARIANT, P(F32), P(F32)), 8, 4, "i32 f32");
    expect_layout(FIELDS(VARIANT, P(F32), P(F64)), 16, 8, "i32 i64");
    expect_layout(FIELDS(VARIANT, P(U64), P(F64), P(U8)), 16, 8, "i32 i64");
    expect_layout(FIELDS(VARIANT, P(STRING), NULL, P(U64)), 16, 8, "i32 i64 i32");
    expect_layout(FIELDS(VARIANT, P(U8), NULL), 2, 1, "i32 i32");
}

static void test_type_discriminant_grows_with_cases(void **state)
{
    (void)state;
    static const struct {
        size_t cases;
        uint32_t bytes;
    } rows[] = {{1, 1}, {256, 1}, {257, 2}, {65536, 2}, {65537, 4}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        const struct tvn_type *type = make_fields(TVN_TYPE_ENUM, rows[i].cases, NULL);
        assert_int_equal(type->abi_discriminant, rows[i].bytes);
        expect_layout(type, rows[i].bytes, rows[i].bytes, "i32");
    }
}

static void test_type_option_and_result_are_variants(void **state)
{
    (void)state;
    expect_layout(option_of(P(U64)), 16, 8, "i32 i64");
    expect_layout(option_of(P(U8)), 2, 1, "i32 i32");
    assert_int_equal(option_of(P(U64))->abi_payload_offset, 8);
    expect_layout(result_of(NULL, P(STRING)), 12, 4, "i32 i32 i32");
    expect_layout(result_of(NULL, NULL), 1, 1, "i32");
    expect_layout(result_of(P(U64), P(STRING)), 16, 8, "i32 i64 i32");
    expect_layout(option_of(option_of(P(U32))), 12, 4, "i32 i32 i32");
}

static void test_type_flags_take_one_two_or_four_bytes(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        uint32_t bytes;
    } rows[] = {{1, 1}, {8, 1}, {9, 2}, {16, 2}, {17, 4}, {32, 4}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        expect_layout(make_fields(TVN_TYPE_FLAGS, rows[i].count, NULL), rows[i].bytes,
                      rows[i].bytes, "i32");
    }
}

static void test_type_fixed_list_is_inline(void **state)
{
    (void)state;
    expect_layout(list_of(P(U8), 0), 8, 4, "i32 i32");
    expect_layout(list_of(P(U8), 4), 4, 1, "i32 i32 i32 i32");
    expect_layout(list_of(FIELDS(TUPLE, P(U32), P(U8)), 2), 16, 4, "i32 i32 i32 i32");
    expect_layout(list_of(P(U64), 17), 136, 8, "memory");
    expect_layout(list_of(P(U16), 1u << 30), 1u << 31, 2, "memory");
    assert_false(list_of(P(U8), 4)->has_pointers);
    assert_true(list_of(P(STRING), 4)->has_pointers);
    assert_true(list_of(P(U8), 0)->has_pointers);
}

static void test_type_flat_count_saturates_beyond_sixteen(void **state)
{
    (void)state;
    const struct tvn_type *eight =
        FIELDS(TUPLE, P(U8), P(U8), P(U8), P(U8), P(U8), P(U8), P(U8), P(F64));
    const struct tvn_type *sixteen = FIELDS(TUPLE, eight, eight);
    assert_int_equal(sixteen->abi_flat_count, 16);
    expect_layout(FIELDS(TUPLE, sixteen, P(U8)), 40, 8, "memory");
    expect_layout(option_of(sixteen), 40, 8, "memory");
    assert_int_equal(option_of(option_of(sixteen))->abi_flat_count, TVN_TYPE_FLAT_MAX + 1);
    expect_layout(option_of(FIELDS(TUPLE, eight, P(F32), P(U64))), 40, 8,
                  "i32 i32 i32 i32 i32 i32 i32 i32 f64 f32 i64");
}

static void test_type_handles_are_marked_through_containers(void **state)
{
    (void)state;
    struct tvn_resource buffer = {.name = TVN_STR("buffer")};
    const struct tvn_type *own =
        make(&(struct tvn_type_spec){.kind = TVN_TYPE_OWN, .resource = &buffer});
    const struct tvn_type *borrow =
        make(&(struct tvn_type_spec){.kind = TVN_TYPE_BORROW, .resource = &buffer});
    expect_layout(own, 4, 4, "i32");
    assert_true(list_of(option_of(own), 0)->has_handle);
    assert_false(list_of(option_of(own), 0)->has_borrow);
    assert_true(FIELDS(RECORD, P(U8), borrow)->has_borrow);
    assert_true(result_of(NULL, borrow)->has_handle);
    assert_false(FIELDS(RECORD, P(U8))->has_handle);
}

static void test_type_create_refuses_what_has_no_layout(void **state)
{
    (void)state;
    static const enum tvn_type_kind empty[] = {TVN_TYPE_RECORD, TVN_TYPE_TUPLE, TVN_TYPE_VARIANT,
                                               TVN_TYPE_ENUM, TVN_TYPE_FLAGS};
    const struct tvn_type *type = NULL;
    for (size_t i = 0; i < TVN_ARRAY_LEN(empty); i++) {
        struct tvn_type_spec spec = {.kind = empty[i]};
        assert_int_equal(tvn_type_create(arena, &spec, &type), TVN_E_CONSTRAINT_VIOLATION);
    }
    struct tvn_field *labels = TVN_ARENA_ARRAY(arena, struct tvn_field, 33);
    struct tvn_type_spec flags = {.kind = TVN_TYPE_FLAGS, .fields = labels, .field_count = 33};
    assert_int_equal(tvn_type_create(arena, &flags, &type), TVN_E_CONSTRAINT_VIOLATION);

    struct tvn_type_spec huge = {
        .kind = TVN_TYPE_LIST, .element = P(U64), .list_length = UINT32_MAX};
    assert_int_equal(tvn_type_create(arena, &huge, &type), TVN_E_COMPONENT_TOO_COMPLEX);
    const struct tvn_type *half = list_of(P(U8), 1u << 30);
    struct tvn_field *fields = TVN_ARENA_ARRAY(arena, struct tvn_field, 4);
    for (size_t i = 0; i < 4; i++) {
        fields[i] = (struct tvn_field){.name = TVN_STR("a"), .type = half};
    }
    struct tvn_type_spec big = {.kind = TVN_TYPE_TUPLE, .fields = fields, .field_count = 4};
    assert_int_equal(tvn_type_create(arena, &big, &type), TVN_E_COMPONENT_TOO_COMPLEX);
    assert_null(type);
}

static void test_type_depth_is_bounded(void **state)
{
    (void)state;
    const struct tvn_type *type = P(U8);
    while (type->depth < TVN_TYPE_DEPTH_MAX) {
        type = list_of(type, 0);
    }
    struct tvn_type_spec spec = {.kind = TVN_TYPE_LIST, .element = type};
    const struct tvn_type *deeper = NULL;
    assert_int_equal(tvn_type_create(arena, &spec, &deeper), TVN_E_COMPONENT_TOO_COMPLEX);
}

static void test_type_rename_shares_layout_and_remembers_the_alias(void **state)
{
    (void)state;
    const struct tvn_type *anonymous = FIELDS(TUPLE, P(U8), P(U64));
    const struct tvn_type *pair = NULL;
    const struct tvn_type *twin = NULL;
    assert_int_equal(tvn_type_rename(arena, anonymous, TVN_STR("pair"), NULL, &pair), TVN_OK);
    assert_int_equal(tvn_type_rename(arena, pair, TVN_STR("twin"), NULL, &twin), TVN_OK);
    assert_null(pair->alias_of);
    assert_ptr_equal(twin->alias_of, pair);
    assert_true(tvn_type_equal(twin, anonymous, NULL, NULL));
    expect_layout(twin, 16, 8, "i32 i64");
}

static void test_type_equal_compares_structure(void **state)
{
    (void)state;
    assert_true(tvn_type_equal(FIELDS(RECORD, P(U8), P(STRING)), FIELDS(RECORD, P(U8), P(STRING)),
                               NULL, NULL));
    assert_false(tvn_type_equal(FIELDS(RECORD, P(U8)), FIELDS(RECORD, P(S8)), NULL, NULL));
    assert_false(tvn_type_equal(FIELDS(RECORD, P(U8)), FIELDS(TUPLE, P(U8)), NULL, NULL));
    assert_false(
        tvn_type_equal(FIELDS(VARIANT, P(U8), NULL), FIELDS(VARIANT, P(U8), P(U8)), NULL, NULL));
    assert_false(tvn_type_equal(list_of(P(U32), 0), list_of(P(U32), 2), NULL, NULL));
    assert_false(tvn_type_equal(result_of(NULL, P(U8)), result_of(P(U8), NULL), NULL, NULL));
    assert_true(tvn_type_equal(result_of(NULL, P(U8)), result_of(NULL, P(U8)), NULL, NULL));
    struct tvn_field *other = TVN_ARENA_ARRAY(arena, struct tvn_field, 1);
    other[0] = (struct tvn_field){.name = TVN_STR("other"), .type = P(U8)};
    const struct tvn_type *renamed =
        make(&(struct tvn_type_spec){.kind = TVN_TYPE_RECORD, .fields = other, .field_count = 1});
    assert_false(tvn_type_equal(FIELDS(RECORD, P(U8)), renamed, NULL, NULL));
}

static bool same_name(void *context, const struct tvn_resource *a, const struct tvn_resource *b)
{
    ++*(int *)context;
    return tvn_str_equal(a->name, b->name);
}

static void test_type_equal_asks_about_resources(void **state)
{
    (void)state;
    struct tvn_resource a = {.name = TVN_STR("buffer")};
    struct tvn_resource b = {.name = TVN_STR("buffer")};
    const struct tvn_type *own_a =
        make(&(struct tvn_type_spec){.kind = TVN_TYPE_OWN, .resource = &a});
    const struct tvn_type *own_b =
        make(&(struct tvn_type_spec){.kind = TVN_TYPE_OWN, .resource = &b});
    int asked = 0;
    assert_false(tvn_type_equal(list_of(own_a, 0), list_of(own_b, 0), NULL, NULL));
    assert_true(tvn_type_equal(list_of(own_a, 0), list_of(own_b, 0), same_name, &asked));
    assert_int_equal(asked, 1);

    struct tvn_field params_a[] = {{.name = TVN_STR("self"), .type = own_a}};
    struct tvn_field params_b[] = {{.name = TVN_STR("self"), .type = own_b}};
    struct tvn_func_type func_a = {.params = params_a, .param_count = 1};
    struct tvn_func_type func_b = {.params = params_b, .param_count = 1, .result = P(U8)};
    assert_false(tvn_func_type_equal(&func_a, &func_b, same_name, &asked));
    func_a.result = P(U8);
    assert_true(tvn_func_type_equal(&func_a, &func_b, same_name, &asked));
    params_b[0].name = TVN_STR("other");
    assert_false(tvn_func_type_equal(&func_a, &func_b, same_name, &asked));
}

/* tuple<list<t>, list<t>> over and over: a tree of 2^98 leaves, 98 shared nodes. */
static void test_type_equal_of_shared_parts_ends(void **state)
{
    (void)state;
    const struct tvn_type *left = P(U8);
    const struct tvn_type *right = P(U8);
    while (left->depth + 2 <= TVN_TYPE_DEPTH_MAX) {
        left = list_of(FIELDS(TUPLE, left, left), 0);
        right = list_of(FIELDS(TUPLE, right, right), 0);
    }
    assert_true(tvn_type_equal(left, right, NULL, NULL));
    TVN_AUTO_VALUE(tvn_strbuf) text = {.max = 4096};
    tvn_type_print(left, &text);
    assert_true(text.failed);
}

static void test_type_print_uses_names_and_escapes_keywords(void **state)
{
    (void)state;
    struct tvn_resource buffer = {.name = TVN_STR("buffer")};
    const struct tvn_type *borrow =
        make(&(struct tvn_type_spec){.kind = TVN_TYPE_BORROW, .resource = &buffer});
    const struct tvn_type *pair = NULL;
    assert_int_equal(
        tvn_type_rename(arena, FIELDS(TUPLE, P(U8), P(F32)), TVN_STR("type"), NULL, &pair), TVN_OK);
    struct tvn_field params[] = {{.name = TVN_STR("self"), .type = borrow},
                                 {.name = TVN_STR("list"), .type = list_of(pair, 3)}};
    struct tvn_func_type func = {
        .params = params, .param_count = 2, .result = result_of(NULL, option_of(pair))};
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_func_type_print(&func, &text);
    assert_string_equal(
        tvn_strbuf_text(&text),
        "func(self: borrow<buffer>, %list: list<%type, 3>) -> result<_, option<%type>>");
    tvn_strbuf_reset(&text);
    tvn_type_print(FIELDS(VARIANT, P(U8), NULL), &text);
    assert_string_equal(tvn_strbuf_text(&text), "variant { f0(u8), f1 }");
    tvn_strbuf_reset(&text);
    tvn_type_print(make(&(struct tvn_type_spec){.kind = TVN_TYPE_LIST,
                                                .element = FIELDS(TUPLE, P(U8), P(U8)),
                                                .is_map = true}),
                   &text);
    assert_string_equal(tvn_strbuf_text(&text), "map<u8, u8>");
}

static int setup(void **state)
{
    (void)state;
    arena = tvn_arena_create(0);
    return arena ? 0 : -1;
}
static int teardown(void **state)
{
    (void)state;
    tvn_arena_destroy(arena);
    return 0;
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_type_primitives_have_the_abi_layout),
    CASE(test_type_record_pads_fields_and_tail),
    CASE(test_type_variant_overlays_mixed_payloads),
    CASE(test_type_discriminant_grows_with_cases),
    CASE(test_type_option_and_result_are_variants),
    CASE(test_type_flags_take_one_two_or_four_bytes),
    CASE(test_type_fixed_list_is_inline),
    CASE(test_type_flat_count_saturates_beyond_sixteen),
    CASE(test_type_handles_are_marked_through_containers),
    CASE(test_type_create_refuses_what_has_no_layout),
    CASE(test_type_depth_is_bounded),
    CASE(test_type_rename_shares_layout_and_remembers_the_alias),
    CASE(test_type_equal_compares_structure),
    CASE(test_type_equal_asks_about_resources),
    CASE(test_type_equal_of_shared_parts_ends),
    CASE(test_type_print_uses_names_and_escapes_keywords),
};

TVN_TEST_MAIN("contracts.type", tests)
