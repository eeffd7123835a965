/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets: network and instance-network, and what tcp and udp have in common. */
#include "base/num.h"
#include "wasi/sockets_internal.h"

/* Sockets are told apart from pollables by their type alone: a waitable is their first field. */
void tvn_net_drop_waitable(void *host, struct tvn_guest *guest, uint64_t rep)
{
    (void)host;
    (void)guest;
    tvn_wasi_waitable_unref(tvn_wasi_object_of(rep));
}

enum tvn_status tvn_net_subscribe(const struct tvn_call_site *site,
                                  struct tvn_wasi_waitable *waitable, struct tvn_value *out_result)
{
    struct tvn_wasi *wasi = site->host;
    struct tvn_wasi_pollable *pollable = tvn_wasi_pollable_waitable(&wasi->pollables, waitable);
    if (!pollable) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    *out_result =
        tvn_wasi_handle(wasi->world->resources[TVN_WASI_POLLABLE], tvn_wasi_rep_of(pollable));
    return TVN_OK;
}

/* ---- options ---- */

int tvn_net_buffer_size_get(struct tvn_wasi_call *call, int fd, int name)
{
    int bytes = 0;
    int error = tvn_net_option_get(fd, (struct tvn_net_option){SOL_SOCKET, name}, &bytes);
    if (error == 0) {
        tvn_wasi_call_return(call, tvn_wasi_u64((uint64_t)bytes / 2));
    }
    return error;
}

int tvn_net_buffer_size_set(const struct tvn_wasi_call *call, int fd, int name)
{
    uint64_t bytes = call->args[1].of.u;
    if (bytes == 0) {
        return EINVAL;
    }
    /* The kernel clamps to what the system allows. */
    return tvn_net_option_set(fd, (struct tvn_net_option){SOL_SOCKET, name},
                              (int)tvn_min(bytes, (uint64_t)INT_MAX / 2));
}

static struct tvn_net_option hop_limit_of(sa_family_t family)
{
    return family == AF_INET ? (struct tvn_net_option){IPPROTO_IP, IP_TTL}
                             : (struct tvn_net_option){IPPROTO_IPV6, IPV6_UNICAST_HOPS};
}

int tvn_net_hop_limit_get(struct tvn_wasi_call *call, int fd, sa_family_t family)
{
    int hops = 0;
    int error = tvn_net_option_get(fd, hop_limit_of(family), &hops);
    if (error == 0) {
        tvn_wasi_call_return(call, tvn_wasi_u64((uint8_t)hops));
    }
    return error;
}

int tvn_net_hop_limit_set(const struct tvn_wasi_call *call, int fd, sa_family_t family)
{
    uint64_t hops = call->args[1].of.u;
    return hops == 0 ? EINVAL : tvn_net_option_set(fd, hop_limit_of(family), (int)hops);
}

typedef int (*name_func)(int fd, struct sockaddr *address, socklen_t *length);

static int return_address(struct tvn_wasi_call *call, int fd, name_func name_of)
{
    union tvn_socket_address address;
    socklen_t length = sizeof(address);
    if (name_of(fd, &address.any, &length) != 0) {
        return errno;
    }
    call->has_value = tvn_wasi_address_value(call->arena, &address, call->value);
    return call->has_value ? 0 : ENOMEM;
}

int tvn_net_return_local(struct tvn_wasi_call *call, int fd)
{
    return return_address(call, fd, getsockname);
}

int tvn_net_return_remote(struct tvn_wasi_call *call, int fd)
{
    return return_address(call, fd, getpeername);
}

/* ---- network ---- */

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

/* Only errors of streams over sockets are the network's. */
static enum tvn_status network_error_code(const struct tvn_call_site *site,
                                          const struct tvn_value *args, uint32_t arg_count,
                                          struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)arg_count;
    uint64_t error = args[0].of.handle.rep;
    if (tvn_wasi_error_origin(error) != TVN_BYTE_STREAM_SOCKET) {
        *out_result = tvn_wasi_case(0);
        return TVN_OK;
    }
    struct tvn_value code = tvn_wasi_case(tvn_wasi_network_code(tvn_wasi_error_number(error)));
    return tvn_wasi_case_of(arena, 1, code, out_result) ? TVN_OK
                                                        : tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
}

static const struct tvn_host_func network_funcs[] = {
    {.name = "network-error-code", .dynamic = network_error_code},
};
static const struct tvn_host_resource network_resources[] = {{.name = "network"}};
static const struct tvn_host_func instance_network_funcs[] = {
    {.name = "instance-network", .raw = instance_network},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:sockets/network@0.2.12",
     TVN_WASI_FUNCS(network_funcs),
     TVN_WASI_RESOURCES(network_resources)},
    {.id = "wasi:sockets/instance-network@0.2.12", TVN_WASI_FUNCS(instance_network_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_socket_interfaces = {TVN_WASI_LIST(interfaces)};
