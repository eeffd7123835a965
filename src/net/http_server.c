/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/thread.h"
#include "net/http_connection_internal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

TVN_LOG_CATEGORY("net");

#define NS_PER_S        UINT64_C(1000000000)
#define ACCEPT_PAUSE_NS UINT64_C(100000000) /* after there were no descriptors or no memory */
#define ACCEPTS_A_TURN  64
#define FD_STOP         0
#define FD_LISTENERS    1
#define FD_CONNECTIONS  (FD_LISTENERS + TVN_HTTP_LISTENERS_MAX)
#define FD_COUNT        (FD_CONNECTIONS + TVN_HTTP_CONNECTIONS_MAX)

struct tvn_http_server {
    struct tvn_http_service service;
    struct tvn_http_listener listeners[TVN_HTTP_LISTENERS_MAX];
    uint32_t listener_count;
    int stop_fd; /* eventfd, readable once the server is to stop */
    pthread_t thread;
    uint64_t accept_again_ns; /* not before */
    struct tvn_http_connection connections[TVN_HTTP_CONNECTIONS_MAX];
};

/* ---- accepting ---- */

/* Descriptors are given out lowest first: a high one says that few are left. */
static bool descriptors_are_scarce(int fd)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return false;
    }
    rlim_t spare = tvn_min(limit.rlim_cur / 4, (rlim_t)TVN_HTTP_DESCRIPTORS_SPARE);
    return (rlim_t)fd >= limit.rlim_cur - spare;
}

static bool is_unix(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
           address.ss_family == AF_UNIX;
}

/* Over a Unix socket: the same user, or root. */
static bool peer_allowed(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* A place for a connection: a free one, else that of the one which has been silent longest. */
static struct tvn_http_connection *make_room(struct tvn_http_server *server)
{
    struct tvn_http_connection *silent = NULL;
    for (size_t i = 0; i < TVN_HTTP_CONNECTIONS_MAX; i++) {
        struct tvn_http_connection *connection = &server->connections[i];
        if (connection->phase == TVN_HTTP_FREE) {
            return connection;
        }
        if (tvn_http_connection_is_idle(connection) &&
            (!silent || connection->deadline_ns < silent->deadline_ns)) {
            silent = connection;
        }
    }
    if (silent) {
        tvn_http_connection_close(silent, &server->service);
    }
    return silent;
}

static void accept_some(struct tvn_http_server *server, const struct tvn_http_listener *listener,
                        uint64_t now_ns)
{
    for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                server->accept_again_ns = now_ns + ACCEPT_PAUSE_NS;
            }
            return;
        }
        struct tvn_http_connection *room = descriptors_are_scarce(fd) ? NULL : make_room(server);
        if (!room) {
            tvn_fd_close(&fd);
            continue;
        }
        struct tvn_http_policy policy = listener->policy;
        bool over_unix = is_unix(fd);
        policy.peer_refused |= over_unix && !peer_allowed(fd);
        tvn_http_connection_open(room, fd, &policy, over_unix, now_ns);
        tvn_http_connection_run(room, &server->service, now_ns); /* its request may be there */
    }
}

/* ---- the loop ---- */

static uint64_t first_deadline_ns(const struct tvn_http_server *server)
{
    uint64_t first_ns = server->accept_again_ns != 0 ? server->accept_again_ns : UINT64_MAX;
    for (size_t i = 0; i < TVN_HTTP_CONNECTIONS_MAX; i++) {
        const struct tvn_http_connection *connection = &server->connections[i];
        if (connection->phase == TVN_HTTP_FREE) {
            continue;
        }
        if (connection->more) {
            return 0;
        }
        first_ns = tvn_min(first_ns, connection->deadline_ns);
    }
    return first_ns;
}

/* Waits until a descriptor is ready or until_ns has come; ready ones have revents. */
static void wait_for_events(const struct tvn_http_server *server, struct pollfd fds[FD_COUNT],
                            uint64_t until_ns, uint64_t now_ns)
{
    fds[FD_STOP] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
    for (uint32_t i = 0; i < TVN_HTTP_LISTENERS_MAX; i++) {
        bool listens = i < server->listener_count && server->accept_again_ns == 0;
        fds[FD_LISTENERS + i] =
            (struct pollfd){.fd = listens ? server->listeners[i].fd : -1, .events = POLLIN};
    }
    for (size_t i = 0; i < TVN_HTTP_CONNECTIONS_MAX; i++) {
        const struct tvn_http_connection *connection = &server->connections[i];
        fds[FD_CONNECTIONS + i] =
            (struct pollfd){.fd = connection->phase == TVN_HTTP_FREE ? -1 : connection->fd,
                            .events = tvn_http_connection_events(connection)};
    }
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec timeout = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                               .tv_nsec = (long)(wait_ns % NS_PER_S)};
    if (ppoll(fds, FD_COUNT, until_ns == UINT64_MAX ? NULL : &timeout, NULL) <= 0) {
        for (size_t i = 0; i < FD_COUNT; i++) {
            fds[i].revents = 0;
        }
    }
}

