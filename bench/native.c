/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/native.h"

#include "base/clock.h"
#include "bench/program.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

static void keep(struct tvn_invoker *self)
{
    (void)self; /* owned by the benchmark */
}

static bool has_no_optional(const struct tvn_invoker *self, enum tvn_entry entry)
{
    (void)self;
    return entry != TVN_ENTRY_INIT && entry != TVN_ENTRY_TEARDOWN && entry != TVN_ENTRY_NOTIFY;
}

/* ---- source ---- */

static enum tvn_outcome emit(struct bench_source *source, struct tvn_call *call)
{
    call->out->payload = (struct tvn_buffer_id){0};
    if (source->payload_bytes > 0) {
        struct tvn_buffer *buffer = NULL;
        if (tvn_buffer_acquire(*source->magazine, source->payload_bytes, TVN_OWNER_HOST, NULL,
                               &buffer) != TVN_OK) {
            bench_fail("no buffer for an element");
        }
        memset(buffer->bytes, 'a', source->payload_bytes);
        buffer->length = source->payload_bytes;
        if (tvn_buffer_freeze(buffer) != TVN_OK) {
            bench_fail("a buffer cannot be frozen");
        }
        call->out->payload = tvn_buffer_id_of(buffer);
    }
    call->out_count = 1;
    return TVN_OUTCOME_EMIT;
}

static enum tvn_outcome source_invoke(struct tvn_invoker *self, enum tvn_entry entry,
                                      struct tvn_call *call)
{
    (void)entry;
    struct bench_source *source = (struct bench_source *)self;
    if (source->fd >= 0) {
        if (atomic_load_explicit(&source->stop, memory_order_relaxed)) {
            return TVN_OUTCOME_END;
        }
        if (source->left == 0) {
            return TVN_OUTCOME_END;
        }
        /* One read empties it, as a short read empties a pipe: the next one would find nothing. */
        eventfd_t count;
        source->is_empty = !source->is_empty && eventfd_read(source->fd, &count) == 0;
        if (source->is_empty) {
            source->left--;
            return emit(source, call);
        }
        atomic_store_explicit(&source->waits, true, memory_order_relaxed);
        return TVN_OUTCOME_WAIT;
    }
    if (source->left == 0 || atomic_load_explicit(&source->stop, memory_order_relaxed)) {
        return TVN_OUTCOME_END;
    }
    source->left--;
    for (uint32_t i = 0; i < source->spin; i++) {
        __asm__ volatile("" ::: "memory");
    }
    return emit(source, call);
}

static int source_wait_fd(const struct tvn_invoker *self, short *out_events)
{
    *out_events = POLLIN;
    return ((const struct bench_source *)self)->fd;
}

void bench_source_init(struct bench_source *source)
{
    static const struct tvn_invoker_ops ops = {.invoke = source_invoke,
                                               .has_entry = has_no_optional,
                                               .wait_fd = source_wait_fd,
                                               .destroy = keep};
    memset(source, 0, sizeof(*source));
    source->invoker = (struct tvn_invoker){.ops = &ops, .role = TVN_ROLE_SOURCE};
    source->fd = -1;
}

/* ---- relay ---- */

static enum tvn_outcome relay_invoke(struct tvn_invoker *self, enum tvn_entry entry,
                                     struct tvn_call *call)
{
    (void)self;
    (void)entry;
    call->out->payload = call->in->payload;
    call->out->content_type = call->in->content_type;
    call->out_count = 1;
    return TVN_OUTCOME_EMIT;
}

void bench_relay_init(struct bench_relay *relay)
{
    static const struct tvn_invoker_ops ops = {
        .invoke = relay_invoke, .has_entry = has_no_optional, .destroy = keep};
    relay->invoker = (struct tvn_invoker){.ops = &ops, .role = TVN_ROLE_PROCESSOR};
}

/* ---- sink ---- */

static enum tvn_outcome sink_invoke(struct tvn_invoker *self, enum tvn_entry entry,
                                    struct tvn_call *call)
{
    struct bench_sink *sink = (struct bench_sink *)self;
    if (entry != TVN_ENTRY_PUSH) {
        return TVN_OUTCOME_EMIT;
    }
    if (sink->posted_ns) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        uint64_t posted_ns = atomic_load_explicit(sink->posted_ns, memory_order_acquire);
        uint64_t time_ns = now_ns > posted_ns ? now_ns - posted_ns : 0;
        if (time_ns > tvn_stat_get(&sink->worst_ns)) {
            tvn_stat_set(&sink->worst_ns, time_ns);
        }
        if (sink->times) {
            tvn_histogram_record(sink->times, time_ns);
        }
    }
    tvn_stat_add(&sink->delivered, 1);
    call->signal = TVN_SIGNAL_READY;
    return TVN_OUTCOME_EMIT;
}

void bench_sink_init(struct bench_sink *sink)
{
    static const struct tvn_invoker_ops ops = {
        .invoke = sink_invoke, .has_entry = has_no_optional, .destroy = keep};
    memset(sink, 0, sizeof(*sink));
    sink->invoker = (struct tvn_invoker){.ops = &ops, .role = TVN_ROLE_SINK};
}
