/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "tvn_test.h"

struct sample {
    const char *bytes;
    size_t length;
    size_t valid_prefix;
};
#define SAMPLE(text, prefix) {(text), sizeof(text) - 1, (prefix)}

static const struct sample valid_samples[] = {
    SAMPLE("", 0),
    SAMPLE("\0", 1),
    SAMPLE("\x7f", 1),
    SAMPLE("\xc2\x80", 2),         /* U+0080 */
    SAMPLE("\xdf\xbf", 2),         /* U+07FF */
    SAMPLE("\xe0\xa0\x80", 3),     /* U+0800 */
    SAMPLE("\xed\x9f\xbf", 3),     /* U+D7FF */
    SAMPLE("\xee\x80\x80", 3),     /* U+E000 */
    SAMPLE("\xef\xbf\xbf", 3),     /* U+FFFF */
    SAMPLE("\xf0\x90\x80\x80", 4), /* U+10000 */
    SAMPLE("\xf4\x8f\xbf\xbf", 4), /* U+10FFFF */
    SAMPLE("gr\xc3\xbc\xc3\x9f"
           "e \xe2\x82\xac \xf0\x9f\x8e\x89 and ASCII",
           26),
};

static const struct sample invalid_samples[] = {
    SAMPLE("\x80", 0), /* lone continuation */
    SAMPLE("\xbf", 0),
    SAMPLE("\xc0\x80", 0),         /* overlong U+0000 */
    SAMPLE("\xc1\xbf", 0),         /* overlong U+007F */
    SAMPLE("\xe0\x80\x80", 0),     /* overlong */
    SAMPLE("\xe0\x9f\xbf", 0),     /* overlong U+07FF */
    SAMPLE("\xf0\x80\x80\x80", 0), /* overlong */
    SAMPLE("\xf0\x8f\xbf\xbf", 0), /* overlong U+FFFF */
    SAMPLE("\xed\xa0\x80", 0),     /* U+D800 */
    SAMPLE("\xed\xbf\xbf", 0),     /* U+DFFF */
    SAMPLE("\xf4\x90\x80\x80", 0), /* U+110000 */
    SAMPLE("\xf5\x80\x80\x80", 0),
    SAMPLE("\xf8\x88\x80\x80\x80", 0), /* five bytes, of old */
    SAMPLE("\xfe", 0),
    SAMPLE("\xff", 0),
    SAMPLE("a\xc3", 1), /* truncated */
    SAMPLE("a\xe2\x82", 1),
    SAMPLE("a\xe2", 1),
    SAMPLE("a\xf0\x9f\x8e", 1),
    SAMPLE("\xc3(", 0), /* bad second byte */
    SAMPLE("\xe2(\xa1", 0),
    SAMPLE("\xe2\x82(", 0),
    SAMPLE("\xf0\x9f(\x8e", 0),
    SAMPLE("\xf0\x9f\x8e(", 0),
    SAMPLE("\xc3\xc3", 0),
    SAMPLE("ASCII longer than eight bytes\xff tail", 29),
    SAMPLE("12345678\x80", 8),
    SAMPLE("1234567\x80"
           "12345678",
           7),
};

static void test_utf8_valid_text_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(valid_samples); i++) {
        const struct sample *sample = &valid_samples[i];
        assert_true(tvn_utf8_valid(sample->bytes, sample->length));
        assert_int_equal(tvn_utf8_valid_prefix(sample->bytes, sample->length),
                         sample->valid_prefix);
    }
    assert_true(tvn_utf8_valid(NULL, 0));
}

static void test_utf8_invalid_text_names_first_bad_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(invalid_samples); i++) {
        const struct sample *sample = &invalid_samples[i];
        assert_false(tvn_utf8_valid(sample->bytes, sample->length));
        assert_int_equal(tvn_utf8_valid_prefix(sample->bytes, sample->length),
                         sample->valid_prefix);
    }
}

static void test_utf8_never_reads_beyond_length(void **state)
{
    (void)state;
    /* Heap copies of exact size: the sanitizer sees any overrun. */
    for (size_t i = 0; i < TVN_ARRAY_LEN(invalid_samples); i++) {
        const struct sample *sample = &invalid_samples[i];
        for (size_t length = 1; length <= sample->length; length++) {
            TVN_AUTO_FREE uint8_t *copy = tvn_malloc(length);
            memcpy(copy, sample->bytes, length);
            size_t prefix = tvn_utf8_valid_prefix(copy, length);
            assert_true(prefix <= length);
        }
    }
}

