/* SPDX-License-Identifier: Apache-2.0 */
/* The model's graph: buffers and their holders, queues, fan-out, ends. */
#include "base/num.h"
#include "programs/simulate_internal.h"

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

void tvn_sim_model_buffer_made(struct tvn_sim_flow *flow, const struct tvn_buffer *buffer)
{
    struct tvn_sim_world *world = flow->world;
    uint32_t index = tvn_buffer_index(tvn_buffer_id_of(buffer));
    tvn_assert(index < TVN_SIM_BUFFERS_MAX);
    struct tvn_sim_buffer *known = &world->buffers[index];
    if (known->payload != 0) {
        tvn_sim_violation(world, NULL, "buffer %u was given out twice", index);
    }
    struct tvn_buffer *stale = NULL;
    if (known->last != 0 &&
        tvn_buffer_find(world->resources, (struct tvn_buffer_id){known->last}, &stale) == TVN_OK) {
        tvn_sim_violation(world, NULL, "buffer %u is known by an old id", index);
    }
    known->payload = tvn_buffer_id_of(buffer).raw;
    known->last = known->payload;
    known->holders = 1;
    known->bytes = buffer->length;
    known->capacity = buffer->capacity;
    flow->charged += buffer->capacity;
    world->live++;
}

void tvn_sim_model_release(struct tvn_sim_flow *flow, uint64_t payload)
{
    if (payload == 0) {
        return;
    }
    struct tvn_sim_world *world = flow->world;
    struct tvn_sim_buffer *known = &world->buffers[(uint32_t)payload];
    tvn_assert(known->payload == payload && known->holders > 0);
    if (--known->holders == 0) {
        known->payload = 0;
        flow->charged -= known->capacity;
        world->live--;
    }
}

/* Queues. */

static bool fits(const struct tvn_sim_edge *edge, uint32_t bytes)
{
    if (edge->count == edge->capacity) {
        return false;
    }
    return edge->max_bytes == 0 || edge->count == 0 || edge->bytes + bytes <= edge->max_bytes;
}

void tvn_sim_model_pop(struct tvn_sim_edge *edge)
{
    tvn_assert(edge->count > 0);
    edge->bytes -= tvn_sim_record_at(edge, 0)->bytes;
    edge->head = edge->head + 1 == edge->capacity ? 0 : edge->head + 1;
    edge->count--;
    if (edge->count <= edge->low_mark && (edge->max_bytes == 0 || edge->bytes <= edge->low_bytes)) {
        edge->throttled = false;
    }
}

static void throttle(struct tvn_sim_edge *edge)
{
    edge->events += !edge->throttled;
    edge->throttled = true;
}

static void push(struct tvn_sim_edge *edge, const struct tvn_sim_record *record)
{
    tvn_assert(edge->count < edge->capacity);
    edge->count++;
    edge->bytes += record->bytes;
    *tvn_sim_record_at(edge, edge->count - 1) = *record;
    edge->peak = tvn_max(edge->peak, edge->count);
    if (edge->count == edge->capacity || (edge->max_bytes > 0 && edge->bytes >= edge->max_bytes)) {
        throttle(edge);
    }
}

void tvn_sim_model_settle(struct tvn_sim_edge *edge)
{
    if (edge->has_held && fits(edge, edge->held.bytes)) {
        edge->has_held = false;
        push(edge, &edge->held);
    }
    edge->throttled |= edge->has_held;
}

static struct tvn_sim_bucket refill(const struct tvn_sim_edge *edge,
                                    const struct tvn_sim_bucket *bucket, uint64_t now_ns)
{
    if (now_ns <= bucket->at_ns) {
        return *bucket;
    }
    tvn_sim_wide full = (tvn_sim_wide)edge->burst * TVN_SIM_TOKEN;
    tvn_sim_wide level =
        bucket->level + (tvn_sim_wide)(now_ns - bucket->at_ns) * (tvn_sim_wide)edge->per_second;
    return (struct tvn_sim_bucket){.level = level < full ? level : full, .at_ns = now_ns};
}

uint64_t tvn_sim_model_token_ns(const struct tvn_sim_edge *edge, uint64_t now_ns)
{
    struct tvn_sim_bucket bucket = refill(edge, &edge->strict, now_ns);
    if (edge->per_second == 0 || bucket.level >= TVN_SIM_TOKEN) {
        return 0;
    }
    tvn_sim_wide missing = TVN_SIM_TOKEN - bucket.level;
    tvn_sim_wide rate = (tvn_sim_wide)edge->per_second;
    return bucket.at_ns + (uint64_t)((missing + rate - 1) / rate);
}

