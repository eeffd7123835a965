/* SPDX-License-Identifier: Apache-2.0 */
/* One vector of a source. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/vector_internal.h"

/* A pull that gave nothing: the vector ends. */
static TVN_HOT void source_gave_nothing(struct tvn_vector *vector, enum tvn_outcome outcome,
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

/* The pulls of one vector. */
struct row {
    struct tvn_vector *vector;
    uint64_t budget;
    uint64_t base;            /* wall clock minus the flow's clock */
    struct tvn_element *slot; /* of the next element */
    bool more;                /* another pull is prepared */
    struct tvn_call call;
    struct tvn_watched watched; /* of a row that is watched */
};

/* Makes the call ready for the next pull. */
static TVN_ALWAYS_INLINE void prepare(struct row *row, const bool simple)
{
    row->slot = tvn_vector_slot(row->vector->flow, row->vector->output, simple);
    *row->slot = (struct tvn_element){0};
    row->call.out = row->slot;
    row->call.out_count = 0;
}

/* What comes after a pull. Says whether there is to be another one, and prepares it. */
static TVN_ALWAYS_INLINE bool settle(struct row *row, enum tvn_outcome outcome, const bool simple)
{
    struct tvn_vector *vector = row->vector;
    struct tvn_flow *flow = vector->flow;
    struct tvn_element *slot = row->slot;
    if (TVN_UNLIKELY(outcome != TVN_OUTCOME_EMIT || row->call.out_count == 0)) {
        source_gave_nothing(vector, outcome, &row->call);
        return false;
    }
    tvn_assert(row->call.out_count == 1);
    bool go_on = tvn_vector_next(vector);
    if (TVN_UNLIKELY(row->call.waited)) {
        row->call.waited = false;
        tvn_flow_read_clock(flow);
        go_on = false;
    }
    slot->sequence = flow->pulled++;
    slot->timestamp_ns = tvn_max(row->base + flow->now_ns, flow->last_timestamp_ns);
    flow->last_timestamp_ns = slot->timestamp_ns;
    vector->pulled++;
    tvn_vector_put(vector, slot, UINT64_C(1), simple);
    if (!go_on || (!simple && vector->stop) || vector->pulled == row->budget || flow->cut_pending) {
        return false;
    }
    prepare(row, simple);
    return true;
}

static bool is_watched(const struct tvn_vector *vector)
{
    const struct tvn_flow *flow = vector->flow;
    return tvn_watch_pull(flow->events, vector->watch, flow->pulled);
}

/* Between two pulls of a row that is watched. */
static bool settle_watched_in_row(void *context, enum tvn_outcome outcome)
{
    struct row *row = context;
    row->watched.sequence = row->vector->flow->pulled;
    bool goes_on = tvn_vector_watch_in_row(row->vector, &row->watched, &row->call, outcome);
    row->vector->invocations++;
    row->more = settle(row, outcome, true);
    return row->more && goes_on;
}

/* Between two pulls of a row: one that is watched is made outside of it. */
static bool settle_in_row(void *context, enum tvn_outcome outcome)
{
    struct row *row = context;
    row->vector->invocations++;
    row->more = settle(row, outcome, true);
    return row->more && !is_watched(row->vector);
}

/* Pulls in a row: if all are watched, or the next one is not and the invoker can. False: none was
 * made. */
static TVN_ALWAYS_INLINE bool pull_row(struct row *row)
{
    struct tvn_vector *vector = row->vector;
    tvn_next_call next = settle_in_row;
    if (TVN_UNLIKELY(is_watched(vector))) {
        row->watched = tvn_vector_watched(vector, NULL, NULL);
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

static TVN_ALWAYS_INLINE void pull(struct row *row, const bool simple)
{
    struct tvn_vector *vector = row->vector;
    tvn_assert(vector->output);
    row->more = vector->pulled < row->budget && !vector->flow->cut_pending;
    if (row->more) {
        prepare(row, simple);
    }
    while (row->more) {
        if (simple && pull_row(row)) {
            continue;
        }
        row->more = settle(row, tvn_vector_pull(vector, &row->call), simple);
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
    struct row row = {
        .vector = &vector,
        .budget = budget,
        .base = timestamp_base(flow),
        .call = {.out_capacity = 1, .fault = &flow->fault},
    };
    if (stage->simple) {
        pull(&row, true);
    } else {
        pull(&row, false);
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
