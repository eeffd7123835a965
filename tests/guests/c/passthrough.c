/* SPDX-License-Identifier: Apache-2.0 */
/* A processor that emits each element unchanged: one copy, made by the host. */
#include "transform.h"

bool exports_torvyn_streaming_processor_process(
    exports_torvyn_streaming_processor_stream_element_t *input,
    exports_torvyn_streaming_processor_process_result_t *ret,
    exports_torvyn_streaming_processor_process_error_t *err)
{
    torvyn_streaming_buffer_allocator_own_mutable_buffer_t copy;
    torvyn_streaming_types_buffer_error_t error;
    if (!torvyn_streaming_buffer_allocator_clone_into_mutable(input->payload, &copy, &error)) {
        err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
        if (error.tag == TORVYN_STREAMING_TYPES_BUFFER_ERROR_ALLOCATION_FAILED) {
            err->val.internal = error.val.allocation_failed; /* begins with the code */
        } else {
            transform_string_dup(&err->val.internal, "capacity exceeded");
        }
        transform_string_free(&input->meta.content_type);
        return false;
    }
    ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_EMIT;
    ret->val.emit.payload = torvyn_streaming_types_method_mutable_buffer_freeze(
        torvyn_streaming_types_borrow_mutable_buffer(copy));
    torvyn_streaming_types_mutable_buffer_drop_own(copy);
    ret->val.emit.meta.sequence = input->meta.sequence;
    ret->val.emit.meta.timestamp_ns = 0;
    ret->val.emit.meta.content_type = input->meta.content_type;
    return true;
}
