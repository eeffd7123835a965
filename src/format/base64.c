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
