/* SPDX-License-Identifier: Apache-2.0 */
#include "reactor/flow.h"
#include "reactor/flow_internal.h"

#include "mock_invoker.h"
#include "tvn_test.h"

#define LIFECYCLE      (MOCK_ENTRY(TVN_ENTRY_INIT) | MOCK_ENTRY(TVN_ENTRY_TEARDOWN))
#define stat_of(field) tvn_stat_get(&(field))

static struct mock_flow mock;

static enum tvn_status create_with(const char *roles, uint32_t edge_count,
                                   const uint32_t (*edges)[2])
{
    mock_flow_init(&mock, roles);
    mock.options.edge_count = edge_count;
    for (uint32_t i = 0; i < edge_count; i++) {
        mock.edge_options[i].from = edges[i][0];
        mock.edge_options[i].to = edges[i][1];
    }
    enum tvn_status status = tvn_flow_create(&mock.options, &mock.flow);
    mock_flow_deinit(&mock);
    return status;
}

static void test_create_accepts_paths_in_any_order_of_stages(void **state)
{
    (void)state;
    assert_status(create_with("sk", 1, (const uint32_t[][2]){{0, 1}}), TVN_OK);
    assert_status(create_with("kfps", 3, (const uint32_t[][2]){{3, 2}, {1, 0}, {2, 1}}), TVN_OK);
}

static void test_create_accepts_graphs(void **state)
{
    (void)state;
    static const char *const graphs[][2] = {
        {"skk", "0-1 0-2"},                       /* fan-out */
        {"ssk", "0-2 1-2"},                       /* fan-in */
        {"sk", "0-1 0-1"},                        /* twice to the same stage */
        {"sppk", "0-1 0-2 1-3 2-3"},              /* diamond */
        {"srkk", "0-1 1-2:0 1-3:63 1-3:1 1-2:1"}, /* router, ports shared */
        {"sak", "0-1 1-2"},                       /* aggregator */
        {"sksk", "0-1 2-3"},                      /* two paths */
        {"ssrapfkk", "0-2 1-2 2-3:0 2-4:1 2-5:2 3-6 4-6 5-7 4-7"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(graphs); i++) {
        mock_flow_init_graph(&mock, graphs[i][0], graphs[i][1]);
        assert_status(tvn_flow_create(&mock.options, &mock.flow), TVN_OK);
        mock_flow_deinit(&mock);
    }
}

static void test_create_bounds_ports_and_edges(void **state)
{
    (void)state;
    static const struct {
        const char *edges;
        enum tvn_status status;
    } cases[] = {
        {"0-1 1-2:63", TVN_OK},
        {"0-1 1-2:64", TVN_E_CONSTRAINT_VIOLATION},
        {"0-1:1 1-2", TVN_E_CONSTRAINT_VIOLATION}, /* not a router's */
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        mock_flow_init_graph(&mock, "srk", cases[i].edges);
        assert_status(tvn_flow_create(&mock.options, &mock.flow), cases[i].status);
        mock_flow_deinit(&mock);
    }
    mock_flow_init_graph(&mock, "sk", "0-1");
    mock.options.edge_count = TVN_FLOW_EDGES_MAX + 1;
    assert_status(tvn_flow_create(&mock.options, &mock.flow), TVN_E_TOPOLOGY_INVALID);
    mock_flow_deinit(&mock);
}

static void test_create_independent_branches_must_drop(void **state)
{
    (void)state;
    for (unsigned policy = TVN_OVERFLOW_BLOCK; policy <= TVN_OVERFLOW_ERROR; policy++) {
        mock_flow_init_graph(&mock, "sprkk", "0-1 1-2 1-4 2-3 2-4");
        mock.options.fan_out = TVN_FAN_OUT_INDEPENDENT;
        mock.edge_options[1].policy = TVN_OVERFLOW_DROP_NEWEST;
        mock.edge_options[2].policy = (enum tvn_overflow_policy)policy;
        bool drops = policy == TVN_OVERFLOW_DROP_OLDEST || policy == TVN_OVERFLOW_DROP_NEWEST;
        assert_status(tvn_flow_create(&mock.options, &mock.flow),
                      drops ? TVN_OK : TVN_E_CONSTRAINT_VIOLATION);
        mock_flow_deinit(&mock);
    }
}

static void test_create_refuses_other_topologies(void **state)
{
    (void)state;
    static const struct {
        const char *roles;
        uint32_t edge_count;
        uint32_t edges[6][2];
    } cases[] = {
        {"s", 0, {{0}}},
        {"sk", 0, {{0}}},                      /* no edge */
        {"sk", 1, {{1, 0}}},                   /* backwards */
        {"sk", 1, {{0, 2}}},                   /* to nowhere */
        {"sk", 1, {{7, 1}}},                   /* from nowhere */
        {"sk", 1, {{0, 0}}},                   /* to itself */
        {"spk", 2, {{0, 2}, {1, 1}}},          /* self loop beside a path */
        {"sppk", 3, {{0, 3}, {1, 2}, {2, 1}}}, /* cycle beside a path */
        {"spk", 2, {{0, 1}, {0, 2}}},          /* processor without output */
        {"ppk", 2, {{0, 1}, {1, 2}}},          /* no source */
        {"spp", 2, {{0, 1}, {1, 2}}},          /* no sink */
        {"ssk", 2, {{0, 1}, {1, 2}}},          /* source with an input */
        {"skk", 2, {{0, 1}, {1, 2}}},          /* sink with an output */
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        assert_status(create_with(cases[i].roles, cases[i].edge_count, cases[i].edges),
                      TVN_E_TOPOLOGY_INVALID);
    }
}

static void test_create_refuses_bad_queue_options(void **state)
{
    (void)state;
    mock_flow_init(&mock, "spk");
    mock.edge_options[1].queue_depth = 0;
    assert_status(tvn_flow_create(&mock.options, &mock.flow), TVN_E_CONSTRAINT_VIOLATION);
    mock.edge_options[1].queue_depth = 1;
    mock.edge_options[1].low_watermark_ratio = 1.5;
    assert_status(tvn_flow_create(&mock.options, &mock.flow), TVN_E_CONSTRAINT_VIOLATION);
    assert_null(mock.flow);
    mock_flow_deinit(&mock);
}

static void test_create_survives_every_failing_allocation(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "sfpkak", "0-1 1-2 2-3 2-4 4-5");
    mock_invoker_can_restart(&mock.stages[1]);
    mock.edge_options[1].max_bytes = 1000;
    uint64_t n = 1;
    for (;; n++) {
        tvn_mem_fail_at(n, false);
        enum tvn_status status = tvn_flow_create(&mock.options, &mock.flow);
        tvn_mem_fail_at(0, false);
        if (status == TVN_OK) {
            break;
        }
        assert_status(status, TVN_E_OUT_OF_MEMORY);
        assert_null(mock.flow);
    }
    assert_true(n > 5);
    mock_flow_deinit(&mock);
}

