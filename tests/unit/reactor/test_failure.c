/* SPDX-License-Identifier: Apache-2.0 */
#include "mock_invoker.h"
#include "tvn_test.h"

#define stat_of(field) tvn_stat_get(&(field))

static struct mock_flow mock;

/* Which calls fail, and how. */
struct trouble {
    enum tvn_entry entry;
    enum tvn_outcome outcome;
    enum tvn_process_error error;
    enum tvn_status code;
    uint64_t from; /* calls of this entry, 1-based, inclusive */
    uint64_t to;
};

static bool make_trouble(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    const struct trouble *trouble = self->script_data;
    uint64_t call_number = self->calls[entry];
    if (entry != trouble->entry || call_number < trouble->from || call_number > trouble->to) {
        return false;
    }
    *call->fault =
        (struct tvn_fault){.code = trouble->code, .error = trouble->error, .text = "because"};
    *out_outcome = trouble->outcome;
    return true;
}

static void start(const char *roles, uint32_t stage, struct trouble *trouble)
{
    mock_flow_init(&mock, roles);
    mock.stages[0].count = 50;
    mock.stages[stage].script = make_trouble;
    mock.stages[stage].script_data = trouble;
}

/* Each kind with the default policy, at the third element of a processor. */
static void test_default_policies_per_kind(void **state)
{
    (void)state;
    static const struct {
        enum tvn_process_error error;
        bool fails; /* when it never stops */
        uint64_t retries;
    } cases[] = {
        {TVN_PROCESS_INVALID_INPUT, false, 0},
        {TVN_PROCESS_INTERNAL, false, 0},
        {TVN_PROCESS_DEADLINE_EXCEEDED, false, 0},
        {TVN_PROCESS_UNAVAILABLE, true, 3},
        {TVN_PROCESS_FATAL, true, 0},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct trouble trouble = {TVN_ENTRY_PROCESS, TVN_OUTCOME_ERROR, cases[i].error, TVN_OK, 3,
                                  UINT64_MAX};
        start("spk", 1, &trouble);
        mock_flow_start(&mock);
        assert_true(mock_flow_finish(&mock, 1000));
        assert_true(mock_flow_conserves(&mock));
        assert_int_equal(stat_of(mock.stats.delivered), 2);
        if (cases[i].fails) {
            const struct tvn_flow_failure *failure = tvn_flow_failure(mock.flow);
            assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_FAILED);
            assert_status(failure->code, TVN_E_FATAL_COMPONENT_ERROR);
            assert_int_equal(failure->stage, 1);
            assert_int_equal(failure->entry, TVN_ENTRY_PROCESS);
            assert_int_equal(failure->outcome, TVN_OUTCOME_ERROR);
            assert_int_equal(failure->error, cases[i].error);
            assert_true(failure->has_sequence);
            assert_int_equal(failure->sequence, 2);
            assert_int_equal(failure->attempts, cases[i].retries);
            assert_string_equal(failure->text, "because");
            assert_int_equal(stat_of(mock.stats.errors), 1 + cases[i].retries);
        } else {
            assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
            assert_int_equal(stat_of(mock.stages[1].stats.failed), 48);
            assert_int_equal(stat_of(mock.stats.failed), 48);
            assert_int_equal(stat_of(mock.stats.errors), 48);
            assert_int_equal(stat_of(mock.stages[1].stats.errors), 48);
        }
        mock_flow_deinit(&mock);
    }
}

/* Every policy against every kind: `fatal` ends the flow whatever the policy says. */
static void test_explicit_policies_override_all_kinds_but_fatal(void **state)
{
    (void)state;
    for (unsigned error = TVN_PROCESS_INVALID_INPUT; error <= TVN_PROCESS_FATAL; error++) {
        for (unsigned policy = TVN_ON_ERROR_SKIP; policy <= TVN_ON_ERROR_TERMINATE; policy++) {
            struct trouble trouble = {
                TVN_ENTRY_EVALUATE, TVN_OUTCOME_ERROR, (enum tvn_process_error)error, TVN_OK, 4, 4};
            start("sfk", 1, &trouble);
            mock.stage_options[1].on_error = (enum tvn_on_error)policy;
            mock_flow_start(&mock);
            assert_true(mock_flow_finish(&mock, 1000));
            assert_true(mock_flow_conserves(&mock));
            bool fails = error == TVN_PROCESS_FATAL || policy == TVN_ON_ERROR_TERMINATE;
            assert_int_equal(tvn_flow_state(mock.flow),
                             fails ? TVN_FLOW_FAILED : TVN_FLOW_COMPLETED);
            uint64_t delivered = fails ? 3 : policy == TVN_ON_ERROR_SKIP ? 49 : 50;
            assert_int_equal(stat_of(mock.stats.delivered), delivered);
            assert_int_equal(stat_of(mock.stats.errors), 1);
            mock_flow_deinit(&mock);
        }
    }
}

