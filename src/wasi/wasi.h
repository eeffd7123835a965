/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The WASI 0.2 host: wasi:io, cli, clocks, random, filesystem and sockets for our own component
 * runtime.
 *
 * Two objects. struct tvn_wasi_world is what a set of imports offers: the interfaces' parsed WIT
 * text and the identities of their resources; one per process (per struct tvn_imports).
 * struct tvn_wasi is what one component instance may do: its grants, its line buffers, its clocks.
 *
 *     tvn_wasi_add_imports(imports, TVN_HOST_WASI, &world);          once
 *     tvn_wasi_create(&(struct tvn_wasi_options){.world = world, …}, &wasi);   per instance
 *     tvn_instance_create(engine, component, &(…){.contexts[TVN_HOST_WASI] = wasi, …}, …);
 *     … calls …
 *     tvn_wasi_flush(wasi);                the last line, if it has no end
 *     tvn_instance_destroy(instance);      drops the guest's streams and pollables
 *     tvn_wasi_destroy(wasi);              asserts that they are gone
 *     …
 *     tvn_imports_destroy(imports); tvn_wasi_world_destroy(world);
 *
 * Deny-all: everything links; what was not granted answers with its interface's own error
 * (stream-error closed, error-code access-denied or read-only, an empty list), and traps with E0500
 * where there is none: clocks and random. The one exception is insecure-seed, which may return a
 * constant by its own definition and is what every hash map of a guest asks for.
 *
 * Threads: the world is immutable and may be shared; a context belongs to the thread that runs its
 * instance. Memory: check-write, write, flush, blocking-flush, blocking-write-and-flush, subscribe,
 * ready, block and now make no allocation after warm-up.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "types/blocking.h"
#include "types/sandbox.h"

#include <stddef.h>
#include <stdint.h>

struct tvn_imports;
struct tvn_wasi;
struct tvn_wasi_world;

/* A line that grows beyond this is passed on in pieces. */
#define TVN_WASI_LINE_MAX 1024
/* What one check-write permits, and what one read returns at most. */
#define TVN_WASI_CHUNK_MAX 65536
/* Random bytes of one call; a guest that asks for more traps. */
#define TVN_WASI_RANDOM_MAX ((uint64_t)1 << 20)
/* Variables of the host's environment that are looked at. */
#define TVN_WASI_ENVIRONMENT_MAX 4096
/* How soon a wait notices a cancel flag that comes without a descriptor. */
#define TVN_WASI_CANCEL_POLL_NS 20000000u

enum tvn_wasi_stream_kind { TVN_WASI_STDOUT, TVN_WASI_STDERR };

/* What a context asks of its owner. All run on the instance's thread and must not call the guest.
 */
struct tvn_wasi_ops {
    /*
     * HOT PATH. Mandatory. True if allowed; counts the use or the denial (tvn_guard_check has this
     * shape). scope: a variable's name; a granted directory, or a text that no scope covers for a
     * path that leads out of one; "tcp:HOST:PORT" or a name looked up; NULL for stdin, stdout,
     * stderr, clocks, random.
     */
    bool (*check)(void *context, enum tvn_capability capability, const char *scope);
    /*
     * HOT PATH. Mandatory. Whole lines (ending in '\n'), or a piece of an overlong line, or the
     * unfinished last one; never empty. To be written as one unit and in order with other output.
     * Bytes are as the guest wrote them. Anything but TVN_OK closes the guest's stream.
     */
    enum tvn_status (*write)(void *context, enum tvn_wasi_stream_kind stream, const char *bytes,
                             size_t length);
    /*
     * COLD PATH. Optional. CLOCK_MONOTONIC time in ns at which the running call must end, 0 for
     * never: bounds every wait (E0401). Without it each wait is bounded by
     * sandbox->invocation_timeout_ms from its start.
     */
    uint64_t (*deadline_ns)(void *context);
};

/* An address that a name stands for: 4 or 16 bytes, in network order. */
struct tvn_wasi_address {
    bool is_v6;
    uint8_t bytes[16];
};

/*
 * COLD PATH. Looks a name up, for as long as that takes, on a thread of its own: it may still run
 * when the wasi context is gone. Returns 0 or an EAI_* number of getaddrinfo.
 */
typedef int (*tvn_wasi_resolve)(void *context, const char *name, struct tvn_wasi_address *addresses,
                                size_t capacity, size_t *out_count);

struct tvn_wasi_options {
    const struct tvn_wasi_world *world;
    const struct tvn_sandbox *sandbox; /* grants and name; outlives the context */
    const struct tvn_wasi_ops *ops;    /* outlives the context */
    void *context;                     /* first argument of ops */
    const char *argument;              /* the guest's only argument, copied; NULL: none */
    /* "NAME=value", NULL-terminated, outlives the context; NULL: the process's environment. */
    const char *const *environment;
    int stdin_fd; /* -1: stdin is at its end; not closed here */
    /* Non-zero ends waits with E0402. May be NULL. */
    const _Atomic int *cancel;
    int cancel_fd; /* readable when *cancel was set; -1: none */
    /* Told before a call waits in the kernel, and before it reads, writes or synchronises a file;
     * outlives the context. NULL: nobody wants to know. */
    const struct tvn_blocking *blocking;
    tvn_wasi_resolve resolve; /* NULL: the system's resolver */
    void *resolve_context;    /* its first argument */
};

// COLD PATH. Offers every WASI interface in `imports` under the context number. *out_world must
// outlive the imports. TVN_E_OUT_OF_MEMORY, TVN_E_INTERNAL for a mistake in the embedded text.
TVN_NODISCARD enum tvn_status tvn_wasi_add_imports(struct tvn_imports *imports, uint32_t context,
                                                   struct tvn_wasi_world **out_world);
void tvn_wasi_world_destroy(struct tvn_wasi_world *world); /* after the imports; NULL is allowed */
TVN_DEFINE_CLEANUP(tvn_wasi_world, tvn_wasi_world_destroy)

// COLD PATH. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_wasi_create(const struct tvn_wasi_options *options,
                                              struct tvn_wasi **out_wasi);
/* NULL is allowed. The instance is destroyed before. Unflushed bytes are lost. */
void tvn_wasi_destroy(struct tvn_wasi *wasi);
TVN_DEFINE_CLEANUP(tvn_wasi, tvn_wasi_destroy)

// WARM PATH. Passes on unfinished lines of stdout and stderr.
void tvn_wasi_flush(struct tvn_wasi *wasi);