/* What 10 000 flows of three stages cost: a promise, so it is counted here. */
static void test_state_of_three_stages_fits_4_kib(void **state)
{
    (void)state;
    size_t traps = 5 * sizeof(uint64_t);
    size_t stage = sizeof(struct tvn_stage) + sizeof(struct tvn_stage *) + traps +
                   sizeof(struct tvn_skipped) + sizeof(struct tvn_stage_stats);
    size_t edge =
        sizeof(struct tvn_edge) + 2 * sizeof(struct tvn_edge *) + sizeof(struct tvn_stream_stats);
    assert_true(sizeof(struct tvn_flow) + sizeof(struct tvn_flow_stats) + 3 * stage + 2 * edge <=
                4096);
}

static void test_states_from_create_to_completed(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 3;
    assert_status(tvn_flow_create(&mock.options, &mock.flow), TVN_OK);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_INSTANTIATED);
    mock.world.now_ns = 5000;
    assert_status(tvn_flow_start(mock.flow), TVN_OK);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_RUNNING);
    assert_int_equal(stat_of(mock.stats.started_ns), 5000);
    mock.world.now_ns = 9000;
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(stat_of(mock.stats.ended_ns), 9000);
    /* afterwards nothing happens any more */
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_DONE);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_PULL], 4);
    mock_flow_deinit(&mock);
}

static void complete_running_flow(void *argument)
{
    tvn_flow_transition(argument, TVN_FLOW_COMPLETED);
}
static void test_transition_that_the_table_forbids_aborts(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock_flow_start(&mock);
    assert_aborts(complete_running_flow, mock.flow);
    mock_flow_deinit(&mock);
}

