/* SPDX-License-Identifier: Apache-2.0 */
/* Values against memory images: no guest runs, its realloc is a bump allocator here. */
#include "component/canon_internal.h"

#include "tvn_test.h"

enum { MEMORY = 4096, HEAP = 1024 };

struct bench {
    uint8_t memory[MEMORY];
    struct tvn_guest_mem mem;
    struct tvn_instance instance;
    struct tvn_rt_scope scope;
    const struct tvn_resource_rt *resources[2];
    struct tvn_resource_rt resource;
    struct tvn_arena *types;
    struct tvn_arena *values;
    struct tvn_canon cx;
    uint32_t top;
    uint32_t reallocs;
    int32_t force_offset; /* what realloc returns; 0: honest */
};

static bool fake_realloc(void *context, uint32_t old_offset, uint32_t old_length,
                         uint32_t alignment, uint32_t new_length, uint32_t *out_offset)
{
    struct bench *bench = context;
    bench->reallocs++;
    if (bench->force_offset != 0) {
        *out_offset = (uint32_t)bench->force_offset;
        return true;
    }
    uint32_t offset = (bench->top + alignment - 1) & ~(alignment - 1);
    if (offset + new_length > MEMORY) {
        return false;
    }
    memmove(bench->memory + offset, bench->memory + old_offset,
            old_length < new_length ? old_length : new_length);
    bench->top = offset + new_length;
    *out_offset = offset;
    return true;
}

static void start_canon(struct bench *bench, enum tvn_string_encoding encoding)
{
    tvn_canon_init(&bench->cx, &bench->scope, &bench->mem, NULL, encoding, &bench->values);
    bench->cx.fake_realloc = fake_realloc;
    bench->cx.fake_context = bench;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->mem = (struct tvn_guest_mem){.base = bench->memory, .size = MEMORY};
    bench->resource = (struct tvn_resource_rt){.name = "thing"};
    bench->resources[1] = &bench->resource;
    bench->scope.resources = bench->resources;
    bench->scope.resource_count = 2;
    bench->scope.guest.instance = &bench->instance;
    bench->scope.guest.may_leave = true;
    assert_status(tvn_handle_table_init(&bench->scope.guest.handles, 0), TVN_OK);
    bench->types = tvn_arena_create(0);
    bench->top = HEAP;
    start_canon(bench, TVN_STRING_UTF8);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    tvn_handle_table_deinit(&bench->scope.guest.handles);
    tvn_arena_destroy(bench->types);
    if (bench->values) {
        tvn_arena_destroy(bench->values);
    }
    free(bench);
    return 0;
}

/* ---- types and values ---- */

static const struct tvn_type *make(struct bench *bench, const struct tvn_type_spec *spec)
{
    const struct tvn_type *type = NULL;
    assert_status(tvn_type_create(bench->types, spec, &type), TVN_OK);
    return type;
}

static const struct tvn_type *primitive(enum tvn_type_kind kind)
{
    return tvn_type_primitive(kind);
}

static const struct tvn_type *make_list(struct bench *bench, const struct tvn_type *element)
{
    return make(bench, &(struct tvn_type_spec){.kind = TVN_TYPE_LIST, .element = element});
}

static const struct tvn_type *make_option(struct bench *bench, const struct tvn_type *element)
{
    return make(bench, &(struct tvn_type_spec){.kind = TVN_TYPE_OPTION, .element = element});
}

static const struct tvn_type *make_fields(struct bench *bench, enum tvn_type_kind kind,
                                          const struct tvn_field *fields, size_t count)
{
    struct tvn_field *copy = TVN_ARENA_ARRAY(bench->types, struct tvn_field, count);
    memcpy(copy, fields, count * sizeof(*fields));
    return make(bench, &(struct tvn_type_spec){.kind = kind, .fields = copy, .field_count = count});
}

static struct tvn_value u_value(uint64_t number)
{
    return (struct tvn_value){.of.u = number};
}

static struct tvn_value text_value(const char *text)
{
    return (struct tvn_value){.of.string = tvn_str_of(text)};
}

static const char *printed(const struct tvn_value *value)
{
    static char text[1024];
    TVN_AUTO_VALUE(tvn_strbuf) buf = {0};
    tvn_value_print(value, &buf);
    snprintf(text, sizeof(text), "%s", tvn_strbuf_text(&buf));
    return text;
}

