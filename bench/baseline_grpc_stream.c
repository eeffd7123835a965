/* SPDX-License-Identifier: Apache-2.0 */
/* One client-streaming call per hop, for all elements. */
#include "bench/baseline_grpc_internal.h"
#include "bench/program.h"

#include <stdbool.h>

static struct rpc rpc;
static uint8_t element[BASELINE_SIZE_MAX + BASELINE_STAMP_BYTES];

/* The call that this process makes. */
static struct {
    grpc_call *call;
    grpc_byte_buffer *message; /* being written; NULL: none */
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *answer;
    grpc_status_code status;
    grpc_slice details;
} out;

/* The call that this process serves. */
static struct {
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *message; /* the one that arrived */
    int cancelled;
} in;

/* Tags of the completion queue. */
enum { OPENED, WRITTEN, CLOSED, ACCEPTED, ARRIVED, ANSWERED };
static char tags[ANSWERED + 1];

static int next(void)
{
    return (int)((char *)rpc_next(&rpc) - tags);
}

static void await(int tag)
{
    if (next() != tag) {
        bench_fail("gRPC: an operation ended out of order");
    }
}

static void out_open(void)
{
    out.call = rpc_begin(&rpc, rpc.call_stream);
    const grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    rpc_check(grpc_call_start_batch(out.call, &op, 1, &tags[OPENED], NULL), "open");
    await(OPENED);
}

static void out_write(size_t length)
{
    out.message = rpc_buffer(element, length);
    const grpc_op op = {.op = GRPC_OP_SEND_MESSAGE,
                        .flags = GRPC_WRITE_BUFFER_HINT,
                        .data.send_message = {out.message}};
    rpc_check(grpc_call_start_batch(out.call, &op, 1, &tags[WRITTEN], NULL), "write");
}

static void out_written(void)
{
    grpc_byte_buffer_destroy(out.message);
    out.message = NULL;
}

/* Half-closes and waits for the answer. */
static void out_close(void)
{
    grpc_metadata_array_init(&out.initial);
    grpc_metadata_array_init(&out.trailing);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA, .data.recv_initial_metadata = {&out.initial}},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&out.answer}},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {&out.trailing, &out.status, &out.details, NULL}},
    };
    rpc_check(grpc_call_start_batch(out.call, ops, sizeof(ops) / sizeof(*ops), &tags[CLOSED], NULL),
              "close");
    await(CLOSED);
    if (out.status != GRPC_STATUS_OK) {
        bench_fail("gRPC: the call ended with status %d", (int)out.status);
    }
}

void rpc_stream_source(const struct baseline *baseline, const int *fds)
{
    rpc_open(&rpc);
    rpc_connect(&rpc, rpc_receive_port(fds[2]));
    out_open();
    for (uint64_t i = 0; i < baseline->elements; i++) {
        baseline_make(baseline, i, element);
        out_write(baseline->size);
        await(WRITTEN);
        out_written();
    }
    out_close();
}

static void in_receive(void)
{
    const grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&in.message}};
    rpc_check(grpc_call_start_batch(in.call, &op, 1, &tags[ARRIVED], NULL), "receive");
}

static void in_accept(void)
{
    grpc_metadata_array_init(&in.metadata);
    rpc_check(grpc_server_request_registered_call(rpc.server, rpc.stream, &in.call, &in.deadline,
                                                  &in.metadata, NULL, rpc.queue, rpc.queue,
                                                  &tags[ACCEPTED]),
              "accept");
    await(ACCEPTED);
    in_receive();
}

static void in_answer(void)
{
    grpc_byte_buffer *answer = rpc_buffer((const uint8_t *)"", 0);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {answer}},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status = GRPC_STATUS_OK}},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server = {&in.cancelled}},
    };
    rpc_check(
        grpc_call_start_batch(in.call, ops, sizeof(ops) / sizeof(*ops), &tags[ANSWERED], NULL),
        "answer");
    await(ANSWERED);
    grpc_byte_buffer_destroy(answer);
}

/* Hands on the message that arrived and asks for the next one. False at the end. */
static bool pass_on(const struct baseline *baseline)
{
    if (!in.message) {
        return false;
    }
    rpc_read(in.message, element, baseline->size);
    grpc_byte_buffer_destroy(in.message);
    in.message = NULL;
    baseline_stamp(baseline, element);
    out_write(baseline->size + BASELINE_STAMP_BYTES);
    in_receive();
    return true;
}

void rpc_stream_processor(const struct baseline *baseline, const int *fds)
{
    rpc_open(&rpc);
    rpc_connect(&rpc, rpc_receive_port(fds[0]));
    rpc_announce_port(fds[3], rpc_listen(&rpc));
    out_open();
    in_accept();
    bool arrived = false; /* and waits for the write before it */
    bool open = true;
    while (open || out.message) {
        if (next() == WRITTEN) {
            out_written();
        } else {
            arrived = true;
        }
        if (arrived && !out.message) {
            arrived = false;
            open = pass_on(baseline);
        }
    }
    out_close();
    in_answer();
}

void rpc_stream_sink(const struct baseline *baseline, const int *fds)
{
    struct baseline_sink sink;
    baseline_sink_init(&sink, baseline);
    rpc_open(&rpc);
    rpc_announce_port(fds[1], rpc_listen(&rpc));
    in_accept();
    for (;;) {
        await(ARRIVED);
        if (!in.message) {
            break;
        }
        rpc_read(in.message, element, baseline->size + BASELINE_STAMP_BYTES);
        grpc_byte_buffer_destroy(in.message);
        in.message = NULL;
        baseline_sink_take(&sink, element);
        in_receive();
    }
    baseline_sink_report(&sink);
    in_answer();
}