static void test_lifecycle_init_consumers_first_teardown_sources_first(void **state)
{
    (void)state;
    mock_flow_init(&mock, "spk");
    mock.stages[0].count = 1;
    mock.world.logging = true;
    for (int i = 0; i < 3; i++) {
        mock.stages[i].entries = LIFECYCLE | MOCK_ENTRY(TVN_ENTRY_COMPLETE);
    }
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10));
    static const struct {
        int stage;
        enum tvn_entry entry;
    } expected[] = {
        {2, TVN_ENTRY_INIT},     {1, TVN_ENTRY_INIT},     {0, TVN_ENTRY_INIT},
        {0, TVN_ENTRY_PULL},     {0, TVN_ENTRY_PULL},     {1, TVN_ENTRY_PROCESS},
        {2, TVN_ENTRY_PUSH},     {2, TVN_ENTRY_COMPLETE}, {0, TVN_ENTRY_TEARDOWN},
        {1, TVN_ENTRY_TEARDOWN}, {2, TVN_ENTRY_TEARDOWN},
    };
    assert_int_equal(mock.world.log_count, TVN_ARRAY_LEN(expected));
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        assert_ptr_equal(mock.world.log[i].mock, &mock.stages[expected[i].stage]);
        assert_int_equal(mock.world.log[i].entry, expected[i].entry);
    }
    mock_flow_deinit(&mock);
}

static bool fail_init(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                      enum tvn_outcome *out_outcome)
{
    (void)self;
    if (entry != TVN_ENTRY_INIT) {
        return false;
    }
    *call->fault = (struct tvn_fault){.error = TVN_PROCESS_INVALID_INPUT, .text = "bad config"};
    *out_outcome = TVN_OUTCOME_ERROR;
    return true;
}

static void test_start_when_init_fails_tears_down_only_the_initialised(void **state)
{
    (void)state;
    mock_flow_init(&mock, "spk");
    for (int i = 0; i < 3; i++) {
        mock.stages[i].entries = LIFECYCLE;
    }
    mock.stages[1].script = fail_init;
    assert_status(tvn_flow_create(&mock.options, &mock.flow), TVN_OK);
    assert_status(tvn_flow_start(mock.flow), TVN_E_FATAL_COMPONENT_ERROR);
    const struct tvn_flow_failure *failure = tvn_flow_failure(mock.flow);
    assert_non_null(failure);
    assert_int_equal(failure->stage, 1);
    assert_int_equal(failure->entry, TVN_ENTRY_INIT);
    assert_int_equal(failure->outcome, TVN_OUTCOME_ERROR);
    assert_int_equal(failure->error, TVN_PROCESS_INVALID_INPUT);
    assert_string_equal(failure->text, "bad config");
    assert_false(failure->has_sequence);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_FAILED);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_INIT], 0);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_TEARDOWN], 0);
    assert_int_equal(mock.stages[1].calls[TVN_ENTRY_TEARDOWN], 0);
    assert_int_equal(mock.stages[2].calls[TVN_ENTRY_TEARDOWN], 1);
    mock_flow_deinit(&mock);
}

static void test_limit_pulls_exactly_that_many_and_completes(void **state)
{
    (void)state;
    static const uint64_t limits[] = {1, 31, 32, 33, 100};
    for (size_t i = 0; i < TVN_ARRAY_LEN(limits); i++) {
        mock_flow_init(&mock, "spk");
        mock.stages[0].count = 1000;
        mock.stages[2].entries = MOCK_ENTRY(TVN_ENTRY_COMPLETE);
        mock.options.limit = limits[i];
        mock_flow_start(&mock);
        assert_true(mock_flow_finish(&mock, 1000));
        assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
        assert_int_equal(mock.stages[0].calls[TVN_ENTRY_PULL], limits[i]);
        assert_int_equal(mock.stages[2].delivered, limits[i]);
        assert_int_equal(mock.stages[2].calls[TVN_ENTRY_COMPLETE], 1);
        mock_flow_deinit(&mock);
    }
}

