/*
 * Slow sink: a consumer that takes its time. The delay is a loop; in a real sink it would come from
 * a database, a network or a disk.
 */
#include "managed_sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_DEFAULT 100000
#define LOGGED_EVERY   100

static uint64_t received;
static uint64_t rounds;

/* The configuration is a number in decimal digits; without one ROUNDS_DEFAULT. */
bool exports_torvyn_streaming_lifecycle_init(
    managed_sink_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    char text[32] = "";
    char *end = text;
    if (config->len < sizeof(text)) {
        memcpy(text, config->ptr, config->len);
    }
    rounds = strtoull(text, &end, 10);
    rounds = end == text ? ROUNDS_DEFAULT : rounds;
    managed_sink_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
    printf("[slow-sink] Processed %llu elements total.\n", (unsigned long long)received);
    fflush(stdout);
}

static void take_time(void)
{
    volatile uint64_t sum = 0; /* so that the loop is not optimised away */
    for (uint64_t i = 0; i < rounds; i++) {
        sum += i;
    }
}

bool exports_torvyn_streaming_sink_push(exports_torvyn_streaming_sink_stream_element_t *element,
                                        exports_torvyn_streaming_sink_backpressure_signal_t *ret,
                                        exports_torvyn_streaming_sink_process_error_t *err)
{
    (void)err;
    take_time();
    managed_sink_list_u8_t payload;
    torvyn_streaming_types_method_buffer_read_all(element->payload, &payload);
    if (received % LOGGED_EVERY == 0) {
        printf("[slow-sink] seq=%llu: %.*s (every %dth logged)\n",
               (unsigned long long)element->meta.sequence, (int)payload.len,
               (const char *)payload.ptr, LOGGED_EVERY);
        fflush(stdout);
    }
    managed_sink_list_u8_free(&payload);
    managed_sink_string_free(&element->meta.content_type);
    received++;
    *ret = TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_READY;
    return true;
}

bool exports_torvyn_streaming_sink_complete(exports_torvyn_streaming_sink_process_error_t *err)
{
    (void)err;
    printf("[slow-sink] Stream complete.\n");
    fflush(stdout);
    return true;
}
