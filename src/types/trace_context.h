/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * W3C Trace Context: the headers `traceparent` and `tracestate`, and the ids of elements.
 *
 * An element's ids cost nothing until somebody asks for them: they follow from a random seed of the
 * flow and the element's sequence, so that every stage, now or later, arrives at the same ones.
 * Only an incoming context is carried by the element itself.
 *
 * Threads: plain data. Limits: TVN_TRACESTATE_MAX bytes, TVN_TRACESTATE_MEMBERS_MAX members,
 * TVN_TRACEPARENT_MAX bytes of a traceparent of a version to come.
 */
#include "base/str.h"
#include "types/element.h"

#define TVN_TRACEPARENT_LENGTH     55 /* of version 00, the one that is written */
#define TVN_TRACEPARENT_MAX        512
#define TVN_TRACESTATE_MAX         512
#define TVN_TRACESTATE_MEMBERS_MAX 32

#define TVN_TRACE_FLAG_SAMPLED 1u

/* A context that came from outside. */
struct tvn_trace_context {
    uint8_t trace_id[16];
    uint8_t parent_id[8];
    uint8_t flags; /* TVN_TRACE_FLAG_SAMPLED only */
    uint16_t tracestate_length;
    char tracestate[TVN_TRACESTATE_MAX]; /* without white space and empty members */
};

/*
 * WARM PATH. Strict: lower-case hex, no all-zero ids, exactly 55 bytes in version 00, not version
 * ff; of later versions what version 00 has, if a '-' or nothing follows. False: not valid,
 * *out_context is undefined. The tracestate is empty afterwards.
 */
bool tvn_traceparent_parse(struct tvn_str header, struct tvn_trace_context *out_context);
/*
 * WARM PATH. Sets the tracestate of a context. False: not valid (a key's or value's form, a key
 * twice, too long, too many members): then it is empty, and the rest of the context stands.
 */
bool tvn_tracestate_parse(struct tvn_str header, struct tvn_trace_context *context);
/* WARM PATH. Version 00. */
void tvn_traceparent_write(const uint8_t trace_id[16], const uint8_t span_id[8], uint8_t flags,
                           char out_header[TVN_TRACEPARENT_LENGTH]);

/* The ids of a flow's elements. */
struct tvn_trace_ids {
    bool enabled;     /* false: elements have none, incoming contexts are ignored */
    uint64_t seed[3]; /* random */
};

// WARM PATH. The incoming one if there is one. Never all zero while enabled, else all zero.
void tvn_trace_id_of(const struct tvn_trace_ids *ids, const struct tvn_element *element,
                     uint8_t out_trace_id[16]);
/* WARM PATH. The element's own span. */
void tvn_span_id_of(const struct tvn_trace_ids *ids, uint64_t sequence, uint8_t out_span_id[8]);
/* HOT PATH. Has the element an incoming context? */
static inline bool tvn_element_has_context(const struct tvn_element *element)
{
    uint64_t id[2];
    memcpy(id, element->trace_id, sizeof(id));
    return (id[0] | id[1]) != 0;
}