static void test_stop_drain_delivers_what_was_pulled(void **state)
{
    (void)state;
    mock_flow_init(&mock, "spk");
    mock.stages[0].count = 1000000;
    mock.stages[2].entries = MOCK_ENTRY(TVN_ENTRY_COMPLETE);
    mock_flow_start(&mock);
    for (int i = 0; i < 5; i++) {
        mock_flow_turn(&mock);
    }
    uint64_t pulled = stat_of(mock.stats.pulled);
    assert_true(tvn_flow_queued(mock.flow) > 0);
    tvn_stop_raise(&mock.stop, TVN_STOP_DRAIN);
    assert_true(mock_flow_finish(&mock, 100));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_null(tvn_flow_failure(mock.flow));
    assert_int_equal(stat_of(mock.stats.pulled), pulled);
    assert_int_equal(mock.stages[2].delivered, pulled);
    assert_int_equal(mock.stages[2].calls[TVN_ENTRY_COMPLETE], 1);
    mock_flow_deinit(&mock);
}

static bool wait_always(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                        enum tvn_outcome *out_outcome)
{
    (void)call;
    enum tvn_entry waiting = *(const enum tvn_entry *)self->script_data;
    *out_outcome = TVN_OUTCOME_WAIT;
    return entry == waiting;
}

static void test_stop_drain_ends_a_source_that_waits_for_a_descriptor(void **state)
{
    (void)state;
    enum tvn_entry waiting = TVN_ENTRY_PULL;
    mock_flow_init(&mock, "sk");
    mock.stages[0].script = wait_always;
    mock.stages[0].script_data = &waiting;
    mock.stages[0].fd = 0; /* standard input is one */
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.wait.fd_count, 1);
    assert_int_equal(mock.wait.fds[0].fd, 0);
    assert_int_equal(mock.wait.wake_ns, UINT64_MAX);
    uint64_t pulls = mock.stages[0].calls[TVN_ENTRY_PULL];
    tvn_stop_raise(&mock.stop, TVN_STOP_DRAIN);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_PULL], pulls);
    mock_flow_deinit(&mock);
}

static void test_stop_cancel_discards_and_fails_with_e0402(void **state)
{
    (void)state;
    mock_flow_init(&mock, "spk");
    mock.stages[0].count = 1000000;
    for (int i = 0; i < 3; i++) {
        mock.stages[i].entries = LIFECYCLE | MOCK_ENTRY(TVN_ENTRY_COMPLETE);
    }
    mock_flow_start(&mock);
    for (int i = 0; i < 5; i++) {
        mock_flow_turn(&mock);
    }
    uint64_t queued = tvn_flow_queued(mock.flow);
    assert_true(queued > 0);
    tvn_stop_raise(&mock.stop, TVN_STOP_CANCEL);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_FAILED);
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_FLOW_CANCELLED);
    assert_int_equal(tvn_flow_failure(mock.flow)->stage, TVN_FLOW_STAGE_NONE);
    assert_int_equal(stat_of(mock.stats.failed), queued);
    assert_true(mock_flow_conserves(&mock));
    assert_int_equal(mock.stages[2].calls[TVN_ENTRY_COMPLETE], 0);
    assert_int_equal(mock.stages[2].calls[TVN_ENTRY_TEARDOWN], 1);
    mock_flow_deinit(&mock);
}

static void test_deadline_drains_completes_and_fails_with_e0400(void **state)
{
    (void)state;
    mock_flow_init(&mock, "spk");
    mock.stages[0].count = 1000000;
    mock.stages[0].cost_ns = 1000;
    mock.stages[2].entries = MOCK_ENTRY(TVN_ENTRY_COMPLETE);
    mock.options.deadline_ns = 5000000;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10000));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_FAILED);
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_FLOW_DEADLINE_EXCEEDED);
    assert_int_equal(mock.stages[2].delivered, stat_of(mock.stats.pulled));
    assert_int_equal(mock.stages[2].calls[TVN_ENTRY_COMPLETE], 1);
    assert_in_range(mock.world.now_ns, 5000000, 5400000);
    mock_flow_deinit(&mock);
}

static void test_deadline_means_nothing_to_a_flow_that_drains(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 1000000;
    mock.stages[1].cost_ns = 1000000;
    mock.options.deadline_ns = 5000000;
    mock_flow_start(&mock);
    mock_flow_turn(&mock);
    tvn_stop_raise(&mock.stop, TVN_STOP_DRAIN);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_true(mock.world.now_ns > 6000000);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    mock_flow_deinit(&mock);
}