#define assert_fault(bench, expected_code, part) \
    assert_fault_((bench), (expected_code), (part), __FILE__, __LINE__)

static void assert_fault_(const struct bench *bench, enum tvn_status code, const char *part,
                          const char *file, int line)
{
    if (!bench->instance.dead || bench->instance.fault.code != code ||
        !strstr(bench->instance.fault.text, part)) {
        print_error("fault is %s '%s', expected %s with '%s'\n",
                    tvn_status_code(bench->instance.fault.code), bench->instance.fault.text,
                    tvn_status_code(code), part);
        _fail(file, line);
    }
}

/* Through memory and through slots, both must come back as they went. */
static void round_trip(struct bench *bench, const struct tvn_type *type,
                       const struct tvn_value *value, const char *text)
{
    struct tvn_value from_memory = {0};
    assert_true(tvn_lower_memory(&bench->cx, type, value, 64));
    assert_true(tvn_lift_memory(&bench->cx, type, 64, &from_memory));
    assert_string_equal(printed(&from_memory), text);
    if (type->abi_flat_count <= TVN_TYPE_FLAT_MAX) {
        union tvn_flat slots[TVN_TYPE_FLAT_MAX] = {0};
        uint32_t lowered = 0, lifted = 0;
        struct tvn_value from_slots = {0};
        assert_true(tvn_lower_flat(&bench->cx, type, value, slots, &lowered));
        assert_int_equal(lowered, type->abi_flat_count);
        assert_true(tvn_lift_flat(&bench->cx, type, slots, &lifted, &from_slots));
        assert_int_equal(lifted, lowered);
        assert_string_equal(printed(&from_slots), text);
        assert_true(tvn_value_equal(&from_memory, &from_slots));
    }
    assert_false(bench->instance.dead);
}

/* ---- round trips ---- */

