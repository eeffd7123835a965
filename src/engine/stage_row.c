/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in a row through the component's call loop (component/call_loop.h). Each call passes the
 * same checks in the same order as a single one (stage_calls.c); what lies between two calls is the
 * caller's `next`, which runs while the guest is left: only its loop is on the stack.
 */
#include "component/call_loop.h"
#include "engine/stage_calls.h"

/* What a call needs before its guest runs. */
static void set_up(struct tvn_component_stage *stage, union tvn_flat *slots)
{
    struct tvn_stage_row *row = &stage->row;
    struct tvn_call *call = row->call;
    call->out_count = 0;
    stage->refused = TVN_OK;
    slots[0].i32 = 0;
    if (row->entry == TVN_ENTRY_PULL) {
        return;
    }
    struct tvn_buffer *payload;
    enum tvn_status status = tvn_stage_find_buffer(stage, call->in->payload, &payload);
    tvn_assert(status == TVN_OK);
    tvn_buffer_borrow(payload);
    row->payload = payload;
    stage->current = call->in;
    tvn_export_allow_leaving(row->export, false); /* realloc comes */
    slots[0].u32 = (uint32_t)tvn_intern_name(stage->intern, call->in->content_type).len;
}

/* Whether `next` is told this outcome inside of the loop: after any other one it may want to
 * replace the instance. */
static bool is_told_inside(enum tvn_outcome outcome)
{
    return outcome == TVN_OUTCOME_EMIT || outcome == TVN_OUTCOME_DROP;
}

/* The call in `row` is over. True: it has a successor. */
static bool settle(struct tvn_component_stage *stage)
{
    struct tvn_stage_row *row = &stage->row;
    tvn_export_allow_leaving(row->export, true);
    row->has_returned = false;
    if (row->entry == TVN_ENTRY_PULL) {
        tvn_stage_end_pull(stage, row->outcome, row->call);
    }
    if (TVN_UNLIKELY(!is_told_inside(row->outcome))) {
        return false;
    }
    row->more = row->next(row->context, row->outcome);
    return row->more && tvn_stage_fits_row(row->entry, row->call);
}

static void *loop_next(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    struct tvn_component_stage *stage = env;
    const struct tvn_export *export = stage->row.export;
    enum tvn_status status;
    if (TVN_LIKELY(stage->row.has_returned)) {
        if (!settle(stage)) {
            tvn_export_leave(export);
            slots[0].i32 = -1;
            return NULL;
        }
        status = tvn_export_again(export);
    } else {
        status = tvn_export_begin(export);
    }
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return tvn_call_loop_abort(export);
    }
    set_up(stage, slots);
    return NULL;
}

static TVN_NOINLINE void *lower_any(struct tvn_component_stage *stage, uint32_t offset,
                                    union tvn_flat *slots)
{
    const struct tvn_export *export = stage->row.export;
    const struct tvn_element *element = stage->row.call->in;
    size_t length = tvn_intern_name(stage->intern, element->content_type).len;
    if (TVN_UNLIKELY(tvn_instance_check_realloc(stage->instance, export->mem, 1, offset,
                                                (uint32_t)length) != TVN_OK)) {
        return tvn_call_loop_abort(export);
    }
    tvn_export_allow_leaving(export, true);
    return TVN_LIKELY(tvn_stage_lower_element(stage, export, element, offset, slots))
               ? NULL
               : tvn_call_loop_abort(export);
}

/* The usual case: a short name in the part of the memory that was seen before, and room for both
 * handles. */
static void *loop_arguments(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    struct tvn_component_stage *stage = env;
    const struct tvn_export *export = stage->row.export;
    const struct tvn_element *element = stage->row.call->in;
    uint32_t offset = slots[0].u32;
    size_t length = tvn_intern_name(stage->intern, element->content_type).len;
    uint8_t *name;
    if (TVN_UNLIKELY(length > TVN_BYTES_SHORT_MAX ||
                     !tvn_guest_mem_seen(export->mem, offset, length, &name) ||
                     !tvn_handle_table_has_two_free(&export->guest->handles))) {
        return lower_any(stage, offset, slots);
    }
    tvn_stage_lower_meta(stage, element, offset, name, slots);
    tvn_export_allow_leaving(export, true);
    slots[4].u64 = tvn_export_lend_reserved(export, stage->types.buffer, element->payload.raw);
    slots[5].u64 = tvn_export_lend_reserved(export, stage->types.flow_context, 0);
    return NULL;
}

