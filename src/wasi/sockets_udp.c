/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:sockets/udp and udp-create-socket.
 *
 * The kernel's socket is never connected: a stream's remote address is kept here, put on what is
 * sent and compared with what comes. So each datagram's address is the one that was asked about,
 * and datagrams from addresses that no grant covers are dropped unseen.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "wasi/sockets_internal.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define METHOD(name) TVN_NET_METHOD(name)

#define DATAGRAM_BYTES_MAX 65535u
/* Of one receive, and what check-send permits. */
#define DATAGRAMS_MAX 16u
/* Datagrams from elsewhere that one receive drops at most. */
#define DROPPED_MAX 64u

enum udp_state { UDP_NEW, UDP_BINDING, UDP_BOUND };

struct udp {
    struct tvn_wasi_waitable waitable;
    struct tvn_wasi *wasi;
    int fd;
    sa_family_t family;
    enum udp_state state;
    bool has_remote;
    union tvn_socket_address remote;
    uint32_t generation; /* of the streams in use: older ones answer invalid-state */
};

/* incoming-datagram-stream, outgoing-datagram-stream */
struct datagrams {
    struct tvn_wasi_waitable waitable;
    struct udp *udp; /* holds a reference */
    bool outgoing;
    uint32_t generation;
    uint64_t permit;
};

static struct udp *self_of(const struct tvn_wasi_call *call)
{
    return tvn_wasi_call_object(call, 0);
}

/* ---- life ---- */

static int udp_wait_fd(const struct tvn_wasi_waitable *waitable, short *out_events)
{
    (void)waitable;
    (void)out_events;
    return -1; /* nothing but its streams ever waits */
}

static void udp_destroy(struct tvn_wasi_waitable *waitable)
{
    struct udp *udp = TVN_CONTAINER_OF(waitable, struct udp, waitable);
    tvn_fd_close(&udp->fd);
    tvn_wasi_descriptor_give_back(udp->wasi);
    tvn_free(udp);
}

static const struct tvn_wasi_waitable_ops udp_ops = {
    .wait_fd = udp_wait_fd,
    .destroy = udp_destroy,
};

static bool is_current(const struct datagrams *stream)
{
    return stream->generation == stream->udp->generation;
}

static int datagrams_wait_fd(const struct tvn_wasi_waitable *waitable, short *out_events)
{
    const struct datagrams *stream = TVN_CONTAINER_OF(waitable, const struct datagrams, waitable);
    *out_events = stream->outgoing ? POLLOUT : POLLIN;
    return is_current(stream) ? stream->udp->fd : -1;
}

static void datagrams_destroy(struct tvn_wasi_waitable *waitable)
{
    struct datagrams *stream = TVN_CONTAINER_OF(waitable, struct datagrams, waitable);
    tvn_wasi_waitable_unref(&stream->udp->waitable);
    tvn_free(stream);
}

static const struct tvn_wasi_waitable_ops datagrams_ops = {
    .wait_fd = datagrams_wait_fd,
    .destroy = datagrams_destroy,
};

