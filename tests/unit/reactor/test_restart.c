/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that die and are replaced; dead letters. */
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
    uint64_t every;    /* … of these each so many; 0: all */
    uint64_t restarts; /* when it died last */
    bool died;
};

static bool make_trouble(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    struct trouble *trouble = self->script_data;
    assert_true(!trouble->died || self->restarts > trouble->restarts); /* nobody calls the dead */
    uint64_t number = self->calls[entry];
    if (entry != trouble->entry || number < trouble->from || number > trouble->to ||
        (trouble->every > 0 && (number - trouble->from) % trouble->every != 0)) {
        return false;
    }
    *call->fault =
        (struct tvn_fault){.code = trouble->code, .error = trouble->error, .text = "because"};
    *out_outcome = trouble->outcome;
    if (trouble->outcome == TVN_OUTCOME_DEAD) {
        trouble->died = true;
        trouble->restarts = self->restarts;
    }
    return true;
}

struct letters {
    uint32_t count;
    uint32_t stage;
    uint64_t sequence;
    struct tvn_flow_failure failure;
};

static bool collect(void *context, uint32_t stage, const struct tvn_element *element,
                    const struct tvn_flow_failure *failure)
{
    struct letters *letters = context;
    struct tvn_buffer *buffer = NULL;
    /* the payload is still there */
    assert_status(tvn_magazine_find(mock.world.magazine, element->payload, &buffer), TVN_OK);
    assert_int_equal(buffer->length, 16);
    letters->count++;
    letters->stage = stage;
    letters->sequence = element->sequence;
    letters->failure = *failure;
    letters->failure.text = ""; /* lent for the call */
    assert_string_equal(failure->text, "because");
    return true;
}

static struct letters letters;

static void start(const char *roles, uint32_t stage, struct trouble *trouble)
{
    letters = (struct letters){0};
    mock_flow_init(&mock, roles);
    mock.options.dead_letter = collect;
    mock.options.dead_letter_context = &letters;
    mock.stages[0].count = 50;
    mock.stages[stage].script = make_trouble;
    mock.stages[stage].script_data = trouble;
    mock_invoker_can_restart(&mock.stages[stage]);
}

static void finish(enum tvn_flow_state expected)
{
    assert_true(mock_flow_finish(&mock, 10000));
    assert_int_equal(tvn_flow_state(mock.flow), expected);
    assert_true(mock_flow_conserves(&mock));
}

/* What the death of an instance means, by policy and by what it was doing. */
static void test_death_by_policy_and_entry(void **state)
{
    (void)state;
    static const struct {
        enum tvn_on_error policy;
        bool fails;
        uint64_t delivered; /* of a processor that died once, at the third of 50 */
        uint64_t letters;
    } policies[] = {
        {TVN_ON_ERROR_DEFAULT, true, 2, 0},       {TVN_ON_ERROR_SKIP, false, 49, 0},
        {TVN_ON_ERROR_RETRY, false, 50, 0},       {TVN_ON_ERROR_TERMINATE, true, 2, 0},
        {TVN_ON_ERROR_DEAD_LETTER, false, 49, 1},
    };
    static const struct {
        const char *roles;
        enum tvn_entry entry;
    } entries[] = {{"spk", TVN_ENTRY_PROCESS},
                   {"sfk", TVN_ENTRY_EVALUATE},
                   {"srk", TVN_ENTRY_ROUTE},
                   {"spk", TVN_ENTRY_PUSH},
                   {"spk", TVN_ENTRY_PULL}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(policies) * TVN_ARRAY_LEN(entries); i++) {
        size_t p = i % TVN_ARRAY_LEN(policies);
        size_t e = i / TVN_ARRAY_LEN(policies);
        uint32_t stage = entries[e].entry == TVN_ENTRY_PULL   ? 0
                         : entries[e].entry == TVN_ENTRY_PUSH ? 2
                                                              : 1;
        struct trouble trouble = {.entry = entries[e].entry,
                                  .outcome = TVN_OUTCOME_DEAD,
                                  .code = TVN_E_COMPONENT_TIMEOUT,
                                  .from = 3,
                                  .to = 3};
        start(entries[e].roles, stage, &trouble);
        mock.stages[stage].entries = MOCK_ENTRY(TVN_ENTRY_TEARDOWN);
        mock.stage_options[stage].on_error = policies[p].policy;
        mock_flow_start(&mock);
        finish(policies[p].fails ? TVN_FLOW_FAILED : TVN_FLOW_COMPLETED);
        bool no_element = entries[e].entry == TVN_ENTRY_PULL;
        uint64_t all = policies[p].fails ? 2 : 50;
        assert_int_equal(stat_of(mock.stats.delivered), no_element ? all : policies[p].delivered);
        assert_int_equal(letters.count, no_element ? 0 : policies[p].letters);
        assert_int_equal(stat_of(mock.stats.dead_lettered), letters.count);
        assert_int_equal(stat_of(mock.stages[stage].stats.dead_lettered), letters.count);
        assert_int_equal(stat_of(mock.stages[stage].stats.restarts), policies[p].fails ? 0 : 1);
        assert_int_equal(mock.stages[stage].calls[TVN_ENTRY_TEARDOWN], policies[p].fails ? 0 : 1);
        assert_int_equal(stat_of(mock.stats.errors), 1);
        if (policies[p].fails) {
            assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_COMPONENT_TIMEOUT);
            assert_int_equal(tvn_flow_failure(mock.flow)->traps, 0);
        } else if (policies[p].policy != TVN_ON_ERROR_RETRY) {
            const struct tvn_flow_failure *skipped = tvn_flow_first_skipped(mock.flow, stage);
            assert_status(skipped->code, TVN_E_COMPONENT_TIMEOUT);
            assert_int_equal(skipped->outcome, TVN_OUTCOME_DEAD);
        }
        mock_flow_deinit(&mock);
    }
}

