/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "programs/simulate_internal.h"
#include "reactor/flow_inspect.h"

struct tvn_sim_record *tvn_sim_record_at(const struct tvn_sim_edge *edge, uint32_t index)
{
    uint32_t place = edge->head + index;
    return &edge->slots[place >= edge->capacity ? place - edge->capacity : place];
}

uint64_t tvn_sim_tag(const struct tvn_sim_flow *flow, uint64_t sequence)
{
    return tvn_sim_mix(sequence ^ ((uint64_t)flow->index << 56) ^ ((uint64_t)flow->life << 40));
}

/* Buffers. */

void tvn_sim_model_buffer_made(struct tvn_sim_world *world, const struct tvn_buffer *buffer)
{
    tvn_assert(buffer->index < TVN_SIM_BUFFERS_MAX);
    struct tvn_sim_buffer *known = &world->buffers[buffer->index];
    if (known->payload != 0) {
        tvn_sim_violation(world, NULL, "buffer %u was given out twice", buffer->index);
    }
    known->payload = tvn_buffer_id_of(buffer).raw;
    known->holders = 1;
    world->live++;
}

static void release(struct tvn_sim_flow *flow, uint64_t payload)
{
    if (payload == 0) {
        return;
    }
    struct tvn_sim_world *world = flow->world;
    struct tvn_sim_buffer *known = &world->buffers[(uint32_t)payload];
    tvn_assert(known->payload == payload && known->holders > 0);
    if (--known->holders == 0) {
        known->payload = 0;
        world->live--;
    }
}

/* Queues. */

static void queue_pop(struct tvn_sim_edge *edge)
{
    tvn_assert(edge->count > 0);
    edge->head = edge->head + 1 == edge->capacity ? 0 : edge->head + 1;
    edge->count--;
    if (edge->count <= edge->low_mark) {
        edge->throttled = false;
    }
}

static void queue_push(struct tvn_sim_edge *edge, const struct tvn_sim_record *record)
{
    tvn_assert(edge->count < edge->capacity);
    edge->count++;
    *tvn_sim_record_at(edge, edge->count - 1) = *record;
    edge->peak = tvn_max(edge->peak, edge->count);
    if (edge->count == edge->capacity && !edge->throttled) {
        edge->throttled = true;
        edge->events++;
    }
}

static void fail(struct tvn_sim_flow *flow, enum tvn_status code, struct tvn_sim_stage *stage,
                 const uint64_t *sequence)
{
    if (flow->failure_code == TVN_OK) {
        flow->failure_code = code;
        flow->failure_stage = stage ? stage->index : TVN_FLOW_STAGE_NONE;
        flow->failure_has_sequence = sequence != NULL;
        flow->failure_sequence = sequence ? *sequence : 0;
    }
    if (stage) {
        stage->failed = true;
        flow->cut_pending = true;
    }
}

static void overflow(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge,
                     const struct tvn_sim_record *record)
{
    struct tvn_sim_flow *flow = stage->flow;
    switch (edge->policy) {
    case TVN_OVERFLOW_DROP_OLDEST: {
        release(flow, tvn_sim_record_at(edge, 0)->payload);
        bool throttled = edge->throttled;
        queue_pop(edge);
        edge->throttled = throttled;         /* it stays full */
        flow->stages[edge->to].attempts = 0; /* they were of that element */
        queue_push(edge, record);
        edge->dropped++;
        flow->dropped++;
        stage->emitted++;
        return;
    }
    case TVN_OVERFLOW_DROP_NEWEST:
        release(flow, record->payload);
        edge->dropped++;
        flow->dropped++;
        stage->emitted++;
        return;
    case TVN_OVERFLOW_ERROR:
        release(flow, record->payload);
        stage->errors++;
        flow->errors++;
        stage->failures++;
        flow->failures++;
        fail(flow, TVN_E_QUEUE_FULL, stage, &record->sequence);
        return;
    case TVN_OVERFLOW_BLOCK:
    case TVN_OVERFLOW_RATE_LIMIT:
        break;
    }
    tvn_sim_violation(flow->world, flow, "stage %u put an element into a full queue", stage->index);
}

static void put_out(struct tvn_sim_stage *stage, const struct tvn_sim_record *record)
{
    struct tvn_sim_flow *flow = stage->flow;
    for (uint32_t i = 0; i < stage->output_count; i++) {
        struct tvn_sim_edge *edge = &flow->edges[stage->outputs[i]];
        if (edge->count == edge->capacity) {
            overflow(stage, edge, record);
        } else {
            queue_push(edge, record);
            stage->emitted++;
        }
    }
}

void tvn_sim_model_discard(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge, bool count)
{
    if (count) {
        flow->discarded += edge->count;
        flow->failures += edge->count;
        flow->stages[edge->to].failures += edge->count;
    }
    while (edge->count > 0) {
        release(flow, tvn_sim_record_at(edge, 0)->payload);
        queue_pop(edge);
    }
}

