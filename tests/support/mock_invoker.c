/* SPDX-License-Identifier: Apache-2.0 */
#include "mock_invoker.h"

#include "base/assert.h"

#include <stdlib.h>

static uint64_t world_now(void *context)
{
    struct mock_world *world = context;
    world->clock_reads++;
    return world->now_ns;
}

static uint64_t world_wall(void *context)
{
    struct mock_world *world = context;
    return world->now_ns + world->wall_offset_ns;
}

struct tvn_env mock_world_env(struct mock_world *world)
{
    return (struct tvn_env){.context = world, .now_ns = world_now, .wall_ns = world_wall};
}

void mock_world_init(struct mock_world *world)
{
    memset(world, 0, sizeof(*world));
    world->now_ns = 1000;
    world->wall_offset_ns = UINT64_C(1700000000000000000);
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    tvn_assert(tvn_resources_create(&options, &world->resources) == TVN_OK);
    world->magazine = tvn_magazine_create(world->resources);
    tvn_assert(world->magazine);
}

void mock_world_deinit(struct mock_world *world)
{
    tvn_assert(tvn_resources_live_count(world->resources) == 0);
    tvn_magazine_destroy(world->magazine);
    tvn_resources_destroy(world->resources);
}

static void make_payload(struct mock_invoker *mock, struct tvn_element *out)
{
    struct tvn_buffer *buffer = NULL;
    if (mock->payload_bytes == 0) {
        out->payload = (struct tvn_buffer_id){0};
        return;
    }
    tvn_assert(tvn_buffer_acquire(mock->world->magazine, mock->payload_bytes, TVN_OWNER_HOST, NULL,
                                  &buffer) == TVN_OK);
    tvn_assert(tvn_buffer_freeze(buffer) == TVN_OK);
    buffer->length = mock->payload_bytes;
    out->payload = tvn_buffer_id_of(buffer);
}

static enum tvn_outcome behave(struct mock_invoker *mock, enum tvn_entry entry,
                               struct tvn_call *call)
{
    switch (entry) {
    case TVN_ENTRY_PULL:
        if (mock->made == mock->count) {
            return TVN_OUTCOME_END;
        }
        mock->made++;
        make_payload(mock, call->out);
        call->out_count = 1;
        return TVN_OUTCOME_EMIT;
    case TVN_ENTRY_PROCESS:
        call->out->content_type = call->in->content_type;
        call->out->timestamp_ns = 0;
        if (mock->pass_through) {
            call->out->payload = call->in->payload;
        } else {
            make_payload(mock, call->out);
        }
        call->out_count = 1;
        return TVN_OUTCOME_EMIT;
    case TVN_ENTRY_PUSH:
        mock->delivered++;
        mock->last_sequence = call->in->sequence;
        mock->last_timestamp_ns = call->in->timestamp_ns;
        return TVN_OUTCOME_EMIT;
    case TVN_ENTRY_ROUTE:
        call->ports = mock->ports;
        return TVN_OUTCOME_EMIT;
    case TVN_ENTRY_FLUSH:
        while (call->out_count < call->out_capacity && mock->flushed < mock->flush_count) {
            make_payload(mock, &call->out[call->out_count++]);
            mock->flushed++;
        }
        return TVN_OUTCOME_EMIT;
    case TVN_ENTRY_INIT:
    case TVN_ENTRY_NOTIFY:
    case TVN_ENTRY_EVALUATE:
    case TVN_ENTRY_INGEST:
    case TVN_ENTRY_COMPLETE:
    case TVN_ENTRY_TEARDOWN:
        break;
    }
    return TVN_OUTCOME_EMIT;
}

