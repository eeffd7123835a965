/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/workers.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "workers/workers_internal.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

TVN_LOG_CATEGORY("workers");

#define STACK_BYTES   ((size_t)2 << 20)
#define POLL_EVERY_NS 4000  /* while workers are busy */
#define SPIN_NS       20000 /* before a worker parks */

/* ---- threads ---- */

/* Processors that this process may use. */
static uint32_t usable_processors(cpu_set_t *out_set)
{
    CPU_ZERO(out_set);
    return sched_getaffinity(0, sizeof(*out_set), out_set) == 0 ? (uint32_t)CPU_COUNT(out_set) : 1;
}

void tvn_thread_pin(const struct tvn_thread *thread, uint32_t worker)
{
    cpu_set_t usable;
    uint32_t count = usable_processors(&usable);
    uint32_t wanted = count > 0 ? worker % count : 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &usable) && wanted-- == 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            int error = pthread_setaffinity_np(thread->handle, sizeof(one), &one);
            if (error != 0) {
                tvn_log_warn("worker %u cannot be pinned: %s", worker, strerror(error));
            }
            return;
        }
    }
}

/* Guests' faults must reach the engine's handlers; all other signals are other threads' business.
 */
static void block_signals(sigset_t *out_before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    sigset_t mask;
    sigfillset(&mask);
    for (size_t i = 0; i < TVN_ARRAY_LEN(faults); i++) {
        sigdelset(&mask, faults[i]);
    }
    pthread_sigmask(SIG_SETMASK, &mask, out_before);
}

struct tvn_thread *tvn_thread_start(struct tvn_workers *workers, struct tvn_worker *worker)
{
    uint32_t number = atomic_load_explicit(&workers->thread_count, memory_order_relaxed);
    tvn_assert(number < workers->count + workers->options.max_blocking);
    struct tvn_thread *thread = &workers->threads[number];
    *thread = (struct tvn_thread){.pool = workers, .worker = worker, .number = number};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(&thread->handle, &attributes, tvn_worker_main, thread);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        errno = error;
        return NULL;
    }
    atomic_store_explicit(&workers->thread_count, number + 1, memory_order_release);
    char name[16];
    snprintf(name, sizeof(name), "tvn-worker-%u", number % 1000);
    pthread_setname_np(thread->handle, name);
    if (worker && workers->options.pin) {
        tvn_thread_pin(thread, worker->index);
    }
    return thread;
}

static enum tvn_status start_threads(struct tvn_workers *workers)
{
    sigset_t before;
    block_signals(&before);
    enum tvn_status status = TVN_OK;
    for (uint32_t i = 0; i < workers->count && status == TVN_OK; i++) {
        status = tvn_thread_start(workers, &workers->workers[i]) ? TVN_OK : TVN_E_IO_ERROR;
    }
    if (status == TVN_OK) {
        status = tvn_watchdog_start(workers); /* its threads have the same signals */
    }
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return status;
}

/* ---- life ---- */

