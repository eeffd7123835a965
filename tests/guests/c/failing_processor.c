/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A processor that passes elements on until it has seen {"after": N} of them, and then fails at
 * each as {"how": "…"} says: fatal (without it), internal, unavailable, invalid-input,
 * deadline-exceeded, trap, loop, init (lifecycle.init fails from the start), keep (fatal, and it
 * has kept a buffer of each element until then). {"times": N} bounds how often one instance fails;
 * 0: for ever.
 */
#include "managed_transform.h"

#include <stdlib.h>
#include <string.h>

static struct {
    uint64_t after;
    uint64_t times;
    char how[20];
    uint64_t seen;
    uint64_t failed;
} state;

static uint64_t number_at(const char *config, const char *key, uint64_t otherwise)
{
    const char *at = strstr(config, key);
    at = at ? strchr(at, ':') : NULL;
    return at ? strtoull(at + 1, NULL, 10) : otherwise;
}

static void read_config(const char *config)
{
    state.after = number_at(config, "\"after\"", 0);
    state.times = number_at(config, "\"times\"", 0);
    strcpy(state.how, "fatal");
    const char *at = strstr(config, "\"how\"");
    at = at ? strchr(at + 5, '"') : NULL;
    size_t length = at ? strcspn(at + 1, "\"") : 0;
    if (length > 0 && length < sizeof(state.how)) {
        memcpy(state.how, at + 1, length);
        state.how[length] = '\0';
    }
}

static bool fail(exports_torvyn_streaming_processor_process_error_t *err)
{
    managed_transform_string_t text;
    managed_transform_string_dup(&text, "the processor has failed, as it was told to");
    static const char *const names[] = {"invalid-input", "unavailable", "internal",
                                        "deadline-exceeded"};
    err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_FATAL;
    for (uint8_t i = 0; i < 4; i++) {
        if (strcmp(state.how, names[i]) == 0) {
            err->tag = i; /* the cases have the order of the contract */
        }
    }
    err->val.fatal = text; /* each case that has one has a string */
    return false;
}

bool exports_torvyn_streaming_lifecycle_init(
    managed_transform_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    char *text = calloc(1, config->len + 1);
    memcpy(text, config->ptr, config->len);
    read_config(text);
    free(text);
    managed_transform_string_free(config);
    return strcmp(state.how, "init") == 0 ? fail(err) : true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
}

static bool misbehave(exports_torvyn_streaming_processor_process_error_t *err)
{
    state.failed++;
    if (strcmp(state.how, "trap") == 0) {
        __builtin_trap();
    }
    for (volatile bool forever = strcmp(state.how, "loop") == 0; forever;) {
    }
    return fail(err);
}

bool exports_torvyn_streaming_processor_process(
    exports_torvyn_streaming_processor_stream_element_t *input,
    exports_torvyn_streaming_processor_process_result_t *ret,
    exports_torvyn_streaming_processor_process_error_t *err)
{
    managed_transform_string_t content_type = input->meta.content_type;
    if (state.seen++ >= state.after && (state.times == 0 || state.failed < state.times)) {
        managed_transform_string_free(&content_type);
        return misbehave(err);
    }
    torvyn_streaming_buffer_allocator_own_mutable_buffer_t copy;
    torvyn_streaming_types_buffer_error_t error;
    if (strcmp(state.how, "keep") == 0) { /* nobody drops it but the host */
        torvyn_streaming_buffer_allocator_own_mutable_buffer_t kept;
        if (!torvyn_streaming_buffer_allocator_clone_into_mutable(input->payload, &kept, &error)) {
            __builtin_trap();
        }
    }
    if (!torvyn_streaming_buffer_allocator_clone_into_mutable(input->payload, &copy, &error)) {
        torvyn_streaming_types_buffer_error_free(&error);
        managed_transform_string_free(&content_type);
        err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_UNAVAILABLE;
        managed_transform_string_dup(&err->val.unavailable, "no buffer");
        return false;
    }
    ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_EMIT;
    ret->val.emit.payload = torvyn_streaming_types_method_mutable_buffer_freeze(
        torvyn_streaming_types_borrow_mutable_buffer(copy));
    torvyn_streaming_types_mutable_buffer_drop_own(copy);
    ret->val.emit.meta.sequence = input->meta.sequence;
    ret->val.emit.meta.timestamp_ns = 0;
    ret->val.emit.meta.content_type = content_type;
    return true;
}
