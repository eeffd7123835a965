/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tasks that are ready: first in, first out, or the cheapest for its weight first. One per worker,
 * and one for what comes from other threads.
 *
 * Fair order: a task's key is the queue's floor (the key of the task that was taken last) when it
 * came in, plus what its last turn cost. So keys need no common origin when tasks change queues,
 * and who slept has saved up nothing.
 *
 * Threads: any; the lock is held for a few loads and stores per task. A task takes part in one
 * queue at a time (task_state_internal.h).
 */
#include "workers/lock_internal.h"
#include "workers/task_internal.h"

#include <stdalign.h>

#define TVN_STEAL_MAX 32

struct tvn_run_queue {
    alignas(64) struct tvn_lock lock;
    _Atomic uint32_t count; /* written under the lock; sequentially consistent, see worker.c */
    bool fair;
    struct tvn_task *head;
    struct tvn_task *tail;
    struct tvn_heap heap;
    uint64_t floor;
};

void tvn_run_queue_init(struct tvn_run_queue *queue, bool fair);
void tvn_run_queue_deinit(struct tvn_run_queue *queue);
/* COLD PATH. Room for this many tasks. TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_run_queue_reserve(struct tvn_run_queue *queue, uint32_t tasks);

/* True if the queue holds anything now. */
static inline bool tvn_run_queue_has_task(struct tvn_run_queue *queue)
{
    return atomic_load(&queue->count) > 0;
}
/* WARM PATH. Returns how many tasks there are now. */
uint32_t tvn_run_queue_push(struct tvn_run_queue *queue, struct tvn_task *task);
/* WARM PATH. NULL when empty. */
struct tvn_task *tvn_run_queue_pop(struct tvn_run_queue *queue);
/* WARM PATH. Moves the first half, at most `max`, and returns how many tasks that were. */
uint32_t tvn_run_queue_steal(struct tvn_run_queue *from, struct tvn_run_queue *to, uint32_t max);
