/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets/ip-name-lookup: the ABI over lookup_internal.h. */
#include "wasi/lookup_internal.h"
#include "wasi/sockets_internal.h"

TVN_NET_METHOD(resolve_addresses)
{
    struct tvn_lookup *lookup = NULL;
    if (!tvn_sandbox_has(call->wasi->sandbox, TVN_CAP_NETWORK_EGRESS)) {
        /* Names included that are none: who may not ask learns nothing. */
        char *name = tvn_arena_strndup(call->arena, call->args[1].of.string.ptr,
                                       call->args[1].of.string.len);
        (void)call->wasi->ops->check(call->wasi->context, TVN_CAP_NETWORK_EGRESS,
                                     name && name[0] ? name : NULL);
        return EACCES;
    }
    int error = tvn_lookup_create(call->wasi, call->args[1].of.string, &lookup);
    if (error == 0) {
        tvn_wasi_call_return_own(call, TVN_WASI_RESOLVE_ADDRESS_STREAM, lookup);
    }
    return error;
}

TVN_NET_METHOD(resolve_next_address)
{
    const struct tvn_wasi_address *address = NULL;
    int error = tvn_lookup_next(tvn_wasi_call_object(call, 0), &address);
    if (error) {
        return error;
    }
    if (!address) {
        tvn_wasi_call_return(call, tvn_wasi_case(0));
        return 0;
    }
    struct tvn_value value;
    call->has_value = tvn_wasi_ip_value(call->arena, address, &value) &&
                      tvn_wasi_case_of(call->arena, 1, value, call->value);
    return call->has_value ? 0 : ENOMEM;
}

static enum tvn_status subscribe(const struct tvn_call_site *site, const struct tvn_value *args,
                                 uint32_t arg_count, struct tvn_arena *arena,
                                 struct tvn_value *out_result)
{
    (void)arg_count;
    (void)arena;
    return tvn_net_subscribe(site, tvn_wasi_object_of(args[0].of.handle.rep), out_result);
}

static const struct tvn_host_func lookup_funcs[] = {
    {.name = "resolve-addresses", .dynamic = resolve_addresses},
    {.name = "[method]resolve-address-stream.resolve-next-address",
     .dynamic = resolve_next_address},
    {.name = "[method]resolve-address-stream.subscribe", .dynamic = subscribe},
};
static const struct tvn_host_resource lookup_resources[] = {
    {.name = "resolve-address-stream", .drop = tvn_net_drop_waitable},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:sockets/ip-name-lookup@0.2.12",
     TVN_WASI_FUNCS(lookup_funcs),
     TVN_WASI_RESOURCES(lookup_resources)},
};
const struct tvn_wasi_interfaces tvn_wasi_lookup_interfaces = {TVN_WASI_LIST(interfaces)};
