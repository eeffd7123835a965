/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http_stream_internal.h"

#include <errno.h>
#include <time.h>

TVN_LOG_CATEGORY("net");

#define BLOCK_BYTES ((size_t)16384) /* of one reading */
#define TICK_NS     INT64_C(20000000)
#define SECOND_NS   INT64_C(1000000000)

struct http_stream {
    struct http_streams *streams;
    struct MHD_Connection *connection;
    struct tvn_http_stream stream;
    bool suspended;
    struct http_stream *next;
};

static struct timespec after(int64_t ns)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    ns += at.tv_nsec;
    at.tv_sec += (time_t)(ns / SECOND_NS);
    at.tv_nsec = (long)(ns % SECOND_NS);
    return at;
}

/* With the mutex. */
static void resume_all(struct http_streams *streams)
{
    for (struct http_stream *stream = streams->first; stream; stream = stream->next) {
        if (stream->suspended) {
            stream->suspended = false;
            MHD_resume_connection(stream->connection);
        }
    }
}

/* Ends when there is no stream any more. */
static void *tick(void *context)
{
    struct http_streams *streams = context;
    pthread_mutex_lock(&streams->mutex);
    while (streams->count > 0) {
        struct timespec until = after(TICK_NS);
        (void)pthread_cond_timedwait(&streams->changed, &streams->mutex, &until);
        resume_all(streams);
    }
    streams->thread_ends = true;
    pthread_mutex_unlock(&streams->mutex);
    return NULL;
}

/* With the mutex, on the server's thread; the new one inherits its signal mask. */
static bool have_thread(struct http_streams *streams)
{
    if (streams->has_thread && !streams->thread_ends) {
        return true;
    }
    if (streams->has_thread) { /* it is past its last use of the mutex, or about to be */
        pthread_mutex_unlock(&streams->mutex);
        (void)pthread_join(streams->thread, NULL);
        pthread_mutex_lock(&streams->mutex);
    }
    streams->thread_ends = false;
    streams->has_thread = pthread_create(&streams->thread, NULL, tick, streams) == 0;
    return streams->has_thread;
}

/* ---- one stream ---- */

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t max)
{
    (void)position;
    struct http_stream *stream = context;
    struct http_streams *streams = stream->streams;
    pthread_mutex_lock(&streams->mutex);
    ssize_t length = stream->stream.read(stream->stream.context, out, max, streams->stopping);
    if (length == 0 && streams->stopping) {
        length = -1;
    } else if (length == 0) {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&streams->mutex);
    return length < 0 ? MHD_CONTENT_READER_END_OF_STREAM : length;
}

static void unlink_stream(struct http_stream *stream)
{
    struct http_stream **at = &stream->streams->first;
    while (*at != stream) {
        at = &(*at)->next;
    }
    *at = stream->next;
    stream->streams->count--;
    pthread_cond_broadcast(&stream->streams->changed);
}

static void close_stream(void *context)
{
    struct http_stream *stream = context;
    pthread_mutex_lock(&stream->streams->mutex);
    unlink_stream(stream);
    pthread_mutex_unlock(&stream->streams->mutex);
    stream->stream.close(stream->stream.context);
    tvn_free(stream);
}

static bool link_stream(struct http_streams *streams, struct http_stream *stream)
{
    pthread_mutex_lock(&streams->mutex);
    bool fits = !streams->stopping && streams->count < TVN_HTTP_STREAMS_MAX;
    if (fits) {
        stream->next = streams->first;
        streams->first = stream;
        streams->count++;
        if (!have_thread(streams)) {
            unlink_stream(stream);
            fits = false;
        }
    }
    pthread_mutex_unlock(&streams->mutex);
    return fits;
}

struct MHD_Response *http_stream_response(struct http_streams *streams,
                                          struct MHD_Connection *connection,
                                          const struct tvn_http_stream *stream)
{
    tvn_assert(stream->read && stream->close);
    struct http_stream *made = tvn_calloc(1, sizeof(*made));
    if (!made) {
        return NULL;
    }
    *made = (struct http_stream){.streams = streams, .connection = connection, .stream = *stream};
    if (!link_stream(streams, made)) {
        tvn_free(made);
        return NULL;
    }
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, made, close_stream);
    if (!response) {
        pthread_mutex_lock(&streams->mutex);
        unlink_stream(made);
        pthread_mutex_unlock(&streams->mutex);
        tvn_free(made);
    }
    return response;
}

/* ---- life ---- */

void http_streams_init(struct http_streams *streams)
{
    pthread_condattr_t attributes;
    *streams = (struct http_streams){0};
    pthread_mutex_init(&streams->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&streams->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void http_streams_stop(struct http_streams *streams)
{
    struct timespec until = after((int64_t)TVN_HTTP_STREAM_STOP_MS * 1000000);
    pthread_mutex_lock(&streams->mutex);
    streams->stopping = true;
    resume_all(streams);
    int error = 0;
    while (streams->count > 0 && error != ETIMEDOUT) {
        error = pthread_cond_timedwait(&streams->changed, &streams->mutex, &until);
    }
    if (streams->count > 0) {
        tvn_log_debug("a reader of a stream does not take its end");
        resume_all(streams); /* a daemon with suspended connections cannot be stopped */
    }
    pthread_mutex_unlock(&streams->mutex);
}

void http_streams_deinit(struct http_streams *streams)
{
    if (streams->has_thread) {
        (void)pthread_join(streams->thread, NULL);
    }
    pthread_cond_destroy(&streams->changed);
    pthread_mutex_destroy(&streams->mutex);
}
