/* SPDX-License-Identifier: Apache-2.0 */
/* Calls between component instances of one tree, and the rules for entering them. */
#include "base/assert.h"
#include "component/canon_internal.h"

#define ARGS_ON_STACK TVN_TYPE_FLAT_MAX

static bool is_self_or_ancestor(const struct tvn_guest *candidate, const struct tvn_guest *of)
{
    while (of && of != candidate) {
        of = of->parent;
    }
    return of == candidate;
}

/*
 * A call enters its target and those of the target's ancestors that the caller is not inside of
 * already. So a child may call back into its running parent, but nobody enters a running sibling.
 */
static const struct tvn_guest *first_shared(const struct tvn_guest *guest,
                                            const struct tvn_guest *from)
{
    while (guest && !(from && is_self_or_ancestor(guest, from))) {
        guest = guest->parent;
    }
    return guest;
}

bool tvn_guest_enter(struct tvn_guest *guest, const struct tvn_guest *from,
                     struct tvn_outer_call *frame)
{
    const struct tvn_guest *end = first_shared(guest, from);
    for (struct tvn_guest *g = guest; g != end; g = g->parent) {
        if (!g->may_enter) {
            tvn_instance_fail(guest->instance, TVN_E_COMPONENT_TRAPPED,
                              "cannot enter component instance");
            return false;
        }
    }
    frame->interrupted = !guest->may_enter;
    if (frame->interrupted) {
        frame->outer = guest->outer_call;
        frame->scope = guest->scope;
        frame->scope_borrows = guest->scope_borrows;
        guest->outer_call = frame;
        guest->scope++;
    }
    guest->scope_borrows = 0;
    for (struct tvn_guest *g = guest; g != end; g = g->parent) {
        g->may_enter = false;
    }
    return true;
}

void tvn_guest_leave(struct tvn_guest *guest, const struct tvn_guest *from,
                     struct tvn_outer_call *frame)
{
    const struct tvn_guest *end = first_shared(guest, from);
    for (struct tvn_guest *g = guest; g != end; g = g->parent) {
        g->may_enter = true;
    }
    tvn_assert(guest->scope_borrows == 0);
    if (frame->interrupted) {
        tvn_assert(guest->outer_call == frame);
        guest->outer_call = frame->outer;
        guest->scope = frame->scope;
        guest->scope_borrows = frame->scope_borrows;
    }
}

/* The callee's part, between entering and leaving it: results are lifted, post-return is still to
 * come. */
static bool run_callee(const struct tvn_lifted *callee, struct tvn_canon *cx,
                       const struct tvn_value *args, union tvn_flat *slots,
                       struct tvn_value *result)
{
    const struct tvn_export *export = &callee->export;
    if (!tvn_lower_params(cx, export->type, args, slots)) {
        tvn_canon_abandon_params(cx, export->type, args, cx->owns_lowered);
        return false;
    }
    if (tvn_core_call(cx->instance, &export->core, slots, export->slot_count) != TVN_OK) {
        return false;
    }
    if (export->type->result && !tvn_lift_result(cx, export->type, slots, result)) {
        tvn_canon_abandon_result(cx, export->type, result, 0);
        return false;
    }
    if (cx->guest->scope_borrows > 0) {
        tvn_instance_fail(cx->instance, TVN_E_COMPONENT_TRAPPED,
                          "borrow handles still remain at the end of the call");
        tvn_canon_abandon_result(cx, export->type, result, 0);
        return false;
    }
    return true;
}

static bool post_return(const struct tvn_lifted *callee, union tvn_flat *slots)
{
    const struct tvn_export *export = &callee->export;
    if (!export->has_post_return) {
        return true;
    }
    export->guest->may_leave = false;
    enum tvn_status status = tvn_core_call(export->guest->instance, &export->post_return, slots, 1);
    export->guest->may_leave = true;
    return status == TVN_OK;
}

static bool call_between(struct tvn_site *site, struct tvn_canon *from, struct tvn_canon *to,
                         union tvn_flat *slots, struct tvn_value *args)
{
    const struct tvn_func_type *type = site->site.type;
    uint32_t position = 0;
    if (!tvn_lift_params(from, type, slots, &position, args)) {
        tvn_canon_abandon_params(from, type, args, 0);
        return false;
    }
    uint32_t out_offset = tvn_func_flat_results(type) > 1 ? slots[position].u32 : 0;
    union tvn_flat callee_slots[TVN_CORE_SIGNATURE_MAX] = {0};
    struct tvn_value result = {0};
    if (!run_callee(site->callee, to, args, callee_slots, &result)) {
        return false;
    }
    if (type->result && !tvn_lower_result(from, type, &result, slots, out_offset)) {
        tvn_canon_abandon_result(from, type, &result, from->owns_lowered);
        return false;
    }
    return post_return(site->callee, callee_slots);
}

static bool guest_call(struct tvn_site *site, union tvn_flat *slots, struct tvn_arena **arena)
{
    const struct tvn_export *export = &site->callee->export;
    struct tvn_lends lends = {0};
    struct tvn_canon from, to;
    tvn_canon_init(&from, site->scope, site->site.mem,
                   site->site.has_realloc ? &site->site.realloc : NULL, site->site.string_encoding,
                   arena);
    from.lends = &lends;
    tvn_canon_init(&to, site->callee->scope, export->mem,
                   export->has_realloc ? &export->realloc : NULL, export->string_encoding, arena);
    from.source_encoding = to.encoding; /* of the result */
    to.source_encoding = from.encoding; /* of the parameters */
    struct tvn_outer_call frame;
    if (!tvn_guest_enter(export->guest, site->site.guest, &frame)) {
        return false;
    }
    struct tvn_value few[ARGS_ON_STACK] = {0};
    struct tvn_value *args = few;
    if (site->site.type->param_count > ARGS_ON_STACK) {
        args = tvn_canon_alloc(&from, site->site.type->param_count, sizeof(*args));
    }
    bool done = args && call_between(site, &from, &to, slots, args);
    tvn_lends_release(&lends, site->site.guest);
    if (done) { /* else the tree is dead and nobody asks */
        tvn_guest_leave(export->guest, site->site.guest, &frame);
    }
    return done;
}

void *tvn_guest_call_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    struct tvn_site *site = env;
    TVN_SITE_ENTER(&site->site);
    struct tvn_arena *arena = NULL;
    bool done = guest_call(site, slots, &arena);
    if (arena) {
        tvn_arena_destroy(arena);
    }
    return done ? NULL : tvn_site_trapped(&site->site);
}
