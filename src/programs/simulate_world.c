/* SPDX-License-Identifier: Apache-2.0 */
/* Time, schedule and what happens from outside. */
#include "base/mem.h"
#include "base/num.h"
#include "programs/simulate_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define JUMP_NS_MAX    UINT32_C(4000000000)
#define CALM_TURNS_MAX 200000
#define RESUME_RATE    2000 /* of 65536, each step */

void tvn_sim_violation(struct tvn_sim_world *world, const struct tvn_sim_flow *flow,
                       const char *format, ...)
{
    struct tvn_sim_result *result = world->result;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(result->text, sizeof(result->text), format, arguments);
    va_end(arguments);
    result->step = world->step;
    result->flow = flow ? flow->index : TVN_SIM_ANY;
    result->life = flow ? flow->life : 0;
    fflush(stdout);
    _exit(1); /* nothing can be trusted any more */
}

void tvn_sim_say(const struct tvn_sim_flow *flow, const char *format, ...)
{
    const struct tvn_sim_world *world = flow->world;
    if (TVN_LIKELY(!world->verbose)) {
        return;
    }
    char text[TVN_SIM_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    printf("%6" PRIu64 " %12" PRIu64 " flow %u.%u %s\n", world->step, world->now_ns, flow->index,
           flow->life, text);
    fflush(stdout);
}

/* It asks to be run, or what it waits for has come. */
static bool due(const struct tvn_sim_flow *flow)
{
    return flow->turn != TVN_FLOW_IDLE || flow->nudged ||
           flow->wait.wake_ns <= flow->world->now_ns || tvn_sim_poll_ready(flow);
}

static struct tvn_sim_flow *pick_flow(struct tvn_sim_world *world, bool of_worker)
{
    uint32_t first = tvn_sim_below(&world->random, world->flow_count);
    for (uint32_t i = 0; i < world->flow_count; i++) {
        uint32_t index = first + i < world->flow_count ? first + i : first + i - world->flow_count;
        struct tvn_sim_flow *flow = world->flows[index];
        if (flow && (!of_worker || flow->worker == world->worker) && due(flow)) {
            return flow;
        }
    }
    return NULL;
}

/* Time goes on to the next thing that any flow waits for. */
static bool sleep_until_next(struct tvn_sim_world *world)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < world->flow_count; i++) {
        const struct tvn_sim_flow *flow = world->flows[i];
        if (flow) {
            next = tvn_min(next, tvn_min(flow->wait.wake_ns, tvn_sim_poll_next_ns(flow)));
        }
    }
    if (next == UINT64_MAX) {
        return false;
    }
    world->now_ns = tvn_max(world->now_ns, next);
    return true;
}

static void retire(struct tvn_sim_world *world, struct tvn_sim_flow *flow)
{
    world->flows[flow->index] = NULL;
    world->lives[flow->index]++;
    tvn_sim_flow_destroy(flow);
}

static void resume(struct tvn_sim_flow *flow)
{
    if (flow->pause) {
        tvn_sim_say(flow, "resume");
        flow->pause = false;
        flow->nudged = true;
    }
}

/* What a host may do to a flow between two turns. True when the flow is gone. */
static bool disturb(struct tvn_sim_flow *flow)
{
    struct tvn_sim_world *world = flow->world;
    struct tvn_sim_random *random = &flow->random;
    if (tvn_sim_trouble(world, random, TVN_SIM_SUSPEND)) {
        tvn_sim_say(flow, "suspend");
        flow->pause = true;
        flow->nudged = true;
    }
    if (tvn_sim_trouble(world, random, TVN_SIM_DRAIN)) {
        tvn_sim_say(flow, "drain");
        tvn_stop_raise(&flow->stop, TVN_STOP_DRAIN);
        flow->nudged = true;
    }
    if (tvn_sim_trouble(world, random, TVN_SIM_CANCEL)) {
        tvn_sim_say(flow, "cancel");
        tvn_stop_raise(&flow->stop, TVN_STOP_CANCEL);
        flow->nudged = true;
    }
    if (tvn_sim_trouble(world, random, TVN_SIM_DESTROY)) {
        tvn_sim_say(flow, "destroy");
        retire(world, flow);
        return true;
    }
    return false;
}

static void run_turn(struct tvn_sim_world *world, struct tvn_sim_flow *flow)
{
    bool was_due = due(flow) && !flow->nudged;
    flow->nudged = false;
    world->allocation_fails = tvn_sim_trouble(world, &flow->random, TVN_SIM_ALLOCATION);
    if (world->allocation_fails) {
        tvn_mem_fail_at(1, tvn_sim_below(&flow->random, 2) != 0);
    }
    world->turn_reads = 0;
    tvn_sim_model_begin_turn(flow);
    flow->turn = tvn_flow_run(flow->flow, &flow->quantum, &flow->wait);
    tvn_mem_fail_at(0, false);
    world->allocation_fails = false;
    flow->quiet_turns = flow->calls_in_turn > 0 || !was_due ? 0 : flow->quiet_turns + 1;
    tvn_sim_say(flow, "turn %d wake %" PRIu64, (int)flow->turn, flow->wait.wake_ns);
    tvn_sim_trace(world, (uint64_t)flow->turn << 32 | flow->index);
    tvn_sim_check_turn(flow, flow->turn);
    if (flow->turn == TVN_FLOW_DONE) {
        tvn_sim_require(flow,
                        tvn_flow_run(flow->flow, &flow->quantum, &flow->wait) == TVN_FLOW_DONE,
                        "done and run again");
        retire(world, flow);
    }
}

