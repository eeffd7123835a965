/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stage_calls.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/utf8.h"
#include "wasi/wasi.h"

#include <stdio.h>

/* ---- outcomes ---- */

enum tvn_outcome tvn_stage_dead(const struct tvn_component_stage *stage, struct tvn_call *call)
{
    *call->fault = *tvn_instance_fault(stage->instance);
    call->out_count = 0;
    return TVN_OUTCOME_DEAD;
}

enum tvn_outcome tvn_stage_abandon(const struct tvn_component_stage *stage,
                                   const struct tvn_export *export, struct tvn_call *call)
{
    enum tvn_status status = tvn_export_end(export, NULL);
    tvn_assert(status != TVN_OK); /* it was recorded where it happened */
    return tvn_stage_dead(stage, call);
}

/* Copies a guest string, cut at a character boundary, into the fault. False when it is not a valid
 * string. */
static bool lift_error_text(const struct tvn_export *export, const uint8_t *at,
                            struct tvn_fault *fault)
{
    uint32_t pointer = tvn_guest_load_u32(at);
    uint32_t length = tvn_guest_load_u32(at + 4);
    const uint8_t *text = tvn_guest_mem_at(export->mem, pointer, length);
    if (!text || !tvn_utf8_valid(text, length)) {
        return false;
    }
    size_t cut = tvn_utf8_valid_prefix(text, tvn_min(length, TVN_FAULT_TEXT_MAX - 1u));
    memcpy(fault->text, text, cut);
    fault->text[cut] = '\0';
    return true;
}

enum tvn_outcome tvn_stage_lift_error(struct tvn_component_stage *stage,
                                      const struct tvn_export *export, const uint8_t *at,
                                      struct tvn_call *call)
{
    struct tvn_fault fault = {.code = TVN_OK, .error = (enum tvn_process_error)at[TVN_ERROR_CASE]};
    bool valid = at[TVN_ERROR_CASE] <= TVN_PROCESS_FATAL;
    if (valid && fault.error != TVN_PROCESS_DEADLINE_EXCEEDED) {
        valid = lift_error_text(export, at + TVN_ERROR_TEXT, &fault);
    }
    if (!valid) {
        return tvn_stage_bad_result(stage, export, "an invalid process-error");
    }
    /* A guest that was refused a buffer in this call most likely fails because of that. */
    fault.code = fault.error == TVN_PROCESS_FATAL ? TVN_E_FATAL_COMPONENT_ERROR : stage->refused;
    *call->fault = fault;
    return TVN_OUTCOME_ERROR;
}

enum tvn_outcome tvn_stage_bad_result(const struct tvn_component_stage *stage,
                                      const struct tvn_export *export, const char *what)
{
    (void)tvn_instance_fail(stage->instance, TVN_E_COMPONENT_TRAPPED, "%s returned %s",
                            export->name, what);
    return TVN_OUTCOME_DEAD;
}

void tvn_stage_take_back(const struct tvn_component_stage *stage, struct tvn_call *call)
{
    for (uint32_t i = 0; i < call->out_count; i++) {
        struct tvn_buffer *buffer;
        enum tvn_status status = tvn_stage_find_buffer(stage, call->out[i].payload, &buffer);
        tvn_assert(status == TVN_OK);
        tvn_buffer_release(*stage->magazine, buffer);
    }
    call->out_count = 0;
}

enum tvn_outcome tvn_stage_finish(const struct tvn_component_stage *stage,
                                  const struct tvn_export *export, union tvn_flat *slots,
                                  enum tvn_outcome outcome, struct tvn_call *call)
{
    if (TVN_UNLIKELY(outcome == TVN_OUTCOME_DEAD)) {
        return tvn_stage_abandon(stage, export, call);
    }
    if (TVN_UNLIKELY(tvn_export_end(export, slots) != TVN_OK)) {
        tvn_stage_take_back(stage, call);
        return tvn_stage_dead(stage, call);
    }
    return outcome;
}

/* ---- lowering a stream-element ---- */

bool tvn_stage_lower_element(struct tvn_component_stage *stage, const struct tvn_export *export,
                             const struct tvn_element *element, uint32_t offset,
                             union tvn_flat *slots)
{
    /* SAFETY: whoever reallocated checked that the name's bytes at the offset are in the memory. */
    tvn_stage_lower_meta(stage, element, offset, export->mem->base + offset, slots);
    slots[4].u64 = tvn_export_lend(export, stage->types.buffer, element->payload.raw);
    slots[5].u64 = tvn_export_lend(export, stage->types.flow_context, 0);
    return slots[4].u64 != 0 && slots[5].u64 != 0;
}

