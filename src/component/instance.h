/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A live component: its own store, memory limit, deadline and trap domain.
 *
 * After any trap, timeout or error the instance is dead: every further call answers with the
 * recorded fault's code. Threads: one thread at a time; the cancel flag may be set from any thread.
 */
#include "base/assert.h"
#include "component/component.h"
#include "component/guest_mem.h"
#include "component/handle_table.h"
#include "component/host.h"
#include "component/value.h"
#include "types/invoker.h"

#include <stdatomic.h>

#define TVN_HOST_CONTEXTS_MAX 8

/* One component instance inside the tree: its handle table and the Canonical ABI's guards. */
struct tvn_guest {
    struct tvn_handle_table handles;
    struct tvn_instance *instance;
    const struct tvn_definition *definition;
    struct tvn_guest
        *parent; /* the component instance that this one is nested in; NULL for the root */
    struct tvn_outer_call *
        outer_call; /* private: calls that the running one interrupted (re-entrance from a child) */
    uint32_t scope; /* number of the running call; a borrow handle remembers it */
    uint32_t scope_borrows; /* borrows handed to the running call and not yet dropped */
    bool may_leave;         /* false while the host runs the guest's realloc or post-return */
    bool may_enter;         /* false while a call runs inside */
};

/* Records why an own handle cannot be taken. Returns the fault's code. */
TVN_COLD enum tvn_status tvn_guest_refuse_own(struct tvn_guest *guest,
                                              const struct tvn_resource_rt *type, uint32_t index);
/* HOT PATH. Takes an own handle out of a guest's table; else see tvn_export_take_own. */
TVN_NODISCARD static inline enum tvn_status tvn_guest_take_own(struct tvn_guest *guest,
                                                               const struct tvn_resource_rt *type,
                                                               uint32_t index, uint64_t *out_rep)
{
    struct tvn_handle *handle = tvn_handle_find(&guest->handles, index, type);
    if (TVN_UNLIKELY(!handle || !handle->own || handle->lends > 0)) {
        enum tvn_status status = tvn_guest_refuse_own(guest, type, index);
        tvn_assert(status != TVN_OK);
        return status;
    }
    *out_rep = handle->rep;
    tvn_handle_remove(&guest->handles, handle);
    return TVN_OK;
}

struct tvn_instance_options {
    const char *name; /* for faults and logs: the node */
    const struct tvn_imports *imports;
    void *contexts[TVN_HOST_CONTEXTS_MAX]; /* what host functions get, by the context number they
                                              were added under */
    uint64_t max_memory_bytes;             /* over all memories */
    const _Atomic int
        *cancel; /* non-zero: interrupt at the next epoch tick with E0402; may be NULL */
};

struct tvn_instance;

/*
 * COLD PATH. The component is compiled and outlives the instance. Runs the start functions under
 * `timeout_ms`. E0212 for imports nobody provides (with did-you-mean) or of another type, E0211,
 * E0311, E0411, E0401.
 */
TVN_NODISCARD enum tvn_status tvn_instance_create(struct tvn_engine *engine,
                                                  const struct tvn_component *component,
                                                  const struct tvn_instance_options *options,
                                                  uint64_t timeout_ms, struct tvn_diag_sink *sink,
                                                  struct tvn_instance **out_instance);
/* Drops every handle that guests still hold (host resources get their drop callback), then the
 * store. */
void tvn_instance_destroy(struct tvn_instance *instance);
TVN_DEFINE_CLEANUP(tvn_instance, tvn_instance_destroy)

bool tvn_instance_is_dead(const struct tvn_instance *instance);
/* What killed it; code TVN_OK while alive. */
const struct tvn_fault *tvn_instance_fault(const struct tvn_instance *instance);
uint64_t tvn_instance_memory_bytes(struct tvn_instance *instance);
uint64_t tvn_instance_fuel_consumed(struct tvn_instance *instance); /* 0 without fuel */
/*
 * COLD PATH. Limits of every following call: wall time by epochs (0: unbounded), fuel (0: not
 * metered; ignored when the engine has no fuel).
 */
void tvn_instance_set_limits(struct tvn_instance *instance, uint64_t timeout_ms, uint64_t fuel);
/*
 * COLD PATH. When the running call will be cut (CLOCK_MONOTONIC; 0: never), for host functions that
 * wait: no guest code runs meanwhile that would notice. At most a tick later than the call's start
 * plus its limit.
 */
uint64_t tvn_instance_deadline_ns(struct tvn_instance *instance);

/* Records the first fault and marks the instance dead. Formats like printf. Returns code. */
enum tvn_status tvn_instance_fail(struct tvn_instance *instance, enum tvn_status code,
                                  const char *format, ...) TVN_PRINTF(3, 4);

/* The slow half of tvn_instance_check_realloc; not to be called otherwise. */
TVN_COLD enum tvn_status tvn_instance_bad_realloc(struct tvn_instance *instance, bool is_aligned);
/* HOT PATH. What a guest's realloc returned: aligned and inside the memory, else E0411 and the
 * instance is dead. `alignment` is a power of two. */
TVN_NODISCARD static inline enum tvn_status
tvn_instance_check_realloc(struct tvn_instance *instance, struct tvn_guest_mem *mem,
                           uint32_t alignment, uint32_t offset, uint32_t length)
{
    bool is_aligned = (offset & (alignment - 1)) == 0;
    if (TVN_UNLIKELY(!is_aligned || !tvn_guest_mem_at(mem, offset, length))) {
        return tvn_instance_bad_realloc(instance, is_aligned);
    }
    return TVN_OK;
}

