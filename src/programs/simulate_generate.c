/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds and flows from numbers. Each flow has a stream of its own: leaving out others keeps it. */
#include "base/mem.h"
#include "base/num.h"
#include "programs/simulate_internal.h"

#define TURN_READS_MAX 1000000 /* of the clock */

/* Rates of 65536: rare to common. What ends a flow is kept rarer. */
static const uint32_t rates[] = {4, 40, 400, 4000};

static bool ends_flow(unsigned fault)
{
    return fault == TVN_SIM_FATAL || fault == TVN_SIM_TRAP || fault == TVN_SIM_CANCEL ||
           fault == TVN_SIM_DRAIN || fault == TVN_SIM_DESTROY || fault == TVN_SIM_UNAVAILABLE;
}

/* Decided once per flow or stage, not per call: more often. */
static bool per_flow(unsigned fault)
{
    return fault == TVN_SIM_INIT || fault == TVN_SIM_COMPLETE || fault == TVN_SIM_TEARDOWN ||
           fault == TVN_SIM_OVERFLOW || fault == TVN_SIM_BYTES || fault == TVN_SIM_RATE ||
           fault == TVN_SIM_DEBUG || fault == TVN_SIM_RESTART || fault == TVN_SIM_DEADLINE ||
           fault == TVN_SIM_LIMIT;
}

static void generate_resources(struct tvn_sim_world *world)
{
    struct tvn_sim_random *random = &world->random;
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    bool small = tvn_sim_chance(random, 32768);
    for (uint32_t tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        uint32_t size = tvn_sim_skewed(random, 64);
        options.pool_sizes[tier] = small ? size : 512u >> tier;
    }
    bool refuse = tvn_sim_chance(random, world->rates[TVN_SIM_EXHAUST] > 0 ? 40000 : 0);
    options.exhaustion_policy = refuse ? TVN_EXHAUSTION_ERROR : TVN_EXHAUSTION_FALLBACK_ALLOC;
    options.max_buffer_bytes = tvn_sim_chance(random, 32768) ? 4096 : 65536;
    bool debug = tvn_sim_chance(random, world->rates[TVN_SIM_DEBUG]);
    options.debug.poison = debug;
    options.debug.integrity = debug && tvn_sim_chance(random, 32768);
    world->fails_at_random = debug && tvn_sim_chance(random, 32768);
    options.debug.fail_one_in = world->fails_at_random ? tvn_sim_between(random, 2, 500) : 0;
    options.debug.seed = world->config.seed;
    world->pools_refuse = refuse;
    world->max_buffer_bytes = options.max_buffer_bytes;
    tvn_assert(tvn_resources_create(&options, &world->resources) == TVN_OK);
    world->worker_count =
        tvn_min(tvn_sim_between(random, 1, TVN_SIM_WORKERS_MAX), world->config.workers);
    for (uint32_t i = 0; i < world->worker_count; i++) {
        world->magazines[i] = tvn_magazine_create(world->resources);
        tvn_assert(world->magazines[i]);
    }
}

void tvn_sim_generate_world(struct tvn_sim_world *world)
{
    struct tvn_sim_random *random = &world->random;
    for (unsigned fault = 0; fault < TVN_SIM_FAULT_COUNT; fault++) {
        uint32_t rate = rates[tvn_sim_below(random, ends_flow(fault) ? 2 : TVN_ARRAY_LEN(rates))];
        if (per_flow(fault)) {
            rate = 3000 + rate * 4;
        }
        bool on = tvn_sim_chance(random, 32768) && (world->config.off >> fault & 1) == 0;
        world->rates[fault] = on ? rate : 0;
    }
    world->now_ns = 1000000 + tvn_sim_below(random, 1000000000);
    world->wall_offset_ns = UINT64_C(1700000000000000000);
    uint32_t count = 1 + tvn_sim_skewed(random, TVN_SIM_FLOWS_MAX - 1);
    world->flow_count = tvn_min(count, world->config.flows);
    generate_resources(world);
}

