/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A small HTTP/1.1 server for people and tools of the same machine.
 *
 * Refused before the handler sees it: methods other than GET, HEAD and POST (405); a Host that is
 * not localhost, 127.0.0.1 or [::1] with or without a port, and any Origin (403: a browser's page);
 * a POST whose content type is not application/json (415); lengths, encodings or hosts that are
 * ambiguous (400); a path with '%' (400: nothing here needs
 * it); headers or bodies beyond the limits (431, 413); over a Unix socket, peers of other users but
 * root (403).
 *
 * Threads: one of its own, which never shares a lock with the caller. Memory: bounded by the
 * limits. Limits: below. A connection that says nothing for TVN_HTTP_TIMEOUT_S is closed.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#include <sys/types.h>

#define TVN_HTTP_CONNECTIONS_MAX 64
#define TVN_HTTP_HEADER_MAX      8192
#define TVN_HTTP_BODY_MAX        65536
#define TVN_HTTP_TIMEOUT_S       5
#define TVN_HTTP_STREAMS_MAX     8

struct tvn_http_request {
    bool is_post; /* else GET or HEAD */
    const char *path;
    struct tvn_str body;
    bool is_unix; /* came over a Unix socket: from this user, or root */
    void *arguments;
};

/* Value of an argument behind the path's '?', as it came; NULL when there is none. */
const char *tvn_http_argument(const struct tvn_http_request *request, const char *name);

/*
 * An answer that goes on. Both functions run on the server's thread. What reads slower than it
 * writes is not waited for: nothing is asked of the stream meanwhile, and after TVN_HTTP_TIMEOUT_S
 * the connection is closed.
 */
struct tvn_http_stream {
    /* Writes up to `max` bytes to `out` and returns how many. 0: nothing now; it is asked again
     * within some 20 ms. -1: no more. `stopping`: the server stops, say what is left. */
    ssize_t (*read)(void *context, char *out, size_t max, bool stopping);
    void (*close)(void *context); /* the last call, in any case */
    void *context;
};

struct tvn_http_response {
    unsigned status;          /* 200 at first */
    const char *content_type; /* static; application/json at first */
    struct tvn_strbuf body;
    struct tvn_http_stream stream; /* if it has a `read`: instead of the body. 503 beyond
                                      TVN_HTTP_STREAMS_MAX */
};

typedef void (*tvn_http_handler)(void *context, const struct tvn_http_request *request,
                                 struct tvn_http_response *response);

struct tvn_http_server;

// COLD PATH. Takes over the listening socket on success. TVN_E_IO_ERROR, TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_http_server_start(TVN_TAKEN int listen_fd,
                                                    tvn_http_handler handler, void *context,
                                                    struct tvn_http_server **out_server);
/* Waits for the handler's return; connections are closed. NULL is allowed. */
void tvn_http_server_stop(struct tvn_http_server *server);
TVN_DEFINE_CLEANUP(tvn_http_server, tvn_http_server_stop)
