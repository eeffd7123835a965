/* SPDX-License-Identifier: Apache-2.0 */
/* What each call must do: to queues, counters, waits and failures. */
#include "base/num.h"
#include "programs/simulate_internal.h"

#define LETTERS_LOST_EVERY 8 /* by sequence: what takes letters loses one */

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

static uint64_t doubled(uint64_t backoff_ns, uint32_t times)
{
    backoff_ns = tvn_min(backoff_ns, TVN_FLOW_RETRY_BACKOFF_MAX_NS);
    for (uint32_t i = 0; i < times; i++) {
        backoff_ns = tvn_min(backoff_ns * 2, TVN_FLOW_RETRY_BACKOFF_MAX_NS);
    }
    return backoff_ns;
}

static void skip(struct tvn_sim_stage *stage, const uint64_t *sequence)
{
    struct tvn_sim_flow *flow = stage->flow;
    stage->skipped++;
    if (stage->on_error == TVN_ON_ERROR_DEAD_LETTER && sequence) {
        flow->letter_due = true;
        flow->letter_stage = stage->index;
        flow->letter_sequence = *sequence;
    }
}

/* Deaths within the window, this one included. */
static uint32_t count_trap(struct tvn_sim_stage *stage)
{
    uint64_t now = stage->world->now_ns;
    uint32_t recent = 0;
    stage->trap_times_ns[stage->trap_count++ % stage->circuit_traps] = now;
    for (uint32_t i = 0; i < tvn_min(stage->trap_count, (uint64_t)stage->circuit_traps); i++) {
        recent += now - stage->trap_times_ns[i] <= stage->circuit_window_ns;
    }
    return recent;
}

static bool may_restart(const struct tvn_sim_stage *stage, const struct tvn_fault *fault)
{
    return stage->has_restart && tvn_stop_level(&stage->flow->stop) != TVN_STOP_CANCEL &&
           fault->code != TVN_E_FLOW_CANCELLED;
}

static enum verdict judge_death(struct tvn_sim_stage *stage, const struct tvn_fault *fault,
                                const uint64_t *sequence)
{
    bool retry = stage->on_error == TVN_ON_ERROR_RETRY;
    bool goes_on = stage->on_error == TVN_ON_ERROR_SKIP ||
                   stage->on_error == TVN_ON_ERROR_DEAD_LETTER ||
                   (retry && stage->attempts < stage->max_retries);
    uint32_t recent = goes_on && may_restart(stage, fault) ? count_trap(stage) : 0;
    if (recent == 0 || recent == stage->circuit_traps ||
        stage->restart_failures >= stage->circuit_traps) {
        fail_by(stage, fault, TVN_OUTCOME_DEAD, sequence);
        return FAIL;
    }
    uint64_t backoff = doubled(stage->restart_backoff_ns, recent - 1);
    if (retry) {
        wait_until(stage, tvn_max(backoff, doubled(stage->retry_backoff_ns, stage->attempts)));
        stage->attempts++;
        return RETRY;
    }
    skip(stage, sequence);
    wait_until(stage, backoff);
    return SKIP;
}

/* What an aggregator has taken in and not put out again is gone. */
static void lose_held(struct tvn_sim_stage *stage)
{
    stage->absorbed -= stage->held;
    stage->flow->absorbed -= stage->held;
    stage->failures += stage->held;
    stage->flow->failures += stage->held;
    stage->held = 0;
}

static enum verdict judge(struct tvn_sim_stage *stage, const struct tvn_fault *fault,
                          enum tvn_outcome outcome, const uint64_t *sequence)
{
    count_error(stage);
    if (outcome == TVN_OUTCOME_DEAD) {
        lose_held(stage);
    }
    stage->dead |= outcome == TVN_OUTCOME_DEAD;
    if (outcome == TVN_OUTCOME_DEAD) {
        return judge_death(stage, fault, sequence);
    }
    enum tvn_on_error policy = policy_for(stage, fault->error);
    if (policy == TVN_ON_ERROR_SKIP || policy == TVN_ON_ERROR_DEAD_LETTER) {
        skip(stage, sequence);
        return SKIP;
    }
    if (policy == TVN_ON_ERROR_RETRY && stage->attempts < stage->max_retries) {
        wait_until(stage, doubled(stage->retry_backoff_ns, stage->attempts));
        stage->attempts++;
        return RETRY;
    }
    fail_by(stage, fault, outcome, sequence);
    return FAIL;
}

