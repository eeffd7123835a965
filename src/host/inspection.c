/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the inspection server. */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/inspection_internal.h"

TVN_LOG_CATEGORY("host");

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
    if (inspection->socket.fd < 0 ||
        tvn_http_server_start(inspection->socket.fd, tvn_inspection_route, inspection,
                              &inspection->server) != TVN_OK) {
        tvn_log_info("no inspection server: %s",
                     inspection->socket.why[0] ? inspection->socket.why : "no memory");
        tvn_fd_close(&inspection->socket.fd);
        tvn_inspection_stop(inspection);
        return NULL;
    }
    tvn_log_debug("inspection at '%s'", inspection->socket.path);
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
