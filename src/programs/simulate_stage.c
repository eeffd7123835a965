/* SPDX-License-Identifier: Apache-2.0 */
/* Scripted stages: what the model is told about and the seed decides. */
#include "base/num.h"
#include "programs/simulate_internal.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#define SLOW_NS_MAX UINT32_C(20000000)
#define WAKE_NS_MAX UINT32_C(100000000)
#define POLL_NS_MAX UINT32_C(50000000)

#define FAULT(name) (UINT64_C(1) << TVN_SIM_##name)
#define ERRORS                                                                                \
    (FAULT(INVALID_INPUT) | FAULT(UNAVAILABLE) | FAULT(INTERNAL) | FAULT(DEADLINE_EXCEEDED) | \
     FAULT(FATAL) | FAULT(TRAP))
#define WAITS (FAULT(WAIT_TIME) | FAULT(WAIT_FD))

/* What may happen in the entries that take or give elements. */
static const uint64_t possible[TVN_SIM_ENTRY_COUNT] = {
    [TVN_ENTRY_PULL] =
        ERRORS | WAITS | FAULT(BLOCKED) | FAULT(SLOW) | FAULT(OVERSIZE) | FAULT(LEAK),
    [TVN_ENTRY_PROCESS] =
        ERRORS | WAITS | FAULT(DROP) | FAULT(SLOW) | FAULT(OVERSIZE) | FAULT(LEAK),
    [TVN_ENTRY_EVALUATE] = ERRORS | WAITS | FAULT(DROP) | FAULT(SLOW),
    [TVN_ENTRY_ROUTE] = ERRORS | WAITS | FAULT(DROP) | FAULT(PORT) | FAULT(SLOW),
    [TVN_ENTRY_INGEST] = ERRORS | WAITS | FAULT(DROP) | FAULT(SLOW) | FAULT(OVERSIZE) | FAULT(LEAK),
    [TVN_ENTRY_FLUSH] = ERRORS | WAITS | FAULT(SLOW) | FAULT(OVERSIZE),
    [TVN_ENTRY_PUSH] = ERRORS | WAITS | FAULT(DROP) | FAULT(PAUSE) | FAULT(SLOW) | FAULT(LEAK),
};

static enum tvn_sim_fault draw_fault(struct tvn_sim_stage *stage, enum tvn_entry entry)
{
    const struct tvn_sim_world *world = stage->world;
    uint32_t draw = (uint32_t)(tvn_sim_next(&stage->random) >> 48);
    if (world->calm) {
        return TVN_SIM_FAULT_COUNT;
    }
    for (uint64_t left = possible[entry]; left != 0; left &= left - 1) {
        enum tvn_sim_fault fault = (enum tvn_sim_fault)__builtin_ctzll(left);
        if (draw < world->rates[fault]) {
            return fault;
        }
        draw -= world->rates[fault];
    }
    return TVN_SIM_FAULT_COUNT;
}

static enum tvn_outcome process_error(struct tvn_call *call, enum tvn_process_error error)
{
    call->fault->error = error;
    (void)snprintf(call->fault->text, sizeof(call->fault->text), "scripted");
    return TVN_OUTCOME_ERROR;
}

static enum tvn_outcome trap(struct tvn_sim_stage *stage, struct tvn_fault *fault)
{
    static const enum tvn_status codes[] = {TVN_OK, TVN_E_COMPONENT_TRAPPED,
                                            TVN_E_COMPONENT_TIMEOUT, TVN_E_STALE_HANDLE};
    fault->code = codes[tvn_sim_below(&stage->random, TVN_ARRAY_LEN(codes))];
    (void)snprintf(fault->text, sizeof(fault->text), "scripted");
    return TVN_OUTCOME_DEAD;
}