static void test_utf8_encode_then_decode_gives_every_scalar_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) {
            continue;
        }
        char bytes[4];
        uint32_t decoded = UINT32_MAX;
        size_t length = tvn_utf8_encode(c, bytes);
        if (tvn_utf8_decode(bytes, length, &decoded) != length || decoded != c ||
            !tvn_utf8_valid(bytes, length)) {
            fail_msg("U+%04" PRIX32, c);
        }
    }
}

static void test_utf8_encode_length_at_boundaries(void **state)
{
    (void)state;
    char bytes[4];
    assert_int_equal(tvn_utf8_encode(0x7F, bytes), 1);
    assert_int_equal(tvn_utf8_encode(0x80, bytes), 2);
    assert_int_equal(tvn_utf8_encode(0x7FF, bytes), 2);
    assert_int_equal(tvn_utf8_encode(0x800, bytes), 3);
    assert_int_equal(tvn_utf8_encode(0xFFFF, bytes), 3);
    assert_int_equal(tvn_utf8_encode(0x10000, bytes), 4);
    assert_int_equal(tvn_utf8_encode(0x20AC, bytes), 3);
    assert_memory_equal(bytes, "\xe2\x82\xac", 3);
}

static void encode_code_point(void *code_point)
{
    char bytes[4];
    tvn_utf8_encode(*(uint32_t *)code_point, bytes);
}

static void test_utf8_encode_of_non_scalar_aborts(void **state)
{
    (void)state;
    uint32_t bad[] = {0xD800, 0xDFFF, 0x110000, UINT32_MAX};
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        assert_aborts(encode_code_point, &bad[i]);
    }
}

static void test_utf8_decode_of_nothing_or_garbage_is_zero_and_leaves_output(void **state)
{
    (void)state;
    uint32_t c = 42;
    assert_int_equal(tvn_utf8_decode("", 0, &c), 0);
    assert_int_equal(tvn_utf8_decode("\xe2\x82", 2, &c), 0);
    assert_int_equal(tvn_utf8_decode("\xff", 1, &c), 0);
    assert_int_equal(c, 42);
}

/* The definition, byte by byte and slow. */
static bool reference_valid(const uint8_t *p, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint32_t c = p[i];
        size_t more = c < 0x80 ? 0 : c >> 5 == 6 ? 1 : c >> 4 == 14 ? 2 : c >> 3 == 30 ? 3 : 9;
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (more > 3 || length - i < more + 1) {
            return false;
        }
        uint32_t value = more == 0 ? c : c & (0x3Fu >> more);
        for (size_t k = 1; k <= more; k++) {
            if (p[i + k] >> 6 != 2) {
                return false;
            }
            value = value << 6 | (p[i + k] & 0x3Fu);
        }
        if (value < least[more] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
            return false;
        }
        i += more + 1;
    }
    return true;
}

static void test_utf8_agrees_with_reference_on_random_bytes(void **state)
{
    (void)state;
    static const uint8_t interesting[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
                                          0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED,
                                          0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
    uint64_t random = tvn_test_seed();
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[12];
        size_t length = tvn_test_random(&random) % (sizeof(bytes) + 1);
        for (size_t i = 0; i < length; i++) {
            bytes[i] = interesting[tvn_test_random(&random) % sizeof(interesting)];
        }
        assert_int_equal(tvn_utf8_valid(bytes, length), reference_valid(bytes, length));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_utf8_valid_text_is_accepted),
    cmocka_unit_test(test_utf8_invalid_text_names_first_bad_byte),
    cmocka_unit_test(test_utf8_never_reads_beyond_length),
    cmocka_unit_test(test_utf8_encode_then_decode_gives_every_scalar_back),
    cmocka_unit_test(test_utf8_encode_length_at_boundaries),
    cmocka_unit_test(test_utf8_encode_of_non_scalar_aborts),
    cmocka_unit_test(test_utf8_decode_of_nothing_or_garbage_is_zero_and_leaves_output),
    cmocka_unit_test(test_utf8_agrees_with_reference_on_random_bytes),
};
TVN_TEST_MAIN("base.utf8", tests)
