/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold when the reactor calls a stage, and between turns. */
#include "base/num.h"
#include "programs/simulate_internal.h"
#include "reactor/flow_inspect.h"

bool tvn_sim_model_close_over(const struct tvn_sim_flow *flow)
{
    struct tvn_flow_view view;
    tvn_flow_inspect(flow->flow, &view);
    return flow->world->now_ns >= view.close_deadline_ns;
}

static void before_lifecycle(struct tvn_sim_stage *stage, enum tvn_entry entry)
{
    struct tvn_sim_flow *flow = stage->flow;
    if (entry == TVN_ENTRY_INIT) {
        tvn_sim_require(flow, !stage->initialised && !flow->started, "stage %u: INIT twice",
                        stage->index);
        for (uint32_t i = 0; i < stage->output_count; i++) {
            const struct tvn_sim_stage *to = &flow->stages[flow->edges[stage->outputs[i]].to];
            tvn_sim_require(flow, to->initialised || !tvn_sim_has(to, TVN_ENTRY_INIT),
                            "stage %u: INIT before its consumer's", stage->index);
        }
        return;
    }
    tvn_sim_require(flow, !tvn_sim_has(stage, TVN_ENTRY_INIT) || stage->initialised,
                    "stage %u: TEARDOWN without INIT", stage->index);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const struct tvn_sim_stage *from = &flow->stages[flow->edges[stage->inputs[i]].from];
        tvn_sim_require(flow,
                        from->torn_down || from->dead || !tvn_sim_has(from, TVN_ENTRY_TEARDOWN) ||
                            (tvn_sim_has(from, TVN_ENTRY_INIT) && !from->initialised) ||
                            !flow->started,
                        "stage %u: TEARDOWN before its producer's", stage->index);
    }
    if (!flow->closing) {
        struct tvn_flow_view view;
        tvn_flow_inspect(flow->flow, &view);
        uint64_t grace = tvn_stop_level(&flow->stop) == TVN_STOP_CANCEL ? TVN_FLOW_CANCEL_WAIT_NS
                                                                        : TVN_FLOW_TEARDOWN_WAIT_NS;
        tvn_sim_require(flow,
                        view.closing && view.close_deadline_ns >= flow->turn_begin_ns + grace &&
                            view.close_deadline_ns <= flow->world->now_ns + grace,
                        "TEARDOWN has a wrong deadline");
        flow->closing = true;
        for (uint32_t i = 0; i < flow->stage_count; i++) {
            flow->stages[i].wait = TVN_SIM_WAIT_NONE;
        }
    }
    tvn_sim_require(flow, !tvn_sim_model_waits(stage) || tvn_sim_model_close_over(flow),
                    "stage %u: TEARDOWN while it waits", stage->index);
}

/* Evicting by bytes can relieve one output in the vector that throttles another; they are settled
 * one by one. */
static bool mixes_directions(const struct tvn_sim_stage *stage)
{
    for (uint32_t i = 0; i < stage->output_count; i++) {
        const struct tvn_sim_edge *edge = &stage->flow->edges[stage->outputs[i]];
        if (edge->max_bytes > 0 && !tvn_sim_blocks(edge)) {
            return true;
        }
    }
    return false;
}

static void before_notify(struct tvn_sim_stage *stage, enum tvn_signal signal)
{
    struct tvn_sim_flow *flow = stage->flow;
    bool throttled = signal == TVN_SIGNAL_PAUSE;
    tvn_sim_require(flow, flow->in_turn && flow->may_call, "stage %u: NOTIFY out of turn",
                    stage->index);
    tvn_sim_require(flow, stage->paused != throttled, "stage %u: signal %d twice", stage->index,
                    (int)signal);
    /* While a cut is pending the edges that it closes count no more: the reactor knows which. */
    tvn_sim_require(flow,
                    flow->cut_pending || mixes_directions(stage) ||
                        tvn_sim_model_pauses(stage) == throttled,
                    "stage %u: signal %d without reason", stage->index, (int)signal);
    stage->paused = throttled;
    if (!throttled && stage->wait == TVN_SIM_WAIT_PARKED) {
        stage->wait = TVN_SIM_WAIT_NONE;
    }
}

