/* SPDX-License-Identifier: Apache-2.0 */
#include "component/limits.h"
#include "component/reader_internal.h"

#include "tvn_test.h"

struct fixture {
    struct tvn_diag_sink *sink;
    struct tvn_arena *arena;
    struct tvn_decode_context context;
    struct tvn_reader reader;
};

/* The bytes begin at offset `from` of the document, so that offsets are seen to be absolute. */
static void fixture_start(struct fixture *fixture, const uint8_t *bytes, uint32_t from,
                          uint32_t length)
{
    *fixture = (struct fixture){.sink = tvn_diag_sink_create(), .arena = tvn_arena_create(0)};
    assert_non_null(fixture->sink);
    assert_non_null(fixture->arena);
    fixture->context = (struct tvn_decode_context){
        .bytes = bytes,
        .sink = fixture->sink,
        .file = tvn_diag_add_binary_source(fixture->sink, "test.wasm"),
        .arena = fixture->arena,
        .steps_left = 10,
    };
    fixture->reader = (struct tvn_reader){&fixture->context, from, from + length};
}

static void fixture_stop(struct fixture *fixture)
{
    tvn_diag_sink_destroy(fixture->sink);
    tvn_arena_destroy(fixture->arena);
}

#define START(name, ...)                          \
    static const uint8_t bytes[] = {__VA_ARGS__}; \
    struct fixture name;                          \
    fixture_start(&(name), bytes, 0, sizeof(bytes))

static void assert_error_at(const struct fixture *fixture, uint32_t offset, const char *text)
{
    assert_int_equal(tvn_diag_count(fixture->sink), 1);
    const struct tvn_diagnostic *diagnostic = tvn_diag_at(fixture->sink, 0);
    assert_int_equal(diagnostic->primary.span.file, fixture->context.file);
    assert_int_equal(diagnostic->primary.span.offset, offset);
    if (!strstr(diagnostic->message, text)) {
        fail_msg("'%s' does not contain '%s'", diagnostic->message, text);
    }
}

static void test_reader_u32_of_any_length_returns_value(void **state)
{
    (void)state;
    START(f, 0x00, 0x7f, 0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x80, 0x80, 0x80, 0x80, 0x00);
    static const uint32_t expected[] = {0, 127, 128, UINT32_MAX, 0};
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        uint32_t value = 1;
        assert_status(tvn_reader_u32(&f.reader, &value), TVN_OK);
        assert_int_equal(value, expected[i]);
    }
    assert_true(tvn_reader_at_end(&f.reader));
    fixture_stop(&f);
}

static void test_reader_u32_beyond_32_bits_is_refused_where_it_begins(void **state)
{
    (void)state;
    START(f, 0x05, 0xff, 0xff, 0xff, 0xff, 0x1f);
    uint32_t value = 7;
    assert_status(tvn_reader_u32(&f.reader, &value), TVN_OK);
    assert_diag_status(tvn_reader_u32(&f.reader, &value), TVN_E_COMPONENT_INVALID, f.sink);
    assert_error_at(&f, 1, "too large");
    assert_int_equal(value, 5);
    fixture_stop(&f);
}

static void test_reader_u32_of_six_bytes_is_refused(void **state)
{
    (void)state;
    START(f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
    uint32_t value;
    assert_diag_status(tvn_reader_u32(&f.reader, &value), TVN_E_COMPONENT_INVALID, f.sink);
    assert_error_at(&f, 0, "too long");
    fixture_stop(&f);
}

static void test_reader_u32_truncated_is_refused_at_the_end(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xaa, 0xbb, 0x80, 0x80, 0x01};
    struct fixture f;
    fixture_start(&f, bytes, 2, 2); /* the last byte is not ours */
    uint32_t value;
    assert_diag_status(tvn_reader_u32(&f.reader, &value), TVN_E_COMPONENT_INVALID, f.sink);
    assert_error_at(&f, 4, "unexpected end");
    fixture_stop(&f);
}

static void test_reader_u64_at_its_limits(void **state)
{
    (void)state;
    START(f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0x02);
    uint64_t value;
    assert_status(tvn_reader_u64(&f.reader, &value), TVN_OK);
    assert_true(value == UINT64_MAX);
    assert_diag_status(tvn_reader_u64(&f.reader, &value), TVN_E_COMPONENT_INVALID, f.sink);
    fixture_stop(&f);
}

