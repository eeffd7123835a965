/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What sockets and lookups share: addresses as the kernel has them and as values, what the grants
 * say about an address, the names that addresses came from.
 *
 * Grants are compared with the address that is really used, as "tcp:192.0.2.1:443" or
 * "udp:[2001:db8::1]:53". IPv4-mapped and IPv4-compatible IPv6 addresses are refused as invalid, as
 * the interface demands, so an address has one spelling. A grant by name ("tcp:example.org:443")
 * allows to look the name up, and then the addresses that the look-up gave, on the grant's ports:
 * they are remembered for this context. Who controls the name's records thereby chooses the
 * address, so by name nobody gets to loopback (but as "localhost"), link-local, multicast,
 * broadcast or unspecified addresses: those want a grant that names the address, or all.
 *
 * Threads: those of the context. Limits: TVN_WASI_NAMES_MAX addresses are remembered, the oldest
 * goes first.
 */
#include "component/value.h"
#include "types/sandbox.h"
#include "wasi/wasi.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#define TVN_WASI_NAMES_MAX   128
#define TVN_WASI_NAME_BYTES  254 /* a host name, with its NUL */
#define TVN_WASI_SCOPE_BYTES (TVN_WASI_NAME_BYTES + 16)

struct tvn_wasi;
struct tvn_wasi_names;

union tvn_socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

enum tvn_wasi_protocol { TVN_WASI_TCP, TVN_WASI_UDP };

/* Answers of network methods that no errno says. */
#define TVN_NET_INVALID_STATE    EBADFD
#define TVN_NET_NOT_IN_PROGRESS  ENODATA
#define TVN_NET_UNRESOLVABLE     ENOENT
#define TVN_NET_RESOLVER_BUSY    EBUSY
#define TVN_NET_RESOLVER_REFUSED EREMOTEIO

// COLD PATH. The case of wasi:sockets' error-code for an errno.
uint32_t tvn_wasi_network_code(int error);

/* ip-socket-address as the kernel has it. */
void tvn_wasi_address_of(const struct tvn_value *value, union tvn_socket_address *out_address);
socklen_t tvn_wasi_address_length(const union tvn_socket_address *address);
uint16_t tvn_wasi_address_port(const union tvn_socket_address *address);
bool tvn_wasi_address_equal(const union tvn_socket_address *a, const union tvn_socket_address *b);
/* False when memory is exhausted. */
TVN_NODISCARD bool tvn_wasi_address_value(struct tvn_arena *arena,
                                          const union tvn_socket_address *address,
                                          struct tvn_value *out_value);
TVN_NODISCARD bool tvn_wasi_ip_value(struct tvn_arena *arena,
                                     const struct tvn_wasi_address *address,
                                     struct tvn_value *out_value);
/* An IPv4-mapped address becomes the IPv4 one; bytes beyond an IPv4 address become 0. */
void tvn_wasi_address_normalise(struct tvn_wasi_address *address);
/* 0 or EINVAL. An address to bind to: of the family, no multicast, no IPv4 in IPv6's clothes. */
TVN_NODISCARD int tvn_wasi_address_check_local(const union tvn_socket_address *address,
                                               sa_family_t family);
/* 0 or EINVAL. One to send to: also not unspecified and with a port. */
TVN_NODISCARD int tvn_wasi_address_check_remote(const union tvn_socket_address *address,
                                                sa_family_t family);

/* ---- grants ---- */

/* Is there any grant for the network? Else the denial is counted. */
TVN_NODISCARD bool tvn_wasi_may_make_socket(const struct tvn_wasi *wasi);
/* WARM PATH. May this address be connected or sent to? Counted. */
TVN_NODISCARD bool tvn_wasi_may_reach(const struct tvn_wasi *wasi, enum tvn_wasi_protocol protocol,
                                      const union tvn_socket_address *address);
/* The same, but not counted: for datagrams that others send. */
TVN_NODISCARD bool tvn_wasi_would_reach(const struct tvn_wasi *wasi,
                                        enum tvn_wasi_protocol protocol,
                                        const union tvn_socket_address *address);
/* COLD PATH. May one bind here? Any port of a socket that only connects needs no more than a grant
 * to connect; a fixed port is a place to be reached at. */
TVN_NODISCARD bool tvn_wasi_may_bind(const struct tvn_wasi *wasi, enum tvn_wasi_protocol protocol,
                                     const union tvn_socket_address *address);
/* asked: what bind was called with, whose port may be 0; used: what it came to. */
TVN_NODISCARD bool tvn_wasi_may_listen(const struct tvn_wasi *wasi,
                                       const union tvn_socket_address *asked,
                                       const union tvn_socket_address *used);
/* COLD PATH. name: lower case, without a dot at its end. */
TVN_NODISCARD bool tvn_wasi_may_resolve(const struct tvn_wasi *wasi, const char *name);
/* COLD PATH. False when memory is exhausted. */
TVN_NODISCARD bool tvn_wasi_names_remember(struct tvn_wasi *wasi, const char *name,
                                           const struct tvn_wasi_address *address);
void tvn_wasi_names_destroy(struct tvn_wasi_names *names); /* NULL is allowed */
