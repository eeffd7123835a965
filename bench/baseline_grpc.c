/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source, processor and sink as three processes that speak gRPC over loopback, by the library's C
 * core: no code generator, no Protocol Buffers, payloads as raw bytes, one completion queue and one
 * thread each. Unary: a call per element and hop, `--window N` of them at a time; the processor
 * answers when the sink has answered. Streaming (--stream 1): one client-streaming call per hop,
 * with writes that the transport may gather.
 */
#include "base/num.h"
#include "bench/baseline.h"
#include "bench/baseline_grpc_internal.h"
#include "bench/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USAGE        "baseline_grpc [--size BYTES] [--elements N] [--window N] [--stream 0|1]"
#define ELEMENTS_MAX ((uint64_t)1 << 32)

void rpc_check(grpc_call_error error, const char *what)
{
    if (error != GRPC_CALL_OK) {
        bench_fail("gRPC: %s: error %d", what, (int)error);
    }
}

void rpc_open(struct rpc *rpc)
{
    grpc_init();
    rpc->queue = grpc_completion_queue_create_for_next(NULL);
}

int rpc_listen(struct rpc *rpc)
{
    rpc->server = grpc_server_create(NULL, NULL);
    grpc_server_register_completion_queue(rpc->server, rpc->queue, NULL);
    rpc->unary = grpc_server_register_method(rpc->server, RPC_UNARY, NULL,
                                             GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    rpc->stream =
        grpc_server_register_method(rpc->server, RPC_STREAM, NULL, GRPC_SRM_PAYLOAD_NONE, 0);
    grpc_server_credentials *open = grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(rpc->server, "127.0.0.1:0", open);
    grpc_server_credentials_release(open);
    if (port == 0) {
        bench_fail("gRPC: no port on loopback");
    }
    grpc_server_start(rpc->server);
    return port;
}

void rpc_connect(struct rpc *rpc, int port)
{
    char target[32];
    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    grpc_channel_credentials *open = grpc_insecure_credentials_create();
    rpc->channel = grpc_channel_create(target, open, NULL);
    grpc_channel_credentials_release(open);
    rpc->call_unary = grpc_channel_register_call(rpc->channel, RPC_UNARY, NULL, NULL);
    rpc->call_stream = grpc_channel_register_call(rpc->channel, RPC_STREAM, NULL, NULL);
}

grpc_call *rpc_begin(struct rpc *rpc, void *method)
{
    return grpc_channel_create_registered_call(rpc->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                               rpc->queue, method,
                                               gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
}

void *rpc_next(struct rpc *rpc)
{
    grpc_event event =
        grpc_completion_queue_next(rpc->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    if (event.type != GRPC_OP_COMPLETE || !event.success) {
        bench_fail("gRPC: an operation failed");
    }
    return event.tag;
}

grpc_byte_buffer *rpc_buffer(const uint8_t *bytes, size_t length)
{
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)bytes, length);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

void rpc_read(grpc_byte_buffer *buffer, uint8_t *out, size_t length)
{
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) {
        bench_fail("gRPC: a message cannot be read");
    }
    size_t filled = 0;
    grpc_slice slice;
    while (grpc_byte_buffer_reader_next(&reader, &slice)) {
        size_t part = GRPC_SLICE_LENGTH(slice);
        if (part > length - filled) {
            bench_fail("gRPC: a message is too long");
        }
        memcpy(out + filled, GRPC_SLICE_START_PTR(slice), part);
        filled += part;
        grpc_slice_unref(slice);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    if (filled != length) {
        bench_fail("gRPC: a message is too short");
    }
}

int rpc_receive_port(int fd)
{
    int port = 0;
    if (read(fd, &port, sizeof(port)) != (ssize_t)sizeof(port)) {
        bench_fail("gRPC: the next stage did not start");
    }
    return port;
}

void rpc_announce_port(int fd, int port)
{
    if (write(fd, &port, sizeof(port)) != (ssize_t)sizeof(port)) {
        bench_fail("gRPC: a port cannot be told");
    }
}

int main(int argc, char **argv)
{
    uint64_t size = 64;
    uint64_t elements = 100000;
    uint64_t window = 1;
    uint64_t stream = 0;
    const struct bench_option options[] = {{"--size", &size, BASELINE_SIZE_MAX},
                                           {"--elements", &elements, ELEMENTS_MAX},
                                           {"--window", &window, RPC_WINDOW_MAX},
                                           {"--stream", &stream, 1}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), NULL, 0);
    if (size < BASELINE_SIZE_MIN || elements == 0 || window == 0) {
        bench_fail("size below 16, no elements, or no call at a time");
    }
    const struct baseline baseline = {.elements = elements, .size = (size_t)size};
    /* Ports travel upstream: the sink's to the processor, the processor's to the source. */
    int fds[5] = {[4] = (int)window};
    if (pipe(fds) != 0 || pipe(fds + 2) != 0) {
        bench_fail("a pipe cannot be made");
    }
    pid_t sink = baseline_fork(stream ? rpc_stream_sink : rpc_unary_sink, &baseline, fds);
    pid_t processor =
        baseline_fork(stream ? rpc_stream_processor : rpc_unary_processor, &baseline, fds);
    (stream ? rpc_stream_source : rpc_unary_source)(&baseline, fds);
    baseline_join(processor);
    baseline_join(sink);
    return 0;
}
