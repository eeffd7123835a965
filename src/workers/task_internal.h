/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A task's slot. Slots are reused, but their memory stays a slot until the workers are destroyed:
 * a late wake-up of a task that has ended costs at most one turn of another. */
#include "workers/heap_internal.h"
#include "workers/task_state_internal.h"
#include "workers/workers.h"

#include <assert.h>
#include <stdalign.h>

#define TVN_TASK_WATCH_INLINE 2

/* One descriptor that a sleeping task waits for. */
struct tvn_fd_watch {
    struct tvn_task *task;
    struct tvn_fd_watch *next;
    struct tvn_fd_watch **link; /* what points here; NULL: not watched */
    int fd;
    short events;
};

/* What a wake-up needs is in the first cache line, what a turn needs in the third. */
struct tvn_task {
    alignas(64) tvn_task_state state;
    /* Watches or a timer may be set. Cleared, with the sleepers' lock, also by the poll that takes
     * the only one. */
    _Atomic bool armed;
    uint32_t watch_count; /* whose turn it is, or with the sleepers' lock */
    struct tvn_heap_node timer;
    struct tvn_fd_watch watches[TVN_TASK_WATCH_INLINE];
    struct tvn_task *next;     /* in a queue, or of the free slots */
    struct tvn_heap_node fair; /* in a run queue */
    uint64_t cost;             /* fair queue: of the last turn */
    struct tvn_task_options options;
    struct tvn_flow_quantum quantum;
    uint32_t cost_shift;               /* fair queue: time counts this often (power of 2) */
    struct tvn_fd_watch *more_watches; /* the rest of TVN_FLOW_WAIT_FDS_MAX; kept once allocated */
};
static_assert(sizeof(struct tvn_task) == 256, "ten thousand idle flows are meant to be cheap");
static_assert(offsetof(struct tvn_task, watches[1]) == 64, "one cache line");
static_assert(offsetof(struct tvn_task, options) == 128, "one cache line");

static inline struct tvn_fd_watch *tvn_task_watch(struct tvn_task *task, uint32_t index)
{
    return index < TVN_TASK_WATCH_INLINE ? &task->watches[index]
                                         : &task->more_watches[index - TVN_TASK_WATCH_INLINE];
}
