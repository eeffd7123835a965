/* SPDX-License-Identifier: Apache-2.0 */
/* Which stage works next, when a turn is over, and how a flow ends. */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/flow_internal.h"

/* Readings of the clock aim at this part of the quantum, so that overrunning it stays small. */
#define READINGS_PER_QUANTUM 8

static TVN_HOT void begin_turn(struct tvn_flow *flow, const struct tvn_flow_quantum *quantum)
{
    uint64_t now = tvn_flow_read_clock(flow);
    if (__builtin_add_overflow(now, quantum->duration_ns, &flow->turn_end_ns)) {
        flow->turn_end_ns = UINT64_MAX;
    }
    if (flow->idle_since_ns != 0) {
        tvn_stat_add(&flow->stats->wakeups, 1);
        tvn_stat_add(&flow->stats->idle_ns, now - flow->idle_since_ns);
        tvn_stat_close(&flow->stats->idle_open_ns);
        flow->idle_since_ns = 0;
    }
    flow->clock_distance_ns = quantum->duration_ns / READINGS_PER_QUANTUM;
    flow->turn_elements = quantum->elements;
    flow->turn_pulled = 0;
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        if (flow->stages[i].phase == TVN_STAGE_WAIT_FD) {
            flow->stages[i].phase = TVN_STAGE_READY;
        }
    }
}

/* The deadline counts until the flow is told to stop or has failed. */
static TVN_HOT bool deadline_applies(const struct tvn_flow *flow)
{
    return flow->deadline_ns != UINT64_MAX && flow->failure.code == TVN_OK &&
           tvn_stop_level(flow->stop) == TVN_STOP_NONE;
}

static TVN_HOT void obey_stop_and_deadline(struct tvn_flow *flow)
{
    enum tvn_stop level = tvn_stop_level(flow->stop);
    if (flow->closing && level == TVN_STOP_CANCEL) {
        flow->close_deadline_ns =
            tvn_min(flow->close_deadline_ns, flow->now_ns + TVN_FLOW_CANCEL_WAIT_NS);
    }
    if (flow->closing || flow->aborting) {
        return;
    }
    if (level == TVN_STOP_CANCEL) {
        (void)tvn_flow_fail(flow, TVN_E_FLOW_CANCELLED, NULL, "the flow was cancelled");
        flow->aborting = true;
    } else if (level == TVN_STOP_DRAIN) {
        flow->sources_stopped = true;
    } else if (deadline_applies(flow) && flow->now_ns >= flow->deadline_ns) {
        (void)tvn_flow_fail(flow, TVN_E_FLOW_DEADLINE_EXCEEDED, NULL,
                            "the flow's time was over before its sources were exhausted");
        flow->sources_stopped = true;
    }
}

static void add_wait_fd(const struct tvn_flow *flow, const struct tvn_stage *stage,
                        struct tvn_flow_wait *wait)
{
    short events = 0;
    const struct tvn_invoker_ops *ops = stage->invoker->ops;
    int fd = ops->wait_fd ? ops->wait_fd(stage->invoker, &events) : -1;
    if (fd < 0 || wait->fd_count == TVN_FLOW_WAIT_FDS_MAX) {
        wait->wake_ns = tvn_min(wait->wake_ns, flow->now_ns + TVN_FLOW_BACKOFF_MAX_NS);
        return;
    }
    wait->fds[wait->fd_count].fd = fd;
    wait->fds[wait->fd_count].events = events;
    wait->fd_count++;
}

static void add_wait(const struct tvn_flow *flow, const struct tvn_stage *stage,
                     struct tvn_flow_wait *wait)
{
    if (stage->phase == TVN_STAGE_WAIT_TIME) {
        wait->wake_ns = tvn_min(wait->wake_ns, stage->wake_ns);
    } else if (stage->phase == TVN_STAGE_WAIT_FD) {
        add_wait_fd(flow, stage, wait);
    }
}

/* Lets every stage pass on what it holds back; those that cannot are added to *wait if given. */
static void call_idle(struct tvn_flow *flow, struct tvn_flow_wait *wait)
{
    flow->idle_called_ns = flow->now_ns;
    for (uint32_t i = 0; i < flow->stage_count && !flow->cut_pending; i++) {
        struct tvn_stage *stage = flow->order[i];
        const struct tvn_invoker_ops *ops = stage->invoker->ops;
        if (!ops->idle || stage->phase == TVN_STAGE_ENDED || stage->dead) {
            continue;
        }
        enum tvn_outcome outcome = ops->idle(stage->invoker, &flow->fault);
        if (outcome == TVN_OUTCOME_DEAD) {
            (void)tvn_stage_judge(flow, stage, stage->entry, outcome, NULL);
            tvn_stage_settle_loss(flow, stage);
        } else if (outcome == TVN_OUTCOME_WAIT && wait && stage->phase != TVN_STAGE_WAIT_FD) {
            add_wait_fd(flow, stage, wait);
        }
    }
}