static void test_without_restart_a_death_ends_the_flow(void **state)
{
    (void)state;
    struct trouble trouble = {
        .entry = TVN_ENTRY_PROCESS, .outcome = TVN_OUTCOME_DEAD, .from = 3, .to = 3};
    mock_flow_init(&mock, "spk");
    mock.stages[1].script = make_trouble;
    mock.stages[1].script_data = &trouble;
    mock.stage_options[1].on_error = TVN_ON_ERROR_RETRY;
    mock_flow_start(&mock);
    finish(TVN_FLOW_FAILED);
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_COMPONENT_TRAPPED);
    mock_flow_deinit(&mock);
}

/* 1, 2, 4, 8 ms; the fifth death within a second is one too many. */
static void test_circuit_opens_after_five_deaths_within_a_second(void **state)
{
    (void)state;
    struct trouble trouble = {.entry = TVN_ENTRY_PROCESS,
                              .outcome = TVN_OUTCOME_DEAD,
                              .code = TVN_E_STALE_HANDLE,
                              .from = 3,
                              .to = UINT64_MAX};
    start("spk", 1, &trouble);
    mock.stage_options[1].on_error = TVN_ON_ERROR_SKIP;
    mock_flow_start(&mock);
    for (uint64_t expected = 1000000; expected <= 8000000; expected *= 2) {
        while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
        }
        assert_int_equal(mock.wait.wake_ns - mock.world.now_ns, expected);
        mock.world.now_ns = mock.wait.wake_ns;
    }
    finish(TVN_FLOW_FAILED);
    const struct tvn_flow_failure *failure = tvn_flow_failure(mock.flow);
    assert_status(failure->code, TVN_E_STALE_HANDLE);
    assert_int_equal(failure->traps, 5);
    assert_int_equal(failure->entry, TVN_ENTRY_PROCESS);
    assert_int_equal(failure->sequence, 6);
    assert_string_equal(failure->text, "the instance died too often, the last time: because");
    assert_int_equal(mock.stages[1].restarts, 4);
    assert_int_equal(stat_of(mock.stats.delivered), 2);
    assert_int_equal(stat_of(mock.stats.errors), 5);
    mock_flow_deinit(&mock);
}

