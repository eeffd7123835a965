/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One look-up of a name. The system's resolver blocks, so it runs on a thread of its own, and a
 * descriptor becomes readable when it is done. A look-up that nobody wants any more goes on until
 * the resolver returns; nothing waits for it.
 *
 * Threads: the job is shared with its thread (reference count, and `done` is set last); all else is
 * the context's. Limits: TVN_WASI_LOOKUPS_MAX threads in the process, TVN_WASI_ADDRESSES_MAX
 * addresses.
 */
#include "wasi/network_internal.h"
#include "wasi/pollable_internal.h"

#define TVN_WASI_LOOKUPS_MAX   16
#define TVN_WASI_ADDRESSES_MAX 32

struct tvn_lookup_job;

struct tvn_lookup {
    struct tvn_wasi_waitable waitable;
    struct tvn_wasi *wasi;
    struct tvn_lookup_job *job;
    size_t at; /* of the next address */
};

/* COLD PATH. name: what the guest gave; a name in lower case, or an address. 0 or an errno. */
TVN_NODISCARD int tvn_lookup_create(struct tvn_wasi *wasi, struct tvn_str name,
                                    struct tvn_lookup **out_lookup);
/* COLD PATH. NULL at the end; EAGAIN while it runs. Remembers what the name stands for. */
TVN_NODISCARD int tvn_lookup_next(struct tvn_lookup *lookup,
                                  const struct tvn_wasi_address **out_address);