static enum tvn_outcome mock_invoke(struct tvn_invoker *self, enum tvn_entry entry,
                                    struct tvn_call *call)
{
    struct mock_invoker *mock = TVN_CONTAINER_OF(self, struct mock_invoker, invoker);
    struct mock_world *world = mock->world;
    tvn_assert(!mock->between);
    mock->calls[entry]++;
    world->now_ns += mock->cost_ns;
    if (entry == TVN_ENTRY_NOTIFY) {
        mock->last_signal = call->signal;
    }
    if (world->logging && world->log_count < MOCK_LOG_MAX) {
        world->log[world->log_count].mock = mock;
        world->log[world->log_count].entry = entry;
        world->log[world->log_count].sequence = call->in ? call->in->sequence : mock->made;
        world->log_count++;
    }
    enum tvn_outcome outcome;
    if (mock->script && mock->script(mock, entry, call, &outcome)) {
        return outcome;
    }
    return behave(mock, entry, call);
}

static void mock_invoke_row(struct tvn_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                            tvn_next_call next, void *context)
{
    struct mock_invoker *mock = TVN_CONTAINER_OF(self, struct mock_invoker, invoker);
    bool more = true;
    mock->rows++;
    while (more) {
        enum tvn_outcome outcome = mock_invoke(self, entry, call);
        mock->between = outcome == TVN_OUTCOME_EMIT || outcome == TVN_OUTCOME_DROP;
        more = next(context, outcome);
        mock->between = false;
    }
}

static bool mock_has_entry(const struct tvn_invoker *self, enum tvn_entry entry)
{
    const struct mock_invoker *mock = (const struct mock_invoker *)(const void *)self;
    return (mock->entries & MOCK_ENTRY(entry)) != 0;
}

static int mock_wait_fd(const struct tvn_invoker *self, short *out_events)
{
    const struct mock_invoker *mock = (const struct mock_invoker *)(const void *)self;
    *out_events = mock->events;
    return mock->fd;
}

static enum tvn_outcome mock_idle(struct tvn_invoker *self, struct tvn_fault *fault)
{
    struct mock_invoker *mock = TVN_CONTAINER_OF(self, struct mock_invoker, invoker);
    tvn_assert(!mock->between);
    mock->idle_calls++;
    if (mock->idle_outcome == TVN_OUTCOME_DEAD) {
        *fault = (struct tvn_fault){.code = TVN_E_IO_ERROR, .text = "cannot flush"};
    }
    return mock->idle_outcome;
}

static enum tvn_outcome mock_restart(struct tvn_invoker *self, struct tvn_fault *fault)
{
    struct mock_invoker *mock = TVN_CONTAINER_OF(self, struct mock_invoker, invoker);
    tvn_assert(!mock->between);
    mock->restarts++;
    mock->world->now_ns += mock->cost_ns;
    if (mock->restart_outcome != TVN_OUTCOME_EMIT) {
        *fault = (struct tvn_fault){.error = mock->restart_error, .text = "cannot restart"};
    }
    return mock->restart_outcome;
}

static void mock_destroy(struct tvn_invoker *self)
{
    (void)self;
}

void mock_invoker_init(struct mock_invoker *mock, enum tvn_role role, struct mock_world *world)
{
    memset(mock, 0, sizeof(*mock));
    mock->ops = (struct tvn_invoker_ops){
        .invoke = mock_invoke,
        .invoke_row = getenv("MOCK_ROWS") ? mock_invoke_row : NULL,
        .has_entry = mock_has_entry,
        .wait_fd = mock_wait_fd,
        .idle = mock_idle,
        .destroy = mock_destroy,
    };
    mock->invoker = (struct tvn_invoker){.ops = &mock->ops, .role = role};
    mock->world = world;
    mock->count = 64;
    mock->payload_bytes = 16;
    mock->ports = 1;
    mock->restart_error = TVN_PROCESS_UNAVAILABLE;
    mock->fd = -1;
    mock->idle_outcome = TVN_OUTCOME_EMIT;
}

void mock_invoker_takes_rows(struct mock_invoker *mock)
{
    mock->ops.invoke_row = mock_invoke_row;
}

void mock_invoker_can_restart(struct mock_invoker *mock)
{
    mock->ops.restart = mock_restart;
}

static enum tvn_role role_of(char letter)
{
    switch (letter) {
    case 's':
        return TVN_ROLE_SOURCE;
    case 'p':
        return TVN_ROLE_PROCESSOR;
    case 'f':
        return TVN_ROLE_FILTER;
    case 'r':
        return TVN_ROLE_ROUTER;
    case 'a':
        return TVN_ROLE_AGGREGATOR;
    default:
        return TVN_ROLE_SINK;
    }
}