/* Zeroed, aligned as the struct wants it. */
static void *alloc_zeroed(size_t alignment, size_t bytes)
{
    void *memory = tvn_aligned_alloc(alignment, bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

static enum tvn_status create_workers(struct tvn_workers *workers)
{
    bool fair = workers->options.policy == TVN_WORKERS_WEIGHTED_FAIR;
    size_t bytes = workers->count * sizeof(struct tvn_worker);
    size_t threads = (size_t)workers->count + workers->options.max_blocking;
    workers->workers = alloc_zeroed(alignof(struct tvn_worker), bytes);
    workers->threads =
        alloc_zeroed(alignof(struct tvn_thread), threads * sizeof(struct tvn_thread));
    if (!workers->workers || !workers->threads) {
        return TVN_E_OUT_OF_MEMORY;
    }
    enum tvn_status status = TVN_OK;
    for (uint32_t i = 0; i < workers->count; i++) {
        struct tvn_worker *worker = &workers->workers[i];
        tvn_run_queue_init(&worker->queue, fair);
        worker->pool = workers;
        worker->index = i;
        worker->random = i + 1;
        if (workers->options.resources && status == TVN_OK) {
            worker->magazine = tvn_magazine_create(workers->options.resources);
            status = worker->magazine ? TVN_OK : TVN_E_OUT_OF_MEMORY;
        }
    }
    return status;
}

enum tvn_status tvn_workers_create(const struct tvn_workers_options *options,
                                   struct tvn_workers **out_workers)
{
    tvn_assert(options && out_workers);
    tvn_assert(options->threads > 0 && options->threads <= TVN_WORKERS_MAX);
    tvn_assert(options->max_blocking <= TVN_WORKERS_BLOCKING_MAX);
    struct tvn_workers *created = alloc_zeroed(alignof(struct tvn_workers), sizeof(*created));
    if (!created) {
        return TVN_E_OUT_OF_MEMORY;
    }
    created->options = *options;
    created->count = options->threads;
    enum tvn_status status = tvn_sleepers_init(&created->sleepers);
    if (status != TVN_OK) {
        tvn_free(created);
        return status;
    }
    tvn_ticks_init();
    cpu_set_t usable;
    created->poll_every_ticks = tvn_ticks_from_ns(POLL_EVERY_NS);
    /* On a single processor nothing happens while this thread looks. */
    created->spin_ticks = usable_processors(&usable) > 1 ? tvn_ticks_from_ns(SPIN_NS) : 0;
    tvn_run_queue_init(&created->injected, options->policy == TVN_WORKERS_WEIGHTED_FAIR);
    pthread_mutex_init(&created->slots_lock, NULL);
    pthread_mutex_init(&created->hand_lock, NULL);
    created->waiting_end = &created->waiting_first;
    TVN_AUTO(tvn_workers) workers = created;
    TVN_TRY(create_workers(workers));
    TVN_TRY(start_threads(workers));
    *out_workers = TVN_TAKE(workers);
    return TVN_OK;
}

static void stop_threads(struct tvn_workers *workers)
{
    atomic_store(&workers->stopping, true);
    uint32_t count = atomic_load_explicit(&workers->thread_count, memory_order_relaxed);
    if (count >= workers->count) {
        tvn_watchdog_stop(workers); /* first: it starts threads */
        count = atomic_load_explicit(&workers->thread_count, memory_order_relaxed);
    }
    for (uint32_t i = 0; i < workers->count && workers->workers; i++) {
        if (tvn_park_wake(&workers->workers[i].park)) {
            tvn_sleepers_kick(&workers->sleepers);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        (void)tvn_park_wake(&workers->threads[i].park);
    }
    for (uint32_t i = 0; i < count; i++) {
        pthread_join(workers->threads[i].handle, NULL);
    }
}

void tvn_workers_destroy(struct tvn_workers *workers)
{
    if (!workers) {
        return;
    }
    tvn_assert(atomic_load(&workers->live) == 0);
    stop_threads(workers);
    for (uint32_t i = 0; workers->workers && i < workers->count; i++) {
        tvn_run_queue_deinit(&workers->workers[i].queue);
        tvn_magazine_destroy(workers->workers[i].magazine);
    }
    tvn_run_queue_deinit(&workers->injected);
    tvn_task_slots_deinit(workers);
    tvn_sleepers_deinit(&workers->sleepers);
    pthread_mutex_destroy(&workers->slots_lock);
    pthread_mutex_destroy(&workers->hand_lock);
    tvn_free(workers->threads);
    tvn_free(workers->workers);
    tvn_free(workers);
}

/* ---- tasks ---- */

enum tvn_status tvn_workers_spawn(struct tvn_workers *workers,
                                  const struct tvn_task_options *options,
                                  struct tvn_task **out_task)
{
    tvn_assert(workers && options && options->run && options->name && out_task);
    struct tvn_task *task = NULL;
    TVN_TRY(tvn_task_slot_take(workers, options, &task));
    atomic_fetch_add(&workers->live, 1);
    *out_task = task; /* before it runs, so that the task itself finds it */
    tvn_task_state_requeue(&task->state);
    tvn_worker_queue(workers, task);
    return TVN_OK;
}

void tvn_task_wake(struct tvn_workers *workers, struct tvn_task *task)
{
    tvn_assert(workers && task);
    if (tvn_task_state_notify(&task->state)) {
        tvn_worker_queue(workers, task);
    }
}

uint32_t tvn_workers_count(const struct tvn_workers *workers)
{
    return workers->count;
}

const struct tvn_worker_stats *tvn_workers_stats(const struct tvn_workers *workers, uint32_t worker)
{
    tvn_assert(worker < workers->count);
    return &workers->workers[worker].stats;
}

uint64_t tvn_workers_stalls(const struct tvn_workers *workers)
{
    return tvn_stat_get(&workers->stalls);
}

uint64_t tvn_workers_handoffs(const struct tvn_workers *workers)
{
    return tvn_stat_get(&workers->handoffs);
}

uint64_t tvn_workers_handoffs_refused(const struct tvn_workers *workers)
{
    return tvn_stat_get(&workers->refusals);
}
