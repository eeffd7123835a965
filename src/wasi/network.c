/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: as values, as the kernel has them, and which are fit for what. */
#include "base/num.h"
#include "wasi/network_internal.h"
#include "wasi/value_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Cases of error-code, in the interface's order. */
enum code {
    CODE_UNKNOWN,
    CODE_ACCESS_DENIED,
    CODE_NOT_SUPPORTED,
    CODE_INVALID_ARGUMENT,
    CODE_OUT_OF_MEMORY,
    CODE_TIMEOUT,
    CODE_CONCURRENCY_CONFLICT,
    CODE_NOT_IN_PROGRESS,
    CODE_WOULD_BLOCK,
    CODE_INVALID_STATE,
    CODE_NEW_SOCKET_LIMIT,
    CODE_ADDRESS_NOT_BINDABLE,
    CODE_ADDRESS_IN_USE,
    CODE_REMOTE_UNREACHABLE,
    CODE_CONNECTION_REFUSED,
    CODE_CONNECTION_RESET,
    CODE_CONNECTION_ABORTED,
    CODE_DATAGRAM_TOO_LARGE,
    CODE_NAME_UNRESOLVABLE,
    CODE_TEMPORARY_RESOLVER_FAILURE,
    CODE_PERMANENT_RESOLVER_FAILURE,
};

static const struct {
    int error;
    enum code code;
} codes[] = {
    {EACCES, CODE_ACCESS_DENIED},
    {EPERM, CODE_ACCESS_DENIED},
    {EOPNOTSUPP, CODE_NOT_SUPPORTED},
    {EAFNOSUPPORT, CODE_NOT_SUPPORTED},
    {EPROTONOSUPPORT, CODE_NOT_SUPPORTED},
    {ENOPROTOOPT, CODE_NOT_SUPPORTED},
    {EINVAL, CODE_INVALID_ARGUMENT},
    {ENOMEM, CODE_OUT_OF_MEMORY},
    {ENOBUFS, CODE_OUT_OF_MEMORY},
    {ETIMEDOUT, CODE_TIMEOUT},
    {EALREADY, CODE_CONCURRENCY_CONFLICT},
    {TVN_NET_NOT_IN_PROGRESS, CODE_NOT_IN_PROGRESS},
    {EAGAIN, CODE_WOULD_BLOCK},
    {TVN_NET_INVALID_STATE, CODE_INVALID_STATE},
    {EISCONN, CODE_INVALID_STATE},
    {ENOTCONN, CODE_INVALID_STATE},
    {EMFILE, CODE_NEW_SOCKET_LIMIT},
    {ENFILE, CODE_NEW_SOCKET_LIMIT},
    {EADDRNOTAVAIL, CODE_ADDRESS_NOT_BINDABLE},
    {EADDRINUSE, CODE_ADDRESS_IN_USE},
    {EHOSTUNREACH, CODE_REMOTE_UNREACHABLE},
    {EHOSTDOWN, CODE_REMOTE_UNREACHABLE},
    {ENETUNREACH, CODE_REMOTE_UNREACHABLE},
    {ENETDOWN, CODE_REMOTE_UNREACHABLE},
    {ECONNREFUSED, CODE_CONNECTION_REFUSED},
    {ECONNRESET, CODE_CONNECTION_RESET},
    {EPIPE, CODE_CONNECTION_RESET},
    {ECONNABORTED, CODE_CONNECTION_ABORTED},
    {EMSGSIZE, CODE_DATAGRAM_TOO_LARGE},
    {TVN_NET_UNRESOLVABLE, CODE_NAME_UNRESOLVABLE},
    {TVN_NET_RESOLVER_BUSY, CODE_TEMPORARY_RESOLVER_FAILURE},
    {TVN_NET_RESOLVER_REFUSED, CODE_PERMANENT_RESOLVER_FAILURE},
};

uint32_t tvn_wasi_network_code(int error)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(codes); i++) {
        if (codes[i].error == error) {
            return codes[i].code;
        }
    }
    return CODE_UNKNOWN;
}

/* ---- values ---- */

enum { FAMILY_V4, FAMILY_V6 };

void tvn_wasi_address_of(const struct tvn_value *value, union tvn_socket_address *out_address)
{
    const struct tvn_value *fields = value->of.variant.value->of.list.items;
    memset(out_address, 0, sizeof(*out_address));
    if (value->of.variant.index == FAMILY_V4) {
        const struct tvn_value *parts = fields[1].of.list.items;
        uint32_t address = 0;
        for (size_t i = 0; i < 4; i++) {
            address = address << 8 | (uint32_t)parts[i].of.u;
        }
        out_address->v4.sin_family = AF_INET;
        out_address->v4.sin_port = htons((uint16_t)fields[0].of.u);
        out_address->v4.sin_addr.s_addr = htonl(address);
        return;
    }
    const struct tvn_value *parts = fields[2].of.list.items;
    out_address->v6.sin6_family = AF_INET6;
    out_address->v6.sin6_port = htons((uint16_t)fields[0].of.u);
    out_address->v6.sin6_flowinfo = htonl((uint32_t)fields[1].of.u);
    out_address->v6.sin6_scope_id = (uint32_t)fields[3].of.u;
    for (size_t i = 0; i < 8; i++) {
        out_address->v6.sin6_addr.s6_addr[2 * i] = (uint8_t)(parts[i].of.u >> 8);
        out_address->v6.sin6_addr.s6_addr[2 * i + 1] = (uint8_t)parts[i].of.u;
    }
}

