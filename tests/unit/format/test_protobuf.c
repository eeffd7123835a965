/* SPDX-License-Identifier: Apache-2.0 */
#include "format/protobuf.h"

#include "tvn_test.h"

#include <inttypes.h>

static void assert_written(const struct tvn_strbuf *out, const char *hex)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    for (size_t i = 0; i < out->len; i++) {
        tvn_strbuf_printf(&text, "%02x", (unsigned)(uint8_t)out->ptr[i]);
    }
    assert_false(out->failed);
    assert_string_equal(tvn_strbuf_text(&text), hex);
}

/* The vectors of the documentation of the encoding, and protoc's. */
static void test_writer_gives_the_known_bytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *hex;
    } varints[] = {
        {0, "0800"},
        {1, "0801"},
        {127, "087f"},
        {128, "088001"},
        {150, "089601"},
        {16384, "08808001"},
        {UINT32_MAX, "08ffffffff0f"},
        {UINT64_MAX, "08ffffffffffffffffff01"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(varints); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        struct tvn_protobuf_writer writer;
        tvn_protobuf_writer_init(&writer, &out);
        tvn_protobuf_add_varint(&writer, 1, varints[i].value);
        assert_written(&out, varints[i].hex);
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_protobuf_writer writer;
    tvn_protobuf_writer_init(&writer, &out);
    tvn_protobuf_add_text(&writer, 2, TVN_STR("testing"));
    tvn_protobuf_begin(&writer, 3);
    tvn_protobuf_add_varint(&writer, 1, 150);
    tvn_protobuf_end(&writer);
    assert_written(&out, "120774657374696e67"
                         "1a03089601");
    tvn_strbuf_reset(&out);
    tvn_protobuf_add_fixed64(&writer, 16, UINT64_C(0x0102030405060708));
    tvn_protobuf_add_double(&writer, 1, -2.5);
    tvn_protobuf_begin(&writer, 6);
    tvn_protobuf_pack_fixed64(&writer, 1);
    tvn_protobuf_pack_double(&writer, 0.5);
    tvn_protobuf_end(&writer);
    tvn_protobuf_add_bytes(&writer, TVN_PROTOBUF_FIELD_MAX, NULL, 0);
    tvn_protobuf_add_fixed32(&writer, 16, 0x0301);
    assert_written(&out, "81010807060504030201"
                         "0900000000000004c0"
                         "32100100000000000000000000000000e03f"
                         "faffffff0f00"
                         "850101030000");
}

/* A length grows a byte at 128 and at 16384, in every open message. */
static void test_writer_moves_long_messages(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 121, 122, 123, 125, 126, 127, 128, 129, 16379, 16384};
    for (size_t i = 0; i < TVN_ARRAY_LEN(lengths); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_strbuf_add_repeat(&text, 'x', lengths[i]);
        struct tvn_protobuf_writer writer;
        tvn_protobuf_writer_init(&writer, &out);
        for (unsigned depth = 0; depth < TVN_PROTOBUF_DEPTH_MAX; depth++) {
            tvn_protobuf_begin(&writer, depth + 1);
        }
        tvn_protobuf_add_text(&writer, 7, tvn_strbuf_view(&text));
        for (unsigned depth = 0; depth < TVN_PROTOBUF_DEPTH_MAX; depth++) {
            tvn_protobuf_end(&writer);
        }
        struct tvn_str message = tvn_strbuf_view(&out);
        for (unsigned depth = 0; depth <= TVN_PROTOBUF_DEPTH_MAX; depth++) {
            struct tvn_protobuf_reader reader;
            struct tvn_protobuf_field field;
            tvn_protobuf_reader_init(&reader, message);
            assert_true(tvn_protobuf_next(&reader, &field));
            assert_int_equal(field.wire, TVN_PROTOBUF_BYTES);
            assert_int_equal(field.number, depth == TVN_PROTOBUF_DEPTH_MAX ? 7 : depth + 1);
            message = field.bytes;
            assert_false(tvn_protobuf_next(&reader, &field));
            assert_false(reader.failed);
        }
        assert_true(tvn_str_equal(message, tvn_strbuf_view(&text)));
    }
}

