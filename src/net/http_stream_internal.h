/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Responses of the HTTP server that go on: who has nothing to say now is suspended and asked again
 * by a thread that runs only while there are streams.
 *
 * Threads: begin and what it sets up on the server's thread, stop on any other one.
 */
#include "net/http_server.h"

#include <microhttpd.h>
#include <pthread.h>

#define TVN_HTTP_STREAM_STOP_MS 500 /* so long the server waits for the ends of its streams */

struct http_stream;

struct http_streams {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct http_stream *first;
    uint32_t count;
    bool stopping;
    bool has_thread; /* it is to be joined */
    bool thread_ends;
    pthread_t thread;
};

void http_streams_init(struct http_streams *streams);
/* Tells the streams to end and waits for that; then the daemon may be stopped. */
void http_streams_stop(struct http_streams *streams);
void http_streams_deinit(struct http_streams *streams);
/* Answers with the stream. NULL when it cannot be: the stream is the caller's still. */
struct MHD_Response *http_stream_response(struct http_streams *streams,
                                          struct MHD_Connection *connection,
                                          const struct tvn_http_stream *stream);
