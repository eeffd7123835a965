/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "workers/run_queue_internal.h"

void tvn_run_queue_init(struct tvn_run_queue *queue, bool fair)
{
    *queue = (struct tvn_run_queue){.fair = fair};
}

void tvn_run_queue_deinit(struct tvn_run_queue *queue)
{
    tvn_assert(atomic_load(&queue->count) == 0);
    tvn_heap_deinit(&queue->heap);
}

enum tvn_status tvn_run_queue_reserve(struct tvn_run_queue *queue, uint32_t tasks)
{
    if (!queue->fair) {
        return TVN_OK;
    }
    tvn_lock_take(&queue->lock);
    enum tvn_status status = tvn_heap_reserve(&queue->heap, tasks);
    tvn_lock_give(&queue->lock);
    return status;
}

/* ---- with the lock ---- */

static void put(struct tvn_run_queue *queue, struct tvn_task *task)
{
    if (queue->fair) {
        tvn_heap_push(&queue->heap, &task->fair, queue->floor + task->cost);
        return;
    }
    task->next = NULL;
    if (queue->tail) {
        queue->tail->next = task;
    } else {
        queue->head = task;
    }
    queue->tail = task;
}

/* Not empty. */
static struct tvn_task *take(struct tvn_run_queue *queue)
{
    if (queue->fair) {
        struct tvn_heap_node *node = tvn_heap_pop(&queue->heap);
        struct tvn_task *task = TVN_CONTAINER_OF(node, struct tvn_task, fair);
        task->cost = node->key - queue->floor;
        return task;
    }
    struct tvn_task *task = queue->head;
    queue->head = task->next;
    if (!queue->head) {
        queue->tail = NULL;
    }
    return task;
}

static uint32_t count_of(const struct tvn_run_queue *queue)
{
    return atomic_load_explicit(&queue->count, memory_order_relaxed);
}

/* ---- without ---- */

uint32_t tvn_run_queue_push(struct tvn_run_queue *queue, struct tvn_task *task)
{
    tvn_lock_take(&queue->lock);
    put(queue, task);
    uint32_t count = count_of(queue) + 1;
    atomic_store(&queue->count, count);
    tvn_lock_give(&queue->lock);
    return count;
}

struct tvn_task *tvn_run_queue_pop(struct tvn_run_queue *queue)
{
    if (atomic_load_explicit(&queue->count, memory_order_relaxed) == 0) {
        return NULL;
    }
    tvn_lock_take(&queue->lock);
    struct tvn_task *task = NULL;
    uint32_t count = count_of(queue);
    if (count > 0) {
        task = take(queue);
        queue->floor += task->cost; /* it is what runs now */
        task->cost = 0;
        atomic_store(&queue->count, count - 1);
    }
    tvn_lock_give(&queue->lock);
    return task;
}

uint32_t tvn_run_queue_steal(struct tvn_run_queue *from, struct tvn_run_queue *to, uint32_t max)
{
    if (atomic_load_explicit(&from->count, memory_order_relaxed) == 0) {
        return 0;
    }
    struct tvn_task *tasks[TVN_STEAL_MAX];
    tvn_lock_take(&from->lock);
    uint32_t count = count_of(from);
    uint32_t taken = tvn_min((count + 1) / 2, tvn_min(max, TVN_STEAL_MAX));
    for (uint32_t i = 0; i < taken; i++) {
        tasks[i] = take(from);
    }
    atomic_store(&from->count, count - taken);
    tvn_lock_give(&from->lock);
    if (taken == 0) {
        return 0;
    }
    tvn_lock_take(&to->lock);
    for (uint32_t i = 0; i < taken; i++) {
        put(to, tasks[i]);
    }
    atomic_store(&to->count, count_of(to) + taken);
    tvn_lock_give(&to->lock);
    return taken;
}
