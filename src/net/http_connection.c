/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/file.h"
#include "net/http_connection_internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S      UINT64_C(1000000000)
#define CHUNK_BYTES   4096
#define FLUSH_S       1                  /* for the peer to read the last answer */
#define DRAINED_MAX   ((size_t)16 << 20) /* of what it still sends meanwhile */
#define CHUNKS_A_TURN 32
#define STREAM_BYTES  ((size_t)16384)    /* of one piece of a stream */
#define STREAM_ASK_NS UINT64_C(20000000) /* after it had nothing to say */

void tvn_http_connection_open(struct tvn_http_connection *connection, int fd,
                              const struct tvn_http_policy *policy, bool is_unix, uint64_t now_ns)
{
    *connection = (struct tvn_http_connection){
        .fd = fd,
        .phase = TVN_HTTP_HEAD,
        .policy = *policy,
        .is_unix = is_unix,
        .deadline_ns = now_ns + TVN_HTTP_IDLE_S * NS_PER_S,
    };
    tvn_strbuf_init(&connection->in, TVN_HTTP_HEAD_MAX + TVN_HTTP_BODY_MAX + 2 * CHUNK_BYTES);
}

static void release_answer(struct tvn_http_connection *connection, struct tvn_http_service *service)
{
    tvn_assert(service->pending_bytes >= connection->out.len);
    service->pending_bytes -= connection->out.len;
    tvn_strbuf_deinit(&connection->out);
    connection->out = (struct tvn_strbuf){0};
    connection->sent = 0;
}

static void end_stream(struct tvn_http_connection *connection, struct tvn_http_service *service)
{
    if (connection->stream.read) {
        connection->stream.close(connection->stream.context);
        connection->stream = (struct tvn_http_stream){0};
        service->stream_count--;
    }
}

void tvn_http_connection_close(struct tvn_http_connection *connection,
                               struct tvn_http_service *service)
{
    release_answer(connection, service);
    end_stream(connection, service);
    tvn_strbuf_deinit(&connection->in);
    tvn_fd_close(&connection->fd);
    *connection = (struct tvn_http_connection){.fd = -1};
}

/* ---- the answer ---- */

/* "Date: Sat, 21 Nov 2026 15:00:00 GMT", whatever the locale. */
static void add_date(struct tvn_strbuf *out)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm)) {
        tvn_strbuf_printf(out, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                          days + tm.tm_wday * 3, tm.tm_mday, months + tm.tm_mon * 3,
                          tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    }
}

static void write_answer(struct tvn_http_connection *connection, struct tvn_http_service *service,
                         const struct tvn_http_response *response, uint64_t now_ns)
{
    struct tvn_strbuf *out = &connection->out;
    tvn_assert(out->len == 0);
    connection->last |= response->status >= 400; /* what follows may not be what the peer thinks */
    tvn_strbuf_printf(out, "HTTP/1.1 %u %s\r\n", response->status,
                      tvn_http_reason(response->status));
    add_date(out);
    tvn_strbuf_printf(out,
                      "Content-Type: %s\r\nCache-Control: no-store\r\n"
                      "X-Content-Type-Options: nosniff\r\n",
                      response->content_type);
    if (connection->stream.read) {
        tvn_strbuf_add_text(out, "Transfer-Encoding: chunked\r\n");
    } else {
        tvn_strbuf_printf(out, "Content-Length: %zu\r\n", response->body.len);
    }
    if (response->status == 401) {
        tvn_strbuf_add_text(out, "WWW-Authenticate: Bearer realm=\"torvyn\"\r\n");
    }
    if (response->allow) {
        tvn_strbuf_printf(out, "Allow: %s\r\n", response->allow);
    }
    tvn_strbuf_printf(out, "%s\r\n", connection->last ? "Connection: close\r\n" : "");
    if (!connection->head.is_head) {
        tvn_strbuf_add_str(out, tvn_strbuf_view(&response->body));
    }
    service->pending_bytes += out->len;
    connection->phase = connection->stream.read ? TVN_HTTP_STREAM : TVN_HTTP_ANSWER;
    connection->deadline_ns = now_ns + TVN_HTTP_ANSWER_S * NS_PER_S;
}

static void refuse(struct tvn_http_connection *connection, struct tvn_http_service *service,
                   struct tvn_http_refusal refusal, uint64_t now_ns)
{
    struct tvn_http_response response = {
        .status = refusal.status,
        .content_type = "application/json",
        .allow = refusal.status == 405 ? "GET, HEAD, POST" : NULL,
    };
    tvn_strbuf_printf(&response.body, "{\"error\":\"%s\"}\n", refusal.why);
    connection->last = true;
    write_answer(connection, service, &response, now_ns);
    tvn_strbuf_deinit(&response.body);
}

static void begin_stream(struct tvn_http_connection *connection, struct tvn_http_service *service,
                         const struct tvn_http_response *response, uint64_t now_ns)
{
    tvn_assert(response->stream.close);
    connection->last = true;
    if (service->stream_count == TVN_HTTP_STREAMS_MAX || service->stopping) {
        response->stream.close(response->stream.context);
        refuse(connection, service, (struct tvn_http_refusal){503, "too many streams"}, now_ns);
        return;
    }
    connection->stream = response->stream;
    connection->stream_over = connection->head.is_head;
    service->stream_count++;
    write_answer(connection, service, response, now_ns);
}

