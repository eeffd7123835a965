/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property test: random paths and graphs with random behaviour of every stage. After every turn
 * every element is accounted for, queues stay within their capacity, the sink of a path sees
 * sequences in order; at the end every buffer is back and the states were legal.
 */
#include "base/num.h"
#include "reactor/flow_internal.h"

#include "mock_invoker.h"
#include "tvn_test.h"

#include <stdio.h>

static struct mock_flow mock;
static uint64_t random_state;
static uint64_t next_sequence; /* the sink of a path must not see a smaller one */
static bool is_path;
static unsigned trouble_percent;

static uint64_t draw(uint64_t bound)
{
    return tvn_test_random(&random_state) % bound;
}

static enum tvn_outcome random_outcome(enum tvn_entry entry, struct tvn_call *call)
{
    *call->fault = (struct tvn_fault){0};
    switch (draw(12)) {
    case 0:
        call->fault->error = TVN_PROCESS_FATAL;
        return TVN_OUTCOME_ERROR;
    case 1:
        call->fault->code = TVN_E_COMPONENT_TIMEOUT;
        return TVN_OUTCOME_DEAD;
    case 2:
    case 3:
    case 4:
        return TVN_OUTCOME_WAIT;
    case 5:
    case 6:
        if (entry == TVN_ENTRY_PROCESS || entry == TVN_ENTRY_EVALUATE || entry == TVN_ENTRY_ROUTE ||
            entry == TVN_ENTRY_INGEST) {
            return TVN_OUTCOME_DROP;
        }
        return TVN_OUTCOME_WAIT;
    default:
        call->fault->error = (enum tvn_process_error)draw(TVN_PROCESS_FATAL);
        return TVN_OUTCOME_ERROR;
    }
}

static bool behave_randomly(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                            enum tvn_outcome *out_outcome)
{
    self->world->now_ns += draw(4) == 0 ? draw(60000) : draw(500);
    if (entry == TVN_ENTRY_PUSH) {
        assert_true(!is_path || call->in->sequence >= next_sequence);
    }
    if (entry == TVN_ENTRY_INIT || draw(1000) >= trouble_percent) {
        if (entry == TVN_ENTRY_PUSH) {
            next_sequence = call->in->sequence + 1;
            call->signal = draw(10) == 0 ? TVN_SIGNAL_PAUSE : TVN_SIGNAL_READY;
        }
        if (entry == TVN_ENTRY_PULL) {
            call->waited = draw(20) == 0;
        }
        if (entry == TVN_ENTRY_ROUTE) {
            self->ports = draw(16);
        }
        if (entry == TVN_ENTRY_INGEST && draw(3) == 0) {
            *call->out = (struct tvn_element){.content_type = call->in->content_type};
            call->out->payload = draw(2) ? call->in->payload : (struct tvn_buffer_id){0};
            call->out_count = 1;
        }
        return false;
    }
    if (entry == TVN_ENTRY_NOTIFY) {
        return false;
    }
    *out_outcome = random_outcome(entry, call);
    return true;
}

static size_t make_path(void)
{
    char roles[MOCK_STAGES_MAX + 1] = "s";
    size_t length = 1;
    for (uint64_t middle = draw(7); middle > 0; middle--) {
        roles[length++] = draw(2) ? 'p' : 'f';
    }
    roles[length++] = 'k';
    roles[length] = '\0';
    mock_flow_init(&mock, roles);
    return length;
}

/* Sources, then what passes on, then sinks; every stage gets inputs from earlier ones. */
static size_t make_graph(void)
{
    char roles[MOCK_STAGES_MAX + 1] = {0};
    char edges[1024] = "";
    bool has_output[MOCK_STAGES_MAX] = {false};
    uint64_t sources = 1 + draw(3);
    uint64_t middles = draw(8);
    uint64_t sinks = 1 + draw(3);
    uint64_t count = sources + middles + sinks;
    size_t used = 0;
    for (uint64_t i = 0; i < count; i++) {
        roles[i] = i < sources ? 's' : i < sources + middles ? "pfrrpa"[draw(6)] : 'k';
        for (uint64_t inputs = i < sources ? 0 : 1 + draw(3); inputs > 0; inputs--) {
            uint64_t from = draw(tvn_min(i, sources + middles));
            uint64_t port = roles[from] == 'r' ? draw(4) : 0;
            has_output[from] = true;
            used += (size_t)snprintf(edges + used, sizeof(edges) - used, "%d-%d:%d ", (int)from,
                                     (int)i, (int)port);
        }
    }
    for (uint64_t i = 0; i < sources + middles; i++) {
        if (!has_output[i]) {
            uint64_t to = sources + middles + draw(sinks);
            used += (size_t)snprintf(edges + used, sizeof(edges) - used, "%d-%d ", (int)i, (int)to);
        }
    }
    mock_flow_init_graph(&mock, roles, edges);
    return count;
}

static bool count_letter(void *context, uint32_t stage, const struct tvn_element *element,
                         const struct tvn_flow_failure *failure)
{
    (void)element;
    assert_int_equal(failure->stage, stage);
    return ++*(uint64_t *)context > 0;
}

static uint64_t letters;

