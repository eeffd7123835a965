/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside of the workers. tasks.c keeps the slots, worker.c is what one thread does, handoff.c how
 * threads come to their workers, watchdog.c looks after them all, workers.c starts and ends it.
 *
 * Locks, none taken while another is held, but for the queues' while tasks are woken: run queue,
 * sleepers, idle list, slots, hand. The first three are struct tvn_lock: a worker that wakes up
 * takes them.
 */
#include "workers/handoff_internal.h"
#include "workers/park_internal.h"
#include "workers/run_queue_internal.h"
#include "workers/sleepers_internal.h"

#define TVN_TASK_CHUNK 256u

/* What a thread needs to run tasks; one thread at a time has it. */
struct tvn_worker {
    struct tvn_run_queue queue;
    alignas(64) struct tvn_workers *pool;
    struct tvn_magazine *magazine;
    struct tvn_worker_stats stats;
    uint32_t index;
    uint32_t tick;
    uint32_t random;
    bool searching; /* counted in pool->searching */
    /* What others touch. */
    alignas(64) struct tvn_park park;
    struct tvn_worker *idle_next; /* with idle_lock */
    bool idle;                    /* likewise */
};

struct tvn_workers {
    struct tvn_workers_options options;
    struct tvn_worker *workers;
    uint32_t count;                /* of workers */
    struct tvn_run_queue injected; /* tasks from threads that are no workers */
    struct tvn_sleepers sleepers;

    alignas(64) struct tvn_lock idle_lock;
    struct tvn_worker *idle_first;
    _Atomic uint32_t idle_count;   /* parked, or about to */
    _Atomic uint32_t searching;    /* awake without a task, looking for one */
    _Atomic uint64_t polled_ticks; /* the last look at the sleepers */
    _Atomic bool stopping;
    uint64_t poll_every_ticks;
    uint64_t spin_ticks;

    alignas(64) pthread_mutex_t slots_lock;
    struct tvn_task **chunks; /* of TVN_TASK_CHUNK slots */
    uint32_t chunk_count;
    struct tvn_task *free_slots;
    _Atomic uint32_t live;

    struct tvn_thread *threads;    /* room for the workers' and those of max_blocking */
    _Atomic uint32_t thread_count; /* started; released after the thread's struct is filled */
    _Atomic uint64_t looks;        /* of the watchdog: its ticks */

    alignas(64) pthread_mutex_t hand_lock;
    struct tvn_thread *spares;        /* without a worker and without a turn */
    struct tvn_thread *waiting_first; /* back from a blocking call */
    struct tvn_thread **waiting_end;
    _Atomic uint32_t waiting_count;
    _Atomic uint32_t
        blocked_count; /* threads whose worker was retaken, until they have one again */
    bool refused;      /* the watchdog's own: it has warned */
    tvn_stat handoffs;
    tvn_stat refusals;

    pthread_t watchdog;
    bool watchdog_started;
    pthread_mutex_t watchdog_lock;
    pthread_cond_t watchdog_changed;
    tvn_stat stalls;
};

/* tasks.c */
/* A free slot with these options. TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_task_slot_take(struct tvn_workers *workers,
                                                 const struct tvn_task_options *options,
                                                 struct tvn_task **out_task);
void tvn_task_slot_give(struct tvn_workers *workers, struct tvn_task *task);
void tvn_task_slots_deinit(struct tvn_workers *workers);

/* worker.c */
/* The thread's main function; the argument is its struct tvn_thread. */
TVN_HOT void *tvn_worker_main(void *thread);
/* True if any task is in a queue now. */
bool tvn_workers_have_task(struct tvn_workers *workers);
/* The task is QUEUED and in nobody's queue: into this thread's, or the common one. */
void tvn_worker_queue(struct tvn_workers *workers, struct tvn_task *task);
/* Wakes one parked worker, if there is one. */
void tvn_worker_unpark_one(struct tvn_workers *workers);

/* workers.c */
/* One thread more, with this worker or (NULL) without one. NULL with errno. */
struct tvn_thread *tvn_thread_start(struct tvn_workers *workers, struct tvn_worker *worker);
/* The calling thread, to the processor of a worker. */
void tvn_thread_pin(const struct tvn_thread *thread, uint32_t worker);

/* watchdog.c. TVN_E_IO_ERROR with errno. */
TVN_NODISCARD enum tvn_status tvn_watchdog_start(struct tvn_workers *workers);
void tvn_watchdog_stop(struct tvn_workers *workers);