static void test_retry_doubles_its_back_off_and_keeps_order(void **state)
{
    (void)state;
    struct trouble trouble = {
        TVN_ENTRY_PUSH, TVN_OUTCOME_ERROR, TVN_PROCESS_UNAVAILABLE, TVN_OK, 2, 6};
    start("sk", 1, &trouble);
    mock.stage_options[1].max_retries = 5;
    mock.stage_options[1].retry_backoff_ns = 1000000;
    mock_flow_start(&mock);
    for (uint64_t expected = 1000000; expected <= 16000000; expected *= 2) {
        while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
        }
        assert_int_equal(mock.wait.wake_ns - mock.world.now_ns, expected);
        assert_int_equal(mock.stages[1].delivered, 1);
        mock.world.now_ns = mock.wait.wake_ns;
    }
    assert_true(mock_flow_finish(&mock, 100));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[1].delivered, 50);
    assert_int_equal(mock.stages[1].last_sequence, 49);
    assert_int_equal(stat_of(mock.stats.errors), 5);
    assert_int_equal(stat_of(mock.stats.failed), 0);
    mock_flow_deinit(&mock);
}

static void test_retry_back_off_is_bounded(void **state)
{
    (void)state;
    struct trouble trouble = {
        TVN_ENTRY_PUSH, TVN_OUTCOME_ERROR, TVN_PROCESS_UNAVAILABLE, TVN_OK, 1, 70};
    start("sk", 1, &trouble);
    mock.stage_options[1].max_retries = 100;
    mock.stage_options[1].retry_backoff_ns = UINT64_MAX;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_in_range(mock.world.now_ns, 70 * TVN_FLOW_RETRY_BACKOFF_MAX_NS,
                    71 * TVN_FLOW_RETRY_BACKOFF_MAX_NS);
    mock_flow_deinit(&mock);
}

/* Retries are counted per element. */
static bool fail_first_try(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                           enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_PROCESS || self->calls[entry] % 4 == 0) {
        return false;
    }
    *call->fault = (struct tvn_fault){.error = TVN_PROCESS_UNAVAILABLE};
    *out_outcome = TVN_OUTCOME_ERROR;
    return true;
}

static void test_retries_are_counted_per_element(void **state)
{
    (void)state;
    mock_flow_init(&mock, "spk");
    mock.stages[1].script = fail_first_try; /* three failures before each success */
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(stat_of(mock.stats.delivered), 64);
    assert_int_equal(stat_of(mock.stats.errors), 3 * 64);
    mock_flow_deinit(&mock);
}

static void test_dead_instance_ends_the_flow_with_its_code(void **state)
{
    (void)state;
    static const struct {
        enum tvn_status code;
        enum tvn_status expected;
    } cases[] = {
        {TVN_E_COMPONENT_TIMEOUT, TVN_E_COMPONENT_TIMEOUT},
        {TVN_E_STALE_HANDLE, TVN_E_STALE_HANDLE},
        {TVN_OK, TVN_E_COMPONENT_TRAPPED},
    };
    static const char roles[] = "spk";
    static const enum tvn_entry entries[] = {TVN_ENTRY_PULL, TVN_ENTRY_PROCESS, TVN_ENTRY_PUSH};
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases) * 3; i++) {
        uint32_t stage = (uint32_t)(i % 3);
        struct trouble trouble = {
            entries[stage], TVN_OUTCOME_DEAD, TVN_PROCESS_INTERNAL, cases[i / 3].code, 5,
            UINT64_MAX};
        start(roles, stage, &trouble);
        for (int k = 0; k < 3; k++) {
            mock.stages[k].entries = MOCK_ENTRY(TVN_ENTRY_TEARDOWN);
            mock.stage_options[k].on_error = TVN_ON_ERROR_SKIP;
        }
        mock_flow_start(&mock);
        assert_true(mock_flow_finish(&mock, 1000));
        assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_FAILED);
        assert_status(tvn_flow_failure(mock.flow)->code, cases[i / 3].expected);
        assert_int_equal(tvn_flow_failure(mock.flow)->outcome, TVN_OUTCOME_DEAD);
        assert_true(mock_flow_conserves(&mock));
        for (uint32_t k = 0; k < 3; k++) { /* nobody calls a dead instance */
            assert_int_equal(mock.stages[k].calls[TVN_ENTRY_TEARDOWN], k == stage ? 0 : 1);
        }
        assert_int_equal(mock.stages[stage].calls[entries[stage]], 5);
        mock_flow_deinit(&mock);
    }
}

