/* SPDX-License-Identifier: Apache-2.0 */
#include "types/trace_context.h"

#include "base/assert.h"

#define VERSION_AT   0
#define TRACE_ID_AT  3
#define PARENT_ID_AT 36
#define FLAGS_AT     53

#define KEY_MAX    256
#define TENANT_MAX 241
#define SYSTEM_MAX 14
#define VALUE_MAX  256

static const char digits[] = "0123456789abcdef";

/* ---- traceparent ---- */

/* -1: not a lower-case hex digit. */
static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *text, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static bool has_valid_length(struct tvn_str header, uint8_t version)
{
    if (version == 0) {
        return header.len == TVN_TRACEPARENT_LENGTH;
    }
    return version != 0xff &&
           (header.len == TVN_TRACEPARENT_LENGTH || header.ptr[TVN_TRACEPARENT_LENGTH] == '-');
}

bool tvn_traceparent_parse(struct tvn_str header, struct tvn_trace_context *out_context)
{
    uint8_t version;
    uint8_t flags;
    if (header.len < TVN_TRACEPARENT_LENGTH || header.len > TVN_TRACEPARENT_MAX) {
        return false;
    }
    const char *text = header.ptr;
    if (text[TRACE_ID_AT - 1] != '-' || text[PARENT_ID_AT - 1] != '-' ||
        text[FLAGS_AT - 1] != '-' || !read_hex(text + VERSION_AT, 1, &version) ||
        !has_valid_length(header, version) ||
        !read_hex(text + TRACE_ID_AT, sizeof(out_context->trace_id), out_context->trace_id) ||
        !read_hex(text + PARENT_ID_AT, sizeof(out_context->parent_id), out_context->parent_id) ||
        !read_hex(text + FLAGS_AT, 1, &flags)) {
        return false;
    }
    out_context->flags = flags & TVN_TRACE_FLAG_SAMPLED;
    out_context->tracestate_length = 0;
    return !is_zero(out_context->trace_id, sizeof(out_context->trace_id)) &&
           !is_zero(out_context->parent_id, sizeof(out_context->parent_id));
}

static char *write_hex(const uint8_t *bytes, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    return out;
}

void tvn_traceparent_write(const uint8_t trace_id[16], const uint8_t span_id[8], uint8_t flags,
                           char out_header[TVN_TRACEPARENT_LENGTH])
{
    char *out = out_header;
    *out++ = '0';
    *out++ = '0';
    *out++ = '-';
    out = write_hex(trace_id, 16, out);
    *out++ = '-';
    out = write_hex(span_id, 8, out);
    *out++ = '-';
    (void)write_hex(&flags, 1, out);
}

/* ---- tracestate ---- */

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_letter_or_digit(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static bool are_key_characters(struct tvn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_letter_or_digit(c) && c != '_' && c != '-' && c != '*' && c != '/') {
            return false;
        }
    }
    return true;
}

/* "vendor", or "tenant@system". */
static bool is_key(struct tvn_str key)
{
    size_t at = tvn_str_find(key, '@');
    if (at == SIZE_MAX) {
        return key.len > 0 && key.len <= KEY_MAX && is_letter(key.ptr[0]) &&
               are_key_characters(key);
    }
    struct tvn_str tenant = tvn_str_slice(key, 0, at);
    struct tvn_str system = tvn_str_slice(key, at + 1, key.len);
    return tenant.len > 0 && tenant.len <= TENANT_MAX && is_letter_or_digit(tenant.ptr[0]) &&
           are_key_characters(tenant) && system.len > 0 && system.len <= SYSTEM_MAX &&
           is_letter(system.ptr[0]) && are_key_characters(system);
}

/* Printable ASCII without ',' and '=', not ending with a space (which was trimmed). */
static bool is_value(struct tvn_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c < 0x20 || c > 0x7e || c == ',' || c == '=') {
            return false;
        }
    }
    return value.len > 0 && value.len <= VALUE_MAX;
}

static struct tvn_str trim(struct tvn_str text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text = tvn_str_slice(text, 1, text.len);
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* What is in the context's tracestate so far has the key. */
static bool has_key(const struct tvn_trace_context *context, struct tvn_str key)
{
    struct tvn_str rest = {context->tracestate, context->tracestate_length};
    while (rest.len > 0) {
        size_t end = tvn_str_find(rest, ',');
        struct tvn_str member = tvn_str_slice(rest, 0, end == SIZE_MAX ? rest.len : end);
        if (tvn_str_equal(tvn_str_slice(member, 0, tvn_str_find(member, '=')), key)) {
            return true;
        }
        rest = end == SIZE_MAX ? (struct tvn_str){rest.ptr, 0}
                               : tvn_str_slice(rest, end + 1, rest.len);
    }
    return false;
}

static bool add_member(struct tvn_trace_context *context, struct tvn_str member)
{
    size_t equals = tvn_str_find(member, '=');
    if (equals == SIZE_MAX) {
        return false;
    }
    struct tvn_str key = tvn_str_slice(member, 0, equals);
    if (!is_key(key) || !is_value(tvn_str_slice(member, equals + 1, member.len)) ||
        has_key(context, key)) {
        return false;
    }
    size_t comma = context->tracestate_length > 0 ? 1 : 0;
    tvn_assert(context->tracestate_length + comma + member.len <= TVN_TRACESTATE_MAX);
    char *end = context->tracestate + context->tracestate_length;
    if (comma) {
        *end++ = ',';
    }
    memcpy(end, member.ptr, member.len);
    context->tracestate_length = (uint16_t)(context->tracestate_length + comma + member.len);
    return true;
}

bool tvn_tracestate_parse(struct tvn_str header, struct tvn_trace_context *context)
{
    context->tracestate_length = 0;
    if (header.len > TVN_TRACESTATE_MAX) {
        return false;
    }
    struct tvn_str rest = header;
    unsigned members = 0;
    bool is_valid = true;
    while (is_valid && rest.len > 0) {
        size_t end = tvn_str_find(rest, ',');
        struct tvn_str member = trim(tvn_str_slice(rest, 0, end == SIZE_MAX ? rest.len : end));
        if (member.len > 0) {
            is_valid = ++members <= TVN_TRACESTATE_MEMBERS_MAX && add_member(context, member);
        }
        rest = end == SIZE_MAX ? (struct tvn_str){rest.ptr, 0}
                               : tvn_str_slice(rest, end + 1, rest.len);
    }
    if (!is_valid) {
        context->tracestate_length = 0;
    }
    return is_valid;
}

/* ---- ids ---- */

/* The finalizer of splitmix64: every bit depends on every bit. Not zero. */
static uint64_t mix(uint64_t seed, uint64_t sequence)
{
    uint64_t x = seed + (sequence + 1) * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    x ^= x >> 31;
    return x == 0 ? 1 : x;
}

void tvn_trace_id_of(const struct tvn_trace_ids *ids, const struct tvn_element *element,
                     uint8_t out_trace_id[16])
{
    if (!ids->enabled || tvn_element_has_context(element)) {
        memcpy(out_trace_id, element->trace_id, 16);
        if (!ids->enabled) {
            memset(out_trace_id, 0, 16);
        }
        return;
    }
    const uint64_t id[2] = {mix(ids->seed[0], element->sequence),
                            mix(ids->seed[1], element->sequence)};
    memcpy(out_trace_id, id, sizeof(id));
}

void tvn_span_id_of(const struct tvn_trace_ids *ids, uint64_t sequence, uint8_t out_span_id[8])
{
    uint64_t id = ids->enabled ? mix(ids->seed[2], sequence) : 0;
    memcpy(out_span_id, &id, sizeof(id));
}