static int create_udp(struct tvn_wasi *wasi, sa_family_t family, struct udp **out_udp)
{
    static const int one = 1;
    struct udp *udp = tvn_calloc(1, sizeof(*udp));
    if (!udp) {
        return ENOMEM;
    }
    udp->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (udp->fd < 0 || (family == AF_INET6 &&
                        setsockopt(udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0)) {
        int error = errno;
        tvn_fd_close(&udp->fd);
        tvn_free(udp);
        return error;
    }
    udp->waitable = (struct tvn_wasi_waitable){.ops = &udp_ops, .refs = 1};
    udp->wasi = wasi;
    udp->family = family;
    *out_udp = udp;
    return 0;
}

METHOD(create_udp_socket)
{
    struct udp *udp = NULL;
    if (!tvn_wasi_may_make_socket(call->wasi)) {
        return EACCES;
    }
    if (!tvn_wasi_descriptor_take(call->wasi)) {
        return EMFILE;
    }
    int error = create_udp(call->wasi, tvn_net_family_of(&call->args[0]), &udp);
    if (error) {
        tvn_wasi_descriptor_give_back(call->wasi);
        return error;
    }
    tvn_wasi_call_return_own(call, TVN_WASI_UDP_SOCKET, udp);
    return 0;
}

/* ---- bind and streams ---- */

METHOD(start_bind)
{
    struct udp *udp = self_of(call);
    if (udp->state != UDP_NEW) {
        return udp->state == UDP_BINDING ? EALREADY : TVN_NET_INVALID_STATE;
    }
    union tvn_socket_address address;
    tvn_wasi_address_of(&call->args[2], &address);
    int error = tvn_wasi_address_check_local(&address, udp->family);
    if (error) {
        return error;
    }
    if (!tvn_wasi_may_bind(call->wasi, TVN_WASI_UDP, &address)) {
        return EACCES;
    }
    if (bind(udp->fd, &address.any, tvn_wasi_address_length(&address)) != 0) {
        return errno;
    }
    udp->state = UDP_BINDING;
    return 0;
}

METHOD(finish_bind)
{
    struct udp *udp = self_of(call);
    if (udp->state != UDP_BINDING) {
        return TVN_NET_NOT_IN_PROGRESS;
    }
    udp->state = UDP_BOUND;
    return 0;
}

static struct datagrams *create_stream(struct udp *udp, bool outgoing)
{
    struct datagrams *stream = tvn_malloc(sizeof(*stream));
    if (stream) {
        tvn_wasi_waitable_ref(&udp->waitable);
        *stream = (struct datagrams){
            .waitable = {.ops = &datagrams_ops, .refs = 1},
            .udp = udp,
            .outgoing = outgoing,
            .generation = udp->generation,
        };
    }
    return stream;
}

static int return_streams(struct tvn_wasi_call *call, struct udp *udp)
{
    struct tvn_value pair;
    if (!tvn_wasi_items(call->arena, 2, &pair)) {
        return ENOMEM;
    }
    struct datagrams *incoming = create_stream(udp, false);
    struct datagrams *outgoing = create_stream(udp, true);
    if (!incoming || !outgoing) {
        if (incoming) {
            datagrams_destroy(&incoming->waitable);
        }
        if (outgoing) {
            datagrams_destroy(&outgoing->waitable);
        }
        return ENOMEM;
    }
    const struct tvn_resource_rt *const *resources = call->wasi->world->resources;
    pair.of.list.items[0] =
        tvn_wasi_handle(resources[TVN_WASI_INCOMING_DATAGRAM_STREAM], tvn_wasi_rep_of(incoming));
    pair.of.list.items[1] =
        tvn_wasi_handle(resources[TVN_WASI_OUTGOING_DATAGRAM_STREAM], tvn_wasi_rep_of(outgoing));
    tvn_wasi_call_return(call, pair);
    return 0;
}

METHOD(make_streams)
{
    struct udp *udp = self_of(call);
    if (udp->state != UDP_BOUND) {
        return TVN_NET_INVALID_STATE;
    }
    bool has_remote = call->args[1].of.variant.index == 1;
    union tvn_socket_address remote = {0};
    if (has_remote) {
        tvn_wasi_address_of(call->args[1].of.variant.value, &remote);
        int error = tvn_wasi_address_check_remote(&remote, udp->family);
        if (error) {
            return error;
        }
        if (!tvn_wasi_may_reach(call->wasi, TVN_WASI_UDP, &remote)) {
            return EACCES;
        }
    }
    udp->generation++;
    udp->has_remote = has_remote;
    udp->remote = remote;
    return return_streams(call, udp);
}

/* ---- properties ---- */

METHOD(local_address)
{
    const struct udp *udp = self_of(call);
    return udp->state == UDP_BOUND ? tvn_net_return_local(call, udp->fd) : TVN_NET_INVALID_STATE;
}

METHOD(remote_address)
{
    const struct udp *udp = self_of(call);
    if (!udp->has_remote) {
        return TVN_NET_INVALID_STATE;
    }
    call->has_value = tvn_wasi_address_value(call->arena, &udp->remote, call->value);
    return call->has_value ? 0 : ENOMEM;
}

static enum tvn_status address_family(const struct tvn_call_site *site,
                                      const struct tvn_value *args, uint32_t arg_count,
                                      struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)site;
    (void)arg_count;
    (void)arena;
    const struct udp *udp = tvn_wasi_object_of(args[0].of.handle.rep);
    *out_result = tvn_net_family_value(udp->family);
    return TVN_OK;
}

