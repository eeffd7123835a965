/* SPDX-License-Identifier: Apache-2.0 */
#include "format/digest.h"

#include "base/assert.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* False: memory is exhausted. */
static bool digest_parts(const EVP_MD *kind, const struct tvn_str *parts, size_t part_count,
                         uint8_t *out_bytes)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex2(context, kind, NULL) == 1;
    for (size_t i = 0; done && i < part_count; i++) {
        done = EVP_DigestUpdate(context, parts[i].ptr, parts[i].len) == 1;
    }
    done = done && EVP_DigestFinal_ex(context, out_bytes, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

enum tvn_status tvn_sha256_of(const struct tvn_str *parts, size_t part_count,
                              struct tvn_sha256 *out_digest)
{
    tvn_assert(parts || part_count == 0);
    tvn_assert(out_digest);
    struct tvn_sha256 digest;
    if (!digest_parts(EVP_sha256(), parts, part_count, digest.bytes)) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *out_digest = digest;
    return TVN_OK;
}

enum tvn_status tvn_sha3_256_of(const struct tvn_str *parts, size_t part_count,
                                struct tvn_sha3_256 *out_digest)
{
    tvn_assert(parts || part_count == 0);
    tvn_assert(out_digest);
    struct tvn_sha3_256 digest;
    if (!digest_parts(EVP_sha3_256(), parts, part_count, digest.bytes)) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *out_digest = digest;
    return TVN_OK;
}

static bool mac_parts(EVP_MD_CTX *context, EVP_PKEY *key, const struct tvn_str *parts,
                      size_t part_count, struct tvn_sha256 *out_digest)
{
    if (!context || !key || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1) {
        return false;
    }
    for (size_t i = 0; i < part_count; i++) {
        if (EVP_DigestSignUpdate(context, parts[i].ptr, parts[i].len) != 1) {
            return false;
        }
    }
    size_t length = sizeof(out_digest->bytes);
    return EVP_DigestSignFinal(context, out_digest->bytes, &length) == 1 &&
           length == sizeof(out_digest->bytes);
}

enum tvn_status tvn_hmac_sha256_of(struct tvn_str key, const struct tvn_str *parts,
                                   size_t part_count, struct tvn_sha256 *out_digest)
{
    tvn_assert(key.ptr && key.len > 0);
    tvn_assert(parts || part_count == 0);
    tvn_assert(out_digest);
    EVP_PKEY *secret =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, (const unsigned char *)key.ptr, key.len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    struct tvn_sha256 digest;
    bool done = mac_parts(context, secret, parts, part_count, &digest);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(secret);
    if (!done) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *out_digest = digest;
    return TVN_OK;
}

bool tvn_sha256_equal(const struct tvn_sha256 *a, const struct tvn_sha256 *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void tvn_sha256_text(const struct tvn_sha256 *digest, char out_text[TVN_SHA256_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < TVN_SHA256_BYTES; i++) {
        out_text[2 * i] = digits[digest->bytes[i] >> 4];
        out_text[2 * i + 1] = digits[digest->bytes[i] & 0x0f];
    }
    out_text[TVN_SHA256_TEXT_BYTES - 1] = '\0';
}

const char *tvn_digest_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
