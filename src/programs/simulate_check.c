/* SPDX-License-Identifier: Apache-2.0 */
/* The model against the reactor, after every turn. */
#include "base/num.h"
#include "programs/simulate_internal.h"
#include "reactor/flow_inspect.h"

#include <inttypes.h>

#define STARVING_TURNS_MAX 4  /* rounds over all stages of the flow */
#define QUIET_TURNS_MAX    16 /* turns in a row that the flow asked for and did nothing in */
#define FULL_SCAN_EVERY    8  /* turns; else only the ends of each queue are compared */

static void same(struct tvn_sim_flow *flow, const char *what, uint32_t index, const tvn_stat *real,
                 uint64_t expected)
{
    uint64_t value = tvn_stat_get(real);
    tvn_sim_require(flow, value == expected, "%s %u is %" PRIu64 ", expected %" PRIu64, what, index,
                    value, expected);
}

static void check_counters(struct tvn_sim_flow *flow)
{
    same(flow, "flow: pulled", 0, &flow->stats.pulled, flow->pulled);
    same(flow, "flow: delivered", 0, &flow->stats.delivered, flow->delivered);
    same(flow, "flow: dropped", 0, &flow->stats.dropped, flow->dropped);
    same(flow, "flow: failed", 0, &flow->stats.failed, flow->failures);
    same(flow, "flow: errors", 0, &flow->stats.errors, flow->errors);
    same(flow, "flow: forked", 0, &flow->stats.forked, flow->forked);
    same(flow, "flow: flushed", 0, &flow->stats.flushed, flow->flushed);
    same(flow, "flow: dead_lettered", 0, &flow->stats.dead_lettered, flow->letters);
    same(flow, "flow: absorbed", 0, &flow->stats.absorbed, flow->absorbed);
    same(flow, "flow: wakeups", 0, &flow->stats.wakeups, flow->wakeups);
    same(flow, "flow: idle_ns", 0, &flow->stats.idle_ns, flow->idle_ns);
    tvn_sim_require(flow, tvn_idle_ns(&flow->stats, flow->world->now_ns) == flow->idle_ns,
                    "a flow that has just run is idle");
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        const struct tvn_sim_stage *stage = &flow->stages[i];
        same(flow, "invocations of stage", i, &stage->stats.invocations, stage->invocations);
        same(flow, "errors of stage", i, &stage->stats.errors, stage->errors);
        same(flow, "emitted of stage", i, &stage->stats.emitted, stage->emitted);
        same(flow, "dropped of stage", i, &stage->stats.dropped, stage->dropped);
        same(flow, "failed of stage", i, &stage->stats.failed, stage->failures);
        same(flow, "absorbed of stage", i, &stage->stats.absorbed, stage->absorbed);
        same(flow, "dead_lettered of stage", i, &stage->stats.dead_lettered, stage->letters);
        same(flow, "restarts of stage", i, &stage->stats.restarts, stage->restarts);
        same(flow, "flushed of stage", i, &stage->stats.flushed, stage->flushed);
    }
}

/* pulled + forked + flushed = delivered + dropped + failed + absorbed + what is in the queues. */
static void check_conservation(struct tvn_sim_flow *flow)
{
    const struct tvn_flow_stats *stats = &flow->stats;
    uint64_t queued = 0;
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        queued += flow->edges[i].count + flow->edges[i].has_held;
    }
    uint64_t made =
        tvn_stat_get(&stats->pulled) + tvn_stat_get(&stats->forked) + tvn_stat_get(&stats->flushed);
    uint64_t ended = tvn_stat_get(&stats->delivered) + tvn_stat_get(&stats->dropped) +
                     tvn_stat_get(&stats->failed) + tvn_stat_get(&stats->absorbed);
    tvn_sim_require(flow, made == ended + queued,
                    "made %" PRIu64 " is not ended %" PRIu64 " + queued %" PRIu64, made, ended,
                    queued);
    tvn_sim_require(flow, tvn_flow_queued(flow->flow) == queued, "tvn_flow_queued is wrong");
}

