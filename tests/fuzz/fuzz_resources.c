/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of operations on buffers against a model: two magazines, three owners with budgets,
 * small pools, a fallback or an error when they are empty. Each byte pair is one operation and its
 * operand. After every operation the buffer, the budgets and every id ever seen are what the model
 * says.
 */
#include "resources/resources.h"

#include <stdio.h>
#include <stdlib.h>

#define LIVE_MAX 24
#define OLD_MAX  64
#define OWNERS   3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(condition)                                                  \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

/* What a buffer ought to be. */
struct model {
    struct tvn_buffer *buffer;
    struct tvn_buffer_id id;
    tvn_owner owner;
    uint32_t capacity;
    uint32_t length;
    unsigned borrows;
    unsigned holders;
    bool frozen;
    uint8_t last_byte; /* at length - 1 */
};

static struct tvn_resources *resources;
static struct tvn_magazine *magazines[2];
static struct tvn_budget budgets[OWNERS];
static uint64_t charged[OWNERS];
static struct model live[LIVE_MAX];
static unsigned live_count;
static struct tvn_buffer_id old[OLD_MAX]; /* must be stale */
static unsigned old_count;

static void remember_old(struct tvn_buffer_id id)
{
    old[old_count++ % OLD_MAX] = id;
}

static struct tvn_budget *budget_of(tvn_owner owner)
{
    return owner == TVN_OWNER_HOST ? NULL : &budgets[owner];
}

static void acquire(uint8_t operand)
{
    static const uint64_t sizes[] = {0,     1,     256,     257,     4096,   5000,
                                     65536, 65537, 1048577, 2000000, 2000001};
    uint64_t wanted = sizes[operand % TVN_ARRAY_LEN(sizes)];
    tvn_owner owner = (operand >> 4) % OWNERS;
    struct tvn_magazine *magazine = magazines[operand >> 7];
    struct tvn_buffer *buffer = NULL;
    enum tvn_status status = tvn_buffer_acquire(magazine, wanted, owner, budget_of(owner), &buffer);
    if (wanted > 2000000) {
        require(status == TVN_E_CAPACITY_EXCEEDED);
        return;
    }
    if (status != TVN_OK) {
        require(status == TVN_E_BUDGET_EXCEEDED || status == TVN_E_POOL_EXHAUSTED);
        require(!buffer);
        return;
    }
    require(buffer->capacity >= wanted && buffer->length == 0);
    if (live_count == LIVE_MAX) {
        struct tvn_buffer_id id = tvn_buffer_id_of(buffer);
        tvn_buffer_release(magazine, buffer);
        remember_old(id);
        return;
    }
    charged[owner] += owner == TVN_OWNER_HOST ? 0 : buffer->capacity;
    live[live_count++] = (struct model){
        .buffer = buffer,
        .id = tvn_buffer_id_of(buffer),
        .owner = owner,
        .capacity = buffer->capacity,
        .holders = 1,
    };
}

static void release(struct model *model, uint8_t operand)
{
    enum tvn_status status = tvn_buffer_may_release(model->buffer);
    require(status == (model->borrows ? TVN_E_BORROWS_OUTSTANDING : TVN_OK));
    if (status != TVN_OK && model->holders == 1) {
        return;
    }
    tvn_buffer_release(magazines[operand >> 7], model->buffer);
    if (--model->holders > 0) {
        return;
    }
    remember_old(model->id);
    charged[model->owner] -= model->owner == TVN_OWNER_HOST ? 0 : model->capacity;
    *model = live[--live_count];
}

static void transfer(struct model *model, uint8_t operand)
{
    tvn_owner from = (operand >> 4) % OWNERS;
    tvn_owner to = (operand >> 6) % OWNERS;
    enum tvn_status status = tvn_buffer_transfer(model->buffer, from, to, budget_of(to));
    if (from != model->owner) {
        require(status == TVN_E_NOT_OWNER);
    } else if (model->borrows > 0) {
        require(status == TVN_E_BORROWS_OUTSTANDING);
    } else if (status == TVN_OK) {
        charged[from] -= from == TVN_OWNER_HOST ? 0 : model->capacity;
        charged[to] += to == TVN_OWNER_HOST ? 0 : model->capacity;
        model->owner = to;
    } else {
        require(status == TVN_E_BUDGET_EXCEEDED && to != TVN_OWNER_HOST && to != from);
        require(charged[to] + model->capacity > budgets[to].max_bytes);
    }
}

static void freeze(struct model *model)
{
    enum tvn_status status = tvn_buffer_freeze(model->buffer);
    if (model->frozen) {
        require(status == TVN_E_STALE_HANDLE);
    } else if (model->borrows > 0) {
        require(status == TVN_E_BORROWS_OUTSTANDING);
    } else {
        require(status == TVN_OK);
        model->frozen = true;
        remember_old(model->id);
        model->id = tvn_buffer_id_of(model->buffer);
    }
}

