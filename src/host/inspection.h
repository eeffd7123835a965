/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The inspection server of a running host, on a Unix socket of mode 0600 in the state directory
 * and, if configured, on TCP for who has the token (inspection_tcp.h):
 *
 *   GET  /health              {"status":"ok"}
 *   GET  /metrics             Prometheus' text; 404 unless metrics_enabled and prometheus_enabled
 *   GET  /flows, /flows/{id}  state, counters, streams
 *   POST /level               {"level": "off" | "production" | "diagnostic"}, of all flows
 *   GET  /flows/{id}/tap      elements of an edge as lines of JSON; arguments in inspection_tap.c
 *   POST /flows/{id}/level    the same of one flow
 *   POST /flows/{id}/pause, /resume, /drain, /cancel: 202, or 409 when the flow's state forbids it
 *
 * The first process has torvyn.sock, others torvyn-<pid>.sock. A server that cannot start is a
 * warning in the log: no flow depends on it. Threads: start and stop on the host's; requests on the
 * server's own, which only reads atomics and raises flags.
 */
#include "host/host_internal.h"
#include "host/metrics_source.h"
#include "net/http_server.h"

#include <limits.h>

/* inspection_socket.c: $TORVYN_STATE_DIR, $XDG_RUNTIME_DIR/torvyn, $TMPDIR/torvyn-<uid>. False when
 * it does not fit. */
bool tvn_inspection_state_directory(char *out, size_t size);
/* True for a folder of this user that nobody else can write to. */
bool tvn_inspection_directory_is_safe(const char *path);

/* inspection_socket.c: a listening socket in the state directory, and its path; -1 and a reason. */
struct tvn_inspection_socket {
    int fd;
    int lock_fd; /* of the first process; -1 */
    char path[108];
    char directory[PATH_MAX]; /* cut when it is too long */
    char why[160];
};
void tvn_inspection_socket_open(struct tvn_inspection_socket *out_socket);
/* Removes the socket's file; the descriptor is the server's. */
void tvn_inspection_socket_remove(struct tvn_inspection_socket *socket);

struct tvn_inspection {
    struct tvn_host *host;
    struct tvn_inspection_socket socket;
    struct tvn_http_server *server;
    struct tvn_metrics_source *metrics;
};

/* NULL when there is none. */
struct tvn_inspection *tvn_inspection_start(struct tvn_host *host);
void tvn_inspection_stop(struct tvn_inspection *inspection);

/* One request, as its route found it. */
struct tvn_inspection_call {
    const struct tvn_http_request *request;
    struct tvn_host_flow *flow; /* of a path with "{flow}"; else NULL */
};
typedef void (*tvn_inspection_answer)(struct tvn_inspection *inspection,
                                      const struct tvn_inspection_call *call,
                                      struct tvn_http_response *response);

/* inspection_routes.c: the server's handler; `context` is the inspection. */
void tvn_inspection_route(void *context, const struct tvn_http_request *request,
                          struct tvn_http_response *response);
/* {"error": why}; `why` needs no escapes. */
void tvn_inspection_refuse(struct tvn_http_response *response, unsigned status, const char *why);

/* What the table of inspection_routes.c names. */
#define TVN_INSPECTION_ANSWER(name)                                    \
    void tvn_inspection_##name(struct tvn_inspection *inspection,      \
                               const struct tvn_inspection_call *call, \
                               struct tvn_http_response *response)
/* inspection_flows.c */
TVN_INSPECTION_ANSWER(get_health);
TVN_INSPECTION_ANSWER(get_metrics);
TVN_INSPECTION_ANSWER(get_flows);
TVN_INSPECTION_ANSWER(get_flow);
TVN_INSPECTION_ANSWER(post_process_level);
TVN_INSPECTION_ANSWER(post_level);
TVN_INSPECTION_ANSWER(post_pause);
TVN_INSPECTION_ANSWER(post_resume);
TVN_INSPECTION_ANSWER(post_drain);
TVN_INSPECTION_ANSWER(post_cancel);
/* inspection_tap.c */
TVN_INSPECTION_ANSWER(get_tap);
