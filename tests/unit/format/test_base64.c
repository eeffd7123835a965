/* SPDX-License-Identifier: Apache-2.0 */
#include "format/base64.h"

#include "tvn_test.h"

static void assert_encoded(const void *bytes, size_t length, const char *expected)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_base64_add(&out, bytes, length);
    assert_false(out.failed);
    assert_str(tvn_strbuf_view(&out), expected);
}

/* RFC 4648, section 10. */
static void test_base64_of_the_rfc(void **state)
{
    (void)state;
    assert_encoded("", 0, "");
    assert_encoded("f", 1, "Zg==");
    assert_encoded("fo", 2, "Zm8=");
    assert_encoded("foo", 3, "Zm9v");
    assert_encoded("foob", 4, "Zm9vYg==");
    assert_encoded("fooba", 5, "Zm9vYmE=");
    assert_encoded("foobar", 6, "Zm9vYmFy");
}

static void test_base64_of_every_digit(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x92, 0x8b, 0x30,
                                    0xd3, 0x8f, 0x41, 0x14, 0x93, 0x51, 0x55, 0x97, 0x61, 0x96,
                                    0x9b, 0x71, 0xd7, 0x9f, 0x82, 0x18, 0xa3, 0x92, 0x59, 0xa7,
                                    0xa2, 0x9a, 0xab, 0xb2, 0xdb, 0xaf, 0xc3, 0x1c, 0xb3, 0xd3,
                                    0x5d, 0xb7, 0xe3, 0x9e, 0xbb, 0xf3, 0xdf, 0xbf};
    assert_encoded(bytes, sizeof(bytes),
                   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

static void test_base64_longer_than_a_part(void **state)
{
    (void)state;
    static uint8_t zeros[2000];
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_base64_add(&out, zeros, sizeof(zeros));
    assert_int_equal(out.len, 2668);
    assert_int_equal(strspn(tvn_strbuf_text(&out), "A"), 2667);
    assert_string_equal(tvn_strbuf_text(&out) + 2664, "AAA=");
}

static void test_base64_beyond_the_maximum_fails(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_strbuf_init(&out, 7);
    tvn_base64_add(&out, (const uint8_t *)"foobar", 6);
    assert_true(out.failed);
}

static void test_base64_decode_reads_what_was_written(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        TVN_AUTO_VALUE(tvn_strbuf) back = {0};
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (uint8_t)(i * 37 + length);
        }
        tvn_base64_add(&text, bytes, length);
        assert_true(tvn_base64_decode(&back, tvn_strbuf_view(&text)));
        assert_int_equal(back.len, length);
        assert_memory_equal(tvn_strbuf_text(&back), bytes, length);
        while (text.len > 0 && text.ptr[text.len - 1] == '=') {
            text.len--;
        }
        tvn_strbuf_reset(&back);
        assert_true(tvn_base64_decode(&back, (struct tvn_str){text.ptr ? text.ptr : "", text.len}));
        assert_int_equal(back.len, length);
    }
}

static void test_base64_decode_refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"A",    "AAAAA", "A===",  "====", "=",    "AA=A", "A=AA",
                                        "AAA-", "AA A",  "AAAA=", "AA=",  "AB==", "AAB=", "Zm9v\n"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(texts); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        if (tvn_base64_decode(&out, tvn_str_of(texts[i])) || out.len != 0) {
            fail_msg("'%s' was read", texts[i]);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_base64_decode_reads_what_was_written),
    cmocka_unit_test(test_base64_decode_refuses_what_is_none),
    cmocka_unit_test(test_base64_of_the_rfc),
    cmocka_unit_test(test_base64_of_every_digit),
    cmocka_unit_test(test_base64_longer_than_a_part),
    cmocka_unit_test(test_base64_beyond_the_maximum_fails),
};

TVN_TEST_MAIN("format.base64", tests)
