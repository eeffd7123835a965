/*
 * Fast source: makes numbered elements as quickly as it is asked, and heeds backpressure signals.
 */
#include "managed_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_TYPE  "text/plain"
#define TOTAL_DEFAULT 1000

static uint64_t total;
static uint64_t produced;
static bool paused;

/* The configuration is a number in decimal digits; without one TOTAL_DEFAULT. */
bool exports_torvyn_streaming_lifecycle_init(
    managed_source_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    char text[32] = "";
    char *end = text;
    if (config->len < sizeof(text)) {
        memcpy(text, config->ptr, config->len);
    }
    total = strtoull(text, &end, 10);
    total = end == text ? TOTAL_DEFAULT : total;
    managed_source_string_free(config);
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
    managed_source_list_u8_t bytes = {(uint8_t *)text, length};
    bool written = torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error);
    if (written) {
        managed_source_string_t content_type;
        managed_source_string_set(&content_type, type);
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
    /* Paused: nothing now. The runtime asks again after the signal ready. */
    ret->is_some = !paused && produced < total;
    if (!ret->is_some) {
        return true;
    }
    char text[40];
    int length = snprintf(text, sizeof(text), "element-%llu", (unsigned long long)produced);
    if (!buffer_of(text, (size_t)length, CONTENT_TYPE, &ret->val.payload)) {
        err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
        managed_source_string_dup(&err->val.internal, "no buffer");
        return false;
    }
    ret->val.meta.sequence = produced++; /* advisory: the runtime assigns sequence and timestamp */
    ret->val.meta.timestamp_ns = 0;
    managed_source_string_dup(&ret->val.meta.content_type, CONTENT_TYPE);
    return true;
}

void exports_torvyn_streaming_source_notify_backpressure(
    exports_torvyn_streaming_source_backpressure_signal_t signal)
{
    /* A source with something of its own to pause (a socket, a file) would do so here. */
    paused = signal == TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_PAUSE;
}
