/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets/tcp and tcp-create-socket: the ABI over tcp_internal.h. */
#include "base/num.h"
#include "wasi/sockets_internal.h"
#include "wasi/tcp_internal.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

#define NS_PER_S         UINT64_C(1000000000)
#define KEEP_SECONDS_MAX 32767 /* the kernel's own limits */
#define KEEP_COUNT_MAX   127

#define METHOD(name) TVN_NET_METHOD(name)

static struct tvn_tcp *self_of(const struct tvn_wasi_call *call)
{
    return tvn_wasi_call_object(call, 0);
}

static bool is_unbound(const struct tvn_tcp *tcp)
{
    return tcp->state == TVN_TCP_NEW;
}

METHOD(create_tcp_socket)
{
    struct tvn_tcp *tcp = NULL;
    if (!tvn_wasi_may_make_socket(call->wasi)) {
        return EACCES;
    }
    int error = tvn_tcp_create(call->wasi, tvn_net_family_of(&call->args[0]), &tcp);
    if (error == 0) {
        tvn_wasi_call_return_own(call, TVN_WASI_TCP_SOCKET, tcp);
    }
    return error;
}

/* ---- bind ---- */

METHOD(start_bind)
{
    static const int one = 1;
    struct tvn_tcp *tcp = self_of(call);
    if (tcp->state == TVN_TCP_BINDING) {
        return EALREADY;
    }
    if (!is_unbound(tcp)) {
        return TVN_NET_INVALID_STATE;
    }
    union tvn_socket_address address;
    tvn_wasi_address_of(&call->args[2], &address);
    int error = tvn_wasi_address_check_local(&address, tcp->family);
    if (error) {
        return error;
    }
    if (!tvn_wasi_may_bind(call->wasi, TVN_WASI_TCP, &address)) {
        return EACCES;
    }
    (void)setsockopt(tcp->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(tcp->fd, &address.any, tvn_wasi_address_length(&address)) != 0) {
        return errno;
    }
    tcp->asked = address;
    tcp->state = TVN_TCP_BINDING;
    return 0;
}

METHOD(finish_bind)
{
    struct tvn_tcp *tcp = self_of(call);
    if (tcp->state != TVN_TCP_BINDING) {
        return TVN_NET_NOT_IN_PROGRESS;
    }
    tcp->state = TVN_TCP_BOUND;
    return 0;
}

/* ---- connect ---- */

METHOD(start_connect)
{
    struct tvn_tcp *tcp = self_of(call);
    if (tcp->state == TVN_TCP_CONNECTING || tcp->state == TVN_TCP_BINDING) {
        return EALREADY;
    }
    if (!is_unbound(tcp) && tcp->state != TVN_TCP_BOUND) {
        return TVN_NET_INVALID_STATE;
    }
    union tvn_socket_address address;
    tvn_wasi_address_of(&call->args[2], &address);
    int error = tvn_wasi_address_check_remote(&address, tcp->family);
    if (error) {
        return error;
    }
    /* The very address that was asked about is the one that is connected. */
    if (!tvn_wasi_may_reach(call->wasi, TVN_WASI_TCP, &address)) {
        return EACCES;
    }
    int result = connect(tcp->fd, &address.any, tvn_wasi_address_length(&address));
    if (result != 0 && errno != EINPROGRESS && errno != EINTR) {
        error = errno == EAGAIN ? EADDRINUSE : errno; /* EAGAIN: no port is left */
        tcp->state = TVN_TCP_CLOSED;
        return error;
    }
    tcp->state = TVN_TCP_CONNECTING;
    return 0;
}

static int return_streams(struct tvn_wasi_call *call, struct tvn_tcp *tcp, bool with_socket)
{
    struct tvn_byte_stream *input = NULL;
    struct tvn_byte_stream *output = NULL;
    struct tvn_value tuple;
    uint32_t at = with_socket ? 1 : 0;
    if (!tvn_wasi_items(call->arena, at + 2, &tuple) || !tvn_tcp_streams(tcp, &input, &output)) {
        return ENOMEM;
    }
    const struct tvn_resource_rt *const *resources = call->wasi->world->resources;
    struct tvn_value *items = tuple.of.list.items;
    if (with_socket) {
        items[0] = tvn_wasi_handle(resources[TVN_WASI_TCP_SOCKET], tvn_wasi_rep_of(tcp));
    }
    items[at] = tvn_wasi_handle(resources[TVN_WASI_INPUT_STREAM], tvn_wasi_rep_of(input));
    items[at + 1] = tvn_wasi_handle(resources[TVN_WASI_OUTPUT_STREAM], tvn_wasi_rep_of(output));
    tvn_wasi_call_return(call, tuple);
    return 0;
}

