/*
 * Hello World source component.
 *
 * Produces a configurable number of "Hello, World!" messages, then says that the stream is
 * exhausted.
 */
#include "managed_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A component instance has one copy of this state and the host never calls it twice at a time. */
static uint64_t total_messages;
static uint64_t produced;

/* {"count": N}; 5 without it. A component with more to configure would use a JSON parser. */
static uint64_t count_of(const char *config, size_t length)
{
    char text[128];
    unsigned long long count;
    if (length >= sizeof(text)) {
        return 5;
    }
    memcpy(text, config, length);
    text[length] = '\0';
    return sscanf(text, " { \"count\" : %llu }", &count) == 1 ? count : 5;
}

bool exports_torvyn_streaming_lifecycle_init(
    managed_source_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    total_messages = count_of((const char *)config->ptr, config->len);
    produced = 0;
    managed_source_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
}

static bool fail(exports_torvyn_streaming_source_process_error_t *err, const char *what)
{
    err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
    managed_source_string_dup(&err->val.internal, what);
    return false;
}

bool exports_torvyn_streaming_source_pull(
    exports_torvyn_streaming_source_option_output_element_t *ret,
    exports_torvyn_streaming_source_process_error_t *err)
{
    if (produced >= total_messages) {
        ret->is_some =
            false; /* exhausted: the runtime drains the flow and calls complete() on the sink */
        return true;
    }
    char message[64];
    int length = snprintf(message, sizeof(message), "Hello, World! (message %llu)",
                          (unsigned long long)produced + 1);

    /* The host owns the buffer: ask for one, write the payload (one counted copy), freeze it. */
    torvyn_streaming_buffer_allocator_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    if (!torvyn_streaming_buffer_allocator_allocate((uint64_t)length, &buffer, &error)) {
        torvyn_streaming_types_buffer_error_free(&error);
        return fail(err, "buffer allocation failed");
    }
    torvyn_streaming_types_borrow_mutable_buffer_t writable =
        torvyn_streaming_types_borrow_mutable_buffer(buffer);
    managed_source_list_u8_t bytes = {(uint8_t *)message, (size_t)length};
    if (!torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error)) {
        torvyn_streaming_types_buffer_error_free(&error);
        torvyn_streaming_types_mutable_buffer_drop_own(buffer);
        return fail(err, "buffer write failed");
    }
    managed_source_string_t content_type;
    managed_source_string_set(&content_type, "text/plain");
    torvyn_streaming_types_method_mutable_buffer_set_content_type(writable, &content_type);

    ret->is_some = true;
    ret->val.payload = torvyn_streaming_types_method_mutable_buffer_freeze(writable);
    torvyn_streaming_types_mutable_buffer_drop_own(
        buffer);                       /* dead since freeze; dropping it is allowed */
    ret->val.meta.sequence = produced; /* advisory: the runtime assigns sequence and timestamp */
    ret->val.meta.timestamp_ns = 0;
    managed_source_string_dup(&ret->val.meta.content_type, "text/plain");
    produced++;
    return true;
}

void exports_torvyn_streaming_source_notify_backpressure(
    exports_torvyn_streaming_source_backpressure_signal_t signal)
{
    (void)signal; /* a source with something of its own to pause would do so here */
}