/* ---- exports ---- */

/* A lifted function, ready to be called. Lives as long as the instance; hot callers keep the
 * pointer. */
struct tvn_export {
    struct tvn_guest *guest;
    const struct tvn_func_type *type;
    struct tvn_guest_mem *mem; /* NULL without the option */
    struct tvn_core_func core;
    struct tvn_core_func post_return;
    struct tvn_core_func realloc;
    bool has_post_return;
    bool has_realloc;
    bool params_spill;  /* more than 16 flat parameters: slots[0] is a pointer */
    bool result_spill;  /* more than 1 flat result: slots[0] is a pointer to the result */
    uint8_t slot_count; /* max of parameters and results */
    enum tvn_string_encoding string_encoding;
    const char *name;
};

/* `interface` is an interface id ("torvyn:streaming/sink@0.1.0") or "" for a function of the world
 * itself. */
const struct tvn_export *tvn_instance_find_export(const struct tvn_instance *instance,
                                                  struct tvn_str interface, struct tvn_str name);

/* ---- compiled calls: the caller does the layout itself ---- */

// HOT PATH. Checks that the instance lives and may be entered, arms deadline and fuel.
TVN_NODISCARD enum tvn_status tvn_export_begin(const struct tvn_export *export);
// HOT PATH. The core call. On failure the instance is dead and the status is the fault's code.
TVN_NODISCARD enum tvn_status tvn_export_call(const struct tvn_export *export,
                                              union tvn_flat *slots);
/*
 * HOT PATH. post-return with slots[0] as the call left it, then the checks of a call's end: every
 * borrow dropped (else E0411). Ends what begin began also when the call failed.
 */
TVN_NODISCARD enum tvn_status tvn_export_end(const struct tvn_export *export,
                                             union tvn_flat *slots);
/* HOT PATH. Guest memory for a lowered argument; checked for alignment and bounds. Between begin
 * and call only. */
TVN_NODISCARD enum tvn_status tvn_export_realloc(const struct tvn_export *export,
                                                 uint32_t alignment, uint32_t length,
                                                 uint32_t *out_offset);
/*
 * WARM PATH. A borrow handle for an argument; it must be dropped before the call ends. 0: table
 * full (instance dead).
 */
TVN_NODISCARD uint32_t tvn_export_lend(const struct tvn_export *export,
                                       const struct tvn_resource_rt *type, uint64_t rep);
/* HOT PATH. The same with a free slot in the table: tvn_handle_table_has_free. */
TVN_NODISCARD static inline uint32_t tvn_export_lend_reserved(const struct tvn_export *export,
                                                              const struct tvn_resource_rt *type,
                                                              uint64_t rep)
{
    struct tvn_guest *guest = export->guest;
    tvn_debug_assert(type->guest != guest); /* its implementer is called with the rep itself */
    guest->scope_borrows++;
    return tvn_handle_add_reserved(&guest->handles, type, rep, false, guest->scope);
}
/*
 * HOT PATH. Takes an own handle that the guest returned out of its table. E0302 for an unknown
 * index or another type, E0411 for a borrow, E0304 while lent; the instance is dead then.
 */
TVN_NODISCARD static inline enum tvn_status tvn_export_take_own(const struct tvn_export *export,
                                                                const struct tvn_resource_rt *type,
                                                                uint32_t handle, uint64_t *out_rep)
{
    return tvn_guest_take_own(export->guest, type, handle, out_rep);
}

/* ---- dynamic calls ---- */

/*
 * COLD PATH. Own handles in `args` are taken, also when the call fails: host resources among them
 * are dropped then. Calls with values; *out_result (type NULL when there is none) lives in `arena`.
 * Any failure kills the instance and returns the fault's code.
 */
TVN_NODISCARD enum tvn_status tvn_export_invoke(const struct tvn_export *export,
                                                const struct tvn_value *args, uint32_t arg_count,
                                                struct tvn_arena *arena,
                                                struct tvn_value *out_result);

/*
 * COLD PATH. Drops an own handle that the host holds (a result of tvn_export_invoke): runs the
 * destructor of a guest-defined resource, or the host's own drop. Not while a call runs.
 */
TVN_NODISCARD enum tvn_status tvn_instance_drop_resource(struct tvn_instance *instance,
                                                         const struct tvn_resource_rt *type,
                                                         uint64_t rep);

/* ---- inline parts of host functions (host.h) that need struct tvn_guest ---- */

/* HOT PATH. First statement of every raw host function: calls out of realloc or post-return trap.
 */
#define TVN_SITE_ENTER(site)                           \
    do {                                               \
        if (TVN_UNLIKELY(!(site)->guest->may_leave)) { \
            return tvn_site_closed(site);              \
        }                                              \
    } while (0)
/* Records that a handle table is full. Returns 0. */
TVN_COLD uint32_t tvn_guest_handles_full(const struct tvn_guest *guest);
/* HOT PATH. A fresh own handle for a result. 0: table full, the fault is recorded. */
TVN_NODISCARD static inline uint32_t tvn_site_give_own(const struct tvn_call_site *site,
                                                       const struct tvn_resource_rt *type,
                                                       uint64_t rep)
{
    uint32_t index = tvn_handle_add(&site->guest->handles, type, rep, true, 0);
    return TVN_LIKELY(index != 0) ? index : tvn_guest_handles_full(site->guest);
}
