/* SPDX-License-Identifier: Apache-2.0 */
/* One vector of a stage with inputs. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/vector_internal.h"

#include <string.h>

/* The element at the head of the input is done with. */
static TVN_ALWAYS_INLINE void take(struct tvn_vector *vector, struct tvn_edge *input,
                                   const bool simple)
{
    if (simple) {
        tvn_queue_pop(&input->queue);
    } else {
        tvn_queue_pop_sized(&input->queue);
        input->taken++;
        vector->stage->input_cursor = vector->stage->input_next;
        vector->stage->repeat = false;
    }
    vector->taken++;
    vector->stage->attempts = 0;
}

static TVN_ALWAYS_INLINE void drop(struct tvn_vector *vector, struct tvn_edge *input,
                                   struct tvn_element *in, const bool simple)
{
    tvn_flow_release_payload(vector->flow, in);
    take(vector, input, simple);
    vector->dropped++;
}

/* What an output inherits from the element that it was made of. */
static inline void inherit(struct tvn_element *out, const struct tvn_element *from)
{
    if (out->timestamp_ns == 0) {
        out->timestamp_ns = from->timestamp_ns;
    }
    out->sequence = from->sequence;
    out->flags = from->flags;
    out->spare = from->spare;
    memcpy(out->trace_id, from->trace_id, sizeof(out->trace_id));
    memcpy(out->parent_id, from->parent_id, sizeof(out->parent_id));
}

static TVN_ALWAYS_INLINE void processed(struct tvn_vector *vector, struct tvn_edge *input,
                                        struct tvn_element *in, struct tvn_element *slot,
                                        const bool simple)
{
    inherit(slot, in);
    if (slot->payload.raw != in->payload.raw) {
        tvn_flow_release_payload(vector->flow, in);
    }
    take(vector, input, simple);
    tvn_vector_put(vector, slot, UINT64_C(1), simple);
}

static TVN_ALWAYS_INLINE void delivered(struct tvn_vector *vector, struct tvn_edge *input,
                                        struct tvn_element *in, struct tvn_call *call,
                                        const bool simple)
{
    struct tvn_stage *stage = vector->stage;
    tvn_flow_release_payload(vector->flow, in);
    take(vector, input, simple);
    vector->delivered++;
    vector->emitted++;
    if (TVN_UNLIKELY(call->signal == TVN_SIGNAL_PAUSE)) {
        call->signal = TVN_SIGNAL_READY;
        tvn_stage_wait_backoff(vector->flow, stage);
        if (stage->simple) { /* else the merge policy says which one comes next */
            tvn_stage_lease(vector->flow, stage, input);
        }
    } else {
        stage->backoff_ns = 0;
    }
}

static TVN_ALWAYS_INLINE void passed_on(struct tvn_vector *vector, struct tvn_edge *input,
                                        struct tvn_element *in, struct tvn_call *call,
                                        uint64_t ports, const bool simple)
{
    *call->out = *in;
    take(vector, input, simple);
    tvn_vector_put(vector, call->out, ports, simple);
}

/* An outcome other than EMIT and DROP. */
static TVN_COLD void refused(struct tvn_vector *vector, struct tvn_edge *input,
                             struct tvn_element *in, enum tvn_outcome outcome)
{
    struct tvn_stage *stage = vector->stage;
    tvn_assert(outcome != TVN_OUTCOME_END); /* only a source may say so */
    stage->repeat = !stage->simple;
    if (outcome == TVN_OUTCOME_WAIT) {
        tvn_stage_wait(vector->flow, stage);
        return;
    }
    if (tvn_stage_judge(vector->flow, stage, stage->entry, outcome, in) == TVN_VERDICT_RETRY) {
        tvn_stage_lease(vector->flow, stage, input);
        return;
    }
    tvn_flow_release_payload(vector->flow, in);
    if (stage->simple) {
        take(vector, input, true);
    } else {
        take(vector, input, false);
    }
    vector->failed++;
}