static void test_fault_with_a_code_keeps_it(void **state)
{
    (void)state;
    struct trouble trouble = {
        TVN_ENTRY_PUSH, TVN_OUTCOME_ERROR, TVN_PROCESS_FATAL, TVN_E_IO_ERROR, 1, UINT64_MAX};
    start("sk", 1, &trouble);
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 100));
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_IO_ERROR);
    mock_flow_deinit(&mock);
}

static void test_source_that_fails_again_and_again_is_asked_in_growing_intervals(void **state)
{
    (void)state;
    struct trouble trouble = {
        TVN_ENTRY_PULL, TVN_OUTCOME_ERROR, TVN_PROCESS_INTERNAL, TVN_OK, 3, 12};
    start("sk", 0, &trouble);
    mock_flow_start(&mock);
    uint64_t expected = TVN_FLOW_BACKOFF_MIN_NS;
    for (int i = 0; i < 10; i++) {
        while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
        }
        assert_int_equal(mock.wait.wake_ns - mock.world.now_ns, expected);
        expected = expected * 2 > TVN_FLOW_BACKOFF_MAX_NS ? TVN_FLOW_BACKOFF_MAX_NS : expected * 2;
        mock.world.now_ns = mock.wait.wake_ns;
    }
    assert_true(mock_flow_finish(&mock, 100));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(stat_of(mock.stats.errors), 10);
    assert_int_equal(stat_of(mock.stats.failed), 0); /* no element was pulled */
    assert_int_equal(stat_of(mock.stats.delivered), 50);
    mock_flow_deinit(&mock);
}

static void test_complete_errors_follow_the_policy(void **state)
{
    (void)state;
    static const struct {
        enum tvn_process_error error;
        enum tvn_outcome outcome;
        uint64_t to;
        bool fails;
    } cases[] = {
        {TVN_PROCESS_INTERNAL, TVN_OUTCOME_ERROR, UINT64_MAX, false},
        {TVN_PROCESS_UNAVAILABLE, TVN_OUTCOME_ERROR, 2, false},
        {TVN_PROCESS_UNAVAILABLE, TVN_OUTCOME_ERROR, UINT64_MAX, true},
        {TVN_PROCESS_FATAL, TVN_OUTCOME_ERROR, UINT64_MAX, true},
        {TVN_PROCESS_INTERNAL, TVN_OUTCOME_DEAD, UINT64_MAX, true},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct trouble trouble = {TVN_ENTRY_COMPLETE, cases[i].outcome, cases[i].error, TVN_OK, 1,
                                  cases[i].to};
        start("sk", 1, &trouble);
        mock.stages[1].entries = MOCK_ENTRY(TVN_ENTRY_COMPLETE);
        mock_flow_start(&mock);
        assert_true(mock_flow_finish(&mock, 100));
        assert_int_equal(tvn_flow_state(mock.flow),
                         cases[i].fails ? TVN_FLOW_FAILED : TVN_FLOW_COMPLETED);
        assert_int_equal(stat_of(mock.stats.delivered), 50);
        assert_true(mock_flow_conserves(&mock));
        mock_flow_deinit(&mock);
    }
}

