/*
 * Hello World sink component.
 *
 * Receives stream elements and prints their payload to its standard output, which the host passes
 * on.
 */
#include "managed_sink.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t received;

bool exports_torvyn_streaming_lifecycle_init(
    managed_sink_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    received = 0;
    managed_sink_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
    printf("[hello-sink] Received %llu messages total.\n", (unsigned long long)received);
    fflush(stdout);
}

bool exports_torvyn_streaming_sink_push(exports_torvyn_streaming_sink_stream_element_t *element,
                                        exports_torvyn_streaming_sink_backpressure_signal_t *ret,
                                        exports_torvyn_streaming_sink_process_error_t *err)
{
    (void)err;
    /* The payload stays in host memory until we ask for it: one counted copy. */
    managed_sink_list_u8_t payload;
    torvyn_streaming_types_method_buffer_read_all(element->payload, &payload);
    printf("[hello-sink] seq=%llu: %.*s\n", (unsigned long long)element->meta.sequence,
           (int)payload.len, (const char *)payload.ptr);
    fflush(stdout);
    managed_sink_list_u8_free(&payload);
    managed_sink_string_free(&element->meta.content_type);
    received++;
    *ret = TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_READY;
    return true;
}

bool exports_torvyn_streaming_sink_complete(exports_torvyn_streaming_sink_process_error_t *err)
{
    (void)err;
    printf("[hello-sink] Stream complete.\n");
    fflush(stdout);
    return true;
}
