/*
 * Prints each sentence.
 */
#include "data_sink.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t received;

bool exports_torvyn_streaming_sink_push(exports_torvyn_streaming_sink_stream_element_t *element,
                                        exports_torvyn_streaming_sink_backpressure_signal_t *ret,
                                        exports_torvyn_streaming_sink_process_error_t *err)
{
    (void)err;
    data_sink_list_u8_t payload;
    torvyn_streaming_types_method_buffer_read_all(element->payload, &payload);
    printf("[output-sink] sentence %llu: %.*s\n", (unsigned long long)received, (int)payload.len,
           (const char *)payload.ptr);
    fflush(stdout);
    data_sink_list_u8_free(&payload);
    data_sink_string_free(&element->meta.content_type);
    received++;
    *ret = TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_READY;
    return true;
}

bool exports_torvyn_streaming_sink_complete(exports_torvyn_streaming_sink_process_error_t *err)
{
    (void)err;
    printf("[output-sink] Stream complete.\n");
    fflush(stdout);
    return true;
}
