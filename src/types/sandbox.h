/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What one component instance may do: resource limits, and the grants that `security` resolved.
 * Plain data; `wasi` and `engine` obey it, `security` makes it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tvn_capability {
    TVN_CAP_FILESYSTEM_READ,
    TVN_CAP_FILESYSTEM_WRITE,
    TVN_CAP_CLOCKS,
    TVN_CAP_RANDOM,
    TVN_CAP_NETWORK_EGRESS,
    TVN_CAP_NETWORK_INGRESS,
    TVN_CAP_ENVIRONMENT,
    TVN_CAP_STDIN,
    TVN_CAP_STDOUT,
    TVN_CAP_STDERR,
    TVN_CAP_TORVYN_ALLOC,
    TVN_CAP_TORVYN_POOL,
    TVN_CAP_TORVYN_BACKPRESSURE,
    TVN_CAP_TORVYN_METADATA,
    TVN_CAP_TORVYN_DIAGNOSTICS,
    TVN_CAP_TORVYN_METRICS,
    TVN_CAP_COUNT,
};

/* scope: a path, "host:port", a variable's name, a pool's name; NULL: everything of that kind. */
struct tvn_grant {
    enum tvn_capability capability;
    const char *scope;
};

struct tvn_sandbox {
    const char *component;          /* the name that audit and diagnostics use */
    uint64_t max_memory_bytes;      /* linear memory, all memories together, and owned buffers */
    uint64_t declared_memory_bytes; /* what the component says it needs of linear memory: it gets no
                                       more; 0: it says nothing */
    uint64_t max_buffer_bytes;      /* one host buffer */
    uint64_t fuel_per_invocation;   /* 0: not metered */
    uint64_t invocation_timeout_ms; /* 0: unbounded */
    uint64_t init_timeout_ms;
    uint64_t teardown_timeout_ms;
    const struct tvn_grant *grants;
    size_t grant_count;
};

/* True if any grant of that kind exists (scopes are the guard's business). */
bool tvn_sandbox_has(const struct tvn_sandbox *sandbox, enum tvn_capability capability);
