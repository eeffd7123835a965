/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow-context (trace ids, deadline, flow id) and torvyn:capabilities/capability-query.
 */
#include "base/clock.h"
#include "engine/stage_internal.h"

static bool context_valid(const struct tvn_call_site *site, uint32_t handle)
{
    const struct tvn_component_stage *stage = site->host;
    if (TVN_LIKELY(tvn_handle_find(&site->guest->handles, handle, stage->types.flow_context) !=
                   NULL)) {
        return true;
    }
    (void)tvn_instance_fail(site->instance, TVN_E_NOT_OWNER, "%s: handle %u is not a flow-context",
                            site->name, handle);
    return false;
}

/* Lower-case hex of an id; all zero means there is none and gives "". */
static uint32_t hex_of(const uint8_t *id, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++) {
        any |= id[i];
        out[2 * i] = digits[id[i] >> 4];
        out[2 * i + 1] = digits[id[i] & 15];
    }
    return any ? (uint32_t)(2 * length) : 0;
}

void *tvn_host_trace_id(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    if (TVN_UNLIKELY(!context_valid(site, slots[0].u32))) {
        return tvn_site_trapped(site);
    }
    const struct tvn_component_stage *stage = site->host;
    char hex[32];
    uint32_t length = 0;
    if (stage->current) {
        uint8_t id[16];
        tvn_trace_id_of(stage->trace_ids, stage->current, id);
        length = hex_of(id, sizeof(id), hex);
    }
    return tvn_host_return_bytes(site, slots[1].u32, hex, length);
}

void *tvn_host_span_id(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    if (TVN_UNLIKELY(!context_valid(site, slots[0].u32))) {
        return tvn_site_trapped(site);
    }
    const struct tvn_component_stage *stage = site->host;
    char hex[16];
    uint32_t length = 0;
    if (stage->current) {
        uint8_t id[8];
        tvn_span_id_of(stage->trace_ids, stage->current->sequence, id);
        length = hex_of(id, sizeof(id), hex);
    }
    return tvn_host_return_bytes(site, slots[1].u32, hex, length);
}

void *tvn_host_deadline_ns(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    if (TVN_UNLIKELY(!context_valid(site, slots[0].u32))) {
        return tvn_site_trapped(site);
    }
    const struct tvn_component_stage *stage = site->host;
    uint64_t deadline_ns = stage->flow_deadline_ns ? *stage->flow_deadline_ns : 0;
    uint64_t remaining_ns = 0;
    if (deadline_ns != 0) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        remaining_ns =
            deadline_ns > now_ns ? deadline_ns - now_ns : 1; /* 0 would mean "no deadline" */
    }
    slots[0].u64 = remaining_ns;
    return NULL;
}

void *tvn_host_flow_id(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    if (TVN_UNLIKELY(!context_valid(site, slots[0].u32))) {
        return tvn_site_trapped(site);
    }
    const struct tvn_component_stage *stage = site->host;
    return tvn_host_return_bytes(site, slots[1].u32, stage->flow_id,
                                 (uint32_t)strlen(stage->flow_id));
}

/* ---- capability-query ---- */

static const struct {
    const char *name;
    enum tvn_capability capability;
} capability_names[] = {
    {"wasi-filesystem-read", TVN_CAP_FILESYSTEM_READ},
    {"wasi-filesystem-write", TVN_CAP_FILESYSTEM_WRITE},
    {"wasi-clocks", TVN_CAP_CLOCKS},
    {"wasi-random", TVN_CAP_RANDOM},
    {"wasi-network-egress", TVN_CAP_NETWORK_EGRESS},
    {"wasi-network-ingress", TVN_CAP_NETWORK_INGRESS},
    {"wasi-environment", TVN_CAP_ENVIRONMENT},
    {"wasi-stdin", TVN_CAP_STDIN},
    {"wasi-stdout", TVN_CAP_STDOUT},
    {"wasi-stderr", TVN_CAP_STDERR},
};

static void *has_capability(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    const struct tvn_component_stage *stage = site->host;
    const uint8_t *name = tvn_host_argument(site, slots[0].u32, slots[1].u32);
    if (TVN_UNLIKELY(!name)) {
        return tvn_site_trapped(site);
    }
    struct tvn_str asked = {(const char *)name, slots[1].u32};
    bool granted = false;
    for (size_t i = 0; i < TVN_ARRAY_LEN(capability_names); i++) {
        if (tvn_str_is(asked, capability_names[i].name)) {
            granted = tvn_sandbox_has(stage->sandbox, capability_names[i].capability);
        }
    }
    slots[0].u64 = granted;
    return NULL;
}

static const struct tvn_host_func capability_funcs[] = {
    {.name = "has-capability", .raw = has_capability}};
const struct tvn_host_group tvn_host_capability_query = {
    .interface_id = "torvyn:capabilities/capability-query@0.1.0",
    .funcs = capability_funcs,
    .func_count = TVN_ARRAY_LEN(capability_funcs),
};
