/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One connection of the server: bytes in, a request, an answer, bytes out. */
#include "net/http_server.h"

enum tvn_http_phase {
    TVN_HTTP_FREE,    /* no connection */
    TVN_HTTP_HEAD,    /* reads a head */
    TVN_HTTP_BODY,    /* reads a body */
    TVN_HTTP_ANSWER,  /* writes the answer */
    TVN_HTTP_STREAM,  /* the same, of an answer that goes on */
    TVN_HTTP_FLUSHED, /* has written the last answer, and lets the peer read it */
};

struct tvn_http_connection {
    int fd;
    enum tvn_http_phase phase;
    struct tvn_http_policy policy;
    bool is_unix;
    uint64_t deadline_ns; /* of the phase */
    struct tvn_strbuf in;
    struct tvn_strbuf out;
    size_t request_bytes; /* of the request in work, from the front of `in` */
    size_t head_bytes;    /* part of it */
    size_t sent;          /* of `out` */
    size_t drained;       /* bytes thrown away at the end */
    struct tvn_http_stream stream;
    bool stream_over; /* it has said all */
    struct tvn_http_head head;
    bool last; /* closes after this answer */
    bool more; /* bytes of the next request are there: run it without waiting */
};

/* Whoever answers; and what all connections share. */
struct tvn_http_service {
    tvn_http_handler handler;
    void *context;
    size_t pending_bytes; /* of answers in all connections */
    uint32_t stream_count;
    bool stopping;
};

/* COLD PATH. Takes the descriptor. */
void tvn_http_connection_open(struct tvn_http_connection *connection, int fd,
                              const struct tvn_http_policy *policy, bool is_unix, uint64_t now_ns);
void tvn_http_connection_close(struct tvn_http_connection *connection,
                               struct tvn_http_service *service);
/* WARM PATH. Goes on as far as it can without waiting, but answers one request at most. It may be
 * closed afterwards. */
void tvn_http_connection_run(struct tvn_http_connection *connection,
                             struct tvn_http_service *service, uint64_t now_ns);
/* Its time is over: it is closed, or goes on with what was due now. */
void tvn_http_connection_expire(struct tvn_http_connection *connection,
                                struct tvn_http_service *service, uint64_t now_ns);
/* POLLIN or POLLOUT; what a peer says to a stream is thrown away. */
short tvn_http_connection_events(const struct tvn_http_connection *connection);
/* Waits for a request of which nothing has come. */
static inline bool tvn_http_connection_is_idle(const struct tvn_http_connection *connection)
{
    return connection->phase == TVN_HTTP_HEAD && connection->in.len == 0;
}
