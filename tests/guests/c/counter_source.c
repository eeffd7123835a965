/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source of {"count": N} elements, 1000 without it: the numbers from 0 in decimal digits, filled
 * with '.' to {"size": BYTES}. {"overflow": 1} writes one byte more than the buffer can hold,
 * {"hold": 1} keeps every buffer and gives copies away.
 */
#include "managed_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    uint64_t count;
    uint64_t size;
    bool overflow;
    bool hold;
    uint64_t made;
} state;

static uint64_t number_at(const char *config, const char *key, uint64_t otherwise)
{
    const char *at = strstr(config, key);
    at = at ? strchr(at, ':') : NULL;
    return at ? strtoull(at + 1, NULL, 10) : otherwise;
}

bool exports_torvyn_streaming_lifecycle_init(
    managed_source_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    char *text = calloc(1, config->len + 1);
    memcpy(text, config->ptr, config->len);
    state.count = number_at(text, "\"count\"", 1000);
    state.size = number_at(text, "\"size\"", 0);
    state.overflow = number_at(text, "\"overflow\"", 0) != 0;
    state.hold = number_at(text, "\"hold\"", 0) != 0;
    free(text);
    managed_source_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
}

/* What the host said, as a process-error. */
static bool fail(const torvyn_streaming_types_buffer_error_t *error,
                 exports_torvyn_streaming_source_process_error_t *err)
{
    static const char *const names[] = {"capacity-exceeded", "out-of-bounds", "allocation-failed"};
    char text[256];
    managed_source_string_t said = {0};
    if (error->tag == TORVYN_STREAMING_TYPES_BUFFER_ERROR_ALLOCATION_FAILED) {
        said = error->val.allocation_failed;
    }
    snprintf(text, sizeof(text), "%s%s%.*s", names[error->tag], said.len > 0 ? ": " : "",
             (int)said.len, said.len > 0 ? (const char *)said.ptr : "");
    err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
    managed_source_string_dup(&err->val.internal, text);
    return false;
}

static bool fill(torvyn_streaming_types_borrow_mutable_buffer_t buffer, uint64_t size,
                 torvyn_streaming_types_buffer_error_t *error)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)state.made);
    size_t total = size > (uint64_t)length ? (size_t)size : (size_t)length;
    if (state.overflow) {
        total = (size_t)torvyn_streaming_types_method_mutable_buffer_capacity(buffer) + 1;
    }
    uint8_t *bytes = malloc(total);
    if (!bytes) {
        abort();
    }
    memset(bytes, '.', total);
    memcpy(bytes, digits, (size_t)length);
    managed_source_list_u8_t list = {bytes, total};
    bool written = torvyn_streaming_types_method_mutable_buffer_append(buffer, &list, error);
    free(bytes);
    return written;
}

bool exports_torvyn_streaming_source_pull(
    exports_torvyn_streaming_source_option_output_element_t *ret,
    exports_torvyn_streaming_source_process_error_t *err)
{
    ret->is_some = state.made < state.count;
    if (!ret->is_some) {
        return true;
    }
    torvyn_streaming_buffer_allocator_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    uint64_t hint = state.size > 24 ? state.size : 24;
    if (state.hold) { /* nobody drops it but the host */
        torvyn_streaming_buffer_allocator_own_mutable_buffer_t kept;
        if (!torvyn_streaming_buffer_allocator_allocate(hint, &kept, &error)) {
            return fail(&error, err);
        }
    }
    if (!torvyn_streaming_buffer_allocator_allocate(hint, &buffer, &error)) {
        return fail(&error, err);
    }
    if (!fill(torvyn_streaming_types_borrow_mutable_buffer(buffer), state.size, &error)) {
        torvyn_streaming_types_mutable_buffer_drop_own(buffer);
        return fail(&error, err);
    }
    ret->val.payload = torvyn_streaming_types_method_mutable_buffer_freeze(
        torvyn_streaming_types_borrow_mutable_buffer(buffer));
    torvyn_streaming_types_mutable_buffer_drop_own(buffer);
    ret->val.meta.sequence = state.made++;
    ret->val.meta.timestamp_ns = 0;
    managed_source_string_dup(&ret->val.meta.content_type, "text/plain");
    return true;
}

void exports_torvyn_streaming_source_notify_backpressure(
    exports_torvyn_streaming_source_backpressure_signal_t signal)
{
    (void)signal;
}
