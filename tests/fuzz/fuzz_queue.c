/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of operations on a queue against a model that is a plain list. Three bytes say how
 * large the queue is (elements, bytes, low mark); each further byte is one operation and the size
 * of its element. After every operation count, bytes, order and throttling are what the model says.
 */
#include "reactor/queue.h"

#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(condition)                                                  \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

struct model {
    struct {
        uint64_t sequence;
        uint32_t bytes;
    } list[CAPACITY_MAX];
    uint32_t count;
    uint64_t bytes;
    bool throttled;
};

static struct tvn_queue queue;
static struct model model;
static uint32_t capacity;
static uint64_t max_bytes; /* 0: no limit */
static double ratio;

static void check(void)
{
    require(queue.count == model.count);
    require(queue.throttled == model.throttled);
    require(tvn_queue_is_full(&queue) == (model.count == capacity));
    require(max_bytes == 0 || queue.bytes == model.bytes);
    require(max_bytes == 0 || model.count <= 1 || model.bytes <= max_bytes);
    require((tvn_queue_front(&queue) != NULL) == (model.count > 0));
    for (uint32_t i = 0; i < model.count; i++) {
        require(queue.slots[(queue.head + i) % capacity].sequence == model.list[i].sequence);
    }
    if (model.count == capacity || (max_bytes > 0 && model.bytes >= max_bytes)) {
        require(queue.throttled);
    }
    if (model.count == 0) {
        require(!queue.throttled);
    }
}

static bool fits(uint32_t bytes)
{
    return model.count < capacity &&
           (max_bytes == 0 || model.count == 0 || model.bytes + bytes <= max_bytes);
}

static void append(uint64_t sequence, uint32_t bytes)
{
    require(tvn_queue_fits(&queue, bytes) == fits(bytes));
    if (!fits(bytes)) {
        struct tvn_element element = {.sequence = sequence};
        require(model.count < capacity || tvn_queue_push(&queue, &element) == TVN_FULL);
        return;
    }
    *tvn_queue_next_slot(&queue) = (struct tvn_element){.sequence = sequence};
    tvn_queue_commit_sized(&queue, bytes);
    model.list[model.count].sequence = sequence;
    model.list[model.count++].bytes = bytes;
    model.bytes += bytes;
    model.throttled |= model.count == capacity || (max_bytes > 0 && model.bytes >= max_bytes);
}

/* All slots that lie in a row, as FLUSH fills them. Only without a limit in bytes. */
static void append_row(uint64_t sequence)
{
    uint32_t count = tvn_queue_slots_in_a_row(&queue);
    require(count <= capacity - model.count && (count > 0) == (model.count < capacity));
    struct tvn_element *slots = count > 0 ? tvn_queue_next_slot(&queue) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        require(tvn_queue_next_slot(&queue) == &slots[i]);
        append(sequence + i, 0);
    }
}

static void pop(void)
{
    if (model.count == 0) {
        return;
    }
    model.bytes -= model.list[0].bytes;
    model.count--;
    for (uint32_t i = 0; i < model.count; i++) {
        model.list[i] = model.list[i + 1];
    }
    bool few = (double)model.count <= ratio * (double)capacity && model.count < capacity;
    bool light = max_bytes == 0 ||
                 (model.bytes < max_bytes && (uint64_t)(ratio * (double)max_bytes) >= model.bytes);
    model.throttled = model.throttled && !(few && light);
    if (max_bytes > 0) {
        tvn_queue_pop_sized(&queue);
    } else {
        tvn_queue_pop(&queue);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    capacity = 1 + data[0] % CAPACITY_MAX;
    max_bytes = data[1];
    ratio = (double)data[2] / 255.0;
    model = (struct model){0};
    require(tvn_queue_init(&queue, capacity, ratio) == TVN_OK);
    require(max_bytes == 0 || tvn_queue_limit_bytes(&queue, max_bytes, ratio) == TVN_OK);
    for (size_t i = 3; i < size; i++) {
        uint32_t bytes = (uint32_t)(data[i] >> 2) * (uint32_t)(data[i] >> 2) / 8; /* 0 to 496 */
        switch (data[i] & 3) {
        case 0:
        case 1:
            append(i * 100, bytes);
            break;
        case 2:
            pop();
            break;
        default:
            if (max_bytes == 0 && data[i] >> 2 == 0) {
                append_row(i * 100);
            } else {
                pop();
            }
            break;
        }
        check();
    }
    while (model.count > 0) {
        pop();
        check();
    }
    tvn_queue_deinit(&queue);
    return 0;
}
