/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state of one component stage: the invoker, and at the same time the context that Torvyn's
 * host functions get.
 */
#include "base/assert.h"
#include "component/instance.h"
#include "engine/component_stage.h"
#include "types/trace_context.h"

#define TVN_ENTRY_COUNT (TVN_ENTRY_TEARDOWN + 1)

struct tvn_wasi;

/* What an aggregator returned from flush and nobody has taken yet. */
struct tvn_stage_flush {
    bool called; /* the guest's flush has returned */
    struct tvn_element *elements;
    uint32_t count;
    uint32_t next;
};

/* Single calls of an entry after which its loop is made. With assertions on at once: every test
 * that makes two calls runs it. */
#ifdef NDEBUG
#define TVN_ROW_AFTER_CALLS 256u
#else
#define TVN_ROW_AFTER_CALLS 1u
#endif
#define TVN_ROW_TRIES_MAX 16 /* to make one for an instance */

/* Calls in a row: stage_row.c. */
struct tvn_stage_row {
    struct tvn_call_loop *loop; /* of `entry`; NULL: none yet */
    enum tvn_entry entry;
    const struct tvn_export *export; /* of `entry` */
    uint32_t single_calls;           /* since the last try to make a loop */
    uint32_t tries;
    bool has_returned;        /* a call, of which `next` was not told yet */
    bool more;                /* `next` wants another call */
    enum tvn_outcome outcome; /* of the last call */
    struct tvn_call *call;
    tvn_next_call next;
    void *context;
    struct tvn_buffer *payload; /* borrowed for the running call */
};

struct tvn_component_stage {
    struct tvn_invoker invoker;
    struct tvn_instance *instance; /* NULL after a failed restart */
    const struct tvn_export *entries[TVN_ENTRY_COUNT];
    struct tvn_stage_resources types; /* copied: one load less per handle lookup */
    struct tvn_buffer *slots; /* the table's, of all magazines; copied: fewer loads per look-up */
    struct tvn_magazine *const *magazine;
    struct tvn_intern *intern;
    struct tvn_stage_stats *stats;
    const struct tvn_str *ports; /* router: names by number */
    uint32_t port_count;
    struct tvn_stage_flush flush;
    struct tvn_stage_row row;
    enum tvn_status refused; /* why the running call's last buffer request failed; TVN_OK: none */
    const struct tvn_element *current; /* during a call: what flow-context speaks of */
    tvn_owner owner;
    struct tvn_budget budget; /* linear memory and owned buffers share max_memory */
    uint64_t memory_seen_bytes;
    uint64_t max_buffer_bytes; /* the sandbox's, copied: one load less per buffer and write */
    uint64_t fuel_seen;        /* of this instance, in the statistics already */
    const struct tvn_sandbox *sandbox;
    const uint64_t *flow_deadline_ns;
    const struct tvn_trace_ids *trace_ids;
    struct tvn_wasi *wasi;
    struct tvn_guard *guard;
    tvn_stage_write write;
    void *write_context;
    struct tvn_runtime *runtime; /* these five: for another instance of it */
    const struct tvn_component *component;
    const _Atomic int *cancel;
    int cancel_fd;
    const struct tvn_blocking *blocking;
    int stdin_fd;
    char *config;
    size_t config_length;
    char *name;
    char *flow_id;
    bool has_incoming; /* `incoming` is for the next element that pull returns */
    struct tvn_trace_context incoming;
};

/* HOT PATH. tvn_magazine_find. */
TVN_NODISCARD static inline enum tvn_status
tvn_stage_find_buffer(const struct tvn_component_stage *stage, struct tvn_buffer_id id,
                      struct tvn_buffer **out_buffer)
{
    return tvn_buffer_slot_find(stage->slots, id, out_buffer);
}

/* Linear memory and owned buffers share one limit: what the guest's memory grew by is no longer
 * there for buffers. In host_buffers.c. */
void tvn_stage_refresh_budget(struct tvn_component_stage *stage, const struct tvn_guest_mem *mem);

/* Interfaces of torvyn:* with their functions, one file each. */
struct tvn_host_group {
    const char *interface_id;
    const struct tvn_host_func *funcs;
    size_t func_count;
    const struct tvn_host_resource *resources;
    size_t resource_count;
};
extern const struct tvn_host_group tvn_host_types; /* torvyn:streaming/types */
extern const struct tvn_host_group
    tvn_host_buffer_allocator;                          /* torvyn:streaming/buffer-allocator */
extern const struct tvn_host_group tvn_host_buffer_ops; /* torvyn:resources/buffer-ops */
extern const struct tvn_host_group
    tvn_host_capability_query;                       /* torvyn:capabilities/capability-query */
extern const struct tvn_host_group tvn_host_tracing; /* torvyn:runtime/tracing */

/* flow-context, in host_flow_context.c */
void *tvn_host_trace_id(void *env, void *caller, union tvn_flat *slots, size_t slot_count);
void *tvn_host_span_id(void *env, void *caller, union tvn_flat *slots, size_t slot_count);
void *tvn_host_deadline_ns(void *env, void *caller, union tvn_flat *slots, size_t slot_count);
void *tvn_host_flow_id(void *env, void *caller, union tvn_flat *slots, size_t slot_count);

/* Stores {ptr, len} of a copy of `bytes` in guest memory at the return pointer. NULL, or the trap.
 * In host_return.c. */
void *tvn_host_return_bytes(const struct tvn_call_site *site, uint32_t return_pointer,
                            const void *bytes, uint32_t length);
/* The slow halves of the two functions below: record the fault, answer NULL. */
uint8_t *tvn_host_bad_return_pointer(const struct tvn_call_site *site, uint32_t pointer);
const uint8_t *tvn_host_bad_argument(const struct tvn_call_site *site, uint32_t pointer,
                                     uint32_t length);

// HOT PATH. Guest memory for a result of `size` bytes at a return pointer; NULL after recording the
// fault.
static inline uint8_t *tvn_host_return_area(const struct tvn_call_site *site, uint32_t pointer,
                                            uint32_t size, uint32_t alignment)
{
    tvn_debug_assert(site->mem);
    uint8_t *at =
        (pointer & (alignment - 1)) == 0 ? tvn_guest_mem_at(site->mem, pointer, size) : NULL;
    return TVN_LIKELY(at != NULL) ? at : tvn_host_bad_return_pointer(site, pointer);
}

/* HOT PATH. The same in the part of the memory that was seen before; false does not mean that the
 * pointer is bad. For callers with a slow half. */
TVN_NODISCARD static inline bool tvn_host_return_area_seen(const struct tvn_call_site *site,
                                                           uint32_t pointer, uint32_t size,
                                                           uint32_t alignment, uint8_t **out_area)
{
    tvn_debug_assert(site->mem);
    return (pointer & (alignment - 1)) == 0 &&
           tvn_guest_mem_seen(site->mem, pointer, size, out_area);
}

// HOT PATH. Bytes of a list or string argument; NULL after recording the fault.
static inline const uint8_t *tvn_host_argument(const struct tvn_call_site *site, uint32_t pointer,
                                               uint32_t length)
{
    tvn_debug_assert(site->mem);
    const uint8_t *at = tvn_guest_mem_at(site->mem, pointer, length);
    return TVN_LIKELY(at != NULL) ? at : tvn_host_bad_argument(site, pointer, length);
}