static void test_lift_lower_integers_keep_their_limits(void **state)
{
    struct bench *bench = *state;
    static const struct {
        enum tvn_type_kind kind;
        int64_t low, high;
        const char *low_text, *high_text;
    } cases[] = {
        {TVN_TYPE_S8, INT8_MIN, INT8_MAX, "-128", "127"},
        {TVN_TYPE_S16, INT16_MIN, INT16_MAX, "-32768", "32767"},
        {TVN_TYPE_S32, INT32_MIN, INT32_MAX, "-2147483648", "2147483647"},
        {TVN_TYPE_S64, INT64_MIN, INT64_MAX, "-9223372036854775808", "9223372036854775807"},
        {TVN_TYPE_U8, 0, UINT8_MAX, "0", "255"},
        {TVN_TYPE_U16, 0, UINT16_MAX, "0", "65535"},
        {TVN_TYPE_U32, 0, UINT32_MAX, "0", "4294967295"},
        {TVN_TYPE_U64, 0, -1, "0", "18446744073709551615"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct tvn_value low = {.of.s = cases[i].low}, high = {.of.s = cases[i].high};
        round_trip(bench, primitive(cases[i].kind), &low, cases[i].low_text);
        round_trip(bench, primitive(cases[i].kind), &high, cases[i].high_text);
    }
}

static void test_lift_lower_floats_keep_their_bits(void **state)
{
    struct bench *bench = *state;
    static const uint64_t doubles[] = {0, UINT64_C(0x8000000000000000),
                                       UINT64_C(0x3ff8000000000000), UINT64_C(0x7ff0000000000000),
                                       UINT64_C(0x7ff8000000000123)};
    for (size_t i = 0; i < TVN_ARRAY_LEN(doubles); i++) {
        struct tvn_value value = {.of.f64 = doubles[i]}, back = {0};
        assert_true(tvn_lower_memory(&bench->cx, primitive(TVN_TYPE_F64), &value, 8));
        assert_true(tvn_lift_memory(&bench->cx, primitive(TVN_TYPE_F64), 8, &back));
        assert_true(back.of.f64 == doubles[i]);
    }
    struct tvn_value single = {.of.f32 = 0x3fc00000};
    round_trip(bench, primitive(TVN_TYPE_F32), &single, "1.5");
}

static void test_lift_lower_bool_and_char(void **state)
{
    struct bench *bench = *state;
    struct tvn_value yes = {.of.boolean = true}, face = {.of.code_point = 0x1f600};
    round_trip(bench, primitive(TVN_TYPE_BOOL), &yes, "true");
    round_trip(bench, primitive(TVN_TYPE_CHAR), &face, "'\xf0\x9f\x98\x80'");
    /* any non-zero is true */
    bench->memory[64] = 7;
    struct tvn_value back = {0};
    assert_true(tvn_lift_memory(&bench->cx, primitive(TVN_TYPE_BOOL), 64, &back));
    assert_true(back.of.boolean);
}

static void test_lift_lower_strings_in_all_encodings(void **state)
{
    struct bench *bench = *state;
    static const char *const texts[] = {"", "plain", "na\xc3\xafve",
                                        "\xe2\x82\xac and \xf0\x9f\x98\x80",
                                        "\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x82\xac"};
    static const char *const quoted[] = {"\"\"", "\"plain\"", "\"na\xc3\xafve\"",
                                         "\"\xe2\x82\xac and \xf0\x9f\x98\x80\"",
                                         "\"\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x82\xac\""};
    for (int encoding = TVN_STRING_UTF8; encoding <= TVN_STRING_LATIN1_UTF16; encoding++) {
        start_canon(bench, (enum tvn_string_encoding)encoding);
        for (size_t i = 0; i < TVN_ARRAY_LEN(texts); i++) {
            struct tvn_value value = text_value(texts[i]);
            round_trip(bench, primitive(TVN_TYPE_STRING), &value, quoted[i]);
        }
    }
}

static void test_lower_latin1_utf16_tags_wide_strings_only(void **state)
{
    struct bench *bench = *state;
    start_canon(bench, TVN_STRING_LATIN1_UTF16);
    struct tvn_value narrow = text_value("\xc3\xa9"), wide = text_value("\xe2\x82\xac");

    assert_true(tvn_lower_memory(&bench->cx, primitive(TVN_TYPE_STRING), &narrow, 64));
    uint32_t offset = tvn_guest_load_u32(bench->memory + 64);
    assert_int_equal(tvn_guest_load_u32(bench->memory + 68), 1);
    assert_int_equal(bench->memory[offset], 0xe9);

    assert_true(tvn_lower_memory(&bench->cx, primitive(TVN_TYPE_STRING), &wide, 64));
    offset = tvn_guest_load_u32(bench->memory + 64);
    assert_int_equal(tvn_guest_load_u32(bench->memory + 68), 0x80000001u);
    assert_int_equal(bench->memory[offset], 0xac);
    assert_int_equal(bench->memory[offset + 1], 0x20);
}

/* The Canonical ABI says how often realloc is called and for how much, by both encodings. */
static void test_lower_string_of_another_component_allocates_as_prescribed(void **state)
{
    static const struct {
        enum tvn_string_encoding from, to;
        const char *text;
        uint32_t reallocs, bytes; /* bytes of the bump allocator, all calls together */
    } cases[] = {
        {TVN_STRING_UTF8, TVN_STRING_UTF8, "\xe2\x82\xac", 1, 3},
        {TVN_STRING_UTF8, TVN_STRING_UTF16, "\xe2\x82\xac", 2, 8},
        {TVN_STRING_UTF16, TVN_STRING_UTF16, "\xe2\x82\xac", 1, 2},
        {TVN_STRING_LATIN1_UTF16, TVN_STRING_UTF16, "\xc3\xa9\xc3\xa9", 1, 4},
        {TVN_STRING_UTF16, TVN_STRING_UTF8, "plain", 1, 5},
        {TVN_STRING_UTF16, TVN_STRING_UTF8, "\xe2\x82\xac", 2, 4},            /* 1, then 3 */
        {TVN_STRING_UTF16, TVN_STRING_UTF8, "a\xc3\xa9", 3, 11},              /* 2, 6, then 3 */
        {TVN_STRING_UTF16, TVN_STRING_UTF8, "\xf0\x9f\x98\x80", 3, 12},       /* 2, 6, then 4 */
        {TVN_STRING_LATIN1_UTF16, TVN_STRING_UTF8, "\xc3\xa9\xc3\xa9", 2, 6}, /* 2, then 4 */
        {TVN_STRING_UTF16, TVN_STRING_LATIN1_UTF16, "\xc3\xa9\xc3\xa9", 1, 2},
        {TVN_STRING_UTF16, TVN_STRING_LATIN1_UTF16, "a\xe2\x82\xac", 2, 6}, /* 2, then 4 */
        {TVN_STRING_LATIN1_UTF16, TVN_STRING_LATIN1_UTF16, "\xc3\xa9\xc3\xa9", 1, 2},
        {TVN_STRING_LATIN1_UTF16, TVN_STRING_LATIN1_UTF16, "a\xe2\x82\xac", 1, 4},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        start_canon(bench, cases[i].to);
        bench->cx.source_encoding = cases[i].from;
        bench->top = HEAP;
        bench->reallocs = 0;
        struct tvn_value value = text_value(cases[i].text);
        struct tvn_value back = {0};
        assert_true(tvn_lower_memory(&bench->cx, primitive(TVN_TYPE_STRING), &value, 64));
        assert_int_equal(bench->reallocs, cases[i].reallocs);
        assert_in_range(bench->top, HEAP + cases[i].bytes, HEAP + cases[i].bytes + 1); /* aligned */
        assert_true(tvn_lift_memory(&bench->cx, primitive(TVN_TYPE_STRING), 64, &back));
        assert_true(tvn_str_is(back.of.string, cases[i].text));
    }
}

static void test_lift_lower_lists(void **state)
{
    struct bench *bench = *state;
    struct tvn_value numbers[] = {u_value(1), u_value(2), u_value(65535)};
    struct tvn_value list = {.of.list = {numbers, 3}};
    round_trip(bench, make_list(bench, primitive(TVN_TYPE_U16)), &list, "[1, 2, 65535]");

    struct tvn_value bytes = {.of.bytes = {"\x00\x7f\xff", 3}, .is_bytes = true};
    round_trip(bench, make_list(bench, primitive(TVN_TYPE_U8)), &bytes, "[0, 127, 255]");

    struct tvn_value words[] = {text_value("a"), text_value("")};
    struct tvn_value texts = {.of.list = {words, 2}};
    round_trip(bench, make_list(bench, primitive(TVN_TYPE_STRING)), &texts, "[\"a\", \"\"]");

    struct tvn_value empty = {0};
    round_trip(bench, make_list(bench, primitive(TVN_TYPE_U64)), &empty, "[]");
}

static void test_lift_lower_fixed_length_list_lies_inline(void **state)
{
    struct bench *bench = *state;
    const struct tvn_type *type = make(
        bench, &(struct tvn_type_spec){
                   .kind = TVN_TYPE_LIST, .element = primitive(TVN_TYPE_U16), .list_length = 3});
    struct tvn_value numbers[] = {u_value(1), u_value(2), u_value(3)};
    struct tvn_value list = {.of.list = {numbers, 3}};
    round_trip(bench, type, &list, "[1, 2, 3]");
    assert_int_equal(bench->reallocs, 0);
    assert_memory_equal(bench->memory + 64, "\1\0\2\0\3\0", 6);
}

static void test_lift_lower_record_follows_layout(void **state)
{
    struct bench *bench = *state;
    const struct tvn_field fields[] = {{TVN_STR("a"), primitive(TVN_TYPE_U8), NULL},
                                       {TVN_STR("b"), primitive(TVN_TYPE_U64), NULL},
                                       {TVN_STR("c"), primitive(TVN_TYPE_STRING), NULL},
                                       {TVN_STR("d"), primitive(TVN_TYPE_U16), NULL}};
    const struct tvn_type *type = make_fields(bench, TVN_TYPE_RECORD, fields, 4);
    struct tvn_value items[] = {u_value(1), u_value(2), text_value("x"), u_value(3)};
    struct tvn_value record = {.of.list = {items, 4}};
    round_trip(bench, type, &record, "{a: 1, b: 2, c: \"x\", d: 3}");
    assert_int_equal(type->abi_size, 32);
    assert_int_equal(bench->memory[64], 1);
    assert_int_equal(bench->memory[72], 2);
    assert_int_equal(bench->memory[88], 3);
}

static void test_lift_lower_flags(void **state)
{
    struct bench *bench = *state;
    struct tvn_field labels[20];
    char names[20][4];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(names[i], sizeof(names[i]), "f%u", i);
        labels[i] = (struct tvn_field){.name = tvn_str_of(names[i])};
    }
    const struct tvn_type *type = make_fields(bench, TVN_TYPE_FLAGS, labels, 20);
    struct tvn_value value = u_value(1u | 1u << 9 | 1u << 19);
    round_trip(bench, type, &value, "{f0, f9, f19}");
    assert_int_equal(type->abi_size, 4);
    /* bits without a label are ignored */
    memset(bench->memory + 64, 0xff, 4);
    struct tvn_value back = {0};
    assert_true(tvn_lift_memory(&bench->cx, type, 64, &back));
    assert_int_equal(back.of.u, (1u << 20) - 1);
}

