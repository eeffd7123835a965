/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the inspection server. */
#include "host/inspection.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

TVN_LOG_CATEGORY("host");

static void warn_socket(const struct tvn_inspection_socket *socket)
{
    tvn_log_warn("torvyn top and tap do not find this run, as it has no socket in the state "
                 "directory '%s': %s; set TORVYN_STATE_DIR to a directory of this user's with mode "
                 "0700",
                 socket->directory, socket->why);
}

/* On the sockets that there are. */
static bool start_server(struct tvn_inspection *inspection)
{
    struct tvn_inspection_tcp *tcp = &inspection->host->inspection_tcp;
    struct tvn_http_listener listeners[TVN_HTTP_LISTENERS_MAX];
    uint32_t count = 0;
    if (inspection->socket.fd >= 0) {
        listeners[count++] = (struct tvn_http_listener){.fd = inspection->socket.fd};
    }
    if (tcp->fd >= 0) {
        listeners[count++] = (struct tvn_http_listener){
            .fd = tcp->fd, .policy = {.host = tcp->host, .port = tcp->port, .token = tcp->token}};
    }
    if (count == 0 || tvn_http_server_start(listeners, count, tvn_inspection_route, inspection,
                                            &inspection->server) != TVN_OK) {
        return false;
    }
    if (inspection->socket.fd >= 0) {
        tvn_log_debug("inspection at '%s'", inspection->socket.path);
    } else {
        warn_socket(&inspection->socket);
    }
    if (tcp->fd >= 0) {
        tvn_log_info("inspection at http://%s:%u", tcp->host, (unsigned)tcp->port);
        tcp->fd = -1; /* the server's */
    }
    return true;
}

struct tvn_inspection *tvn_inspection_start(struct tvn_host *host)
{
    struct tvn_inspection *inspection = tvn_calloc(1, sizeof(*inspection));
    if (!inspection) {
        return NULL;
    }
    inspection->host = host;
    inspection->socket = (struct tvn_inspection_socket){.fd = -1, .lock_fd = -1};
    if (tvn_metrics_source_create(host, &inspection->metrics) == TVN_OK) {
        tvn_inspection_socket_open(&inspection->socket);
    }
    if (!inspection->metrics || !start_server(inspection)) {
        if (inspection->socket.why[0]) {
            warn_socket(&inspection->socket);
        } else {
            tvn_log_warn("this run cannot be inspected: no memory or thread for the server");
        }
        tvn_fd_close(&inspection->socket.fd);
        tvn_inspection_stop(inspection);
        return NULL;
    }
    return inspection;
}

void tvn_inspection_stop(struct tvn_inspection *inspection)
{
    if (!inspection) {
        return;
    }
    tvn_http_server_stop(inspection->server);
    if (inspection->socket.path[0]) {
        tvn_inspection_socket_remove(&inspection->socket);
    }
    tvn_metrics_source_destroy(inspection->metrics);
    tvn_free(inspection);
}