bool tvn_sim_model_letter(struct tvn_sim_flow *flow, uint32_t stage,
                          const struct tvn_element *element)
{
    struct tvn_buffer *buffer = NULL;
    tvn_sim_require(flow,
                    flow->letter_due && stage == flow->letter_stage &&
                        element->sequence == flow->letter_sequence,
                    "stage %u: a dead letter that is not due", stage);
    tvn_sim_require(flow,
                    element->payload.raw == 0 ||
                        tvn_buffer_find(flow->world->resources, element->payload, &buffer) ==
                            TVN_OK,
                    "stage %u: a dead letter without its payload", stage);
    flow->letter_due = false;
    if (element->sequence % LETTERS_LOST_EVERY == 0) {
        return false;
    }
    flow->letters++;
    flow->stages[stage].letters++;
    return true;
}

void tvn_sim_model_restarted(struct tvn_sim_stage *stage, enum tvn_outcome outcome,
                             const struct tvn_fault *fault)
{
    if (outcome == TVN_OUTCOME_EMIT) {
        stage->dead = false;
        stage->paused = false;
        stage->restart_failures = 0;
        stage->restarts++;
        stage->flow->restarts++;
        return;
    }
    count_error(stage);
    stage->restart_failures++;
    uint32_t recent = count_trap(stage);
    bool fatal = outcome == TVN_OUTCOME_ERROR && fault->error == TVN_PROCESS_FATAL;
    if (fatal || recent == stage->circuit_traps ||
        stage->restart_failures >= stage->circuit_traps || !may_restart(stage, fault)) {
        fail_by(stage, fault, outcome, NULL);
    } else {
        wait_until(stage, doubled(stage->restart_backoff_ns, recent - 1));
    }
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
        if (judge(stage, call->fault, outcome, NULL) == SKIP && !stage->dead) {
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
        stage->held = 0;
        processed(stage, edge, call->out);
        return;
    }
    tvn_sim_model_release(flow, stage->last.payload);
    take(stage, edge);
    stage->absorbed++;
    stage->held++;
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
    struct tvn_sim_edge *edge = tvn_sim_model_input(stage, call->in);
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
    stage->held = 0;
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
        enum verdict verdict = judge(stage, call->fault, outcome, NULL);
        if (verdict != RETRY) {
            lose_held(stage);
        }
        stage->completed = verdict == SKIP;
        stage->ended |= stage->completed;
    } else {
        stage->completed = true;
        stage->ended = true;
    }
}

static void after_notify(struct tvn_sim_stage *stage, const struct tvn_call *call,
                         enum tvn_outcome outcome)
{
    bool fatal = outcome == TVN_OUTCOME_ERROR && call->fault->error == TVN_PROCESS_FATAL;
    if (outcome == TVN_OUTCOME_DEAD || fatal) {
        (void)judge(stage, call->fault, outcome, NULL);
    } else if (outcome == TVN_OUTCOME_ERROR) {
        count_error(stage);
    }
}

static void after_complete(struct tvn_sim_stage *stage, const struct tvn_call *call,
                           enum tvn_outcome outcome)
{
    if (outcome == TVN_OUTCOME_WAIT) {
        wait_any(stage);
    } else if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        stage->completed = judge(stage, call->fault, outcome, NULL) == SKIP;
        stage->ended |= stage->completed;
    } else {
        stage->completed = true;
        stage->ended = true;
    }
}

static void after_teardown(struct tvn_sim_stage *stage, enum tvn_outcome outcome)
{
    struct tvn_sim_flow *flow = stage->flow;
    stage->wait = TVN_SIM_WAIT_NONE;
    if (outcome == TVN_OUTCOME_WAIT && !tvn_sim_model_close_over(flow)) {
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
    if (entry == TVN_ENTRY_INIT || entry == TVN_ENTRY_TEARDOWN) {
        stage->dead |= outcome == TVN_OUTCOME_DEAD;
    }
}

void tvn_sim_model_idle(struct tvn_sim_stage *stage, enum tvn_outcome outcome,
                        const struct tvn_fault *fault)
{
    stage->idle_waits = outcome == TVN_OUTCOME_WAIT;
    if (outcome == TVN_OUTCOME_DEAD) {
        (void)judge(stage, fault, outcome, NULL);
    }
}
