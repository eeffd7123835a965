/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "wasi/context_internal.h"
#include "wasi/tcp_internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct tvn_tcp *tcp_of(const struct tvn_wasi_waitable *waitable)
{
    /* SAFETY: sockets are never const themselves. */
    return (struct tvn_tcp *)(uintptr_t)TVN_CONTAINER_OF(waitable, const struct tvn_tcp, waitable);
}

/* ---- what waits to be sent ---- */

/* Sends what is pending as far as the kernel takes it: 0, or an errno. */
static int pump(struct tvn_tcp *tcp)
{
    while (tcp->pending_length > 0) {
        ssize_t sent = send(tcp->fd, tcp->pending + tcp->pending_at, tcp->pending_length,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return errno == EAGAIN ? 0 : errno;
        }
        tcp->pending_at += (size_t)sent;
        tcp->pending_length -= (size_t)sent;
    }
    tcp->pending_at = 0;
    if (tcp->write_shut) {
        (void)shutdown(tcp->fd, SHUT_WR);
    }
    return 0;
}

/* Keeps what the kernel did not take; the permit made sure that it fits. */
static int keep(struct tvn_tcp *tcp, const char *bytes, size_t length)
{
    if (!tcp->pending) {
        tcp->pending = tvn_malloc(TVN_WASI_CHUNK_MAX);
        if (!tcp->pending) {
            return ENOMEM;
        }
    }
    if (tcp->pending_at > 0) {
        memmove(tcp->pending, tcp->pending + tcp->pending_at, tcp->pending_length);
        tcp->pending_at = 0;
    }
    tvn_assert(length <= TVN_WASI_CHUNK_MAX - tcp->pending_length);
    memcpy(tcp->pending + tcp->pending_length, bytes, length);
    tcp->pending_length += length;
    return 0;
}

/* ---- the socket ---- */

static int socket_wait_fd(const struct tvn_wasi_waitable *waitable, short *out_events)
{
    const struct tvn_tcp *tcp = tcp_of(waitable);
    if (tcp->state == TVN_TCP_CONNECTING) {
        *out_events = POLLOUT;
        return tcp->fd;
    }
    if (tcp->state == TVN_TCP_LISTENING) {
        *out_events = POLLIN;
        return tcp->fd;
    }
    return -1;
}

static void socket_destroy(struct tvn_wasi_waitable *waitable)
{
    struct tvn_tcp *tcp = tcp_of(waitable);
    (void)pump(tcp);
    tvn_fd_close(&tcp->fd);
    tvn_wasi_descriptor_give_back(tcp->wasi);
    tvn_free(tcp->pending);
    tvn_free(tcp);
}

static const struct tvn_wasi_waitable_ops socket_ops = {
    .wait_fd = socket_wait_fd,
    .destroy = socket_destroy,
};

/* Takes fd, and the counted descriptor, also when it fails. */
static int adopt(struct tvn_wasi *wasi, int fd, sa_family_t family, enum tvn_tcp_state state,
                 struct tvn_tcp **out_socket)
{
    struct tvn_tcp *tcp = tvn_calloc(1, sizeof(*tcp));
    if (!tcp) {
        close(fd);
        tvn_wasi_descriptor_give_back(wasi);
        return ENOMEM;
    }
    tcp->waitable = (struct tvn_wasi_waitable){.ops = &socket_ops, .refs = 1};
    tcp->wasi = wasi;
    tcp->fd = fd;
    tcp->family = family;
    tcp->state = state;
    tcp->backlog = TVN_TCP_BACKLOG_DEFAULT;
    *out_socket = tcp;
    return 0;
}

int tvn_tcp_create(struct tvn_wasi *wasi, sa_family_t family, struct tvn_tcp **out_socket)
{
    static const int one = 1;
    if (!tvn_wasi_descriptor_take(wasi)) {
        return EMFILE;
    }
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0 ||
        (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0)) {
        int error = errno;
        tvn_fd_close(&fd);
        tvn_wasi_descriptor_give_back(wasi);
        return error;
    }
    return adopt(wasi, fd, family, TVN_TCP_NEW, out_socket);
}

int tvn_tcp_accept(struct tvn_tcp *listener, struct tvn_tcp **out_socket)
{
    if (!tvn_wasi_descriptor_take(listener->wasi)) {
        return EMFILE;
    }
    int fd;
    do {
        fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0) {
        int error = errno;
        tvn_wasi_descriptor_give_back(listener->wasi);
        return error;
    }
    return adopt(listener->wasi, fd, listener->family, TVN_TCP_CONNECTED, out_socket);
}

int tvn_tcp_shutdown(struct tvn_tcp *tcp, bool receive, bool send_too)
{
    if (receive && !tcp->read_shut) {
        tcp->read_shut = true;
        (void)shutdown(tcp->fd, SHUT_RD);
    }
    if (send_too && !tcp->write_shut) {
        tcp->write_shut = true;
        return pump(tcp);
    }
    return 0;
}