/* The input whose first element `in` is. */
struct tvn_sim_edge *tvn_sim_model_input(struct tvn_sim_stage *stage, const struct tvn_element *in)
{
    struct tvn_sim_flow *flow = stage->flow;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        struct tvn_edge_view view;
        tvn_flow_inspect_edge(flow->flow, stage->inputs[i], &view);
        if (view.queue->count > 0 && in == &view.queue->slots[view.queue->head]) {
            return &flow->edges[stage->inputs[i]];
        }
    }
    tvn_sim_violation(flow->world, flow, "stage %u: got an element of no input", stage->index);
}

void tvn_sim_model_timestamp(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge,
                             struct tvn_sim_record *record, uint64_t timestamp_ns)
{
    if (record->timestamp_ns == 0) { /* pulled in this turn */
        uint64_t now = flow->world->now_ns + flow->world->wall_offset_ns;
        tvn_sim_require(flow,
                        timestamp_ns >= tvn_max(edge->last_timestamp_ns, flow->turn_wall_ns) &&
                            timestamp_ns <= tvn_max(flow->wall_high_ns, now),
                        "element %llu has a wrong timestamp", (unsigned long long)record->sequence);
        edge->last_timestamp_ns = timestamp_ns;
        record->timestamp_ns = timestamp_ns;
    }
    tvn_sim_require(flow, timestamp_ns == record->timestamp_ns,
                    "the timestamp of element %llu changed", (unsigned long long)record->sequence);
}

/* The last pull waited and nobody was called since: those behind must have had nothing to do. */
static void check_consumers_waited(const struct tvn_sim_stage *stage)
{
    struct tvn_sim_flow *flow = stage->flow;
    bool over[TVN_SIM_STAGES_MAX];
    tvn_sim_model_ends(flow, over);
    for (uint32_t i = 0; i < stage->output_count; i++) {
        const struct tvn_sim_edge *edge = &flow->edges[stage->outputs[i]];
        tvn_sim_require(flow, !tvn_sim_model_ready(&flow->stages[edge->to], over),
                        "stage %u: pulled again after it waited, before its consumers",
                        stage->index);
    }
}

/* The first one from `start` on, around, that has an element. */
static const struct tvn_sim_edge *first_with_element(const struct tvn_sim_stage *stage,
                                                     uint32_t start)
{
    for (uint32_t i = 0; i < stage->input_count; i++) {
        uint32_t place = (start + i) % stage->input_count;
        const struct tvn_sim_edge *edge = &stage->flow->edges[stage->inputs[place]];
        if (edge->count > 0) {
            return edge;
        }
    }
    return NULL;
}

/* Is it this input's turn? */
static void check_merge(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge)
{
    struct tvn_sim_flow *flow = stage->flow;
    uint32_t last = stage->input_count - 1; /* as if it had been the one before the first */
    for (uint32_t i = 0; i < stage->input_count; i++) {
        struct tvn_sim_edge *input = &flow->edges[stage->inputs[i]];
        if (input == stage->taken) {
            last = i;
        }
        tvn_sim_require(flow,
                        stage->merge == TVN_MERGE_PRIORITY ||
                            input->passed_over <= 2 * flow->quantum.elements * stage->input_count,
                        "stage %u takes nothing from edge %u", stage->index, stage->inputs[i]);
    }
    if (stage->repeats) {
        tvn_sim_require(flow, edge == stage->repeats, "stage %u: another element before a retry",
                        stage->index);
    } else if (stage->merge == TVN_MERGE_PRIORITY) {
        tvn_sim_require(flow, edge == first_with_element(stage, 0),
                        "stage %u: an input before one with priority", stage->index);
    } else if (stage->merge == TVN_MERGE_ROUND_ROBIN) {
        tvn_sim_require(flow, edge == first_with_element(stage, last + 1),
                        "stage %u: an input out of turn", stage->index);
    }
}

