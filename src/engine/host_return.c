/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "engine/stage_internal.h"

TVN_COLD uint8_t *tvn_host_bad_return_pointer(const struct tvn_call_site *site, uint32_t pointer)
{
    (void)tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED,
                            "return pointer 0x%x of '%s' is out of bounds or misaligned", pointer,
                            site->name);
    return NULL;
}

TVN_COLD const uint8_t *tvn_host_bad_argument(const struct tvn_call_site *site, uint32_t pointer,
                                              uint32_t length)
{
    (void)tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED,
                            "argument of '%s' is out of bounds: %u bytes at 0x%x", site->name,
                            length, pointer);
    return NULL;
}

void *tvn_host_return_bytes(const struct tvn_call_site *site, uint32_t return_pointer,
                            const void *bytes, uint32_t length)
{
    uint32_t offset;
    if (TVN_UNLIKELY(!tvn_site_realloc(site, 1, length, &offset))) {
        return tvn_site_trapped(site);
    }
    /* SAFETY: realloc checked that this many bytes at the offset are inside the memory. */
    tvn_bytes_copy(site->mem->base + offset, bytes, length);
    uint8_t *area = tvn_host_return_area(site, return_pointer, 8, 4);
    if (TVN_UNLIKELY(!area)) {
        return tvn_site_trapped(site);
    }
    tvn_guest_store_u32(area, offset);
    tvn_guest_store_u32(area + 4, length);
    return NULL;
}
