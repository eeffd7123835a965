/* SPDX-License-Identifier: Apache-2.0 */
/* One vector of a source. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/vector_internal.h"

/* A pull that gave nothing: the vector ends. */
static TVN_COLD void source_gave_nothing(struct tvn_vector *vector, enum tvn_outcome outcome,
                                         const struct tvn_call *call)
{
    struct tvn_flow *flow = vector->flow;
    struct tvn_stage *stage = vector->stage;
    if (vector->pulled > 0) {
        stage->backoff_ns = 0;
        stage->attempts = 0;
    }
    switch (outcome) {
    case TVN_OUTCOME_END:
        if (stage->paused) {
            stage->phase = TVN_STAGE_PARKED; /* "nothing now": asked again after ready */
        } else {
            tvn_stage_end(flow, stage);
        }
        return;
    case TVN_OUTCOME_ERROR:
    case TVN_OUTCOME_DEAD:
        if (tvn_stage_judge(flow, stage, TVN_ENTRY_PULL, outcome, NULL) == TVN_VERDICT_SKIP &&
            !stage->dead) {
            tvn_stage_wait_backoff(flow, stage);
        }
        return;
    case TVN_OUTCOME_WAIT:
    case TVN_OUTCOME_DROP:
    case TVN_OUTCOME_EMIT:
        break;
    }
    if (call->wake_ns != 0) {
        stage->wake_ns = call->wake_ns;
        stage->phase = TVN_STAGE_WAIT_TIME;
        return;
    }
    tvn_stage_wait(flow, stage);
}

static uint64_t timestamp_base(struct tvn_flow *flow)
{
    uint64_t wall = flow->env.wall_ns(flow->env.context);
    return wall - flow->now_ns; /* may wrap; only used to add a reading of now */
}

static TVN_ALWAYS_INLINE void pull(struct tvn_vector *vector, uint64_t budget, const bool simple)
{
    struct tvn_flow *flow = vector->flow;
    uint64_t base = timestamp_base(flow);
    tvn_assert(vector->output);
    struct tvn_call call = {.out_capacity = 1, .fault = &flow->fault};
    while (vector->pulled < budget && !flow->cut_pending) {
        struct tvn_element *slot = tvn_vector_slot(flow, vector->output, simple);
        *slot = (struct tvn_element){0};
        call.out = slot;
        call.out_count = 0;
        enum tvn_outcome outcome = tvn_vector_pull(vector, &call);
        if (TVN_UNLIKELY(outcome != TVN_OUTCOME_EMIT || call.out_count == 0)) {
            source_gave_nothing(vector, outcome, &call);
            return;
        }
        tvn_assert(call.out_count == 1);
        bool go_on = tvn_vector_next(vector);
        if (TVN_UNLIKELY(call.waited)) {
            call.waited = false;
            tvn_flow_read_clock(flow);
            go_on = false;
        }
        slot->sequence = flow->pulled++;
        slot->timestamp_ns = tvn_max(base + flow->now_ns, flow->last_timestamp_ns);
        flow->last_timestamp_ns = slot->timestamp_ns;
        vector->pulled++;
        tvn_vector_put(vector, slot, UINT64_C(1), simple);
        if (!go_on || (!simple && vector->stop)) {
            return;
        }
    }
}

bool tvn_source_run(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max)
{
    if (flow->sources_stopped) {
        tvn_stage_end(flow, stage);
        return true;
    }
    uint64_t budget = tvn_stage_credits(flow, stage, vector_max);
    if (budget == 0) {
        return false;
    }
    budget = tvn_min(budget, flow->limit - flow->pulled);
    struct tvn_vector vector = tvn_vector_begin(flow, stage, TVN_FLOW_SOURCE_STRIDE);
    if (stage->simple) {
        pull(&vector, budget, true);
    } else {
        pull(&vector, budget, false);
    }
    if (vector.pulled > 0 && stage->phase == TVN_STAGE_READY) {
        stage->attempts = 0;
        stage->backoff_ns = 0;
    }
    flow->turn_pulled += vector.pulled;
    if (flow->pulled == flow->limit) {
        flow->sources_stopped = true;
    }
    tvn_vector_end(&vector);
    tvn_vector_filled(&vector);
    return vector.pulled > 0 || stage->phase == TVN_STAGE_ENDED || flow->cut_pending;
}
