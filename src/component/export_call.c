/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from the host into exports: the compiled parts, and the dynamic call made of them. */
#include "base/assert.h"
#include "component/call_loop.h"
#include "component/canon_internal.h"

#include <assert.h>
#include <inttypes.h>

static TVN_COLD enum tvn_status refuse_entry(struct tvn_instance *instance)
{
    if (instance->dead) {
        return instance->fault.code;
    }
    return tvn_instance_fail(instance, TVN_E_COMPONENT_TRAPPED, "cannot enter component instance");
}

static TVN_COLD void start_fuel(struct tvn_instance *instance)
{
    instance->fuel_consumed += instance->fuel_set - tvn_core_get_fuel(instance);
    instance->fuel_set = instance->fuel;
    tvn_core_set_fuel(instance, instance->fuel);
}

enum tvn_status tvn_export_begin(const struct tvn_export *export)
{
    tvn_debug_assert(export);
    struct tvn_guest *guest = export->guest;
    struct tvn_instance *instance = guest->instance;
    if (TVN_UNLIKELY(instance->dead)) {
        return refuse_entry(instance);
    }
    for (const struct tvn_guest *g = guest; g; g = g->parent) {
        if (TVN_UNLIKELY(!g->may_enter)) {
            return refuse_entry(instance);
        }
    }
    for (struct tvn_guest *g = guest; g; g = g->parent) {
        g->may_enter = false;
    }
    instance->ticks_in_call = 0; /* the deadline: see component/wasmtime/store.c */
    if (TVN_UNLIKELY(instance->has_fuel)) {
        start_fuel(instance);
    }
    return TVN_OK;
}

enum tvn_status tvn_export_call(const struct tvn_export *export, union tvn_flat *slots)
{
    tvn_debug_assert(!export->guest->may_enter);
    return tvn_core_call(export->guest->instance, &export->core, slots, export->slot_count);
}

/* Skipped when there is nothing left to save. */
static inline enum tvn_status returned(struct tvn_guest *guest)
{
    struct tvn_instance *instance = guest->instance;
    if (TVN_UNLIKELY(instance->dead)) {
        return instance->fault.code;
    }
    if (TVN_UNLIKELY(guest->scope_borrows > 0)) {
        return tvn_instance_fail(instance, TVN_E_COMPONENT_TRAPPED,
                                 "borrow handles still remain at the end of the call");
    }
    return TVN_OK;
}

static inline void leave(struct tvn_guest *guest)
{
    guest->scope_borrows = 0;
    for (struct tvn_guest *g = guest; g; g = g->parent) {
        g->may_enter = true;
    }
}

static enum tvn_status finish(const struct tvn_export *export, union tvn_flat *slots)
{
    struct tvn_guest *guest = export->guest;
    struct tvn_instance *instance = guest->instance;
    TVN_TRY(returned(guest));
    if (!export->has_post_return) {
        return TVN_OK;
    }
    guest->may_leave = false;
    enum tvn_status status = tvn_core_call(instance, &export->post_return, slots, 1);
    guest->may_leave = true;
    return status;
}

enum tvn_status tvn_export_end(const struct tvn_export *export, union tvn_flat *slots)
{
    enum tvn_status status = finish(export, slots);
    leave(export->guest);
    return status;
}

/* ---- calls in a row: call_loop.h ---- */

enum tvn_status tvn_export_returned(const struct tvn_export *export)
{
    return returned(export->guest);
}

enum tvn_status tvn_export_again(const struct tvn_export *export)
{
    struct tvn_guest *guest = export->guest;
    struct tvn_instance *instance = guest->instance;
    tvn_debug_assert(!guest->may_enter && guest->scope_borrows == 0);
    if (TVN_UNLIKELY(instance->dead)) {
        return instance->fault.code;
    }
    instance->ticks_in_call = 0;
    return TVN_OK;
}

void tvn_export_leave(const struct tvn_export *export)
{
    export->guest->may_leave = true;
    leave(export->guest);
}

