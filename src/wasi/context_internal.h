/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the interfaces share: the world, the context of an instance, and the few steps that every
 * raw host function takes (own handle, result pointer, trap).
 *
 * A host function's site->host is the struct tvn_wasi of its instance.
 */
#include "component/host.h"
#include "component/instance.h"
#include "wasi/console_internal.h"
#include "wasi/file_internal.h"
#include "wasi/pollable_internal.h"
#include "wasi/wasi.h"

enum tvn_wasi_resource {
    TVN_WASI_ERROR,
    TVN_WASI_POLLABLE,
    TVN_WASI_INPUT_STREAM,
    TVN_WASI_OUTPUT_STREAM,
    TVN_WASI_DESCRIPTOR,
    TVN_WASI_DIRECTORY_ENTRY_STREAM,
    TVN_WASI_NETWORK,
    TVN_WASI_RESOLVE_ADDRESS_STREAM,
    TVN_WASI_TCP_SOCKET,
    TVN_WASI_UDP_SOCKET,
    TVN_WASI_INCOMING_DATAGRAM_STREAM,
    TVN_WASI_OUTGOING_DATAGRAM_STREAM,
    TVN_WASI_RESOURCE_COUNT, /* the terminals have no instances */
};

struct tvn_wasi_world {
    struct tvn_wit *wit;
    const struct tvn_resource_rt *resources[TVN_WASI_RESOURCE_COUNT];
};

struct tvn_wasi {
    const struct tvn_wasi_world *world;
    const struct tvn_sandbox *sandbox;
    const struct tvn_wasi_ops *ops;
    void *context;
    char *argument; /* NULL: none */
    const char *const *environment;
    const _Atomic int *cancel;
    int cancel_fd;
    const struct tvn_blocking *blocking;
    uint64_t origin_ns; /* the guest's monotonic clock starts here: uptime is not its business */
    struct tvn_wasi_console consoles[2]; /* by enum tvn_wasi_stream_kind */
    struct tvn_wasi_stdin input;
    struct tvn_wasi_pollables pollables;
    struct tvn_wasi_preopens preopens;
    uint32_t descriptor_count;    /* files, listings, sockets and lookups */
    struct tvn_wasi_names *names; /* NULL until a name was looked up */
    tvn_wasi_resolve resolve;
    void *resolve_context;
};

/* One interface: its functions and resources, as tvn_imports_add takes them. */
struct tvn_wasi_interface {
    const char *id;
    const struct tvn_host_func *funcs;
    size_t func_count;
    const struct tvn_host_resource *resources;
    size_t resource_count;
};
#define TVN_WASI_FUNCS(array)     .funcs = (array), .func_count = TVN_ARRAY_LEN(array)
#define TVN_WASI_RESOURCES(array) .resources = (array), .resource_count = TVN_ARRAY_LEN(array)
#define TVN_WASI_LIST(array)      (array), TVN_ARRAY_LEN(array)

struct tvn_wasi_interfaces {
    const struct tvn_wasi_interface *items;
    size_t count;
};
extern const struct tvn_wasi_interfaces tvn_wasi_poll_interfaces; /* error, poll */
extern const struct tvn_wasi_interfaces tvn_wasi_stream_interfaces;
extern const struct tvn_wasi_interfaces tvn_wasi_clock_interfaces;
extern const struct tvn_wasi_interfaces tvn_wasi_random_interfaces;
extern const struct tvn_wasi_interfaces tvn_wasi_cli_interfaces;
extern const struct tvn_wasi_interfaces tvn_wasi_filesystem_interfaces;
extern const struct tvn_wasi_interfaces tvn_wasi_socket_interfaces;

/* ---- steps of host functions ---- */

static inline bool tvn_wasi_check(const struct tvn_wasi *wasi, enum tvn_capability capability)
{
    return wasi->ops->check(wasi->context, capability, NULL);
}

// COLD PATH. The traps, with texts that name the function.
TVN_COLD void *tvn_wasi_trap_denied(const struct tvn_call_site *site, const char *capability);
TVN_COLD void *tvn_wasi_trap_handle(const struct tvn_call_site *site, uint32_t handle);
TVN_COLD void *tvn_wasi_trap_pointer(const struct tvn_call_site *site);
TVN_COLD void *tvn_wasi_trap_memory(const struct tvn_call_site *site);
/* For dynamic functions, and before tvn_site_trapped: a wait that ended early (cancelled, out of
 * time, refused by the kernel), memory exhausted. Returns status. */
TVN_COLD enum tvn_status tvn_wasi_fail(const struct tvn_call_site *site, enum tvn_status status);
TVN_COLD enum tvn_status tvn_wasi_fail_denied(const struct tvn_call_site *site,
                                              const char *capability);
// HOT PATH. What a handle of the guest stands for; false for a wrong one.
static inline bool tvn_wasi_lookup(const struct tvn_call_site *site,
                                   enum tvn_wasi_resource resource, uint32_t handle,
                                   uint64_t *out_rep)
{
    const struct tvn_wasi *wasi = site->host;
    const struct tvn_handle *found =
        tvn_handle_find(&site->guest->handles, handle, wasi->world->resources[resource]);
    if (TVN_UNLIKELY(!found)) {
        return false;
    }
    *out_rep = found->rep;
    return true;
}

// HOT PATH. Where a raw function's result goes; NULL when the guest's pointer is bad.
static inline uint8_t *tvn_wasi_result_at(const struct tvn_call_site *site, uint32_t offset,
                                          uint32_t alignment, uint32_t length)
{
    if (TVN_UNLIKELY(!site->mem || offset % alignment != 0)) {
        return NULL;
    }
    return tvn_guest_mem_at(site->mem, offset, length);
}

/* The rep of a wasi:io error: the errno, and whose stream failed. */
static inline uint64_t tvn_wasi_error_of(const struct tvn_byte_stream *stream)
{
    return (uint64_t)stream->origin << 32 | (unsigned)stream->error;
}
static inline int tvn_wasi_error_number(uint64_t rep)
{
    return (int)(uint32_t)rep;
}
static inline enum tvn_byte_stream_origin tvn_wasi_error_origin(uint64_t rep)
{
    return (enum tvn_byte_stream_origin)(rep >> 32);
}

/* A rep that is a pointer. SAFETY: only host functions make reps, so it points to what was given.
 */
static inline uint64_t tvn_wasi_rep_of(const void *object)
{
    return (uint64_t)(uintptr_t)object;
}
static inline void *tvn_wasi_object_of(uint64_t rep)
{
    return (void *)(uintptr_t)rep;
}

// WARM PATH. A handle for a new pollable (NULL: no memory) in slots[0]; takes the pollable.
void *tvn_wasi_give_pollable(const struct tvn_call_site *site, struct tvn_wasi_pollable *pollable,
                             union tvn_flat *slots);
/* WARM PATH. Waits as a guest's call may. */
TVN_NODISCARD enum tvn_status tvn_wasi_wait(const struct tvn_wasi *wasi,
                                            struct tvn_wasi_pollable *const *items, size_t count,
                                            bool *ready, struct pollfd *fds);
TVN_NODISCARD enum tvn_status tvn_wasi_wait_stream(const struct tvn_wasi *wasi,
                                                   struct tvn_byte_stream *stream);
