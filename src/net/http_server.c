/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http_stream_internal.h"

#include <microhttpd.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

TVN_LOG_CATEGORY("net");

struct tvn_http_server {
    struct MHD_Daemon *daemon;
    tvn_http_handler handler;
    void *context;
    struct http_streams streams;
};

/* What of a request has come. */
struct exchange {
    struct tvn_strbuf body;
    bool too_large;
    bool begun; /* the headers were looked at */
};

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned status,
                                     const char *content_type, struct MHD_Response *response)
{
    (void)MHD_add_response_header(response, "Content-Type", content_type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (status >= MHD_HTTP_BAD_REQUEST) { /* what follows may not be what the peer thinks */
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD, POST");
    }
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
                              const char *content_type, struct tvn_str body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, (void *)body.ptr, MHD_RESPMEM_MUST_COPY);
    return response ? send_response(connection, status, content_type, response) : MHD_NO;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *why)
{
    TVN_AUTO_VALUE(tvn_strbuf) body = {0};
    tvn_strbuf_printf(&body, "{\"error\":\"%s\"}\n", why);
    return answer(connection, status, "application/json", tvn_strbuf_view(&body));
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

const char *tvn_http_argument(const struct tvn_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->arguments, MHD_GET_ARGUMENT_KIND, name);
}

static bool is_port(struct tvn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.len >= 1 && text.len <= 5;
}

/* A name that leads to this machine whatever a name server says. */
static bool host_allowed(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    struct tvn_str text = tvn_str_of(host ? host : "");
    if (text.len == 0) {
        return true; /* HTTP/1.0; a browser always names it */
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        struct tvn_str name = tvn_str_of(names[i]);
        if (!tvn_str_starts_with(text, name)) {
            continue;
        }
        struct tvn_str rest = tvn_str_slice(text, name.len, text.len);
        if (rest.len == 0 || (rest.ptr[0] == ':' && is_port(tvn_str_slice(rest, 1, rest.len)))) {
            return true;
        }
    }
    return false;
}

static bool is_unix(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    return info && getsockname(info->connect_fd, (struct sockaddr *)&address, &length) == 0 &&
           address.ss_family == AF_UNIX;
}

/* Over a Unix socket: the same user, or root. */
static bool peer_allowed(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    if (!info || getsockname(info->connect_fd, (struct sockaddr *)&address, &length) != 0) {
        return false;
    }
    if (address.ss_family != AF_UNIX) {
        return true;
    }
    struct ucred peer;
    length = sizeof(peer);
    return getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* Headers that say where a request ends or for whom it is. */
struct framing {
    unsigned lengths;
    unsigned encodings;
    unsigned hosts;
};

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)kind;
    struct framing *framing = context;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 &&
        (!value || value[0] == '\0' || strspn(value, "0123456789") != strlen(value))) {
        framing->lengths++; /* counts twice: refused */
    }
    framing->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ? 1 : 0;
    framing->encodings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0 ? 1 : 0;
    framing->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0 ? 1 : 0;
    return MHD_YES;
}

/* Two readers must not come to different ends of a request. */
static bool framing_is_clear(struct MHD_Connection *connection)
{
    struct framing framing = {0};
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &framing);
    return framing.lengths + framing.encodings <= 1 && framing.hosts <= 1;
}

/* MHD_YES with *out_refused when it was answered already. */
static enum MHD_Result check_headers(struct MHD_Connection *connection, const char *path,
                                     const char *method, bool *out_refused)
{
    bool is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    const char *type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    *out_refused = true;
    if (!is_post && strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
        strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed");
    }
    if (!peer_allowed(connection)) {
        return refuse(connection, MHD_HTTP_FORBIDDEN, "not your process");
    }
    if (!host_allowed(header(connection, MHD_HTTP_HEADER_HOST)) ||
        header(connection, MHD_HTTP_HEADER_ORIGIN)) {
        return refuse(connection, MHD_HTTP_FORBIDDEN, "not for browsers");
    }
    if (!framing_is_clear(connection)) {
        return refuse(connection, MHD_HTTP_BAD_REQUEST, "ambiguous request");
    }
    if (path[0] != '/' || strchr(path, '%')) {
        return refuse(connection, MHD_HTTP_BAD_REQUEST, "bad path");
    }
    if (is_post && (!type || strcmp(type, "application/json") != 0)) {
        return refuse(connection, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "not application/json");
    }
    *out_refused = false;
    return MHD_YES;
}

