/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads and workers. A worker is a run queue, a magazine, counters and a place to park; the
 * thread that has it runs tasks. There are as many workers as were asked for, and more threads than
 * that only while guests block: the watchdog retakes the worker of a thread that sits in a blocking
 * call for more than a tick, if anything could be done with it, and gives it to a waiting, a spare
 * or a new thread. A thread that comes back from such a call waits for a worker; whoever has one
 * gives it away between two turns, and becomes a spare.
 *
 * No waiting thread is overlooked by workers that go to sleep: it counts itself as waiting, then
 * looks for idle workers; a worker joins the idle ones, then looks for waiting threads. All are
 * sequentially consistent.
 */
#include "base/clock.h"
#include "base/log.h"
#include "workers/handoff_internal.h"
#include "workers/workers_internal.h"

TVN_LOG_CATEGORY("workers");

_Thread_local struct tvn_thread *tvn_thread_self;

/* ---- the lists, with hand_lock ---- */

static void add_waiting(struct tvn_workers *pool, struct tvn_thread *thread)
{
    thread->next = NULL;
    *pool->waiting_end = thread;
    pool->waiting_end = &thread->next;
    atomic_fetch_add(&pool->waiting_count, 1);
}

static struct tvn_thread *take_waiting(struct tvn_workers *pool)
{
    struct tvn_thread *thread = pool->waiting_first;
    if (thread) {
        pool->waiting_first = thread->next;
        if (!thread->next) {
            pool->waiting_end = &pool->waiting_first;
        }
        atomic_fetch_sub(&pool->waiting_count, 1);
    }
    return thread;
}

static void add_spare(struct tvn_workers *pool, struct tvn_thread *thread)
{
    thread->next = pool->spares;
    pool->spares = thread;
}

static struct tvn_thread *take_spare(struct tvn_workers *pool)
{
    struct tvn_thread *thread = pool->spares;
    if (thread) {
        pool->spares = thread->next;
    }
    return thread;
}

/* ---- giving and getting ---- */

static void give(struct tvn_thread *thread, struct tvn_worker *worker)
{
    atomic_store(&thread->given, worker);
    (void)tvn_park_wake(&thread->park);
}

void tvn_handoff_await(struct tvn_thread *thread)
{
    struct tvn_worker *worker;
    while (!(worker = atomic_exchange(&thread->given, NULL)) &&
           !atomic_load(&thread->pool->stopping)) {
        tvn_park_wait(&thread->park);
    }
    thread->worker = worker;
    if (worker && thread->pool->options.pin) {
        tvn_thread_pin(thread, worker->index);
    }
}

void tvn_handoff_give(struct tvn_thread *thread)
{
    struct tvn_workers *pool = thread->pool;
    pthread_mutex_lock(&pool->hand_lock);
    struct tvn_thread *waiting = take_waiting(pool);
    if (waiting) {
        add_spare(pool, thread);
    }
    pthread_mutex_unlock(&pool->hand_lock);
    if (waiting) {
        struct tvn_worker *worker = thread->worker;
        thread->worker = NULL;
        give(waiting, worker);
    }
}

/* ---- the blocking call ---- */

static void enter(void)
{
    struct tvn_thread *thread = tvn_thread_self;
    if (thread) {
        uint64_t tick = atomic_load_explicit(&thread->pool->looks, memory_order_relaxed);
        tvn_blocking_word_enter(&thread->blocking, tick, thread->worker->index);
    }
}

