/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A TCP socket and its two streams, below the ABI. Everything is non-blocking.
 *
 * An output stream takes what check-write permitted even when the kernel does not: the rest waits
 * in the socket's buffer and goes on with every later operation on either stream, and while the
 * guest polls for input. What nobody sends until the socket is closed is tried once more then.
 *
 * States: a socket is bound (optional), then connects or listens; a failed connect ends it.
 *
 * Threads: those of the context. Memory: TVN_WASI_CHUNK_MAX bytes of buffer, once needed. A socket
 * lives while a handle, a stream or a pollable refers to it.
 */
#include "wasi/byte_stream_internal.h"
#include "wasi/network_internal.h"
#include "wasi/pollable_internal.h"

enum tvn_tcp_state {
    TVN_TCP_NEW,
    TVN_TCP_BINDING, /* bound, but the guest has not finished yet */
    TVN_TCP_BOUND,
    TVN_TCP_CONNECTING,
    TVN_TCP_CONNECTED,
    TVN_TCP_LISTEN_STARTED,
    TVN_TCP_LISTENING,
    TVN_TCP_CLOSED, /* connecting failed */
};

#define TVN_TCP_BACKLOG_DEFAULT 128

struct tvn_tcp {
    struct tvn_wasi_waitable waitable;
    struct tvn_wasi *wasi;
    int fd;
    sa_family_t family;
    enum tvn_tcp_state state;
    int backlog;
    union tvn_socket_address asked; /* what bind was called with */
    char *pending;                  /* taken from the guest and not sent; NULL: never needed */
    size_t pending_at;
    size_t pending_length;
    bool read_shut;
    bool write_shut; /* after what is pending */
};

// COLD PATH. With one reference. 0 or an errno; the descriptor is counted.
TVN_NODISCARD int tvn_tcp_create(struct tvn_wasi *wasi, sa_family_t family,
                                 struct tvn_tcp **out_socket);
TVN_NODISCARD int tvn_tcp_accept(struct tvn_tcp *listener, struct tvn_tcp **out_socket);
/* COLD PATH. The streams of a connected socket, one reference each; false: no memory. */
TVN_NODISCARD bool tvn_tcp_streams(struct tvn_tcp *socket, struct tvn_byte_stream **out_input,
                                   struct tvn_byte_stream **out_output);
// COLD PATH. 0 or an errno.
TVN_NODISCARD int tvn_tcp_shutdown(struct tvn_tcp *socket, bool receive, bool send);
