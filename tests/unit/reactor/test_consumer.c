/* SPDX-License-Identifier: Apache-2.0 */
/* Routers and aggregators. */
#include "mock_invoker.h"
#include "tvn_test.h"

#define stat_of(field) tvn_stat_get(&(field))

static struct mock_flow mock;

static void finish(enum tvn_flow_state expected)
{
    assert_true(mock_flow_finish(&mock, 10000));
    assert_int_equal(tvn_flow_state(mock.flow), expected);
    assert_true(mock_flow_conserves(&mock));
}

/* The lowest three bits of the sequence are the ports. */
static bool route_by_bits(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                          enum tvn_outcome *out_outcome)
{
    (void)self;
    assert_true(entry != TVN_ENTRY_ROUTE || call->ports == 0);
    call->ports = call->in ? call->in->sequence & 7 : 0;
    *out_outcome = TVN_OUTCOME_EMIT;
    return entry == TVN_ENTRY_ROUTE;
}

static void test_router_gives_every_edge_of_its_ports_a_record(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "srkkkk", "0-1 1-2:0 1-3:1 1-4:2 1-5:2");
    mock.stages[1].script = route_by_bits;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    for (int i = 2; i <= 5; i++) {
        assert_int_equal(mock.stages[i].delivered, 32);
    }
    assert_int_equal(stat_of(mock.stages[1].stats.dropped), 8); /* no port */
    assert_int_equal(stat_of(mock.stages[1].stats.emitted), 56);
    assert_int_equal(stat_of(mock.stats.forked), 128 - 56);
    mock_flow_deinit(&mock);
}

static void test_router_with_one_edge_is_a_filter_of_ports(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "srk", "0-1 1-2:63");
    mock.stages[1].ports = UINT64_C(1) << 63;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[2].delivered, 64);
    mock_flow_deinit(&mock);
}

static bool drop_all(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                     enum tvn_outcome *out_outcome)
{
    (void)self;
    (void)call;
    *out_outcome = TVN_OUTCOME_DROP;
    return entry == TVN_ENTRY_ROUTE || entry == TVN_ENTRY_INGEST;
}

static void test_router_and_aggregator_may_drop(void **state)
{
    (void)state;
    static const char roles[] = "ra";
    for (int i = 0; i < 2; i++) {
        mock_flow_init(&mock, (const char[]){'s', roles[i], 'k', '\0'});
        mock.stages[1].script = drop_all;
        mock_flow_start(&mock);
        finish(TVN_FLOW_COMPLETED);
        assert_int_equal(stat_of(mock.stats.dropped), 64);
        assert_int_equal(stat_of(mock.stages[1].stats.dropped), 64);
        mock_flow_deinit(&mock);
    }
}

static bool emit_nothing(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    (void)self;
    (void)call;
    *out_outcome = TVN_OUTCOME_EMIT;
    return entry == TVN_ENTRY_PROCESS;
}

static void test_processor_that_puts_nothing_out_drops(void **state)
{
    (void)state;
    static const char *const edges[] = {"0-1 1-2", "0-1 1-2 1-2"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(edges); i++) {
        mock_flow_init_graph(&mock, "spk", edges[i]);
        mock.stages[1].script = emit_nothing;
        mock_flow_start(&mock);
        finish(TVN_FLOW_COMPLETED);
        assert_int_equal(stat_of(mock.stages[1].stats.dropped), 64);
        assert_int_equal(stat_of(mock.stats.delivered), 0);
        mock_flow_deinit(&mock);
    }
}

/* A port that no edge has is an error of the router, judged by its policy. */
static void test_router_port_without_edge_is_e0204_by_policy(void **state)
{
    (void)state;
    for (unsigned policy = TVN_ON_ERROR_DEFAULT; policy <= TVN_ON_ERROR_TERMINATE; policy++) {
        mock_flow_init_graph(&mock, "srkk", "0-1 1-2:0 1-3:5");
        mock.stages[0].count = 3;
        mock.stages[1].ports = 1u << 5 | 1u << 6;
        mock.stage_options[1].on_error = (enum tvn_on_error)policy;
        mock_flow_start(&mock);
        bool skips = policy == TVN_ON_ERROR_DEFAULT || policy == TVN_ON_ERROR_SKIP;
        finish(skips ? TVN_FLOW_COMPLETED : TVN_FLOW_FAILED);
        assert_int_equal(stat_of(mock.stats.delivered), 0);
        assert_int_equal(stat_of(mock.stats.failed), 3);
        const struct tvn_flow_failure *failure =
            skips ? tvn_flow_first_skipped(mock.flow, 1) : tvn_flow_failure(mock.flow);
        assert_status(failure->code, TVN_E_ROUTER_PORT_UNKNOWN);
        assert_int_equal(failure->entry, TVN_ENTRY_ROUTE);
        assert_int_equal(failure->error, TVN_PROCESS_INTERNAL);
        assert_int_equal(failure->attempts, policy == TVN_ON_ERROR_RETRY ? 3 : 0);
        mock_flow_deinit(&mock);
    }
}