static void test_reader_signed_extends_the_sign(void **state)
{
    (void)state;
    START(f, 0x7f, 0x40, 0x3f, 0x80, 0x7f, 0xff, 0x00, 0x80, 0x80, 0x80, 0x80, 0x70, 0xff, 0xff,
          0xff, 0xff, 0x0f);
    static const int64_t expected[] = {
        -1, -64, 63, -128, 127, -(INT64_C(1) << 32), (INT64_C(1) << 32) - 1};
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        int64_t value = 0;
        assert_status(tvn_reader_signed(&f.reader, 33, &value), TVN_OK);
        assert_true(value == expected[i]);
    }
    assert_true(tvn_reader_at_end(&f.reader));
    fixture_stop(&f);
}

static void test_reader_signed_64_bit_extremes(void **state)
{
    (void)state;
    START(f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0x01);
    int64_t value;
    assert_status(tvn_reader_signed(&f.reader, 64, &value), TVN_OK);
    assert_true(value == INT64_MIN);
    assert_status(tvn_reader_signed(&f.reader, 64, &value), TVN_OK);
    assert_true(value == INT64_MAX);
    assert_diag_status(tvn_reader_signed(&f.reader, 64, &value), TVN_E_COMPONENT_INVALID, f.sink);
    assert_error_at(&f, 20, "too large");
    fixture_stop(&f);
}

static void test_reader_signed_33_with_a_wrong_sign_is_refused(void **state)
{
    (void)state;
    START(f, 0xff, 0xff, 0xff, 0xff, 0x1f);
    int64_t value;
    assert_diag_status(tvn_reader_signed(&f.reader, 33, &value), TVN_E_COMPONENT_INVALID, f.sink);
    fixture_stop(&f);
}

static void test_reader_name_is_a_view_into_the_document(void **state)
{
    (void)state;
    START(f, 0x03, 'a', 0xc3, 0xa4, 0x00);
    struct tvn_str name;
    assert_status(tvn_reader_name(&f.reader, &name), TVN_OK);
    assert_str(name, "a\xc3\xa4");
    assert_ptr_equal(name.ptr, (const char *)bytes + 1);
    assert_status(tvn_reader_name(&f.reader, &name), TVN_OK);
    assert_int_equal(name.len, 0);
    fixture_stop(&f);
}

static void test_reader_name_that_is_not_utf8_is_refused_at_the_bad_byte(void **state)
{
    (void)state;
    START(f, 0x04, 'a', 'b', 0xff, 'c');
    struct tvn_str name;
    assert_diag_status(tvn_reader_name(&f.reader, &name), TVN_E_COMPONENT_INVALID, f.sink);
    assert_error_at(&f, 3, "UTF-8");
    fixture_stop(&f);
}

static void test_reader_name_longer_than_its_section_is_refused(void **state)
{
    (void)state;
    START(f, 0xff, 0xff, 0xff, 0xff, 0x0f, 'a');
    struct tvn_str name;
    assert_diag_status(tvn_reader_name(&f.reader, &name), TVN_E_COMPONENT_INVALID, f.sink);
    fixture_stop(&f);
}

static void test_reader_name_beyond_the_limit_is_too_complex(void **state)
{
    (void)state;
    size_t size = TVN_COMPONENT_NAME_MAX + 16;
    TVN_AUTO_FREE uint8_t *bytes = tvn_malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'a', size);
    bytes[0] = 0xa1; /* 100001 */
    bytes[1] = 0x8d;
    bytes[2] = 0x06;
    struct fixture f;
    fixture_start(&f, bytes, 0, (uint32_t)size);
    struct tvn_str name;
    assert_diag_status(tvn_reader_name(&f.reader, &name), TVN_E_COMPONENT_TOO_COMPLEX, f.sink);
    fixture_stop(&f);
}

static void test_reader_count_of_more_than_can_follow_is_refused(void **state)
{
    (void)state;
    START(f, 0x02, 0, 0, 0, 0, 0x02, 0, 0, 0);
    uint32_t count;
    assert_status(tvn_reader_count(&f.reader, 4, &count), TVN_OK);
    assert_int_equal(count, 2);
    assert_status(tvn_reader_skip(&f.reader, 4), TVN_OK);
    assert_diag_status(tvn_reader_count(&f.reader, 2, &count), TVN_E_COMPONENT_INVALID, f.sink);
    assert_error_at(&f, 5, "2 items");
    fixture_stop(&f);
}