/* `may_be_leased`: it is the first before a stage that waits to offer it again. */
static void check_payload(struct tvn_sim_flow *flow, uint64_t payload, bool may_be_leased)
{
    struct tvn_sim_world *world = flow->world;
    struct tvn_buffer *buffer = NULL;
    if (payload == 0) {
        return;
    }
    struct tvn_buffer_id id = {payload};
    tvn_sim_require(flow, tvn_buffer_find(world->resources, id, &buffer) == TVN_OK,
                    "the buffer of a queued element is gone");
    uint32_t index = tvn_buffer_index(id);
    uint32_t holders = world->buffers[index].holders;
    tvn_sim_require(flow, buffer->holders == holders, "buffer %u has %u holders, expected %u",
                    index, buffer->holders, holders);
    tvn_sim_require(flow,
                    buffer->state == TVN_BUFFER_OWNED ||
                        (may_be_leased && holders == 1 && buffer->state == TVN_BUFFER_LEASED),
                    "buffer %u of a queued element is %s", index,
                    tvn_buffer_state_name((enum tvn_buffer_state)buffer->state));
    tvn_sim_require(flow,
                    buffer->owner == TVN_OWNER_HOST && buffer->borrows == 0 && buffer->frozen &&
                        buffer->budget == &flow->budget,
                    "buffer %u of a queued element is not the host's alone", index);
    uint64_t tag;
    memcpy(&tag, buffer->bytes, sizeof(tag));
    tvn_sim_require(flow, tag == tvn_sim_mix(payload), "buffer %u was written by another", index);
}

static void check_element(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge,
                          const struct tvn_queue *queue, uint32_t index)
{
    const struct tvn_element *element = &queue->slots[(queue->head + index) % queue->capacity];
    struct tvn_sim_record *record = tvn_sim_record_at(edge, index);
    tvn_sim_require(flow, element->sequence == record->sequence,
                    "edge %u → %u: element %" PRIu64 " where %" PRIu64 " should be", edge->from,
                    edge->to, element->sequence, record->sequence);
    tvn_sim_require(flow, element->payload.raw == record->payload,
                    "element %" PRIu64 " has another payload", record->sequence);
    uint64_t tag;
    memcpy(&tag, element->trace_id, sizeof(tag));
    tvn_sim_require(flow, tag == record->tag && element->flags == (uint32_t)record->tag,
                    "element %" PRIu64 " lost its trace", record->sequence);
    tvn_sim_model_timestamp(flow, edge, record, element->timestamp_ns);
    const struct tvn_sim_stage *to = &flow->stages[edge->to];
    check_payload(flow, record->payload, index == 0 && (to->attempts > 0 || to->backoff_ns > 0));
}

static void check_edge(struct tvn_sim_flow *flow, uint32_t index, bool full)
{
    struct tvn_sim_edge *edge = &flow->edges[index];
    struct tvn_edge_view view;
    tvn_flow_inspect_edge(flow->flow, index, &view);
    const struct tvn_queue *queue = view.queue;
    tvn_sim_require(flow, queue->count <= queue->capacity && queue->capacity == edge->capacity,
                    "edge %u holds more than its capacity", index);
    tvn_sim_require(flow, queue->count == edge->count, "edge %u holds %u elements, expected %u",
                    index, queue->count, edge->count);
    tvn_sim_require(flow, queue->throttled == edge->throttled, "edge %u: throttled is %d at %u/%u",
                    index, queue->throttled, queue->count, queue->capacity);
    tvn_sim_require(flow,
                    (view.held != NULL) == edge->has_held &&
                        (!view.held || view.held->sequence == edge->held.sequence),
                    "edge %u: what waits beside the queue is wrong", index);
    const struct tvn_stream_stats *stats = &edge->stats;
    same(flow, "depth of edge", index, &stats->depth, edge->count);
    same(flow, "dropped of edge", index, &stats->dropped, edge->dropped);
    same(flow, "transferred of edge", index, &stats->transferred, edge->transferred);
    if (edge->max_bytes == 0) { /* else some changes within a vector are not seen */
        same(flow, "depth_peak of edge", index, &stats->depth_peak, edge->peak);
        same(flow, "backpressure_events of edge", index, &stats->backpressure_events, edge->events);
    } else {
        same(flow, "bytes of edge", index, &stats->bytes, edge->bytes);
    }
    uint64_t throttled_ns = tvn_stat_get(&stats->backpressure_ns);
    tvn_sim_require(flow,
                    throttled_ns <= flow->world->now_ns - tvn_stat_get(&flow->stats.started_ns) &&
                        (throttled_ns == 0 || edge->events > 0),
                    "backpressure_ns of edge %u is %" PRIu64, index, throttled_ns);
    uint64_t until_now_ns = tvn_backpressure_ns(stats, flow->world->now_ns);
    tvn_sim_require(
        flow,
        (tvn_stat_get(&stats->backpressure_open_ns) != 0) == queue->throttled &&
            until_now_ns >= throttled_ns && (queue->throttled || until_now_ns == throttled_ns) &&
            until_now_ns <= flow->world->now_ns - tvn_stat_get(&flow->stats.started_ns) + 1,
        "back-pressure of edge %u until now is %" PRIu64, index, until_now_ns);
    /* Timestamps are learned here, so what came in this turn is looked at in any case. */
    for (uint32_t i = 0; i < edge->count; i++) {
        if (full || i == 0 || tvn_sim_record_at(edge, i)->timestamp_ns == 0) {
            check_element(flow, edge, queue, i);
        }
    }
    if (view.held) {
        tvn_sim_model_timestamp(flow, edge, &edge->held, view.held->timestamp_ns);
    }
}

