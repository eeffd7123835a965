/* SPDX-License-Identifier: Apache-2.0 */
/* A processor that emits each payload with 8 bytes more: the element's timestamp. */
#include "streaming_abi.h"

static struct output_result result;

/* A frozen copy of `original` with the number behind it: the host copies, the guest adds. */
static bool copy_with_number(handle original, uint64_t number, handle *out)
{
    struct buffer_result cloned;
    clone_into_mutable(original, &cloned);
    if (cloned.is_error) {
        return false;
    }
    uint8_t end[sizeof(number)];
    for (uint32_t i = 0; i < sizeof(end); i++) {
        end[i] = (uint8_t)(number >> (8 * i));
    }
    return finish_buffer(cloned.buffer, &(struct bytes){end, sizeof(end)}, out);
}

EXPORT_FUNC("processor", "process")
struct output_result *process(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                              uint32_t content_type_length, handle payload, handle context)
{
    handle copy;
    if (copy_with_number(payload, timestamp_ns, &copy)) {
        result.is_error = 0;
        result.ok.tag = 0;
        result.ok.element = (struct output_element){
            .meta = {sequence, timestamp_ns, {content_type, content_type_length}},
            .payload = copy,
        };
    } else {
        result.is_error = 1;
        result.error = (struct failure){.reason = UNAVAILABLE};
    }
    buffer_drop(payload);
    flow_context_drop(context);
    return &result;
}

EXPORT_POST("processor", "process") void process_return(struct output_result *returned)
{
    (void)returned;
    scratch_clear();
}