/* Ends. */

void tvn_sim_model_cut(struct tvn_sim_flow *flow)
{
    flow->cut_pending = false;
    flow->sources_stopped = true;
    for (uint32_t i = flow->stage_count; i-- > 0;) { /* edges lead upwards */
        struct tvn_sim_stage *stage = &flow->stages[i];
        bool useless = stage->output_count > 0;
        for (uint32_t k = 0; k < stage->output_count; k++) {
            useless = useless && flow->stages[flow->edges[stage->outputs[k]].to].failed;
        }
        stage->failed |= useless;
        stage->ended |= stage->failed;
    }
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        if (flow->stages[flow->edges[i].to].failed) {
            tvn_sim_model_discard(flow, &flow->edges[i], true);
        }
    }
}

static bool has(const struct tvn_sim_stage *stage, enum tvn_entry entry)
{
    return (stage->entries >> entry & 1) != 0;
}

void tvn_sim_model_ends(const struct tvn_sim_flow *flow, bool out_over[TVN_SIM_STAGES_MAX])
{
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        const struct tvn_sim_stage *stage = &flow->stages[i];
        bool over = stage->invoker.role == TVN_ROLE_SOURCE
                        ? stage->exhausted || flow->sources_stopped
                        : stage->completed || stage->invoker.role != TVN_ROLE_SINK ||
                              !has(stage, TVN_ENTRY_COMPLETE);
        for (uint32_t k = 0; k < stage->input_count; k++) {
            const struct tvn_sim_edge *edge = &flow->edges[stage->inputs[k]];
            over = over && out_over[edge->from] && edge->count == 0;
        }
        out_over[i] = over || stage->ended;
    }
}

static bool has_credit(const struct tvn_sim_stage *stage)
{
    for (uint32_t i = 0; i < stage->output_count; i++) {
        const struct tvn_sim_edge *edge = &stage->flow->edges[stage->outputs[i]];
        if (edge->policy == TVN_OVERFLOW_BLOCK && edge->throttled) {
            return false;
        }
    }
    return true;
}

static bool waits(const struct tvn_sim_stage *stage)
{
    return stage->wait == TVN_SIM_WAIT_UNTIL ? stage->world->now_ns < stage->not_before_ns
                                             : stage->wait != TVN_SIM_WAIT_NONE;
}

