/* SPDX-License-Identifier: Apache-2.0 */
/* What each call must do: to queues, counters, waits and failures. */
#include "base/num.h"
#include "programs/simulate_internal.h"
#include "reactor/flow_inspect.h"

/* Before a call. */

static bool close_deadline_over(const struct tvn_sim_flow *flow)
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
    tvn_sim_require(flow, !tvn_sim_model_waits(stage) || close_deadline_over(flow),
                    "stage %u: TEARDOWN while it waits", stage->index);
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
    tvn_sim_require(flow, flow->cut_pending || tvn_sim_model_pauses(stage) == throttled,
                    "stage %u: signal %d without reason", stage->index, (int)signal);
    stage->paused = throttled;
    if (!throttled && stage->wait == TVN_SIM_WAIT_PARKED) {
        stage->wait = TVN_SIM_WAIT_NONE;
    }
}

/* The input whose first element `in` is. */
static struct tvn_sim_edge *input_of(struct tvn_sim_stage *stage, const struct tvn_element *in)
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
    struct tvn_sim_edge *edge = input_of(stage, in);
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
    if (flow->cut_pending) {
        tvn_sim_model_cut(flow);
    }
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

/* After a call. */

enum verdict { SKIP, RETRY, FAIL };

static enum tvn_on_error policy_for(const struct tvn_sim_stage *stage, enum tvn_process_error error)
{
    if (error == TVN_PROCESS_FATAL) {
        return TVN_ON_ERROR_TERMINATE;
    }
    if (stage->on_error != TVN_ON_ERROR_DEFAULT) {
        return stage->on_error;
    }
    return error == TVN_PROCESS_UNAVAILABLE ? TVN_ON_ERROR_RETRY : TVN_ON_ERROR_SKIP;
}

static void wait_until(struct tvn_sim_stage *stage, uint64_t duration_ns)
{
    stage->wait = TVN_SIM_WAIT_UNTIL;
    stage->not_before_ns = stage->world->now_ns + duration_ns;
}

static void wait_backoff(struct tvn_sim_stage *stage)
{
    uint64_t doubled = tvn_max(stage->backoff_ns * 2, TVN_FLOW_BACKOFF_MIN_NS);
    stage->backoff_ns = tvn_min(doubled, TVN_FLOW_BACKOFF_MAX_NS);
    wait_until(stage, stage->backoff_ns);
}

/* After WAIT: by descriptor, else with back-off. A source may name the time instead. */
static void wait_any(struct tvn_sim_stage *stage)
{
    if (stage->poll_ready_ns > 0) {
        stage->wait = TVN_SIM_WAIT_POLL;
    } else {
        wait_backoff(stage);
    }
}

static void count_error(struct tvn_sim_stage *stage)
{
    stage->errors++;
    stage->flow->errors++;
}

static void fail_by(struct tvn_sim_stage *stage, const struct tvn_fault *fault,
                    enum tvn_outcome outcome, const uint64_t *sequence)
{
    enum tvn_status code = fault->code;
    if (code <= TVN_OK) {
        code = outcome == TVN_OUTCOME_DEAD ? TVN_E_COMPONENT_TRAPPED : TVN_E_FATAL_COMPONENT_ERROR;
    }
    tvn_sim_model_fail(stage->flow, code, stage, sequence);
}

static enum verdict judge(struct tvn_sim_stage *stage, const struct tvn_fault *fault,
                          enum tvn_outcome outcome, const uint64_t *sequence)
{
    count_error(stage);
    if (outcome == TVN_OUTCOME_ERROR) {
        enum tvn_on_error policy = policy_for(stage, fault->error);
        if (policy == TVN_ON_ERROR_SKIP) {
            stage->skipped++;
            return SKIP;
        }
        if (policy == TVN_ON_ERROR_RETRY && stage->attempts < stage->max_retries) {
            uint64_t backoff = tvn_min(stage->retry_backoff_ns, TVN_FLOW_RETRY_BACKOFF_MAX_NS);
            for (uint32_t i = 0; i < stage->attempts; i++) {
                backoff = tvn_min(backoff * 2, TVN_FLOW_RETRY_BACKOFF_MAX_NS);
            }
            stage->attempts++;
            wait_until(stage, backoff);
            return RETRY;
        }
    }
    fail_by(stage, fault, outcome, sequence);
    return FAIL;
}