/* A buffer of the stage's own. On failure the process-error that a component would make of it. */
static bool acquire(struct tvn_sim_stage *stage, uint64_t size, struct tvn_call *call,
                    struct tvn_buffer **out_buffer)
{
    struct tvn_sim_world *world = stage->world;
    static const uint64_t tier_bytes[] = {256, 4096, 65536, 1048576};
    uint64_t charged = tier_bytes[tvn_min(tvn_tier_for(size), TVN_TIER_HUGE)];
    const struct tvn_budget *flow = &stage->flow->budget;
    bool fits = charged <= stage->budget.max_bytes - stage->budget.used_bytes &&
                charged <= flow->max_bytes - flow->used_bytes;
    enum tvn_status status = tvn_buffer_acquire(world->magazines[world->worker], size,
                                                stage->index + 1, &stage->budget, out_buffer);
    if (status == TVN_OK) {
        tvn_sim_require(stage->flow, fits && (*out_buffer)->capacity == charged,
                        "%" PRIu64 " bytes are beyond the budget or the tier", size);
        return true;
    }
    bool oversize = size > world->max_buffer_bytes;
    tvn_sim_require(stage->flow,
                    (status == TVN_E_CAPACITY_EXCEEDED) == oversize &&
                        (status != TVN_E_ALLOCATION_FAILED || world->allocation_fails ||
                         world->fails_at_random) &&
                        (status != TVN_E_POOL_EXHAUSTED || world->pools_refuse) &&
                        (status != TVN_E_BUDGET_EXCEEDED || !fits),
                    "acquiring %" PRIu64 " bytes gave %s", size, tvn_status_code(status));
    bool transient = status == TVN_E_POOL_EXHAUSTED || status == TVN_E_ALLOCATION_FAILED;
    (void)process_error(call, transient ? TVN_PROCESS_UNAVAILABLE : TVN_PROCESS_INTERNAL);
    return false;
}

static void hold_on_to(struct tvn_sim_stage *stage, struct tvn_call *call)
{
    struct tvn_buffer *buffer;
    if (stage->leak_count == TVN_SIM_LEAKS_MAX || !acquire(stage, 64, call, &buffer)) {
        *call->fault = (struct tvn_fault){0};
        return;
    }
    tvn_sim_model_buffer_made(stage->flow, buffer);
    stage->leaks[stage->leak_count++] = buffer;
}

void tvn_sim_stage_reclaim(struct tvn_sim_stage *stage)
{
    struct tvn_sim_world *world = stage->world;
    while (stage->leak_count > 0) {
        struct tvn_buffer *buffer = stage->leaks[--stage->leak_count];
        struct tvn_buffer_id id = tvn_buffer_id_of(buffer);
        struct tvn_sim_buffer *known = &world->buffers[tvn_buffer_index(id)];
        tvn_sim_require(stage->flow,
                        buffer->owner == stage->index + 1 && buffer->holders == 1 &&
                            known->payload == id.raw,
                        "stage %u lost a buffer", stage->index);
        known->payload = 0;
        stage->flow->charged -= buffer->capacity;
        world->live--;
        tvn_buffer_release(world->magazines[world->worker], buffer);
    }
}

/* What the component writes into the new payload names the buffer as it will be when frozen. */
static bool make_payload(struct tvn_sim_stage *stage, struct tvn_call *call, uint32_t size,
                         struct tvn_element *out)
{
    struct tvn_buffer *buffer;
    if (!acquire(stage, size, call, &buffer)) {
        return false;
    }
    struct tvn_buffer_id id = tvn_buffer_id_of(buffer);
    uint64_t generation = tvn_buffer_generation(id);
    if (tvn_sim_trouble(stage->world, &stage->random, TVN_SIM_WRAP) &&
        generation < TVN_BUFFER_GENERATION_LAST - 3) {
        /* As if the slot had been used that often: soon it must be retired. */
        generation = TVN_BUFFER_GENERATION_LAST - tvn_sim_below(&stage->random, 4);
        buffer->id = generation << 32 | tvn_buffer_index(id);
    }
    uint64_t frozen_id = (generation + 1) << 32 | tvn_buffer_index(id);
    uint64_t tag = tvn_sim_mix(frozen_id);
    bool done = tvn_buffer_write(buffer, 0, &tag, sizeof(tag)) == TVN_OK &&
                tvn_buffer_freeze(buffer) == TVN_OK &&
                tvn_buffer_transfer(buffer, stage->index + 1, TVN_OWNER_HOST,
                                    &stage->flow->budget) == TVN_OK;
    tvn_sim_require(stage->flow, done && tvn_buffer_id_of(buffer).raw == frozen_id,
                    "stage %u cannot finish a buffer", stage->index);
    buffer->length = size; /* the rest is never read */
    tvn_sim_model_buffer_made(stage->flow, buffer);
    out->payload = tvn_buffer_id_of(buffer);
    return true;
}

