/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:sockets, denied: no socket can be made and no name looked up, so their methods can't be
 * reached. Without a grant the answer is access-denied, and counted; with one it is not-supported.
 */
#include "wasi/context_internal.h"
#include "wasi/value_internal.h"

/* Cases of wasi:sockets/network error-code. */
enum { ERROR_ACCESS_DENIED = 1, ERROR_NOT_SUPPORTED = 2 };
enum { RESULT_ERR = 1 };

#define HOST_NAME_MAX_BYTES 255

/* err(access-denied) or err(not-supported). scope: what the denial is about, may be NULL. */
static enum tvn_status refuse(const struct tvn_call_site *site, bool granted,
                              enum tvn_capability capability, const char *scope,
                              struct tvn_arena *arena, struct tvn_value *out_result)
{
    const struct tvn_wasi *wasi = site->host;
    uint32_t code = ERROR_NOT_SUPPORTED;
    if (!granted) {
        (void)wasi->ops->check(wasi->context, capability, scope); /* counts the denial */
        code = ERROR_ACCESS_DENIED;
    }
    return tvn_wasi_case_of(arena, RESULT_ERR, tvn_wasi_case(code), out_result)
               ? TVN_OK
               : tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
}

static enum tvn_status create_socket(const struct tvn_call_site *site, const struct tvn_value *args,
                                     uint32_t arg_count, struct tvn_arena *arena,
                                     struct tvn_value *out_result)
{
    (void)args;
    (void)arg_count;
    const struct tvn_wasi *wasi = site->host;
    bool granted = tvn_sandbox_has(wasi->sandbox, TVN_CAP_NETWORK_EGRESS) ||
                   tvn_sandbox_has(wasi->sandbox, TVN_CAP_NETWORK_INGRESS);
    return refuse(site, granted, TVN_CAP_NETWORK_EGRESS, NULL, arena, out_result);
}

static enum tvn_status resolve_addresses(const struct tvn_call_site *site,
                                         const struct tvn_value *args, uint32_t arg_count,
                                         struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)arg_count;
    const struct tvn_wasi *wasi = site->host;
    struct tvn_str name = args[1].of.string;
    const char *scope = NULL;
    if (name.len <= HOST_NAME_MAX_BYTES) {
        scope = tvn_arena_strndup(arena, name.ptr, name.len);
        if (!scope) {
            return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
        }
    }
    bool granted = tvn_sandbox_has(wasi->sandbox, TVN_CAP_NETWORK_EGRESS);
    return refuse(site, granted, TVN_CAP_NETWORK_EGRESS, scope, arena, out_result);
}

/* A network is only a word: it allows nothing by itself. */
static void *instance_network(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    const struct tvn_wasi *wasi = site->host;
    TVN_SITE_ENTER(site);
    uint32_t handle = tvn_site_give_own(site, wasi->world->resources[TVN_WASI_NETWORK], 0);
    if (handle == 0) {
        return tvn_site_trapped(site);
    }
    slots[0].u64 = handle;
    return NULL;
}

/* No stream error comes from a socket. */
static enum tvn_status network_error_code(const struct tvn_call_site *site,
                                          const struct tvn_value *args, uint32_t arg_count,
                                          struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)site;
    (void)args;
    (void)arg_count;
    (void)arena;
    *out_result = tvn_wasi_case(0);
    return TVN_OK;
}

static const struct tvn_host_func network_funcs[] = {
    {.name = "network-error-code", .dynamic = network_error_code},
};
static const struct tvn_host_resource network_resources[] = {{.name = "network"}};
static const struct tvn_host_func instance_network_funcs[] = {
    {.name = "instance-network", .raw = instance_network},
};
static const struct tvn_host_func lookup_funcs[] = {
    {.name = "resolve-addresses", .dynamic = resolve_addresses},
};
static const struct tvn_host_resource lookup_resources[] = {{.name = "resolve-address-stream"}};
static const struct tvn_host_resource tcp_resources[] = {{.name = "tcp-socket"}};
static const struct tvn_host_func tcp_create_funcs[] = {
    {.name = "create-tcp-socket", .dynamic = create_socket},
};
static const struct tvn_host_resource udp_resources[] = {
    {.name = "udp-socket"},
    {.name = "incoming-datagram-stream"},
    {.name = "outgoing-datagram-stream"},
};
static const struct tvn_host_func udp_create_funcs[] = {
    {.name = "create-udp-socket", .dynamic = create_socket},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:sockets/network@0.2.12",
     TVN_WASI_FUNCS(network_funcs),
     TVN_WASI_RESOURCES(network_resources)},
    {.id = "wasi:sockets/instance-network@0.2.12", TVN_WASI_FUNCS(instance_network_funcs)},
    {.id = "wasi:sockets/ip-name-lookup@0.2.12",
     TVN_WASI_FUNCS(lookup_funcs),
     TVN_WASI_RESOURCES(lookup_resources),
     .absent = tvn_wasi_no_such_object},
    {.id = "wasi:sockets/tcp@0.2.12",
     TVN_WASI_RESOURCES(tcp_resources),
     .absent = tvn_wasi_no_such_object},
    {.id = "wasi:sockets/tcp-create-socket@0.2.12", TVN_WASI_FUNCS(tcp_create_funcs)},
    {.id = "wasi:sockets/udp@0.2.12",
     TVN_WASI_RESOURCES(udp_resources),
     .absent = tvn_wasi_no_such_object},
    {.id = "wasi:sockets/udp-create-socket@0.2.12", TVN_WASI_FUNCS(udp_create_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_socket_interfaces = {TVN_WASI_LIST(interfaces)};
