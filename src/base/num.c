/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include "base/assert.h"

#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digit_run(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && is_digit(text[count])) {
        count++;
    }
    return count;
}

static bool unit_find(const struct unit *units, size_t count, const char *text, size_t length,
                      uint64_t *out_factor)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) == length && memcmp(units[i].name, text, length) == 0) {
            *out_factor = units[i].factor;
            return true;
        }
    }
    return false;
}

bool tvn_parse_u64(const char *text, size_t length, uint64_t *out_value)
{
    tvn_assert(text || length == 0);
    tvn_assert(out_value);
    if (length == 0) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]) || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value)) {
            return false;
        }
    }
    *out_value = value;
    return true;
}

bool tvn_parse_size(const char *text, size_t length, uint64_t *out_bytes)
{
    static const struct unit units[] = {
        {"", 1},      {"B", 1},        {"KiB", UINT64_C(1) << 10}, {"MiB", UINT64_C(1) << 20},
        {"KB", 1000}, {"MB", 1000000}, {"GiB", UINT64_C(1) << 30}, {"GB", 1000000000},
    };
    tvn_assert(text || length == 0);
    tvn_assert(out_bytes);
    size_t digits = digit_run(text, length);
    uint64_t number;
    uint64_t factor;
    if (!tvn_parse_u64(text, digits, &number) ||
        !unit_find(units, TVN_ARRAY_LEN(units), text + digits, length - digits, &factor)) {
        return false;
    }
    uint64_t bytes;
    if (__builtin_mul_overflow(number, factor, &bytes)) {
        return false;
    }
    *out_bytes = bytes;
    return true;
}

bool tvn_parse_duration(const char *text, size_t length, uint64_t *out_ns)
{
    static const struct unit units[] = {
        {"ns", 1},
        {"us", 1000},
        {"ms", 1000000},
        {"s", 1000000000},
        {"m", UINT64_C(60) * 1000000000},
        {"h", UINT64_C(3600) * 1000000000},
    };
    tvn_assert(text || length == 0);
    tvn_assert(out_ns);
    size_t whole_digits = digit_run(text, length);
    size_t end = whole_digits;
    size_t fraction_digits = 0;
    if (end < length && text[end] == '.') {
        fraction_digits = digit_run(text + end + 1, length - end - 1);
        if (fraction_digits == 0) {
            return false;
        }
        end += 1 + fraction_digits;
    }
    uint64_t whole;
    uint64_t factor;
    if (!tvn_parse_u64(text, whole_digits, &whole) ||
        !unit_find(units, TVN_ARRAY_LEN(units), text + end, length - end, &factor)) {
        return false;
    }
    /*
     * Horner's rule from the last digit: exact, because flooring each step of (digit * factor +
     * rest) / 10 gives the floor of the whole, and 9 * factor + rest always fits.
     */
    uint64_t fraction_ns = 0;
    for (size_t i = 0; i < fraction_digits; i++) {
        fraction_ns = ((uint64_t)(text[end - 1 - i] - '0') * factor + fraction_ns) / 10;
    }
    uint64_t total;
    if (__builtin_mul_overflow(whole, factor, &total) ||
        __builtin_add_overflow(total, fraction_ns, &total)) {
        return false;
    }
    *out_ns = total;
    return true;
}