/* ---- streams ---- */

struct tcp_stream {
    struct tvn_byte_stream stream;
    struct tvn_tcp *tcp; /* holds a reference */
};

static struct tvn_tcp *tcp_of_stream(const struct tvn_byte_stream *stream)
{
    return TVN_CONTAINER_OF(stream, const struct tcp_stream, stream)->tcp;
}

static enum tvn_status fail(struct tvn_byte_stream *stream, int error)
{
    stream->error = error;
    return TVN_E_IO_ERROR;
}

static enum tvn_status input_read(struct tvn_byte_stream *stream, char *bytes, size_t capacity,
                                  size_t *out_length)
{
    struct tvn_tcp *tcp = tcp_of_stream(stream);
    (void)pump(tcp); /* a failure is the output's to tell */
    if (tcp->read_shut) {
        return TVN_END;
    }
    ssize_t got;
    do {
        got = recv(tcp->fd, bytes, capacity, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        *out_length = (size_t)got;
        return TVN_OK;
    }
    if (got == 0) {
        return TVN_END;
    }
    return errno == EAGAIN ? TVN_AGAIN : fail(stream, errno);
}

static int input_wait_fd(const struct tvn_byte_stream *stream, short *out_events)
{
    const struct tvn_tcp *tcp = tcp_of_stream(stream);
    *out_events = (short)(POLLIN | (tcp->pending_length > 0 ? POLLOUT : 0));
    return tcp->read_shut ? -1 : tcp->fd;
}

/* Nothing is pending, or TVN_AGAIN. */
static enum tvn_status drain(struct tvn_byte_stream *stream)
{
    struct tvn_tcp *tcp = tcp_of_stream(stream);
    int error = pump(tcp);
    if (error) {
        return fail(stream, error);
    }
    return tcp->pending_length > 0 ? TVN_AGAIN : TVN_OK;
}

static enum tvn_status output_room(struct tvn_byte_stream *stream, size_t *out_length)
{
    struct tvn_tcp *tcp = tcp_of_stream(stream);
    if (tcp->write_shut) {
        return TVN_END;
    }
    enum tvn_status status = drain(stream);
    if (status != TVN_OK) {
        return status;
    }
    struct pollfd writable = {.fd = tcp->fd, .events = POLLOUT};
    if (poll(&writable, 1, 0) == 0) {
        return TVN_AGAIN;
    }
    *out_length = TVN_WASI_CHUNK_MAX;
    return TVN_OK;
}

static enum tvn_status output_write(struct tvn_byte_stream *stream, const char *bytes,
                                    size_t length)
{
    struct tvn_tcp *tcp = tcp_of_stream(stream);
    if (tcp->write_shut) {
        return TVN_END;
    }
    while (tcp->pending_length == 0 && length > 0) {
        ssize_t sent = send(tcp->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno == EAGAIN) {
            break;
        }
        if (sent < 0) {
            return fail(stream, errno);
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    int error = length > 0 ? keep(tcp, bytes, length) : 0;
    return error ? fail(stream, error) : TVN_OK;
}

static int output_wait_fd(const struct tvn_byte_stream *stream, short *out_events)
{
    const struct tvn_tcp *tcp = tcp_of_stream(stream);
    *out_events = POLLOUT;
    return tcp->write_shut && tcp->pending_length == 0 ? -1 : tcp->fd;
}

static void stream_destroy(struct tvn_byte_stream *stream)
{
    tvn_wasi_waitable_unref(&tcp_of_stream(stream)->waitable);
    tvn_free(TVN_CONTAINER_OF(stream, struct tcp_stream, stream));
}

static const struct tvn_byte_stream_ops input_ops = {
    .read = input_read,
    .wait_fd = input_wait_fd,
    .destroy = stream_destroy,
};
static const struct tvn_byte_stream_ops output_ops = {
    .room = output_room,
    .write = output_write,
    .flush = drain,
    .wait_fd = output_wait_fd,
    .destroy = stream_destroy,
};

bool tvn_tcp_streams(struct tvn_tcp *tcp, struct tvn_byte_stream **out_input,
                     struct tvn_byte_stream **out_output)
{
    struct tcp_stream *input = tvn_malloc(sizeof(*input));
    struct tcp_stream *output = input ? tvn_malloc(sizeof(*output)) : NULL;
    if (!output) {
        tvn_free(input);
        return false;
    }
    *input = (struct tcp_stream){
        .stream = {.ops = &input_ops, .refs = 1, .origin = TVN_BYTE_STREAM_SOCKET}, .tcp = tcp};
    *output = (struct tcp_stream){
        .stream = {.ops = &output_ops, .refs = 1, .origin = TVN_BYTE_STREAM_SOCKET}, .tcp = tcp};
    tvn_wasi_waitable_ref(&tcp->waitable);
    tvn_wasi_waitable_ref(&tcp->waitable);
    *out_input = &input->stream;
    *out_output = &output->stream;
    return true;
}