static void take_token(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge)
{
    uint64_t now = flow->world->now_ns;
    edge->strict = refill(edge, &edge->strict, now);
    edge->strict.level -= TVN_SIM_TOKEN;
    edge->lenient = refill(edge, &edge->lenient, flow->turn_begin_ns);
    tvn_sim_require(flow, refill(edge, &edge->lenient, now).level >= TVN_SIM_TOKEN,
                    "edge %u → %u: more elements than its rate allows", edge->from, edge->to);
    edge->lenient.level -= TVN_SIM_TOKEN;
}

void tvn_sim_model_fail(struct tvn_sim_flow *flow, enum tvn_status code,
                        struct tvn_sim_stage *stage, const uint64_t *sequence)
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

static void evict(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge)
{
    struct tvn_sim_stage *to = &flow->stages[edge->to];
    bool throttled = edge->throttled;
    tvn_sim_model_release(flow, tvn_sim_record_at(edge, 0)->payload);
    tvn_sim_model_pop(edge);
    if (edge->max_bytes == 0) {
        edge->throttled = throttled; /* it stays full */
    }
    if (to->repeats == edge) {
        to->repeats = NULL; /* and the retries were of that element */
        to->attempts = 0;
    }
    edge->dropped++;
    flow->dropped++;
}

/* An element for a full queue. False when its stage fails. */
static bool overflow(struct tvn_sim_stage *stage, struct tvn_sim_edge *edge,
                     const struct tvn_sim_record *record)
{
    struct tvn_sim_flow *flow = stage->flow;
    switch (edge->policy) {
    case TVN_OVERFLOW_DROP_OLDEST:
        while (!fits(edge, record->bytes)) {
            evict(flow, edge);
        }
        push(edge, record);
        return true;
    case TVN_OVERFLOW_DROP_NEWEST:
        tvn_sim_model_release(flow, record->payload);
        throttle(edge);
        edge->dropped++;
        flow->dropped++;
        return true;
    case TVN_OVERFLOW_ERROR:
        tvn_sim_model_release(flow, record->payload);
        stage->errors++;
        flow->errors++;
        stage->failures++;
        flow->failures++;
        tvn_sim_model_fail(flow, TVN_E_QUEUE_FULL, stage, &record->sequence);
        return false;
    case TVN_OVERFLOW_BLOCK:
    case TVN_OVERFLOW_RATE_LIMIT:
        break;
    }
    tvn_sim_require(flow, edge->max_bytes > 0 && !edge->has_held,
                    "stage %u put an element into a full queue", stage->index);
    edge->held = *record;
    edge->has_held = true;
    throttle(edge);
    return true;
}

static bool is_target(const struct tvn_sim_flow *flow, uint32_t edge, uint64_t ports)
{
    return (ports >> flow->edges[edge].port & 1) != 0 && !flow->edges[edge].closed;
}

void tvn_sim_model_put(struct tvn_sim_stage *stage, const struct tvn_sim_record *record,
                       uint64_t ports)
{
    struct tvn_sim_flow *flow = stage->flow;
    uint32_t count = 0;
    bool emitted = false;
    for (uint32_t i = 0; i < stage->output_count; i++) {
        count += is_target(flow, stage->outputs[i], ports);
    }
    if (count == 0) { /* only to stages that have failed */
        tvn_sim_model_release(flow, record->payload);
        stage->failures++;
        flow->failures++;
        return;
    }
    flow->forked += count - 1;
    if (record->payload != 0) {
        flow->world->buffers[(uint32_t)record->payload].holders += count - 1;
    }
    for (uint32_t i = 0; i < stage->output_count; i++) {
        struct tvn_sim_edge *edge = &flow->edges[stage->outputs[i]];
        if (!is_target(flow, stage->outputs[i], ports)) {
            continue;
        }
        if (edge->per_second > 0) {
            take_token(flow, edge);
        }
        if (fits(edge, record->bytes)) {
            push(edge, record);
            emitted = true;
        } else {
            emitted |= overflow(stage, edge, record);
        }
    }
    stage->emitted += emitted;
}