/* A vector may have ended between two calls of the same stage: then what waited beside the queue
 * went in, which only the reactor knows. */
static void follow_held(struct tvn_sim_stage *stage)
{
    struct tvn_sim_flow *flow = stage->flow;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        struct tvn_sim_edge *edge = &flow->edges[stage->inputs[i]];
        if (!edge->has_held) {
            continue;
        }
        struct tvn_edge_view view;
        tvn_flow_inspect_edge(flow->flow, stage->inputs[i], &view);
        if (!view.held) {
            tvn_sim_model_settle(edge);
            tvn_sim_require(flow, !edge->has_held, "edge %u took what does not fit",
                            stage->inputs[i]);
        }
    }
}

static void check_input(struct tvn_sim_stage *stage, const struct tvn_element *in)
{
    struct tvn_sim_flow *flow = stage->flow;
    follow_held(stage);
    struct tvn_sim_edge *edge = tvn_sim_model_input(stage, in);
    tvn_sim_require(flow, edge->count > 0, "stage %u: got an element too many", stage->index);
    struct tvn_sim_record *record = tvn_sim_record_at(edge, 0);
    tvn_sim_model_timestamp(flow, edge, record, in->timestamp_ns);
    tvn_sim_require(flow, in->sequence == record->sequence && in->payload.raw == record->payload,
                    "stage %u: got element %llu instead of %llu", stage->index,
                    (unsigned long long)in->sequence, (unsigned long long)record->sequence);
    check_merge(stage, edge);
}

static void before_element(struct tvn_sim_stage *stage, enum tvn_entry entry,
                           const struct tvn_call *call)
{
    struct tvn_sim_flow *flow = stage->flow;
    tvn_sim_require(flow, tvn_sim_model_credit(stage), "stage %u: called without credit",
                    stage->index);
    if (entry == TVN_ENTRY_PULL) {
        tvn_sim_require(flow, !flow->sources_stopped && !stage->exhausted,
                        "stage %u: pulled after the end", stage->index);
        tvn_sim_require(flow, flow->pulled < flow->limit, "stage %u: pulled beyond the limit",
                        stage->index);
        if (flow->blocked == stage) {
            check_consumers_waited(stage);
        }
    } else {
        check_input(stage, call->in);
    }
    tvn_sim_require(flow, stage->output_count == 0 || (call->out && call->out_capacity > 0),
                    "stage %u: no place for the output", stage->index);
    tvn_sim_require(flow,
                    call->out_count == 0 && call->signal == TVN_SIGNAL_READY && !call->waited &&
                        call->wake_ns == 0 && call->ports == 0,
                    "stage %u: the call has the answer of another", stage->index);
    if (flow->blocked != stage) {
        flow->blocked = NULL;
    }
}

/* COMPLETE and FLUSH. */
static void before_last(struct tvn_sim_stage *stage, enum tvn_entry entry,
                        const struct tvn_call *call)
{
    struct tvn_sim_flow *flow = stage->flow;
    bool over[TVN_SIM_STAGES_MAX];
    tvn_sim_model_ends(flow, over);
    tvn_sim_require(flow, !stage->completed, "stage %u: completed twice", stage->index);
    if (entry == TVN_ENTRY_FLUSH) {
        tvn_sim_require(flow, tvn_sim_model_credit(stage), "stage %u: flushed without credit",
                        stage->index);
        tvn_sim_require(flow,
                        call->out && call->out_capacity > 0 &&
                            call->out_capacity <= TVN_CALL_OUT_MAX && call->out_count == 0,
                        "stage %u: no place for what is flushed", stage->index);
    }
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const struct tvn_sim_edge *edge = &flow->edges[stage->inputs[i]];
        tvn_sim_require(flow, over[edge->from] && edge->count == 0,
                        "stage %u: COMPLETE before the end of its input", stage->index);
    }
}