/* The window slides: four within a second are not five, however long it goes on. */
static void test_circuit_stays_closed_below_its_rate(void **state)
{
    (void)state;
    static const struct {
        uint64_t cost_ns;
        bool opens;
    } cases[] = {{249999999 / 10, true}, {251000000 / 10, false}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct trouble trouble = {.entry = TVN_ENTRY_PROCESS,
                                  .outcome = TVN_OUTCOME_DEAD,
                                  .from = 3,
                                  .to = UINT64_MAX,
                                  .every = 10};
        start("spk", 1, &trouble);
        mock.stages[0].count = 200;
        mock.stages[1].cost_ns = cases[i].cost_ns;
        mock.stage_options[1].on_error = TVN_ON_ERROR_SKIP;
        mock.stage_options[1].restart_backoff_ns = 0;
        /* ten calls and one restart are one period */
        mock.stages[1].cost_ns = mock.stages[1].cost_ns * 10 / 11;
        mock_flow_start(&mock);
        finish(cases[i].opens ? TVN_FLOW_FAILED : TVN_FLOW_COMPLETED);
        assert_int_equal(stat_of(mock.stages[1].stats.restarts), cases[i].opens ? 4 : 20);
        mock_flow_deinit(&mock);
    }
}

static void test_retries_on_new_instances_are_bounded(void **state)
{
    (void)state;
    struct trouble trouble = {
        .entry = TVN_ENTRY_PUSH, .outcome = TVN_OUTCOME_DEAD, .from = 3, .to = UINT64_MAX};
    start("sk", 1, &trouble);
    mock.stage_options[1].on_error = TVN_ON_ERROR_RETRY;
    mock.stage_options[1].max_retries = 2;
    mock.stage_options[1].retry_backoff_ns = 5000000; /* longer than that of restarts */
    mock_flow_start(&mock);
    while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
    }
    assert_int_equal(mock.wait.wake_ns - mock.world.now_ns, 5000000);
    finish(TVN_FLOW_FAILED);
    assert_int_equal(mock.stages[1].restarts, 2);
    assert_int_equal(tvn_flow_failure(mock.flow)->attempts, 2);
    assert_int_equal(tvn_flow_failure(mock.flow)->traps, 0);
    assert_int_equal(tvn_flow_failure(mock.flow)->sequence, 2);
    assert_int_equal(stat_of(mock.stats.delivered), 2);
    mock_flow_deinit(&mock);
}

static void test_restarts_that_fail_are_repeated_and_bounded(void **state)
{
    (void)state;
    for (unsigned outcome = TVN_OUTCOME_ERROR; outcome <= TVN_OUTCOME_DEAD; outcome++) {
        struct trouble trouble = {
            .entry = TVN_ENTRY_PUSH, .outcome = TVN_OUTCOME_DEAD, .from = 3, .to = 3};
        start("sk", 1, &trouble);
        mock.stage_options[1].on_error = TVN_ON_ERROR_RETRY;
        mock.stage_options[1].circuit_window_ns = 0; /* only the number in a row ends it */
        mock.stages[1].restart_outcome = (enum tvn_outcome)outcome;
        mock.stages[1].cost_ns = 1000;
        mock_flow_start(&mock);
        finish(TVN_FLOW_FAILED);
        assert_int_equal(mock.stages[1].restarts, 5);
        assert_int_equal(tvn_flow_failure(mock.flow)->entry, TVN_ENTRY_INIT);
        assert_int_equal(tvn_flow_failure(mock.flow)->traps, 5);
        assert_int_equal(mock.stages[1].calls[TVN_ENTRY_PUSH], 3);
        assert_int_equal(stat_of(mock.stats.delivered), 2);
        mock_flow_deinit(&mock);
    }
}

static void test_restart_with_a_fatal_error_is_not_repeated(void **state)
{
    (void)state;
    for (unsigned outcome = TVN_OUTCOME_ERROR; outcome <= TVN_OUTCOME_DEAD; outcome++) {
        struct trouble trouble = {
            .entry = TVN_ENTRY_PUSH, .outcome = TVN_OUTCOME_DEAD, .from = 3, .to = 3};
        start("sk", 1, &trouble);
        mock.stage_options[1].on_error = TVN_ON_ERROR_SKIP;
        mock.stages[1].restart_outcome = (enum tvn_outcome)outcome;
        mock.stages[1].restart_error = TVN_PROCESS_FATAL; /* says nothing of a death */
        mock_flow_start(&mock);
        finish(TVN_FLOW_FAILED);
        bool fatal = outcome == TVN_OUTCOME_ERROR;
        assert_int_equal(mock.stages[1].restarts, fatal ? 1 : 4);
        assert_int_equal(tvn_flow_failure(mock.flow)->traps, fatal ? 0 : 5);
        assert_string_equal(tvn_flow_failure(mock.flow)->text,
                            fatal ? "cannot restart"
                                  : "the instance died too often, the last time: cannot restart");
        mock_flow_deinit(&mock);
    }
}

