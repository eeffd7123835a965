/* SPDX-License-Identifier: Apache-2.0 */
#include "component/limits.h"

#include "tvn_decode_test.h"

#define COMPONENT 0x00, 'a', 's', 'm', 0x0d, 0x00, 0x01, 0x00
#define ANYWHERE  UINT32_MAX

static void test_decode_empty_component_has_nothing(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {COMPONENT};
    struct decoded d;
    decode_bytes(&d, bytes, sizeof(bytes));
    assert_diag_status(d.status, TVN_OK, d.sink);
    const struct tvn_document *document = tvn_component_document(d.component);
    assert_int_equal(document->root->def_count, 0);
    assert_int_equal(document->module_count, 0);
    assert_int_equal(document->resource_count, 0);
    assert_int_equal(tvn_component_world(d.component)->import_count, 0);
    assert_str(tvn_component_world(d.component)->name, "root");
    decoded_stop(&d);
}

static void assert_bytes_refused(const void *bytes, size_t length, uint32_t offset,
                                 const char *text)
{
    struct decoded d;
    decode_bytes(&d, bytes, length);
    assert_refused(&d, TVN_E_COMPONENT_INVALID, offset, text);
    decoded_stop(&d);
}

#define ASSERT_INVALID(offset, text, ...)                             \
    do {                                                              \
        static const uint8_t bytes[] = {__VA_ARGS__};                 \
        assert_bytes_refused(bytes, sizeof(bytes), (offset), (text)); \
    } while (0)

static void test_decode_what_is_not_a_component_is_refused(void **state)
{
    (void)state;
    assert_bytes_refused("", 0, 0, "the file is empty");
    assert_bytes_refused("#!/bin/sh\n", 10, 0, "no WebAssembly begins here");
    ASSERT_INVALID(3, "unexpected end", 0x00, 'a', 's');
    ASSERT_INVALID(4, "unknown version", 0x00, 'a', 's', 'm', 0x0e, 0x00, 0x01, 0x00);
    ASSERT_INVALID(8, "malformed section id 13", COMPONENT, 0x0d, 0x00);
    ASSERT_INVALID(10, "unexpected end", COMPONENT, 0x07, 0x05);
    ASSERT_INVALID(10, "999999 items cannot follow", COMPONENT, 0x07, 0x03, 0xbf, 0x84, 0x3d);
    ASSERT_INVALID(12, "1 bytes follow the end of the section", COMPONENT, 0x07, 0x03, 0x01, 0x7f,
                   0x00);
    ASSERT_INVALID(8, "component start function: not supported", COMPONENT, 0x09, 0x00);
    ASSERT_INVALID(8, "component value definitions: not supported", COMPONENT, 0x0c, 0x00);
    ASSERT_INVALID(12, "UTF-8", COMPONENT, 0x00, 0x03, 0x02, 'a', 0xff);
}

static void test_decode_core_module_says_how_to_make_a_component(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
    struct decoded d;
    decode_bytes(&d, bytes, sizeof(bytes));
    assert_refused(&d, TVN_E_COMPONENT_INVALID, 0, "a core module, not a component");
    assert_string_equal(tvn_diag_at(d.sink, 0)->help,
                        "make a component of it with 'wasm-tools component new'");
    decoded_stop(&d);
}

static void test_decode_every_prefix_ends_without_harm(void **state)
{
    (void)state;
    struct tvn_file_bytes guest;
    read_guest("world", &guest);
    for (size_t i = 0; i < guest.len; i++) {
        TVN_AUTO_FREE uint8_t *exact = tvn_malloc(i + 1); /* ASan sees what is read beyond */
        assert_non_null(exact);
        memcpy(exact, guest.ptr, i);
        struct decoded d;
        decode_bytes(&d, exact, i);
        if (d.status != TVN_OK) { /* a prefix that ends with a section is a component */
            assert_refused(&d, TVN_E_COMPONENT_INVALID, ANYWHERE, "");
        }
        decoded_stop(&d);
    }
    tvn_file_bytes_deinit(&guest);
}