/* What the reactor must have done since the last call. */
static void before_any(const struct tvn_sim_stage *stage)
{
    tvn_sim_require(stage->flow, !stage->flow->letter_due, "stage %u: a dead letter is lost",
                    stage->flow->letter_stage);
}

static void follow_cut(struct tvn_sim_flow *flow)
{
    if (flow->cut_pending) {
        tvn_sim_model_cut(flow);
    }
}

/* The vector of the stage is over. */
static void settle_inputs(const struct tvn_sim_stage *stage)
{
    for (uint32_t i = 0; stage && i < stage->input_count; i++) {
        tvn_sim_model_settle(&stage->flow->edges[stage->inputs[i]]);
    }
}

void tvn_sim_model_before(struct tvn_sim_stage *stage, enum tvn_entry entry,
                          const struct tvn_call *call)
{
    struct tvn_sim_flow *flow = stage->flow;
    struct tvn_sim_world *world = flow->world;
    before_any(stage);
    tvn_sim_require(flow, !stage->dead, "stage %u: called after it died", stage->index);
    tvn_sim_require(flow, !stage->torn_down, "stage %u: called after TEARDOWN", stage->index);
    tvn_sim_require(flow, call->fault->code == TVN_OK && call->fault->text[0] == '\0',
                    "stage %u: called with another's fault", stage->index);
    if (entry == TVN_ENTRY_INIT || entry == TVN_ENTRY_TEARDOWN) {
        flow->calls_in_turn++;
        before_lifecycle(stage, entry);
        return;
    }
    if (entry == TVN_ENTRY_NOTIFY) {
        before_notify(stage, call->signal);
        return;
    }
    follow_cut(flow);
    tvn_sim_require(flow, flow->in_turn && flow->may_call && !flow->closing,
                    "stage %u: called out of turn", stage->index);
    tvn_sim_require(flow, !stage->ended && !stage->failed, "stage %u: called after its end",
                    stage->index);
    tvn_sim_require(flow, !tvn_sim_model_waits(stage), "stage %u: called while it waits",
                    stage->index);
    stage->wait = TVN_SIM_WAIT_NONE;
    if (world->now_ns >= flow->turn_end_ns && flow->calls_in_turn > 0) {
        flow->late_calls++;
        tvn_sim_require(flow, flow->late_calls <= TVN_FLOW_STRIDE,
                        "stage %u: the turn goes on long after its time", stage->index);
    }
    flow->calls_in_turn++;
    stage->starving_turns = 0;
    if (flow->called != stage) {
        settle_inputs(flow->called);
        flow->called = stage;
    }
    if (entry == TVN_ENTRY_COMPLETE || entry == TVN_ENTRY_FLUSH) {
        before_last(stage, entry, call);
    } else {
        before_element(stage, entry, call);
    }
}

void tvn_sim_model_restart(struct tvn_sim_stage *stage)
{
    struct tvn_sim_flow *flow = stage->flow;
    before_any(stage);
    follow_cut(flow);
    tvn_sim_require(flow, stage->dead && !stage->failed && !stage->ended,
                    "stage %u: restarted without need", stage->index);
    tvn_sim_require(flow, flow->in_turn && flow->may_call && !flow->closing,
                    "stage %u: restarted out of turn", stage->index);
    tvn_sim_require(flow, !tvn_sim_model_waits(stage), "stage %u: restarted while it waits",
                    stage->index);
    flow->calls_in_turn++;
    stage->starving_turns = 0;
    stage->wait = TVN_SIM_WAIT_NONE;
    flow->blocked = NULL;
}

