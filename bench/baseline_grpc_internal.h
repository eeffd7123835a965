/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the unary and the streaming stages of baseline_grpc share. Every function exits on failure.
 * Nothing where gRPC's library is not installed: only those who run benchmarks have it.
 */
#if __has_include(<grpc/grpc.h>)

#include "bench/baseline.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#define RPC_UNARY      "/torvyn.bench.Stage/Hand"
#define RPC_STREAM     "/torvyn.bench.Stage/HandAll"
#define RPC_WINDOW_MAX ((uint64_t)256)

/* One process's side of gRPC. */
struct rpc {
    grpc_completion_queue *queue;
    grpc_server *server;
    void *unary; /* methods that the server offers */
    void *stream;
    grpc_channel *channel;
    void *call_unary; /* the same as a client calls them */
    void *call_stream;
};

void rpc_open(struct rpc *rpc);
/* Returns the port. */
int rpc_listen(struct rpc *rpc);
void rpc_connect(struct rpc *rpc, int port);
grpc_call *rpc_begin(struct rpc *rpc, void *method);
/* Waits for an operation; its tag. */
void *rpc_next(struct rpc *rpc);
void rpc_check(grpc_call_error error, const char *what);
/* The caller destroys it. */
grpc_byte_buffer *rpc_buffer(const uint8_t *bytes, size_t length);
/* A message of exactly `length` bytes. */
void rpc_read(grpc_byte_buffer *buffer, uint8_t *out, size_t length);

int rpc_receive_port(int fd);
void rpc_announce_port(int fd, int port);

/* The stages. fds: the pipe from sink to processor, the one from processor to source, the window.
 */
void rpc_unary_source(const struct baseline *baseline, const int *fds);
void rpc_unary_processor(const struct baseline *baseline, const int *fds);
void rpc_unary_sink(const struct baseline *baseline, const int *fds);
void rpc_stream_source(const struct baseline *baseline, const int *fds);
void rpc_stream_processor(const struct baseline *baseline, const int *fds);
void rpc_stream_sink(const struct baseline *baseline, const int *fds);

#endif
