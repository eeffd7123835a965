/*
 * A stand-in for a language model: each token is an element of its own, as decoding yields them.
 */
#include "data_source.h"

#include <string.h>

#define CONTENT_TYPE "text/plain; charset=utf-8"

static const char *const tokens[] = {
    "The",   " quick",  " brown",   " fox",       " jumped",       " over", " the",
    " lazy", " dog",    ".",        " The",       " blocked_word", " was",  " filtered",
    ".",     " Torvyn", " handles", " streaming", " tokens",       ".",
};
#define COUNT (sizeof(tokens) / sizeof(tokens[0]))

/* A component instance has one copy of this state and the host never calls it twice at a time. */
static size_t next;

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
    data_source_list_u8_t bytes = {(uint8_t *)text, length};
    bool written = torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error);
    if (written) {
        data_source_string_t content_type;
        data_source_string_set(&content_type, type);
        torvyn_streaming_types_method_mutable_buffer_set_content_type(writable, &content_type);
        *out = torvyn_streaming_types_method_mutable_buffer_freeze(writable);
    } else {
        torvyn_streaming_types_buffer_error_free(&error);
    }
    torvyn_streaming_types_mutable_buffer_drop_own(buffer); /* dead since freeze */
    return written;
}

bool exports_torvyn_streaming_source_pull(
    exports_torvyn_streaming_source_option_output_element_t *ret,
    exports_torvyn_streaming_source_process_error_t *err)
{
    ret->is_some = next < COUNT;
    if (!ret->is_some) {
        return true; /* exhausted */
    }
    const char *text = tokens[next];
    if (!buffer_of(text, strlen(text), CONTENT_TYPE, &ret->val.payload)) {
        err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
        data_source_string_dup(&err->val.internal, "no buffer");
        return false;
    }
    ret->val.meta.sequence = next++; /* advisory: the runtime assigns sequence and timestamp */
    ret->val.meta.timestamp_ns = 0;
    data_source_string_dup(&ret->val.meta.content_type, CONTENT_TYPE);
    return true;
}

void exports_torvyn_streaming_source_notify_backpressure(
    exports_torvyn_streaming_source_backpressure_signal_t signal)
{
    (void)signal;
}