static void handle(struct tvn_http_connection *connection, struct tvn_http_service *service,
                   uint64_t now_ns)
{
    struct tvn_str in = tvn_strbuf_view(&connection->in);
    /* Once more: the body may have moved the bytes that the views of the head borrow. */
    struct tvn_http_refusal refusal =
        tvn_http_head_parse(tvn_str_slice(in, 0, connection->head_bytes), &connection->head);
    tvn_assert(refusal.status == 0);
    const struct tvn_http_request request = {
        .is_post = connection->head.is_post,
        .path = connection->head.path,
        .query = connection->head.query,
        .body = tvn_str_slice(in, connection->head_bytes, connection->request_bytes),
        .is_unix = connection->is_unix,
    };
    struct tvn_http_response response = {.status = 200, .content_type = "application/json"};
    service->handler(service->context, &request, &response);
    if (response.stream.read) {
        begin_stream(connection, service, &response, now_ns);
    } else if (response.body.failed) {
        refuse(connection, service, (struct tvn_http_refusal){500, "no memory"}, now_ns);
    } else if (service->pending_bytes + response.body.len > TVN_HTTP_PENDING_MAX) {
        refuse(connection, service, (struct tvn_http_refusal){503, "too many answers wait"},
               now_ns);
    } else {
        connection->last |= !connection->head.keep_alive;
        write_answer(connection, service, &response, now_ns);
    }
    tvn_strbuf_deinit(&response.body);
}

/* ---- the request ---- */

/* What is there of a head. True when that changed the phase. */
static bool look_at_head(struct tvn_http_connection *connection, struct tvn_http_service *service,
                         uint64_t now_ns)
{
    struct tvn_str in = tvn_strbuf_view(&connection->in);
    size_t length = tvn_http_head_length(in);
    if (length == 0 && in.len < TVN_HTTP_HEAD_MAX) {
        return false;
    }
    struct tvn_http_refusal refusal = {400, "bad request"};
    if (length != TVN_HTTP_HEAD_BROKEN) {
        if (length == 0 || length > TVN_HTTP_HEAD_MAX) {
            refusal = (struct tvn_http_refusal){431, "head too large"};
        } else {
            refusal = tvn_http_head_parse(tvn_str_slice(in, 0, length), &connection->head);
        }
    }
    if (refusal.status == 0) {
        refusal = tvn_http_judge(&connection->head, &connection->policy);
    }
    if (refusal.status != 0) {
        refuse(connection, service, refusal, now_ns);
        return true;
    }
    connection->head_bytes = length;
    connection->request_bytes = length + (size_t)connection->head.content_length; /* bounded */
    connection->phase = TVN_HTTP_BODY;
    return true;
}

enum got { GOT_BYTES, GOT_NOTHING, GOT_END };

static enum got receive(int fd, char chunk[CHUNK_BYTES], size_t *out_length)
{
    ssize_t length = recv(fd, chunk, CHUNK_BYTES, MSG_DONTWAIT);
    if (length > 0) {
        *out_length = (size_t)length;
        return GOT_BYTES;
    }
    return length < 0 && (errno == EAGAIN || errno == EINTR) ? GOT_NOTHING : GOT_END;
}

/* True when bytes came. */
static bool read_more(struct tvn_http_connection *connection, struct tvn_http_service *service,
                      uint64_t now_ns)
{
    char chunk[CHUNK_BYTES];
    size_t length = 0;
    bool was_idle = tvn_http_connection_is_idle(connection);
    enum got got = receive(connection->fd, chunk, &length);
    if (got == GOT_BYTES) {
        tvn_strbuf_add(&connection->in, chunk, length);
    }
    if (got == GOT_END || connection->in.failed) {
        tvn_http_connection_close(connection, service);
        return false;
    }
    if (got == GOT_BYTES && was_idle) {
        connection->deadline_ns = now_ns + TVN_HTTP_REQUEST_S * NS_PER_S;
    }
    return got == GOT_BYTES;
}

/* Takes the answered request out of `in`; what follows it stays. */
static void next_request(struct tvn_http_connection *connection, uint64_t now_ns)
{
    struct tvn_strbuf *in = &connection->in;
    tvn_assert(connection->request_bytes <= in->len);
    size_t rest = in->len - connection->request_bytes;
    memmove(in->ptr, in->ptr + connection->request_bytes, rest);
    in->len = rest;
    in->ptr[rest] = '\0';
    connection->phase = TVN_HTTP_HEAD;
    connection->deadline_ns = now_ns + (rest > 0 ? TVN_HTTP_REQUEST_S : TVN_HTTP_IDLE_S) * NS_PER_S;
}

/* The peer has all of the last answer. */
static void finish(struct tvn_http_connection *connection, uint64_t now_ns)
{
    (void)shutdown(connection->fd, SHUT_WR);
    connection->phase = TVN_HTTP_FLUSHED;
    connection->deadline_ns = now_ns + FLUSH_S * NS_PER_S;
}

