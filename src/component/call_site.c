/* SPDX-License-Identifier: Apache-2.0 */
/* What host functions use, and the one trampoline in front of the dynamic ones. */
#include "base/assert.h"
#include "component/canon_internal.h"

#include <stdio.h>

#define ARGS_ON_STACK TVN_TYPE_FLAT_MAX

void *tvn_site_trap(const struct tvn_call_site *site, enum tvn_status code, const char *format, ...)
{
    char text[TVN_FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tvn_instance_fail(site->instance, code, "%s%s%s", text, site->name ? " in " : "",
                      site->name ? site->name : "");
    return tvn_core_trap_signal();
}

void *tvn_site_closed(const struct tvn_call_site *site)
{
    if (site->guest == &tvn_guest_of_empty_slot) {
        return tvn_core_trap_empty_slot();
    }
    return tvn_site_trap(site, TVN_E_COMPONENT_TRAPPED, "cannot leave component instance");
}

void *tvn_site_trapped(const struct tvn_call_site *site)
{
    tvn_assert(site->instance->dead);
    return tvn_core_trap_signal();
}

bool tvn_site_realloc(const struct tvn_call_site *site, uint32_t alignment, uint32_t length,
                      uint32_t *out_offset)
{
    if (TVN_UNLIKELY(!site->has_realloc || !site->mem)) {
        tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED,
                          "values in memory need the component's realloc");
        return false;
    }
    union tvn_flat slots[4] = {{.u32 = 0}, {.u32 = 0}, {.u32 = alignment}, {.u32 = length}};
    site->guest->may_leave = false;
    enum tvn_status status = tvn_core_call(site->instance, &site->realloc, slots, 4);
    site->guest->may_leave = true;
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return false;
    }
    uint32_t offset = slots[0].u32;
    if (TVN_UNLIKELY(tvn_instance_check_realloc(site->instance, site->mem, alignment, offset,
                                                length) != TVN_OK)) {
        return false;
    }
    *out_offset = offset;
    return true;
}

uint32_t tvn_guest_handles_full(const struct tvn_guest *guest)
{
    tvn_instance_fail(guest->instance, TVN_E_COMPONENT_TRAPPED,
                      "the component's handle table is full");
    return 0;
}

/* ---- dynamic functions ---- */

static bool call_dynamic(struct tvn_site *site, struct tvn_canon *cx, union tvn_flat *slots,
                         struct tvn_value *args)
{
    const struct tvn_func_type *type = site->site.type;
    uint32_t position = 0;
    if (!tvn_lift_params(cx, type, slots, &position, args)) {
        tvn_canon_abandon_params(cx, type, args, 0);
        return false;
    }
    uint32_t out_offset = tvn_func_flat_results(type) > 1 ? slots[position].u32 : 0;
    if (!*cx->arena) { /* the function may want it */
        *cx->arena = tvn_arena_create(0);
        if (!*cx->arena) {
            tvn_instance_fail(cx->instance, TVN_E_OUT_OF_MEMORY, "no memory for a host call");
            tvn_canon_abandon_params(cx, type, args, 0);
            return false;
        }
    }
    struct tvn_value result = {0};
    enum tvn_status status =
        site->dynamic->dynamic(&site->site, args, type->param_count, *cx->arena, &result);
    if (status != TVN_OK) {
        if (!cx->instance->dead) { /* a host function that forgot to say why */
            tvn_instance_fail(cx->instance, tvn_status_fold(status), "%s failed", site->site.name);
        }
        return false;
    }
    if (!type->result) {
        return true;
    }
    if (!tvn_lower_result(cx, type, &result, slots, out_offset)) {
        tvn_canon_abandon_result(cx, type, &result, cx->owns_lowered);
        return false;
    }
    return true;
}

void *tvn_dynamic_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    struct tvn_site *site = env;
    TVN_SITE_ENTER(&site->site);
    struct tvn_arena *arena = NULL;
    struct tvn_canon cx;
    tvn_canon_init(&cx, site->scope, site->site.mem,
                   site->site.has_realloc ? &site->site.realloc : NULL, site->site.string_encoding,
                   &arena);
    struct tvn_value few[ARGS_ON_STACK] = {0};
    struct tvn_value *args = few;
    bool done = false;
    if (site->site.type->param_count > ARGS_ON_STACK) {
        args = tvn_canon_alloc(&cx, site->site.type->param_count, sizeof(*args));
    }
    if (args) {
        done = call_dynamic(site, &cx, slots, args);
    }
    if (arena) {
        tvn_arena_destroy(arena);
    }
    return done ? NULL : tvn_site_trapped(&site->site);
}
