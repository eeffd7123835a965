/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What sleeping tasks wait for: descriptors (epoll, one shot) and points of time (a heap). Any
 * number of tasks may wait for one descriptor. Everything is done under one lock, except waiting.
 *
 * A stage closes its descriptors whenever it likes while its task runs; a descriptor's number may
 * then be another flow's. So a task that runs has no watches, and what the kernel still reports for
 * a number that nobody watches is ignored.
 *
 * Threads: any; polling by one at a time (tvn_sleepers_begin_poll).
 * Memory: the table of descriptors grows to the largest number; timers by reserve.
 */
#include "workers/lock_internal.h"
#include "workers/task_internal.h"

#define TVN_POLL_TASKS_MAX 128
/* A wait that the kernel refuses (no descriptor any more) becomes one of this length. */
#define TVN_POLL_REFUSED_NS UINT64_C(10000000)

struct tvn_fd_watchers {
    struct tvn_fd_watch *first;
    bool known; /* to the kernel, unless it was closed since */
};

struct tvn_sleepers {
    struct tvn_lock lock;
    int epoll_fd;
    int kick_fd; /* eventfd, ends a wait */
    struct tvn_heap timers;
    struct tvn_fd_watchers *fds;
    uint32_t fd_capacity;
    uint64_t polled_until_ns; /* the running wait ends then at the latest; 0: none runs */
    _Atomic uint32_t watch_count;
    _Atomic uint64_t next_timer_ns; /* UINT64_MAX: none */
    _Atomic bool polling;
};

/* TVN_E_IO_ERROR with errno. */
TVN_NODISCARD enum tvn_status tvn_sleepers_init(struct tvn_sleepers *sleepers);
void tvn_sleepers_deinit(struct tvn_sleepers *sleepers);
/* COLD PATH. Timers of this many tasks. TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_sleepers_reserve(struct tvn_sleepers *sleepers, uint32_t tasks);

/*
 * WARM PATH. Whoever runs the task, before it goes to sleep: from now on a poll may report it.
 * False: it is ready already (regular files always are).
 */
bool tvn_sleepers_arm(struct tvn_sleepers *sleepers, struct tvn_task *task,
                      const struct tvn_flow_wait *wait);
void tvn_sleepers_disarm_armed(struct tvn_sleepers *sleepers, struct tvn_task *task);
/* WARM PATH. Whoever runs the task. */
static inline void tvn_sleepers_disarm(struct tvn_sleepers *sleepers, struct tvn_task *task)
{
    if (atomic_load_explicit(&task->armed, memory_order_acquire)) {
        tvn_sleepers_disarm_armed(sleepers, task);
    }
}

/* True: the caller may poll, nobody else does. */
static inline bool tvn_sleepers_begin_poll(struct tvn_sleepers *sleepers)
{
    return !atomic_load_explicit(&sleepers->polling, memory_order_relaxed) &&
           !atomic_exchange(&sleepers->polling, true);
}
static inline void tvn_sleepers_end_poll(struct tvn_sleepers *sleepers)
{
    atomic_store(&sleepers->polling, false);
}
/* True if there is anything that a poll could find. */
static inline bool tvn_sleepers_any(struct tvn_sleepers *sleepers)
{
    return atomic_load_explicit(&sleepers->watch_count, memory_order_relaxed) > 0 ||
           atomic_load_explicit(&sleepers->next_timer_ns, memory_order_relaxed) != UINT64_MAX;
}
/*
 * WARM PATH. The tasks that have something to do now; with `wait`, not before there is one or a
 * kick comes. The caller wakes them (tvn_task_state_notify), each may occur twice.
 */
TVN_HOT uint32_t tvn_sleepers_poll(struct tvn_sleepers *sleepers, bool wait,
                                   struct tvn_task *out_tasks[TVN_POLL_TASKS_MAX]);
/* Any thread: ends a wait, or the next one. */
void tvn_sleepers_kick(struct tvn_sleepers *sleepers);
