/* SPDX-License-Identifier: Apache-2.0 */
#include "format/base64.h"

#include "base/assert.h"
#include "base/num.h"

#define STEP_BYTES 3
#define STEP_CHARS 4
#define PART_STEPS 256 /* appended at once */

static void encode_step(const uint8_t *bytes, size_t length, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = (uint32_t)bytes[0] << 16;
    bits |= length > 1 ? (uint32_t)bytes[1] << 8 : 0;
    bits |= length > 2 ? bytes[2] : 0;
    out[0] = digits[bits >> 18];
    out[1] = digits[bits >> 12 & 63];
    out[2] = '=';
    out[3] = '=';
    if (length > 1) {
        out[2] = digits[bits >> 6 & 63];
    }
    if (length > 2) {
        out[3] = digits[bits & 63];
    }
}

void tvn_base64_add(struct tvn_strbuf *out, const uint8_t *bytes, size_t length)
{
    tvn_assert(out && (bytes || length == 0));
    char part[PART_STEPS * STEP_CHARS];
    size_t used = 0;
    for (size_t at = 0; at < length; at += STEP_BYTES) {
        if (used == sizeof(part)) {
            tvn_strbuf_add(out, part, used);
            used = 0;
        }
        encode_step(bytes + at, tvn_min(length - at, (size_t)STEP_BYTES), part + used);
        used += STEP_CHARS;
    }
    tvn_strbuf_add(out, part, used);
}

static bool digit_of(char c, uint32_t *out_digit)
{
    if (c >= 'A' && c <= 'Z') {
        *out_digit = (uint32_t)(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
        *out_digit = (uint32_t)(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
        *out_digit = (uint32_t)(c - '0') + 52;
    } else if (c == '+' || c == '/') {
        *out_digit = c == '+' ? 62 : 63;
    } else {
        return false;
    }
    return true;
}

/* The digits before the padding; the padding must complete a step. */
static bool strip_padding(struct tvn_str *text)
{
    size_t padding = 0;
    while (padding < 2 && text->len > 0 && text->ptr[text->len - 1] == '=') {
        text->len--;
        padding++;
    }
    return (padding == 0 || (text->len + padding) % STEP_CHARS == 0) && text->len % STEP_CHARS != 1;
}

bool tvn_base64_decode(struct tvn_strbuf *out, struct tvn_str text)
{
    tvn_assert(out && (text.ptr || text.len == 0));
    uint32_t digit = 0;
    if (!strip_padding(&text)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!digit_of(text.ptr[i], &digit)) {
            return false;
        }
    }
    /* Bits of the last digit that belong to no byte must be 0: one text a value. */
    size_t rest = text.len % STEP_CHARS;
    if (rest != 0 && (digit & (rest == 2 ? 15u : 3u)) != 0) {
        return false;
    }
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.len; i++) {
        (void)digit_of(text.ptr[i], &digit);
        bits = bits << 6 | digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            tvn_strbuf_add_char(out, (char)(uint8_t)(bits >> have));
        }
    }
    return true;
}