static void test_deadline_wakes_an_idle_flow(void **state)
{
    (void)state;
    enum tvn_entry waiting = TVN_ENTRY_PULL;
    mock_flow_init(&mock, "sk");
    mock.stages[0].script = wait_always;
    mock.stages[0].script_data = &waiting;
    mock.stages[0].fd = 3;
    mock.options.deadline_ns = 7000;
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.wait.wake_ns, 8000);
    assert_true(mock_flow_finish(&mock, 3));
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_FLOW_DEADLINE_EXCEEDED);
    mock_flow_deinit(&mock);
}

/* Sums with the clock that do not fit mean "never". */
static void test_deadline_and_quantum_may_be_endless(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.options.deadline_ns = UINT64_MAX - 10;
    mock_flow_start(&mock);
    const struct tvn_flow_quantum quantum = {1000, UINT64_MAX};
    assert_int_equal(tvn_flow_run(mock.flow, &quantum, &mock.wait), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[1].delivered, 64);
    mock_flow_deinit(&mock);
}

static void test_paused_flow_calls_no_stage_until_it_goes_on(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 100;
    mock_flow_start(&mock);
    mock_flow_turn(&mock);
    uint64_t pulls = mock.stages[0].calls[TVN_ENTRY_PULL];
    uint64_t pushes = mock.stages[1].calls[TVN_ENTRY_PUSH];
    for (int again = 0; again < 3; again++) {
        mock.pause = true;
        assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
        assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_SUSPENDED);
        assert_int_equal(mock.wait.wake_ns, UINT64_MAX);
        assert_int_equal(mock.wait.fd_count, 0);
    }
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_PULL], pulls);
    assert_int_equal(mock.stages[1].calls[TVN_ENTRY_PUSH], pushes);
    mock.pause = false;
    mock_flow_turn(&mock);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_RUNNING);
    assert_true(mock_flow_finish(&mock, 100));
    assert_int_equal(mock.stages[1].delivered, 100);
    mock.pause = true;
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    mock_flow_deinit(&mock);
}

static void test_flow_paused_before_its_start_pulls_nothing(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 3;
    mock.pause = true;
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_PULL], 0);
    mock.pause = false;
    assert_true(mock_flow_finish(&mock, 100));
    assert_int_equal(mock.stages[1].delivered, 3);
    mock_flow_deinit(&mock);
}

static void test_paused_flow_obeys_drain_and_cancel(void **state)
{
    (void)state;
    for (int level = TVN_STOP_DRAIN; level <= TVN_STOP_CANCEL; level++) {
        mock_flow_init(&mock, "sk");
        mock.stages[0].count = 100000;
        mock_flow_start(&mock);
        mock_flow_turn(&mock);
        mock.pause = true;
        assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
        tvn_stop_raise(&mock.stop, (enum tvn_stop)level);
        assert_true(mock_flow_finish(&mock, 10));
        assert_int_equal(tvn_flow_state(mock.flow),
                         level == TVN_STOP_DRAIN ? TVN_FLOW_COMPLETED : TVN_FLOW_FAILED);
        assert_true(mock_flow_conserves(&mock));
        mock_flow_deinit(&mock);
    }
}

static void test_deadline_ends_a_paused_flow(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 100000;
    mock.options.deadline_ns = 1000000;
    mock_flow_start(&mock);
    mock_flow_turn(&mock);
    mock.pause = true;
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    mock.world.now_ns = mock.wait.wake_ns;
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_FAILED);
    assert_int_equal(tvn_flow_failure(mock.flow)->code, TVN_E_FLOW_DEADLINE_EXCEEDED);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static void test_complete_may_wait_and_is_called_again(void **state)
{
    (void)state;
    enum tvn_entry waiting = TVN_ENTRY_COMPLETE;
    mock_flow_init(&mock, "sk");
    mock.stages[1].entries = MOCK_ENTRY(TVN_ENTRY_COMPLETE);
    mock.stages[1].script = wait_always;
    mock.stages[1].script_data = &waiting;
    mock.stages[1].fd = 4;
    mock_flow_start(&mock);
    while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
    }
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_DRAINING);
    assert_int_equal(mock.wait.fds[0].fd, 4);
    mock.stages[1].script = NULL;
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    mock_flow_deinit(&mock);
}