static uint32_t bytes_of(const struct tvn_sim_world *world, uint64_t payload)
{
    return payload == 0 ? 0 : world->buffers[(uint32_t)payload].bytes;
}

static void after_pull(struct tvn_sim_stage *stage, const struct tvn_call *call,
                       enum tvn_outcome outcome)
{
    struct tvn_sim_flow *flow = stage->flow;
    if (outcome == TVN_OUTCOME_EMIT && call->out_count == 1) {
        struct tvn_sim_record record = {
            .sequence = flow->pulled,
            .payload = call->out->payload.raw,
            .tag = tvn_sim_tag(flow, flow->pulled),
        };
        flow->pulled++;
        stage->attempts = 0;
        stage->backoff_ns = 0;
        flow->blocked = call->waited ? stage : NULL;
        flow->sources_stopped |= flow->pulled == flow->limit;
        record.bytes = bytes_of(flow->world, record.payload);
        tvn_sim_model_put(stage, &record, 1);
        return;
    }
    if (outcome == TVN_OUTCOME_END) {
        if (stage->paused) {
            stage->wait = TVN_SIM_WAIT_PARKED;
        } else {
            stage->exhausted = true;
        }
    } else if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        if (judge(stage, call->fault, outcome, NULL) == SKIP) {
            wait_backoff(stage);
        }
    } else if (call->wake_ns != 0) {
        stage->wait = TVN_SIM_WAIT_UNTIL;
        stage->not_before_ns = call->wake_ns;
    } else {
        wait_any(stage);
    }
}

static void take(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge)
{
    for (uint32_t i = 0; i < stage->input_count; i++) {
        struct tvn_sim_edge *input = &stage->flow->edges[stage->inputs[i]];
        input->passed_over = input == edge || input->count == 0 ? 0 : input->passed_over + 1;
    }
    stage->taken = edge;
    tvn_sim_model_pop(edge);
    edge->transferred++;
    stage->attempts = 0;
    stage->repeats = NULL;
}

static void drop(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge)
{
    tvn_sim_model_release(stage->flow, tvn_sim_record_at(edge, 0)->payload);
    take(stage, edge);
    stage->dropped++;
    stage->flow->dropped++;
}

/* WAIT, ERROR or DEAD for the first element of the edge. */
static void refused(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge,
                    const struct tvn_fault *fault, enum tvn_outcome outcome)
{
    const struct tvn_sim_record *record = tvn_sim_record_at(edge, 0);
    stage->repeats = edge;
    if (outcome == TVN_OUTCOME_WAIT) {
        wait_any(stage);
    } else if (judge(stage, fault, outcome, &record->sequence) != RETRY) {
        tvn_sim_model_release(stage->flow, record->payload);
        take(stage, edge);
        stage->failures++;
        stage->flow->failures++;
    }
}

static void delivered(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge,
                      enum tvn_signal signal)
{
    tvn_sim_model_release(stage->flow, tvn_sim_record_at(edge, 0)->payload);
    take(stage, edge);
    stage->flow->delivered++;
    stage->emitted++;
    if (signal == TVN_SIGNAL_PAUSE) {
        wait_backoff(stage);
    } else {
        stage->backoff_ns = 0;
    }
}

/* An output that a stage made of the first element of the edge. */
static void processed(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge,
                      const struct tvn_element *out)
{
    struct tvn_sim_flow *flow = stage->flow;
    struct tvn_sim_record record = *tvn_sim_record_at(edge, 0);
    take(stage, edge);
    if (out->payload.raw != record.payload) {
        tvn_sim_model_release(flow, record.payload);
    }
    record.payload = out->payload.raw;
    record.bytes = bytes_of(flow->world, record.payload);
    if (out->timestamp_ns != 0) {
        record.timestamp_ns = out->timestamp_ns;
    }
    tvn_sim_model_put(stage, &record, 1);
}