static void test_decode_changed_bytes_end_without_harm(void **state)
{
    (void)state;
    uint64_t random = tvn_test_seed();
    struct tvn_file_bytes guest;
    read_guest("world", &guest);
    TVN_AUTO_FREE uint8_t *bytes = tvn_malloc(guest.len);
    assert_non_null(bytes);
    for (int i = 0; i < 3000; i++) {
        memcpy(bytes, guest.ptr, guest.len);
        for (uint64_t n = tvn_test_random(&random) % 4; n < 4; n++) {
            size_t at = 8 + tvn_test_random(&random) % (guest.len - 8);
            bytes[at] = (uint8_t)tvn_test_random(&random);
        }
        struct decoded d;
        decode_bytes(&d, bytes, guest.len);
        assert_true((d.status == TVN_OK) == (d.component != NULL));
        assert_int_equal(tvn_diag_error_count(d.sink), d.status != TVN_OK);
        decoded_stop(&d);
    }
    tvn_file_bytes_deinit(&guest);
}

static void test_decode_random_bytes_are_refused(void **state)
{
    (void)state;
    uint64_t random = tvn_test_seed();
    uint8_t bytes[512] = {COMPONENT};
    for (int i = 0; i < 2000; i++) {
        for (size_t at = 8; at < sizeof(bytes); at++) {
            bytes[at] = (uint8_t)tvn_test_random(&random);
        }
        struct decoded d;
        decode_bytes(&d, bytes, sizeof(bytes));
        assert_int_not_equal(d.status, TVN_OK);
        assert_refused(&d, d.status, ANYWHERE, "");
        decoded_stop(&d);
    }
}