/* Enters and leaves Suspended. True: nothing may be called in this turn. */
static TVN_HOT bool obey_pause(struct tvn_flow *flow)
{
    bool asked = flow->pause && atomic_load_explicit(flow->pause, memory_order_relaxed);
    bool ends = flow->failure.code != TVN_OK || tvn_stop_level(flow->stop) != TVN_STOP_NONE;
    if (asked && !ends && flow->state == TVN_FLOW_RUNNING) {
        tvn_flow_transition(flow, TVN_FLOW_SUSPENDED);
    } else if (!asked && flow->state == TVN_FLOW_SUSPENDED) {
        tvn_flow_transition(flow, TVN_FLOW_RUNNING);
    }
    return flow->state == TVN_FLOW_SUSPENDED && !ends;
}

/* Queues hold what they have. What a sink holds back it passes on, so that nobody waits for it. */
static enum tvn_flow_turn suspended(struct tvn_flow *flow, struct tvn_flow_wait *out_wait)
{
    struct tvn_flow_wait wait = {.wake_ns = flow->deadline_ns};
    call_idle(flow, &wait);
    if (flow->cut_pending) {
        return TVN_FLOW_YIELD;
    }
    *out_wait = wait;
    return TVN_FLOW_IDLE;
}

static TVN_HOT uint32_t place_of(const struct tvn_flow *flow, uint32_t cursor)
{
    return flow->schedule == TVN_SCHEDULE_CONSUMER_FIRST ? cursor : flow->stage_count - 1 - cursor;
}

/* Where the next turn begins: what is visited before has nothing to do until one that waits has
 * done something, and every visit is a few cache lines more between data and consumer. */
static uint32_t first_waiting(const struct tvn_flow *flow)
{
    for (uint32_t cursor = 0; cursor < flow->stage_count; cursor++) {
        enum tvn_stage_phase phase = flow->order[place_of(flow, cursor)]->phase;
        if (phase == TVN_STAGE_WAIT_FD || phase == TVN_STAGE_WAIT_TIME) {
            return cursor;
        }
    }
    return 0;
}

/* No stage had anything to do. */
static enum tvn_flow_turn go_idle(struct tvn_flow *flow, struct tvn_flow_wait *out_wait)
{
    struct tvn_flow_wait wait = {.wake_ns =
                                     deadline_applies(flow) ? flow->deadline_ns : UINT64_MAX};
    call_idle(flow, &wait);
    if (flow->cut_pending) {
        return TVN_FLOW_YIELD;
    }
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        add_wait(flow, &flow->stages[i], &wait);
    }
    flow->cursor = first_waiting(flow);
    /* Else nothing would ever wake it: our bug. */
    tvn_assert(wait.wake_ns != UINT64_MAX || wait.fd_count > 0);
    *out_wait = wait;
    return TVN_FLOW_IDLE;
}

static enum tvn_flow_turn yield(struct tvn_flow *flow)
{
    if (flow->now_ns - flow->idle_called_ns >= TVN_FLOW_IDLE_EVERY_NS) {
        call_idle(flow, NULL);
    }
    return TVN_FLOW_YIELD;
}

/* TEARDOWN of one stage. False: it waits, *out_wait is filled. */
static bool tear_down(struct tvn_flow *flow, struct tvn_stage *stage,
                      struct tvn_flow_wait *out_wait)
{
    if (!stage->initialised || stage->dead ||
        !stage->invoker->ops->has_entry(stage->invoker, TVN_ENTRY_TEARDOWN)) {
        return true;
    }
    *out_wait = (struct tvn_flow_wait){.wake_ns = flow->close_deadline_ns};
    if (stage->phase == TVN_STAGE_WAIT_TIME &&
        flow->now_ns < tvn_min(stage->wake_ns, flow->close_deadline_ns)) {
        add_wait(flow, stage, out_wait);
        return false;
    }
    struct tvn_call call = {.fault = &flow->fault};
    enum tvn_outcome outcome = tvn_stage_call_other(flow, stage, TVN_ENTRY_TEARDOWN, &call);
    tvn_flow_read_clock(flow);
    if (outcome == TVN_OUTCOME_WAIT && flow->now_ns < flow->close_deadline_ns) {
        tvn_stage_wait(flow, stage);
        add_wait(flow, stage, out_wait);
        return false;
    }
    if (outcome != TVN_OUTCOME_EMIT) {
        /* Best effort: counted, but what was delivered stays delivered. */
        tvn_stage_count_error(flow, stage, TVN_ENTRY_TEARDOWN, outcome, NULL);
        tvn_stage_skip(flow, stage, TVN_ENTRY_TEARDOWN, outcome, NULL);
    }
    return true;
}

/* What a sink took and could not pass on has failed, although it was counted as delivered. */
static void count_undelivered(struct tvn_flow *flow, struct tvn_stage *stage)
{
    const struct tvn_invoker *invoker = stage->invoker;
    uint64_t count = invoker->ops->undelivered ? invoker->ops->undelivered(invoker) : 0;
    uint64_t delivered = tvn_stat_get(&flow->stats->delivered);
    if (count > 0) {
        tvn_assert(count <= delivered);
        tvn_stat_set(&flow->stats->delivered, delivered - count);
        tvn_stat_add(&flow->stats->failed, count);
        tvn_stat_add(&stage->stats->failed, count);
    }
}