static void test_restart_that_succeeds_at_last_goes_on(void **state)
{
    (void)state;
    struct trouble trouble = {
        .entry = TVN_ENTRY_PUSH, .outcome = TVN_OUTCOME_DEAD, .from = 3, .to = 3};
    start("sk", 1, &trouble);
    mock.stage_options[1].on_error = TVN_ON_ERROR_RETRY;
    mock.stages[1].restart_outcome = TVN_OUTCOME_ERROR;
    mock_flow_start(&mock);
    while (mock.stages[1].restarts < 2) {
        if (mock_flow_turn(&mock) == TVN_FLOW_IDLE) {
            mock.world.now_ns = mock.wait.wake_ns;
        }
    }
    mock.stages[1].restart_outcome = TVN_OUTCOME_EMIT;
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(stat_of(mock.stats.delivered), 50);
    assert_int_equal(stat_of(mock.stages[1].stats.restarts), 1);
    assert_int_equal(stat_of(mock.stages[1].stats.errors), 3);
    mock_flow_deinit(&mock);
}

static void test_a_cancelled_instance_is_not_restarted(void **state)
{
    (void)state;
    for (int raised = 0; raised < 2; raised++) {
        struct trouble trouble = {.entry = TVN_ENTRY_PUSH,
                                  .outcome = TVN_OUTCOME_DEAD,
                                  .code = raised ? TVN_E_COMPONENT_TRAPPED : TVN_E_FLOW_CANCELLED,
                                  .from = 3,
                                  .to = 3};
        start("sk", 1, &trouble);
        mock.stage_options[1].on_error = TVN_ON_ERROR_RETRY;
        mock_flow_start(&mock);
        if (raised) { /* while it waits for its restart */
            while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
            }
            tvn_stop_raise(&mock.stop, TVN_STOP_CANCEL);
        }
        finish(TVN_FLOW_FAILED);
        assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_FLOW_CANCELLED);
        assert_int_equal(mock.stages[1].restarts, 0);
        mock_flow_deinit(&mock);
    }
}

static void test_drain_ends_a_dead_source_without_restart(void **state)
{
    (void)state;
    struct trouble trouble = {
        .entry = TVN_ENTRY_PULL, .outcome = TVN_OUTCOME_DEAD, .from = 3, .to = 3};
    start("sk", 0, &trouble);
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_TEARDOWN);
    mock.stage_options[0].on_error = TVN_ON_ERROR_SKIP;
    mock_flow_start(&mock);
    while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
    }
    tvn_stop_raise(&mock.stop, TVN_STOP_DRAIN);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[0].restarts, 0);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_TEARDOWN], 0);
    assert_int_equal(stat_of(mock.stats.delivered), 2);
    mock_flow_deinit(&mock);
}

static void test_death_at_the_end_by_policy(void **state)
{
    (void)state;
    static const struct {
        const char *roles;
        enum tvn_entry entry;
        enum tvn_on_error policy;
        uint64_t restarts;
        uint64_t calls;
    } cases[] = {
        {"sk", TVN_ENTRY_COMPLETE, TVN_ON_ERROR_SKIP, 0, 1},
        {"sk", TVN_ENTRY_COMPLETE, TVN_ON_ERROR_RETRY, 1, 2},
        {"sak", TVN_ENTRY_FLUSH, TVN_ON_ERROR_SKIP, 0, 1},
        {"sak", TVN_ENTRY_FLUSH, TVN_ON_ERROR_RETRY, 1, 3},
        {"sak", TVN_ENTRY_FLUSH, TVN_ON_ERROR_DEAD_LETTER, 0, 1},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct trouble trouble = {
            .entry = cases[i].entry, .outcome = TVN_OUTCOME_DEAD, .from = 1, .to = 1};
        start(cases[i].roles, 1, &trouble);
        mock.stages[1].entries = MOCK_ENTRY(TVN_ENTRY_COMPLETE) | MOCK_ENTRY(TVN_ENTRY_TEARDOWN);
        mock.stages[1].flush_count = 5;
        mock.stage_options[1].on_error = cases[i].policy;
        mock_flow_start(&mock);
        finish(TVN_FLOW_COMPLETED);
        assert_int_equal(mock.stages[1].restarts, cases[i].restarts);
        assert_int_equal(mock.stages[1].calls[cases[i].entry], cases[i].calls);
        assert_int_equal(mock.stages[1].calls[TVN_ENTRY_TEARDOWN], cases[i].restarts);
        assert_int_equal(letters.count, 0);
        mock_flow_deinit(&mock);
    }
}

