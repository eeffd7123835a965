/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:io/error and wasi:io/poll, and the traps and waits that all interfaces share. */
#include "base/clock.h"
#include "base/num.h"
#include "wasi/context_internal.h"
#include "wasi/value_internal.h"

#include <poll.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

/* ---- traps ---- */

/* What tvn_site_trap adds for raw functions: where. */
#define IN_SITE " in %s"

#define DENIED_TEXT "the capability '%s' is not granted"

void *tvn_wasi_trap_denied(const struct tvn_call_site *site, const char *capability)
{
    return tvn_site_trap(site, TVN_E_CAPABILITY_DENIED, DENIED_TEXT, capability);
}

enum tvn_status tvn_wasi_fail_denied(const struct tvn_call_site *site, const char *capability)
{
    return tvn_instance_fail(site->instance, TVN_E_CAPABILITY_DENIED, DENIED_TEXT IN_SITE,
                             capability, site->name);
}

void *tvn_wasi_trap_handle(const struct tvn_call_site *site, uint32_t handle)
{
    return tvn_site_trap(site, TVN_E_NOT_OWNER, "unknown handle index %u", handle);
}

void *tvn_wasi_trap_pointer(const struct tvn_call_site *site)
{
    return tvn_site_trap(site, TVN_E_COMPONENT_TRAPPED,
                         "pointer unaligned or out of bounds of memory");
}

void *tvn_wasi_trap_memory(const struct tvn_call_site *site)
{
    return tvn_site_trap(site, TVN_E_OUT_OF_MEMORY, "out of memory");
}

enum tvn_status tvn_wasi_fail(const struct tvn_call_site *site, enum tvn_status status)
{
    const char *why = "a wait failed";
    if (status == TVN_E_COMPONENT_TIMEOUT) {
        why = "waited until the call's time was up";
    } else if (status == TVN_E_FLOW_CANCELLED) {
        why = "cancelled while it waited";
    } else if (status == TVN_E_OUT_OF_MEMORY) {
        why = "out of memory";
    }
    return tvn_instance_fail(site->instance, status, "%s" IN_SITE, why, site->name);
}

/* ---- waits ---- */

static uint64_t wait_deadline(const struct tvn_wasi *wasi)
{
    if (wasi->ops->deadline_ns) {
        return wasi->ops->deadline_ns(wasi->context);
    }
    uint64_t timeout_ms = wasi->sandbox->invocation_timeout_ms;
    uint64_t now_ns = tvn_clock_monotonic_ns();
    if (timeout_ms == 0 || timeout_ms > (UINT64_MAX - now_ns) / NS_PER_MS) {
        return 0;
    }
    return now_ns + timeout_ms * NS_PER_MS;
}

enum tvn_status tvn_wasi_wait(const struct tvn_wasi *wasi, struct tvn_wasi_pollable *const *items,
                              size_t count, bool *ready, struct pollfd *fds)
{
    struct tvn_wasi_wait_limits limits = {
        .deadline_ns = wait_deadline(wasi),
        .cancel = wasi->cancel,
        .cancel_fd = wasi->cancel_fd,
        .blocking = wasi->blocking,
    };
    return tvn_wasi_pollables_wait(items, count, &limits, ready, fds);
}

enum tvn_status tvn_wasi_wait_stream(const struct tvn_wasi *wasi, struct tvn_byte_stream *stream)
{
    struct tvn_wasi_pollable pollable = {.kind = TVN_WASI_POLLABLE_STREAM, .of.stream = stream};
    struct tvn_wasi_pollable *items[] = {&pollable};
    struct pollfd fds[2];
    bool ready = false;
    return tvn_wasi_wait(wasi, items, 1, &ready, fds);
}

/* ---- wasi:io/poll ---- */

void *tvn_wasi_give_pollable(const struct tvn_call_site *site, struct tvn_wasi_pollable *pollable,
                             union tvn_flat *slots)
{
    struct tvn_wasi *wasi = site->host;
    if (TVN_UNLIKELY(!pollable)) {
        return tvn_wasi_trap_memory(site);
    }
    uint32_t handle = tvn_site_give_own(site, wasi->world->resources[TVN_WASI_POLLABLE],
                                        tvn_wasi_rep_of(pollable));
    if (TVN_UNLIKELY(handle == 0)) {
        tvn_wasi_pollable_release(&wasi->pollables, pollable);
        return tvn_site_trapped(site);
    }
    slots[0].u64 = handle;
    return NULL;
}

static void drop_pollable(void *host, struct tvn_guest *guest, uint64_t rep)
{
    (void)guest;
    struct tvn_wasi *wasi = host;
    tvn_wasi_pollable_release(&wasi->pollables, tvn_wasi_object_of(rep));
}