/* tvn_stage_lower_element with memory from the guest's realloc. False: the instance is dead. */
static bool lower_element(struct tvn_component_stage *stage, const struct tvn_export *export,
                          const struct tvn_element *element, union tvn_flat *slots)
{
    size_t length = tvn_intern_name(stage->intern, element->content_type).len;
    uint32_t offset;
    return tvn_export_realloc(export, 1, (uint32_t)length, &offset) == TVN_OK &&
           tvn_stage_lower_element(stage, export, element, offset, slots);
}

/* An element without payload, as the host's own stages may make it: the contract lends a buffer, so
 * the guest sees an empty one. */
static TVN_COLD bool call_with_empty(struct tvn_component_stage *stage,
                                     const struct tvn_export *export,
                                     const struct tvn_element *element, union tvn_flat *slots)
{
    struct tvn_buffer *empty;
    enum tvn_status status = tvn_buffer_acquire(*stage->magazine, 0, TVN_OWNER_HOST, NULL, &empty);
    if (status != TVN_OK) {
        (void)tvn_instance_fail(stage->instance, tvn_status_fold(status),
                                "no buffer for an element without payload");
        return false;
    }
    status = tvn_buffer_freeze(empty);
    tvn_assert(status == TVN_OK);
    struct tvn_element lent = *element;
    lent.payload = tvn_buffer_id_of(empty);
    bool alive = tvn_stage_call_with_element(stage, export, &lent, slots);
    tvn_buffer_release(*stage->magazine, empty);
    return alive;
}

bool tvn_stage_call_with_element(struct tvn_component_stage *stage, const struct tvn_export *export,
                                 const struct tvn_element *element, union tvn_flat *slots)
{
    if (TVN_UNLIKELY(element->payload.raw == 0)) {
        return call_with_empty(stage, export, element, slots);
    }
    if (TVN_UNLIKELY(tvn_export_begin(export) != TVN_OK)) {
        return false;
    }
    struct tvn_buffer *payload;
    enum tvn_status status = tvn_stage_find_buffer(stage, element->payload, &payload);
    tvn_assert(status == TVN_OK);
    tvn_buffer_borrow(payload);
    stage->current = element;
    bool alive =
        lower_element(stage, export, element, slots) && tvn_export_call(export, slots) == TVN_OK;
    stage->current = NULL;
    tvn_buffer_end_borrow(payload);
    if (TVN_UNLIKELY(!alive)) {
        status = tvn_export_end(export, NULL);
        tvn_assert(status != TVN_OK); /* it was recorded where it happened */
    }
    return alive;
}

/* ---- lifting an output-element ---- */

enum tvn_outcome tvn_stage_lift_output(struct tvn_component_stage *stage,
                                       const struct tvn_export *export, const uint8_t *element,
                                       struct tvn_call *call)
{
    uint32_t name_at = tvn_guest_load_u32(element + TVN_ELEMENT_CONTENT_TYPE);
    uint32_t name_length = tvn_guest_load_u32(element + TVN_ELEMENT_CONTENT_TYPE + 4);
    const uint8_t *name = tvn_guest_mem_at(export->mem, name_at, name_length);
    uint32_t content_type = 0;
    enum tvn_status status =
        name ? tvn_intern_add(stage->intern, (const char *)name, name_length, &content_type)
             : TVN_E_COMPONENT_TRAPPED;
    if (TVN_UNLIKELY(status != TVN_OK)) {
        (void)tvn_instance_fail(stage->instance,
                                status == TVN_E_BUDGET_EXCEEDED ? status : TVN_E_COMPONENT_TRAPPED,
                                "%s returned a content type of %u bytes (at most %d printable "
                                "UTF-8 bytes, %d names a flow)",
                                export->name, name_length, TVN_CONTENT_TYPE_MAX, TVN_INTERN_MAX);
        return TVN_OUTCOME_DEAD;
    }
    uint64_t rep;
    if (TVN_UNLIKELY(tvn_export_take_own(export, stage->types.buffer,
                                         tvn_guest_load_u32(element + TVN_ELEMENT_PAYLOAD),
                                         &rep) != TVN_OK)) {
        return TVN_OUTCOME_DEAD;
    }
    struct tvn_buffer *buffer;
    status = tvn_stage_find_buffer(stage, (struct tvn_buffer_id){rep}, &buffer);
    if (TVN_LIKELY(status == TVN_OK)) {
        status = tvn_buffer_transfer(buffer, stage->owner, TVN_OWNER_HOST, stage->budget.parent);
    }
    if (TVN_UNLIKELY(status != TVN_OK)) {
        (void)tvn_instance_fail(stage->instance, status,
                                "%s returned a buffer that it may not give away", export->name);
        return TVN_OUTCOME_DEAD;
    }
    tvn_assert(call->out_count < call->out_capacity);
    call->out[call->out_count++] = (struct tvn_element){
        .sequence = tvn_guest_load_u64(element + TVN_ELEMENT_SEQUENCE),
        .timestamp_ns = tvn_guest_load_u64(element + TVN_ELEMENT_TIMESTAMP),
        .payload = {rep},
        .content_type = name_length > 0 ? content_type : buffer->content_type,
    };
    tvn_stat_add(&stage->stats->produced_bytes, buffer->length);
    return TVN_OUTCOME_EMIT;
}