static void test_writer_that_ran_out_of_room_stays_failed(void **state)
{
    (void)state;
    for (size_t max = 1; max < 140; max++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        tvn_strbuf_init(&out, max);
        struct tvn_protobuf_writer writer;
        tvn_protobuf_writer_init(&writer, &out);
        tvn_protobuf_begin(&writer, 1);
        tvn_protobuf_begin(&writer, 2);
        char text[150] = {0};
        tvn_protobuf_add_bytes(&writer, 3, text, sizeof(text));
        tvn_protobuf_end(&writer);
        tvn_protobuf_end(&writer);
        assert_true(out.failed);
    }
}

static void test_reader_reads_every_wire_type(void **state)
{
    (void)state;
    static const char message[] = "\x08\x96\x01"
                                  "\x11\x01\0\0\0\0\0\0\x80"
                                  "\x1a\x02hi"
                                  "\x25\xff\0\0\x01";
    struct tvn_protobuf_reader reader;
    struct tvn_protobuf_field field;
    tvn_protobuf_reader_init(&reader, (struct tvn_str){message, sizeof(message) - 1});
    assert_true(tvn_protobuf_next(&reader, &field));
    assert_int_equal(field.number, 1);
    assert_int_equal(field.value, 150);
    assert_true(tvn_protobuf_next(&reader, &field));
    assert_int_equal(field.wire, TVN_PROTOBUF_FIXED64);
    assert_true(field.value == UINT64_C(0x8000000000000001));
    assert_true(tvn_protobuf_next(&reader, &field));
    assert_true(tvn_str_is(field.bytes, "hi"));
    assert_true(tvn_protobuf_next(&reader, &field));
    assert_int_equal(field.wire, TVN_PROTOBUF_FIXED32);
    assert_true(field.value == 0x010000ff);
    assert_false(tvn_protobuf_next(&reader, &field));
    assert_false(reader.failed);
}

static void test_reader_refuses_what_is_no_message(void **state)
{
    (void)state;
    const struct tvn_str messages[] = {
        TVN_STR("\x08"),                                         /* no value */
        TVN_STR("\x08\x80"),                                     /* no end */
        TVN_STR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), /* 65 bits */
        TVN_STR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        TVN_STR("\x01"),                                         /* no number */
        TVN_STR("\x0b\x0c"),                                     /* a group */
        TVN_STR("\x0e"),                                         /* wire type 6 */
        TVN_STR("\x0a\x05hell"),                                 /* cut */
        TVN_STR("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* enormous */
        TVN_STR("\x09\x01\x02\x03\x04\x05\x06\x07"),             /* cut */
        TVN_STR("\x0d\x01\x02\x03"),                             /* cut */
        TVN_STR("\x88\x80\x80\x80\x10\x01"),
        TVN_STR("\xff\xff\xff\xff\xff\x0f"), /* long tags */
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(messages); i++) {
        struct tvn_protobuf_reader reader;
        struct tvn_protobuf_field field;
        tvn_protobuf_reader_init(&reader, messages[i]);
        assert_false(tvn_protobuf_next(&reader, &field));
        assert_true(reader.failed);
        assert_false(tvn_protobuf_next(&reader, &field));
    }
    struct tvn_protobuf_reader reader;
    struct tvn_protobuf_field field;
    tvn_protobuf_reader_init(&reader, (struct tvn_str){0});
    assert_false(tvn_protobuf_next(&reader, &field));
    assert_false(reader.failed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_writer_gives_the_known_bytes),
    cmocka_unit_test(test_writer_moves_long_messages),
    cmocka_unit_test(test_writer_that_ran_out_of_room_stays_failed),
    cmocka_unit_test(test_reader_reads_every_wire_type),
    cmocka_unit_test(test_reader_refuses_what_is_no_message),
};
TVN_TEST_MAIN("format.protobuf", tests)