void tvn_sim_model_undelivered(struct tvn_sim_stage *stage, uint64_t count)
{
    struct tvn_sim_flow *flow = stage->flow;
    tvn_sim_require(flow, flow->in_turn && !stage->settled, "stage %u: asked twice at its end",
                    stage->index);
    tvn_sim_require(flow,
                    stage->torn_down || stage->dead || !stage->initialised ||
                        !tvn_sim_has(stage, TVN_ENTRY_TEARDOWN),
                    "stage %u: asked before its TEARDOWN", stage->index);
    stage->settled = true;
    stage->failures += count;
    flow->failures += count;
    flow->delivered -= count;
}

void tvn_sim_model_before_idle(struct tvn_sim_stage *stage)
{
    struct tvn_sim_flow *flow = stage->flow;
    before_any(stage);
    follow_cut(flow);
    tvn_sim_require(flow,
                    !stage->dead && !stage->torn_down && flow->in_turn &&
                        (flow->may_call || flow->suspended),
                    "stage %u: idle out of turn", stage->index);
}

/* A turn. */

static bool deadline_over(const struct tvn_sim_flow *flow)
{
    return flow->deadline_ns != UINT64_MAX && flow->failure_code == TVN_OK &&
           tvn_stop_level(&flow->stop) == TVN_STOP_NONE && flow->world->now_ns >= flow->deadline_ns;
}

void tvn_sim_model_begin_turn(struct tvn_sim_flow *flow)
{
    struct tvn_sim_world *world = flow->world;
    enum tvn_stop level = tvn_stop_level(&flow->stop);
    flow->in_turn = true;
    if (flow->idle_since_ns != UINT64_MAX) {
        flow->wakeups++;
        flow->idle_ns += world->now_ns - flow->idle_since_ns;
    }
    flow->calls_in_turn = 0;
    flow->late_calls = 0;
    flow->called = NULL;
    flow->blocked = NULL;
    flow->turn_begin_ns = world->now_ns;
    flow->turn_end_ns = world->now_ns + flow->quantum.duration_ns;
    flow->turn_wall_ns = world->now_ns + world->wall_offset_ns;
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        struct tvn_sim_stage *stage = &flow->stages[i];
        stage->idle_waits = false;
        if (stage->wait == TVN_SIM_WAIT_POLL) {
            stage->wait = TVN_SIM_WAIT_NONE;
        }
    }
    if (!flow->closing && !flow->aborting) {
        if (level == TVN_STOP_CANCEL) {
            tvn_sim_model_fail(flow, TVN_E_FLOW_CANCELLED, NULL, NULL);
            flow->aborting = true;
        } else if (level == TVN_STOP_DRAIN) {
            flow->sources_stopped = true;
        } else if (deadline_over(flow)) {
            tvn_sim_model_fail(flow, TVN_E_FLOW_DEADLINE_EXCEEDED, NULL, NULL);
            flow->sources_stopped = true;
        }
    }
    flow->may_call = !flow->aborting;
    if (flow->aborting) {
        flow->cut_pending = false;
        for (uint32_t i = 0; i < flow->edge_count; i++) {
            tvn_sim_model_discard(flow, &flow->edges[i], true);
        }
    }
    enum tvn_flow_state state = tvn_flow_state(flow->flow);
    flow->suspended = flow->pause && flow->may_call && !flow->closing &&
                      flow->failure_code == TVN_OK && level == TVN_STOP_NONE &&
                      (state == TVN_FLOW_RUNNING || state == TVN_FLOW_SUSPENDED);
    flow->may_call &= !flow->suspended;
}

void tvn_sim_model_end_turn(struct tvn_sim_flow *flow)
{
    struct tvn_sim_world *world = flow->world;
    struct tvn_flow_view view;
    tvn_flow_inspect(flow->flow, &view);
    flow->in_turn = false;
    flow->turns++;
    flow->wall_high_ns = tvn_max(flow->wall_high_ns, world->now_ns + world->wall_offset_ns);
    settle_inputs(flow->called);
    tvn_sim_require(flow, !flow->letter_due, "stage %u: a dead letter is lost", flow->letter_stage);
    if (flow->cut_pending && !view.cut_pending) {
        tvn_sim_model_cut(flow);
    }
}
