/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "engine/stage_internal.h"

uint8_t *tvn_host_return_area(const struct tvn_call_site *site, uint32_t pointer, uint32_t size,
                              uint32_t alignment)
{
    tvn_debug_assert(site->mem);
    uint8_t *at =
        (pointer & (alignment - 1)) == 0 ? tvn_guest_mem_at(site->mem, pointer, size) : NULL;
    if (TVN_UNLIKELY(!at)) {
        (void)tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED,
                                "return pointer 0x%x of '%s' is out of bounds or misaligned",
                                pointer, site->name);
    }
    return at;
}

const uint8_t *tvn_host_argument(const struct tvn_call_site *site, uint32_t pointer,
                                 uint32_t length)
{
    const uint8_t *at = tvn_guest_mem_at(site->mem, pointer, length);
    if (TVN_UNLIKELY(!at)) {
        (void)tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED,
                                "argument of '%s' is out of bounds: %u bytes at 0x%x", site->name,
                                length, pointer);
    }
    return at;
}

void *tvn_host_return_bytes(const struct tvn_call_site *site, uint32_t return_pointer,
                            const void *bytes, uint32_t length)
{
    uint32_t offset;
    if (TVN_UNLIKELY(!tvn_site_realloc(site, 1, length, &offset))) {
        return tvn_site_trapped(site);
    }
    if (length > 0) {
        /* tvn_site_realloc checked the bounds. */
        memcpy(tvn_guest_mem_at(site->mem, offset, length), bytes, length);
    }
    uint8_t *area = tvn_host_return_area(site, return_pointer, 8, 4);
    if (TVN_UNLIKELY(!area)) {
        return tvn_site_trapped(site);
    }
    tvn_guest_store_u32(area, offset);
    tvn_guest_store_u32(area + 4, length);
    return NULL;
}