/* True when the kernel took all of `out`; else it waits, or is closed. */
static bool send_out(struct tvn_http_connection *connection, struct tvn_http_service *service)
{
    while (connection->sent < connection->out.len) {
        ssize_t length = send(connection->fd, connection->out.ptr + connection->sent,
                              connection->out.len - connection->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            if (errno != EAGAIN) {
                tvn_http_connection_close(connection, service);
            }
            return false;
        }
        connection->sent += (size_t)length;
    }
    release_answer(connection, service);
    return true;
}

/* The next piece of a stream as a chunk. False when it has nothing to say now. */
static bool add_piece(struct tvn_http_connection *connection, struct tvn_http_service *service,
                      uint64_t now_ns)
{
    char piece[STREAM_BYTES];
    ssize_t length = connection->stream.read(connection->stream.context, piece, sizeof(piece),
                                             service->stopping);
    tvn_assert(length <= (ssize_t)sizeof(piece));
    if (length == 0 && !service->stopping) {
        connection->deadline_ns = now_ns + STREAM_ASK_NS;
        return false;
    }
    if (length > 0) {
        tvn_strbuf_printf(&connection->out, "%zx\r\n", (size_t)length);
        tvn_strbuf_add(&connection->out, piece, (size_t)length);
        tvn_strbuf_add_text(&connection->out, "\r\n");
    } else {
        tvn_strbuf_add_text(&connection->out, "0\r\n\r\n");
        connection->stream_over = true;
    }
    connection->deadline_ns = now_ns + TVN_HTTP_ANSWER_S * NS_PER_S;
    service->pending_bytes += connection->out.len;
    return true;
}

/* As far as the peer reads, but so that others have their turn. */
static void run_stream(struct tvn_http_connection *connection, struct tvn_http_service *service,
                       uint64_t now_ns)
{
    for (unsigned i = 0; i < CHUNKS_A_TURN; i++) {
        if (connection->out.failed) {
            tvn_http_connection_close(connection, service);
            return;
        }
        if (!send_out(connection, service)) {
            return;
        }
        if (connection->stream_over) {
            end_stream(connection, service);
            finish(connection, now_ns);
            return;
        }
        if (!add_piece(connection, service, now_ns)) {
            return;
        }
    }
}

/* Closing with bytes unread would make the kernel take the answer back. */
static void drain(struct tvn_http_connection *connection, struct tvn_http_service *service)
{
    char chunk[CHUNK_BYTES];
    for (unsigned i = 0; i < CHUNKS_A_TURN; i++) {
        size_t length = 0;
        enum got got = receive(connection->fd, chunk, &length);
        connection->drained += length;
        if (got == GOT_END || connection->drained > DRAINED_MAX) {
            tvn_http_connection_close(connection, service);
            return;
        }
        if (got == GOT_NOTHING) {
            return;
        }
    }
}

void tvn_http_connection_run(struct tvn_http_connection *connection,
                             struct tvn_http_service *service, uint64_t now_ns)
{
    bool answered = false;
    connection->more = false;
    for (;;) {
        switch (connection->phase) {
        case TVN_HTTP_FREE:
            return;
        case TVN_HTTP_HEAD:
            if (answered) {
                connection->more = connection->in.len > 0;
                return;
            }
            if (!look_at_head(connection, service, now_ns) &&
                !read_more(connection, service, now_ns)) {
                return;
            }
            break;
        case TVN_HTTP_BODY:
            if (connection->in.len >= connection->request_bytes) {
                handle(connection, service, now_ns);
            } else if (!read_more(connection, service, now_ns)) {
                return;
            }
            break;
        case TVN_HTTP_ANSWER:
            if (!send_out(connection, service)) {
                return;
            }
            if (connection->last) {
                finish(connection, now_ns);
            } else {
                next_request(connection, now_ns);
            }
            answered = true;
            break;
        case TVN_HTTP_STREAM:
            if (connection->out.len == 0) {
                drain(connection, service); /* is the peer still there? */
            }
            if (connection->phase == TVN_HTTP_STREAM) {
                run_stream(connection, service, now_ns);
            }
            return;
        case TVN_HTTP_FLUSHED:
            drain(connection, service);
            return;
        }
    }
}

void tvn_http_connection_expire(struct tvn_http_connection *connection,
                                struct tvn_http_service *service, uint64_t now_ns)
{
    if (connection->phase == TVN_HTTP_STREAM && connection->out.len == 0) {
        tvn_http_connection_run(connection, service, now_ns);
        return;
    }
    bool asks = connection->phase == TVN_HTTP_BODY ||
                (connection->phase == TVN_HTTP_HEAD && connection->in.len > 0);
    if (!asks) {
        tvn_http_connection_close(connection, service);
        return;
    }
    refuse(connection, service, (struct tvn_http_refusal){408, "too slow"}, now_ns);
    tvn_http_connection_run(connection, service, now_ns);
}

short tvn_http_connection_events(const struct tvn_http_connection *connection)
{
    return connection->out.len > 0 ? POLLOUT : POLLIN;
}
