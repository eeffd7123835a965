/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one worker does: take a task, run a turn, put it where it belongs; without a task search,
 * then park.
 *
 * No ready task is left to sleeping workers. Whoever queues one first puts it into the queue, then
 * looks for searching and idle workers; whoever gives up first leaves `searching` and joins the
 * idle list, then looks through all queues once more. All four are sequentially consistent, so one
 * of the two sees the other. A worker that finds a task as the last searching one wakes the next,
 * because whoever queued several may have relied on it.
 */
#include "base/clock.h"
#include "base/num.h"
#include "workers/workers_internal.h"

#define INJECTED_EVERY \
    61 /* turns between two looks at the common queue while there is other work */
#define INJECTED_BATCH 32

/* ---- idle workers ---- */

static void idle_push(struct tvn_worker *worker)
{
    struct tvn_workers *pool = worker->pool;
    tvn_lock_take(&pool->idle_lock);
    tvn_assert(!worker->idle);
    worker->idle = true;
    worker->idle_next = pool->idle_first;
    pool->idle_first = worker;
    tvn_lock_give(&pool->idle_lock);
    atomic_fetch_add(&pool->idle_count, 1);
}

/* False: another thread was faster, and has counted this one as searching. */
static TVN_HOT bool idle_remove(struct tvn_worker *worker)
{
    struct tvn_workers *pool = worker->pool;
    tvn_lock_take(&pool->idle_lock);
    bool was_idle = worker->idle;
    if (was_idle) {
        struct tvn_worker **link = &pool->idle_first;
        while (*link != worker) {
            link = &(*link)->idle_next;
        }
        *link = worker->idle_next;
        worker->idle = false;
    }
    tvn_lock_give(&pool->idle_lock);
    if (was_idle) {
        atomic_fetch_sub(&pool->idle_count, 1);
    }
    return was_idle;
}

/* The worker counts as searching then. NULL when none is idle. */
static struct tvn_worker *idle_pop(struct tvn_workers *pool)
{
    tvn_lock_take(&pool->idle_lock);
    struct tvn_worker *worker = pool->idle_first;
    if (worker) {
        pool->idle_first = worker->idle_next;
        worker->idle = false;
        /* On its behalf, so that nobody wakes another one; before it can end its search. */
        atomic_fetch_add(&pool->searching, 1);
    }
    tvn_lock_give(&pool->idle_lock);
    if (worker) {
        atomic_fetch_sub(&pool->idle_count, 1);
    }
    return worker;
}

void tvn_worker_unpark_one(struct tvn_workers *pool)
{
    struct tvn_worker *worker = idle_pop(pool);
    if (worker && tvn_park_wake(&worker->park)) {
        tvn_sleepers_kick(&pool->sleepers);
    }
}

/* After a task was queued. */
static void notify(struct tvn_workers *pool)
{
    if (atomic_load(&pool->searching) == 0 && atomic_load(&pool->idle_count) > 0) {
        tvn_worker_unpark_one(pool);
    }
}

bool tvn_workers_have_task(struct tvn_workers *pool)
{
    if (tvn_run_queue_has_task(&pool->injected)) {
        return true;
    }
    for (uint32_t i = 0; i < pool->count; i++) {
        if (tvn_run_queue_has_task(&pool->workers[i].queue)) {
            return true;
        }
    }
    return false;
}

/* ---- queueing ---- */

void tvn_worker_queue(struct tvn_workers *workers, struct tvn_task *task)
{
    /* A thread in a turn has a worker, but for blocking calls, which wake nobody. */
    const struct tvn_thread *thread = tvn_thread_self;
    bool ours = thread && thread->pool == workers;
    (void)tvn_run_queue_push(ours ? &thread->worker->queue : &workers->injected, task);
    notify(workers);
}

/*
 * Tasks that descriptors and timers have woken. Those of a worker that has nothing else to do are
 * its own, but for the first, which it runs next: that one is returned, and is in no queue.
 */
static TVN_HOT struct tvn_task *take_woken(struct tvn_worker *worker, struct tvn_task **tasks,
                                           uint32_t count, bool has_nothing)
{
    bool may_keep = has_nothing && !worker->queue.fair;
    struct tvn_task *kept = NULL;
    uint32_t queued = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!tvn_task_state_notify(&tasks[i]->state)) {
            continue;
        }
        tvn_stat_add(&worker->stats.woken, 1);
        if (may_keep && !kept) {
            kept = tasks[i];
        } else {
            queued = tvn_run_queue_push(&worker->queue, tasks[i]);
        }
    }
    if (queued > (kept ? 0 : 1)) { /* this worker runs one itself */
        notify(worker->pool);
    }
    return kept;
}

static TVN_HOT void note_poll(struct tvn_worker *worker)
{
    atomic_store_explicit(&worker->pool->polled_ticks, tvn_ticks_now(), memory_order_relaxed);
    tvn_stat_add(&worker->stats.polls, 1);
}