static void routed(struct tvn_vector *vector, struct tvn_edge *input, struct tvn_element *in,
                   struct tvn_call *call, const bool simple)
{
    uint64_t ports = call->ports;
    call->ports = 0;
    if (TVN_UNLIKELY((ports & ~vector->stage->ports) != 0)) {
        vector->flow->fault = (struct tvn_fault){
            .code = TVN_E_ROUTER_PORT_UNKNOWN,
            .error = TVN_PROCESS_INTERNAL,
            .text = "the router named a port that no edge of the flow has",
        };
        refused(vector, input, in, TVN_OUTCOME_ERROR);
    } else if (ports == 0) {
        drop(vector, input, in, simple);
    } else {
        passed_on(vector, input, in, call, ports, simple);
    }
}

static void aggregated(struct tvn_vector *vector, struct tvn_edge *input, struct tvn_element *in,
                       struct tvn_call *call, const bool simple)
{
    struct tvn_stage *stage = vector->stage;
    *stage->last = *in;
    stage->has_last = true;
    if (call->out_count == 0) {
        tvn_flow_release_payload(vector->flow, in);
        take(vector, input, simple);
        vector->absorbed++;
        stage->held++;
        return;
    }
    tvn_assert(call->out_count == 1);
    stage->held = 0;
    processed(vector, input, in, call->out, simple);
}

static void accepted_by_others(struct tvn_vector *vector, struct tvn_edge *input,
                               struct tvn_element *in, struct tvn_call *call, const bool simple)
{
    if (vector->stage->role == TVN_ROLE_ROUTER) {
        routed(vector, input, in, call, simple);
    } else {
        aggregated(vector, input, in, call, simple);
    }
}

/* EMIT of the entry that takes elements. */
static TVN_ALWAYS_INLINE void accepted(struct tvn_vector *vector, struct tvn_edge *input,
                                       struct tvn_element *in, struct tvn_call *call,
                                       const bool simple)
{
    enum tvn_role role = vector->stage->role;
    if (role == TVN_ROLE_SINK) {
        delivered(vector, input, in, call, simple);
    } else if (role == TVN_ROLE_FILTER) {
        passed_on(vector, input, in, call, UINT64_C(1), simple);
    } else if (role != TVN_ROLE_PROCESSOR) {
        accepted_by_others(vector, input, in, call, simple);
    } else if (TVN_UNLIKELY(call->out_count == 0)) {
        drop(vector, input, in, simple);
    } else {
        tvn_assert(call->out_count == 1);
        processed(vector, input, in, call->out, simple);
    }
}

/* What FLUSH put out; it stands in a row from `out` on. */
static void flushed(struct tvn_vector *vector, struct tvn_element *out, uint32_t count)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_stage *stage = vector->stage;
    stage->held = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (stage->has_last) {
            stage->last->sequence++;
        } else {
            *stage->last =
                (struct tvn_element){.timestamp_ns = flow->env.wall_ns(flow->env.context)};
            stage->has_last = true;
        }
        inherit(&out[i], stage->last);
        vector->flushed++;
        if (stage->simple) {
            tvn_vector_put(vector, &out[i], UINT64_C(1), true);
        } else {
            tvn_vector_put(vector, &out[i], UINT64_C(1), false);
        }
    }
}

/* Where FLUSH may put out, and how much. */
static struct tvn_element *flush_slots(struct tvn_vector *vector, uint32_t budget,
                                       uint32_t *out_capacity)
{
    tvn_assert(vector->output);
    struct tvn_queue *queue = &vector->output->queue;
    if (!vector->stage->simple || tvn_queue_is_full(queue)) {
        *out_capacity = 1;
        return &vector->flow->scratch;
    }
    budget = tvn_min(budget, tvn_queue_slots_in_a_row(queue));
    *out_capacity = tvn_min(budget, (uint32_t)TVN_CALL_OUT_MAX);
    return tvn_queue_next_slot(queue);
}