static void check_resources(struct tvn_sim_flow *flow)
{
    struct tvn_sim_world *world = flow->world;
    uint64_t live = tvn_resources_live_count(world->resources);
    tvn_sim_require(flow, live == world->live, "%" PRIu64 " buffers are live, expected %" PRIu64,
                    live, world->live);
    tvn_sim_require(flow, flow->budget.used_bytes == flow->charged,
                    "the flow is charged %" PRIu64 " bytes and holds %" PRIu64,
                    flow->budget.used_bytes, flow->charged);
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        const struct tvn_sim_stage *stage = &flow->stages[i];
        uint64_t held = 0;
        for (uint32_t k = 0; k < stage->leak_count; k++) {
            held += stage->leaks[k]->capacity;
        }
        tvn_sim_require(flow, stage->budget.used_bytes == held,
                        "stage %u is charged %" PRIu64 " bytes and holds %" PRIu64, i,
                        stage->budget.used_bytes, held);
    }
}

static bool reachable(enum tvn_flow_state from, enum tvn_flow_state to)
{
    if (from == to || tvn_flow_state_may_follow(from, to)) {
        return true;
    }
    return tvn_flow_state_may_follow(from, TVN_FLOW_DRAINING) &&
           tvn_flow_state_may_follow(TVN_FLOW_DRAINING, to);
}

static void check_state(struct tvn_sim_flow *flow, enum tvn_flow_turn turn)
{
    enum tvn_flow_state state = tvn_flow_state(flow->flow);
    tvn_sim_require(flow, reachable(flow->last_state, state), "%s follows %s",
                    tvn_flow_state_name(state), tvn_flow_state_name(flow->last_state));
    flow->last_state = state;
    /* A flow that is cancelled goes from Suspended to Failed, when its stages have been torn down.
     */
    tvn_sim_require(flow,
                    flow->suspended ? state == TVN_FLOW_SUSPENDED
                                    : state != TVN_FLOW_SUSPENDED || flow->pause || flow->aborting,
                    "%s, and pause is %d", tvn_flow_state_name(state), (int)flow->pause);
    tvn_sim_require(flow, tvn_flow_state_is_terminal(state) == (turn == TVN_FLOW_DONE),
                    "%s and turn %d disagree", tvn_flow_state_name(state), (int)turn);
    const struct tvn_flow_failure *failure = tvn_flow_failure(flow->flow);
    enum tvn_status code = failure ? failure->code : TVN_OK;
    tvn_sim_require(flow, code == flow->failure_code, "the failure is %s, expected %s",
                    tvn_status_code(code), tvn_status_code(flow->failure_code));
    tvn_sim_require(flow,
                    !failure || (failure->stage == flow->failure_stage &&
                                 failure->has_sequence == flow->failure_has_sequence &&
                                 failure->sequence == flow->failure_sequence),
                    "the failure is of another stage or element");
}