static void generate_stage(struct tvn_sim_flow *flow, uint32_t index, enum tvn_role role)
{
    struct tvn_sim_world *world = flow->world;
    struct tvn_sim_stage *stage = &flow->stages[index];
    struct tvn_sim_random *random = &stage->random;
    stage->world = world;
    stage->flow = flow;
    stage->index = index;
    *random = tvn_sim_random_of(tvn_sim_next(&flow->random), index);
    stage->entries = tvn_sim_below(random, 1u << TVN_SIM_ENTRY_COUNT);
    stage->has_idle = tvn_sim_chance(random, 16384);
    bool defaults = tvn_sim_chance(random, 32768);
    stage->on_error = defaults
                          ? TVN_ON_ERROR_DEFAULT
                          : (enum tvn_on_error)tvn_sim_below(random, TVN_ON_ERROR_DEAD_LETTER + 1);
    stage->has_restart = tvn_sim_chance(random, world->rates[TVN_SIM_RESTART] * 2);
    stage->restart_backoff_ns = tvn_sim_skewed(random, 20000000);
    stage->circuit_window_ns = tvn_sim_skewed(random, 1000000000);
    stage->circuit_traps = tvn_sim_between(random, 1, TVN_SIM_TRAPS_MAX);
    stage->max_retries = tvn_sim_below(random, 5);
    stage->retry_backoff_ns = tvn_sim_skewed(random, 200000000);
    stage->cost_ns = tvn_sim_skewed(random, 20000);
    stage->payload_max = tvn_sim_chance(random, 12000) ? 0 : tvn_sim_skewed(random, 300);
    if (stage->payload_max > 0 && tvn_sim_chance(random, 8000)) {
        stage->payload_max = 4000u << (world->max_buffer_bytes > 4096 ? 4 : 0);
    }
    stage->pass_through = tvn_sim_chance(random, 22000);
    stage->flush_left = tvn_sim_skewed(random, 100);
    stage->merge = (enum tvn_merge)tvn_sim_below(random, TVN_MERGE_PRIORITY + 1);
    stage->stubborn = tvn_sim_chance(random, world->rates[TVN_SIM_TEARDOWN] / 16);
    stage->count = tvn_sim_chance(random, 32768) ? UINT64_MAX : tvn_sim_skewed(random, 5000);
    stage->budget.parent = &flow->budget;
    stage->budget.max_bytes = tvn_sim_chance(random, 10000) ? 4096 : 1u << 20;
    tvn_sim_stage_init(stage, role);
}

static enum tvn_overflow_policy generate_policy(struct tvn_sim_flow *flow, uint32_t from)
{
    struct tvn_sim_random *random = &flow->random;
    bool overflows = tvn_sim_chance(random, flow->world->rates[TVN_SIM_OVERFLOW]);
    uint32_t draw = tvn_sim_below(random, 3);
    if (flow->fan_out == TVN_FAN_OUT_INDEPENDENT &&
        flow->stages[from].invoker.role != TVN_ROLE_ROUTER) {
        return draw == 0 ? TVN_OVERFLOW_DROP_OLDEST : TVN_OVERFLOW_DROP_NEWEST;
    }
    return overflows ? (enum tvn_overflow_policy)(TVN_OVERFLOW_DROP_OLDEST + draw)
                     : TVN_OVERFLOW_BLOCK;
}

static void generate_limits(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge)
{
    struct tvn_sim_random *random = &flow->random;
    bool limited = tvn_sim_chance(random, flow->world->rates[TVN_SIM_BYTES]);
    uint64_t bytes = 1 + tvn_sim_skewed(random, 20000);
    if (limited) {
        edge->max_bytes = bytes;
        edge->low_bytes = tvn_min((uint64_t)(edge->ratio * (double)bytes), bytes - 1);
    }
    bool rated = tvn_sim_chance(random, flow->world->rates[TVN_SIM_RATE]);
    uint64_t per_second = 1 + tvn_sim_skewed(random, 10000000);
    uint32_t burst = tvn_sim_skewed(random, 100);
    if (rated && edge->policy == TVN_OVERFLOW_BLOCK) {
        edge->policy = TVN_OVERFLOW_RATE_LIMIT;
        edge->per_second = per_second;
        edge->asked_burst = burst;
        edge->burst = burst > 0 ? burst : tvn_max((uint32_t)(per_second / 100), 1u);
        edge->strict.level = (tvn_sim_wide)edge->burst * TVN_SIM_TOKEN;
        edge->lenient = edge->strict;
    }
}