static void routed(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge, uint64_t ports)
{
    if ((ports & ~stage->ports) != 0) {
        const struct tvn_fault fault = {.code = TVN_E_ROUTER_PORT_UNKNOWN,
                                        .error = TVN_PROCESS_INTERNAL};
        refused(stage, edge, &fault, TVN_OUTCOME_ERROR);
    } else if (ports == 0) {
        drop(stage, edge);
    } else {
        struct tvn_sim_record record = *tvn_sim_record_at(edge, 0);
        take(stage, edge);
        tvn_sim_model_put(stage, &record, ports);
    }
}

static void aggregated(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge,
                       const struct tvn_call *call)
{
    struct tvn_sim_flow *flow = stage->flow;
    stage->last = *tvn_sim_record_at(edge, 0);
    stage->has_last = true;
    if (call->out_count > 0) {
        processed(stage, edge, call->out);
        return;
    }
    tvn_sim_model_release(flow, stage->last.payload);
    take(stage, edge);
    stage->absorbed++;
    flow->absorbed++;
}

static void accepted(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge,
                     const struct tvn_call *call)
{
    switch (stage->invoker.role) {
    case TVN_ROLE_PROCESSOR:
        if (call->out_count > 0) {
            processed(stage, edge, call->out);
        } else {
            drop(stage, edge);
        }
        return;
    case TVN_ROLE_FILTER: {
        struct tvn_sim_record record = *tvn_sim_record_at(edge, 0);
        take(stage, edge);
        tvn_sim_model_put(stage, &record, 1);
        return;
    }
    case TVN_ROLE_ROUTER:
        routed(stage, edge, call->ports);
        return;
    case TVN_ROLE_AGGREGATOR:
        aggregated(stage, edge, call);
        return;
    case TVN_ROLE_SINK:
        delivered(stage, edge, call->signal);
        return;
    case TVN_ROLE_SOURCE:
        break;
    }
    tvn_unreachable();
}

static void after_element(struct tvn_sim_stage *stage, const struct tvn_call *call,
                          enum tvn_outcome outcome)
{
    struct tvn_sim_edge *edge = input_of(stage, call->in);
    if (outcome == TVN_OUTCOME_EMIT) {
        accepted(stage, edge, call);
    } else if (outcome == TVN_OUTCOME_DROP) {
        drop(stage, edge);
    } else {
        refused(stage, edge, call->fault, outcome);
    }
}

/* Outputs of FLUSH count on from the last element that was taken in. */
static void flush_out(struct tvn_sim_stage *stage, const struct tvn_element *out)
{
    struct tvn_sim_flow *flow = stage->flow;
    if (stage->has_last) {
        stage->last.sequence++;
    } else {
        stage->last = (struct tvn_sim_record){.timestamp_ns = flow->world->now_ns +
                                                              flow->world->wall_offset_ns};
        stage->has_last = true;
    }
    struct tvn_sim_record record = stage->last;
    record.payload = out->payload.raw;
    record.bytes = bytes_of(flow->world, record.payload);
    if (out->timestamp_ns != 0) {
        record.timestamp_ns = out->timestamp_ns;
    }
    stage->flushed++;
    flow->flushed++;
    tvn_sim_model_put(stage, &record, 1);
}

static void after_flush(struct tvn_sim_stage *stage, const struct tvn_call *call,
                        enum tvn_outcome outcome)
{
    if (outcome == TVN_OUTCOME_EMIT && call->out_count > 0) {
        stage->attempts = 0;
        for (uint32_t i = 0; i < call->out_count; i++) {
            flush_out(stage, &call->out[i]);
        }
    } else if (outcome == TVN_OUTCOME_WAIT) {
        wait_any(stage);
    } else if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        stage->completed = judge(stage, call->fault, outcome, NULL) == SKIP;
    } else {
        stage->completed = true;
    }
}