static void test_router_waits_for_room_behind_every_edge_that_blocks(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "srkk", "0-1 1-2:0 1-3:1");
    mock.stages[1].ports = 3;
    mock.edge_options[2].queue_depth = 1;
    mock.stages[3].cost_ns = 200000;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[2].delivered, 64);
    assert_int_equal(mock.stages[3].delivered, 64);
    assert_int_equal(stat_of(mock.stats.dropped), 0);
    mock_flow_deinit(&mock);
}

/* Every tenth element puts one out. */
static bool sum_of_ten(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                       enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_INGEST || self->calls[entry] % 10 != 0) {
        return false;
    }
    *call->out = (struct tvn_element){.sequence = 999};
    call->out_count = 1;
    *out_outcome = TVN_OUTCOME_EMIT;
    return true;
}

struct seen {
    uint64_t sequences[64];
    uint64_t timestamps[64];
    uint32_t count;
};

static bool see(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                enum tvn_outcome *out_outcome)
{
    (void)out_outcome;
    if (entry == TVN_ENTRY_PUSH) {
        struct seen *seen = self->script_data;
        seen->sequences[seen->count] = call->in->sequence;
        seen->timestamps[seen->count++] = call->in->timestamp_ns;
    }
    return false;
}

static void test_aggregator_absorbs_emits_and_flushes(void **state)
{
    (void)state;
    struct seen seen = {0};
    mock_flow_init(&mock, "sak");
    mock.stages[0].count = 25;
    mock.stages[0].cost_ns = 1000;
    mock.stages[1].script = sum_of_ten;
    mock.stages[1].flush_count = 3;
    mock.stages[2].script = see;
    mock.stages[2].script_data = &seen;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    /* an output takes the last input's sequence, what is flushed continues after the last */
    static const uint64_t expected[] = {9, 19, 25, 26, 27};
    assert_int_equal(seen.count, TVN_ARRAY_LEN(expected));
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        assert_int_equal(seen.sequences[i], expected[i]);
        assert_true(seen.timestamps[i] > (i > 0 ? seen.timestamps[i - 1] - 1 : 0));
    }
    assert_int_equal(stat_of(mock.stats.absorbed), 23);
    assert_int_equal(stat_of(mock.stages[1].stats.absorbed), 23);
    assert_int_equal(stat_of(mock.stats.flushed), 3);
    assert_int_equal(stat_of(mock.stages[1].stats.flushed), 3);
    assert_int_equal(stat_of(mock.stages[1].stats.emitted), 5);
    assert_int_equal(stat_of(mock.stats.delivered), 5);
    mock_flow_deinit(&mock);
}

/* As sum_of_ten; its flush fails, the first time with an error that is retried. */
static bool sum_and_fail(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_FLUSH) {
        return sum_of_ten(self, entry, call, out_outcome);
    }
    unsigned *failures = self->script_data;
    call->fault->error = (*failures)++ == 0 ? TVN_PROCESS_UNAVAILABLE : TVN_PROCESS_INTERNAL;
    *out_outcome = TVN_OUTCOME_ERROR;
    return true;
}

static void test_aggregator_whose_flush_fails_has_failed_what_it_held(void **state)
{
    (void)state;
    static const struct {
        enum tvn_on_error policy;
        enum tvn_flow_state end;
    } rows[] = {{TVN_ON_ERROR_DEFAULT, TVN_FLOW_COMPLETED},
                {TVN_ON_ERROR_SKIP, TVN_FLOW_COMPLETED},
                {TVN_ON_ERROR_TERMINATE, TVN_FLOW_FAILED}};
    for (size_t row = 0; row < TVN_ARRAY_LEN(rows); row++) {
        unsigned failures = 0;
        mock_flow_init(&mock, "sak");
        mock.stages[0].count = 25;
        mock.stages[1].script = sum_and_fail;
        mock.stages[1].script_data = &failures;
        mock.stage_options[1].on_error = rows[row].policy;
        mock_flow_start(&mock);
        finish(rows[row].end);
        assert_int_equal(failures, rows[row].policy == TVN_ON_ERROR_DEFAULT ? 2 : 1);
        assert_int_equal(stat_of(mock.stats.pulled), 25);
        assert_int_equal(stat_of(mock.stats.delivered), 2);
        assert_int_equal(stat_of(mock.stats.absorbed), 18);
        assert_int_equal(stat_of(mock.stats.failed), 5);
        assert_int_equal(stat_of(mock.stages[1].stats.failed), 5);
        assert_int_equal(stat_of(mock.stages[1].stats.lost), 5);
        mock_flow_deinit(&mock);
    }
}

