/*
 * Adds "processed_by":"log-pipeline" to an event.
 */
#define _GNU_SOURCE /* asprintf */
#include "transform.h"

#include <stdio.h>
#include <stdlib.h>

#define CONTENT_TYPE "application/json"

struct text {
    const char *at;
    size_t length;
};

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
    transform_list_u8_t bytes = {(uint8_t *)text, length};
    bool written = torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error);
    if (written) {
        transform_string_t content_type;
        transform_string_set(&content_type, type);
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

/* The event with its tag, on the heap. */
static int tag(struct text json, char **out)
{
    return asprintf(out, "%.*s,\"processed_by\":\"log-pipeline\"}", (int)open_length(json),
                    json.at);
}

bool exports_torvyn_streaming_processor_process(
    exports_torvyn_streaming_processor_stream_element_t *input,
    exports_torvyn_streaming_processor_process_result_t *ret,
    exports_torvyn_streaming_processor_process_error_t *err)
{
    transform_list_u8_t payload;
    torvyn_streaming_types_method_buffer_read_all(input->payload, &payload);
    transform_string_free(&input->meta.content_type);
    struct text json = {(const char *)payload.ptr, payload.len};
    char *text = NULL;
    int length = tag(json, &text);
    bool made =
        length >= 0 && buffer_of(text, (size_t)length, CONTENT_TYPE, &ret->val.emit.payload);
    free(text);
    transform_list_u8_free(&payload);
    if (!made) {
        err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
        transform_string_dup(&err->val.internal, "no memory or no buffer");
        return false;
    }
    ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_EMIT;
    ret->val.emit.meta.sequence = input->meta.sequence;
    ret->val.emit.meta.timestamp_ns = 0; /* keeps that of the input */
    transform_string_dup(&ret->val.emit.meta.content_type, CONTENT_TYPE);
    return true;
}