/* Wraps `length` bytes at the end of a buffer of `size` into a component section. */
static size_t wrap(uint8_t *buffer, size_t size, size_t length)
{
    static const uint8_t preamble[] = {COMPONENT};
    uint8_t head[16] = {0x04};
    size_t used = 1;
    for (size_t rest = length; used == 1 || rest > 0; rest >>= 7) {
        head[used++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    }
    memcpy(buffer + size - length - used, head, used);
    length += used;
    memcpy(buffer + size - length - sizeof(preamble), preamble, sizeof(preamble));
    return length + sizeof(preamble);
}

static void decode_nested(struct decoded *d, unsigned depth)
{
    static uint8_t buffer[8192];
    static const uint8_t innermost[] = {COMPONENT};
    memcpy(buffer + sizeof(buffer) - sizeof(innermost), innermost, sizeof(innermost));
    size_t length = sizeof(innermost);
    for (unsigned i = 0; i < depth; i++) {
        length = wrap(buffer, sizeof(buffer), length);
    }
    decode_bytes(d, buffer + sizeof(buffer) - length, length);
}

static void test_decode_nesting_is_bounded(void **state)
{
    (void)state;
    struct decoded d;
    decode_nested(&d, TVN_COMPONENT_NESTING_MAX);
    assert_diag_status(d.status, TVN_OK, d.sink);
    decoded_stop(&d);
    decode_nested(&d, TVN_COMPONENT_NESTING_MAX + 1);
    assert_refused(&d, TVN_E_COMPONENT_TOO_COMPLEX, ANYWHERE, "nested more than 100 deep");
    decoded_stop(&d);
}

/* (type (list u8)), then lists of it. */
static void test_decode_depth_of_types_is_bounded(void **state)
{
    (void)state;
    uint8_t bytes[1024] = {COMPONENT, 0x07, 0x00, 0x00, 0x00};
    size_t at = 12;
    uint32_t count = 120;
    bytes[at++] = 0x70;
    bytes[at++] = 0x7d;
    for (uint32_t i = 0; i + 1 < count; i++) {
        bytes[at++] = 0x70;
        bytes[at++] = (uint8_t)(i & 0x7f);
        if (i >= 64) { /* a signed number: two bytes */
            bytes[at - 1] |= 0x80;
            bytes[at++] = (uint8_t)(i >> 7);
        }
    }
    uint32_t length = (uint32_t)at - 11;
    bytes[9] = (uint8_t)(length & 0x7f) | 0x80;
    bytes[10] = (uint8_t)(length >> 7);
    bytes[11] = (uint8_t)count;
    struct decoded d;
    decode_bytes(&d, bytes, at);
    assert_refused(&d, TVN_E_COMPONENT_TOO_COMPLEX, ANYWHERE, "too deep");
    decoded_stop(&d);
}

static void test_decode_doubling_types_are_refused_before_they_are_copied(void **state)
{
    (void)state;
    /* Each tuple has two of the one before: 2^40 parts when written out. */
    uint8_t bytes[512] = {COMPONENT, 0x07, 0x00, 0x00, 40, 0x6f, 0x02, 0x7d, 0x7d};
    size_t at = 16;
    for (uint8_t i = 0; i < 39; i++) {
        bytes[at++] = 0x6f;
        bytes[at++] = 0x02;
        bytes[at++] = i;
        bytes[at++] = i;
    }
    uint32_t length = (uint32_t)at - 11;
    bytes[9] = (uint8_t)(length & 0x7f) | 0x80;
    bytes[10] = (uint8_t)(length >> 7);
    struct decoded d;
    decode_bytes(&d, bytes, at);
    assert_refused(&d, TVN_E_COMPONENT_TOO_COMPLEX, ANYWHERE, "more than 1000000 parts");
    decoded_stop(&d);
}

static void test_decode_number_of_core_instances_is_bounded(void **state)
{
    (void)state;
    uint8_t bytes[512] = {COMPONENT, 0x01, 0x08, 0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00, 0x02};
    uint32_t count = TVN_COMPONENT_CORE_INSTANCES_MAX + 1;
    uint32_t length = 1 + count * 3;
    bytes[19] = (uint8_t)(length & 0x7f) | 0x80;
    bytes[20] = (uint8_t)(length >> 7);
    bytes[21] = (uint8_t)count;
    struct decoded d;
    decode_bytes(&d, bytes, 21 + length);
    assert_refused(&d, TVN_E_COMPONENT_TOO_COMPLEX, ANYWHERE, "more than 64 core modules");
    decoded_stop(&d);
}

static void test_decode_too_many_bytes_are_not_looked_at(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {COMPONENT};
    struct decoded d;
    decode_bytes(&d, bytes, TVN_COMPONENT_BYTES_MAX + 1); /* nothing beyond the preamble is read */
    assert_refused(&d, TVN_E_COMPONENT_TOO_COMPLEX, 0, "more than a component may have");
    decoded_stop(&d);
}

static void test_decode_out_of_memory_is_reported_wherever_it_happens(void **state)
{
    (void)state;
    struct tvn_file_bytes guest;
    read_guest("world", &guest);
    for (uint64_t i = 1; i < 5000; i++) {
        struct decoded d = {.sink = tvn_diag_sink_create()};
        tvn_mem_fail_at(i, false);
        d.status = tvn_component_decode(guest.ptr, guest.len, 0, d.sink, &d.component);
        tvn_mem_fail_at(0, false);
        if (d.status == TVN_OK) {
            decoded_stop(&d);
            tvn_file_bytes_deinit(&guest);
            assert_true(i > 100);
            return;
        }
        assert_status(d.status, TVN_E_OUT_OF_MEMORY);
        assert_true(tvn_diag_error_count(d.sink) > 0);
        assert_null(d.component);
        decoded_stop(&d);
    }
    fail();
}

/* The type of the definition that imports or exports under that name, or of the n-th of its kind.
 */
static const struct tvn_def *find_def(const struct decoded *d, enum tvn_def_kind kind,
                                      const char *name, unsigned skip)
{
    const struct tvn_definition *root = tvn_component_document(d->component)->root;
    for (uint32_t i = 0; i < root->def_count; i++) {
        const struct tvn_def *def = &root->defs[i];
        bool same = def->kind == kind;
        if (same && kind == TVN_DEF_IMPORT) {
            same = tvn_str_is(def->of.import.name, name);
        } else if (same && kind == TVN_DEF_EXPORT) {
            same = tvn_str_is(def->of.export.name, name);
        } else if (same && kind == TVN_DEF_ALIAS_EXPORT) {
            same = tvn_str_is(def->of.alias.name, name);
        }
        if (same && skip-- == 0) {
            return def;
        }
    }
    fail_msg("no definition '%s'", name);
    return NULL;
}

static const struct tvn_resource *resource_of(const struct tvn_extern *type)
{
    assert_int_equal(type->kind, TVN_EXTERN_RESOURCE);
    return type->of.resource;
}

static const struct tvn_resource *export_of(const struct tvn_extern *type, const char *name)
{
    assert_int_equal(type->kind, TVN_EXTERN_INSTANCE);
    const struct tvn_extern_item *item =
        tvn_instance_type_find(type->of.instance, tvn_str_of(name));
    assert_non_null(item);
    return resource_of(&item->type);
}

static void test_decode_each_import_of_an_instance_type_has_its_own_resource(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "identity");
    const struct tvn_extern *one = &find_def(&d, TVN_DEF_IMPORT, "one", 0)->type;
    const struct tvn_extern *two = &find_def(&d, TVN_DEF_IMPORT, "two", 0)->type;
    const struct tvn_resource *first = export_of(one, "r");
    assert_ptr_not_equal(first, export_of(two, "r"));
    assert_int_not_equal(first->index, export_of(two, "r")->index);
    /* and the functions beside it mean that one */
    const struct tvn_extern_item *make = tvn_instance_type_find(one->of.instance, TVN_STR("f"));
    assert_ptr_equal(make->type.of.func->result->resource, first);
    /* an alias and an `eq` bound share it */
    assert_ptr_equal(resource_of(&find_def(&d, TVN_DEF_ALIAS_EXPORT, "r", 0)->type), first);
    assert_ptr_equal(resource_of(&find_def(&d, TVN_DEF_IMPORT, "alias", 0)->type), first);
    decoded_stop(&d);
}