/* A result that does not lie in the part of the memory that was seen before: the memory has grown,
 * or the result is not valid. */
static TVN_COLD enum tvn_outcome lift_unseen(struct tvn_component_stage *stage,
                                             enum tvn_entry entry, const union tvn_flat *slots,
                                             struct tvn_call *call)
{
    const struct tvn_export *export = stage->entries[entry];
    return tvn_guest_mem_refresh(export->mem)
               ? tvn_stage_lift(stage, entry, slots, call)
               : tvn_stage_bad_result(stage, export, "an invalid result");
}

/* A result of which the tag is not 0. */
static TVN_COLD enum tvn_outcome lift_failure(struct tvn_component_stage *stage,
                                              const struct tvn_export *export, uint8_t tag,
                                              const uint8_t *error, struct tvn_call *call)
{
    return tag == 1 ? tvn_stage_lift_error(stage, export, error, call)
                    : tvn_stage_bad_result(stage, export, "an invalid result");
}

/* Lifts pull, process and ingest: `present` is the tag under which an output-element follows. */
static inline enum tvn_outcome lift_output(struct tvn_component_stage *stage, enum tvn_entry entry,
                                           const union tvn_flat *slots, uint8_t present,
                                           enum tvn_outcome absent, struct tvn_call *call)
{
    const struct tvn_export *export = stage->entries[entry];
    const uint8_t *area;
    if (TVN_UNLIKELY(
            !tvn_stage_result_seen(export, slots, TVN_OUTPUT_SIZE, TVN_OUTPUT_ALIGN, &area))) {
        return lift_unseen(stage, entry, slots, call);
    }
    uint8_t tag = area[TVN_OUTPUT_TAG];
    if (TVN_UNLIKELY(tag != 0)) {
        return lift_failure(stage, export, tag, area + TVN_OUTPUT_ERROR, call);
    }
    uint8_t selected = area[TVN_OUTPUT_CASE];
    if (selected != present) {
        return TVN_LIKELY(selected <= 1) ? absent
                                         : tvn_stage_bad_result(stage, export, "an invalid case");
    }
    return tvn_stage_lift_output(stage, export, area + TVN_OUTPUT_ELEMENT, call);
}

/* Lifts small results: evaluate's bool, push's signal, and those of init and complete, which say
 * nothing but that it was done. */
static inline enum tvn_outcome lift_verdict(struct tvn_component_stage *stage, enum tvn_entry entry,
                                            const union tvn_flat *slots, struct tvn_call *call)
{
    static_assert(TVN_SIGNAL_PAUSE == 1, "a bool and a signal have two values");
    const struct tvn_export *export = stage->entries[entry];
    const uint8_t *area;
    if (TVN_UNLIKELY(
            !tvn_stage_result_seen(export, slots, TVN_VERDICT_SIZE, TVN_VERDICT_ALIGN, &area))) {
        return lift_unseen(stage, entry, slots, call);
    }
    uint8_t tag = area[TVN_VERDICT_TAG];
    if (TVN_UNLIKELY(tag != 0)) {
        return lift_failure(stage, export, tag, area + TVN_VERDICT_ERROR, call);
    }
    if (entry != TVN_ENTRY_EVALUATE && entry != TVN_ENTRY_PUSH) {
        return TVN_OUTCOME_EMIT;
    }
    uint8_t value = area[TVN_VERDICT_VALUE];
    if (TVN_UNLIKELY(value > 1)) {
        return tvn_stage_bad_result(stage, export, "an invalid value");
    }
    if (entry == TVN_ENTRY_EVALUATE) {
        return value == 0 ? TVN_OUTCOME_DROP : TVN_OUTCOME_EMIT;
    }
    call->signal = (enum tvn_signal)value;
    return TVN_OUTCOME_EMIT;
}