/* Of the socket and of both streams: each has its waitable first. */
static enum tvn_status subscribe(const struct tvn_call_site *site, const struct tvn_value *args,
                                 uint32_t arg_count, struct tvn_arena *arena,
                                 struct tvn_value *out_result)
{
    (void)arg_count;
    (void)arena;
    return tvn_net_subscribe(site, tvn_wasi_object_of(args[0].of.handle.rep), out_result);
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

/* ---- receiving ---- */

static bool is_wanted(const struct udp *udp, const union tvn_socket_address *from)
{
    if (udp->has_remote) {
        return tvn_wasi_address_equal(&udp->remote, from);
    }
    return tvn_wasi_would_reach(udp->wasi, TVN_WASI_UDP, from);
}

/* incoming-datagram {data, remote-address} */
static bool datagram_value(struct tvn_arena *arena, const char *bytes, size_t length,
                           const union tvn_socket_address *from, struct tvn_value *out_value)
{
    char *copy = tvn_arena_alloc(arena, length > 0 ? length : 1);
    if (!copy || !tvn_wasi_items(arena, 2, out_value)) {
        return false;
    }
    memcpy(copy, bytes, length);
    out_value->of.list.items[0] = tvn_wasi_bytes(copy, length);
    return tvn_wasi_address_value(arena, from, &out_value->of.list.items[1]);
}

/* Fills `list` up to its count; the count becomes what came. */
static int receive_into(struct udp *udp, struct tvn_arena *arena, char *buffer,
                        struct tvn_value_list *list)
{
    uint32_t capacity = list->count;
    uint32_t dropped = 0;
    list->count = 0;
    while (list->count < capacity && dropped < DROPPED_MAX) {
        union tvn_socket_address from = {0};
        socklen_t length = sizeof(from);
        ssize_t got =
            recvfrom(udp->fd, buffer, DATAGRAM_BYTES_MAX, MSG_DONTWAIT, &from.any, &length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return errno == EAGAIN || list->count > 0 ? 0 : errno;
        }
        if (!is_wanted(udp, &from)) {
            dropped++;
        } else if (datagram_value(arena, buffer, (size_t)got, &from, &list->items[list->count])) {
            list->count++;
        } else {
            return ENOMEM;
        }
    }
    return 0;
}

METHOD(receive)
{
    const struct datagrams *stream = tvn_wasi_call_object(call, 0);
    if (!is_current(stream)) {
        return TVN_NET_INVALID_STATE;
    }
    uint32_t capacity = (uint32_t)tvn_min(call->args[1].of.u, (uint64_t)DATAGRAMS_MAX);
    char *buffer = tvn_arena_alloc(call->arena, DATAGRAM_BYTES_MAX);
    struct tvn_value list;
    if (!buffer || !tvn_wasi_items(call->arena, capacity, &list)) {
        return ENOMEM;
    }
    int error = receive_into(stream->udp, call->arena, buffer, &list.of.list);
    if (error == 0) {
        tvn_wasi_call_return(call, list);
    }
    return error;
}

/* ---- sending ---- */

METHOD(check_send)
{
    struct datagrams *stream = tvn_wasi_call_object(call, 0);
    if (!is_current(stream)) {
        return TVN_NET_INVALID_STATE;
    }
    struct pollfd writable = {.fd = stream->udp->fd, .events = POLLOUT};
    stream->permit = poll(&writable, 1, 0) == 0 ? 0 : DATAGRAMS_MAX;
    tvn_wasi_call_return(call, tvn_wasi_u64(stream->permit));
    return 0;
}

/* Where one datagram goes: its own address, the stream's, but not two different ones. */
static int destination(const struct udp *udp, const struct tvn_value *remote,
                       union tvn_socket_address *out_address)
{
    if (remote->of.variant.index == 0) {
        *out_address = udp->remote;
        return udp->has_remote ? 0 : EINVAL;
    }
    tvn_wasi_address_of(remote->of.variant.value, out_address);
    int error = tvn_wasi_address_check_remote(out_address, udp->family);
    if (error == 0 && udp->has_remote && !tvn_wasi_address_equal(out_address, &udp->remote)) {
        return EINVAL;
    }
    return error;
}

static int send_one(const struct udp *udp, const struct tvn_value *datagram)
{
    struct tvn_str data = datagram->of.list.items[0].of.bytes;
    union tvn_socket_address address;
    int error = destination(udp, &datagram->of.list.items[1], &address);
    if (error) {
        return error;
    }
    if (!tvn_wasi_may_reach(udp->wasi, TVN_WASI_UDP, &address)) {
        return EACCES;
    }
    ssize_t sent;
    do {
        sent = sendto(udp->fd, data.ptr, data.len, MSG_NOSIGNAL | MSG_DONTWAIT, &address.any,
                      tvn_wasi_address_length(&address));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

METHOD(send_datagrams)
{
    struct datagrams *stream = tvn_wasi_call_object(call, 0);
    const struct tvn_value_list list = call->args[1].of.list;
    if (!is_current(stream)) {
        return TVN_NET_INVALID_STATE;
    }
    if (list.count > stream->permit) {
        (void)tvn_instance_fail(call->site->instance, TVN_E_COMPONENT_TRAPPED,
                                "%u datagrams, but only %llu are permitted in %s", list.count,
                                (unsigned long long)stream->permit, call->site->name);
        return TVN_WASI_CALL_TRAPPED;
    }
    uint32_t sent = 0;
    int error = 0;
    while (sent < list.count && error == 0) {
        error = send_one(stream->udp, &list.items[sent]);
        sent += error == 0;
    }
    stream->permit -= sent;
    if (error != 0 && error != EAGAIN && sent == 0) {
        return error; /* a later one's failure is told when it is the first */
    }
    tvn_wasi_call_return(call, tvn_wasi_u64(sent));
    return 0;
}

static const struct tvn_host_func udp_funcs[] = {
    {.name = "[method]udp-socket.start-bind", .dynamic = start_bind},
    {.name = "[method]udp-socket.finish-bind", .dynamic = finish_bind},
    {.name = "[method]udp-socket.stream", .dynamic = make_streams},
    {.name = "[method]udp-socket.local-address", .dynamic = local_address},
    {.name = "[method]udp-socket.remote-address", .dynamic = remote_address},
    {.name = "[method]udp-socket.address-family", .dynamic = address_family},
    {.name = "[method]udp-socket.unicast-hop-limit", .dynamic = hop_limit},
    {.name = "[method]udp-socket.set-unicast-hop-limit", .dynamic = set_hop_limit},
    {.name = "[method]udp-socket.receive-buffer-size", .dynamic = receive_buffer_size},
    {.name = "[method]udp-socket.set-receive-buffer-size", .dynamic = set_receive_buffer_size},
    {.name = "[method]udp-socket.send-buffer-size", .dynamic = send_buffer_size},
    {.name = "[method]udp-socket.set-send-buffer-size", .dynamic = set_send_buffer_size},
    {.name = "[method]udp-socket.subscribe", .dynamic = subscribe},
    {.name = "[method]incoming-datagram-stream.receive", .dynamic = receive},
    {.name = "[method]incoming-datagram-stream.subscribe", .dynamic = subscribe},
    {.name = "[method]outgoing-datagram-stream.check-send", .dynamic = check_send},
    {.name = "[method]outgoing-datagram-stream.send", .dynamic = send_datagrams},
    {.name = "[method]outgoing-datagram-stream.subscribe", .dynamic = subscribe},
};
static const struct tvn_host_resource udp_resources[] = {
    {.name = "udp-socket", .drop = tvn_net_drop_waitable},
    {.name = "incoming-datagram-stream", .drop = tvn_net_drop_waitable},
    {.name = "outgoing-datagram-stream", .drop = tvn_net_drop_waitable},
};
static const struct tvn_host_func udp_create_funcs[] = {
    {.name = "create-udp-socket", .dynamic = create_udp_socket},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:sockets/udp@0.2.12", TVN_WASI_FUNCS(udp_funcs), TVN_WASI_RESOURCES(udp_resources)},
    {.id = "wasi:sockets/udp-create-socket@0.2.12", TVN_WASI_FUNCS(udp_create_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_udp_interfaces = {TVN_WASI_LIST(interfaces)};
