/* SPDX-License-Identifier: Apache-2.0 */
#include "format/digest.h"

#include "tvn_test.h"

static void assert_hex(const struct tvn_sha256 *digest, const char *expected)
{
    char text[TVN_SHA256_TEXT_BYTES];
    tvn_sha256_text(digest, text);
    assert_string_equal(text, expected);
}

/* Vectors of FIPS 180-4 and RFC 4231. */
static void test_sha256_known_messages_known_digests(void **state)
{
    (void)state;
    struct tvn_sha256 digest;
    assert_status(tvn_sha256_of(NULL, 0, &digest), TVN_OK);
    assert_hex(&digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    struct tvn_str abc = TVN_STR("abc");
    assert_status(tvn_sha256_of(&abc, 1, &digest), TVN_OK);
    assert_hex(&digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_sha256_parts_same_as_whole(void **state)
{
    (void)state;
    struct tvn_str whole = TVN_STR("abc");
    struct tvn_str parts[] = {TVN_STR("a"), TVN_STR(""), TVN_STR("bc")};
    struct tvn_sha256 a, b;
    assert_status(tvn_sha256_of(&whole, 1, &a), TVN_OK);
    assert_status(tvn_sha256_of(parts, TVN_ARRAY_LEN(parts), &b), TVN_OK);
    assert_true(tvn_sha256_equal(&a, &b));
    b.bytes[31] ^= 1;
    assert_false(tvn_sha256_equal(&a, &b));
}

/* Vectors of FIPS 202. */
static void test_sha3_256_known_messages_known_digests(void **state)
{
    (void)state;
    static const uint8_t of_nothing[] = {0xa7, 0xff, 0xc6, 0xf8, 0xbf, 0x1e, 0xd7, 0x66};
    static const uint8_t of_abc[] = {0x3a, 0x98, 0x5d, 0xa7, 0x4f, 0xe2, 0x25, 0xb2};
    struct tvn_sha3_256 digest;
    assert_status(tvn_sha3_256_of(NULL, 0, &digest), TVN_OK);
    assert_memory_equal(digest.bytes, of_nothing, sizeof(of_nothing));
    struct tvn_str parts[] = {TVN_STR("a"), TVN_STR("bc")};
    assert_status(tvn_sha3_256_of(parts, TVN_ARRAY_LEN(parts), &digest), TVN_OK);
    assert_memory_equal(digest.bytes, of_abc, sizeof(of_abc));
    assert_true(tvn_digest_library_version()[0] != '\0');
}

static void test_hmac_known_message_known_digest(void **state)
{
    (void)state;
    struct tvn_str parts[] = {TVN_STR("what do ya want "), TVN_STR("for nothing?")};
    struct tvn_sha256 digest;
    assert_status(tvn_hmac_sha256_of(TVN_STR("Jefe"), parts, TVN_ARRAY_LEN(parts), &digest),
                  TVN_OK);
    assert_hex(&digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sha256_known_messages_known_digests),
    cmocka_unit_test(test_sha256_parts_same_as_whole),
    cmocka_unit_test(test_sha3_256_known_messages_known_digests),
    cmocka_unit_test(test_hmac_known_message_known_digest),
};
TVN_TEST_MAIN("format.digest", tests)