/* The worker was retaken: the turn goes on with another one. */
TVN_COLD static void get_worker_back(struct tvn_thread *thread)
{
    struct tvn_workers *pool = thread->pool;
    pthread_mutex_lock(&pool->hand_lock);
    add_waiting(pool, thread);
    pthread_mutex_unlock(&pool->hand_lock);
    if (atomic_load(&pool->idle_count) > 0) {
        tvn_worker_unpark_one(pool);
    }
    tvn_handoff_await(thread);
    tvn_assert(thread->worker); /* the workers stop when no task is left, and this is in one */
    atomic_fetch_sub(&pool->blocked_count, 1);
    thread->resumed_ticks = tvn_ticks_now();
    tvn_blocking_word_resume(&thread->blocking);
    const struct tvn_task *task = atomic_load_explicit(&thread->turn_task, memory_order_relaxed);
    if (task->options.magazine_changed) {
        task->options.magazine_changed(task->options.context, thread->worker->magazine);
    }
}

static void leave(void)
{
    struct tvn_thread *thread = tvn_thread_self;
    if (thread && !tvn_blocking_word_leave(&thread->blocking)) {
        get_worker_back(thread);
    }
}

const struct tvn_blocking tvn_workers_blocking = {.enter = enter, .leave = leave};

/* ---- the watchdog's part ---- */

/* Is there anything that a worker could do, or somebody to have it? */
static bool is_wanted(struct tvn_workers *pool)
{
    return atomic_load(&pool->waiting_count) > 0 || tvn_workers_have_task(pool) ||
           (tvn_sleepers_any(&pool->sleepers) && !atomic_load(&pool->sleepers.polling));
}

static bool has_heir(struct tvn_workers *pool)
{
    pthread_mutex_lock(&pool->hand_lock);
    bool has = pool->waiting_first || pool->spares;
    pthread_mutex_unlock(&pool->hand_lock);
    return has;
}

/* Heirs do not get fewer meanwhile: who takes a waiting one becomes a spare. */
static bool make_heir(struct tvn_workers *pool)
{
    if (has_heir(pool)) {
        return true;
    }
    struct tvn_thread *thread = tvn_thread_start(pool, NULL);
    if (thread) {
        pthread_mutex_lock(&pool->hand_lock);
        add_spare(pool, thread);
        pthread_mutex_unlock(&pool->hand_lock);
    }
    return thread != NULL;
}

static void refuse(struct tvn_workers *pool, const char *why)
{
    tvn_stat_add(&pool->refusals, 1);
    if (!pool->refused) {
        pool->refused = true;
        tvn_log_warn("more than %u guests block, and other flows wait for them: %s",
                     pool->options.max_blocking, why);
    }
}

static void retake(struct tvn_workers *pool, struct tvn_thread *thread, uint64_t seen)
{
    if (atomic_load(&pool->blocked_count) >= pool->options.max_blocking) {
        refuse(pool, "raise runtime.max_blocking_threads");
        return;
    }
    if (!make_heir(pool)) {
        refuse(pool, "no thread to be had");
        return;
    }
    struct tvn_thread *heir = NULL;
    uint32_t worker;
    pthread_mutex_lock(&pool->hand_lock);
    /* Counted before the thread can come back. */
    atomic_fetch_add(&pool->blocked_count, 1);
    if (tvn_blocking_word_retake(&thread->blocking, seen, &worker)) {
        heir = take_waiting(pool);
        heir = heir ? heir : take_spare(pool);
    } else {
        atomic_fetch_sub(&pool->blocked_count, 1);
    }
    pthread_mutex_unlock(&pool->hand_lock);
    if (heir) {
        tvn_stat_add(&pool->handoffs, 1);
        give(heir, &pool->workers[worker]);
    }
}

void tvn_handoff_look(struct tvn_workers *pool)
{
    uint64_t tick = atomic_load_explicit(&pool->looks, memory_order_relaxed) + 1;
    atomic_store_explicit(&pool->looks, tick, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&pool->thread_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        struct tvn_thread *thread = &pool->threads[i];
        uint64_t seen = atomic_load_explicit(&thread->blocking, memory_order_relaxed);
        if (tvn_blocking_word_is_overdue(seen, tick) && is_wanted(pool)) {
            retake(pool, thread, seen);
        }
    }
}