METHOD(finish_connect)
{
    struct tvn_tcp *tcp = self_of(call);
    if (tcp->state != TVN_TCP_CONNECTING) {
        return TVN_NET_NOT_IN_PROGRESS;
    }
    struct pollfd writable = {.fd = tcp->fd, .events = POLLOUT};
    if (poll(&writable, 1, 0) == 0) {
        return EAGAIN;
    }
    int failure = 0;
    int error =
        tvn_net_option_get(tcp->fd, (struct tvn_net_option){SOL_SOCKET, SO_ERROR}, &failure);
    error = error ? error : failure;
    error = error ? error : return_streams(call, tcp, false);
    tcp->state = error ? TVN_TCP_CLOSED : TVN_TCP_CONNECTED;
    return error;
}

/* ---- listen and accept ---- */

METHOD(start_listen)
{
    struct tvn_tcp *tcp = self_of(call);
    if (tcp->state == TVN_TCP_LISTEN_STARTED || tcp->state == TVN_TCP_CONNECTING ||
        tcp->state == TVN_TCP_BINDING) {
        return EALREADY;
    }
    if (tcp->state != TVN_TCP_BOUND) {
        return TVN_NET_INVALID_STATE;
    }
    union tvn_socket_address used;
    socklen_t length = sizeof(used);
    if (getsockname(tcp->fd, &used.any, &length) != 0) {
        return errno;
    }
    if (!tvn_wasi_may_listen(call->wasi, &tcp->asked, &used)) {
        return EACCES;
    }
    if (listen(tcp->fd, tcp->backlog) != 0) {
        return errno;
    }
    tcp->state = TVN_TCP_LISTEN_STARTED;
    return 0;
}

METHOD(finish_listen)
{
    struct tvn_tcp *tcp = self_of(call);
    if (tcp->state != TVN_TCP_LISTEN_STARTED) {
        return TVN_NET_NOT_IN_PROGRESS;
    }
    tcp->state = TVN_TCP_LISTENING;
    return 0;
}

METHOD(accept_connection)
{
    struct tvn_tcp *listener = self_of(call);
    if (listener->state != TVN_TCP_LISTENING) {
        return TVN_NET_INVALID_STATE;
    }
    struct tvn_tcp *tcp = NULL;
    int error = tvn_tcp_accept(listener, &tcp);
    if (error) {
        return error;
    }
    error = return_streams(call, tcp, true);
    if (error) {
        tvn_wasi_waitable_unref(&tcp->waitable);
    }
    return error;
}

METHOD(shutdown_socket)
{
    enum { RECEIVE, SEND, BOTH };
    struct tvn_tcp *tcp = self_of(call);
    if (tcp->state != TVN_TCP_CONNECTED) {
        return TVN_NET_INVALID_STATE;
    }
    uint32_t what = call->args[1].of.variant.index;
    return tvn_tcp_shutdown(tcp, what != SEND, what != RECEIVE);
}

/* ---- properties ---- */

METHOD(local_address)
{
    const struct tvn_tcp *tcp = self_of(call);
    bool bound = !is_unbound(tcp) && tcp->state != TVN_TCP_BINDING && tcp->state != TVN_TCP_CLOSED;
    return bound ? tvn_net_return_local(call, tcp->fd) : TVN_NET_INVALID_STATE;
}

METHOD(remote_address)
{
    const struct tvn_tcp *tcp = self_of(call);
    return tcp->state == TVN_TCP_CONNECTED ? tvn_net_return_remote(call, tcp->fd)
                                           : TVN_NET_INVALID_STATE;
}

static enum tvn_status is_listening(const struct tvn_call_site *site, const struct tvn_value *args,
                                    uint32_t arg_count, struct tvn_arena *arena,
                                    struct tvn_value *out_result)
{
    (void)site;
    (void)arg_count;
    (void)arena;
    const struct tvn_tcp *tcp = tvn_wasi_object_of(args[0].of.handle.rep);
    *out_result = (struct tvn_value){.of.boolean = tcp->state == TVN_TCP_LISTENING};
    return TVN_OK;
}