/* It dies of the signal; its successor is told again, until one survives it. */
static void test_new_source_is_told_to_pause_again(void **state)
{
    (void)state;
    struct trouble trouble = {
        .entry = TVN_ENTRY_NOTIFY, .outcome = TVN_OUTCOME_DEAD, .from = 1, .to = 2};
    start("sk", 0, &trouble);
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
    mock.stage_options[0].on_error = TVN_ON_ERROR_SKIP;
    mock.edge_options[0].queue_depth = 8;
    mock.stages[1].cost_ns = 2000000; /* throttled for longer than restarts take */
    mock_flow_start(&mock);
    while (mock.stages[0].calls[TVN_ENTRY_NOTIFY] < 3) {
        mock_flow_turn(&mock);
    }
    assert_int_equal(mock.stages[0].restarts, 2);
    assert_int_equal(mock.stages[0].last_signal, TVN_SIGNAL_PAUSE);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[0].last_signal, TVN_SIGNAL_READY);
    assert_int_equal(stat_of(mock.stats.delivered), 50);
    mock_flow_deinit(&mock);
}

static void test_dead_letters_for_every_kind_but_fatal(void **state)
{
    (void)state;
    for (unsigned error = TVN_PROCESS_INVALID_INPUT; error <= TVN_PROCESS_FATAL; error++) {
        struct trouble trouble = {.entry = TVN_ENTRY_PROCESS,
                                  .outcome = TVN_OUTCOME_ERROR,
                                  .error = (enum tvn_process_error)error,
                                  .from = 4,
                                  .to = 5};
        start("spk", 1, &trouble);
        mock.stage_options[1].on_error = TVN_ON_ERROR_DEAD_LETTER;
        mock_flow_start(&mock);
        bool fatal = error == TVN_PROCESS_FATAL;
        finish(fatal ? TVN_FLOW_FAILED : TVN_FLOW_COMPLETED);
        assert_int_equal(letters.count, fatal ? 0 : 2);
        if (!fatal) {
            assert_int_equal(letters.stage, 1);
            assert_int_equal(letters.sequence, 4);
            assert_int_equal(letters.failure.sequence, 4);
            assert_int_equal(letters.failure.error, error);
            assert_int_equal(letters.failure.entry, TVN_ENTRY_PROCESS);
            assert_int_equal(stat_of(mock.stats.failed), 2);
            assert_int_equal(stat_of(mock.stats.delivered), 48);
            assert_int_equal(tvn_flow_first_skipped(mock.flow, 1)->sequence, 3);
        }
        mock_flow_deinit(&mock);
    }
}