static void test_lift_lower_option_result_enum(void **state)
{
    struct bench *bench = *state;
    const struct tvn_type *option = make_option(bench, primitive(TVN_TYPE_U32));
    struct tvn_value five = u_value(5), none = {0};
    struct tvn_value some = {.of.variant = {1, &five}};
    round_trip(bench, option, &some, "some(5)");
    round_trip(bench, option, &none, "none");

    const struct tvn_type *result =
        make(bench,
             &(struct tvn_type_spec){.kind = TVN_TYPE_RESULT, .error = primitive(TVN_TYPE_STRING)});
    struct tvn_value text = text_value("no"), ok = {0};
    struct tvn_value err = {.of.variant = {1, &text}};
    round_trip(bench, result, &ok, "ok");
    round_trip(bench, result, &err, "err(\"no\")");

    const struct tvn_field labels[] = {{.name = TVN_STR("ready")}, {.name = TVN_STR("pause")}};
    struct tvn_value pause = {.of.variant = {1, NULL}};
    round_trip(bench, make_fields(bench, TVN_TYPE_ENUM, labels, 2), &pause, "pause");
}

/* Each case of a variant with mixed payloads: f32 and i64 share a slot, which is then an i64. */
static void test_lift_lower_variant_joins_slots(void **state)
{
    struct bench *bench = *state;
    const struct tvn_field cases[] = {{TVN_STR("f"), primitive(TVN_TYPE_F32), NULL},
                                      {TVN_STR("l"), primitive(TVN_TYPE_S64), NULL},
                                      {TVN_STR("d"), primitive(TVN_TYPE_F64), NULL},
                                      {TVN_STR("s"), primitive(TVN_TYPE_STRING), NULL},
                                      {TVN_STR("n"), NULL, NULL}};
    const struct tvn_type *type = make_fields(bench, TVN_TYPE_VARIANT, cases, 5);
    enum tvn_core_kind kinds[TVN_TYPE_FLAT_MAX];
    assert_int_equal(tvn_type_flatten(type, kinds), 3);
    assert_int_equal(kinds[1], TVN_CORE_I64);

    struct tvn_value f = {.of.f32 = 0xbfc00000}, l = {.of.s = -1},
                     d = {.of.f64 = UINT64_C(0x3ff8000000000000)}, s = text_value("t");
    struct tvn_value values[] = {{.of.variant = {0, &f}},
                                 {.of.variant = {1, &l}},
                                 {.of.variant = {2, &d}},
                                 {.of.variant = {3, &s}},
                                 {.of.variant = {4, NULL}}};
    static const char *const texts[] = {"f(-1.5)", "l(-1)", "d(1.5)", "s(\"t\")", "n"};
    for (size_t i = 0; i < 5; i++) {
        round_trip(bench, type, &values[i], texts[i]);
    }
    union tvn_flat slots[TVN_TYPE_FLAT_MAX];
    memset(slots, 0xaa, sizeof(slots));
    uint32_t position = 0;
    assert_true(tvn_lower_flat(&bench->cx, type, &values[0], slots, &position));
    assert_true(slots[1].u64 == 0xbfc00000); /* zero-extended */
    assert_true(slots[2].u64 == 0);          /* the rest is zero */
}