static inline void stop_lending(struct tvn_component_stage *stage)
{
    struct tvn_stage_row *row = &stage->row;
    stage->current = NULL;
    if (row->payload) {
        tvn_buffer_end_borrow(row->payload);
        row->payload = NULL;
    }
}

static void *loop_returned(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    struct tvn_component_stage *stage = env;
    struct tvn_stage_row *row = &stage->row;
    const struct tvn_export *export = row->export;
    stop_lending(stage);
    row->outcome = tvn_stage_lift(stage, row->entry, slots, row->call);
    row->has_returned = true;
    if (TVN_UNLIKELY(row->outcome == TVN_OUTCOME_DEAD || tvn_export_returned(export) != TVN_OK)) {
        return tvn_call_loop_abort(export);
    }
    tvn_export_allow_leaving(export, !export->has_post_return);
    return NULL;
}

static const struct tvn_call_loop_host loop_host = {loop_next, loop_arguments, loop_returned};

/* The loop was left by a trap. */
static TVN_COLD enum tvn_outcome fail(struct tvn_component_stage *stage)
{
    struct tvn_stage_row *row = &stage->row;
    tvn_assert(tvn_instance_is_dead(stage->instance));
    stop_lending(stage);
    if (row->has_returned) { /* lifted, and nobody was told */
        tvn_stage_take_back(stage, row->call);
    }
    tvn_export_leave(row->export);
    return tvn_stage_dead(stage, row->call);
}

/* Makes the loop, if it can be had; what a try in vain leaves behind stays with the instance. */
static TVN_COLD void warm_up(struct tvn_component_stage *stage, enum tvn_entry entry)
{
    struct tvn_stage_row *row = &stage->row;
    row->single_calls = 0;
    row->tries++;
    if (entry == TVN_ENTRY_ROUTE) {
        return; /* its list is lifted with the call: stage_lists.c */
    }
    const struct tvn_export *export = stage->entries[entry];
    if (tvn_call_loop_create(export, &loop_host, stage, &row->loop) == TVN_OK) {
        row->entry = entry;
        row->export = export;
    }
}

/* After a single call: the loop pays after some of them, and after each try in vain it is asked for
 * half as often. */
static void count_single(struct tvn_component_stage *stage, enum tvn_entry entry)
{
    struct tvn_stage_row *row = &stage->row;
    if (row->loop || row->tries == TVN_ROW_TRIES_MAX ||
        ++row->single_calls < TVN_ROW_AFTER_CALLS << row->tries) {
        return;
    }
    if (stage->instance && !tvn_instance_is_dead(stage->instance)) {
        warm_up(stage, entry);
    }
}

/* Runs the loop. True: `next` knows all, and row->more what it said; false: *out_outcome is to be
 * told. */
static bool run_loop(struct tvn_component_stage *stage, struct tvn_call *call, tvn_next_call next,
                     void *context, enum tvn_outcome *out_outcome)
{
    struct tvn_stage_row *row = &stage->row;
    row->call = call;
    row->next = next;
    row->context = context;
    row->has_returned = false;
    if (TVN_UNLIKELY(tvn_call_loop_run(row->loop) != TVN_OK)) {
        *out_outcome = fail(stage);
        return false;
    }
    *out_outcome = row->outcome;
    return is_told_inside(row->outcome);
}

void tvn_stage_invoke_row(struct tvn_invoker *invoker, enum tvn_entry entry, struct tvn_call *call,
                          tvn_next_call next, void *context)
{
    struct tvn_component_stage *stage =
        TVN_CONTAINER_OF(invoker, struct tvn_component_stage, invoker);
    bool more = true;
    while (more) {
        enum tvn_outcome outcome;
        if (tvn_stage_has_row(stage, entry, call)) {
            if (run_loop(stage, call, next, context, &outcome)) {
                more = stage->row.more;
                continue;
            }
        } else {
            outcome = tvn_invoke(invoker, entry, call); /* a restart that failed changes its ops */
            count_single(stage, entry);
        }
        more = next(context, outcome);
    }
}
