/* SPDX-License-Identifier: Apache-2.0 */
/* The debug switches of the pools: poison, integrity, failures at random. */
#include "base/log.h"
#include "resources/resources_internal.h"

TVN_LOG_CATEGORY("resources");

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

bool tvn_debug_fails(struct tvn_resources *resources)
{
    uint32_t one_in = resources->options.debug.fail_one_in;
    return one_in > 0 && next_random(&resources->random) % one_in == 0;
}

void tvn_debug_poison(const struct tvn_resources *resources, struct tvn_buffer *buffer)
{
    const struct tvn_resources_debug *debug = &resources->options.debug;
    if (debug->poison || debug->integrity) {
        memset(buffer->bytes, TVN_BUFFER_POISON, buffer->capacity);
    }
}

void tvn_debug_check(const struct tvn_resources *resources, const struct tvn_buffer *buffer)
{
    if (!resources->options.debug.integrity) {
        return;
    }
    for (uint32_t i = 0; i < buffer->capacity; i++) {
        if (buffer->bytes[i] != TVN_BUFFER_POISON) {
            struct tvn_buffer_id id = tvn_buffer_id_of(buffer);
            tvn_log_error("buffer %u (generation %u, %u bytes) was written to at %u while it was "
                          "free",
                          tvn_buffer_index(id), tvn_buffer_generation(id), buffer->capacity, i);
            tvn_unreachable();
        }
    }
}