/* Looks once at descriptors and timers, unless somebody else does. */
static struct tvn_task *try_poll(struct tvn_worker *worker, bool has_nothing)
{
    struct tvn_sleepers *sleepers = &worker->pool->sleepers;
    if (!tvn_sleepers_any(sleepers) || !tvn_sleepers_begin_poll(sleepers)) {
        return NULL;
    }
    struct tvn_task *tasks[TVN_POLL_TASKS_MAX];
    uint32_t count = tvn_sleepers_poll(sleepers, false, tasks);
    note_poll(worker);
    tvn_sleepers_end_poll(sleepers);
    return take_woken(worker, tasks, count, has_nothing);
}

/* ---- one turn ---- */

static TVN_HOT void account_turn(struct tvn_worker *worker, struct tvn_task *task, uint64_t ticks)
{
    tvn_stat_add(&worker->stats.turns, 1);
    tvn_stat_add(&worker->stats.busy_ns, tvn_ticks_to_ns(ticks));
    task->cost += ticks << task->cost_shift;
}

/* From now on the task may be run by others, or be gone. */
static void put_to_sleep(struct tvn_worker *worker, struct tvn_task *task,
                         const struct tvn_flow_wait *wait)
{
    tvn_stat_add(&worker->stats.sleeps, 1);
    if (!tvn_sleepers_arm(&worker->pool->sleepers, task, wait) ||
        !tvn_task_state_sleep(&task->state)) {
        tvn_task_state_requeue(&task->state);
        (void)tvn_run_queue_push(&worker->queue, task);
    }
}

static void finish(struct tvn_worker *worker, struct tvn_task *task)
{
    struct tvn_workers *pool = worker->pool;
    void (*done)(void *) = task->options.done;
    void *context = task->options.context;
    tvn_task_state_finish(&task->state);
    tvn_task_slot_give(pool, task);
    atomic_fetch_sub(&pool->live, 1);
    tvn_stat_add(&worker->stats.done, 1);
    if (done) {
        done(context);
    }
}

static void poll_between_turns(struct tvn_worker *worker, uint64_t now_ticks)
{
    uint64_t polled = atomic_load_explicit(&worker->pool->polled_ticks, memory_order_relaxed);
    if ((int64_t)(now_ticks - polled) > (int64_t)worker->pool->poll_every_ticks) {
        (void)try_poll(worker, false);
    }
}

static TVN_HOT void run_turn(struct tvn_thread *thread, struct tvn_task *task)
{
    struct tvn_worker *worker = thread->worker;
    tvn_task_state_begin(&task->state);
    tvn_sleepers_disarm(&worker->pool->sleepers, task);
    struct tvn_flow_wait wait;
    uint64_t began = tvn_ticks_now();
    atomic_store_explicit(&thread->turn_task, task, memory_order_relaxed);
    atomic_store_explicit(&thread->turn_began_ticks, began, memory_order_release);
    enum tvn_flow_turn turn =
        task->options.run(task->options.context, worker->magazine, &task->quantum, &wait);
    uint64_t ended = tvn_ticks_now();
    atomic_store_explicit(&thread->turn_began_ticks, 0, memory_order_release);
    worker = thread->worker; /* another one after a call that blocked */
    if (TVN_UNLIKELY(thread->resumed_ticks != 0)) {
        began = thread->resumed_ticks; /* meanwhile it kept no worker busy */
        thread->resumed_ticks = 0;
    }
    account_turn(worker, task, ended - began);
    switch (turn) {
    case TVN_FLOW_YIELD:
        tvn_stat_add(&worker->stats.yields, 1);
        poll_between_turns(worker, ended); /* what it finds is before this task */
        tvn_task_state_requeue(&task->state);
        if (tvn_run_queue_push(&worker->queue, task) > 1) {
            notify(worker->pool);
        }
        break;
    case TVN_FLOW_IDLE:
        put_to_sleep(worker, task, &wait);
        poll_between_turns(worker, ended);
        break;
    case TVN_FLOW_DONE:
        finish(worker, task);
        poll_between_turns(worker, ended);
        break;
    }
}

/* ---- searching ---- */

static struct tvn_task *pop_injected(struct tvn_worker *worker)
{
    struct tvn_workers *pool = worker->pool;
    if (!tvn_run_queue_has_task(&pool->injected)) {
        return NULL;
    }
    (void)tvn_run_queue_steal(&pool->injected, &worker->queue, INJECTED_BATCH);
    return tvn_run_queue_pop(&worker->queue);
}

static struct tvn_task *next_ready(struct tvn_worker *worker)
{
    struct tvn_task *task = NULL;
    if (++worker->tick % INJECTED_EVERY == 0) {
        task = tvn_run_queue_pop(&worker->pool->injected);
    }
    if (!task) {
        task = tvn_run_queue_pop(&worker->queue);
    }
    return task ? task : pop_injected(worker);
}