static enum MHD_Result answer_stream(struct tvn_http_server *server,
                                     struct MHD_Connection *connection,
                                     const struct tvn_http_response *response)
{
    struct MHD_Response *made =
        http_stream_response(&server->streams, connection, &response->stream);
    if (!made) {
        response->stream.close(response->stream.context);
        return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many streams");
    }
    return send_response(connection, response->status, response->content_type, made);
}

static enum MHD_Result handle(struct tvn_http_server *server, struct MHD_Connection *connection,
                              const char *path, const char *method, const struct exchange *exchange)
{
    if (exchange->too_large) {
        return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "body too large");
    }
    const struct tvn_http_request request = {
        .is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0,
        .path = path,
        .body = tvn_strbuf_view(&exchange->body),
        .is_unix = is_unix(connection),
        .arguments = connection,
    };
    struct tvn_http_response response = {.status = 200, .content_type = "application/json"};
    server->handler(server->context, &request, &response);
    if (response.stream.read) {
        tvn_strbuf_deinit(&response.body);
        return answer_stream(server, connection, &response);
    }
    enum MHD_Result queued = response.body.failed
                                 ? refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory")
                                 : answer(connection, response.status, response.content_type,
                                          tvn_strbuf_view(&response.body));
    tvn_strbuf_deinit(&response.body);
    return queued;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **state)
{
    (void)version;
    struct exchange *exchange = *state;
    if (!exchange) {
        exchange = tvn_calloc(1, sizeof(*exchange));
        *state = exchange;
        return exchange ? MHD_YES : MHD_NO;
    }
    if (!exchange->begun) {
        exchange->begun = true;
        tvn_strbuf_init(&exchange->body, TVN_HTTP_BODY_MAX + 1);
        bool refused;
        enum MHD_Result result = check_headers(connection, path, method, &refused);
        if (refused) {
            *upload_size = 0;
            return result;
        }
    }
    if (*upload_size > 0) {
        exchange->too_large |= exchange->body.len + *upload_size > TVN_HTTP_BODY_MAX;
        if (!exchange->too_large) {
            tvn_strbuf_add(&exchange->body, upload, *upload_size);
        }
        *upload_size = 0;
        return MHD_YES;
    }
    return handle(context, connection, path, method, exchange);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    struct exchange *exchange = *state;
    if (exchange) {
        tvn_strbuf_deinit(&exchange->body);
        tvn_free(exchange);
    }
    *state = NULL;
}

/* Paths stay as they came. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static void log_nothing(void *context, const char *format, va_list args)
{
    (void)context;
    (void)format;
    (void)args;
}

enum tvn_status tvn_http_server_start(int listen_fd, tvn_http_handler handler, void *context,
                                      struct tvn_http_server **out_server)
{
    tvn_assert(listen_fd >= 0 && handler && out_server);
    struct tvn_http_server *server = tvn_calloc(1, sizeof(*server));
    if (!server) {
        return TVN_E_OUT_OF_MEMORY;
    }
    server->handler = handler;
    server->context = context;
    http_streams_init(&server->streams);
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV); /* never blocked in any thread */
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &all, &old); /* the server's thread inherits it */
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_request, server, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)TVN_HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)TVN_HTTP_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)2 * TVN_HTTP_HEADER_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_EXTERNAL_LOGGER, log_nothing,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!server->daemon) {
        tvn_log_debug("the HTTP server does not start");
        http_streams_deinit(&server->streams);
        tvn_free(server);
        return TVN_E_IO_ERROR;
    }
    *out_server = server;
    return TVN_OK;
}

void tvn_http_server_stop(struct tvn_http_server *server)
{
    if (server) {
        http_streams_stop(&server->streams);
        MHD_stop_daemon(server->daemon);
        http_streams_deinit(&server->streams);
        tvn_free(server);
    }
}