static void write_bytes(struct model *model, uint8_t operand)
{
    static const uint8_t bytes[4097] = {1, 2, 3};
    static const size_t sizes[] = {0, 1, 255, 256, 4096, 4097};
    size_t size = sizes[operand % TVN_ARRAY_LEN(sizes)];
    uint64_t offset = operand & 0x40 ? model->length : operand & 0x80 ? 0 : model->length / 2 + 1;
    enum tvn_status status = tvn_buffer_write(model->buffer, offset, bytes, size);
    if (model->frozen) {
        require(status == TVN_E_STALE_HANDLE);
    } else if (offset > model->length) {
        require(status == TVN_NOT_FOUND);
    } else if (offset + size > model->capacity) {
        require(status == TVN_E_CAPACITY_EXCEEDED);
    } else {
        require(status == TVN_OK);
        if (size > 0 && offset + size >= model->length) {
            model->last_byte = bytes[size - 1];
        }
        model->length = offset + size > model->length ? (uint32_t)(offset + size) : model->length;
    }
}

static void borrow(struct model *model, bool begin)
{
    if (begin && model->borrows < 100) {
        tvn_buffer_borrow(model->buffer);
        model->borrows++;
    } else if (!begin && model->borrows > 0) {
        tvn_buffer_end_borrow(model->buffer);
        model->borrows--;
    }
}

static void hold(struct model *model)
{
    if (model->holders < 100) {
        require(tvn_buffer_hold(model->buffer) == TVN_OK);
        model->holders++;
    }
}

static void check(void)
{
    struct tvn_buffer *found = NULL;
    for (unsigned i = 0; i < live_count; i++) {
        const struct model *model = &live[i];
        const struct tvn_buffer *buffer = model->buffer;
        require(tvn_magazine_find(magazines[0], model->id, &found) == TVN_OK && found == buffer);
        require(buffer->owner == model->owner && buffer->length == model->length);
        require(buffer->borrows == model->borrows && buffer->holders == model->holders);
        require(buffer->frozen == model->frozen && buffer->capacity == model->capacity);
        require(buffer->state == (model->borrows ? TVN_BUFFER_BORROWED : TVN_BUFFER_OWNED));
        require(model->length == 0 || buffer->bytes[model->length - 1] == model->last_byte);
    }
    for (unsigned i = 0; i < OLD_MAX && i < old_count; i++) {
        require(tvn_buffer_find(resources, old[i], &found) == TVN_E_STALE_HANDLE);
    }
    for (unsigned i = 1; i < OWNERS; i++) {
        require(budgets[i].used_bytes == charged[i]);
        require(charged[i] <= budgets[i].max_bytes);
    }
    require(tvn_resources_live_count(resources) == live_count);
}

static void operate(uint8_t operation, uint8_t operand)
{
    if (operation % 8 < 2 || live_count == 0) {
        acquire(operand);
        return;
    }
    struct model *model = &live[operand % live_count];
    switch (operation % 8) {
    case 2:
        release(model, operand);
        break;
    case 3:
        transfer(model, operand);
        break;
    case 4:
        freeze(model);
        break;
    case 5:
        write_bytes(model, operation ^ operand);
        break;
    case 6:
        borrow(model, operation & 0x80);
        break;
    default:
        hold(model);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct tvn_resources_options options = {
        .pool_sizes = {3, 2, 2, 1},
        .exhaustion_policy = data[0] & 1 ? TVN_EXHAUSTION_ERROR : TVN_EXHAUSTION_FALLBACK_ALLOC,
        .max_buffer_bytes = 2000000,
    };
    require(tvn_resources_create(&options, &resources) == TVN_OK);
    for (unsigned i = 0; i < 2; i++) {
        magazines[i] = tvn_magazine_create(resources);
        require(magazines[i]);
    }
    budgets[1] = (struct tvn_budget){.max_bytes = 5000};
    budgets[2] = (struct tvn_budget){.max_bytes = 3000000};
    memset(charged, 0, sizeof(charged));
    live_count = 0;
    old_count = 0;

    for (size_t i = 1; i + 1 < size && i < 4096; i += 2) {
        operate(data[i], data[i + 1]);
        check();
    }

    while (live_count > 0) {
        while (live[0].borrows > 0) {
            borrow(&live[0], false);
        }
        release(&live[0], (uint8_t)(live_count << 7));
    }
    check();
    for (unsigned i = 0; i < 2; i++) {
        tvn_magazine_destroy(magazines[i]);
    }
    tvn_resources_destroy(resources);
    return 0;
}