/* Discards what is left, tears down from the sources on, and enters the terminal state. */
static enum tvn_flow_turn close_flow(struct tvn_flow *flow, struct tvn_flow_wait *out_wait)
{
    if (!flow->closing) {
        flow->closing = true;
        bool cancelled = tvn_stop_level(flow->stop) == TVN_STOP_CANCEL;
        flow->close_deadline_ns =
            flow->now_ns + (cancelled ? TVN_FLOW_CANCEL_WAIT_NS : TVN_FLOW_TEARDOWN_WAIT_NS);
        for (uint32_t i = 0; i < flow->stage_count; i++) {
            flow->stages[i].phase = TVN_STAGE_ENDED; /* no signals any more */
        }
        for (uint32_t i = 0; i < flow->edge_count; i++) {
            tvn_edge_close(flow, &flow->edges[i]);
        }
    }
    struct tvn_flow_wait wait;
    while (flow->close_cursor < flow->stage_count) {
        struct tvn_stage *stage = flow->order[flow->stage_count - 1 - flow->close_cursor];
        if (!tear_down(flow, stage, &wait)) {
            *out_wait = wait;
            return TVN_FLOW_IDLE;
        }
        count_undelivered(flow, stage);
        flow->close_cursor++;
    }
    tvn_flow_transition(flow, flow->failure.code == TVN_OK ? TVN_FLOW_COMPLETED : TVN_FLOW_FAILED);
    tvn_stat_set(&flow->stats->ended_ns, tvn_flow_read_clock(flow));
    return TVN_FLOW_DONE;
}

/*
 * Consumers first, an element gets one stage further a round, which is as good as any order while
 * all stages have work. In a flow that was idle none has, but what it was woken for: one element
 * first goes the way of the data, from the first stage that waited down to the last consumer, and
 * waits neither for those behind it nor for visits to stages that have nothing.
 */
static TVN_HOT enum tvn_flow_turn work(struct tvn_flow *flow, bool woken,
                                       struct tvn_flow_wait *out_wait)
{
    uint32_t began = flow->cursor;
    uint32_t down = woken && flow->schedule == TVN_SCHEDULE_CONSUMER_FIRST ? began + 1 : 0;
    uint32_t quiet = 0; /* stages in a row that had nothing to do */
    while (flow->ended_count < flow->stage_count) {
        if (flow->cut_pending) {
            tvn_flow_cut(flow);
            continue;
        }
        struct tvn_stage *stage = flow->order[place_of(flow, flow->cursor)];
        bool moved = tvn_stage_run(flow, stage, down > 0 ? 1 : flow->turn_elements);
        quiet = moved ? 0 : quiet + 1;
        if (quiet == flow->stage_count) {
            return go_idle(flow, out_wait);
        }
        if (down > 1) {
            down--;
            flow->cursor--;
        } else {
            if (down == 1) {
                down = 0;
                quiet = 0; /* those above may go on since */
                flow->cursor = began;
            }
            flow->cursor = flow->cursor + 1 == flow->stage_count ? 0 : flow->cursor + 1;
        }
        if (flow->now_ns >= flow->turn_end_ns ||
            (flow->cursor == 0 && flow->turn_pulled >= flow->turn_elements)) {
            return yield(flow);
        }
    }
    return close_flow(flow, out_wait);
}

static TVN_HOT enum tvn_flow_turn take_turn(struct tvn_flow *flow,
                                            const struct tvn_flow_quantum *quantum,
                                            struct tvn_flow_wait *out_wait)
{
    tvn_assert(flow && quantum && out_wait);
    tvn_assert(quantum->elements > 0);
    if (tvn_flow_state_is_terminal(flow->state)) {
        return TVN_FLOW_DONE;
    }
    tvn_assert(flow->state >= TVN_FLOW_RUNNING || flow->aborting);
    bool woken = flow->idle_since_ns != 0;
    begin_turn(flow, quantum);
    obey_stop_and_deadline(flow);
    if (flow->closing || flow->aborting) {
        return close_flow(flow, out_wait);
    }
    if (obey_pause(flow)) {
        return suspended(flow, out_wait);
    }
    return work(flow, woken, out_wait);
}

enum tvn_flow_turn tvn_flow_run(struct tvn_flow *flow, const struct tvn_flow_quantum *quantum,
                                struct tvn_flow_wait *out_wait)
{
    enum tvn_flow_turn turn = take_turn(flow, quantum, out_wait);
    if (turn == TVN_FLOW_IDLE) {
        flow->idle_since_ns = flow->now_ns;
        tvn_stat_open(&flow->stats->idle_open_ns, &flow->stats->idle_ns, flow->now_ns);
    }
    return turn;
}