static void generate_edge(struct tvn_sim_flow *flow, uint32_t from, uint32_t to)
{
    struct tvn_sim_random *random = &flow->random;
    uint32_t index = flow->edge_count++;
    struct tvn_sim_edge *edge = &flow->edges[index];
    uint32_t depth = 1 + tvn_sim_skewed(random, TVN_SIM_DEPTH_MAX - 1);
    uint32_t port = tvn_sim_skewed(random, TVN_CALL_PORTS_MAX - 1);
    edge->ratio = (double)tvn_sim_below(random, 101) / 100.0;
    edge->from = from;
    edge->to = to;
    edge->port = flow->stages[from].invoker.role == TVN_ROLE_ROUTER ? port : 0;
    edge->capacity = tvn_min(depth, flow->world->config.depth);
    edge->low_mark = tvn_min((uint32_t)(edge->ratio * (double)edge->capacity), edge->capacity - 1);
    edge->policy = generate_policy(flow, from);
    generate_limits(flow, edge);
    struct tvn_sim_stage *producer = &flow->stages[from];
    struct tvn_sim_stage *consumer = &flow->stages[to];
    producer->ports |= UINT64_C(1) << edge->port;
    producer->outputs[producer->output_count++] = index;
    consumer->inputs[consumer->input_count++] = index;
}

static void generate_path(struct tvn_sim_flow *flow)
{
    static const enum tvn_role middle[] = {TVN_ROLE_PROCESSOR, TVN_ROLE_PROCESSOR, TVN_ROLE_FILTER,
                                           TVN_ROLE_ROUTER, TVN_ROLE_AGGREGATOR};
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        enum tvn_role role = middle[tvn_sim_below(&flow->random, TVN_ARRAY_LEN(middle))];
        role = i == 0 ? TVN_ROLE_SOURCE : i + 1 == flow->stage_count ? TVN_ROLE_SINK : role;
        generate_stage(flow, i, role);
    }
    for (uint32_t i = 0; i + 1 < flow->stage_count; i++) {
        generate_edge(flow, i, i + 1);
    }
}

/* Sources first, sinks last, edges only upwards; some edges more than it takes to connect all. */
static void generate_graph(struct tvn_sim_flow *flow)
{
    static const enum tvn_role middle[] = {TVN_ROLE_PROCESSOR, TVN_ROLE_FILTER, TVN_ROLE_ROUTER,
                                           TVN_ROLE_AGGREGATOR};
    struct tvn_sim_random *random = &flow->random;
    uint32_t count = flow->stage_count;
    uint32_t sources = 1 + tvn_sim_skewed(random, (count - 2) / 2);
    uint32_t sinks = 1 + tvn_sim_skewed(random, (count - 1 - sources) / 2);
    uint32_t first_sink = count - sinks;
    for (uint32_t i = 0; i < count; i++) {
        enum tvn_role role = middle[tvn_sim_below(random, TVN_ARRAY_LEN(middle))];
        role = i < sources ? TVN_ROLE_SOURCE : i >= first_sink ? TVN_ROLE_SINK : role;
        generate_stage(flow, i, role);
    }
    for (uint32_t i = sources; i < count; i++) {
        generate_edge(flow, tvn_sim_below(random, tvn_min(i, first_sink)), i);
    }
    for (uint32_t i = 0; i < first_sink; i++) {
        if (flow->stages[i].output_count == 0) {
            generate_edge(flow, i, tvn_sim_between(random, tvn_max(i + 1, sources), count - 1));
        }
    }
    uint32_t extra = tvn_sim_skewed(random, tvn_min(count, TVN_SIM_EDGES_MAX - flow->edge_count));
    for (; extra > 0; extra--) {
        uint32_t from = tvn_sim_below(random, first_sink);
        generate_edge(flow, from, tvn_sim_between(random, tvn_max(from + 1, sources), count - 1));
    }
}

