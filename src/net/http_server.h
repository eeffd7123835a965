/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A small HTTP/1.1 server for people and tools of the same machine.
 *
 * What is no proper request, or not for its peer, is refused before the handler sees it
 * (http_request.h), and the connection is closed after the answer. Requests on one connection are
 * answered one after the other.
 *
 * Nobody can hold it up: every state of a connection has a time limit that no progress extends;
 * beyond TVN_HTTP_CONNECTIONS_MAX the connection that has been silent longest makes room, and when
 * all are busy a new one is closed at once. It leaves TVN_HTTP_DESCRIPTORS_SPARE of the process'
 * descriptors, or a quarter if that is less, to others, and stops accepting for a moment when there
 * are none.
 *
 * Threads: one of its own, which never shares a lock with the caller; the handler runs on it.
 * Memory: TVN_HTTP_PENDING_MAX for answers that were not read yet, and what the limits say for
 * requests. Limits: below and in http_request.h.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"
#include "net/http_request.h"

#include <sys/types.h>

#define TVN_HTTP_LISTENERS_MAX     2
#define TVN_HTTP_CONNECTIONS_MAX   64
#define TVN_HTTP_DESCRIPTORS_SPARE 64
#define TVN_HTTP_IDLE_S            15 /* to the first byte of a request */
#define TVN_HTTP_REQUEST_S         5  /* from there to its end */
#define TVN_HTTP_ANSWER_S          10 /* until the peer has taken the answer */
#define TVN_HTTP_STOP_S            1  /* for answers under way when the server is stopped */
#define TVN_HTTP_STREAMS_MAX       8
#define TVN_HTTP_PENDING_MAX       ((size_t)128 << 20)

struct tvn_http_request {
    bool is_post;         /* else GET or HEAD */
    struct tvn_str path;  /* with its escapes; see tvn_http_unescape */
    struct tvn_str query; /* likewise; see tvn_http_query_find */
    struct tvn_str body;
    bool is_unix; /* came over a Unix socket: from this user, or root */
};

/*
 * An answer that goes on. Both functions run on the server's thread. What reads slower than it
 * writes is not waited for: nothing is asked of the stream meanwhile, and after TVN_HTTP_ANSWER_S
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
    const char *allow;        /* static: the methods, for 405; NULL at first */
    struct tvn_strbuf body;
    struct tvn_http_stream stream; /* if it has a `read`: instead of the body. 503 beyond
                                      TVN_HTTP_STREAMS_MAX */
};

typedef void (*tvn_http_handler)(void *context, const struct tvn_http_request *request,
                                 struct tvn_http_response *response);

/* A listening, non-blocking socket, and what its peers must bring. */
struct tvn_http_listener {
    int fd;
    struct tvn_http_policy policy; /* its strings are borrowed until the server is stopped */
};

struct tvn_http_server;

// COLD PATH. Takes over the sockets on success. TVN_E_IO_ERROR, TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status
tvn_http_server_start(TVN_TAKEN const struct tvn_http_listener *listeners, uint32_t listener_count,
                      tvn_http_handler handler, void *context, struct tvn_http_server **out_server);
/* Waits for the handler's return and at most TVN_HTTP_STOP_S for answers under way. NULL is
 * allowed.
 */
void tvn_http_server_stop(struct tvn_http_server *server);
TVN_DEFINE_CLEANUP(tvn_http_server, tvn_http_server_stop)