static void test_teardown_that_waits_is_given_up_after_its_time(void **state)
{
    (void)state;
    enum tvn_entry waiting = TVN_ENTRY_TEARDOWN;
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        mock_flow_init(&mock, "sk");
        mock.stages[1].entries = LIFECYCLE;
        mock.stages[1].script = wait_always;
        mock.stages[1].script_data = &waiting;
        mock.stages[1].fd = 4;
        mock_flow_start(&mock);
        uint64_t before = mock.world.now_ns;
        while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
        }
        assert_int_equal(mock.wait.fd_count, 1);
        assert_int_equal(mock.wait.wake_ns, before + TVN_FLOW_TEARDOWN_WAIT_NS);
        uint64_t limit = TVN_FLOW_TEARDOWN_WAIT_NS;
        if (cancelled) {
            tvn_stop_raise(&mock.stop, TVN_STOP_CANCEL);
            limit = TVN_FLOW_CANCEL_WAIT_NS;
        }
        assert_true(mock_flow_finish(&mock, 1000));
        assert_int_equal(mock.world.now_ns - before, limit);
        assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
        assert_int_equal(stat_of(mock.stats.errors), 1);
        mock_flow_deinit(&mock);
    }
}

static void test_teardown_that_waits_for_time_is_given_up_without_spinning(void **state)
{
    (void)state;
    enum tvn_entry waiting = TVN_ENTRY_TEARDOWN;
    mock_flow_init(&mock, "sk");
    mock.stages[1].entries = LIFECYCLE;
    mock.stages[1].script = wait_always;
    mock.stages[1].script_data = &waiting;
    mock_flow_start(&mock);
    uint64_t before = mock.world.now_ns;
    /* The back-off would be over after the deadline only; every turn must get on. */
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(mock.world.now_ns - before, TVN_FLOW_TEARDOWN_WAIT_NS);
    assert_int_equal(stat_of(mock.stats.errors), 1);
    mock_flow_deinit(&mock);
}

static void test_destroy_in_the_middle_releases_every_payload(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sppk");
    mock.stages[0].count = 100000;
    mock_flow_start(&mock);
    for (int i = 0; i < 7; i++) {
        mock_flow_turn(&mock);
    }
    assert_true(tvn_flow_queued(mock.flow) > 0);
    mock_flow_deinit(&mock); /* asserts that nothing is live */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_create_accepts_paths_in_any_order_of_stages),
    cmocka_unit_test(test_create_accepts_graphs),
    cmocka_unit_test(test_create_bounds_ports_and_edges),
    cmocka_unit_test(test_create_independent_branches_must_drop),
    cmocka_unit_test(test_create_refuses_other_topologies),
    cmocka_unit_test(test_create_refuses_bad_queue_options),
    cmocka_unit_test(test_create_survives_every_failing_allocation),
    cmocka_unit_test(test_state_of_three_stages_fits_4_kib),
    cmocka_unit_test(test_states_from_create_to_completed),
    cmocka_unit_test(test_transition_that_the_table_forbids_aborts),
    cmocka_unit_test(test_lifecycle_init_consumers_first_teardown_sources_first),
    cmocka_unit_test(test_start_when_init_fails_tears_down_only_the_initialised),
    cmocka_unit_test(test_limit_pulls_exactly_that_many_and_completes),
    cmocka_unit_test(test_stop_drain_delivers_what_was_pulled),
    cmocka_unit_test(test_stop_drain_ends_a_source_that_waits_for_a_descriptor),
    cmocka_unit_test(test_stop_cancel_discards_and_fails_with_e0402),
    cmocka_unit_test(test_deadline_drains_completes_and_fails_with_e0400),
    cmocka_unit_test(test_deadline_means_nothing_to_a_flow_that_drains),
    cmocka_unit_test(test_deadline_wakes_an_idle_flow),
    cmocka_unit_test(test_deadline_and_quantum_may_be_endless),
    cmocka_unit_test(test_paused_flow_calls_no_stage_until_it_goes_on),
    cmocka_unit_test(test_flow_paused_before_its_start_pulls_nothing),
    cmocka_unit_test(test_deadline_ends_a_paused_flow),
    cmocka_unit_test(test_paused_flow_obeys_drain_and_cancel),
    cmocka_unit_test(test_complete_may_wait_and_is_called_again),
    cmocka_unit_test(test_teardown_that_waits_is_given_up_after_its_time),
    cmocka_unit_test(test_teardown_that_waits_for_time_is_given_up_without_spinning),
    cmocka_unit_test(test_destroy_in_the_middle_releases_every_payload),
};
TVN_TEST_MAIN("reactor.flow", tests)