static void test_lift_lower_handles(void **state)
{
    struct bench *bench = *state;
    static const struct tvn_resource thing = {.name = {"thing", 5}, .index = 1};
    const struct tvn_type *own =
        make(bench, &(struct tvn_type_spec){.kind = TVN_TYPE_OWN, .resource = &thing});
    const struct tvn_type *borrow =
        make(bench, &(struct tvn_type_spec){.kind = TVN_TYPE_BORROW, .resource = &thing});
    struct tvn_value value = {.of.handle = {.rep = 42, .type = &bench->resource}};
    struct tvn_value back = {0};

    assert_true(tvn_lower_memory(&bench->cx, own, &value, 64));
    assert_int_equal(tvn_guest_load_u32(bench->memory + 64), 1);
    assert_int_equal(bench->cx.owns_lowered, 1);
    assert_true(tvn_lift_memory(&bench->cx, borrow, 64, &back));
    assert_int_equal(back.of.handle.rep, 42);
    assert_int_equal(tvn_handle_table_live(&bench->scope.guest.handles), 1);
    assert_true(tvn_lift_memory(&bench->cx, own, 64, &back));
    assert_int_equal(back.of.handle.rep, 42);
    assert_int_equal(tvn_handle_table_live(&bench->scope.guest.handles), 0);

    assert_true(tvn_lower_memory(&bench->cx, borrow, &value, 64));
    assert_int_equal(bench->scope.guest.scope_borrows, 1);
    assert_false(tvn_lift_memory(&bench->cx, own, 64, &back));
    assert_fault(bench, TVN_E_COMPONENT_TRAPPED, "is a borrow");
}