static void test_first_failure_is_kept(void **state)
{
    (void)state;
    struct trouble trouble = {TVN_ENTRY_PUSH, TVN_OUTCOME_DEAD, TVN_PROCESS_INTERNAL, TVN_OK, 20,
                              UINT64_MAX};
    start("sk", 1, &trouble);
    mock.stages[0].count = 100000;
    mock.stages[0].cost_ns = 1000;
    mock.stages[1].cost_ns = 1000000;
    mock.options.deadline_ns = 10000000; /* over before the twentieth element */
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_FLOW_DEADLINE_EXCEEDED);
    assert_int_equal(stat_of(mock.stats.errors), 1);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static void test_first_skipped_is_kept_by_stage(void **state)
{
    (void)state;
    struct trouble trouble = {
        TVN_ENTRY_PROCESS, TVN_OUTCOME_ERROR, TVN_PROCESS_INTERNAL, TVN_OK, 7, 9};
    start("spk", 1, &trouble);
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_null(tvn_flow_failure(mock.flow));
    assert_null(tvn_flow_first_skipped(mock.flow, 0));
    assert_null(tvn_flow_first_skipped(mock.flow, 2));
    const struct tvn_flow_failure *skipped = tvn_flow_first_skipped(mock.flow, 1);
    assert_non_null(skipped);
    assert_int_equal(skipped->stage, 1);
    assert_int_equal(skipped->entry, TVN_ENTRY_PROCESS);
    assert_int_equal(skipped->error, TVN_PROCESS_INTERNAL);
    assert_true(skipped->has_sequence);
    assert_int_equal(skipped->sequence, 6);
    assert_string_equal(skipped->text, "because");
    mock_flow_deinit(&mock);
}

static bool long_text(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                      enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_PUSH) {
        return false;
    }
    call->fault->code = TVN_OK;
    call->fault->error = self->calls[entry] == 1 ? TVN_PROCESS_INTERNAL : TVN_PROCESS_FATAL;
    memset(call->fault->text, 'x', TVN_FAULT_TEXT_MAX); /* not even ended */
    *out_outcome = TVN_OUTCOME_ERROR;
    return true;
}

static void test_texts_are_cut_to_fit(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[1].script = long_text;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(strlen(tvn_flow_first_skipped(mock.flow, 1)->text),
                     TVN_FLOW_SKIPPED_TEXT_MAX - 1);
    assert_int_equal(strlen(tvn_flow_failure(mock.flow)->text), TVN_FAULT_TEXT_MAX - 1);
    mock_flow_deinit(&mock);
}

static void test_failed_teardown_is_kept_as_skipped(void **state)
{
    (void)state;
    struct trouble trouble = {
        TVN_ENTRY_TEARDOWN, TVN_OUTCOME_DEAD, TVN_PROCESS_INTERNAL, TVN_E_COMPONENT_TRAPPED, 1, 1};
    start("spk", 1, &trouble);
    mock.stages[1].entries |= MOCK_ENTRY(TVN_ENTRY_TEARDOWN);
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_null(tvn_flow_failure(mock.flow));
    const struct tvn_flow_failure *skipped = tvn_flow_first_skipped(mock.flow, 1);
    assert_non_null(skipped);
    assert_status(skipped->code, TVN_E_COMPONENT_TRAPPED);
    assert_int_equal(skipped->entry, TVN_ENTRY_TEARDOWN);
    assert_false(skipped->has_sequence);
    mock_flow_deinit(&mock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_default_policies_per_kind),
    cmocka_unit_test(test_explicit_policies_override_all_kinds_but_fatal),
    cmocka_unit_test(test_retry_doubles_its_back_off_and_keeps_order),
    cmocka_unit_test(test_retry_back_off_is_bounded),
    cmocka_unit_test(test_retries_are_counted_per_element),
    cmocka_unit_test(test_dead_instance_ends_the_flow_with_its_code),
    cmocka_unit_test(test_fault_with_a_code_keeps_it),
    cmocka_unit_test(test_source_that_fails_again_and_again_is_asked_in_growing_intervals),
    cmocka_unit_test(test_complete_errors_follow_the_policy),
    cmocka_unit_test(test_first_failure_is_kept),
    cmocka_unit_test(test_first_skipped_is_kept_by_stage),
    cmocka_unit_test(test_texts_are_cut_to_fit),
    cmocka_unit_test(test_failed_teardown_is_kept_as_skipped),
};
TVN_TEST_MAIN("reactor.failure", tests)