static bool fill(struct tvn_sim_stage *stage, struct tvn_call *call, struct tvn_element *out)
{
    out->content_type = stage->index;
    out->timestamp_ns = 0;
    out->payload = (struct tvn_buffer_id){0};
    if (stage->invoker.role != TVN_ROLE_SOURCE && tvn_sim_below(&stage->random, 8) == 0) {
        out->timestamp_ns = 1 + tvn_sim_below(&stage->random, 1000);
    }
    if (stage->pass_through && call->in) {
        out->payload = call->in->payload;
    } else if (stage->payload_max > 0) {
        uint32_t size = 8 + tvn_sim_skewed(&stage->random, stage->payload_max);
        return make_payload(stage, call, size, out);
    }
    return true;
}

static enum tvn_outcome emit(struct tvn_sim_stage *stage, struct tvn_call *call)
{
    if (!fill(stage, call, call->out)) {
        return TVN_OUTCOME_ERROR;
    }
    call->out_count = 1;
    return TVN_OUTCOME_EMIT;
}

static enum tvn_outcome pull(struct tvn_sim_stage *stage, struct tvn_call *call)
{
    if (stage->count == 0) {
        return TVN_OUTCOME_END;
    }
    uint64_t tag = tvn_sim_tag(stage->flow, stage->flow->pulled);
    memcpy(call->out->trace_id, &tag, sizeof(tag));
    call->out->flags = (uint32_t)tag;
    enum tvn_outcome outcome = emit(stage, call);
    stage->count -= outcome == TVN_OUTCOME_EMIT;
    return outcome;
}

static enum tvn_outcome flush(struct tvn_sim_stage *stage, struct tvn_call *call)
{
    uint32_t wanted = tvn_min(stage->flush_left, call->out_capacity);
    wanted = wanted > 0 ? 1 + tvn_sim_below(&stage->random, wanted) : 0;
    for (uint32_t i = 0; i < wanted; i++) {
        if (!fill(stage, call, &call->out[i])) {
            *call->fault = (struct tvn_fault){0}; /* what there is goes out; next time more */
            stage->flush_left -= i == 0;
            wanted = i;
        }
    }
    stage->flush_left -= wanted;
    call->out_count = wanted;
    return TVN_OUTCOME_EMIT;
}

static enum tvn_outcome normal(struct tvn_sim_stage *stage, enum tvn_entry entry,
                               struct tvn_call *call)
{
    switch ((unsigned)entry) {
    case TVN_ENTRY_PULL:
        return pull(stage, call);
    case TVN_ENTRY_PROCESS:
        return emit(stage, call);
    case TVN_ENTRY_INGEST:
        return tvn_sim_below(&stage->random, 3) == 0 ? emit(stage, call) : TVN_OUTCOME_EMIT;
    case TVN_ENTRY_FLUSH:
        return flush(stage, call);
    case TVN_ENTRY_ROUTE:
        call->ports = stage->ports & tvn_sim_next(&stage->random);
        return TVN_OUTCOME_EMIT;
    default:
        return TVN_OUTCOME_EMIT;
    }
}