void tvn_sim_model_discard(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge, bool count)
{
    if (count) {
        uint32_t lost = edge->count + edge->has_held;
        flow->discarded += lost;
        flow->failures += lost;
        flow->stages[edge->to].failures += lost;
    }
    if (edge->has_held) {
        edge->has_held = false;
        tvn_sim_model_release(flow, edge->held.payload);
    }
    while (edge->count > 0) {
        tvn_sim_model_release(flow, tvn_sim_record_at(edge, 0)->payload);
        tvn_sim_model_pop(edge);
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
        if (flow->stages[flow->edges[i].to].failed && !flow->edges[i].closed) {
            flow->edges[i].closed = true;
            tvn_sim_model_discard(flow, &flow->edges[i], true);
        }
    }
}

/* It has a last call to answer when its inputs are over. */
static bool has_last_call(const struct tvn_sim_stage *stage)
{
    return stage->invoker.role == TVN_ROLE_AGGREGATOR ||
           (stage->invoker.role == TVN_ROLE_SINK && tvn_sim_has(stage, TVN_ENTRY_COMPLETE));
}

void tvn_sim_model_ends(const struct tvn_sim_flow *flow, bool out_over[TVN_SIM_STAGES_MAX])
{
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        const struct tvn_sim_stage *stage = &flow->stages[i];
        bool over = stage->invoker.role == TVN_ROLE_SOURCE
                        ? stage->exhausted || flow->sources_stopped
                        : stage->completed || !has_last_call(stage);
        for (uint32_t k = 0; k < stage->input_count; k++) {
            const struct tvn_sim_edge *edge = &flow->edges[stage->inputs[k]];
            over = over && out_over[edge->from] && edge->count == 0 && !edge->has_held;
        }
        out_over[i] =
            (over && !(stage->dead && !stage->torn_down && stage->input_count > 0)) || stage->ended;
    }
}

bool tvn_sim_model_credit(const struct tvn_sim_stage *stage)
{
    for (uint32_t i = 0; i < stage->output_count; i++) {
        const struct tvn_sim_edge *edge = &stage->flow->edges[stage->outputs[i]];
        if (tvn_sim_blocks(edge) && !edge->closed && edge->throttled) {
            return false;
        }
    }
    return true;
}

bool tvn_sim_model_pauses(const struct tvn_sim_stage *stage)
{
    bool any_blocks = false;
    bool any = false;
    bool all = true;
    for (uint32_t i = 0; i < stage->output_count; i++) {
        const struct tvn_sim_edge *edge = &stage->flow->edges[stage->outputs[i]];
        any_blocks |= tvn_sim_blocks(edge);
        any |= tvn_sim_blocks(edge) && edge->throttled;
        all &= edge->throttled;
    }
    return any_blocks ? any : all;
}

bool tvn_sim_model_waits(const struct tvn_sim_stage *stage)
{
    return stage->wait == TVN_SIM_WAIT_UNTIL ? stage->world->now_ns < stage->not_before_ns
                                             : stage->wait != TVN_SIM_WAIT_NONE;
}

/* Room and, where there is a rate, a token. */
static bool may_put(const struct tvn_sim_stage *stage)
{
    for (uint32_t i = 0; i < stage->output_count; i++) {
        const struct tvn_sim_edge *edge = &stage->flow->edges[stage->outputs[i]];
        /* Of a closed edge, too: the stage may have begun to wait before. */
        if (tvn_sim_model_token_ns(edge, stage->world->now_ns) > 0) {
            return false;
        }
    }
    return tvn_sim_model_credit(stage);
}

bool tvn_sim_model_ready(const struct tvn_sim_stage *stage, const bool over[TVN_SIM_STAGES_MAX])
{
    const struct tvn_sim_flow *flow = stage->flow;
    if (tvn_sim_model_waits(stage) || over[stage->index]) {
        return false;
    }
    if (stage->dead) {
        return true; /* to be replaced */
    }
    if (stage->invoker.role == TVN_ROLE_SOURCE) {
        return may_put(stage);
    }
    bool no_more = true;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const struct tvn_sim_edge *edge = &flow->edges[stage->inputs[i]];
        if (edge->count > 0) {
            return may_put(stage);
        }
        no_more = no_more && over[edge->from];
    }
    return no_more && (stage->invoker.role != TVN_ROLE_AGGREGATOR || may_put(stage));
}
