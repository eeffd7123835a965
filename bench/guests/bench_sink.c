/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that reads every payload. It refuses one that does not begin in upper case: then the
 * pipeline is broken. */
#include "streaming_abi.h"

static struct verdict_result result;

EXPORT_FUNC("sink", "push")
struct verdict_result *push(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                            uint32_t content_type_length, handle payload, handle context)
{
    (void)sequence;
    (void)timestamp_ns;
    (void)content_type;
    (void)content_type_length;
    struct bytes text;
    buffer_read_all(payload, &text);
    buffer_drop(payload);
    flow_context_drop(context);
    if (text.length > 0 && *text.at >= 'A' && *text.at <= 'Z') {
        result.is_error = 0;
        result.signal = 0;
    } else {
        static uint8_t problem[] = "the payload is not in upper case";
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
