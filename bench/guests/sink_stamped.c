/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that reads every payload and compares its last 8 bytes with the element's timestamp. */
#include "streaming_abi.h"

static struct verdict_result result;

static bool ends_in(const struct bytes *text, uint64_t number)
{
    if (text->length < sizeof(number)) {
        return false;
    }
    uint64_t found = 0;
    const uint8_t *end = text->at + text->length - sizeof(number);
    for (uint32_t i = 0; i < sizeof(number); i++) {
        found |= (uint64_t)end[i] << (8 * i);
    }
    return found == number;
}

EXPORT_FUNC("sink", "push")
struct verdict_result *push(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                            uint32_t content_type_length, handle payload, handle context)
{
    (void)sequence;
    (void)content_type;
    (void)content_type_length;
    struct bytes text;
    buffer_read_all(payload, &text);
    buffer_drop(payload);
    flow_context_drop(context);
    if (ends_in(&text, timestamp_ns)) {
        result.is_error = 0;
        result.signal = 0;
    } else {
        static uint8_t problem[] = "the payload does not end in the element's timestamp";
        result.is_error = 1;
        result.error = (struct failure){FATAL, {problem, sizeof(problem) - 1}};
    }
    return &result;
}

EXPORT_POST("sink", "push") void push_return(struct verdict_result *returned)
{
    (void)returned;
    scratch_clear();
}

EXPORT_FUNC("sink", "complete") struct verdict_result *complete(void)
{
    result.is_error = 0;
    return &result;
}
