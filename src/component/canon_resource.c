/* SPDX-License-Identifier: Apache-2.0 */
/* resource.new, resource.rep and resource.drop, and what handle misuse is called. */
#include "base/assert.h"
#include "component/instance_internal.h"

#include <inttypes.h>

static const char *resource_name(const struct tvn_resource_rt *type)
{
    return type && type->name && type->name[0] != '\0' ? type->name : "resource";
}

enum tvn_status tvn_guest_bad_handle(struct tvn_guest *guest, const struct tvn_resource_rt *type,
                                     uint32_t index)
{
    if (index >= guest->handles.count || !guest->handles.items[index].type) {
        return tvn_instance_fail(guest->instance, TVN_E_NOT_OWNER, "unknown handle index %" PRIu32,
                                 index);
    }
    return tvn_instance_fail(
        guest->instance, TVN_E_NOT_OWNER,
        "handle index %" PRIu32 " used with the wrong type, expected '%s' but found '%s'", index,
        resource_name(type), resource_name(guest->handles.items[index].type));
}

static enum tvn_status still_lent(struct tvn_guest *guest, const struct tvn_resource_rt *type,
                                  uint32_t index)
{
    return tvn_instance_fail(guest->instance, TVN_E_BORROWS_OUTSTANDING,
                             "cannot remove owned resource while borrowed: handle index %" PRIu32
                             " ('%s')",
                             index, resource_name(type));
}

enum tvn_status tvn_guest_refuse_own(struct tvn_guest *guest, const struct tvn_resource_rt *type,
                                     uint32_t index)
{
    const struct tvn_handle *handle = tvn_handle_find(&guest->handles, index, type);
    if (!handle) {
        return tvn_guest_bad_handle(guest, type, index);
    }
    if (!handle->own) {
        return tvn_instance_fail(guest->instance, TVN_E_COMPONENT_TRAPPED,
                                 "handle index %" PRIu32 " is a borrow, '%s' must be owned", index,
                                 resource_name(type));
    }
    tvn_assert(handle->lends > 0);
    return still_lent(guest, type, index);
}

void tvn_guest_borrow_dropped(struct tvn_guest *guest, uint32_t scope)
{
    if (TVN_LIKELY(scope == guest->scope)) {
        tvn_assert(guest->scope_borrows > 0);
        guest->scope_borrows--;
        return;
    }
    for (struct tvn_outer_call *call = guest->outer_call; call; call = call->outer) {
        if (call->scope == scope) {
            tvn_assert(call->scope_borrows > 0);
            call->scope_borrows--;
            return;
        }
    }
    tvn_unreachable(); /* a call that has ended leaves no borrows behind */
}

void *tvn_resource_new_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_resource_site *site = env;
    TVN_SITE_ENTER(&site->site);
    uint32_t index = tvn_site_give_own(&site->site, site->type, slots[0].u32);
    if (index == 0) {
        return tvn_site_trapped(&site->site);
    }
    slots[0].u64 = index;
    return NULL;
}

void *tvn_resource_rep_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_resource_site *site = env;
    struct tvn_guest *guest = site->site.guest;
    const struct tvn_handle *handle = tvn_handle_find(&guest->handles, slots[0].u32, site->type);
    if (!handle) {
        tvn_guest_bad_handle(guest, site->type, slots[0].u32);
        return tvn_site_trapped(&site->site);
    }
    slots[0].u64 = (uint32_t)handle->rep;
    return NULL;
}

/* The destructor runs in the component instance that defined the resource, as a call into it. */
static bool run_destructor(struct tvn_instance *instance, const struct tvn_resource_rt *type,
                           const struct tvn_guest *from, uint64_t rep)
{
    struct tvn_outer_call frame;
    if (!tvn_guest_enter(type->guest, from, &frame)) {
        return false;
    }
    if (type->has_destructor) {
        union tvn_flat slots[1] = {{.u64 = (uint32_t)rep}};
        if (tvn_core_call(instance, &type->destructor, slots, 1) != TVN_OK) {
            return false;
        }
    }
    tvn_guest_leave(type->guest, from, &frame);
    return true;
}

enum tvn_status tvn_instance_drop_resource(struct tvn_instance *instance,
                                           const struct tvn_resource_rt *type, uint64_t rep)
{
    tvn_assert(instance);
    tvn_assert(type);
    if (!type->guest) {
        if (type->drop) {
            type->drop(instance->contexts[type->context], &instance->root->guest, rep);
        }
        return TVN_OK;
    }
    tvn_assert(type->guest->instance == instance);
    if (instance->dead) {
        return instance->fault.code;
    }
    instance->ticks_in_call = 0;
    return run_destructor(instance, type, NULL, rep) ? TVN_OK : instance->fault.code;
}

TVN_COLD static void *refuse_drop(const struct tvn_resource_site *site, uint32_t index)
{
    struct tvn_guest *guest = site->site.guest;
    if (tvn_handle_find(&guest->handles, index, site->type)) {
        still_lent(guest, site->type, index);
    } else {
        tvn_guest_bad_handle(guest, site->type, index);
    }
    return tvn_site_trapped(&site->site);
}

static TVN_NOINLINE void *drop_of_guest(const struct tvn_resource_site *site, uint64_t rep)
{
    return run_destructor(site->site.instance, site->type, site->site.guest, rep)
               ? NULL
               : tvn_site_trapped(&site->site);
}

static TVN_NOINLINE void *drop_own(const struct tvn_resource_site *site, uint64_t rep)
{
    const struct tvn_resource_rt *type = site->type;
    if (type->guest) {
        return drop_of_guest(site, rep);
    }
    if (type->drop) {
        type->drop(site->site.host, site->site.guest, rep);
    }
    return NULL;
}

static TVN_NOINLINE void *drop_outer_borrow(struct tvn_guest *guest, uint32_t scope)
{
    tvn_guest_borrow_dropped(guest, scope);
    return NULL;
}

void *tvn_resource_drop_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_resource_site *site = env;
    TVN_SITE_ENTER(&site->site);
    struct tvn_guest *guest = site->site.guest;
    uint32_t index = slots[0].u32;
    struct tvn_handle *handle = tvn_handle_find(&guest->handles, index, site->type);
    if (TVN_UNLIKELY(!handle || handle->lends > 0)) {
        return refuse_drop(site, index);
    }
    uint64_t rep = handle->rep;
    uint32_t scope = handle->scope;
    bool own = handle->own;
    tvn_handle_remove(&guest->handles, handle);
    if (own) {
        return drop_own(site, rep);
    }
    if (TVN_UNLIKELY(scope != guest->scope)) {
        return drop_outer_borrow(guest, scope);
    }
    tvn_assert(guest->scope_borrows > 0);
    guest->scope_borrows--;
    return NULL;
}
