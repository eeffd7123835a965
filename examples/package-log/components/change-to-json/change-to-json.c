/*
 * Turns a change line of dpkg's log into a JSON object:
 *
 *     2026-01-31 12:00:00 upgrade libfoo1:amd64 1.2-2 1.2-3
 *     {"time":"2026-01-31T12:00:00","action":"upgrade","name":"libfoo1","architecture":"amd64","version":"1.2-3",
 *      "previous_version":"1.2-2"}
 *
 * `version` is the one that the change is about: the new one, or the removed one.
 */
#include "transform.h"

#include <stdlib.h>
#include <string.h>

typedef transform_list_u8_t bytes_t;

enum field { DATE, TIME, ACTION, PACKAGE, OLD_VERSION, NEW_VERSION, FIELD_COUNT };

/* Names, versions and keys of one line, every byte escaped to six: "\u0000". */
#define OUTPUT_FACTOR 6
#define OUTPUT_EXTRA  128

struct output {
    uint8_t *bytes;
    size_t length;
};

static bool equal(bytes_t field, const char *text)
{
    return field.len == strlen(text) && memcmp(field.ptr, text, field.len) == 0;
}

static void put(struct output *out, const char *text)
{
    size_t length = strlen(text);
    memcpy(out->bytes + out->length, text, length);
    out->length += length;
}

/* The bytes of a JSON string; anything but printable ASCII is escaped as Latin-1, so the output is
 * always valid. */
static void put_escaped(struct output *out, bytes_t field)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < field.len; i++) {
        uint8_t c = field.ptr[i];
        if (c == '"' || c == '\\') {
            out->bytes[out->length++] = '\\';
            out->bytes[out->length++] = c;
        } else if (c < 0x20 || c > 0x7e) {
            const char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
            memcpy(out->bytes + out->length, escape, sizeof(escape));
            out->length += sizeof(escape);
        } else {
            out->bytes[out->length++] = c;
        }
    }
}

static void put_member(struct output *out, const char *prefix, bytes_t value)
{
    put(out, prefix);
    put_escaped(out, value);
}

/* Splits at single spaces. False when fields are missing. */
static bool split(bytes_t line, bytes_t fields[FIELD_COUNT])
{
    size_t at = 0;
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (at > line.len) {
            return false;
        }
        const uint8_t *start = line.ptr + at;
        const uint8_t *space = memchr(start, ' ', line.len - at);
        size_t length = space ? (size_t)(space - start) : line.len - at;
        fields[i] = (bytes_t){(uint8_t *)start, length};
        at += length + 1;
    }
    return true;
}

static void write_json(struct output *out, const bytes_t fields[FIELD_COUNT])
{
    bytes_t name = fields[PACKAGE];
    bytes_t architecture = {(uint8_t *)"", 0};
    const uint8_t *colon = memchr(name.ptr, ':', name.len);
    if (colon) {
        size_t length = (size_t)(colon - name.ptr);
        architecture = (bytes_t){name.ptr + length + 1, name.len - length - 1};
        name.len = length;
    }
    bool removed = equal(fields[ACTION], "remove");
    put_member(out, "{\"time\":\"", fields[DATE]);
    put_member(out, "T", fields[TIME]);
    put_member(out, "\",\"action\":\"", fields[ACTION]);
    put_member(out, "\",\"name\":\"", name);
    put_member(out, "\",\"architecture\":\"", architecture);
    put_member(out, "\",\"version\":\"", fields[removed ? OLD_VERSION : NEW_VERSION]);
    if (!removed && !equal(fields[OLD_VERSION], "<none>")) {
        put_member(out, "\",\"previous_version\":\"", fields[OLD_VERSION]);
    }
    put(out, "\"}");
}

static bool fail(exports_torvyn_streaming_processor_process_error_t *err, uint8_t tag,
                 const char *what)
{
    err->tag = tag;
    transform_string_dup(&err->val.internal, what); /* all cases with a text share its place */
    return false;
}

/* One buffer of the host's pool with the bytes in it. */
static bool emit(struct output out, exports_torvyn_streaming_processor_process_result_t *ret,
                 exports_torvyn_streaming_processor_process_error_t *err)
{
    torvyn_streaming_buffer_allocator_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    if (!torvyn_streaming_buffer_allocator_allocate(out.length, &buffer, &error)) {
        torvyn_streaming_types_buffer_error_free(&error);
        return fail(err, TORVYN_STREAMING_TYPES_PROCESS_ERROR_UNAVAILABLE,
                    "buffer allocation failed");
    }
    torvyn_streaming_types_borrow_mutable_buffer_t writable =
        torvyn_streaming_types_borrow_mutable_buffer(buffer);
    bytes_t bytes = {out.bytes, out.length};
    if (!torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error)) {
        torvyn_streaming_types_buffer_error_free(&error);
        torvyn_streaming_types_mutable_buffer_drop_own(buffer);
        return fail(err, TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL, "buffer write failed");
    }
    ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_EMIT;
    ret->val.emit.payload = torvyn_streaming_types_method_mutable_buffer_freeze(writable);
    torvyn_streaming_types_mutable_buffer_drop_own(buffer);
    return true;
}

bool exports_torvyn_streaming_processor_process(
    exports_torvyn_streaming_processor_stream_element_t *input,
    exports_torvyn_streaming_processor_process_result_t *ret,
    exports_torvyn_streaming_processor_process_error_t *err)
{
    bytes_t line;
    bytes_t fields[FIELD_COUNT];
    torvyn_streaming_types_method_buffer_read_all(input->payload, &line);
    transform_string_free(&input->meta.content_type);
    bool valid = split(line, fields);
    bool emitted = false;
    if (valid) {
        struct output out = {malloc(line.len * OUTPUT_FACTOR + OUTPUT_EXTRA), 0};
        if (!out.bytes) {
            abort();
        }
        write_json(&out, fields);
        emitted = emit(out, ret, err);
        free(out.bytes);
    }
    transform_list_u8_free(&line);
    if (!valid) {
        return fail(err, TORVYN_STREAMING_TYPES_PROCESS_ERROR_INVALID_INPUT,
                    "not a line of six fields");
    }
    if (emitted) {
        ret->val.emit.meta.sequence = input->meta.sequence;
        ret->val.emit.meta.timestamp_ns = input->meta.timestamp_ns;
        transform_string_dup(&ret->val.emit.meta.content_type, "application/json");
    }
    return emitted;
}
