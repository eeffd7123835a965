/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The compiled calls of the Torvyn contracts: flat slots and fixed offsets, no type walk, no
 * allocation. The offsets hold because binding checks an export's type against the canonical
 * contract; a unit test checks them against the model's layouts.
 */
#include "engine/stage_internal.h"

/* result<option<output-element>, process-error> and result<process-result, process-error> */
enum {
    TVN_OUTPUT_SIZE = 48,
    TVN_OUTPUT_ALIGN = 8,
    TVN_OUTPUT_TAG = 0,
    TVN_OUTPUT_CASE = 8, /* option: 1 is some; process-result: 0 is emit */
    TVN_OUTPUT_ELEMENT = 16,
    TVN_OUTPUT_ERROR = 8,
};
/* output-element */
enum {
    TVN_ELEMENT_SIZE = 32,
    TVN_ELEMENT_ALIGN = 8,
    TVN_ELEMENT_SEQUENCE = 0,
    TVN_ELEMENT_TIMESTAMP = 8,
    TVN_ELEMENT_CONTENT_TYPE = 16,
    TVN_ELEMENT_PAYLOAD = 24,
};
/* result<list<string> | list<output-element>, process-error> */
enum {
    TVN_LIST_SIZE = 16,
    TVN_LIST_ALIGN = 4,
    TVN_LIST_TAG = 0,
    TVN_LIST_POINTER = 4,
    TVN_LIST_LENGTH = 8,
    TVN_LIST_ERROR = 4,
};
/* string */
enum { TVN_STRING_SIZE = 8, TVN_STRING_ALIGN = 4 };
/* result<bool | backpressure-signal | _, process-error> */
enum {
    TVN_VERDICT_SIZE = 16,
    TVN_VERDICT_ALIGN = 4,
    TVN_VERDICT_TAG = 0,
    TVN_VERDICT_VALUE = 4,
    TVN_VERDICT_ERROR = 4,
};
/* process-error */
enum { TVN_ERROR_CASE = 0, TVN_ERROR_TEXT = 4 };

#define TVN_STREAM_ELEMENT_SLOTS 6    /* sequence, timestamp, content type (2), payload, context */
#define TVN_ROUTE_NAMES_MAX      256  /* names that one call of route may return */
#define TVN_ROUTE_NAME_MAX       1024 /* bytes of one: no deadline runs while the host reads them */

// HOT PATH. The invoke operation of a component stage.
enum tvn_outcome tvn_stage_invoke(struct tvn_invoker *invoker, enum tvn_entry entry,
                                  struct tvn_call *call);
/* HOT PATH. The invoke_row operation, in stage_row.c. */
void tvn_stage_invoke_row(struct tvn_invoker *invoker, enum tvn_entry entry, struct tvn_call *call,
                          tvn_next_call next, void *context);

/* HOT PATH. Whether this call may go through a loop: not with an element without payload, which is
 * lent an empty buffer. */
static inline bool tvn_stage_fits_row(enum tvn_entry entry, const struct tvn_call *call)
{
    return entry == TVN_ENTRY_PULL || TVN_LIKELY(call->in->payload.raw != 0);
}
/* HOT PATH. The same, before anyone has made sure that there is one. */
static inline bool tvn_stage_has_row(const struct tvn_component_stage *stage, enum tvn_entry entry,
                                     const struct tvn_call *call)
{
    return stage->row.loop && stage->row.entry == entry && tvn_stage_fits_row(entry, call);
}

/* ---- parts of calls: outcomes, lowering and lifting, in stage_calls.c ---- */

/* DEAD with the instance's fault. */
TVN_COLD enum tvn_outcome tvn_stage_dead(const struct tvn_component_stage *stage,
                                         struct tvn_call *call);
/* A call that failed before or inside the core function: ends it, answers DEAD. */
TVN_COLD enum tvn_outcome tvn_stage_abandon(const struct tvn_component_stage *stage,
                                            const struct tvn_export *export, struct tvn_call *call);
/* The guest returned `what`, which no contract allows: DEAD, the call is still to be ended. */
TVN_COLD enum tvn_outcome tvn_stage_bad_result(const struct tvn_component_stage *stage,
                                               const struct tvn_export *export, const char *what);
/* The error case of every result, a process-error at `at`: ERROR, or DEAD when it is not valid. */
TVN_COLD enum tvn_outcome tvn_stage_lift_error(struct tvn_component_stage *stage,
                                               const struct tvn_export *export, const uint8_t *at,
                                               struct tvn_call *call);
/* HOT PATH. What PULL, PROCESS, EVALUATE, INGEST, PUSH, INIT or COMPLETE returned; DEAD when it is
 * not valid. */
enum tvn_outcome tvn_stage_lift(struct tvn_component_stage *stage, enum tvn_entry entry,
                                const union tvn_flat *slots, struct tvn_call *call);