/* When a stage that only waits for a token of a rate can go on; UINT64_MAX: it waits for more. */
static uint64_t token_ns(const struct tvn_sim_stage *stage, bool closes)
{
    const struct tvn_sim_flow *flow = stage->flow;
    bool has_input = stage->invoker.role == TVN_ROLE_SOURCE;
    uint64_t wake = 0;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        has_input |= flow->edges[stage->inputs[i]].count > 0;
    }
    if (closes || !has_input || stage->dead || tvn_sim_model_waits(stage) ||
        !tvn_sim_model_credit(stage)) {
        return UINT64_MAX;
    }
    for (uint32_t i = 0; i < stage->output_count; i++) {
        const struct tvn_sim_edge *edge = &flow->edges[stage->outputs[i]];
        wake = tvn_max(wake, tvn_sim_model_token_ns(edge, flow->world->now_ns));
    }
    return wake > 0 ? wake : UINT64_MAX;
}

/* Nothing may be left to do for a flow that sleeps, and it must wake when its first wait is over.
 */
static void check_idle(struct tvn_sim_flow *flow)
{
    const struct tvn_sim_world *world = flow->world;
    const struct tvn_flow_wait *wait = &flow->wait;
    bool over[TVN_SIM_STAGES_MAX];
    tvn_sim_model_ends(flow, over);
    uint64_t wake = UINT64_MAX;
    uint32_t polls = 0;
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        const struct tvn_sim_stage *stage = &flow->stages[i];
        bool closes = flow->closing || flow->aborting;
        if (stage->torn_down || (closes ? !flow->closing : over[i] || !flow->may_call)) {
            continue;
        }
        bool ready = !closes && tvn_sim_model_ready(stage, over);
        bool again = wait->wake_ns <= world->now_ns; /* it runs again at once */
        if (stage->wait == TVN_SIM_WAIT_UNTIL &&
            (closes || ready || stage->not_before_ns > world->now_ns)) {
            wake = tvn_min(wake, stage->not_before_ns);
        }
        wake = tvn_min(wake, token_ns(stage, closes));
        polls += stage->wait == TVN_SIM_WAIT_POLL || stage->idle_waits;
        tvn_sim_require(flow, !ready || again || stage->wait == TVN_SIM_WAIT_UNTIL,
                        "stage %u could work and the flow is idle", i);
    }
    tvn_sim_require(flow, wait->wake_ns <= wake,
                    "idle until %" PRIu64 ", a stage waits until %" PRIu64, wait->wake_ns, wake);
    tvn_sim_require(flow,
                    wait->fd_count >= tvn_min(polls, (uint32_t)TVN_FLOW_WAIT_FDS_MAX) &&
                        (polls <= TVN_FLOW_WAIT_FDS_MAX ||
                         wait->wake_ns <= world->now_ns + TVN_FLOW_BACKOFF_MAX_NS),
                    "idle with %u descriptors, expected %u", wait->fd_count, polls);
    bool deadline = flow->deadline_ns != UINT64_MAX && flow->failure_code == TVN_OK &&
                    tvn_stop_level(&flow->stop) == TVN_STOP_NONE && !flow->closing;
    tvn_sim_require(flow, !deadline || wait->wake_ns <= flow->deadline_ns,
                    "idle beyond the deadline");
}

/* No stage may wait for its turn for ever while the flow is run. */
static void check_fairness(struct tvn_sim_flow *flow)
{
    bool over[TVN_SIM_STAGES_MAX];
    tvn_sim_model_ends(flow, over);
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        struct tvn_sim_stage *stage = &flow->stages[i];
        if (!flow->may_call || !tvn_sim_model_ready(stage, over)) {
            stage->starving_turns = 0;
            continue;
        }
        stage->starving_turns++;
        tvn_sim_require(flow, stage->starving_turns <= STARVING_TURNS_MAX * (flow->stage_count + 1),
                        "stage %u could work and is not called", i);
    }
}

