/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of tasks, in chunks that never move and are only freed with the workers. */
#include "base/mem.h"
#include "base/num.h"
#include "workers/workers_internal.h"

#include <string.h>

size_t tvn_task_bytes(void)
{
    return sizeof(struct tvn_task);
}

/* With the lock of the slots. Whatever holds tasks must have room before there are more. */
static enum tvn_status reserve(struct tvn_workers *workers, uint32_t tasks)
{
    TVN_TRY(tvn_run_queue_reserve(&workers->injected, tasks));
    for (uint32_t i = 0; i < workers->count; i++) {
        TVN_TRY(tvn_run_queue_reserve(&workers->workers[i].queue, tasks));
    }
    return tvn_sleepers_reserve(&workers->sleepers, tasks);
}

static enum tvn_status add_chunk(struct tvn_workers *workers)
{
    uint32_t chunks = workers->chunk_count + 1;
    if (chunks > TVN_TASKS_MAX / TVN_TASK_CHUNK) {
        return TVN_E_OUT_OF_MEMORY;
    }
    TVN_TRY(reserve(workers, chunks * TVN_TASK_CHUNK));
    struct tvn_task **grown = tvn_realloc(workers->chunks, chunks * sizeof(*grown));
    if (!grown) {
        return TVN_E_OUT_OF_MEMORY;
    }
    workers->chunks = grown;
    struct tvn_task *tasks =
        tvn_aligned_alloc(alignof(struct tvn_task), TVN_TASK_CHUNK * sizeof(*tasks));
    if (!tasks) {
        return TVN_E_OUT_OF_MEMORY;
    }
    memset(tasks, 0, TVN_TASK_CHUNK * sizeof(*tasks));
    for (uint32_t i = 0; i < TVN_TASK_CHUNK; i++) {
        tasks[i].fair.position = TVN_HEAP_OUT;
        tasks[i].timer.position = TVN_HEAP_OUT;
        tasks[i].next = workers->free_slots;
        workers->free_slots = &tasks[i];
    }
    workers->chunks[workers->chunk_count++] = tasks;
    return TVN_OK;
}

/* Elements and time of a turn: four times as much, or a quarter. */
static struct tvn_flow_quantum quantum_of(const struct tvn_workers_options *options,
                                          enum tvn_task_priority priority)
{
    struct tvn_flow_quantum quantum = options->quantum;
    if (options->policy == TVN_WORKERS_DEMAND_DRIVEN && priority == TVN_TASK_CRITICAL) {
        quantum.elements =
            quantum.elements > TVN_TASK_TURN_MAX ? TVN_TASK_TURN_MAX : 4 * quantum.elements;
        if (__builtin_mul_overflow(quantum.duration_ns, 4, &quantum.duration_ns)) {
            quantum.duration_ns = UINT64_MAX;
        }
    } else if (options->policy == TVN_WORKERS_DEMAND_DRIVEN && priority == TVN_TASK_BACKGROUND) {
        quantum.elements = quantum.elements / 4;
        quantum.duration_ns = quantum.duration_ns / 4;
    }
    quantum.elements = tvn_max(tvn_min(quantum.elements, TVN_TASK_TURN_MAX), 1u);
    quantum.duration_ns = tvn_max(quantum.duration_ns, UINT64_C(1));
    return quantum;
}

static void fill(struct tvn_task *task, const struct tvn_workers_options *workers,
                 const struct tvn_task_options *options)
{
    static const uint32_t shifts[] = {
        [TVN_TASK_CRITICAL] = 0, [TVN_TASK_NORMAL] = 2, [TVN_TASK_BACKGROUND] = 4};
    task->options = *options;
    task->quantum = quantum_of(workers, options->priority);
    task->cost_shift = shifts[options->priority];
    task->cost = 0;
    tvn_assert(!atomic_load_explicit(&task->armed, memory_order_relaxed) && task->watch_count == 0);
}

enum tvn_status tvn_task_slot_take(struct tvn_workers *workers,
                                   const struct tvn_task_options *options,
                                   struct tvn_task **out_task)
{
    pthread_mutex_lock(&workers->slots_lock);
    enum tvn_status status = workers->free_slots ? TVN_OK : add_chunk(workers);
    if (status == TVN_OK) {
        struct tvn_task *task = workers->free_slots;
        workers->free_slots = task->next;
        fill(task, &workers->options, options);
        *out_task = task;
    }
    pthread_mutex_unlock(&workers->slots_lock);
    return status;
}

void tvn_task_slot_give(struct tvn_workers *workers, struct tvn_task *task)
{
    pthread_mutex_lock(&workers->slots_lock);
    task->next = workers->free_slots;
    workers->free_slots = task;
    pthread_mutex_unlock(&workers->slots_lock);
}

void tvn_task_slots_deinit(struct tvn_workers *workers)
{
    for (uint32_t i = 0; i < workers->chunk_count; i++) {
        for (uint32_t slot = 0; slot < TVN_TASK_CHUNK; slot++) {
            tvn_free(workers->chunks[i][slot].more_watches);
        }
        tvn_free(workers->chunks[i]);
    }
    tvn_free(workers->chunks);
}
