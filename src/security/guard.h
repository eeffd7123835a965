/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The run-time side of capabilities: every access of a guest to the outside goes through
 * tvn_guard_check.
 *
 * Threads: a guard belongs to one component instance, so it has one writer; counters may be read by
 * anybody. Memory: the sandbox must outlive the guard; a check never allocates.
 */
#include "base/compiler.h"
#include "types/flow_stats.h"
#include "types/sandbox.h"

#include <stdbool.h>

struct tvn_guard;

/* Told of every denial, on the thread that runs the guest. scope may be NULL; it is lent for the
 * call. */
typedef void (*tvn_guard_denied)(void *context, const struct tvn_guard *guard,
                                 enum tvn_capability capability, const char *scope);

struct tvn_guard {
    const struct tvn_sandbox *sandbox;
    tvn_guard_denied denied; /* may be NULL */
    void *context;
    bool any[TVN_CAP_COUNT]; /* granted without a scope */
    tvn_stat exercised[TVN_CAP_COUNT];
    tvn_stat denials[TVN_CAP_COUNT];
};

void tvn_guard_init(struct tvn_guard *guard, const struct tvn_sandbox *sandbox,
                    tvn_guard_denied denied, void *context);
/*
 * HOT PATH. True if allowed; counts either way. scope: as capability.h describes, a path without
 * "." and ".." parts; NULL for capabilities without scope.
 */
TVN_NODISCARD bool tvn_guard_check(struct tvn_guard *guard, enum tvn_capability capability,
                                   const char *scope);
