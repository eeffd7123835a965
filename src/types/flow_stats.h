/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Counters of one flow. Each field has one writer, the thread that runs the flow; everybody else
 * may read at any time. Writers use tvn_stat_add (relaxed load and store, no read-modify-write).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum tvn_copy_reason {
    TVN_COPY_METADATA_MARSHAL, /* canonical ABI metadata */
    TVN_COPY_PAYLOAD_READ,     /* buffer.read, read-all: host to component */
    TVN_COPY_PAYLOAD_WRITE,  /* mutable-buffer.write, append, clone-into-mutable: component to host
                              */
    TVN_COPY_HOST_SERIALIZE, /* built-in stages */
    TVN_COPY_REASON_COUNT,
};
const char *tvn_copy_reason_name(enum tvn_copy_reason reason); /* "PayloadRead" */

typedef _Atomic uint64_t tvn_stat;

static inline void tvn_stat_add(tvn_stat *stat, uint64_t amount)
{
    atomic_store_explicit(stat, atomic_load_explicit(stat, memory_order_relaxed) + amount,
                          memory_order_relaxed);
}
static inline void tvn_stat_set(tvn_stat *stat, uint64_t value)
{
    atomic_store_explicit(stat, value, memory_order_relaxed);
}
static inline uint64_t tvn_stat_get(const tvn_stat *stat)
{
    return atomic_load_explicit(stat, memory_order_relaxed);
}

struct tvn_copy_stats {
    tvn_stat count[TVN_COPY_REASON_COUNT];
    tvn_stat bytes[TVN_COPY_REASON_COUNT];
};

/* HOT PATH. One payload copy of `bytes`. */
static inline void tvn_copy_record(struct tvn_copy_stats *copies, enum tvn_copy_reason reason,
                                   uint64_t bytes)
{
    tvn_stat_add(&copies->count[reason], 1);
    tvn_stat_add(&copies->bytes[reason], bytes);
}

/*
 * One per stage. `copies`, `produced_bytes`, `memory_bytes`, `fuel` and `trace_contexts_invalid`
 * are kept by the invoker, `log_lines_dropped` by the pipeline, the rest by the reactor.
 */
struct tvn_stage_stats {
    tvn_stat vectors; /* times it was scheduled and called */
    tvn_stat invocations;
    tvn_stat errors;  /* process-errors and traps */
    tvn_stat emitted; /* elements that left, each once however many edges got a record of it */
    tvn_stat dropped; /* rejected by a filter or router, dropped by a processor */
    tvn_stat failed;  /* elements that ended here because of an error */
    /* Elements that an aggregator took in without putting one out. What it had taken in since its
     * last output when its instance died or its flush failed has failed instead. */
    tvn_stat absorbed;
    tvn_stat flushed;       /* elements that an aggregator put out at the end */
    tvn_stat dead_lettered; /* part of failed */
    tvn_stat lost;          /* likewise: an aggregator had taken them in when it failed */
    tvn_stat restarts;      /* fresh instances after a trap or timeout */
    struct tvn_copy_stats copies;
    tvn_stat produced_bytes;         /* payload bytes of emitted, newly made buffers */
    tvn_stat memory_bytes;           /* linear memory; see tvn_invoker_ops.refresh */
    tvn_stat fuel;                   /* likewise; 0 when it is not metered */
    tvn_stat log_lines_dropped;      /* of standard error, because there were too many */
    tvn_stat trace_contexts_invalid; /* incoming ones that were ignored, in whole or in part */
};

/* One per edge. */
struct tvn_stream_stats {
    tvn_stat transferred;
    tvn_stat backpressure_events;
    tvn_stat backpressure_ns;      /* up to the last time that it was relieved */
    tvn_stat backpressure_open_ns; /* see tvn_stat_until_now; 0 while there is none */
    tvn_stat suspend_ns; /* from queue full to producer suspended and told; sum over the events */
    tvn_stat depth;
    tvn_stat depth_peak;
    tvn_stat bytes; /* payload in the queue; kept for edges with a limit in bytes */
    tvn_stat bytes_peak;
    tvn_stat dropped; /* by the overflow policy; also part of the flow's dropped */
};

/*
 * Time that is counted when it is over, and while it goes on. `open` is 0, or the point of time
 * from which all of it would have taken until now at one stretch. Never less than for an earlier
 * `now_ns`, which was read before the call.
 */
static inline uint64_t tvn_stat_until_now(const tvn_stat *ended, const tvn_stat *open,
                                          uint64_t now_ns)
{
    uint64_t open_ns = atomic_load_explicit(open, memory_order_acquire);
    uint64_t ended_ns = tvn_stat_get(ended);
    uint64_t until_now_ns = open_ns != 0 && now_ns > open_ns ? now_ns - open_ns : 0;
    return until_now_ns > ended_ns ? until_now_ns : ended_ns;
}
static inline void tvn_stat_open(tvn_stat *open, const tvn_stat *ended, uint64_t since_ns)
{
    uint64_t open_ns = since_ns - tvn_stat_get(ended);
    atomic_store_explicit(open, open_ns > 0 ? open_ns : 1, memory_order_release);
}
/* After `ended` was set. */
static inline void tvn_stat_close(tvn_stat *open)
{
    atomic_store_explicit(open, 0, memory_order_release);
}

/* WARM PATH. How long the producer was held back until now. */
static inline uint64_t tvn_backpressure_ns(const struct tvn_stream_stats *stats, uint64_t now_ns)
{
    return tvn_stat_until_now(&stats->backpressure_ns, &stats->backpressure_open_ns, now_ns);
}

/*
 * One per flow. At its end, to the element:
 *   pulled + forked + flushed = delivered + dropped + failed + absorbed
 */
struct tvn_flow_stats {
    tvn_stat pulled;    /* flow.elements.total */
    tvn_stat forked;    /* records beyond the first of an element that several edges got */
    tvn_stat flushed;   /* put out by aggregators at their end */
    tvn_stat delivered; /* accepted by a sink */
    tvn_stat dropped;
    tvn_stat failed;   /* ended by an error, or discarded from the queues of a flow that failed */
    tvn_stat absorbed; /* taken in by an aggregator that put nothing out */
    tvn_stat dead_lettered; /* part of failed */
    tvn_stat errors;        /* process-errors and traps, retries included */
    tvn_stat started_ns;    /* CLOCK_MONOTONIC */
    tvn_stat ended_ns;
    tvn_stat wakeups;      /* from idle to running */
    tvn_stat idle_ns;      /* nothing to do: neither running nor waiting for a processor */
    tvn_stat idle_open_ns; /* see tvn_stat_until_now; 0 while it runs */
};

/* WARM PATH. How long the flow had nothing to do until now. */
static inline uint64_t tvn_idle_ns(const struct tvn_flow_stats *stats, uint64_t now_ns)
{
    return tvn_stat_until_now(&stats->idle_ns, &stats->idle_open_ns, now_ns);
}