/* FLUSH until nothing more comes. */
static bool flush(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    uint32_t budget = tvn_stage_credits(flow, stage, vector_max);
    struct tvn_vector vector = tvn_vector_begin(flow, stage, TVN_FLOW_STRIDE);
    bool over = false;
    while (vector.flushed < budget && !vector.stop && !over && !flow->cut_pending &&
           stage->phase == TVN_STAGE_READY) {
        struct tvn_call call = {.fault = &flow->fault};
        call.out = flush_slots(&vector, budget - vector.flushed, &call.out_capacity);
        memset(call.out, 0, call.out_capacity * sizeof(*call.out));
        enum tvn_outcome outcome = tvn_stage_call_other(flow, stage, TVN_ENTRY_FLUSH, &call);
        if (outcome == TVN_OUTCOME_EMIT && call.out_count > 0) {
            tvn_assert(call.out_count <= call.out_capacity);
            stage->attempts = 0;
            flushed(&vector, call.out, call.out_count);
        } else if (outcome == TVN_OUTCOME_WAIT) {
            tvn_stage_wait(flow, stage);
        } else if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
            over = tvn_stage_judge(flow, stage, TVN_ENTRY_FLUSH, outcome, NULL) == TVN_VERDICT_SKIP;
        } else {
            over = true;
        }
        if (!tvn_vector_next(&vector)) {
            break;
        }
    }
    tvn_flow_read_clock(flow); /* also after a call that put nothing out */
    tvn_vector_end(&vector);
    if (stage->held_lost) {
        tvn_stage_settle_loss(flow, stage);
    }
    tvn_vector_filled(&vector);
    if (over) {
        tvn_stage_end(flow, stage);
    }
    return over || vector.flushed > 0 || flow->cut_pending;
}

static bool complete(struct tvn_flow *flow, struct tvn_stage *stage)
{
    struct tvn_call call = {.fault = &flow->fault};
    enum tvn_outcome outcome = tvn_stage_call_other(flow, stage, TVN_ENTRY_COMPLETE, &call);
    tvn_flow_read_clock(flow);
    if (outcome == TVN_OUTCOME_WAIT) {
        tvn_stage_wait(flow, stage);
        return false;
    }
    if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        switch (tvn_stage_judge(flow, stage, TVN_ENTRY_COMPLETE, outcome, NULL)) {
        case TVN_VERDICT_RETRY:
            return false;
        case TVN_VERDICT_FAIL:
            return true; /* the cut ends it */
        case TVN_VERDICT_SKIP:
            break;
        }
    }
    tvn_stage_end(flow, stage);
    return true;
}

/* The inputs have ended and are empty. */
static bool finish(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    const struct tvn_invoker_ops *ops = stage->invoker->ops;
    if (stage->role == TVN_ROLE_AGGREGATOR) {
        return flush(flow, stage, vector_max);
    }
    if (stage->role == TVN_ROLE_SINK && ops->has_entry(stage->invoker, TVN_ENTRY_COMPLETE)) {
        return complete(flow, stage);
    }
    tvn_stage_end(flow, stage);
    return true;
}

/* The elements of one vector on their way through the stage. */
struct row {
    struct tvn_vector *vector;
    struct tvn_edge *input;
    struct tvn_element *in; /* at the head of the input */
    uint32_t budget;
    bool more; /* another element is offered */
    struct tvn_call call;
    struct tvn_watched watched; /* of a row that is watched */
};

/* Makes the call ready for the head of the input. */
static TVN_ALWAYS_INLINE void offer(struct row *row, const bool simple)
{
    row->in = tvn_queue_front(&row->input->queue);
    row->call.in = row->in;
    if (row->vector->output) {
        row->call.out = tvn_vector_slot(row->vector->flow, row->vector->output, simple);
        row->call.out_count = 0;
    }
}

