/* SPDX-License-Identifier: Apache-2.0 */
/* Semantic Versioning 2.0.0, strictly: no leading zeros, no missing parts, numbers of at most 32
 * bits. */
#include "base/assert.h"
#include "base/num.h"
#include "contracts/model.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool all_digits(struct tvn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i])) {
            return false;
        }
    }
    return text.len > 0;
}

/* Takes a number without leading zeros off the front. */
static bool take_number(struct tvn_str *text, uint32_t *out_value)
{
    size_t length = 0;
    while (length < text->len && is_digit(text->ptr[length])) {
        length++;
    }
    uint64_t value;
    if (length == 0 || (length > 1 && text->ptr[0] == '0') ||
        !tvn_parse_u64(text->ptr, length, &value) || value > UINT32_MAX) {
        return false;
    }
    *out_value = (uint32_t)value;
    *text = tvn_str_slice(*text, length, text->len);
    return true;
}

static bool take_char(struct tvn_str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c) {
        return false;
    }
    *text = tvn_str_slice(*text, 1, text->len);
    return true;
}

/* Splits the part before the first '.' off. */
static struct tvn_str take_identifier(struct tvn_str *text)
{
    size_t dot = tvn_str_find(*text, '.');
    size_t end = dot == SIZE_MAX ? text->len : dot;
    struct tvn_str identifier = tvn_str_slice(*text, 0, end);
    *text = tvn_str_slice(*text, dot == SIZE_MAX ? end : end + 1, text->len);
    return identifier;
}

/* Dot-separated, none empty, of [0-9A-Za-z-]; numeric ones of a pre-release without leading zeros.
 */
static bool identifiers_valid(struct tvn_str text, bool pre_release)
{
    if (text.len == 0 || text.ptr[text.len - 1] == '.') {
        return false;
    }
    while (text.len > 0) {
        struct tvn_str identifier = take_identifier(&text);
        for (size_t i = 0; i < identifier.len; i++) {
            char c = identifier.ptr[i];
            if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-') {
                return false;
            }
        }
        bool leading_zero =
            identifier.len > 1 && identifier.ptr[0] == '0' && all_digits(identifier);
        if (identifier.len == 0 || (pre_release && leading_zero)) {
            return false;
        }
    }
    return true;
}

bool tvn_semver_parse(struct tvn_str text, struct tvn_semver *out_version)
{
    tvn_assert(out_version);
    struct tvn_semver version = {.pre = {"", 0}, .build = {"", 0}, .valid = true};
    if (!take_number(&text, &version.major) || !take_char(&text, '.') ||
        !take_number(&text, &version.minor) || !take_char(&text, '.') ||
        !take_number(&text, &version.patch)) {
        return false;
    }
    size_t plus = tvn_str_find(text, '+');
    if (plus != SIZE_MAX) {
        version.build = tvn_str_slice(text, plus + 1, text.len);
        text = tvn_str_slice(text, 0, plus);
        if (!identifiers_valid(version.build, false)) {
            return false;
        }
    }
    if (text.len > 0) {
        if (!take_char(&text, '-') || !identifiers_valid(text, true)) {
            return false;
        }
        version.pre = text;
    }
    *out_version = version;
    return true;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_text(struct tvn_str a, struct tvn_str b)
{
    size_t shorter = tvn_min(a.len, b.len);
    int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);
    return order != 0 ? (order > 0) - (order < 0) : compare_u64(a.len, b.len);
}

/* Numbers by value (they have no leading zeros: the longer is greater) and before words, words by
 * ASCII order. */
static int compare_identifier(struct tvn_str a, struct tvn_str b)
{
    bool a_number = all_digits(a);
    bool b_number = all_digits(b);
    if (a_number != b_number) {
        return a_number ? -1 : 1;
    }
    if (a_number && a.len != b.len) {
        return compare_u64(a.len, b.len);
    }
    return compare_text(a, b);
}

static int compare_pre(struct tvn_str a, struct tvn_str b)
{
    if (a.len == 0 || b.len == 0) {
        return (a.len == 0) - (b.len == 0); /* a release comes after its pre-releases */
    }
    while (a.len > 0 && b.len > 0) {
        struct tvn_str left = take_identifier(&a);
        struct tvn_str right = take_identifier(&b);
        int order = compare_identifier(left, right);
        if (order != 0) {
            return order;
        }
    }
    return (a.len > 0) - (b.len > 0);
}

int tvn_semver_compare(const struct tvn_semver *a, const struct tvn_semver *b)
{
    tvn_assert(a);
    tvn_assert(b);
    const uint32_t left[] = {a->major, a->minor, a->patch};
    const uint32_t right[] = {b->major, b->minor, b->patch};
    for (size_t i = 0; i < TVN_ARRAY_LEN(left); i++) {
        if (left[i] != right[i]) {
            return compare_u64(left[i], right[i]);
        }
    }
    return compare_pre(a->pre, b->pre);
}

bool tvn_semver_same_track(const struct tvn_semver *a, const struct tvn_semver *b)
{
    tvn_assert(a);
    tvn_assert(b);
    return a->major == b->major && (a->major != 0 || a->minor == b->minor);
}

void tvn_semver_print(const struct tvn_semver *version, struct tvn_strbuf *out)
{
    tvn_assert(version);
    tvn_assert(out);
    tvn_strbuf_printf(out, "%u.%u.%u", version->major, version->minor, version->patch);
    if (version->pre.len > 0) {
        tvn_strbuf_add_char(out, '-');
        tvn_strbuf_add_escaped(out, version->pre);
    }
    if (version->build.len > 0) {
        tvn_strbuf_add_char(out, '+');
        tvn_strbuf_add_escaped(out, version->build);
    }
}
