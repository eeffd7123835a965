/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * wasi:io pollables, below the ABI: things that become ready, and the one place where a guest's
 * call may sleep. Every wait ends early for the flow's cancel flag and the call's deadline.
 *
 * Memory: pollables come from a pool of their context; taking one allocates only when more are
 * alive than ever before. Limits: one handle each, so TVN_HANDLES_MAX.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "types/blocking.h"
#include "wasi/byte_stream_internal.h"

#define TVN_WASI_POLLABLES_FIRST 8
#define TVN_WASI_POLLABLES_BLOCK 64

struct tvn_wasi_waitable;

struct tvn_wasi_waitable_ops {
    /* WARM PATH. The descriptor and events to wait for; -1: ready now. */
    int (*wait_fd)(const struct tvn_wasi_waitable *waitable, short *out_events);
    // COLD PATH.
    void (*destroy)(struct tvn_wasi_waitable *waitable);
};

/* What can be waited for and is no stream: the first field of sockets and lookups. It lives while
 * a handle, a pollable or another object refers to it. */
struct tvn_wasi_waitable {
    const struct tvn_wasi_waitable_ops *ops;
    uint32_t refs;
};

static inline void tvn_wasi_waitable_ref(struct tvn_wasi_waitable *waitable)
{
    waitable->refs++;
}
static inline void tvn_wasi_waitable_unref(struct tvn_wasi_waitable *waitable)
{
    tvn_assert(waitable->refs > 0);
    if (--waitable->refs == 0) {
        waitable->ops->destroy(waitable);
    }
}

enum tvn_wasi_pollable_kind {
    TVN_WASI_POLLABLE_FREE,
    TVN_WASI_POLLABLE_TIMER,
    TVN_WASI_POLLABLE_STREAM,
    TVN_WASI_POLLABLE_WAITABLE,
};

struct tvn_wasi_pollable {
    enum tvn_wasi_pollable_kind kind;
    union {
        uint64_t when_ns;                    /* TIMER: CLOCK_MONOTONIC */
        struct tvn_byte_stream *stream;      /* STREAM: holds a reference */
        struct tvn_wasi_waitable *waitable;  /* WAITABLE: holds a reference */
        struct tvn_wasi_pollable *next_free; /* FREE */
    } of;
};

struct tvn_wasi_pollable_block;

struct tvn_wasi_pollables {
    struct tvn_wasi_pollable first[TVN_WASI_POLLABLES_FIRST];
    struct tvn_wasi_pollable_block *blocks;
    struct tvn_wasi_pollable *free_head;
    uint32_t live;
};

void tvn_wasi_pollables_init(struct tvn_wasi_pollables *pool);
void tvn_wasi_pollables_deinit(struct tvn_wasi_pollables *pool); /* none is alive */

// HOT PATH. NULL when memory is exhausted.
TVN_NODISCARD struct tvn_wasi_pollable *tvn_wasi_pollable_timer(struct tvn_wasi_pollables *pool,
                                                                uint64_t when_ns);
TVN_NODISCARD struct tvn_wasi_pollable *tvn_wasi_pollable_stream(struct tvn_wasi_pollables *pool,
                                                                 struct tvn_byte_stream *stream);
TVN_NODISCARD struct tvn_wasi_pollable *
tvn_wasi_pollable_waitable(struct tvn_wasi_pollables *pool, struct tvn_wasi_waitable *waitable);
void tvn_wasi_pollable_release(struct tvn_wasi_pollables *pool, struct tvn_wasi_pollable *pollable);

/* What bounds a wait. */
struct tvn_wasi_wait_limits {
    uint64_t deadline_ns;                /* CLOCK_MONOTONIC; 0: none */
    const _Atomic int *cancel;           /* may be NULL */
    int cancel_fd;                       /* -1: none */
    const struct tvn_blocking *blocking; /* may be NULL */
};

struct pollfd;

// WARM PATH. Never sleeps.
bool tvn_wasi_pollable_is_ready(const struct tvn_wasi_pollable *pollable);
/*
 * WARM PATH. Returns TVN_OK when at least one is ready; ready[i] says which. `fds` is room for
 * count + 1. Otherwise TVN_E_COMPONENT_TIMEOUT at the deadline, TVN_E_FLOW_CANCELLED,
 * TVN_E_INTERNAL when the kernel refuses.
 */
TVN_NODISCARD enum tvn_status tvn_wasi_pollables_wait(struct tvn_wasi_pollable *const *items,
                                                      size_t count,
                                                      const struct tvn_wasi_wait_limits *limits,
                                                      bool *ready, struct pollfd *fds);