static enum tvn_outcome wait_on_descriptor(struct tvn_sim_stage *stage)
{
    stage->poll_ready_ns = stage->world->now_ns + 1 + tvn_sim_skewed(&stage->random, POLL_NS_MAX);
    return TVN_OUTCOME_WAIT;
}

static enum tvn_outcome troubled(struct tvn_sim_stage *stage, enum tvn_entry entry,
                                 struct tvn_call *call, enum tvn_sim_fault fault)
{
    struct tvn_sim_world *world = stage->world;
    switch ((unsigned)fault) {
    case TVN_SIM_DROP:
        return TVN_OUTCOME_DROP;
    case TVN_SIM_INVALID_INPUT:
        return process_error(call, TVN_PROCESS_INVALID_INPUT);
    case TVN_SIM_UNAVAILABLE:
        return process_error(call, TVN_PROCESS_UNAVAILABLE);
    case TVN_SIM_INTERNAL:
        return process_error(call, TVN_PROCESS_INTERNAL);
    case TVN_SIM_DEADLINE_EXCEEDED:
        return process_error(call, TVN_PROCESS_DEADLINE_EXCEEDED);
    case TVN_SIM_FATAL:
        return process_error(call, TVN_PROCESS_FATAL);
    case TVN_SIM_TRAP:
        return trap(stage, call->fault);
    case TVN_SIM_WAIT_TIME:
        if (entry == TVN_ENTRY_PULL && tvn_sim_below(&stage->random, 2)) {
            call->wake_ns = world->now_ns + tvn_sim_skewed(&stage->random, WAKE_NS_MAX);
        }
        return TVN_OUTCOME_WAIT;
    case TVN_SIM_WAIT_FD:
        return wait_on_descriptor(stage);
    case TVN_SIM_PAUSE:
        call->signal = TVN_SIGNAL_PAUSE;
        return normal(stage, entry, call);
    case TVN_SIM_SLOW:
        world->now_ns += tvn_sim_skewed(&stage->random, SLOW_NS_MAX);
        return normal(stage, entry, call);
    case TVN_SIM_OVERSIZE: {
        struct tvn_buffer *buffer;
        tvn_sim_require(stage->flow, !acquire(stage, world->max_buffer_bytes + 1, call, &buffer),
                        "stage %u got a buffer beyond the limit", stage->index);
        return TVN_OUTCOME_ERROR;
    }
    case TVN_SIM_LEAK:
        hold_on_to(stage, call);
        return normal(stage, entry, call);
    case TVN_SIM_PORT:
        call->ports = tvn_sim_next(&stage->random);
        return TVN_OUTCOME_EMIT;
    case TVN_SIM_BLOCKED: {
        world->now_ns += tvn_sim_skewed(&stage->random, 1000000);
        enum tvn_outcome outcome = normal(stage, entry, call);
        call->waited = outcome == TVN_OUTCOME_EMIT;
        return outcome;
    }
    default:
        break;
    }
    return normal(stage, entry, call);
}

/* Any way of not doing what was asked. */
static enum tvn_outcome refuse(struct tvn_sim_stage *stage, struct tvn_call *call, bool may_wait)
{
    uint32_t draw = tvn_sim_below(&stage->random, may_wait ? 5 : 3);
    if (draw == 0) {
        return trap(stage, call->fault);
    }
    if (draw <= 2) {
        return process_error(
            call, (enum tvn_process_error)tvn_sim_below(&stage->random, TVN_PROCESS_FATAL + 1));
    }
    return draw == 3 ? TVN_OUTCOME_WAIT : wait_on_descriptor(stage);
}