/* HOT PATH. Ends a call of which `outcome` was lifted; DEAD when that fails. */
enum tvn_outcome tvn_stage_finish(const struct tvn_component_stage *stage,
                                  const struct tvn_export *export, union tvn_flat *slots,
                                  enum tvn_outcome outcome, struct tvn_call *call);
/* Lifted elements of a call that failed after all. */
TVN_COLD void tvn_stage_take_back(const struct tvn_component_stage *stage, struct tvn_call *call);
/* The trace of the element that was pulled is the one that the guest named. */
TVN_COLD void tvn_stage_give_context(struct tvn_component_stage *stage, struct tvn_call *call);
/* HOT PATH. After a pull: where its element's trace comes from. */
static inline void tvn_stage_end_pull(struct tvn_component_stage *stage, enum tvn_outcome outcome,
                                      struct tvn_call *call)
{
    call->context = NULL;
    if (TVN_UNLIKELY(stage->has_incoming) && outcome == TVN_OUTCOME_EMIT) {
        tvn_stage_give_context(stage, call);
    }
}
/* HOT PATH. The flat stream-element but for its handles; there is room for the content type in the
 * guest's memory at `offset`, which is at `name`. */
static TVN_ALWAYS_INLINE void tvn_stage_lower_meta(const struct tvn_component_stage *stage,
                                                   const struct tvn_element *element,
                                                   uint32_t offset, uint8_t *name,
                                                   union tvn_flat *slots)
{
    struct tvn_str content_type = tvn_intern_name(stage->intern, element->content_type);
    tvn_bytes_copy_name(name, content_type.ptr, content_type.len);
    tvn_copy_record(&stage->stats->copies, TVN_COPY_METADATA_MARSHAL, 16 + content_type.len);
    slots[0].u64 = element->sequence;
    slots[1].u64 = element->timestamp_ns;
    slots[2].u64 = offset;
    slots[3].u64 = content_type.len;
}
/*
 * WARM PATH. Lends the element to the guest: its content type goes to `offset`, where the guest has
 * room for it, payload and context become borrows. False: the instance is dead.
 */
bool tvn_stage_lower_element(struct tvn_component_stage *stage, const struct tvn_export *export,
                             const struct tvn_element *element, uint32_t offset,
                             union tvn_flat *slots);
/*
 * HOT PATH. Runs an entry that takes a stream-element; without a payload the guest is lent an empty
 * buffer. True when it came back alive: slots hold the
 * flat result and the caller finishes the call; false: the call is over and the instance dead.
 */
bool tvn_stage_call_with_element(struct tvn_component_stage *stage, const struct tvn_export *export,
                                 const struct tvn_element *element, union tvn_flat *slots);
/*
 * HOT PATH. Moves the buffer of the output-element at `element` out of the guest and appends a
 * record to call->out; timestamp 0 and sequence are the reactor's to overwrite. EMIT, or DEAD and
 * nothing was taken.
 */
enum tvn_outcome tvn_stage_lift_output(struct tvn_component_stage *stage,
                                       const struct tvn_export *export, const uint8_t *element,
                                       struct tvn_call *call);
/* HOT PATH. The result area that slots[0] points to; NULL when it is out of bounds or misaligned.
 */
static inline const uint8_t *tvn_stage_result_area(const struct tvn_export *export,
                                                   const union tvn_flat *slots, uint32_t size,
                                                   uint32_t alignment)
{
    uint32_t pointer = slots[0].u32;
    return (pointer & (alignment - 1)) == 0 ? tvn_guest_mem_at(export->mem, pointer, size) : NULL;
}

/* HOT PATH. The same in the part of the memory that was seen before; false does not mean that it is
 * bad. */
TVN_NODISCARD static inline bool tvn_stage_result_seen(const struct tvn_export *export,
                                                       const union tvn_flat *slots, uint32_t size,
                                                       uint32_t alignment, const uint8_t **out_area)
{
    uint32_t pointer = slots[0].u32;
    uint8_t *area;
    if (TVN_UNLIKELY((pointer & (alignment - 1)) != 0 ||
                     !tvn_guest_mem_seen(export->mem, pointer, size, &area))) {
        return false;
    }
    *out_area = area;
    return true;
}

/* ---- entries whose results are lists, in stage_lists.c ---- */

/*
 * HOT PATH. ROUTE: call->ports. An unknown port is ERROR with E0204; malformed lists and more than
 * TVN_ROUTE_NAMES_MAX names, or a name of more than TVN_ROUTE_NAME_MAX bytes, kill the instance.
 */
enum tvn_outcome tvn_stage_route(struct tvn_component_stage *stage, struct tvn_call *call);
/*
 * COLD PATH. FLUSH: the first call lifts the guest's whole list into stage->flush, which counts
 * against the stage's budget (DEAD with E0310 when it does not fit); each call hands out the next
 * part of it, at last nothing.
 */
enum tvn_outcome tvn_stage_flush(struct tvn_component_stage *stage, struct tvn_call *call);
/* What was lifted and not handed out goes back to the pool. */
void tvn_stage_discard_flush(struct tvn_component_stage *stage);