static void generate_stages(struct tvn_sim_flow *flow)
{
    struct tvn_sim_random *random = &flow->random;
    uint32_t count = 2 + tvn_sim_skewed(random, TVN_SIM_STAGES_MAX - 2);
    flow->stage_count = tvn_min(count, flow->world->config.stages);
    if (tvn_sim_chance(random, 24000)) {
        generate_path(flow);
    } else {
        generate_graph(flow);
    }
    uint32_t slots = 0;
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        slots += flow->edges[i].capacity;
    }
    flow->slots = tvn_calloc(slots, sizeof(*flow->slots));
    tvn_assert(flow->slots);
    slots = 0;
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        flow->edges[i].slots = flow->slots + slots;
        slots += flow->edges[i].capacity;
    }
}

static uint64_t world_now(void *context)
{
    struct tvn_sim_world *world = context;
    world->turn_reads++;
    if (world->turn_reads > TURN_READS_MAX) {
        tvn_sim_violation(world, NULL, "a turn does not end");
    }
    return world->now_ns;
}

static bool dead_letter(void *context, uint32_t stage, const struct tvn_element *element,
                        const struct tvn_flow_failure *failure)
{
    tvn_assert(failure);
    return tvn_sim_model_letter(context, stage, element);
}

static uint64_t world_wall(void *context)
{
    const struct tvn_sim_world *world = context;
    return world->now_ns + world->wall_offset_ns;
}

/* Allocations may fail; then it must say so, leave nothing behind, and work the second time. */
static void create(struct tvn_sim_flow *flow, const struct tvn_flow_options *options)
{
    struct tvn_sim_world *world = flow->world;
    bool fails = tvn_sim_trouble(world, &flow->random, TVN_SIM_ALLOCATION);
    uint32_t at = tvn_sim_between(&flow->random, 1, options->edge_count + 8);
    if (fails) {
        tvn_mem_fail_at(at, tvn_sim_below(&flow->random, 2) != 0);
    }
    enum tvn_status status = tvn_flow_create(options, &flow->flow);
    tvn_mem_fail_at(0, false);
    if (fails && status == TVN_E_OUT_OF_MEMORY) {
        tvn_sim_require(flow, !flow->flow, "a flow that was not made was handed out");
        flow->event_state = TVN_FLOW_CREATED;
        memset(flow->event_counts, 0, sizeof(flow->event_counts));
        status = tvn_flow_create(options, &flow->flow);
    }
    tvn_sim_require(flow, status == TVN_OK, "create gave %s", tvn_status_code(status));
}

static void generate_quantum(struct tvn_sim_flow *flow)
{
    static const uint32_t sizes[] = {1, 8, 32, 32, 128, 256}; /* of priorities, and the smallest */
    uint32_t draw = tvn_sim_below(&flow->random, TVN_ARRAY_LEN(sizes));
    flow->quantum.elements = sizes[draw];
    flow->quantum.duration_ns =
        tvn_sim_chance(&flow->random, 32768) ? 100000 : 1 + tvn_sim_skewed(&flow->random, 1000000);
}

static void describe(struct tvn_sim_flow *flow, struct tvn_stage_options stages[TVN_SIM_STAGES_MAX],
                     struct tvn_edge_options edges[TVN_SIM_EDGES_MAX])
{
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        struct tvn_sim_stage *stage = &flow->stages[i];
        tvn_stage_options_default(&stages[i]);
        stages[i].invoker = &stage->invoker;
        stages[i].stats = &stage->stats;
        stages[i].on_error = stage->on_error;
        stages[i].max_retries = stage->max_retries;
        stages[i].retry_backoff_ns = stage->retry_backoff_ns;
        stages[i].merge = stage->merge;
        stages[i].restart_backoff_ns = stage->restart_backoff_ns;
        stages[i].circuit_window_ns = stage->circuit_window_ns;
        stages[i].circuit_traps = stage->circuit_traps;
    }
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        struct tvn_sim_edge *edge = &flow->edges[i];
        tvn_edge_options_default(&edges[i]);
        edges[i].from = edge->from;
        edges[i].to = edge->to;
        edges[i].port = edge->port;
        edges[i].queue_depth = edge->capacity;
        edges[i].policy = edge->policy;
        edges[i].low_watermark_ratio = edge->ratio;
        edges[i].max_bytes = edge->max_bytes;
        edges[i].max_elements_per_second = edge->per_second;
        edges[i].burst = edge->asked_burst;
        edges[i].stats = &edge->stats;
    }
}

