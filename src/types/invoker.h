/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The one interface between the reactor and whatever runs a stage: a WebAssembly component
 * (engine), a built-in source or sink (connectors), or a script (tests). One element per call; the
 * reactor loops for vectors, or has the invoker loop (`invoke_row`).
 *
 * Ownership: `in` is lent for the call, its payload stays with the caller. Every element in `out`
 * belongs to the caller after EMIT. Nothing is in `out` after any other outcome. Threads: only the
 * thread that runs the owning flow calls an invoker.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "types/element.h"

#include <stdbool.h>
#include <stdint.h>

enum tvn_role {
    TVN_ROLE_SOURCE,
    TVN_ROLE_PROCESSOR,
    TVN_ROLE_FILTER,
    TVN_ROLE_ROUTER,
    TVN_ROLE_AGGREGATOR,
    TVN_ROLE_SINK,
};
const char *tvn_role_name(enum tvn_role role); /* "source" */

enum tvn_entry {
    TVN_ENTRY_INIT,     /* lifecycle.init(config) */
    TVN_ENTRY_PULL,     /* source */
    TVN_ENTRY_NOTIFY,   /* source.notify-backpressure(call.signal) */
    TVN_ENTRY_PROCESS,  /* processor */
    TVN_ENTRY_EVALUATE, /* filter: EMIT accepts (out stays empty), DROP rejects */
    TVN_ENTRY_ROUTE,  /* router: EMIT with call.ports (out stays empty); no port or DROP: dropped */
    TVN_ENTRY_INGEST, /* aggregator: EMIT with nothing (absorbed) or one element; or DROP */
    TVN_ENTRY_FLUSH,  /* aggregator, at the end, until EMIT comes with nothing */
    TVN_ENTRY_PUSH,   /* sink: call.signal */
    TVN_ENTRY_COMPLETE, /* sink: at the end */
    TVN_ENTRY_TEARDOWN, /* lifecycle.teardown() */
};

enum tvn_outcome {
    TVN_OUTCOME_EMIT,  /* done; out[0..out_count) holds what came out (none for push, init, …) */
    TVN_OUTCOME_DROP,  /* done; the element ends here by the component's will */
    TVN_OUTCOME_END,   /* source: exhausted */
    TVN_OUTCOME_WAIT,  /* nothing now: call again after the waker fired or the next back-off */
    TVN_OUTCOME_ERROR, /* the component returned a process-error: see fault; it can go on */
    TVN_OUTCOME_DEAD,  /* trap, timeout, cancel, memory: see fault; the instance is unusable */
};

enum tvn_process_error {
    TVN_PROCESS_INVALID_INPUT,
    TVN_PROCESS_UNAVAILABLE,
    TVN_PROCESS_INTERNAL,
    TVN_PROCESS_DEADLINE_EXCEEDED,
    TVN_PROCESS_FATAL,
};
const char *tvn_process_error_name(enum tvn_process_error error); /* "invalid-input" */

enum tvn_signal { TVN_SIGNAL_READY, TVN_SIGNAL_PAUSE };

#define TVN_FAULT_TEXT_MAX 512

/* What went wrong in a call; text is the guest's or the engine's, cut to fit, not escaped. */
struct tvn_fault {
    enum tvn_status
        code; /* E0401, E0402, E0410, E0411, E0302 …; TVN_OK for a plain process-error */
    enum tvn_process_error error; /* of TVN_OUTCOME_ERROR */
    char text[TVN_FAULT_TEXT_MAX];
};

struct tvn_trace_context; /* types/trace_context.h */

#define TVN_CALL_OUT_MAX   32
#define TVN_CALL_PORTS_MAX 64

struct tvn_call {
    const struct tvn_element *in; /* NULL where the entry takes none */
    struct tvn_element *out;
    uint32_t out_capacity;
    uint32_t out_count;
    uint64_t ports;         /* ROUTE, out: bit per port; 0 when called */
    enum tvn_signal signal; /* NOTIFY: in; PUSH: out */
    bool waited;            /* PULL, out: the call blocked; consumers drain before the next pull */
    uint64_t wake_ns;       /* WAIT: not before this time of the monotonic clock; 0: not known */
    /* PULL, out: where the output's trace comes from; valid until the next call. NULL: nowhere. */
    const struct tvn_trace_context *context;
    struct tvn_fault *fault; /* written only for ERROR and DEAD */
};

struct tvn_invoker;

/*
 * Between two calls in a row: what came of the last one, whose `call` this makes ready for the
 * next. False: there is no next one. For EMIT and DROP it must not call the invoker, but for
 * `refresh`; after any other outcome it may, and the row goes on with a new call, or ends.
 */
typedef bool (*tvn_next_call)(void *context, enum tvn_outcome outcome);

struct tvn_invoker_ops {
    /* HOT PATH. Mandatory. */
    enum tvn_outcome (*invoke)(struct tvn_invoker *self, enum tvn_entry entry,
                               struct tvn_call *call);
    /*
     * HOT PATH. `invoke` with `call`, and again as long as `next` says so: for who can make several
     * calls cheaper than one by one. PULL and the entries that take an element. Optional.
     */
    void (*invoke_row)(struct tvn_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                       tvn_next_call next, void *context);
    /* True if the invoker has this entry (INIT, TEARDOWN, NOTIFY are optional for components).
     * Mandatory. */
    bool (*has_entry)(const struct tvn_invoker *self, enum tvn_entry entry);
    /*
     * A source or sink that answered WAIT: the descriptor to poll and the events (POLLIN, POLLOUT)
     * that make it worth calling again; -1 when only time can. Optional.
     */
    int (*wait_fd)(const struct tvn_invoker *self, short *out_events);
    /*
     * The flow has nothing to do, or has run for a while: pass on what is held back (buffered
     * output). EMIT when nothing is left, WAIT when wait_fd tells when to go on, DEAD with *fault.
     * Optional.
     */
    enum tvn_outcome (*idle)(struct tvn_invoker *self, struct tvn_fault *fault);
    /*
     * COLD PATH. After DEAD: replaces the instance by a fresh one, INIT included. EMIT: it can be
     * called again. ERROR, DEAD: it cannot, see *fault; restart may be tried again later. Without
     * it a dead instance ends the flow. Optional.
     */
    enum tvn_outcome (*restart)(struct tvn_invoker *self, struct tvn_fault *fault);
    /*
     * WARM PATH. Brings those counters of the stage up to date that are too dear to be kept with
     * every call: linear memory, fuel. Called by observers between two calls. Optional.
     */
    void (*refresh)(struct tvn_invoker *self);
    /*
     * COLD PATH. A sink, after its last call: how many of the elements that it took it could not
     * pass on. Optional.
     */
    uint64_t (*undelivered)(const struct tvn_invoker *self);
    /* Frees everything the stage holds. Mandatory. */
    void (*destroy)(struct tvn_invoker *self);
};

/* Embedded as the first field of every implementation. */
struct tvn_invoker {
    const struct tvn_invoker_ops *ops;
    enum tvn_role role;
};

static inline enum tvn_outcome tvn_invoke(struct tvn_invoker *invoker, enum tvn_entry entry,
                                          struct tvn_call *call)
{
    return invoker->ops->invoke(invoker, entry, call);
}
static inline void tvn_invoker_destroy(struct tvn_invoker *invoker)
{
    if (invoker) {
        invoker->ops->destroy(invoker);
    }
}
TVN_DEFINE_CLEANUP(tvn_invoker, tvn_invoker_destroy)
