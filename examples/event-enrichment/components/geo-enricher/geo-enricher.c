/*
 * Geo-IP enrichment: adds "country" and "city" to an event by its "ip". In production the table
 * would be a real database, read when the component is initialised.
 */
#define _GNU_SOURCE /* memmem */
#include "managed_transform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_TYPE "application/json"

struct text {
    const char *at;
    size_t length;
};

static const struct place {
    const char *ip;
    const char *country;
    const char *city;
} places[] = {
    {"192.0.2.10", "DE", "Berlin"},
    {"198.51.100.42", "JP", "Tokyo"},
    {"203.0.113.5", "AU", "Sydney"},
    {"198.51.100.1", "US", "Chicago"},
};
static const struct place nowhere = {"", "unknown", "unknown"};

bool exports_torvyn_streaming_lifecycle_init(
    managed_transform_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    managed_transform_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
}

/* A buffer of the host with a copy of the text, frozen: one counted copy. */
static bool buffer_of(const char *text, size_t length, const char *type,
                      torvyn_streaming_types_own_buffer_t *out)
{
    torvyn_streaming_buffer_allocator_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    if (!torvyn_streaming_buffer_allocator_allocate(length, &buffer, &error)) {
        torvyn_streaming_types_buffer_error_free(&error);
        return false;
    }
    torvyn_streaming_types_borrow_mutable_buffer_t writable =
        torvyn_streaming_types_borrow_mutable_buffer(buffer);
    managed_transform_list_u8_t bytes = {(uint8_t *)text, length};
    bool written = torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error);
    if (written) {
        managed_transform_string_t content_type;
        managed_transform_string_set(&content_type, type);
        torvyn_streaming_types_method_mutable_buffer_set_content_type(writable, &content_type);
        *out = torvyn_streaming_types_method_mutable_buffer_freeze(writable);
    } else {
        torvyn_streaming_types_buffer_error_free(&error);
    }
    torvyn_streaming_types_mutable_buffer_drop_own(buffer); /* dead since freeze */
    return written;
}

/* The object without its closing braces: there the new fields go. */
static size_t open_length(struct text json)
{
    size_t length = json.length;
    while (length > 0 && json.at[length - 1] == '}') {
        length--;
    }
    return length;
}

/*
 * The value of "key":"value" in a JSON text, by a simple search; production code would use a
 * parser. A text without it has the empty value.
 */
static struct text field(struct text json, const char *key)
{
    char pattern[32];
    size_t length = (size_t)snprintf(pattern, sizeof(pattern), "\"%s\":\"", key);
    const char *begin = memmem(json.at, json.length, pattern, length);
    if (!begin) {
        return (struct text){"", 0};
    }
    begin += length;
    size_t rest = json.length - (size_t)(begin - json.at);
    const char *end = memchr(begin, '"', rest);
    return end ? (struct text){begin, (size_t)(end - begin)} : (struct text){"", 0};
}

static const struct place *find_place(struct text ip)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strlen(places[i].ip) == ip.length && memcmp(places[i].ip, ip.at, ip.length) == 0) {
            return &places[i];
        }
    }
    return &nowhere;
}

/* The event with its place, on the heap. */
static int tag(struct text json, char **out)
{
    const struct place *place = find_place(field(json, "ip"));
    return asprintf(out, "%.*s,\"country\":\"%s\",\"city\":\"%s\"}", (int)open_length(json),
                    json.at, place->country, place->city);
}

bool exports_torvyn_streaming_processor_process(
    exports_torvyn_streaming_processor_stream_element_t *input,
    exports_torvyn_streaming_processor_process_result_t *ret,
    exports_torvyn_streaming_processor_process_error_t *err)
{
    managed_transform_list_u8_t payload;
    torvyn_streaming_types_method_buffer_read_all(input->payload, &payload);
    managed_transform_string_free(&input->meta.content_type);
    struct text json = {(const char *)payload.ptr, payload.len};
    char *text = NULL;
    int length = tag(json, &text);
    bool made =
        length >= 0 && buffer_of(text, (size_t)length, CONTENT_TYPE, &ret->val.emit.payload);
    free(text);
    managed_transform_list_u8_free(&payload);
    if (!made) {
        err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
        managed_transform_string_dup(&err->val.internal, "no memory or no buffer");
        return false;
    }
    ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_EMIT;
    ret->val.emit.meta.sequence = input->meta.sequence;
    ret->val.emit.meta.timestamp_ns = 0; /* keeps that of the input */
    managed_transform_string_dup(&ret->val.emit.meta.content_type, CONTENT_TYPE);
    return true;
}