// HOT PATH.
static void *pollable_ready(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    uint64_t rep;
    TVN_SITE_ENTER(site);
    if (!tvn_wasi_lookup(site, TVN_WASI_POLLABLE, slots[0].u32, &rep)) {
        return tvn_wasi_trap_handle(site, slots[0].u32);
    }
    slots[0].u64 = tvn_wasi_pollable_is_ready(tvn_wasi_object_of(rep));
    return NULL;
}

// HOT PATH.
static void *pollable_block(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    uint64_t rep;
    TVN_SITE_ENTER(site);
    if (!tvn_wasi_lookup(site, TVN_WASI_POLLABLE, slots[0].u32, &rep)) {
        return tvn_wasi_trap_handle(site, slots[0].u32);
    }
    struct tvn_wasi_pollable *items[] = {tvn_wasi_object_of(rep)};
    if (tvn_wasi_pollable_is_ready(items[0])) { /* standard output always is */
        return NULL;
    }
    struct pollfd fds[2];
    bool ready = false;
    enum tvn_status status = tvn_wasi_wait(site->host, items, 1, &ready, fds);
    if (status != TVN_OK) {
        (void)tvn_wasi_fail(site, status);
        return tvn_site_trapped(site);
    }
    return NULL;
}

static enum tvn_status indices_of_ready(const struct tvn_call_site *site, struct tvn_arena *arena,
                                        const bool *ready, uint32_t count,
                                        struct tvn_value *out_result)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += ready[i];
    }
    struct tvn_value list;
    if (!tvn_wasi_items(arena, total, &list)) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (ready[i]) {
            list.of.list.items[used++] = tvn_wasi_u64(i);
        }
    }
    *out_result = list;
    return TVN_OK;
}

// COLD PATH.
static enum tvn_status poll_list(const struct tvn_call_site *site, const struct tvn_value *args,
                                 uint32_t arg_count, struct tvn_arena *arena,
                                 struct tvn_value *out_result)
{
    (void)arg_count;
    uint32_t count = args[0].of.list.count;
    if (count == 0) {
        return tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED,
                                 "the list of pollables is empty" IN_SITE, site->name);
    }
    if (count > TVN_HANDLES_MAX) {
        return tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED,
                                 "%u pollables, more than %d" IN_SITE, count, TVN_HANDLES_MAX,
                                 site->name);
    }
    struct tvn_wasi_pollable **items = TVN_ARENA_ARRAY(arena, struct tvn_wasi_pollable *, count);
    struct pollfd *fds = TVN_ARENA_ARRAY(arena, struct pollfd, (size_t)count + 1);
    bool *ready = TVN_ARENA_ARRAY(arena, bool, count);
    if (!items || !fds || !ready) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    for (uint32_t i = 0; i < count; i++) {
        items[i] = tvn_wasi_object_of(args[0].of.list.items[i].of.handle.rep);
    }
    enum tvn_status status = tvn_wasi_wait(site->host, items, count, ready, fds);
    if (status != TVN_OK) {
        return tvn_wasi_fail(site, status);
    }
    return indices_of_ready(site, arena, ready, count, out_result);
}

/* ---- wasi:io/error ---- */

// COLD PATH. An error's rep is an errno.
static enum tvn_status error_to_debug_string(const struct tvn_call_site *site,
                                             const struct tvn_value *args, uint32_t arg_count,
                                             struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)arg_count;
    char buffer[128];
    const char *text =
        strerror_r(tvn_wasi_error_number(args[0].of.handle.rep), buffer, sizeof(buffer));
    struct tvn_str copy = tvn_arena_str(arena, tvn_str_of(text));
    if (!copy.ptr) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    *out_result = tvn_wasi_string(copy);
    return TVN_OK;
}

static const struct tvn_host_func error_funcs[] = {
    {.name = "[method]error.to-debug-string", .dynamic = error_to_debug_string},
};
static const struct tvn_host_resource error_resources[] = {{.name = "error"}};

static const struct tvn_host_func poll_funcs[] = {
    {.name = "[method]pollable.ready", .raw = pollable_ready},
    {.name = "[method]pollable.block", .raw = pollable_block},
    {.name = "poll", .dynamic = poll_list},
};
static const struct tvn_host_resource poll_resources[] = {
    {.name = "pollable", .drop = drop_pollable},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:io/error@0.2.12",
     TVN_WASI_FUNCS(error_funcs),
     TVN_WASI_RESOURCES(error_resources)},
    {.id = "wasi:io/poll@0.2.12", TVN_WASI_FUNCS(poll_funcs), TVN_WASI_RESOURCES(poll_resources)},
};
const struct tvn_wasi_interfaces tvn_wasi_poll_interfaces = {TVN_WASI_LIST(interfaces)};