static void make_flow(void)
{
    size_t length = is_path ? make_path() : make_graph();
    letters = 0;
    mock.options.dead_letter = count_letter;
    mock.options.dead_letter_context = &letters;
    mock.options.schedule = draw(4) ? TVN_SCHEDULE_CONSUMER_FIRST : TVN_SCHEDULE_FIFO;
    for (size_t i = 0; i < length; i++) {
        mock.stages[i].script = behave_randomly;
        mock.stages[i].entries = (unsigned)draw(1u << MOCK_ENTRY_COUNT);
        mock.stages[i].count = draw(400);
        mock.stages[i].payload_bytes = draw(3) ? (uint32_t)draw(70000) : 0;
        mock.stages[i].pass_through = draw(3) == 0;
        mock.stages[i].flush_count = draw(2) ? draw(200) : 0;
        mock.stage_options[i].merge = (enum tvn_merge)draw(3);
        mock.stage_options[i].on_error = (enum tvn_on_error)draw(5);
        mock.stage_options[i].circuit_traps = 1 + (uint32_t)draw(8);
        mock.stage_options[i].restart_backoff_ns = draw(3) * 500000;
        if (draw(2)) {
            mock_invoker_can_restart(&mock.stages[i]);
            mock.stages[i].restart_outcome = draw(4) ? TVN_OUTCOME_EMIT : TVN_OUTCOME_ERROR;
        }
        mock.stage_options[i].max_retries = (uint32_t)draw(5);
        mock.stage_options[i].retry_backoff_ns = draw(3) * 1000000;
    }
    for (uint32_t i = 0; i < mock.options.edge_count; i++) {
        mock.edge_options[i].queue_depth = 1 + (uint32_t)draw(draw(2) ? 4 : 100);
        mock.edge_options[i].policy = (enum tvn_overflow_policy)(draw(2) ? 0 : draw(4));
        mock.edge_options[i].low_watermark_ratio = (double)draw(100) / 100.0;
        mock.edge_options[i].max_bytes = draw(3) ? 0 : 1 + draw(200000);
        if (draw(8) == 0) {
            mock.edge_options[i].policy = TVN_OVERFLOW_RATE_LIMIT;
            mock.edge_options[i].max_elements_per_second = 1 + draw(draw(2) ? 1000 : 10000000);
            mock.edge_options[i].burst = (uint32_t)draw(10);
        }
    }
    mock.options.limit = draw(3) ? 0 : 1 + draw(300);
    mock.options.deadline_ns = draw(4) ? 0 : draw(20000000);
    trouble_percent = (unsigned)draw(3) * 20; /* per mille: 0, 2 %, 4 % */
    next_sequence = 0;
}

static void check_queues(void)
{
    for (uint32_t i = 0; i < mock.flow->edge_count; i++) {
        const struct tvn_edge *edge = &mock.flow->edges[i];
        assert_true(edge->queue.count <= edge->queue.capacity);
        assert_true(tvn_stat_get(&edge->stats->depth_peak) <= edge->queue.capacity);
        assert_int_equal(tvn_stat_get(&edge->stats->depth), edge->queue.count);
        if (edge->queue.sizes) {
            assert_int_equal(tvn_stat_get(&edge->stats->bytes), edge->queue.bytes);
            assert_true(edge->queue.bytes <= edge->queue.max_bytes || edge->queue.count == 1);
            assert_true(!edge->has_held || edge->queue.count > 0);
        }
        if (edge->policy == TVN_OVERFLOW_BLOCK) {
            assert_int_equal(tvn_stat_get(&edge->stats->dropped), 0);
        }
    }
}

static void run_one(void)
{
    make_flow();
    mock_flow_start(&mock);
    enum tvn_flow_state before = tvn_flow_state(mock.flow);
    enum tvn_flow_turn turn = TVN_FLOW_YIELD;
    for (int i = 0; turn != TVN_FLOW_DONE; i++) {
        assert_true(i < 100000);
        struct tvn_flow_quantum quantum = {1 + (uint32_t)draw(64), draw(200000)};
        turn = tvn_flow_run(mock.flow, &quantum, &mock.wait);
        assert_true(mock_flow_conserves(&mock));
        check_queues();
        enum tvn_flow_state after = tvn_flow_state(mock.flow);
        /* Running may pass Draining within one turn. */
        assert_true(before == after || tvn_flow_state_may_follow(before, after) ||
                    after == TVN_FLOW_COMPLETED);
        if (turn == TVN_FLOW_IDLE && mock.wait.wake_ns != UINT64_MAX) {
            mock.world.now_ns += draw(2) ? draw(100000) : 0;
            if (draw(2) && mock.wait.wake_ns > mock.world.now_ns) {
                mock.world.now_ns = mock.wait.wake_ns;
            }
        }
        if (draw(400) == 0) {
            tvn_stop_raise(&mock.stop, draw(2) ? TVN_STOP_DRAIN : TVN_STOP_CANCEL);
        }
        mock.pause = draw(50) == 0;
        before = tvn_flow_state(mock.flow);
    }
    assert_int_equal(tvn_flow_queued(mock.flow), 0);
    assert_int_equal(tvn_stat_get(&mock.stats.dead_lettered), letters);
    assert_true(letters <= tvn_stat_get(&mock.stats.failed));
    assert_int_equal(tvn_flow_failure(mock.flow) != NULL,
                     tvn_flow_state(mock.flow) == TVN_FLOW_FAILED);
    mock_flow_deinit(&mock);
}

static void test_conservation_holds_for_random_flows(void **state)
{
    (void)state;
    random_state = tvn_test_seed();
    for (int i = 0; i < 1000; i++) {
        is_path = true;
        run_one();
    }
    for (int i = 0; i < 2000; i++) {
        is_path = false;
        run_one();
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_conservation_holds_for_random_flows),
};
TVN_TEST_MAIN("reactor.conservation", tests)