/* A graph with everything that takes memory: all of it at create. */
static void test_run_of_a_graph_in_trouble_allocates_nothing(void **state)
{
    (void)state;
    struct trouble trouble = {.entry = TVN_ENTRY_PROCESS,
                              .outcome = TVN_OUTCOME_DEAD,
                              .from = 3,
                              .to = UINT64_MAX,
                              .every = 100};
    mock_flow_init_graph(&mock, "ssprakk", "0-2 1-2 2-3 2-4 3-5:0 3-6:1 4-5 4-6");
    letters = (struct letters){0};
    mock.options.dead_letter = collect;
    mock.options.dead_letter_context = &letters;
    for (int i = 0; i < 2; i++) {
        mock.stages[i].count = 2000;
        mock.stages[i].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
    }
    mock.stages[2].script = make_trouble;
    mock.stages[2].script_data = &trouble;
    mock_invoker_can_restart(&mock.stages[2]);
    mock.stage_options[2].on_error = TVN_ON_ERROR_DEAD_LETTER;
    mock.stage_options[2].circuit_traps = 1000;
    mock.stages[3].ports = 3;
    mock.stages[4].flush_count = 500;
    mock.edge_options[2].max_bytes = 100;
    mock.edge_options[4].policy = TVN_OVERFLOW_RATE_LIMIT;
    mock.edge_options[4].max_elements_per_second = 100000;
    mock_flow_start(&mock);
    mock_flow_turn(&mock); /* the pool of payloads grows on first use */
    uint64_t before = tvn_mem_allocation_count();
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(tvn_mem_allocation_count(), before);
    assert_int_equal(letters.count, 40);
    assert_int_equal(stat_of(mock.stats.absorbed), 3960);
    assert_int_equal(stat_of(mock.stats.delivered), 2 * 3960 + 2 * 500);
    mock_flow_deinit(&mock);
}

static bool lose(void *context, uint32_t stage, const struct tvn_element *element,
                 const struct tvn_flow_failure *failure)
{
    (void)context;
    (void)stage;
    (void)element;
    (void)failure;
    return false;
}

static void test_lost_letters_are_failed_and_no_letters(void **state)
{
    (void)state;
    struct trouble trouble = {
        .entry = TVN_ENTRY_PROCESS, .outcome = TVN_OUTCOME_DEAD, .to = UINT64_MAX, .every = 2};
    mock_flow_init(&mock, "spk");
    mock.options.dead_letter = lose;
    mock.stages[0].count = 10;
    mock.stages[1].script = make_trouble;
    mock.stages[1].script_data = &trouble;
    mock_invoker_can_restart(&mock.stages[1]);
    mock.stage_options[1].on_error = TVN_ON_ERROR_DEAD_LETTER;
    mock.stage_options[1].circuit_traps = 1000;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(stat_of(mock.stats.dead_lettered), 0);
    assert_int_equal(stat_of(mock.stages[1].stats.dead_lettered), 0);
    assert_int_equal(stat_of(mock.stats.failed), 5);
    assert_int_equal(stat_of(mock.stats.delivered), 5);
    mock_flow_deinit(&mock);
}

static void test_create_refuses_bad_failure_options(void **state)
{
    (void)state;
    static const uint32_t traps[] = {0, TVN_FLOW_TRAPS_MAX + 1};
    for (size_t i = 0; i < 3; i++) {
        mock_flow_init(&mock, "sk");
        if (i < 2) {
            mock.stage_options[1].circuit_traps = traps[i];
        } else {
            mock.stage_options[1].on_error = TVN_ON_ERROR_DEAD_LETTER; /* nobody takes them */
        }
        assert_status(tvn_flow_create(&mock.options, &mock.flow), TVN_E_CONSTRAINT_VIOLATION);
        mock_flow_deinit(&mock);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_death_by_policy_and_entry),
    cmocka_unit_test(test_without_restart_a_death_ends_the_flow),
    cmocka_unit_test(test_circuit_opens_after_five_deaths_within_a_second),
    cmocka_unit_test(test_circuit_stays_closed_below_its_rate),
    cmocka_unit_test(test_retries_on_new_instances_are_bounded),
    cmocka_unit_test(test_restarts_that_fail_are_repeated_and_bounded),
    cmocka_unit_test(test_restart_with_a_fatal_error_is_not_repeated),
    cmocka_unit_test(test_restart_that_succeeds_at_last_goes_on),
    cmocka_unit_test(test_a_cancelled_instance_is_not_restarted),
    cmocka_unit_test(test_drain_ends_a_dead_source_without_restart),
    cmocka_unit_test(test_death_at_the_end_by_policy),
    cmocka_unit_test(test_new_source_is_told_to_pause_again),
    cmocka_unit_test(test_dead_letters_for_every_kind_but_fatal),
    cmocka_unit_test(test_run_of_a_graph_in_trouble_allocates_nothing),
    cmocka_unit_test(test_lost_letters_are_failed_and_no_letters),
    cmocka_unit_test(test_create_refuses_bad_failure_options),
};
TVN_TEST_MAIN("reactor.restart", tests)