static enum tvn_outcome behave(struct tvn_sim_stage *stage, enum tvn_entry entry,
                               struct tvn_call *call)
{
    struct tvn_sim_world *world = stage->world;
    switch (entry) {
    case TVN_ENTRY_INIT:
        return tvn_sim_trouble(world, &stage->random, TVN_SIM_INIT) ? refuse(stage, call, false)
                                                                    : TVN_OUTCOME_EMIT;
    case TVN_ENTRY_NOTIFY:
        return tvn_sim_trouble(world, &stage->random, TVN_SIM_NOTIFY) ? refuse(stage, call, false)
                                                                      : TVN_OUTCOME_EMIT;
    case TVN_ENTRY_COMPLETE:
        return tvn_sim_trouble(world, &stage->random, TVN_SIM_COMPLETE) ? refuse(stage, call, true)
                                                                        : TVN_OUTCOME_EMIT;
    case TVN_ENTRY_TEARDOWN:
        if (stage->stubborn && !world->calm) {
            return TVN_OUTCOME_WAIT;
        }
        return tvn_sim_trouble(world, &stage->random, TVN_SIM_TEARDOWN) ? refuse(stage, call, true)
                                                                        : TVN_OUTCOME_EMIT;
    case TVN_ENTRY_PULL:
    case TVN_ENTRY_PROCESS:
    case TVN_ENTRY_EVALUATE:
    case TVN_ENTRY_ROUTE:
    case TVN_ENTRY_INGEST:
    case TVN_ENTRY_FLUSH:
    case TVN_ENTRY_PUSH:
        break;
    }
    enum tvn_sim_fault fault = draw_fault(stage, entry);
    return fault == TVN_SIM_FAULT_COUNT ? normal(stage, entry, call)
                                        : troubled(stage, entry, call, fault);
}

/* The payload is lent for the call. */
static struct tvn_buffer *borrow(struct tvn_sim_stage *stage, const struct tvn_element *in)
{
    struct tvn_buffer *buffer = NULL;
    if (!in || in->payload.raw == 0) {
        return NULL;
    }
    tvn_sim_require(stage->flow,
                    tvn_buffer_find(stage->world->resources, in->payload, &buffer) == TVN_OK,
                    "stage %u got a buffer that is gone", stage->index);
    uint64_t tag;
    memcpy(&tag, buffer->bytes, sizeof(tag));
    tvn_sim_require(stage->flow,
                    tag == tvn_sim_mix(in->payload.raw) &&
                        buffer->length ==
                            stage->world->buffers[tvn_buffer_index(in->payload)].bytes,
                    "stage %u got a payload that another has written", stage->index);
    tvn_sim_require(stage->flow, buffer->state == TVN_BUFFER_OWNED,
                    "stage %u is lent a buffer that is %s", stage->index,
                    tvn_buffer_state_name((enum tvn_buffer_state)buffer->state));
    tvn_buffer_borrow(buffer);
    return buffer;
}

/* A component's instance is on the stack between two calls of a row. */
static void left_alone(struct tvn_sim_stage *stage)
{
    tvn_sim_require(stage->flow, !stage->between, "stage %u is called between two calls of a row",
                    stage->index);
}

static enum tvn_outcome stage_invoke(struct tvn_invoker *self, enum tvn_entry entry,
                                     struct tvn_call *call)
{
    struct tvn_sim_stage *stage = TVN_CONTAINER_OF(self, struct tvn_sim_stage, invoker);
    struct tvn_sim_world *world = stage->world;
    world->calls++;
    left_alone(stage);
    tvn_sim_model_before(stage, entry, call);
    struct tvn_buffer *lent = borrow(stage, call->in);
    bool sleeps = stage->poll_ready_ns > world->now_ns && !world->calm;
    enum tvn_outcome outcome = TVN_OUTCOME_WAIT;
    if (entry == TVN_ENTRY_NOTIFY || entry == TVN_ENTRY_INIT || !sleeps) {
        if (entry !=
            TVN_ENTRY_NOTIFY) { /* a signal takes no time: the clock is not read after it */
            stage->poll_ready_ns = 0;
            world->now_ns += stage->cost_ns > 0 ? tvn_sim_below(&stage->random, stage->cost_ns) : 0;
        }
        outcome = behave(stage, entry, call);
    }
    if (lent) {
        tvn_buffer_end_borrow(lent);
    }
    tvn_sim_trace(world, (uint64_t)entry << 8 | (uint64_t)outcome | (uint64_t)stage->index << 16 |
                             (uint64_t)stage->flow->index << 24);
    tvn_sim_trace(world, world->now_ns ^ (call->in ? call->in->sequence << 40 : 0));
    tvn_sim_say(stage->flow, "stage %u entry %d outcome %d element %" PRId64, stage->index,
                (int)entry, (int)outcome, call->in ? (int64_t)call->in->sequence : -1);
    tvn_sim_model_after(stage, entry, call, outcome);
    if (outcome == TVN_OUTCOME_DEAD || stage->torn_down) {
        tvn_sim_stage_reclaim(stage);
    }
    return outcome;
}