enum tvn_status tvn_export_realloc(const struct tvn_export *export, uint32_t alignment,
                                   uint32_t length, uint32_t *out_offset)
{
    struct tvn_guest *guest = export->guest;
    struct tvn_instance *instance = guest->instance;
    if (TVN_UNLIKELY(!export->has_realloc || !export->mem)) {
        return tvn_instance_fail(instance, TVN_E_COMPONENT_TRAPPED,
                                 "values in memory need the component's realloc");
    }
    union tvn_flat slots[4] = {{.u32 = 0}, {.u32 = 0}, {.u32 = alignment}, {.u32 = length}};
    guest->may_leave = false;
    enum tvn_status status = tvn_core_call(instance, &export->realloc, slots, 4);
    guest->may_leave = true;
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return status;
    }
    uint32_t offset = slots[0].u32;
    TVN_TRY(tvn_instance_check_realloc(instance, export->mem, alignment, offset, length));
    *out_offset = offset;
    return TVN_OK;
}

uint32_t tvn_export_lend(const struct tvn_export *export, const struct tvn_resource_rt *type,
                         uint64_t rep)
{
    struct tvn_handle_table *handles = &export->guest->handles;
    if (!tvn_handle_table_has_free(handles) && !tvn_handle_table_reserve(handles)) {
        return tvn_guest_handles_full(export->guest);
    }
    return tvn_export_lend_reserved(export, type, rep);
}

/* ---- dynamic ---- */

static_assert(offsetof(struct tvn_lifted, export) == 0, "an export is the start of a tvn_lifted");

static enum tvn_status invoke(const struct tvn_lifted *lifted, struct tvn_canon *cx,
                              const struct tvn_value *args, struct tvn_value *out_result)
{
    const struct tvn_export *export = &lifted->export;
    union tvn_flat slots[TVN_CORE_SIGNATURE_MAX] = {0};
    bool done = tvn_lower_params(cx, export->type, args, slots);
    if (!done) {
        tvn_canon_abandon_params(cx, export->type, args, cx->owns_lowered);
    } else {
        done = tvn_export_call(export, slots) == TVN_OK &&
               (!export->type->result || tvn_lift_result(cx, export->type, slots, out_result));
    }
    enum tvn_status status = tvn_export_end(export, slots);
    if (status != TVN_OK) {
        tvn_canon_abandon_result(cx, export->type, out_result, 0);
    }
    tvn_assert(done || status != TVN_OK);
    return status;
}

static enum tvn_status begin_invoke(const struct tvn_export *export, uint32_t arg_count)
{
    struct tvn_instance *instance = export->guest->instance;
    if (arg_count != export->type->param_count && !instance->dead) {
        return tvn_instance_fail(
            instance, TVN_E_INTERNAL, "'%s' takes %" PRIu32 " arguments, %" PRIu32 " were passed",
            export->name ? export->name : "", export->type->param_count, arg_count);
    }
    return tvn_export_begin(export);
}

enum tvn_status tvn_export_invoke(const struct tvn_export *export, const struct tvn_value *args,
                                  uint32_t arg_count, struct tvn_arena *arena,
                                  struct tvn_value *out_result)
{
    tvn_assert(export);
    tvn_assert(args || arg_count == 0);
    tvn_assert(arena);
    tvn_assert(out_result);
    const struct tvn_lifted *lifted = (const struct tvn_lifted *)export; /* its first member */
    struct tvn_canon cx;
    tvn_canon_init(&cx, lifted->scope, export->mem, export->has_realloc ? &export->realloc : NULL,
                   export->string_encoding, &arena);
    struct tvn_value result = {0};
    enum tvn_status status = begin_invoke(export, arg_count);
    if (status == TVN_OK) {
        status = invoke(lifted, &cx, args, &result);
    } else if (arg_count == export->type->param_count) {
        tvn_canon_abandon_params(&cx, export->type, args, 0);
    }
    if (status == TVN_OK) {
        *out_result = result;
    }
    return status;
}
