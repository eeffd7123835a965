/* SPDX-License-Identifier: Apache-2.0 */
/* torvyn:runtime/tracing. */
#include "engine/stage_internal.h"

static void *set_traceparent(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    struct tvn_component_stage *stage = site->host;
    const uint8_t *parent = tvn_host_argument(site, slots[0].u32, slots[1].u32);
    const uint8_t *state = parent ? tvn_host_argument(site, slots[2].u32, slots[3].u32) : NULL;
    if (TVN_UNLIKELY(!state)) {
        return tvn_site_trapped(site);
    }
    if (!stage->trace_ids->enabled) {
        return NULL;
    }
    struct tvn_str parent_text = {(const char *)parent, slots[1].u32};
    struct tvn_str state_text = {(const char *)state, slots[3].u32};
    stage->has_incoming = tvn_traceparent_parse(parent_text, &stage->incoming);
    if (!stage->has_incoming || !tvn_tracestate_parse(state_text, &stage->incoming)) {
        tvn_stat_add(&stage->stats->trace_contexts_invalid, 1);
    }
    return NULL;
}

static void *traceparent(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    const struct tvn_component_stage *stage = site->host;
    const struct tvn_element *element = stage->current;
    char header[TVN_TRACEPARENT_LENGTH];
    uint32_t length = 0;
    if (element && stage->trace_ids->enabled) {
        uint8_t trace_id[16];
        uint8_t span_id[8];
        tvn_trace_id_of(stage->trace_ids, element, trace_id);
        tvn_span_id_of(stage->trace_ids, element->sequence, span_id);
        bool is_sampled = (element->flags & TVN_ELEMENT_SAMPLED) != 0;
        tvn_traceparent_write(trace_id, span_id, is_sampled ? TVN_TRACE_FLAG_SAMPLED : 0, header);
        length = sizeof(header);
    }
    return tvn_host_return_bytes(site, slots[0].u32, header, length);
}

static const struct tvn_host_func funcs[] = {
    {.name = "set-traceparent", .raw = set_traceparent},
    {.name = "traceparent", .raw = traceparent},
};
const struct tvn_host_group tvn_host_tracing = {
    .interface_id = "torvyn:runtime/tracing@0.1.0",
    .funcs = funcs,
    .func_count = TVN_ARRAY_LEN(funcs),
};