/* A loop; what is told outside of it is told with the instance left. */
static void stage_invoke_row(struct tvn_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                             tvn_next_call next, void *context)
{
    struct tvn_sim_stage *stage = TVN_CONTAINER_OF(self, struct tvn_sim_stage, invoker);
    const struct tvn_event_sink *events = &stage->flow->events;
    bool more = true;
    while (more) {
        uint32_t mask = tvn_watch_mask(events);
        bool watched = entry == TVN_ENTRY_PULL ? tvn_watch_pull(events, mask, stage->flow->pulled)
                                               : tvn_watch_element(mask, call->in->flags);
        tvn_sim_require(stage->flow, watched == stage->flow->watches_row,
                        "a watched call of stage %u is made in a row", stage->index);
        uint64_t told = stage->flow->watched_calls;
        enum tvn_outcome outcome = stage_invoke(self, entry, call);
        stage->between = outcome == TVN_OUTCOME_EMIT || outcome == TVN_OUTCOME_DROP;
        more = next(context, outcome);
        stage->between = false;
        tvn_sim_require(stage->flow, stage->flow->watched_calls == told + watched,
                        "a call of stage %u in a row is not told", stage->index);
    }
}

/* Hangs on nothing that is drawn: a world is the same with and without rows. */
static bool takes_rows(const struct tvn_sim_stage *stage)
{
    const struct tvn_sim_config *config = &stage->world->config;
    uint64_t number = (uint64_t)stage->flow->life << 16 | stage->flow->index << 8 | stage->index;
    return config->rows == 2 ||
           (config->rows == 1 && (tvn_sim_mix(config->seed << 40 ^ number) & 1) != 0);
}

static bool stage_has_entry(const struct tvn_invoker *self, enum tvn_entry entry)
{
    const struct tvn_sim_stage *stage = (const struct tvn_sim_stage *)(const void *)self;
    return (stage->entries >> entry & 1) != 0;
}

/* Descriptors are told apart by number; nobody polls them. */
static int stage_wait_fd(const struct tvn_invoker *self, short *out_events)
{
    const struct tvn_sim_stage *stage = (const struct tvn_sim_stage *)(const void *)self;
    *out_events = stage->invoker.role == TVN_ROLE_SOURCE ? POLLIN : POLLOUT;
    return stage->poll_ready_ns > 0 ? (int)stage->index : -1;
}