static void after_notify(struct tvn_sim_stage *stage, const struct tvn_call *call,
                         enum tvn_outcome outcome)
{
    if (outcome != TVN_OUTCOME_ERROR && outcome != TVN_OUTCOME_DEAD) {
        return;
    }
    count_error(stage);
    if (outcome == TVN_OUTCOME_DEAD || call->fault->error == TVN_PROCESS_FATAL) {
        fail_by(stage, call->fault, outcome, NULL);
    }
}

static void after_complete(struct tvn_sim_stage *stage, const struct tvn_call *call,
                           enum tvn_outcome outcome)
{
    if (outcome == TVN_OUTCOME_WAIT) {
        wait_any(stage);
    } else if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        stage->completed = judge(stage, call->fault, outcome, NULL) == SKIP;
    } else {
        stage->completed = true;
    }
}

static void after_teardown(struct tvn_sim_stage *stage, enum tvn_outcome outcome)
{
    struct tvn_sim_flow *flow = stage->flow;
    stage->wait = TVN_SIM_WAIT_NONE;
    if (outcome == TVN_OUTCOME_WAIT && !close_deadline_over(flow)) {
        wait_any(stage);
        return;
    }
    stage->torn_down = true;
    if (outcome != TVN_OUTCOME_EMIT) {
        count_error(stage);
        stage->skipped++;
    }
}

void tvn_sim_model_after(struct tvn_sim_stage *stage, enum tvn_entry entry,
                         const struct tvn_call *call, enum tvn_outcome outcome)
{
    stage->invocations++;
    switch (entry) {
    case TVN_ENTRY_INIT:
        stage->initialised = outcome == TVN_OUTCOME_EMIT;
        if (outcome != TVN_OUTCOME_EMIT) {
            count_error(stage);
            fail_by(stage, call->fault, outcome, NULL);
            stage->flow->aborting = true;
        }
        break;
    case TVN_ENTRY_PULL:
        after_pull(stage, call, outcome);
        break;
    case TVN_ENTRY_NOTIFY:
        after_notify(stage, call, outcome);
        break;
    case TVN_ENTRY_COMPLETE:
        after_complete(stage, call, outcome);
        break;
    case TVN_ENTRY_TEARDOWN:
        after_teardown(stage, outcome);
        break;
    case TVN_ENTRY_FLUSH:
        after_flush(stage, call, outcome);
        break;
    case TVN_ENTRY_PROCESS:
    case TVN_ENTRY_EVALUATE:
    case TVN_ENTRY_ROUTE:
    case TVN_ENTRY_INGEST:
    case TVN_ENTRY_PUSH:
        after_element(stage, call, outcome);
        break;
    }
    stage->dead |= outcome == TVN_OUTCOME_DEAD;
}

void tvn_sim_model_idle(struct tvn_sim_stage *stage, enum tvn_outcome outcome,
                        const struct tvn_fault *fault)
{
    struct tvn_sim_flow *flow = stage->flow;
    if (flow->cut_pending) {
        tvn_sim_model_cut(flow);
    }
    tvn_sim_require(flow, !stage->dead && !stage->torn_down && flow->in_turn && flow->may_call,
                    "stage %u: idle out of turn", stage->index);
    stage->idle_waits = outcome == TVN_OUTCOME_WAIT;
    if (outcome == TVN_OUTCOME_DEAD) {
        (void)judge(stage, fault, outcome, NULL);
        stage->dead = true;
    }
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
    } else if (tvn_flow_state(flow->flow) == TVN_FLOW_SUSPENDED && flow->failure_code == TVN_OK &&
               level == TVN_STOP_NONE) {
        flow->may_call = false;
    }
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
    if (flow->cut_pending && !view.cut_pending) {
        tvn_sim_model_cut(flow);
    }
}
