/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/stop.h"

#include "tvn_test.h"

#include <poll.h>

static bool readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static void count(void *context)
{
    ++*(int *)context;
}

static void start(struct tvn_stop_control *stop, int *wakes)
{
    assert_status(tvn_stop_control_init(stop), TVN_OK);
    *wakes = 0;
    stop->wake = count;
    stop->wake_context = wakes;
}

static void test_stop_when_nothing_was_raised_is_quiet(void **state)
{
    (void)state;
    struct tvn_stop_control stop;
    assert_status(tvn_stop_control_init(&stop), TVN_OK);

    assert_int_equal(tvn_stop_level(&stop.flag), TVN_STOP_NONE);
    assert_int_equal(stop.cancel, 0);
    assert_false(readable(stop.cancel_fd));
    tvn_stop_control_raise(&stop, TVN_STOP_DRAIN); /* nobody is to be woken */
    tvn_stop_control_deinit(&stop);
    assert_int_equal(stop.cancel_fd, -1);
}

static void test_stop_raised_wakes_but_does_not_interrupt(void **state)
{
    (void)state;
    struct tvn_stop_control stop;
    int wakes;
    for (int level = TVN_STOP_DRAIN; level <= TVN_STOP_CANCEL; level++) {
        start(&stop, &wakes);
        tvn_stop_control_raise(&stop, (enum tvn_stop)level);

        assert_int_equal(tvn_stop_level(&stop.flag), level);
        assert_int_equal(stop.cancel, 0);
        assert_int_equal(wakes, 1);
        assert_false(readable(stop.cancel_fd));
        tvn_stop_control_deinit(&stop);
    }
}

static void test_stop_interrupted_is_not_lowered_by_a_later_drain(void **state)
{
    (void)state;
    struct tvn_stop_control stop;
    int wakes;
    start(&stop, &wakes);

    tvn_stop_control_interrupt(&stop);
    tvn_stop_control_raise(&stop, TVN_STOP_DRAIN);

    assert_int_equal(tvn_stop_level(&stop.flag), TVN_STOP_CANCEL);
    assert_int_equal(stop.cancel, 1);
    assert_int_equal(wakes, 2);
    assert_true(readable(stop.cancel_fd));
    tvn_stop_control_deinit(&stop);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_stop_when_nothing_was_raised_is_quiet),
    cmocka_unit_test(test_stop_raised_wakes_but_does_not_interrupt),
    cmocka_unit_test(test_stop_interrupted_is_not_lowered_by_a_later_drain),
};

TVN_TEST_MAIN("pipeline.stop", tests)