static void test_decode_each_instantiation_makes_new_resources_and_passes_given_ones(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "identity");
    const struct tvn_resource *given =
        export_of(&find_def(&d, TVN_DEF_IMPORT, "one", 0)->type, "r");
    const struct tvn_extern *c1 = &find_def(&d, TVN_DEF_INSTANTIATE, "", 0)->type;
    const struct tvn_extern *c2 = &find_def(&d, TVN_DEF_INSTANTIATE, "", 1)->type;
    assert_ptr_equal(export_of(c1, "given"), given);
    assert_ptr_equal(export_of(c2, "given"), given);
    assert_ptr_not_equal(export_of(c1, "mine"), export_of(c2, "mine"));
    /* inside the component it is a third one */
    const struct tvn_definition *inner = find_def(&d, TVN_DEF_COMPONENT, "", 0)->of.component;
    assert_ptr_equal(inner->parent, tvn_component_document(d.component)->root);
    for (uint32_t i = 0; i < inner->def_count; i++) {
        if (inner->defs[i].kind == TVN_DEF_RESOURCE) {
            assert_ptr_not_equal(inner->defs[i].of.resource.resource, export_of(c1, "mine"));
            assert_int_equal(inner->defs[i].of.resource.destructor, TVN_INDEX_NONE);
        }
    }
    assert_int_equal(inner->type.export_count, 2);
    assert_true(inner->type.exports[0].fresh_resource);
    assert_false(inner->type.exports[1].fresh_resource);
    decoded_stop(&d);
}

static void test_decode_exports_share_the_resource_unless_ascribed(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "identity");
    const struct tvn_resource *own = find_def(&d, TVN_DEF_RESOURCE, "", 0)->of.resource.resource;
    assert_ptr_equal(resource_of(&find_def(&d, TVN_DEF_EXPORT, "first", 0)->type), own);
    assert_ptr_equal(resource_of(&find_def(&d, TVN_DEF_EXPORT, "again", 0)->type), own);
    assert_ptr_not_equal(resource_of(&find_def(&d, TVN_DEF_EXPORT, "hidden", 0)->type), own);
    const struct tvn_component_type *type = &tvn_component_document(d.component)->root->type;
    assert_true(type->exports[0].fresh_resource);
    assert_false(type->exports[1].fresh_resource);
    assert_true(type->exports[2].fresh_resource);
    decoded_stop(&d);
}

