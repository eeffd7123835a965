/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the interfaces of wasi:sockets share, and their functions by file. */
#include "wasi/call_internal.h"
#include "wasi/network_internal.h"

#define TVN_NET_METHOD(name) TVN_WASI_METHOD(name, tvn_wasi_network_code)

/* One integer socket option, as methods get and set it. */
struct tvn_net_option {
    int level;
    int name;
};

static inline int tvn_net_option_get(int fd, struct tvn_net_option option, int *out_number)
{
    socklen_t length = sizeof(*out_number);
    return getsockopt(fd, option.level, option.name, out_number, &length) == 0 ? 0 : errno;
}
static inline int tvn_net_option_set(int fd, struct tvn_net_option option, int number)
{
    return setsockopt(fd, option.level, option.name, &number, sizeof(number)) == 0 ? 0 : errno;
}

/* receive-buffer-size and send-buffer-size: the kernel doubles what it is given. */
int tvn_net_buffer_size_get(struct tvn_wasi_call *call, int fd, int name);
int tvn_net_buffer_size_set(const struct tvn_wasi_call *call, int fd, int name);
int tvn_net_hop_limit_get(struct tvn_wasi_call *call, int fd, sa_family_t family);
int tvn_net_hop_limit_set(const struct tvn_wasi_call *call, int fd, sa_family_t family);
/* ok(ip-socket-address) of the one or the other end. */
int tvn_net_return_local(struct tvn_wasi_call *call, int fd);
int tvn_net_return_remote(struct tvn_wasi_call *call, int fd);
/* The family of ip-address-family, and back. */
static inline sa_family_t tvn_net_family_of(const struct tvn_value *value)
{
    return value->of.variant.index == 0 ? AF_INET : AF_INET6;
}
static inline struct tvn_value tvn_net_family_value(sa_family_t family)
{
    return tvn_wasi_case(family == AF_INET ? 0 : 1);
}
/* COLD PATH. A dynamic function's answer: a handle of a new pollable. */
enum tvn_status tvn_net_subscribe(const struct tvn_call_site *site,
                                  struct tvn_wasi_waitable *waitable, struct tvn_value *out_result);
void tvn_net_drop_waitable(void *host, struct tvn_guest *guest, uint64_t rep);

extern const struct tvn_wasi_interfaces tvn_wasi_lookup_interfaces;
extern const struct tvn_wasi_interfaces tvn_wasi_tcp_interfaces;
extern const struct tvn_wasi_interfaces tvn_wasi_udp_interfaces;