static void test_lift_unknown_handle_is_not_owner(void **state)
{
    struct bench *bench = *state;
    static const struct tvn_resource thing = {.name = {"thing", 5}, .index = 1};
    const struct tvn_type *own =
        make(bench, &(struct tvn_type_spec){.kind = TVN_TYPE_OWN, .resource = &thing});
    struct tvn_value back = {0};
    tvn_guest_store_u32(bench->memory + 64, 3);
    assert_false(tvn_lift_memory(&bench->cx, own, 64, &back));
    assert_fault(bench, TVN_E_NOT_OWNER, "unknown handle index 3");
}

/* ---- hostile images ---- */

static void assert_lift_traps(struct bench *bench, const struct tvn_type *type, uint32_t offset,
                              const char *part)
{
    struct tvn_value value = {0};
    bench->instance.dead = false;
    assert_false(tvn_lift_memory(&bench->cx, type, offset, &value));
    assert_fault(bench, TVN_E_COMPONENT_TRAPPED, part);
}

static void test_lift_checks_alignment_and_bounds(void **state)
{
    struct bench *bench = *state;
    const struct tvn_type *type = primitive(TVN_TYPE_U64);
    assert_lift_traps(bench, type, 4, "unaligned pointer");
    assert_lift_traps(bench, type, MEMORY, "out of bounds");
    assert_lift_traps(bench, type, UINT32_MAX - 7, "out of bounds");
    struct tvn_value value = {0};
    bench->instance.dead = false;
    assert_true(tvn_lift_memory(&bench->cx, type, MEMORY - 8, &value));
}

