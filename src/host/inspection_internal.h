/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The inspection server of a running host, on a Unix socket of mode 0600 in the state directory:
 *
 *   GET  /health              {"status":"ok"}
 *   GET  /metrics             Prometheus' text; 404 unless metrics_enabled and prometheus_enabled
 *   GET  /flows, /flows/{id}  state, counters, streams
 *   POST /flows/{id}/level    {"level": "off" | "production" | "diagnostic"}
 *   POST /flows/{id}/drain, /flows/{id}/cancel
 *
 * The first process has torvyn.sock, others torvyn-<pid>.sock. A server that cannot start is a
 * warning in the log: no flow depends on it. Threads: start and stop on the host's; requests on the
 * server's own, which only reads atomics and raises flags.
 */
#include "host/host_internal.h"

struct tvn_inspection;

/* NULL when there is none. */
struct tvn_inspection *tvn_inspection_start(struct tvn_host *host);
void tvn_inspection_stop(struct tvn_inspection *inspection);

/* inspection_socket.c: a listening socket in the state directory, and its path; -1 and a reason. */
struct tvn_inspection_socket {
    int fd;
    int lock_fd; /* of the first process; -1 */
    char path[108];
    char why[160];
};
void tvn_inspection_socket_open(struct tvn_inspection_socket *out_socket);
/* Removes the socket's file; the descriptor is the server's. */
void tvn_inspection_socket_remove(struct tvn_inspection_socket *socket);
