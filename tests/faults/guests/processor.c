/* SPDX-License-Identifier: Apache-2.0 */
/* Emits a copy of each payload. */
#include "hostile.h"

static struct output_result result;

EXPORT_FUNC("processor", "process")
struct output_result *process(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                              uint32_t content_type_length, handle payload, handle context)
{
    (void)content_type;
    (void)content_type_length;
    enum kind kind = sequence == FAULTY_SEQUENCE ? misbehave("process") : KIND_NONE;
    struct bytes text;
    buffer_read_all(payload, &text);
    drop_borrows(kind, payload, context);
    result = (struct output_result){0};
    handle copy;
    if (failure_of(kind, &result.error)) {
        result.is_error = 1;
    } else if (kind == KIND_BAD_VALUE) {
        result.ok.tag = 7;
    } else if (buffer_of(&text, &copy)) {
        result.ok.element = element_of(sequence, timestamp_ns, copy);
    } else {
        failure_of(KIND_FATAL, &result.error);
        result.is_error = 1;
    }
    return &result;
}

EXPORT_POST("processor", "process") void process_return(struct output_result *returned)
{
    (void)returned;
    scratch_clear();
}