static enum tvn_status address_family(const struct tvn_call_site *site,
                                      const struct tvn_value *args, uint32_t arg_count,
                                      struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)site;
    (void)arg_count;
    (void)arena;
    const struct tvn_tcp *tcp = tvn_wasi_object_of(args[0].of.handle.rep);
    *out_result = tvn_net_family_value(tcp->family);
    return TVN_OK;
}

static enum tvn_status subscribe(const struct tvn_call_site *site, const struct tvn_value *args,
                                 uint32_t arg_count, struct tvn_arena *arena,
                                 struct tvn_value *out_result)
{
    (void)arg_count;
    (void)arena;
    struct tvn_tcp *tcp = tvn_wasi_object_of(args[0].of.handle.rep);
    return tvn_net_subscribe(site, &tcp->waitable, out_result);
}

/* ---- options ---- */

METHOD(set_listen_backlog_size)
{
    struct tvn_tcp *tcp = self_of(call);
    uint64_t size = call->args[1].of.u;
    if (size == 0) {
        return EINVAL;
    }
    if (tcp->state == TVN_TCP_CONNECTING || tcp->state == TVN_TCP_CONNECTED) {
        return TVN_NET_INVALID_STATE;
    }
    tcp->backlog = (int)tvn_min(size, (uint64_t)SOMAXCONN);
    if (tcp->state == TVN_TCP_LISTENING && listen(tcp->fd, tcp->backlog) != 0) {
        return errno;
    }
    return 0;
}

METHOD(keep_alive_enabled)
{
    int on = 0;
    int error = tvn_net_option_get(self_of(call)->fd,
                                   (struct tvn_net_option){SOL_SOCKET, SO_KEEPALIVE}, &on);
    if (error == 0) {
        tvn_wasi_call_return(call, (struct tvn_value){.of.boolean = on != 0});
    }
    return error;
}

METHOD(set_keep_alive_enabled)
{
    return tvn_net_option_set(self_of(call)->fd, (struct tvn_net_option){SOL_SOCKET, SO_KEEPALIVE},
                              call->args[1].of.boolean);
}

/* Durations come in ns, the kernel counts seconds: up, so that none becomes 0. */
static int return_seconds(struct tvn_wasi_call *call, int name)
{
    int seconds = 0;
    int error =
        tvn_net_option_get(self_of(call)->fd, (struct tvn_net_option){IPPROTO_TCP, name}, &seconds);
    if (error == 0) {
        tvn_wasi_call_return(call, tvn_wasi_u64((uint64_t)seconds * NS_PER_S));
    }
    return error;
}

static int set_seconds(const struct tvn_wasi_call *call, int name)
{
    uint64_t ns = call->args[1].of.u;
    if (ns == 0) {
        return EINVAL;
    }
    uint64_t seconds = tvn_min((ns - 1) / NS_PER_S + 1, (uint64_t)KEEP_SECONDS_MAX);
    return tvn_net_option_set(self_of(call)->fd, (struct tvn_net_option){IPPROTO_TCP, name},
                              (int)seconds);
}

METHOD(keep_alive_idle_time)
{
    return return_seconds(call, TCP_KEEPIDLE);
}

METHOD(set_keep_alive_idle_time)
{
    return set_seconds(call, TCP_KEEPIDLE);
}

METHOD(keep_alive_interval)
{
    return return_seconds(call, TCP_KEEPINTVL);
}

METHOD(set_keep_alive_interval)
{
    return set_seconds(call, TCP_KEEPINTVL);
}

METHOD(keep_alive_count)
{
    int count = 0;
    int error = tvn_net_option_get(self_of(call)->fd,
                                   (struct tvn_net_option){IPPROTO_TCP, TCP_KEEPCNT}, &count);
    if (error == 0) {
        tvn_wasi_call_return(call, tvn_wasi_u64((uint64_t)count));
    }
    return error;
}

METHOD(set_keep_alive_count)
{
    uint64_t count = call->args[1].of.u;
    if (count == 0) {
        return EINVAL;
    }
    return tvn_net_option_set(self_of(call)->fd, (struct tvn_net_option){IPPROTO_TCP, TCP_KEEPCNT},
                              (int)tvn_min(count, (uint64_t)KEEP_COUNT_MAX));
}