static void test_decode_definitions_resolve_to_indices(void **state)
{
    (void)state;
    struct decoded d;
    decode_guest(&d, "world");
    const struct tvn_document *document = tvn_component_document(d.component);
    assert_int_equal(document->module_count, 1);
    assert_memory_equal(document->bytes + document->modules[0].offset, "\0asm\1\0\0\0", 8);
    assert_int_equal(document->modules[0].type.export_count, 4);

    const struct tvn_def *lift = find_def(&d, TVN_DEF_CANON_LIFT, "", 0);
    const struct tvn_canon_options *options = &lift->of.lift.options;
    assert_int_equal(lift->sort, TVN_SORT_FUNC);
    assert_int_equal(options->string_encoding, TVN_STRING_UTF8);
    assert_int_equal(options->memory, 0);
    assert_int_not_equal(options->realloc, TVN_INDEX_NONE);
    assert_int_equal(options->post_return, TVN_INDEX_NONE);
    assert_str(lift->of.lift.type->params[0].name, "line");

    const struct tvn_def *worker = find_def(&d, TVN_DEF_INSTANTIATE, "", 0);
    assert_int_equal(worker->of.instantiate.arg_count, 5);
    assert_str(worker->of.instantiate.args[4].name, "import-func-run");
    assert_int_equal(worker->of.instantiate.args[4].sort, TVN_SORT_FUNC);
    const struct tvn_def *export = find_def(&d, TVN_DEF_EXPORT, "ex:work/worker@2.1.0", 0);
    assert_int_equal(export->of.export.item, worker->index);
    assert_ptr_equal(export_of(&export->type, "job"),
                     find_def(&d, TVN_DEF_RESOURCE, "", 0)->of.resource.resource);
    decoded_stop(&d);
}

static void test_decode_custom_sections_of_the_root_are_found(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {COMPONENT, 0x00, 0x05, 0x01, 'a', 1,    2,
                                    3,         0x00, 0x02, 0x01, 'b', 0x04, 0x0c,
                                    COMPONENT, 0x00, 0x02, 0x01, 'c'};
    struct decoded d;
    decode_bytes(&d, bytes, sizeof(bytes));
    assert_diag_status(d.status, TVN_OK, d.sink);
    struct tvn_str section;
    assert_true(tvn_component_custom_section(d.component, TVN_STR("a"), &section));
    assert_int_equal(section.len, 3);
    assert_int_equal(section.ptr[2], 3);
    assert_true(tvn_component_custom_section(d.component, TVN_STR("b"), &section));
    assert_int_equal(section.len, 0);
    assert_false(tvn_component_custom_section(d.component, TVN_STR("c"), &section));
    decoded_stop(&d);
}

static void test_decode_size_of_a_core_module_is_bounded(void **state)
{
    (void)state;
    static const uint8_t head[] = {COMPONENT, 0x01, 0x81, 0x80, 0x80, 0x10, /* 32 MiB and a byte */
                                   0x00,      'a',  's',  'm',  0x01, 0x00, 0x00, 0x00};
    size_t length = 8 + 5 + TVN_CORE_MODULE_BYTES_MAX + 1;
    TVN_AUTO_FREE uint8_t *bytes = tvn_calloc(1, length);
    assert_non_null(bytes);
    memcpy(bytes, head, sizeof(head));
    struct decoded d;
    decode_bytes(&d, bytes, length);
    assert_refused(&d, TVN_E_COMPONENT_TOO_COMPLEX, 8 + 5, "more than a core module may have");
    decoded_stop(&d);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_decode_empty_component_has_nothing),
    cmocka_unit_test(test_decode_what_is_not_a_component_is_refused),
    cmocka_unit_test(test_decode_core_module_says_how_to_make_a_component),
    cmocka_unit_test(test_decode_every_prefix_ends_without_harm),
    cmocka_unit_test(test_decode_changed_bytes_end_without_harm),
    cmocka_unit_test(test_decode_random_bytes_are_refused),
    cmocka_unit_test(test_decode_nesting_is_bounded),
    cmocka_unit_test(test_decode_depth_of_types_is_bounded),
    cmocka_unit_test(test_decode_doubling_types_are_refused_before_they_are_copied),
    cmocka_unit_test(test_decode_number_of_core_instances_is_bounded),
    cmocka_unit_test(test_decode_too_many_bytes_are_not_looked_at),
    cmocka_unit_test(test_decode_size_of_a_core_module_is_bounded),
    cmocka_unit_test(test_decode_out_of_memory_is_reported_wherever_it_happens),
    cmocka_unit_test(test_decode_each_import_of_an_instance_type_has_its_own_resource),
    cmocka_unit_test(test_decode_each_instantiation_makes_new_resources_and_passes_given_ones),
    cmocka_unit_test(test_decode_exports_share_the_resource_unless_ascribed),
    cmocka_unit_test(test_decode_definitions_resolve_to_indices),
    cmocka_unit_test(test_decode_custom_sections_of_the_root_are_found),
};
TVN_TEST_MAIN("component.decode", tests)
