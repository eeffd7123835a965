/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside of the workers. tasks.c keeps the slots, worker.c is what one thread does, watchdog.c
 * looks after them all, workers.c starts and ends it.
 *
 * Locks, none taken while another is held, but for the queues' while tasks are woken: run queue,
 * sleepers, idle list, slots.
 */
#include "workers/park_internal.h"
#include "workers/run_queue_internal.h"
#include "workers/sleepers_internal.h"

#define TVN_TASK_CHUNK 256u

struct tvn_worker {
    struct tvn_run_queue queue;
    alignas(64) struct tvn_workers *pool;
    struct tvn_magazine *magazine;
    struct tvn_worker_stats stats;
    uint32_t index;
    uint32_t tick;
    uint32_t random;
    bool searching; /* counted in pool->searching */
    pthread_t thread;
    /* What the watchdog looks at. */
    _Atomic uint64_t turn_began_ticks; /* 0: no turn */
    struct tvn_task *_Atomic turn_task;
    uint64_t reported_ticks; /* the watchdog's own: the turn that it has reported */
    /* What others touch. */
    alignas(64) struct tvn_park park;
    struct tvn_worker *idle_next; /* with idle_lock */
    bool idle;                    /* likewise */
};

struct tvn_workers {
    struct tvn_workers_options options;
    struct tvn_worker *workers;
    uint32_t count;                /* of workers */
    uint32_t started;              /* threads */
    struct tvn_run_queue injected; /* tasks from threads that are no workers */
    struct tvn_sleepers sleepers;

    alignas(64) pthread_mutex_t idle_lock;
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
/* The thread's main function; the argument is its struct tvn_worker. */
void *tvn_worker_main(void *worker);
/* The task is QUEUED and in nobody's queue: into this thread's, or the common one. */
void tvn_worker_queue(struct tvn_workers *workers, struct tvn_task *task);
/* Wakes one parked worker, if there is one. */
void tvn_worker_unpark_one(struct tvn_workers *workers);

/* watchdog.c. TVN_E_IO_ERROR with errno. */
TVN_NODISCARD enum tvn_status tvn_watchdog_start(struct tvn_workers *workers);
void tvn_watchdog_stop(struct tvn_workers *workers);
