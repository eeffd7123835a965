/* SPDX-License-Identifier: Apache-2.0 */
#include "component/wasmtime/engine_internal.h"

static wasmtime_memory_t as_memory(const struct tvn_core_memory *image)
{
    wasmtime_memory_t memory;
    memcpy(&memory, image, sizeof(memory));
    return memory;
}

bool tvn_guest_mem_refresh(struct tvn_guest_mem *mem)
{
    if (!mem->context) { /* a memory image in a test */
        return false;
    }
    wasmtime_memory_t memory = as_memory(&mem->memory);
    uint64_t before = mem->size;
    mem->base = wasmtime_memory_data(mem->context, &memory);
    mem->size = wasmtime_memory_data_size(mem->context, &memory);
    return mem->size > before;
}

uint8_t *tvn_guest_mem_at_grown(struct tvn_guest_mem *mem, uint32_t offset, uint64_t length)
{
    bool inside = tvn_guest_mem_refresh(mem) && (uint64_t)offset + length <= mem->size;
    return inside ? mem->base + offset : NULL;
}

void tvn_core_memory_open(const struct tvn_instance *instance, const struct tvn_core_item *item,
                          struct tvn_guest_mem *out_mem)
{
    *out_mem = (struct tvn_guest_mem){.context = instance->context, .memory = item->of.memory};
    (void)tvn_guest_mem_refresh(out_mem);
}

uint64_t tvn_core_memory_bytes(const struct tvn_instance *instance,
                               const struct tvn_core_memory *memory)
{
    wasmtime_memory_t engine_memory = as_memory(memory);
    return wasmtime_memory_data_size(instance->context, &engine_memory);
}