static struct tvn_task *steal(struct tvn_worker *worker)
{
    struct tvn_workers *pool = worker->pool;
    worker->random = worker->random * 1664525u + 1013904223u;
    uint32_t first = (worker->random >> 8) % pool->count;
    for (uint32_t i = 0; i < pool->count; i++) {
        struct tvn_worker *victim = &pool->workers[(first + i) % pool->count];
        if (victim == worker || !tvn_run_queue_has_task(&victim->queue)) {
            continue;
        }
        uint32_t stolen = tvn_run_queue_steal(&victim->queue, &worker->queue, TVN_STEAL_MAX);
        if (stolen > 0) {
            tvn_stat_add(&worker->stats.steals, 1);
            tvn_stat_add(&worker->stats.stolen, stolen);
            struct tvn_task *task = tvn_run_queue_pop(&worker->queue);
            if (task) { /* else it was stolen in turn */
                return task;
            }
        }
    }
    return NULL;
}

/* Not everybody at once: half of the workers find as much. */
static bool begin_search(struct tvn_worker *worker)
{
    struct tvn_workers *pool = worker->pool;
    if (!worker->searching && 2 * atomic_load(&pool->searching) < pool->count) {
        atomic_fetch_add(&pool->searching, 1);
        worker->searching = true;
    }
    return worker->searching;
}

/* A task was found. */
static TVN_HOT void end_search(struct tvn_worker *worker)
{
    if (!worker->searching) {
        return;
    }
    worker->searching = false;
    if (atomic_fetch_sub(&worker->pool->searching, 1) == 1 && tvn_workers_have_task(worker->pool)) {
        notify(worker->pool);
    }
}

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static struct tvn_task *search(struct tvn_worker *worker)
{
    struct tvn_workers *pool = worker->pool;
    if (!begin_search(worker)) {
        return NULL;
    }
    uint64_t began = tvn_ticks_now();
    do {
        struct tvn_task *task = steal(worker);
        if (!task) {
            task = try_poll(worker, true);
            task = task ? task : next_ready(worker);
        }
        if (task || atomic_load_explicit(&pool->stopping, memory_order_relaxed)) {
            return task;
        }
        relax();
    } while (tvn_ticks_now() - began < pool->spin_ticks);
    return NULL;
}

/* ---- parking ---- */

/* Until there is something to do. Returns how many tasks descriptors and timers have woken. */
static TVN_HOT uint32_t wait_for_work(struct tvn_worker *worker, struct tvn_task **out_tasks)
{
    struct tvn_sleepers *sleepers = &worker->pool->sleepers;
    uint32_t count = 0;
    if (!tvn_sleepers_begin_poll(sleepers)) {
        tvn_park_wait(&worker->park);
        return 0;
    }
    if (tvn_park_begin_poll(&worker->park)) {
        count = tvn_sleepers_poll(sleepers, true, out_tasks);
        note_poll(worker);
        tvn_park_end_poll(&worker->park);
    }
    tvn_sleepers_end_poll(sleepers);
    return count;
}

/*
 * Returns the task to run next, or NULL: the worker searches again. Whoever took it out of the idle
 * list has counted it as searching, and may rely on that; else nobody does, and with a task it need
 * not search.
 */
static TVN_HOT struct tvn_task *park(struct tvn_worker *worker)
{
    struct tvn_workers *pool = worker->pool;
    struct tvn_task *tasks[TVN_POLL_TASKS_MAX];
    uint32_t count = 0;
    idle_push(worker);
    if (worker->searching) {
        worker->searching = false;
        atomic_fetch_sub(&pool->searching, 1);
    }
    if (!tvn_workers_have_task(pool) && atomic_load(&pool->waiting_count) == 0 &&
        !atomic_load(&pool->stopping)) {
        tvn_stat_add(&worker->stats.parks, 1);
        count = wait_for_work(worker, tasks);
    }
    bool was_idle = idle_remove(worker);
    worker->searching = !was_idle;
    tvn_stat_add(&worker->stats.unparks, !was_idle);
    struct tvn_task *task = take_woken(worker, tasks, count, true);
    if (!task && was_idle) {
        worker->searching = true;
        atomic_fetch_add(&pool->searching, 1);
    }
    return task;
}

static TVN_HOT void run_or_park(struct tvn_thread *thread)
{
    struct tvn_worker *worker = thread->worker;
    struct tvn_task *task = next_ready(worker);
    task = task ? task : search(worker);
    task = task ? task : park(worker);
    if (task) {
        end_search(worker);
        run_turn(thread, task);
    }
}

void *tvn_worker_main(void *argument)
{
    struct tvn_thread *thread = argument;
    struct tvn_workers *pool = thread->pool;
    tvn_thread_self = thread;
    while (!atomic_load_explicit(&pool->stopping, memory_order_relaxed)) {
        if (!thread->worker) {
            tvn_handoff_await(thread);
        } else if (TVN_UNLIKELY(atomic_load_explicit(&pool->waiting_count, memory_order_relaxed) >
                                0)) {
            end_search(thread->worker);
            tvn_handoff_give(thread);
        }
        if (thread->worker) {
            run_or_park(thread);
        }
    }
    tvn_thread_self = NULL;
    return NULL;
}