static void test_flush_without_any_input_begins_at_zero(void **state)
{
    (void)state;
    struct seen seen = {0};
    mock_flow_init(&mock, "sak");
    mock.stages[0].count = 0;
    mock.stages[1].flush_count = 2;
    mock.stages[2].script = see;
    mock.stages[2].script_data = &seen;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.sequences[0], 0);
    assert_int_equal(seen.sequences[1], 1);
    assert_true(seen.timestamps[0] > 0);
    mock_flow_deinit(&mock);
}

/* More than a queue holds, over one edge and over two, with every policy. */
static void test_flush_is_held_back_by_credits(void **state)
{
    (void)state;
    static const char *const edges[] = {"0-1 1-2", "0-1 1-2 1-2"};
    for (unsigned policy = TVN_OVERFLOW_BLOCK; policy < TVN_OVERFLOW_ERROR; policy++) {
        for (size_t i = 0; i < TVN_ARRAY_LEN(edges); i++) {
            mock_flow_init_graph(&mock, "sak", edges[i]);
            mock.stages[1].flush_count = 1000;
            for (int k = 1; k <= 2; k++) {
                mock.edge_options[k].queue_depth = 7;
                mock.edge_options[k].policy = (enum tvn_overflow_policy)policy;
            }
            mock_flow_start(&mock);
            finish(TVN_FLOW_COMPLETED);
            assert_int_equal(stat_of(mock.stats.flushed), 1000);
            assert_int_equal(stat_of(mock.stats.delivered) + stat_of(mock.stats.dropped),
                             1000 * (i + 1));
            assert_int_equal(policy == TVN_OVERFLOW_BLOCK, stat_of(mock.stats.dropped) == 0);
            assert_true(stat_of(mock.streams[1].depth_peak) <= 7);
            mock_flow_deinit(&mock);
        }
    }
}

static bool flush_in_trouble(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                             enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_FLUSH || self->calls[entry] > 3) {
        return false;
    }
    *call->fault = (struct tvn_fault){.error = TVN_PROCESS_UNAVAILABLE, .text = "not now"};
    *out_outcome = self->calls[entry] == 2 ? TVN_OUTCOME_WAIT : TVN_OUTCOME_ERROR;
    return true;
}

static void test_flush_may_wait_and_is_retried(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sak");
    mock.stages[1].flush_count = 5;
    mock.stages[1].script = flush_in_trouble;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(stat_of(mock.stats.delivered), 5);
    assert_int_equal(stat_of(mock.stats.errors), 2);
    mock_flow_deinit(&mock);
}

static void test_flush_that_fails_ends_by_policy(void **state)
{
    (void)state;
    for (unsigned policy = TVN_ON_ERROR_SKIP; policy <= TVN_ON_ERROR_TERMINATE; policy += 2) {
        mock_flow_init(&mock, "sak");
        mock.stages[1].flush_count = 5;
        mock.stages[1].script = flush_in_trouble;
        mock.stage_options[1].on_error = (enum tvn_on_error)policy;
        mock_flow_start(&mock);
        finish(policy == TVN_ON_ERROR_SKIP ? TVN_FLOW_COMPLETED : TVN_FLOW_FAILED);
        assert_int_equal(stat_of(mock.stats.delivered), 0);
        assert_int_equal(mock.stages[1].calls[TVN_ENTRY_FLUSH], 1);
        mock_flow_deinit(&mock);
    }
}

static void test_flush_waits_for_all_inputs(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "ssak", "0-2 1-2 2-3");
    mock.stages[0].count = 3;
    mock.stages[1].count = 500;
    mock.stages[2].flush_count = 1;
    mock.world.logging = true;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(stat_of(mock.stats.absorbed), 503);
    bool flushed = false;
    for (uint32_t i = 0; i < mock.world.log_count; i++) {
        flushed |= mock.world.log[i].entry == TVN_ENTRY_FLUSH;
        assert_false(flushed && mock.world.log[i].entry == TVN_ENTRY_INGEST);
    }
    assert_true(flushed);
    mock_flow_deinit(&mock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_router_gives_every_edge_of_its_ports_a_record),
    cmocka_unit_test(test_router_with_one_edge_is_a_filter_of_ports),
    cmocka_unit_test(test_router_and_aggregator_may_drop),
    cmocka_unit_test(test_processor_that_puts_nothing_out_drops),
    cmocka_unit_test(test_router_port_without_edge_is_e0204_by_policy),
    cmocka_unit_test(test_router_waits_for_room_behind_every_edge_that_blocks),
    cmocka_unit_test(test_aggregator_absorbs_emits_and_flushes),
    cmocka_unit_test(test_aggregator_whose_flush_fails_has_failed_what_it_held),
    cmocka_unit_test(test_flush_without_any_input_begins_at_zero),
    cmocka_unit_test(test_flush_is_held_back_by_credits),
    cmocka_unit_test(test_flush_may_wait_and_is_retried),
    cmocka_unit_test(test_flush_that_fails_ends_by_policy),
    cmocka_unit_test(test_flush_waits_for_all_inputs),
};
TVN_TEST_MAIN("reactor.consumer", tests)
