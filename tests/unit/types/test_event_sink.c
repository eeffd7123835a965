/* SPDX-License-Identifier: Apache-2.0 */
#include "types/event_sink.h"

#include "tvn_test.h"

static void test_watch_element_follows_mask_and_flag(void **state)
{
    (void)state;
    assert_false(tvn_watch_element(0, TVN_ELEMENT_WATCHED | TVN_ELEMENT_SAMPLED));
    assert_false(tvn_watch_element(TVN_WATCH_EVENTS, TVN_ELEMENT_WATCHED));
    assert_false(tvn_watch_element(TVN_WATCH_SAMPLED, 0));
    assert_false(tvn_watch_element(TVN_WATCH_SAMPLED, TVN_ELEMENT_SAMPLED));
    assert_true(tvn_watch_element(TVN_WATCH_SAMPLED, TVN_ELEMENT_WATCHED));
    assert_true(tvn_watch_element(TVN_WATCH_CALLS, 0));
}

static void test_watch_pull_from_the_chosen_sequence_on(void **state)
{
    (void)state;
    struct tvn_event_sink sink = {.sample_next = 5};
    assert_false(tvn_watch_pull(NULL, 0, 5));
    assert_false(tvn_watch_pull(&sink, TVN_WATCH_EVENTS, 5));
    assert_false(tvn_watch_pull(&sink, TVN_WATCH_SAMPLED, 4));
    assert_true(tvn_watch_pull(&sink, TVN_WATCH_SAMPLED, 5));
    assert_true(tvn_watch_pull(&sink, TVN_WATCH_SAMPLED, 6));
    assert_true(tvn_watch_pull(&sink, TVN_WATCH_CALLS, 0));
}

struct counting_sink {
    struct tvn_event_sink sink;
    unsigned calls;
    unsigned events;
};

static enum tvn_outcome count_call(struct tvn_event_sink *self, const struct tvn_watched *watched,
                                   struct tvn_call *call)
{
    ((struct counting_sink *)self)->calls++;
    return tvn_invoke(watched->invoker, watched->entry, call);
}

static void count_event(struct tvn_event_sink *self, const struct tvn_event *event)
{
    (void)event;
    ((struct counting_sink *)self)->events++;
}

static void test_event_tell_asks_the_mask(void **state)
{
    (void)state;
    static const struct tvn_event_sink_ops ops = {.call = count_call, .event = count_event};
    struct counting_sink counting = {.sink = {.ops = &ops}};
    const struct tvn_event event = {.kind = TVN_EVENT_RESTARTED};

    tvn_event_tell(NULL, &event);
    tvn_event_tell(&counting.sink, &event);
    assert_int_equal(counting.events, 0);
    counting.sink.mask = TVN_WATCH_EVENTS;
    tvn_event_tell(&counting.sink, &event);
    assert_int_equal(counting.events, 1);
}

static void test_event_kind_name_is_known_for_all(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < TVN_EVENT_KIND_COUNT; kind++) {
        assert_non_null(tvn_event_kind_name((enum tvn_event_kind)kind));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_watch_element_follows_mask_and_flag),
    cmocka_unit_test(test_watch_pull_from_the_chosen_sequence_on),
    cmocka_unit_test(test_event_tell_asks_the_mask),
    cmocka_unit_test(test_event_kind_name_is_known_for_all),
};
TVN_TEST_MAIN("types.event_sink", tests)
