/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "observability/span_exporter.h"

#include "tvn_test.h"

#include <pthread.h>

#define LONG_NS UINT64_C(60000000000) /* nothing takes so long unless it hangs */

/* A receiver that answers as it is told and remembers what it got. */
struct receiver {
    struct tvn_span_transport base;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum tvn_span_send answer;
    size_t rejects;
    bool holds; /* `send` does not return until interrupted or let go */
    bool interrupted;
    bool destroyed;
    unsigned sends;
    size_t largest;
    uint64_t next; /* the begin that the next span must have */
    bool in_order;
};

static enum tvn_span_send take(struct tvn_span_transport *self, const struct tvn_trace_span *spans,
                               size_t count, uint64_t deadline_ns, uint32_t *out_retry_ms,
                               size_t *out_rejected)
{
    struct receiver *receiver = (struct receiver *)self;
    assert_true(deadline_ns > 0);
    pthread_mutex_lock(&receiver->lock);
    receiver->sends++;
    receiver->largest = count > receiver->largest ? count : receiver->largest;
    pthread_cond_broadcast(&receiver->changed);
    while (receiver->holds && !receiver->interrupted) {
        pthread_cond_wait(&receiver->changed, &receiver->lock);
    }
    enum tvn_span_send answer = receiver->interrupted ? TVN_SPAN_RETRY : receiver->answer;
    if (answer == TVN_SPAN_SENT) {
        for (size_t i = 0; i < count; i++) {
            receiver->in_order &= spans[i].begin_unix_ns == receiver->next;
            receiver->next++;
        }
    }
    *out_retry_ms = 1;
    *out_rejected = receiver->rejects;
    pthread_mutex_unlock(&receiver->lock);
    return answer;
}

static void interrupt(struct tvn_span_transport *self)
{
    struct receiver *receiver = (struct receiver *)self;
    pthread_mutex_lock(&receiver->lock);
    receiver->interrupted = true;
    pthread_cond_broadcast(&receiver->changed);
    pthread_mutex_unlock(&receiver->lock);
}

static void forget(struct tvn_span_transport *self)
{
    ((struct receiver *)self)->destroyed = true;
}

static void set_up(struct receiver *receiver)
{
    static const struct tvn_span_transport_ops ops = {
        .send = take, .interrupt = interrupt, .destroy = forget};
    *receiver = (struct receiver){.base.ops = &ops, .in_order = true};
    pthread_mutex_init(&receiver->lock, NULL);
    pthread_cond_init(&receiver->changed, NULL);
}

static void tear_down(struct receiver *receiver)
{
    assert_true(receiver->destroyed);
    assert_true(receiver->in_order);
    pthread_cond_destroy(&receiver->changed);
    pthread_mutex_destroy(&receiver->lock);
}

static struct tvn_span_exporter *create(struct receiver *receiver, uint32_t capacity,
                                        uint32_t batch)
{
    const struct tvn_span_exporter_options options = {
        .queue_capacity = capacity, .batch_max = batch, .delay_ms = 1};
    struct tvn_span_exporter *exporter = NULL;
    assert_status(tvn_span_exporter_create(&options, &receiver->base, &exporter), TVN_OK);
    return exporter;
}

static void offer(struct tvn_span_exporter *exporter, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        struct tvn_trace_span span;
        tvn_trace_span_init(&span);
        span.begin_unix_ns = i;
        tvn_span_exporter_offer(exporter, &span, 1);
    }
}

static bool flush(struct tvn_span_exporter *exporter)
{
    return tvn_span_exporter_flush(exporter, tvn_clock_monotonic_ns() + LONG_NS);
}

static void assert_stats(struct tvn_span_exporter *exporter, uint64_t exported, uint64_t dropped)
{
    struct tvn_span_exporter_stats stats;
    tvn_span_exporter_stats(exporter, &stats);
    assert_int_equal(stats.exported, exported);
    assert_int_equal(stats.dropped, dropped);
}

static void wait_for_send(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    while (receiver->sends == 0) {
        pthread_cond_wait(&receiver->changed, &receiver->lock);
    }
    pthread_mutex_unlock(&receiver->lock);
}

static void test_exporter_flush_delivers_all_in_order(void **state)
{
    (void)state;
    struct receiver receiver;
    set_up(&receiver);
    struct tvn_span_exporter *exporter = create(&receiver, 16, 4);
    uint64_t offered = 0;
    for (unsigned round = 0; round < 10; round++) {
        offer(exporter, offered, 11);
        offered += 11;
        assert_true(flush(exporter));
    }
    assert_stats(exporter, offered, 0);
    tvn_span_exporter_destroy(exporter);
    assert_true(receiver.largest <= 4);
    assert_int_equal(receiver.next, offered);
    tear_down(&receiver);
}