static void test_lift_list_checks_every_claim(void **state)
{
    struct bench *bench = *state;
    const struct tvn_type *list = make_list(bench, primitive(TVN_TYPE_U32));
    static const struct {
        uint32_t offset, count;
        const char *part; /* NULL: fine */
    } cases[] = {
        {0, 0, NULL},
        {MEMORY, 0, NULL},
        {MEMORY - 4, 1, NULL},
        {0, MEMORY / 4, NULL},
        {0, MEMORY / 4 + 1, "out-of-bounds"},
        {MEMORY, 1, "out-of-bounds"},
        {MEMORY + 4, 0, "out-of-bounds"},
        {2, 1, "unaligned pointer"},
        {0, UINT32_MAX, "out-of-bounds"},
        {UINT32_MAX - 3, UINT32_MAX, "out-of-bounds"},
        {0x80000000u, 0x80000000u, "out-of-bounds"},
        {8, 0x40000000u, "out-of-bounds"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        tvn_guest_store_u32(bench->memory + 64, cases[i].offset);
        tvn_guest_store_u32(bench->memory + 68, cases[i].count);
        if (cases[i].part) {
            assert_lift_traps(bench, list, 64, cases[i].part);
        } else {
            struct tvn_value value = {0};
            bench->instance.dead = false;
            assert_true(tvn_lift_memory(&bench->cx, list, 64, &value));
            assert_int_equal(value.of.list.count, cases[i].count);
        }
    }
}

static void test_lift_string_checks_encoding(void **state)
{
    struct bench *bench = *state;
    static const struct {
        enum tvn_string_encoding encoding;
        struct tvn_str bytes;
        uint32_t units;
        const char *part;
    } cases[] = {
        {TVN_STRING_UTF8, {"\xff", 1}, 1, "invalid utf-8"},
        {TVN_STRING_UTF8, {"\xc0\x80", 2}, 2, "invalid utf-8"},
        {TVN_STRING_UTF8, {"\xed\xa0\x80", 3}, 3, "invalid utf-8"},
        {TVN_STRING_UTF8, {"ab\xe2\x82", 4}, 4, "incomplete utf-8 byte sequence"},
        {TVN_STRING_UTF16, {"\x00\xd8", 2}, 1, "unpaired surrogate"},
        {TVN_STRING_UTF16, {"\x00\xdc\x41\x00", 4}, 2, "unpaired surrogate"},
        {TVN_STRING_UTF16, {"\x00\xd8\x41\x00", 4}, 2, "unpaired surrogate"},
        {TVN_STRING_LATIN1_UTF16, {"\x00\xd8", 2}, 0x80000001u, "unpaired surrogate"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        start_canon(bench, cases[i].encoding);
        memcpy(bench->memory + 128, cases[i].bytes.ptr, cases[i].bytes.len);
        tvn_guest_store_u32(bench->memory + 64, 128);
        tvn_guest_store_u32(bench->memory + 68, cases[i].units);
        assert_lift_traps(bench, primitive(TVN_TYPE_STRING), 64, cases[i].part);
    }
}

static void test_lift_string_checks_bounds_and_alignment(void **state)
{
    struct bench *bench = *state;
    static const struct {
        enum tvn_string_encoding encoding;
        uint32_t offset, units;
        const char *part;
    } cases[] = {
        {TVN_STRING_UTF8, MEMORY - 1, 2, "out of bounds"},
        {TVN_STRING_UTF8, 0, UINT32_MAX, "out of bounds"},
        {TVN_STRING_UTF8, UINT32_MAX, UINT32_MAX, "out of bounds"},
        {TVN_STRING_UTF16, 1, 1, "unaligned pointer"},
        {TVN_STRING_UTF16, MEMORY - 2, 2, "out of bounds"},
        {TVN_STRING_UTF16, 0, 0x80000000u, "out of bounds"},
        {TVN_STRING_LATIN1_UTF16, 1, 1, "unaligned pointer"},
        {TVN_STRING_LATIN1_UTF16, MEMORY - 2, 0x80000002u, "out of bounds"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        start_canon(bench, cases[i].encoding);
        tvn_guest_store_u32(bench->memory + 64, cases[i].offset);
        tvn_guest_store_u32(bench->memory + 68, cases[i].units);
        assert_lift_traps(bench, primitive(TVN_TYPE_STRING), 64, cases[i].part);
    }
}

static void test_lift_bad_discriminant_and_char_trap(void **state)
{
    struct bench *bench = *state;
    const struct tvn_type *option = make_option(bench, primitive(TVN_TYPE_U8));
    bench->memory[64] = 2;
    assert_lift_traps(bench, option, 64, "invalid variant discriminant");
    static const uint32_t bad[] = {0xd800, 0xdfff, 0x110000, UINT32_MAX};
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        tvn_guest_store_u32(bench->memory + 64, bad[i]);
        assert_lift_traps(bench, primitive(TVN_TYPE_CHAR), 64, "invalid `char` bit pattern");
    }
}

/* Lists of lists that overlap: 4 KiB of guest memory claim far more host memory than the budget. */
static void test_lift_budget_bounds_host_memory(void **state)
{
    struct bench *bench = *state;
    const struct tvn_type *type = primitive(TVN_TYPE_STRING);
    for (int depth = 0; depth < 4; depth++) {
        type = make_list(bench, type);
    }
    for (uint32_t at = 0; at < MEMORY; at += 8) {
        tvn_guest_store_u32(bench->memory + at, 0);
        tvn_guest_store_u32(bench->memory + at + 4, MEMORY / 8);
    }
    assert_lift_traps(bench, type, 0, "more than 64 MiB");
}

static void test_lower_hostile_realloc_traps(void **state)
{
    struct bench *bench = *state;
    struct tvn_value numbers[] = {u_value(1), u_value(2)};
    struct tvn_value list = {.of.list = {numbers, 2}};
    const struct tvn_type *type = make_list(bench, primitive(TVN_TYPE_U32));
    static const struct {
        int32_t offset;
        const char *part;
    } cases[] = {
        {2, "result not aligned"},        {MEMORY - 4, "beyond end of memory"},
        {MEMORY, "beyond end of memory"}, {-4, "beyond end of memory"},
        {-1, "result not aligned"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        bench->instance.dead = false;
        bench->force_offset = cases[i].offset;
        assert_false(tvn_lower_memory(&bench->cx, type, &list, 64));
        assert_fault(bench, TVN_E_COMPONENT_TRAPPED, cases[i].part);
    }
    /* the end is inside */
    bench->instance.dead = false;
    bench->force_offset = MEMORY - 8;
    assert_true(tvn_lower_memory(&bench->cx, type, &list, 64));
}

static void test_lower_values_of_another_type_are_refused(void **state)
{
    struct bench *bench = *state;
    struct tvn_value big = u_value(256), surrogate = {.of.code_point = 0xd800},
                     index = {.of.variant = {2, NULL}}, bare = {.of.variant = {1, NULL}},
                     broken = text_value("\xff");
    const struct tvn_type *option = make_option(bench, primitive(TVN_TYPE_U8));
    const struct {
        const struct tvn_type *type;
        const struct tvn_value *value;
    } cases[] = {
        {primitive(TVN_TYPE_U8), &big},
        {primitive(TVN_TYPE_S8), &big},
        {primitive(TVN_TYPE_CHAR), &surrogate},
        {option, &index},
        {option, &bare},
        {primitive(TVN_TYPE_STRING), &broken},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        bench->instance.dead = false;
        assert_false(tvn_lower_memory(&bench->cx, cases[i].type, cases[i].value, 64));
        assert_fault(bench, TVN_E_INTERNAL, "");
    }
}

/* 17 parameters go through memory. */
static void test_lift_lower_params_spill(void **state)
{
    struct bench *bench = *state;
    struct tvn_field params[17];
    struct tvn_value values[17], back[17];
    memset(back, 0, sizeof(back));
    for (unsigned i = 0; i < 17; i++) {
        params[i] =
            (struct tvn_field){TVN_STR("p"), primitive(i % 2 ? TVN_TYPE_U64 : TVN_TYPE_U8), NULL};
        values[i] = u_value(i + 1);
    }
    struct tvn_func_type many = {.params = params, .param_count = 17};
    struct tvn_func_type few = {.params = params, .param_count = 16};
    assert_int_equal(tvn_func_flat_params(&many), 17);
    union tvn_flat slots[TVN_CORE_SIGNATURE_MAX] = {0};
    uint32_t position = 0;

    assert_true(tvn_lower_params(&bench->cx, &many, values, slots));
    assert_int_equal(bench->reallocs, 1);
    assert_true(tvn_lift_params(&bench->cx, &many, slots, &position, back));
    assert_int_equal(position, 1);
    for (unsigned i = 0; i < 17; i++) {
        assert_int_equal(back[i].of.u, i + 1);
    }

    assert_true(tvn_lower_params(&bench->cx, &few, values, slots));
    assert_int_equal(bench->reallocs, 1);
    assert_int_equal(slots[15].u64, 16);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(test_lift_lower_integers_keep_their_limits),
    CASE(test_lift_lower_floats_keep_their_bits),
    CASE(test_lift_lower_bool_and_char),
    CASE(test_lift_lower_strings_in_all_encodings),
    CASE(test_lower_latin1_utf16_tags_wide_strings_only),
    CASE(test_lower_string_of_another_component_allocates_as_prescribed),
    CASE(test_lift_lower_lists),
    CASE(test_lift_lower_fixed_length_list_lies_inline),
    CASE(test_lift_lower_record_follows_layout),
    CASE(test_lift_lower_flags),
    CASE(test_lift_lower_option_result_enum),
    CASE(test_lift_lower_variant_joins_slots),
    CASE(test_lift_lower_handles),
    CASE(test_lift_unknown_handle_is_not_owner),
    CASE(test_lift_checks_alignment_and_bounds),
    CASE(test_lift_list_checks_every_claim),
    CASE(test_lift_string_checks_encoding),
    CASE(test_lift_string_checks_bounds_and_alignment),
    CASE(test_lift_bad_discriminant_and_char_trap),
    CASE(test_lift_budget_bounds_host_memory),
    CASE(test_lower_hostile_realloc_traps),
    CASE(test_lower_values_of_another_type_are_refused),
    CASE(test_lift_lower_params_spill),
};
TVN_TEST_MAIN("component.lift_lower", tests)