enum tvn_outcome tvn_stage_lift(struct tvn_component_stage *stage, enum tvn_entry entry,
                                const union tvn_flat *slots, struct tvn_call *call)
{
    switch (entry) {
    case TVN_ENTRY_PULL:
        return lift_output(stage, TVN_ENTRY_PULL, slots, 1, TVN_OUTCOME_END, call);
    case TVN_ENTRY_PROCESS:
        return lift_output(stage, TVN_ENTRY_PROCESS, slots, 0, TVN_OUTCOME_DROP, call);
    case TVN_ENTRY_INGEST: /* none: absorbed */
        return lift_output(stage, TVN_ENTRY_INGEST, slots, 1, TVN_OUTCOME_EMIT, call);
    case TVN_ENTRY_PUSH:
        return lift_verdict(stage, TVN_ENTRY_PUSH, slots, call);
    case TVN_ENTRY_EVALUATE:
    case TVN_ENTRY_INIT:
    case TVN_ENTRY_COMPLETE:
        return lift_verdict(stage, entry, slots, call);
    case TVN_ENTRY_NOTIFY:
    case TVN_ENTRY_ROUTE:
    case TVN_ENTRY_FLUSH:
    case TVN_ENTRY_TEARDOWN:
        break; /* lifted where they are called, if they have a result */
    }
    tvn_unreachable();
}

/* ---- entries ---- */

void tvn_stage_give_context(struct tvn_component_stage *stage, struct tvn_call *call)
{
    struct tvn_element *out = call->out;
    stage->has_incoming = false;
    call->context = &stage->incoming;
    out->flags |= stage->incoming.flags & TVN_TRACE_FLAG_SAMPLED ? TVN_ELEMENT_SAMPLED : 0;
    memcpy(out->trace_id, stage->incoming.trace_id, sizeof(out->trace_id));
    memcpy(out->parent_id, stage->incoming.parent_id, sizeof(out->parent_id));
}

static enum tvn_outcome call_pull(struct tvn_component_stage *stage, struct tvn_call *call)
{
    const struct tvn_export *export = stage->entries[TVN_ENTRY_PULL];
    union tvn_flat slots[1];
    if (TVN_UNLIKELY(tvn_export_begin(export) != TVN_OK)) {
        return tvn_stage_dead(stage, call);
    }
    if (TVN_UNLIKELY(tvn_export_call(export, slots) != TVN_OK)) {
        return tvn_stage_abandon(stage, export, call);
    }
    enum tvn_outcome outcome = tvn_stage_lift(stage, TVN_ENTRY_PULL, slots, call);
    outcome = tvn_stage_finish(stage, export, slots, outcome, call);
    tvn_stage_end_pull(stage, outcome, call);
    return outcome;
}

/* PROCESS, EVALUATE, INGEST, PUSH. */
static enum tvn_outcome call_with_element(struct tvn_component_stage *stage, enum tvn_entry entry,
                                          struct tvn_call *call)
{
    const struct tvn_export *export = stage->entries[entry];
    union tvn_flat slots[TVN_STREAM_ELEMENT_SLOTS];
    if (TVN_UNLIKELY(!tvn_stage_call_with_element(stage, export, call->in, slots))) {
        return tvn_stage_dead(stage, call);
    }
    enum tvn_outcome outcome = tvn_stage_lift(stage, entry, slots, call);
    return tvn_stage_finish(stage, export, slots, outcome, call);
}

