/* SPDX-License-Identifier: Apache-2.0 */
/* A processor that emits each payload with 8 bytes more: the element's timestamp. */
#include "streaming_abi.h"

static struct output_result result;

/* The scratch memory is a stack, so that what is taken next stands behind what was read. */
static void append_number(struct bytes *text, uint64_t number)
{
    uint8_t *end = cabi_realloc(0, 0, 1, sizeof(number));
    if (end != text->at + text->length) {
        __builtin_trap();
    }
    for (uint32_t i = 0; i < sizeof(number); i++) {
        end[i] = (uint8_t)(number >> (8 * i));
    }
    text->length += sizeof(number);
}

EXPORT_FUNC("processor", "process")
struct output_result *process(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                              uint32_t content_type_length, handle payload, handle context)
{
    struct bytes text;
    buffer_read_all(payload, &text);
    append_number(&text, timestamp_ns);
    handle copy;
    if (buffer_of(&text, &copy)) {
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
