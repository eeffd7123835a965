/* SPDX-License-Identifier: Apache-2.0 */
/* A processor that reads the whole payload, turns it into upper case and emits it as a new element.
 */
#include "streaming_abi.h"

static struct output_result result;

static void upper(struct bytes text)
{
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.at[i] >= 'a' && text.at[i] <= 'z') {
            text.at[i] -= 'a' - 'A';
        }
    }
}

EXPORT_FUNC("processor", "process")
struct output_result *process(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                              uint32_t content_type_length, handle payload, handle context)
{
    struct bytes text;
    buffer_read_all(payload, &text);
    upper(text);
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
