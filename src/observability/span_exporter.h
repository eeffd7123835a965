/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The exporter of any receiver: a bounded queue, and a thread that gives batches from it to the
 * receiver's transport. A receiver that is slow, dead or hostile costs the flows nothing: what does
 * not fit into the queue is dropped and counted.
 *
 * While somebody waits in flush, batches do not wait to become full, and a receiver that is not
 * there twice in a row is given up: everything that waits is dropped. So a flush with a dead
 * receiver takes about TVN_SPAN_FLUSH_RETRY_MS.
 *
 * Threads: any for the exporter; the transport is called by the exporter's own thread. Memory:
 * create allocates and touches everything: no flow pays for the first use of a page. Limits: the
 * queue's and the batch's, below.
 */
#include "observability/span.h"

enum tvn_span_send {
    TVN_SPAN_SENT,
    TVN_SPAN_RETRY, /* none was taken; offered again after *out_retry_ms */
    TVN_SPAN_LOST,  /* none was taken, and never will be: not tried again */
};

struct tvn_span_transport;

struct tvn_span_transport_ops {
    /*
     * Sends up to batch_max spans; returns by deadline_ns (CLOCK_MONOTONIC), and soon after
     * `interrupt`. Zero before the call: *out_retry_ms, of RETRY (0: a back-off of the exporter's,
     * doubling), and *out_rejected, how many of those SENT the receiver refused for good.
     */
    enum tvn_span_send (*send)(struct tvn_span_transport *self, const struct tvn_trace_span *spans,
                               size_t count, uint64_t deadline_ns, uint32_t *out_retry_ms,
                               size_t *out_rejected);
    /* Any thread. A `send` under way, and each later one, returns at once. May be NULL. */
    void (*interrupt)(struct tvn_span_transport *self);
    /* COLD PATH. No `send` is under way. */
    void (*destroy)(struct tvn_span_transport *self);
};

/* Embedded as the first field of every implementation. */
struct tvn_span_transport {
    const struct tvn_span_transport_ops *ops;
};

static inline void tvn_span_transport_destroy(struct tvn_span_transport *transport)
{
    if (transport) {
        transport->ops->destroy(transport);
    }
}
TVN_DEFINE_CLEANUP(tvn_span_transport, tvn_span_transport_destroy)

/* 0 stands for the default. */
struct tvn_span_exporter_options {
    uint32_t queue_capacity;  /* spans */
    uint32_t batch_max;       /* spans of one `send` */
    uint32_t delay_ms;        /* a batch that is not full waits so long for more */
    uint32_t send_timeout_ms; /* of one `send` */
};
#define TVN_SPAN_QUEUE_CAPACITY_DEFAULT  2048
#define TVN_SPAN_QUEUE_CAPACITY_MAX      65536
#define TVN_SPAN_BATCH_DEFAULT           512
#define TVN_SPAN_DELAY_DEFAULT_MS        200
#define TVN_SPAN_SEND_TIMEOUT_DEFAULT_MS 10000
#define TVN_SPAN_RETRY_MIN_MS            100
#define TVN_SPAN_RETRY_MAX_MS            5000  /* of the exporter's own back-off */
#define TVN_SPAN_RETRY_TOLD_MAX_MS       60000 /* of what a transport asks for */
#define TVN_SPAN_FLUSH_RETRY_MS          100

/* COLD PATH. Starts the thread. TVN_E_CONSTRAINT_VIOLATION for options beyond their limits,
 * TVN_E_OUT_OF_MEMORY, TVN_E_IO_ERROR without a thread (errno). The transport is destroyed with the
 * exporter. */
TVN_NODISCARD enum tvn_status
tvn_span_exporter_create(const struct tvn_span_exporter_options *options,
                         struct tvn_span_transport *TVN_TAKEN transport,
                         struct tvn_span_exporter **out_exporter);