struct tvn_sim_flow *tvn_sim_generate_flow(struct tvn_sim_world *world, uint32_t index,
                                           uint32_t life)
{
    struct tvn_sim_flow *flow = tvn_calloc(1, sizeof(*flow));
    struct tvn_edge_options edges[TVN_SIM_EDGES_MAX];
    struct tvn_stage_options stages[TVN_SIM_STAGES_MAX];
    tvn_assert(flow);
    flow->world = world;
    flow->index = index;
    flow->life = life;
    flow->random = tvn_sim_random_of(world->config.seed, (uint64_t)index << 32 | life);
    struct tvn_sim_random *random = &flow->random;
    flow->worker = tvn_sim_below(random, TVN_SIM_WORKERS_MAX) % world->worker_count;
    flow->start_step = world->step;
    flow->budget.max_bytes =
        tvn_sim_chance(random, 10000) ? tvn_sim_skewed(random, 1u << 18) : 1u << 26;
    generate_quantum(flow);
    bool limited = tvn_sim_chance(random, world->rates[TVN_SIM_LIMIT]);
    uint32_t limit = 1 + tvn_sim_skewed(random, 1000);
    bool timed = tvn_sim_chance(random, world->rates[TVN_SIM_DEADLINE]);
    uint64_t deadline = 1 + tvn_sim_skewed(random, 100000000);
    bool independent = tvn_sim_chance(random, world->rates[TVN_SIM_OVERFLOW]);
    flow->fan_out = independent ? TVN_FAN_OUT_INDEPENDENT : TVN_FAN_OUT_MIN_DEMAND;
    generate_stages(flow);
    describe(flow, stages, edges);
    struct tvn_flow_options options = {
        .env = {.context = world, .now_ns = world_now, .wall_ns = world_wall},
        .magazine = &flow->magazine,
        .stages = stages,
        .stage_count = flow->stage_count,
        .edges = edges,
        .edge_count = flow->edge_count,
        .stats = &flow->stats,
        .stop = &flow->stop,
        .pause = &flow->pause,
        .limit = limited ? limit : 0,
        .deadline_ns = timed ? deadline : 0,
        .fan_out = flow->fan_out,
        .schedule = tvn_sim_chance(random, 16384) ? TVN_SCHEDULE_FIFO : TVN_SCHEDULE_CONSUMER_FIRST,
        .dead_letter = dead_letter,
        .dead_letter_context = flow,
        .events = tvn_sim_watch_init(flow),
    };
    flow->magazine = world->magazines[flow->worker];
    flow->idle_since_ns = UINT64_MAX;
    flow->limit = limited ? limit : UINT64_MAX;
    flow->deadline_ns = timed ? world->now_ns + deadline : UINT64_MAX;
    create(flow, &options);
    tvn_sim_check_started(flow, tvn_flow_start(flow->flow));
    return flow;
}

void tvn_sim_flow_destroy(struct tvn_sim_flow *flow)
{
    struct tvn_sim_world *world = flow->world;
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        tvn_sim_model_discard(flow, &flow->edges[i], false);
    }
    flow->magazine = world->magazines[world->worker];
    tvn_flow_destroy(flow->flow);
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        tvn_invoker_destroy(&flow->stages[i].invoker);
        tvn_sim_require(flow, flow->stages[i].budget.used_bytes == 0,
                        "stage %u is charged after its end", i);
    }
    tvn_sim_require(flow, flow->budget.used_bytes == 0, "it is charged after its end");
    tvn_sim_require(flow, tvn_resources_live_count(world->resources) == world->live,
                    "a destroyed flow has left buffers");
    tvn_free(flow->slots);
    tvn_free(flow);
}