METHOD(hop_limit)
{
    return tvn_net_hop_limit_get(call, self_of(call)->fd, self_of(call)->family);
}

METHOD(set_hop_limit)
{
    return tvn_net_hop_limit_set(call, self_of(call)->fd, self_of(call)->family);
}

METHOD(receive_buffer_size)
{
    return tvn_net_buffer_size_get(call, self_of(call)->fd, SO_RCVBUF);
}

METHOD(set_receive_buffer_size)
{
    return tvn_net_buffer_size_set(call, self_of(call)->fd, SO_RCVBUF);
}

METHOD(send_buffer_size)
{
    return tvn_net_buffer_size_get(call, self_of(call)->fd, SO_SNDBUF);
}

METHOD(set_send_buffer_size)
{
    return tvn_net_buffer_size_set(call, self_of(call)->fd, SO_SNDBUF);
}

static const struct tvn_host_func tcp_funcs[] = {
    {.name = "[method]tcp-socket.start-bind", .dynamic = start_bind},
    {.name = "[method]tcp-socket.finish-bind", .dynamic = finish_bind},
    {.name = "[method]tcp-socket.start-connect", .dynamic = start_connect},
    {.name = "[method]tcp-socket.finish-connect", .dynamic = finish_connect},
    {.name = "[method]tcp-socket.start-listen", .dynamic = start_listen},
    {.name = "[method]tcp-socket.finish-listen", .dynamic = finish_listen},
    {.name = "[method]tcp-socket.accept", .dynamic = accept_connection},
    {.name = "[method]tcp-socket.local-address", .dynamic = local_address},
    {.name = "[method]tcp-socket.remote-address", .dynamic = remote_address},
    {.name = "[method]tcp-socket.is-listening", .dynamic = is_listening},
    {.name = "[method]tcp-socket.address-family", .dynamic = address_family},
    {.name = "[method]tcp-socket.set-listen-backlog-size", .dynamic = set_listen_backlog_size},
    {.name = "[method]tcp-socket.keep-alive-enabled", .dynamic = keep_alive_enabled},
    {.name = "[method]tcp-socket.set-keep-alive-enabled", .dynamic = set_keep_alive_enabled},
    {.name = "[method]tcp-socket.keep-alive-idle-time", .dynamic = keep_alive_idle_time},
    {.name = "[method]tcp-socket.set-keep-alive-idle-time", .dynamic = set_keep_alive_idle_time},
    {.name = "[method]tcp-socket.keep-alive-interval", .dynamic = keep_alive_interval},
    {.name = "[method]tcp-socket.set-keep-alive-interval", .dynamic = set_keep_alive_interval},
    {.name = "[method]tcp-socket.keep-alive-count", .dynamic = keep_alive_count},
    {.name = "[method]tcp-socket.set-keep-alive-count", .dynamic = set_keep_alive_count},
    {.name = "[method]tcp-socket.hop-limit", .dynamic = hop_limit},
    {.name = "[method]tcp-socket.set-hop-limit", .dynamic = set_hop_limit},
    {.name = "[method]tcp-socket.receive-buffer-size", .dynamic = receive_buffer_size},
    {.name = "[method]tcp-socket.set-receive-buffer-size", .dynamic = set_receive_buffer_size},
    {.name = "[method]tcp-socket.send-buffer-size", .dynamic = send_buffer_size},
    {.name = "[method]tcp-socket.set-send-buffer-size", .dynamic = set_send_buffer_size},
    {.name = "[method]tcp-socket.subscribe", .dynamic = subscribe},
    {.name = "[method]tcp-socket.shutdown", .dynamic = shutdown_socket},
};
static const struct tvn_host_resource tcp_resources[] = {
    {.name = "tcp-socket", .drop = tvn_net_drop_waitable},
};
static const struct tvn_host_func tcp_create_funcs[] = {
    {.name = "create-tcp-socket", .dynamic = create_tcp_socket},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:sockets/tcp@0.2.12", TVN_WASI_FUNCS(tcp_funcs), TVN_WASI_RESOURCES(tcp_resources)},
    {.id = "wasi:sockets/tcp-create-socket@0.2.12", TVN_WASI_FUNCS(tcp_create_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_tcp_interfaces = {TVN_WASI_LIST(interfaces)};
