/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/span_exporter.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define STACK_BYTES ((size_t)256 << 10)
#define NS_PER_S    UINT64_C(1000000000)
#define NS_PER_MS   UINT64_C(1000000)
#define TRIES_MAX   2 /* of a batch, while somebody waits in flush */

struct exporter {
    struct tvn_span_exporter base;
    struct tvn_span_exporter_options options;
    struct tvn_span_transport *transport;
    pthread_t thread;
    pthread_mutex_t lock;   /* of the following */
    pthread_cond_t changed; /* for the thread: spans, somebody in flush, the end */
    pthread_cond_t settled; /* for flush */
    struct tvn_trace_span *queue;
    uint32_t head; /* [head, head + sending) is read by the thread without the lock */
    uint32_t count;
    uint64_t offered; /* that got into the queue, ever */
    uint64_t exported;
    uint64_t lost;    /* from the queue */
    uint64_t refused; /* did not fit */
    uint32_t flushing;
    bool ending;
};

static struct timespec time_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

/* False: the time has come. */
static bool wait_until(struct exporter *exporter, pthread_cond_t *condition, uint64_t until_ns)
{
    struct timespec until = time_of(until_ns);
    return pthread_cond_timedwait(condition, &exporter->lock, &until) != ETIMEDOUT;
}

/* ---- offering ---- */

static void offer(struct tvn_span_exporter *self, const struct tvn_trace_span *spans, size_t count)
{
    struct exporter *exporter = (struct exporter *)self;
    uint32_t capacity = exporter->options.queue_capacity;
    pthread_mutex_lock(&exporter->lock);
    uint32_t before = exporter->count;
    size_t taken = tvn_min(count, (size_t)(capacity - before));
    for (size_t i = 0; i < taken; i++) {
        uint32_t slot = (exporter->head + exporter->count) % capacity;
        tvn_trace_span_copy(&exporter->queue[slot], &spans[i]);
        exporter->count++;
    }
    exporter->offered += taken;
    exporter->refused += count - taken;
    uint32_t batch = exporter->options.batch_max;
    bool is_news = taken > 0 && (before == 0 || (before < batch && exporter->count >= batch));
    pthread_mutex_unlock(&exporter->lock);
    if (is_news) {
        pthread_cond_signal(&exporter->changed);
    }
}

static bool flush(struct tvn_span_exporter *self, uint64_t deadline_ns)
{
    struct exporter *exporter = (struct exporter *)self;
    pthread_mutex_lock(&exporter->lock);
    uint64_t target = exporter->offered;
    exporter->flushing++;
    pthread_cond_signal(&exporter->changed);
    bool in_time = true;
    while (exporter->exported + exporter->lost < target && in_time) {
        in_time = wait_until(exporter, &exporter->settled, deadline_ns);
    }
    bool done = exporter->exported + exporter->lost >= target;
    exporter->flushing--;
    pthread_mutex_unlock(&exporter->lock);
    return done;
}

static void read_stats(struct tvn_span_exporter *self, struct tvn_span_exporter_stats *out_stats)
{
    struct exporter *exporter = (struct exporter *)self;
    pthread_mutex_lock(&exporter->lock);
    *out_stats = (struct tvn_span_exporter_stats){
        .exported = exporter->exported,
        .dropped = exporter->lost + exporter->refused,
        .waiting = exporter->count,
    };
    pthread_mutex_unlock(&exporter->lock);
}

/* ---- the thread ---- */

/* With the lock. How many spans to send, in a row; 0: the end. */
static uint32_t wait_for_batch(struct exporter *exporter)
{
    while (exporter->count == 0 && !exporter->ending) {
        pthread_cond_wait(&exporter->changed, &exporter->lock);
    }
    uint64_t until_ns = tvn_clock_monotonic_ns() + exporter->options.delay_ms * NS_PER_MS;
    while (exporter->count < exporter->options.batch_max && exporter->flushing == 0 &&
           !exporter->ending && wait_until(exporter, &exporter->changed, until_ns)) {
    }
    if (exporter->ending) {
        return 0;
    }
    uint32_t in_a_row = exporter->options.queue_capacity - exporter->head;
    return tvn_min(tvn_min(exporter->count, in_a_row), exporter->options.batch_max);
}

/* With the lock. The first spans of the queue are done with. */
static void settle(struct exporter *exporter, uint32_t count, uint32_t exported)
{
    exporter->head = (exporter->head + count) % exporter->options.queue_capacity;
    exporter->count -= count;
    exporter->exported += exported;
    exporter->lost += count - exported;
    pthread_cond_broadcast(&exporter->settled);
}

/* With the lock. A receiver that is not there; it is asked again after a while. */
static void wait_to_retry(struct exporter *exporter, uint32_t tries, uint32_t retry_ms)
{
    uint32_t doubling = tvn_min(tries - 1, (uint32_t)6);
    uint32_t own_ms =
        tvn_min((uint32_t)TVN_SPAN_RETRY_MIN_MS << doubling, (uint32_t)TVN_SPAN_RETRY_MAX_MS);
    uint32_t told_ms = tvn_min(retry_ms, (uint32_t)TVN_SPAN_RETRY_TOLD_MAX_MS);
    uint64_t now_ns = tvn_clock_monotonic_ns();
    uint64_t until_ns = now_ns + (told_ms > 0 ? told_ms : own_ms) * NS_PER_MS;
    uint64_t flush_until_ns = now_ns + TVN_SPAN_FLUSH_RETRY_MS * NS_PER_MS;
    bool in_time = true;
    while (!exporter->ending && in_time) {
        in_time = wait_until(exporter, &exporter->changed,
                             exporter->flushing > 0 ? tvn_min(until_ns, flush_until_ns) : until_ns);
    }
}