static void fill(struct tvn_sim_world *world)
{
    for (uint32_t i = 0; i < world->flow_count; i++) {
        if (!world->flows[i] && (world->config.only == TVN_SIM_ANY || world->config.only == i)) {
            struct tvn_sim_flow *flow = tvn_sim_generate_flow(world, i, world->lives[i]);
            flow->nudged = true;
            flow->turn = TVN_FLOW_YIELD;
            world->flows[i] = flow;
            tvn_sim_say(flow, "starts with %u stages", flow->stage_count);
        }
    }
}

static void disturb_world(struct tvn_sim_world *world)
{
    struct tvn_sim_random *random = &world->random;
    if (tvn_sim_trouble(world, random, TVN_SIM_JUMP)) {
        world->now_ns += tvn_sim_skewed(random, JUMP_NS_MAX);
    }
    if (tvn_sim_trouble(world, random, TVN_SIM_WALL)) {
        world->wall_offset_ns += tvn_sim_skewed(random, JUMP_NS_MAX);
        world->wall_offset_ns -= tvn_sim_skewed(random, JUMP_NS_MAX);
    }
    struct tvn_sim_flow *flow = world->flows[tvn_sim_below(random, world->flow_count)];
    if (flow && (world->calm || tvn_sim_chance(random, RESUME_RATE))) {
        resume(flow);
    }
}

/* One decision of the schedule. False when no flow can ever run again. */
static bool step(struct tvn_sim_world *world)
{
    disturb_world(world);
    world->worker = tvn_sim_below(&world->random, world->worker_count);
    struct tvn_sim_flow *flow = pick_flow(world, true);
    if (!flow) {
        flow = pick_flow(world, false);
    }
    if (!flow && tvn_sim_trouble(world, &world->random, TVN_SIM_SPURIOUS)) {
        flow = world->flows[tvn_sim_below(&world->random, world->flow_count)];
    }
    if (!flow) {
        if (!sleep_until_next(world)) {
            for (uint32_t i = 0; i < world->flow_count; i++) {
                if (world->flows[i]) {
                    resume(world->flows[i]);
                }
            }
        }
        flow = pick_flow(world, false);
    }
    if (!flow) {
        return false;
    }
    flow->worker = world->worker; /* it may have been another's */
    flow->magazine = world->magazines[world->worker];
    if (!disturb(flow)) {
        run_turn(world, flow);
    }
    return true;
}

static bool any_flow(const struct tvn_sim_world *world)
{
    for (uint32_t i = 0; i < world->flow_count; i++) {
        if (world->flows[i]) {
            return true;
        }
    }
    return false;
}

/* No trouble any more: every flow must end by itself once its sources are stopped. */
static void finish(struct tvn_sim_world *world)
{
    world->calm = true;
    for (uint32_t i = 0; i < world->flow_count; i++) {
        struct tvn_sim_flow *flow = world->flows[i];
        if (flow) {
            resume(flow);
            tvn_stop_raise(&flow->stop, TVN_STOP_DRAIN);
            flow->nudged = true;
        }
    }
    for (uint64_t turns = 0; any_flow(world); turns++) {
        if (turns == CALM_TURNS_MAX || !step(world)) {
            tvn_sim_violation(world, NULL, "not every flow ends");
        }
    }
}

static void close_world(struct tvn_sim_world *world)
{
    uint64_t live = tvn_resources_live_count(world->resources);
    if (live != 0) {
        tvn_sim_violation(world, NULL, "%" PRIu64 " buffers are live at the end", live);
    }
    for (uint32_t i = 0; i < world->worker_count; i++) {
        tvn_magazine_destroy(world->magazines[i]);
    }
    for (uint32_t tier = 0; tier < TVN_TIER_COUNT; tier++) {
        struct tvn_tier_report report;
        tvn_resources_report(world->resources, (enum tvn_tier)tier, &report);
        uint64_t fallbacks = tier == TVN_TIER_DIRECT ? 0 : report.fallbacks;
        if (report.allocated != report.returned + fallbacks ||
            report.available != report.capacity) {
            tvn_sim_violation(world, NULL, "the pool of tier %u is not whole at the end", tier);
        }
    }
    tvn_resources_destroy(world->resources);
    tvn_free(world->buffers);
}

void tvn_sim_run(const struct tvn_sim_config *config, bool verbose, struct tvn_sim_result *result)
{
    struct tvn_sim_world world = {
        .config = *config,
        .result = result,
        .verbose = verbose,
        .random = tvn_sim_random_of(config->seed, UINT64_MAX),
    };
    *result = (struct tvn_sim_result){.seed = config->seed, .flow = TVN_SIM_ANY};
    world.buffers = tvn_calloc(TVN_SIM_BUFFERS_MAX, sizeof(*world.buffers));
    tvn_assert(world.buffers);
    tvn_sim_generate_world(&world);
    if (config->only != TVN_SIM_ANY && config->only < world.flow_count) {
        world.lives[config->only] = config->life;
    }
    while (world.step < config->steps) {
        fill(&world);
        result->step = world.step;
        if (any_flow(&world) && !step(&world)) {
            tvn_sim_violation(&world, NULL, "every flow sleeps for ever");
        }
        world.step++;
    }
    finish(&world);
    close_world(&world);
    result->step = world.step;
    result->calls = world.calls;
    result->trace = world.trace;
}