/* What comes after a call. Says whether there is another element for the stage, and offers it. */
static TVN_ALWAYS_INLINE bool settle(struct row *row, enum tvn_outcome outcome, const bool simple)
{
    struct tvn_vector *vector = row->vector;
    struct tvn_stage *stage = vector->stage;
    if (TVN_LIKELY(outcome == TVN_OUTCOME_EMIT)) {
        accepted(vector, row->input, row->in, &row->call, simple);
    } else if (outcome == TVN_OUTCOME_DROP) {
        drop(vector, row->input, row->in, simple);
    } else {
        refused(vector, row->input, row->in, outcome);
    }
    if (!tvn_vector_next(vector) || TVN_UNLIKELY(stage->phase != TVN_STAGE_READY) ||
        TVN_UNLIKELY(vector->flow->cut_pending) || vector->taken == row->budget) {
        return false;
    }
    if (!simple) {
        if (vector->stop) {
            return false;
        }
        if (!tvn_stage_keeps_input(stage)) {
            row->input = tvn_stage_next_input(stage, false);
            if (!row->input) {
                return false;
            }
        }
    }
    offer(row, simple);
    return true;
}

/* Between two calls of a row that is watched. */
static bool settle_watched_in_row(void *context, enum tvn_outcome outcome)
{
    struct row *row = context;
    row->watched.in = row->in;
    row->watched.sequence = row->in->sequence;
    bool goes_on = tvn_vector_watch_in_row(row->vector, &row->watched, &row->call, outcome);
    row->vector->invocations++;
    row->more = settle(row, outcome, true);
    return row->more && goes_on;
}

/* Between two calls of a row: a call that is watched is made outside of it. */
static bool settle_in_row(void *context, enum tvn_outcome outcome)
{
    struct row *row = context;
    row->vector->invocations++;
    row->more = settle(row, outcome, true);
    return row->more && !tvn_watch_element(row->vector->watch, row->in->flags);
}

/* Makes calls in a row: if all of them are watched, or the next one is not and the invoker can.
 * False: none was made. */
static TVN_ALWAYS_INLINE bool call_row(struct row *row)
{
    struct tvn_vector *vector = row->vector;
    tvn_next_call next = settle_in_row;
    if (TVN_UNLIKELY(tvn_watch_element(vector->watch, row->in->flags))) {
        row->watched = tvn_vector_watched(vector, row->input, row->in);
        if (!tvn_vector_may_watch_row(vector, &row->watched)) {
            return false;
        }
        next = settle_watched_in_row;
    } else if (!tvn_vector_has_row(vector)) {
        return false;
    }
    tvn_vector_call_row(vector, &row->call, next, row);
    return true;
}

static TVN_ALWAYS_INLINE void consume(struct row *row, const bool simple)
{
    struct tvn_vector *vector = row->vector;
    row->more = vector->taken < row->budget;
    if (row->more) {
        offer(row, simple);
    }
    while (row->more) {
        if (simple && call_row(row)) {
            continue;
        }
        enum tvn_outcome outcome = tvn_vector_call(vector, row->input, &row->call, row->in);
        row->more = settle(row, outcome, simple);
    }
}

bool tvn_consumer_run(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    struct tvn_edge *input = stage->simple ? stage->input : tvn_stage_next_input(stage, true);
    if (!input || input->queue.count == 0) {
        return tvn_stage_inputs_over(stage) && finish(flow, stage, vector_max);
    }
    uint32_t budget = tvn_stage_credits(flow, stage, vector_max);
    struct tvn_vector vector = tvn_vector_begin(flow, stage, TVN_FLOW_STRIDE);
    if (TVN_UNLIKELY(vector.watch & TVN_WATCH_TAPS)) {
        tvn_stage_tap(flow, stage, budget);
    }
    struct row row = {
        .vector = &vector,
        .input = input,
        .budget = stage->simple ? tvn_min(budget, input->queue.count) : budget,
        .call = {.out_capacity = 1, .fault = &flow->fault},
    };
    if (!stage->simple) {
        consume(&row, false);
    } else {
        consume(&row, true);
    }
    tvn_vector_end(&vector);
    if (TVN_UNLIKELY(stage->held_lost)) {
        tvn_stage_settle_loss(flow, stage);
    }
    if (vector.taken > 0) {
        if (stage->simple) {
            tvn_edge_drained(&vector, input, vector.taken);
        } else {
            tvn_vector_drained(&vector);
        }
        tvn_vector_filled(&vector);
    }
    return vector.taken > 0 || flow->cut_pending;
}