static enum tvn_outcome call_complete(struct tvn_component_stage *stage, struct tvn_call *call)
{
    const struct tvn_export *export = stage->entries[TVN_ENTRY_COMPLETE];
    union tvn_flat slots[1];
    if (tvn_export_begin(export) != TVN_OK) {
        return tvn_stage_dead(stage, call);
    }
    if (tvn_export_call(export, slots) != TVN_OK) {
        return tvn_stage_abandon(stage, export, call);
    }
    enum tvn_outcome outcome = tvn_stage_lift(stage, TVN_ENTRY_COMPLETE, slots, call);
    outcome = tvn_stage_finish(stage, export, slots, outcome, call);
    if (outcome == TVN_OUTCOME_EMIT) {
        tvn_wasi_flush(stage->wasi); /* a last line without end is output too */
        outcome = tvn_instance_is_dead(stage->instance) ? tvn_stage_dead(stage, call) : outcome;
    }
    return outcome;
}

static enum tvn_outcome call_init(struct tvn_component_stage *stage, struct tvn_call *call)
{
    const struct tvn_export *export = stage->entries[TVN_ENTRY_INIT];
    union tvn_flat slots[2];
    uint32_t offset;
    if (tvn_export_begin(export) != TVN_OK) {
        return tvn_stage_dead(stage, call);
    }
    if (tvn_export_realloc(export, 1, (uint32_t)stage->config_length, &offset) != TVN_OK) {
        return tvn_stage_abandon(stage, export, call);
    }
    memcpy(export->mem->base + offset, stage->config,
           stage->config_length); /* bounds checked by realloc */
    slots[0].u64 = offset;
    slots[1].u64 = stage->config_length;
    if (tvn_export_call(export, slots) != TVN_OK) {
        return tvn_stage_abandon(stage, export, call);
    }
    enum tvn_outcome outcome = tvn_stage_lift(stage, TVN_ENTRY_INIT, slots, call);
    return tvn_stage_finish(stage, export, slots, outcome, call);
}

/* notify-backpressure and teardown: no result. */
static enum tvn_outcome call_plain(struct tvn_component_stage *stage,
                                   const struct tvn_export *export, uint64_t argument,
                                   struct tvn_call *call)
{
    union tvn_flat slots[1] = {{.u64 = argument}};
    if (tvn_export_begin(export) != TVN_OK) {
        return tvn_stage_dead(stage, call);
    }
    if (tvn_export_call(export, slots) != TVN_OK) {
        return tvn_stage_abandon(stage, export, call);
    }
    return tvn_export_end(export, slots) == TVN_OK ? TVN_OUTCOME_EMIT : tvn_stage_dead(stage, call);
}

/* init and teardown run under their own wall limits and without fuel. */
static enum tvn_outcome call_lifecycle(struct tvn_component_stage *stage, enum tvn_entry entry,
                                       struct tvn_call *call)
{
    const struct tvn_sandbox *sandbox = stage->sandbox;
    bool is_init = entry == TVN_ENTRY_INIT;
    tvn_instance_set_limits(stage->instance,
                            is_init ? sandbox->init_timeout_ms : sandbox->teardown_timeout_ms, 0);
    enum tvn_outcome outcome = is_init
                                   ? call_init(stage, call)
                                   : call_plain(stage, stage->entries[TVN_ENTRY_TEARDOWN], 0, call);
    tvn_instance_set_limits(stage->instance, sandbox->invocation_timeout_ms,
                            sandbox->fuel_per_invocation);
    return outcome;
}

enum tvn_outcome tvn_stage_invoke(struct tvn_invoker *invoker, enum tvn_entry entry,
                                  struct tvn_call *call)
{
    struct tvn_component_stage *stage =
        TVN_CONTAINER_OF(invoker, struct tvn_component_stage, invoker);
    tvn_assert(stage->entries[entry]);
    call->out_count = 0;
    stage->refused = TVN_OK;
    switch (entry) {
    case TVN_ENTRY_PULL:
        return call_pull(stage, call);
    case TVN_ENTRY_PROCESS:
    case TVN_ENTRY_EVALUATE:
    case TVN_ENTRY_INGEST:
    case TVN_ENTRY_PUSH:
        return call_with_element(stage, entry, call);
    case TVN_ENTRY_ROUTE:
        return tvn_stage_route(stage, call);
    case TVN_ENTRY_FLUSH:
        return tvn_stage_flush(stage, call);
    case TVN_ENTRY_NOTIFY:
        return call_plain(stage, stage->entries[TVN_ENTRY_NOTIFY], call->signal, call);
    case TVN_ENTRY_COMPLETE:
        return call_complete(stage, call);
    case TVN_ENTRY_INIT:
    case TVN_ENTRY_TEARDOWN:
        return call_lifecycle(stage, entry, call);
    }
    tvn_unreachable();
}