void mock_flow_init(struct mock_flow *mock, const char *roles)
{
    memset(mock, 0, sizeof(*mock));
    mock_world_init(&mock->world);
    uint32_t count = (uint32_t)strlen(roles);
    tvn_assert(count <= MOCK_STAGES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        mock_invoker_init(&mock->stages[i], role_of(roles[i]), &mock->world);
        tvn_stage_options_default(&mock->stage_options[i]);
        mock->stage_options[i].invoker = &mock->stages[i].invoker;
        mock->stage_options[i].stats = &mock->stages[i].stats;
        tvn_edge_options_default(&mock->edge_options[i]);
        mock->edge_options[i].from = i;
        mock->edge_options[i].to = i + 1;
        mock->edge_options[i].stats = &mock->streams[i];
    }
    mock->options = (struct tvn_flow_options){
        .env = mock_world_env(&mock->world),
        .magazine = &mock->world.magazine,
        .stages = mock->stage_options,
        .stage_count = count,
        .edges = mock->edge_options,
        .edge_count = count - 1,
        .stats = &mock->stats,
        .stop = &mock->stop,
        .pause = &mock->pause,
    };
}

void mock_flow_init_graph(struct mock_flow *mock, const char *roles, const char *edges)
{
    mock_flow_init(mock, roles);
    uint32_t count = 0;
    while (*edges) {
        tvn_assert(count < MOCK_EDGES_MAX);
        char *end = NULL;
        struct tvn_edge_options *edge = &mock->edge_options[count];
        tvn_edge_options_default(edge);
        edge->from = (uint32_t)strtoul(edges, &end, 10);
        tvn_assert(*end == '-');
        edge->to = (uint32_t)strtoul(end + 1, &end, 10);
        edge->port = *end == ':' ? (uint32_t)strtoul(end + 1, &end, 10) : 0;
        edge->stats = &mock->streams[count++];
        edges = *end == ' ' ? end + 1 : end;
    }
    mock->options.edge_count = count;
}

void mock_flow_deinit(struct mock_flow *mock)
{
    tvn_flow_destroy(mock->flow);
    mock_world_deinit(&mock->world);
}

void mock_flow_start(struct mock_flow *mock)
{
    tvn_assert(tvn_flow_create(&mock->options, &mock->flow) == TVN_OK);
    tvn_assert(tvn_flow_start(mock->flow) == TVN_OK);
}

enum tvn_flow_turn mock_flow_turn(struct mock_flow *mock)
{
    mock->turns++;
    enum tvn_flow_turn turn = tvn_flow_run(mock->flow, &TVN_FLOW_QUANTUM_DEFAULT, &mock->wait);
    mock->idles += turn == TVN_FLOW_IDLE;
    return turn;
}

bool mock_flow_finish(struct mock_flow *mock, uint64_t turns_max)
{
    for (uint64_t i = 0; i < turns_max; i++) {
        enum tvn_flow_turn turn = mock_flow_turn(mock);
        if (turn == TVN_FLOW_DONE) {
            return true;
        }
        if (turn == TVN_FLOW_IDLE) {
            if (mock->wait.wake_ns == UINT64_MAX) {
                return false;
            }
            if (mock->wait.wake_ns > mock->world.now_ns) {
                mock->world.now_ns = mock->wait.wake_ns;
            }
        }
    }
    return false;
}

bool mock_flow_conserves(const struct mock_flow *mock)
{
    const struct tvn_flow_stats *stats = &mock->stats;
    return tvn_stat_get(&stats->pulled) + tvn_stat_get(&stats->forked) +
               tvn_stat_get(&stats->flushed) ==
           tvn_stat_get(&stats->delivered) + tvn_stat_get(&stats->dropped) +
               tvn_stat_get(&stats->failed) + tvn_stat_get(&stats->absorbed) +
               tvn_flow_queued(mock->flow);
}