/* With the lock. What became of the batch. */
static void judge(struct exporter *exporter, enum tvn_span_send result, uint32_t count,
                  size_t rejected)
{
    switch (result) {
    case TVN_SPAN_SENT:
        settle(exporter, count, count - (uint32_t)tvn_min(rejected, (size_t)count));
        return;
    case TVN_SPAN_LOST:
        settle(exporter, count, 0);
        return;
    case TVN_SPAN_RETRY:
        settle(exporter, exporter->count, 0); /* given up */
        return;
    }
}

static void *run(void *argument)
{
    struct exporter *exporter = argument;
    uint64_t timeout_ns = exporter->options.send_timeout_ms * NS_PER_MS;
    uint32_t tries = 0;
    pthread_mutex_lock(&exporter->lock);
    for (uint32_t count; (count = wait_for_batch(exporter)) > 0;) {
        const struct tvn_trace_span *batch = &exporter->queue[exporter->head];
        uint32_t retry_ms = 0;
        size_t rejected = 0;
        pthread_mutex_unlock(&exporter->lock);
        enum tvn_span_send result = exporter->transport->ops->send(
            exporter->transport, batch, count, tvn_clock_monotonic_ns() + timeout_ns, &retry_ms,
            &rejected);
        pthread_mutex_lock(&exporter->lock);
        tries = result == TVN_SPAN_RETRY ? tries + 1 : 0;
        if (tries > 0 && (exporter->flushing == 0 || tries < TRIES_MAX)) {
            wait_to_retry(exporter, tries, retry_ms);
        } else {
            judge(exporter, result, count, rejected);
        }
    }
    pthread_mutex_unlock(&exporter->lock);
    return NULL;
}

/* ---- life ---- */

static void release(struct exporter *exporter)
{
    pthread_cond_destroy(&exporter->settled);
    pthread_cond_destroy(&exporter->changed);
    pthread_mutex_destroy(&exporter->lock);
    tvn_free(exporter->queue);
    tvn_free(exporter);
}

static void destroy(struct tvn_span_exporter *self)
{
    struct exporter *exporter = (struct exporter *)self;
    pthread_mutex_lock(&exporter->lock);
    exporter->ending = true;
    pthread_cond_signal(&exporter->changed);
    pthread_mutex_unlock(&exporter->lock);
    if (exporter->transport->ops->interrupt) {
        exporter->transport->ops->interrupt(exporter->transport);
    }
    pthread_join(exporter->thread, NULL);
    tvn_span_transport_destroy(exporter->transport);
    release(exporter);
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value > 0 ? value : otherwise;
}

enum tvn_status tvn_span_exporter_create(const struct tvn_span_exporter_options *options,
                                         struct tvn_span_transport *TVN_TAKEN transport,
                                         struct tvn_span_exporter **out_exporter)
{
    static const struct tvn_span_exporter_ops ops = {
        .offer = offer, .flush = flush, .stats = read_stats, .destroy = destroy};
    tvn_assert(options && transport && out_exporter);
    const struct tvn_span_exporter_options limits = {
        .queue_capacity = or_default(options->queue_capacity, TVN_SPAN_QUEUE_CAPACITY_DEFAULT),
        .batch_max = or_default(options->batch_max, TVN_SPAN_BATCH_DEFAULT),
        .delay_ms = or_default(options->delay_ms, TVN_SPAN_DELAY_DEFAULT_MS),
        .send_timeout_ms = or_default(options->send_timeout_ms, TVN_SPAN_SEND_TIMEOUT_DEFAULT_MS),
    };
    if (limits.queue_capacity > TVN_SPAN_QUEUE_CAPACITY_MAX) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    struct exporter *exporter = tvn_calloc(1, sizeof(*exporter));
    struct tvn_trace_span *queue = tvn_malloc(limits.queue_capacity * sizeof(*queue));
    if (!exporter || !queue) {
        tvn_free(exporter);
        tvn_free(queue);
        return TVN_E_OUT_OF_MEMORY;
    }
    memset(queue, 0xff, limits.queue_capacity * sizeof(*queue)); /* not 0: it would be elided */
    exporter->base.ops = &ops;
    exporter->options = limits;
    exporter->transport = transport;
    exporter->queue = queue;
    tvn_cond_init_monotonic(&exporter->changed);
    tvn_cond_init_monotonic(&exporter->settled);
    pthread_mutex_init(&exporter->lock, NULL);
    int error = tvn_service_thread_start(&exporter->thread, STACK_BYTES, run, exporter);
    if (error != 0) {
        release(exporter);
        errno = error;
        return TVN_E_IO_ERROR;
    }
    pthread_setname_np(exporter->thread, "tvn-spans");
    *out_exporter = &exporter->base;
    return TVN_OK;
}