static void run_connections(struct tvn_http_server *server, const struct pollfd fds[FD_COUNT],
                            uint64_t now_ns)
{
    for (size_t i = 0; i < TVN_HTTP_CONNECTIONS_MAX; i++) {
        struct tvn_http_connection *connection = &server->connections[i];
        if (connection->phase == TVN_HTTP_FREE) {
            continue;
        }
        if (fds[FD_CONNECTIONS + i].revents != 0 || connection->more) {
            tvn_http_connection_run(connection, &server->service, now_ns);
        }
        if (connection->phase != TVN_HTTP_FREE && connection->deadline_ns <= now_ns) {
            tvn_http_connection_expire(connection, &server->service, now_ns);
        }
    }
}

/* Ends what has no answer under way; true when nothing is left. */
static bool wind_down(struct tvn_http_server *server, bool at_once)
{
    bool over = true;
    for (size_t i = 0; i < TVN_HTTP_CONNECTIONS_MAX; i++) {
        struct tvn_http_connection *connection = &server->connections[i];
        if (connection->phase == TVN_HTTP_FREE) {
            continue;
        }
        bool answers = connection->phase >= TVN_HTTP_ANSWER;
        if (connection->phase == TVN_HTTP_STREAM && connection->out.len == 0) {
            connection->deadline_ns = 0; /* it says how it ends */
        }
        if (answers && !at_once) {
            over = false;
        } else {
            tvn_http_connection_close(connection, &server->service);
        }
    }
    return over;
}

static void *serve(void *context)
{
    struct tvn_http_server *server = context;
    struct pollfd fds[FD_COUNT];
    uint64_t stop_ns = UINT64_MAX; /* when nothing is waited for any more */
    uint64_t now_ns = tvn_clock_monotonic_ns();
    for (;;) {
        wait_for_events(server, fds, tvn_min(first_deadline_ns(server), stop_ns), now_ns);
        now_ns = tvn_clock_monotonic_ns();
        if (server->accept_again_ns <= now_ns) {
            server->accept_again_ns = 0;
        }
        run_connections(server, fds, now_ns);
        for (uint32_t i = 0; i < server->listener_count; i++) {
            if (fds[FD_LISTENERS + i].revents != 0) {
                accept_some(server, &server->listeners[i], now_ns);
            }
        }
        if (stop_ns == UINT64_MAX && fds[FD_STOP].revents != 0) {
            eventfd_t ignored;
            (void)eventfd_read(server->stop_fd, &ignored);
            stop_ns = now_ns + TVN_HTTP_STOP_S * NS_PER_S;
            server->listener_count = 0;
            server->service.stopping = true;
        }
        if (stop_ns != UINT64_MAX && wind_down(server, now_ns >= stop_ns)) {
            return NULL;
        }
    }
}

/* ---- life ---- */

enum tvn_status tvn_http_server_start(const struct tvn_http_listener *listeners,
                                      uint32_t listener_count, tvn_http_handler handler,
                                      void *context, struct tvn_http_server **out_server)
{
    tvn_assert(listeners && handler && out_server);
    tvn_assert(listener_count > 0 && listener_count <= TVN_HTTP_LISTENERS_MAX);
    struct tvn_http_server *server = tvn_calloc(1, sizeof(*server));
    if (!server) {
        return TVN_E_OUT_OF_MEMORY;
    }
    server->service = (struct tvn_http_service){.handler = handler, .context = context};
    server->listener_count = listener_count;
    for (uint32_t i = 0; i < TVN_HTTP_LISTENERS_MAX; i++) {
        server->listeners[i] =
            i < listener_count ? listeners[i] : (struct tvn_http_listener){.fd = -1};
        tvn_assert(i >= listener_count || listeners[i].fd >= 0);
    }
    for (size_t i = 0; i < TVN_HTTP_CONNECTIONS_MAX; i++) {
        server->connections[i].fd = -1;
    }
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->stop_fd < 0 || tvn_service_thread_start(&server->thread, 0, serve, server) != 0) {
        tvn_log_debug("the HTTP server does not start");
        tvn_fd_close(&server->stop_fd);
        tvn_free(server);
        return TVN_E_IO_ERROR;
    }
    *out_server = server;
    return TVN_OK;
}

void tvn_http_server_stop(struct tvn_http_server *server)
{
    if (!server) {
        return;
    }
    (void)eventfd_write(server->stop_fd, 1);
    pthread_join(server->thread, NULL);
    for (uint32_t i = 0; i < TVN_HTTP_LISTENERS_MAX; i++) {
        tvn_fd_close(&server->listeners[i].fd);
    }
    tvn_fd_close(&server->stop_fd);
    tvn_free(server);
}
