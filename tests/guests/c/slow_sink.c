/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sink that prints what it gets and takes {"rounds": N} rounds of a loop for each element. After
 * each {"pause_every": N} elements it asks for a pause.
 */
#include "managed_sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rounds;
static uint64_t pause_every;
static uint64_t received;

static uint64_t number_at(const char *config, const char *key)
{
    const char *at = strstr(config, key);
    at = at ? strchr(at, ':') : NULL;
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

bool exports_torvyn_streaming_lifecycle_init(
    managed_sink_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    char *text = calloc(1, config->len + 1);
    memcpy(text, config->ptr, config->len);
    rounds = number_at(text, "\"rounds\"");
    pause_every = number_at(text, "\"pause_every\"");
    free(text);
    managed_sink_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
    printf("received %llu\n", (unsigned long long)received);
    fflush(stdout);
}

bool exports_torvyn_streaming_sink_push(exports_torvyn_streaming_sink_stream_element_t *element,
                                        exports_torvyn_streaming_sink_backpressure_signal_t *ret,
                                        exports_torvyn_streaming_sink_process_error_t *err)
{
    (void)err;
    volatile uint64_t sum = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        sum += i;
    }
    managed_sink_list_u8_t payload;
    torvyn_streaming_types_method_buffer_read_all(element->payload, &payload);
    printf("%llu: %.*s\n", (unsigned long long)element->meta.sequence, (int)payload.len,
           (const char *)payload.ptr);
    fflush(stdout);
    managed_sink_list_u8_free(&payload);
    managed_sink_string_free(&element->meta.content_type);
    received++;
    *ret = pause_every > 0 && received % pause_every == 0
               ? TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_PAUSE
               : TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_READY;
    return true;
}

bool exports_torvyn_streaming_sink_complete(exports_torvyn_streaming_sink_process_error_t *err)
{
    (void)err;
    printf("complete\n");
    fflush(stdout);
    return true;
}
