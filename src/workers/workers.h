/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Threads that run flows. A task is one flow: it is run turn by turn, by one thread at a time, and
 * sleeps without a thread while it has nothing to do. Each worker has a queue of its own; who runs
 * out of tasks steals from others, looks around for a moment, then parks. One of the parked workers
 * waits for descriptors and timers, the others on a futex. A thread whose task sits in a blocking
 * call loses its worker to another thread until the call is over.
 *
 * Life: create → spawn, as many and as often as wanted → every task has called done → destroy.
 * Threads: spawn, wake and the statistics may be called from any thread, also from a task. A task's
 * memory is handed over by the queues (release and acquire).
 * Memory: spawn allocates slots in chunks that are reused and freed by destroy; running allocates
 * nothing, but for tasks that wait for more than two descriptors.
 * Limits: TVN_WORKERS_MAX threads, TVN_TASKS_MAX tasks at a time.
 */
#include "reactor/flow.h"
#include "resources/resources.h"
#include "types/blocking.h"
#include "workers/stats.h"

#define TVN_WORKERS_MAX          1024
#define TVN_TASKS_MAX            (1u << 20)
#define TVN_TASK_TURN_MAX        256u /* elements of a turn, whatever the priority */
#define TVN_WORKERS_STALL_NS     UINT64_C(10000000)
#define TVN_WORKERS_BLOCKING_MAX 1024u

/* Which ready task runs next. All policies leave a task its turn once it runs. */
enum tvn_workers_policy {
    TVN_WORKERS_DEMAND_DRIVEN, /* in turn; priority sets how much a turn may do: 128, 32, 8 */
    TVN_WORKERS_FIFO,          /* in turn, and all turns alike */
    TVN_WORKERS_WEIGHTED_FAIR, /* the one that had least processor time for its weight: 16, 4, 1 */
};

enum tvn_task_priority { TVN_TASK_CRITICAL, TVN_TASK_NORMAL, TVN_TASK_BACKGROUND };

struct tvn_workers;
struct tvn_task;
struct tvn_magazine;

struct tvn_workers_options {
    uint32_t threads;
    enum tvn_workers_policy policy;
    struct tvn_flow_quantum quantum; /* of a turn at normal priority */
    struct tvn_resources *resources; /* each worker gets a magazine; NULL: none do */
    bool pin;                        /* each worker to one of the usable processors, in turn */
    /* So many threads at a time may sit in a blocking call while others do their other work; at
     * most TVN_WORKERS_BLOCKING_MAX. Beyond that it waits, with one warning. */
    uint32_t max_blocking;
    /* A turn that takes longer than TVN_WORKERS_STALL_NS; once a turn, on the watchdog's thread;
     * optional. */
    void (*stalled)(void *context, const char *task, uint64_t running_ns);
    void *stalled_context;
};

// COLD PATH. The threads run, with all signals blocked but SIGSEGV, SIGBUS, SIGILL and SIGFPE.
// TVN_E_OUT_OF_MEMORY, TVN_E_IO_ERROR with errno (no descriptor or thread to be had).
TVN_NODISCARD enum tvn_status tvn_workers_create(const struct tvn_workers_options *options,
                                                 struct tvn_workers **out_workers);
/* Every task has called done. NULL is allowed. */
void tvn_workers_destroy(struct tvn_workers *workers);
TVN_DEFINE_CLEANUP(tvn_workers, tvn_workers_destroy)

struct tvn_task_options {
    const char *name; /* for the watchdog; until done */
    enum tvn_task_priority priority;
    /*
     * One turn, as tvn_flow_run; wake_ns is of CLOCK_MONOTONIC. `magazine` is that of the thread,
     * for the flow's slot.
     */
    enum tvn_flow_turn (*run)(void *context, struct tvn_magazine *magazine,
                              const struct tvn_flow_quantum *quantum,
                              struct tvn_flow_wait *out_wait);
    /*
     * The turn is inside of a blocking call (tvn_workers_blocking) that took long: it goes on with
     * another magazine. Optional.
     */
    void (*magazine_changed)(void *context, struct tvn_magazine *magazine);
    /* After DONE: the last that the workers do with this task. May free what context points to. */
    void (*done)(void *context);
    void *context;
};

/* WARM PATH. The task is ready to run. TVN_E_OUT_OF_MEMORY, also beyond TVN_TASKS_MAX. */
TVN_NODISCARD enum tvn_status tvn_workers_spawn(struct tvn_workers *workers,
                                                const struct tvn_task_options *options,
                                                struct tvn_task **out_task);
/*
 * WARM PATH. The task runs a turn soon, and then sees whatever the caller wrote before. Any thread,
 * until the workers are destroyed: for a task that has ended nothing happens, or another one runs a
 * turn more than it would have.
 */
void tvn_task_wake(struct tvn_workers *workers, struct tvn_task *task);

uint32_t tvn_workers_count(const struct tvn_workers *workers);
/* Of one worker, to be read at any time. */
const struct tvn_worker_stats *tvn_workers_stats(const struct tvn_workers *workers,
                                                 uint32_t worker);
/* Turns that took longer than TVN_WORKERS_STALL_NS, of all workers. */
uint64_t tvn_workers_stalls(const struct tvn_workers *workers);
/* Workers that were given to another thread because theirs sat in a blocking call; and how often
 * that was wanted but max_blocking threads did so already, or no thread was to be had. */
uint64_t tvn_workers_handoffs(const struct tvn_workers *workers);
uint64_t tvn_workers_handoffs_refused(const struct tvn_workers *workers);
/*
 * For calls that may block during a turn: see types/blocking.h. Costs a store and a
 * compare-and-swap unless the call takes longer than about a millisecond and other tasks wait.
 */
extern const struct tvn_blocking tvn_workers_blocking;
/* Bytes of one task's slot. */
size_t tvn_task_bytes(void);