/* The tuple of ipv4-address or ipv6-address. */
static bool ip_tuple(struct tvn_arena *arena, bool is_v6, const uint8_t *bytes,
                     struct tvn_value *out_value)
{
    if (!tvn_wasi_items(arena, is_v6 ? 8 : 4, out_value)) {
        return false;
    }
    struct tvn_value *items = out_value->of.list.items;
    for (size_t i = 0; i < (is_v6 ? 8 : 4); i++) {
        items[i] = tvn_wasi_u64(is_v6 ? (uint64_t)bytes[2 * i] << 8 | bytes[2 * i + 1] : bytes[i]);
    }
    return true;
}

bool tvn_wasi_ip_value(struct tvn_arena *arena, const struct tvn_wasi_address *address,
                       struct tvn_value *out_value)
{
    struct tvn_value tuple;
    return ip_tuple(arena, address->is_v6, address->bytes, &tuple) &&
           tvn_wasi_case_of(arena, address->is_v6 ? FAMILY_V6 : FAMILY_V4, tuple, out_value);
}

bool tvn_wasi_address_value(struct tvn_arena *arena, const union tvn_socket_address *address,
                            struct tvn_value *out_value)
{
    bool is_v6 = address->any.sa_family == AF_INET6;
    struct tvn_value record;
    if (!tvn_wasi_items(arena, is_v6 ? 4 : 2, &record)) {
        return false;
    }
    struct tvn_value *items = record.of.list.items;
    items[0] = tvn_wasi_u64(tvn_wasi_address_port(address));
    if (is_v6) {
        items[1] = tvn_wasi_u64(ntohl(address->v6.sin6_flowinfo));
        items[3] = tvn_wasi_u64(address->v6.sin6_scope_id);
    }
    const uint8_t *bytes =
        is_v6 ? address->v6.sin6_addr.s6_addr : (const uint8_t *)&address->v4.sin_addr.s_addr;
    return ip_tuple(arena, is_v6, bytes, &items[is_v6 ? 2 : 1]) &&
           tvn_wasi_case_of(arena, is_v6 ? FAMILY_V6 : FAMILY_V4, record, out_value);
}

/* ---- what is fit for what ---- */

socklen_t tvn_wasi_address_length(const union tvn_socket_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

uint16_t tvn_wasi_address_port(const union tvn_socket_address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

bool tvn_wasi_address_equal(const union tvn_socket_address *a, const union tvn_socket_address *b)
{
    if (a->any.sa_family != b->any.sa_family ||
        tvn_wasi_address_port(a) != tvn_wasi_address_port(b)) {
        return false;
    }
    return a->any.sa_family == AF_INET6
               ? memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0
               : a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

void tvn_wasi_address_normalise(struct tvn_wasi_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (address->is_v6 && memcmp(address->bytes, mapped, sizeof(mapped)) == 0) {
        address->is_v6 = false;
        memmove(address->bytes, address->bytes + sizeof(mapped), 4);
    }
    if (!address->is_v6) {
        memset(address->bytes + 4, 0, sizeof(address->bytes) - 4);
    }
}

/* ::ffff:a.b.c.d and the old ::a.b.c.d: other spellings of IPv4 addresses. */
static bool is_v4_in_v6(const union tvn_socket_address *address)
{
    if (address->any.sa_family != AF_INET6) {
        return false;
    }
    const struct in6_addr *in = &address->v6.sin6_addr;
    return IN6_IS_ADDR_V4MAPPED(in) || IN6_IS_ADDR_V4COMPAT(in);
}

static bool is_multicast(const union tvn_socket_address *address)
{
    if (address->any.sa_family == AF_INET6) {
        return IN6_IS_ADDR_MULTICAST(&address->v6.sin6_addr);
    }
    uint32_t in = ntohl(address->v4.sin_addr.s_addr);
    return IN_MULTICAST(in) || in == INADDR_BROADCAST;
}

static bool is_unspecified(const union tvn_socket_address *address)
{
    return address->any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr)
                                              : address->v4.sin_addr.s_addr == INADDR_ANY;
}

int tvn_wasi_address_check_local(const union tvn_socket_address *address, sa_family_t family)
{
    bool fit = address->any.sa_family == family && !is_multicast(address) && !is_v4_in_v6(address);
    return fit ? 0 : EINVAL;
}

int tvn_wasi_address_check_remote(const union tvn_socket_address *address, sa_family_t family)
{
    bool fit = tvn_wasi_address_check_local(address, family) == 0 && !is_unspecified(address) &&
               tvn_wasi_address_port(address) != 0;
    return fit ? 0 : EINVAL;
}
