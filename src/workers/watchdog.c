/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that looks at the workers now and then: it reports turns that do not end, sees to it
 * that somebody waits for descriptors and timers when the worker that did so is held up by a long
 * turn, and takes workers away from threads that sit in a blocking call (handoff.c).
 */
#include "base/clock.h"
#include "base/thread.h"
#include "workers/workers_internal.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define LOOK_BUSY_NS UINT64_C(1000000)
#define LOOK_IDLE_NS UINT64_C(10000000)
#define STACK_BYTES  ((size_t)256 << 10)
#define NS_PER_S     UINT64_C(1000000000)

#define NAME_MAX_BYTES 128

/*
 * The task's name if the thread is still in that turn. A task gives its slot back, for which it
 * needs the lock, before whoever owns the name hears of its end.
 */
static bool name_of_turn(struct tvn_workers *workers, struct tvn_thread *thread, uint64_t began,
                         char out_name[NAME_MAX_BYTES])
{
    pthread_mutex_lock(&workers->slots_lock);
    bool same = atomic_load(&thread->turn_began_ticks) == began;
    if (same) {
        const struct tvn_task *task =
            atomic_load_explicit(&thread->turn_task, memory_order_relaxed);
        snprintf(out_name, NAME_MAX_BYTES, "%s", task->options.name);
    }
    pthread_mutex_unlock(&workers->slots_lock);
    return same;
}

static void report(struct tvn_workers *workers, struct tvn_thread *thread, uint64_t began,
                   uint64_t running_ns)
{
    char name[NAME_MAX_BYTES];
    if (!name_of_turn(workers, thread, began, name)) {
        return;
    }
    tvn_stat_add(&workers->stalls, 1);
    if (workers->options.stalled) {
        workers->options.stalled(workers->options.stalled_context, name, running_ns);
    }
}

/* Returns whether a turn was under way. */
static bool look_at_turns(struct tvn_workers *workers)
{
    bool busy = false;
    uint32_t count = atomic_load_explicit(&workers->thread_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        struct tvn_thread *thread = &workers->threads[i];
        uint64_t began = atomic_load_explicit(&thread->turn_began_ticks, memory_order_acquire);
        if (began == 0) {
            continue;
        }
        busy = true;
        uint64_t now = tvn_ticks_now();
        uint64_t running_ns = now > began ? tvn_ticks_to_ns(now - began) : 0;
        if (running_ns >= TVN_WORKERS_STALL_NS && thread->reported_ticks != began) {
            thread->reported_ticks = began;
            report(workers, thread, began, running_ns);
        }
    }
    return busy;
}

/* Nobody has looked for a while, nobody waits, but somebody could. */
static void look_at_polling(struct tvn_workers *workers)
{
    uint64_t polled = atomic_load_explicit(&workers->polled_ticks, memory_order_relaxed);
    uint64_t now = tvn_ticks_now();
    if (now > polled && tvn_ticks_to_ns(now - polled) >= LOOK_BUSY_NS &&
        tvn_sleepers_any(&workers->sleepers) && !atomic_load(&workers->sleepers.polling)) {
        tvn_worker_unpark_one(workers);
    }
}

/* False: it is time to end. */
static bool pause_between_looks(struct tvn_workers *workers, uint64_t pause_ns)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + pause_ns;
    until.tv_sec += (time_t)(ns / NS_PER_S);
    until.tv_nsec = (long)(ns % NS_PER_S);
    pthread_mutex_lock(&workers->watchdog_lock);
    int result = 0;
    while (!atomic_load(&workers->stopping) && result == 0) {
        result =
            pthread_cond_timedwait(&workers->watchdog_changed, &workers->watchdog_lock, &until);
    }
    pthread_mutex_unlock(&workers->watchdog_lock);
    return result == ETIMEDOUT && !atomic_load(&workers->stopping);
}

static void *watch(void *argument)
{
    struct tvn_workers *workers = argument;
    uint64_t pause_ns = LOOK_IDLE_NS;
    while (pause_between_looks(workers, pause_ns)) {
        pause_ns = look_at_turns(workers) ? LOOK_BUSY_NS : LOOK_IDLE_NS;
        tvn_handoff_look(workers);
        look_at_polling(workers);
    }
    return NULL;
}

enum tvn_status tvn_watchdog_start(struct tvn_workers *workers)
{
    tvn_cond_init_monotonic(&workers->watchdog_changed);
    pthread_mutex_init(&workers->watchdog_lock, NULL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(&workers->watchdog, &attributes, watch, workers);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        errno = error;
        return TVN_E_IO_ERROR;
    }
    workers->watchdog_started = true;
    pthread_setname_np(workers->watchdog, "tvn-watchdog");
    return TVN_OK;
}

void tvn_watchdog_stop(struct tvn_workers *workers)
{
    if (workers->watchdog_started) {
        pthread_mutex_lock(&workers->watchdog_lock);
        pthread_cond_signal(&workers->watchdog_changed);
        pthread_mutex_unlock(&workers->watchdog_lock);
        pthread_join(workers->watchdog, NULL);
    }
    pthread_cond_destroy(&workers->watchdog_changed);
    pthread_mutex_destroy(&workers->watchdog_lock);
}