static void test_exporter_full_queue_drops_and_counts(void **state)
{
    (void)state;
    struct receiver receiver;
    set_up(&receiver);
    receiver.holds = true;
    struct tvn_span_exporter *exporter = create(&receiver, 8, 4);
    offer(exporter, 0, 20);
    wait_for_send(&receiver);
    struct tvn_span_exporter_stats stats;
    tvn_span_exporter_stats(exporter, &stats);
    assert_int_equal(stats.exported, 0);
    assert_int_equal(stats.dropped, 12);
    assert_int_equal(stats.waiting, 8);
    assert_false(tvn_span_exporter_flush(exporter, tvn_clock_monotonic_ns()));
    tvn_span_exporter_destroy(exporter); /* interrupts */
    assert_true(receiver.interrupted);
    tear_down(&receiver);
}

static void test_exporter_absent_receiver_is_given_up_in_flush(void **state)
{
    (void)state;
    struct receiver receiver;
    set_up(&receiver);
    receiver.answer = TVN_SPAN_RETRY;
    struct tvn_span_exporter *exporter = create(&receiver, 8, 4);
    offer(exporter, 0, 7);
    assert_true(flush(exporter));
    assert_stats(exporter, 0, 7);
    tvn_span_exporter_destroy(exporter);
    tear_down(&receiver);
}

static void test_exporter_refused_spans_are_counted(void **state)
{
    (void)state;
    struct receiver receiver;
    set_up(&receiver);
    receiver.rejects = 1;
    struct tvn_span_exporter *exporter = create(&receiver, 8, 8);
    offer(exporter, 0, 1);
    assert_true(flush(exporter));
    assert_stats(exporter, 0, 1);
    pthread_mutex_lock(&receiver.lock);
    receiver.answer = TVN_SPAN_LOST;
    pthread_mutex_unlock(&receiver.lock);
    offer(exporter, 1, 2);
    assert_true(flush(exporter));
    assert_stats(exporter, 0, 3);
    tvn_span_exporter_destroy(exporter);
    tear_down(&receiver);
}

#define WRITERS 4
#define EACH    500

static void *write_many(void *exporter)
{
    for (unsigned i = 0; i < EACH; i++) {
        struct tvn_trace_span span;
        tvn_trace_span_init(&span);
        tvn_trace_span_set_name(&span, TVN_STR("element:1"));
        tvn_span_exporter_offer(exporter, &span, 1);
    }
    return NULL;
}

static void test_exporter_many_writers_lose_nothing_uncounted(void **state)
{
    (void)state;
    struct receiver receiver;
    set_up(&receiver);
    struct tvn_span_exporter *exporter = create(&receiver, 64, 16);
    pthread_t writers[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, write_many, exporter), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(writers[i], NULL);
    }
    assert_true(flush(exporter));
    struct tvn_span_exporter_stats stats;
    tvn_span_exporter_stats(exporter, &stats);
    assert_int_equal(stats.exported + stats.dropped, WRITERS * EACH);
    assert_int_equal(stats.waiting, 0);
    tvn_span_exporter_destroy(exporter);
    receiver.in_order = true; /* these had no numbers */
    tear_down(&receiver);
}

static void test_exporter_create_refuses_bad_options(void **state)
{
    (void)state;
    struct receiver receiver;
    set_up(&receiver);
    const struct tvn_span_exporter_options options = {.queue_capacity =
                                                          TVN_SPAN_QUEUE_CAPACITY_MAX + 1};
    struct tvn_span_exporter *exporter = NULL;
    assert_status(tvn_span_exporter_create(&options, &receiver.base, &exporter),
                  TVN_E_CONSTRAINT_VIOLATION);
    assert_null(exporter);
    assert_false(receiver.destroyed);
    receiver.destroyed = true;
    tear_down(&receiver);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exporter_flush_delivers_all_in_order),
    cmocka_unit_test(test_exporter_full_queue_drops_and_counts),
    cmocka_unit_test(test_exporter_absent_receiver_is_given_up_in_flush),
    cmocka_unit_test(test_exporter_refused_spans_are_counted),
    cmocka_unit_test(test_exporter_many_writers_lose_nothing_uncounted),
    cmocka_unit_test(test_exporter_create_refuses_bad_options),
};
TVN_TEST_MAIN("observability.span_exporter", tests)