static void check_end(struct tvn_sim_flow *flow)
{
    enum tvn_flow_state state = tvn_flow_state(flow->flow);
    enum tvn_flow_state expected =
        flow->failure_code == TVN_OK ? TVN_FLOW_COMPLETED : TVN_FLOW_FAILED;
    tvn_sim_require(flow, state == expected, "ends %s, expected %s", tvn_flow_state_name(state),
                    tvn_flow_state_name(expected));
    bool over[TVN_SIM_STAGES_MAX];
    tvn_sim_model_ends(flow, over);
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        const struct tvn_sim_stage *stage = &flow->stages[i];
        tvn_sim_require(flow, over[i] || flow->aborting, "ends before stage %u", i);
        bool due = tvn_sim_has(stage, TVN_ENTRY_TEARDOWN) && !stage->dead &&
                   (flow->started || stage->initialised);
        tvn_sim_require(flow, !due || stage->torn_down, "ends without TEARDOWN of stage %u", i);
        tvn_sim_require(flow, stage->settled || stage->invoker.role != TVN_ROLE_SINK,
                        "stage %u: not asked what it could not pass on", i);
        bool skipped = tvn_flow_first_skipped(flow->flow, i) != NULL;
        tvn_sim_require(flow, skipped == (stage->skipped > 0), "stage %u: its first error is %s", i,
                        skipped ? "invented" : "forgotten");
    }
    uint64_t started = tvn_stat_get(&flow->stats.started_ns);
    uint64_t ended = tvn_stat_get(&flow->stats.ended_ns);
    tvn_sim_require(flow, started <= ended && ended == flow->world->now_ns,
                    "ended at %" PRIu64 ", expected %" PRIu64, ended, flow->world->now_ns);
    tvn_sim_require(flow, tvn_flow_queued(flow->flow) == 0, "ends with elements in its queues");
}

void tvn_sim_check_started(struct tvn_sim_flow *flow, enum tvn_status status)
{
    tvn_sim_require(flow, status == flow->failure_code, "start gave %s, expected %s",
                    tvn_status_code(status), tvn_status_code(flow->failure_code));
    flow->started = status == TVN_OK;
    flow->last_state = tvn_flow_state(flow->flow);
    tvn_sim_require(flow,
                    flow->last_state == (flow->started ? TVN_FLOW_RUNNING : TVN_FLOW_INSTANTIATED),
                    "started and %s", tvn_flow_state_name(flow->last_state));
    check_counters(flow);
    check_resources(flow);
}

/* Every source that listens knows whether it is to pause. */
static void check_signals(struct tvn_sim_flow *flow)
{
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        const struct tvn_sim_stage *stage = &flow->stages[i];
        bool listens = stage->invoker.role == TVN_ROLE_SOURCE &&
                       tvn_sim_has(stage, TVN_ENTRY_NOTIFY) && !stage->failed && !stage->dead &&
                       !stage->exhausted && !flow->sources_stopped && !flow->aborting;
        bool pauses = tvn_sim_model_pauses(stage);
        tvn_sim_require(flow, !listens || stage->paused == pauses, "stage %u was not told to %s", i,
                        pauses ? "pause" : "go on");
    }
}

void tvn_sim_check_turn(struct tvn_sim_flow *flow, enum tvn_flow_turn turn)
{
    tvn_sim_model_end_turn(flow);
    check_state(flow, turn);
    check_counters(flow);
    bool full = turn == TVN_FLOW_DONE || flow->turns % FULL_SCAN_EVERY == 0;
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        check_edge(flow, i, full);
    }
    check_conservation(flow);
    check_resources(flow);
    check_fairness(flow);
    tvn_sim_watch_check(flow);
    check_signals(flow);
    flow->idle_since_ns = turn == TVN_FLOW_IDLE ? flow->world->now_ns : UINT64_MAX;
    if (turn == TVN_FLOW_IDLE) {
        check_idle(flow);
    } else if (turn == TVN_FLOW_DONE) {
        check_end(flow);
    }
    tvn_sim_require(flow, flow->quiet_turns <= QUIET_TURNS_MAX, "runs without doing anything");
}