static void test_reader_slice_ends_where_it_was_said(void **state)
{
    (void)state;
    START(f, 1, 2, 3, 4);
    struct tvn_reader slice;
    uint8_t byte;
    assert_status(tvn_reader_slice(&f.reader, 2, &slice), TVN_OK);
    assert_int_equal(tvn_reader_left(&f.reader), 2);
    assert_status(tvn_reader_byte(&slice, &byte), TVN_OK);
    assert_int_equal(byte, 1);
    assert_diag_status(tvn_reader_finish(&slice, "thing"), TVN_E_COMPONENT_INVALID, f.sink);
    assert_error_at(&f, 1, "1 bytes follow the end of the thing");
    fixture_stop(&f);
}

static void test_reader_slice_beyond_the_end_is_refused(void **state)
{
    (void)state;
    START(f, 1, 2, 3, 4);
    struct tvn_reader slice;
    assert_status(tvn_reader_skip(&f.reader, 1), TVN_OK);
    assert_diag_status(tvn_reader_slice(&f.reader, UINT32_MAX, &slice), TVN_E_COMPONENT_INVALID,
                       f.sink);
    fixture_stop(&f);
}

static void test_decode_charge_beyond_the_budget_is_too_complex(void **state)
{
    (void)state;
    START(f, 0);
    assert_status(tvn_decode_charge(&f.context, 0, 10), TVN_OK);
    assert_diag_status(tvn_decode_charge(&f.context, 0, 1), TVN_E_COMPONENT_TOO_COMPLEX, f.sink);
    assert_int_equal(f.context.failed, TVN_E_COMPONENT_TOO_COMPLEX);
    fixture_stop(&f);
}

static void test_decode_alloc_says_if_memory_or_the_limit_ran_out(void **state)
{
    (void)state;
    START(f, 0);
    tvn_mem_fail_at(1, true);
    assert_null(tvn_decode_alloc(&f.context, 1, 100));
    tvn_mem_fail_at(0, false);
    assert_int_equal(f.context.failed, TVN_E_OUT_OF_MEMORY);
    assert_null(tvn_decode_alloc(&f.context, SIZE_MAX, 2));
    assert_int_equal(f.context.failed, TVN_E_COMPONENT_TOO_COMPLEX);
    assert_null(tvn_decode_alloc(&f.context, TVN_COMPONENT_DECODED_BYTES_MAX + 1, 1));
    assert_int_equal(f.context.failed, TVN_E_COMPONENT_TOO_COMPLEX);
    fixture_stop(&f);
}

static void test_decode_invalid_with_a_long_name_stays_utf8(void **state)
{
    (void)state;
    START(f, 0);
    char name[400];
    for (size_t i = 0; i < sizeof(name); i += 2) {
        memcpy(name + i, "\xc3\xa4", 2);
    }
    struct tvn_str view = {name + 1, sizeof(name) - 1}; /* cut in the middle at both ends */
    tvn_decode_report(&f.context, TVN_E_COMPONENT_INVALID, 0, "a%.*s", TVN_DECODE_NAME(view));
    const char *message = tvn_diag_at(f.sink, 0)->message;
    assert_true(strlen(message) < 200);
    fixture_stop(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_reader_u32_of_any_length_returns_value),
    cmocka_unit_test(test_reader_u32_beyond_32_bits_is_refused_where_it_begins),
    cmocka_unit_test(test_reader_u32_of_six_bytes_is_refused),
    cmocka_unit_test(test_reader_u32_truncated_is_refused_at_the_end),
    cmocka_unit_test(test_reader_u64_at_its_limits),
    cmocka_unit_test(test_reader_signed_extends_the_sign),
    cmocka_unit_test(test_reader_signed_64_bit_extremes),
    cmocka_unit_test(test_reader_signed_33_with_a_wrong_sign_is_refused),
    cmocka_unit_test(test_reader_name_is_a_view_into_the_document),
    cmocka_unit_test(test_reader_name_that_is_not_utf8_is_refused_at_the_bad_byte),
    cmocka_unit_test(test_reader_name_longer_than_its_section_is_refused),
    cmocka_unit_test(test_reader_name_beyond_the_limit_is_too_complex),
    cmocka_unit_test(test_reader_count_of_more_than_can_follow_is_refused),
    cmocka_unit_test(test_reader_slice_ends_where_it_was_said),
    cmocka_unit_test(test_reader_slice_beyond_the_end_is_refused),
    cmocka_unit_test(test_decode_charge_beyond_the_budget_is_too_complex),
    cmocka_unit_test(test_decode_alloc_says_if_memory_or_the_limit_ran_out),
    cmocka_unit_test(test_decode_invalid_with_a_long_name_stays_utf8),
};
TVN_TEST_MAIN("component.reader", tests)