bool tvn_sim_model_ready(const struct tvn_sim_stage *stage, const bool over[TVN_SIM_STAGES_MAX])
{
    const struct tvn_sim_flow *flow = stage->flow;
    if (waits(stage) || over[stage->index]) {
        return false;
    }
    if (stage->invoker.role == TVN_ROLE_SOURCE) {
        return has_credit(stage);
    }
    bool no_more = true;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const struct tvn_sim_edge *edge = &flow->edges[stage->inputs[i]];
        if (edge->count > 0) {
            return has_credit(stage);
        }
        no_more = no_more && over[edge->from];
    }
    return no_more; /* to be completed */
}

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
            tvn_sim_require(flow, to->initialised || !has(to, TVN_ENTRY_INIT),
                            "stage %u: INIT before its consumer's", stage->index);
        }
        return;
    }
    tvn_sim_require(flow, !has(stage, TVN_ENTRY_INIT) || stage->initialised,
                    "stage %u: TEARDOWN without INIT", stage->index);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const struct tvn_sim_stage *from = &flow->stages[flow->edges[stage->inputs[i]].from];
        tvn_sim_require(flow,
                        from->torn_down || from->dead || !has(from, TVN_ENTRY_TEARDOWN) ||
                            (has(from, TVN_ENTRY_INIT) && !from->initialised) || !flow->started,
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
    tvn_sim_require(flow, !waits(stage) || close_deadline_over(flow),
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
    for (uint32_t i = 0; i < stage->output_count; i++) {
        struct tvn_sim_edge *edge = &flow->edges[stage->outputs[i]];
        if (edge->told != edge->throttled && edge->throttled == throttled) {
            edge->told = throttled;
            stage->paused = throttled;
            if (!throttled && stage->wait == TVN_SIM_WAIT_PARKED) {
                stage->wait = TVN_SIM_WAIT_NONE;
            }
            return;
        }
    }
    tvn_sim_violation(flow->world, flow, "stage %u: signal %d without reason", stage->index,
                      (int)signal);
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

static void before_element(struct tvn_sim_stage *stage, enum tvn_entry entry,
                           const struct tvn_call *call)
{
    struct tvn_sim_flow *flow = stage->flow;
    tvn_sim_require(flow, has_credit(stage), "stage %u: called without credit", stage->index);
    if (entry == TVN_ENTRY_PULL) {
        tvn_sim_require(flow, !flow->sources_stopped && !stage->exhausted,
                        "stage %u: pulled after the end", stage->index);
        tvn_sim_require(flow, flow->pulled < flow->limit, "stage %u: pulled beyond the limit",
                        stage->index);
        if (flow->blocked == stage) {
            check_consumers_waited(stage);
        }
    } else {
        struct tvn_sim_edge *edge = input_of(stage, call->in);
        tvn_sim_require(flow, edge->count > 0, "stage %u: got an element too many", stage->index);
        struct tvn_sim_record *record = tvn_sim_record_at(edge, 0);
        tvn_sim_model_timestamp(flow, edge, record, call->in->timestamp_ns);
        tvn_sim_require(
            flow,
            call->in->sequence == record->sequence && call->in->payload.raw == record->payload,
            "stage %u: got element %llu instead of %llu", stage->index,
            (unsigned long long)call->in->sequence, (unsigned long long)record->sequence);
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

static void before_complete(struct tvn_sim_stage *stage)
{
    struct tvn_sim_flow *flow = stage->flow;
    bool over[TVN_SIM_STAGES_MAX];
    tvn_sim_model_ends(flow, over);
    tvn_sim_require(flow, !stage->completed, "stage %u: COMPLETE twice", stage->index);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const struct tvn_sim_edge *edge = &flow->edges[stage->inputs[i]];
        tvn_sim_require(flow, over[edge->from] && edge->count == 0,
                        "stage %u: COMPLETE before the end of its input", stage->index);
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
    tvn_sim_require(flow, !waits(stage), "stage %u: called while it waits", stage->index);
    stage->wait = TVN_SIM_WAIT_NONE;
    if (world->now_ns >= flow->turn_end_ns && flow->calls_in_turn > 0) {
        flow->late_calls++;
        tvn_sim_require(flow, flow->late_calls <= TVN_FLOW_STRIDE,
                        "stage %u: the turn goes on long after its time", stage->index);
    }
    flow->calls_in_turn++;
    stage->starving_turns = 0;
    if (entry == TVN_ENTRY_COMPLETE) {
        before_complete(stage);
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
    fail(stage->flow, code, stage, sequence);
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
        put_out(stage, &record);
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
    queue_pop(edge);
    edge->transferred++;
    stage->attempts = 0;
}

static void accepted(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge,
                     const struct tvn_call *call)
{
    struct tvn_sim_flow *flow = stage->flow;
    struct tvn_sim_record record = *tvn_sim_record_at(edge, 0);
    take(stage, edge);
    if (stage->invoker.role == TVN_ROLE_SINK) {
        release(flow, record.payload);
        flow->delivered++;
        stage->emitted++;
        if (call->signal == TVN_SIGNAL_PAUSE) {
            wait_backoff(stage);
        } else {
            stage->backoff_ns = 0;
        }
        return;
    }
    if (stage->invoker.role == TVN_ROLE_PROCESSOR) {
        if (call->out->payload.raw != record.payload) {
            release(flow, record.payload);
        }
        record.payload = call->out->payload.raw;
        if (call->out->timestamp_ns != 0) {
            record.timestamp_ns = call->out->timestamp_ns;
        }
    }
    put_out(stage, &record);
}

static void after_element(struct tvn_sim_stage *stage, const struct tvn_call *call,
                          enum tvn_outcome outcome)
{
    struct tvn_sim_flow *flow = stage->flow;
    struct tvn_sim_edge *edge = input_of(stage, call->in);
    uint64_t sequence = call->in->sequence;
    uint64_t payload = call->in->payload.raw;
    bool nothing = stage->invoker.role == TVN_ROLE_PROCESSOR && call->out_count == 0;
    if (outcome == TVN_OUTCOME_EMIT && !nothing) {
        accepted(stage, edge, call);
    } else if (outcome == TVN_OUTCOME_EMIT || outcome == TVN_OUTCOME_DROP) {
        release(flow, payload);
        take(stage, edge);
        stage->dropped++;
        flow->dropped++;
    } else if (outcome == TVN_OUTCOME_WAIT) {
        wait_any(stage);
    } else if (judge(stage, call->fault, outcome, &sequence) != RETRY) {
        release(flow, payload);
        take(stage, edge);
        stage->failures++;
        flow->failures++;
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
    case TVN_ENTRY_PROCESS:
    case TVN_ENTRY_EVALUATE:
    case TVN_ENTRY_ROUTE:
    case TVN_ENTRY_INGEST:
    case TVN_ENTRY_FLUSH:
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
            fail(flow, TVN_E_FLOW_CANCELLED, NULL, NULL);
            flow->aborting = true;
        } else if (level == TVN_STOP_DRAIN) {
            flow->sources_stopped = true;
        } else if (deadline_over(flow)) {
            fail(flow, TVN_E_FLOW_DEADLINE_EXCEEDED, NULL, NULL);
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
