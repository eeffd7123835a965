/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One stream element as the host carries it: a record of 64 bytes, stored by value in the queues.
 * The payload stays in its buffer; the record names it by id.
 */
#include <assert.h>
#include <stdint.h>

/* A buffer in the resource table: index in the low, generation in the high half. 0 is no buffer. */
struct tvn_buffer_id {
    uint64_t raw;
};
static inline uint32_t tvn_buffer_index(struct tvn_buffer_id id)
{
    return (uint32_t)id.raw;
}
static inline uint32_t tvn_buffer_generation(struct tvn_buffer_id id)
{
    return (uint32_t)(id.raw >> 32);
}

enum tvn_element_flags {
    TVN_ELEMENT_SAMPLED = 1u << 0, /* its spans are exported */
    TVN_ELEMENT_WATCHED = 1u << 1, /* its calls go through the event sink */
};

struct tvn_element {
    uint64_t sequence;            /* from 0, one counter per flow, assigned at the source */
    uint64_t timestamp_ns;        /* wall clock at the source, ns since the Unix epoch */
    struct tvn_buffer_id payload; /* owned by whoever holds the record */
    uint32_t content_type;        /* index into the flow's intern table; 0 is "" */
    uint32_t flags;
    uint8_t trace_id[16]; /* of an incoming trace context; zero: types/trace_context.h makes one */
    uint8_t parent_id[8]; /* of an incoming trace context; zero without */
    uint64_t spare;       /* the event sink's; outputs get it from their input */
};
static_assert(sizeof(struct tvn_element) == 64, "elements are one cache line");