static enum tvn_outcome stage_idle(struct tvn_invoker *self, struct tvn_fault *fault)
{
    struct tvn_sim_stage *stage = TVN_CONTAINER_OF(self, struct tvn_sim_stage, invoker);
    struct tvn_sim_world *world = stage->world;
    enum tvn_outcome outcome = TVN_OUTCOME_EMIT;
    left_alone(stage);
    tvn_sim_model_before_idle(stage);
    if (stage->poll_ready_ns > world->now_ns && !world->calm) {
        outcome = TVN_OUTCOME_WAIT;
    } else if (stage->wait == TVN_SIM_WAIT_NONE) {
        stage->poll_ready_ns = 0;
        if (tvn_sim_trouble(world, &stage->random, TVN_SIM_IDLE)) {
            outcome = tvn_sim_below(&stage->random, 8) == 0 ? trap(stage, fault)
                                                            : wait_on_descriptor(stage);
        }
    }
    tvn_sim_trace(world, (uint64_t)outcome << 4 | (uint64_t)stage->index << 16 | 1);
    tvn_sim_say(stage->flow, "stage %u idle outcome %d", stage->index, (int)outcome);
    tvn_sim_model_idle(stage, outcome, fault);
    if (outcome == TVN_OUTCOME_DEAD) {
        tvn_sim_stage_reclaim(stage);
    }
    return outcome;
}

/* What the dead instance held was reclaimed when it died. */
static enum tvn_outcome stage_restart(struct tvn_invoker *self, struct tvn_fault *fault)
{
    struct tvn_sim_stage *stage = TVN_CONTAINER_OF(self, struct tvn_sim_stage, invoker);
    struct tvn_sim_world *world = stage->world;
    struct tvn_call call = {.fault = fault};
    world->calls++;
    left_alone(stage);
    tvn_sim_model_restart(stage);
    stage->poll_ready_ns = 0;
    world->now_ns += stage->cost_ns > 0 ? tvn_sim_below(&stage->random, stage->cost_ns) : 0;
    enum tvn_outcome outcome = tvn_sim_trouble(world, &stage->random, TVN_SIM_INIT)
                                   ? refuse(stage, &call, false)
                                   : TVN_OUTCOME_EMIT;
    tvn_sim_trace(world, (uint64_t)outcome << 4 | (uint64_t)stage->index << 16 | 2);
    tvn_sim_say(stage->flow, "stage %u restart outcome %d", stage->index, (int)outcome);
    tvn_sim_model_restarted(stage, outcome, fault);
    return outcome;
}

static void stage_destroy(struct tvn_invoker *self)
{
    tvn_sim_stage_reclaim(TVN_CONTAINER_OF(self, struct tvn_sim_stage, invoker));
}

/* Some sinks lose a part of what they took; which part hangs on nothing that is drawn. */
static uint64_t stage_undelivered(const struct tvn_invoker *self)
{
    struct tvn_sim_stage *stage = (struct tvn_sim_stage *)(uintptr_t)self;
    uint64_t hash = tvn_sim_mix(stage->emitted ^ stage->world->config.seed << 32);
    uint64_t count = hash % 4 == 0 ? (hash >> 8) % (stage->emitted + 1) : 0;
    tvn_sim_model_undelivered(stage, count);
    return count;
}

void tvn_sim_stage_init(struct tvn_sim_stage *stage, enum tvn_role role)
{
    stage->ops = (struct tvn_invoker_ops){
        .invoke = stage_invoke,
        .invoke_row = takes_rows(stage) ? stage_invoke_row : NULL,
        .has_entry = stage_has_entry,
        .wait_fd = stage_wait_fd,
        .idle = stage->has_idle ? stage_idle : NULL,
        .restart = stage->has_restart ? stage_restart : NULL,
        .undelivered = role == TVN_ROLE_SINK ? stage_undelivered : NULL,
        .destroy = stage_destroy,
    };
    stage->invoker = (struct tvn_invoker){.ops = &stage->ops, .role = role};
}

bool tvn_sim_poll_ready(const struct tvn_sim_flow *flow)
{
    return tvn_sim_poll_next_ns(flow) <= flow->world->now_ns;
}

uint64_t tvn_sim_poll_next_ns(const struct tvn_sim_flow *flow)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < flow->wait.fd_count; i++) {
        const struct tvn_sim_stage *stage = &flow->stages[flow->wait.fds[i].fd];
        next = tvn_min(next, flow->world->calm ? 0 : stage->poll_ready_ns);
    }
    return next;
}
