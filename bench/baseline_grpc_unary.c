/* SPDX-License-Identifier: Apache-2.0 */
/* One call per element and hop. */
#include "bench/baseline_grpc_internal.h"
#include "bench/program.h"

#include <string.h>

/* A call that this process makes. */
struct request {
    grpc_call *call;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *message;
    grpc_byte_buffer *answer;
    grpc_status_code status;
    grpc_slice details;
};

/* A call that this process serves; the processor makes one of its own for it. */
struct service {
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *payload;
    grpc_byte_buffer *answer;
    int cancelled;
    enum { AWAITED, FORWARDED, ANSWERED } state;
    struct request request;
};

static struct rpc rpc;
static struct request requests[RPC_WINDOW_MAX];
static struct service services[RPC_WINDOW_MAX];
static uint8_t element[BASELINE_SIZE_MAX + BASELINE_STAMP_BYTES];

static void request_send(struct request *request, void *tag, size_t length)
{
    request->call = rpc_begin(&rpc, rpc.call_unary);
    request->message = rpc_buffer(element, length);
    grpc_metadata_array_init(&request->initial);
    grpc_metadata_array_init(&request->trailing);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {request->message}},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA, .data.recv_initial_metadata = {&request->initial}},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {&request->answer}},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {&request->trailing, &request->status, &request->details,
                                        NULL}},
    };
    rpc_check(grpc_call_start_batch(request->call, ops, sizeof(ops) / sizeof(*ops), tag, NULL),
              "call");
}

static void request_done(struct request *request)
{
    if (request->status != GRPC_STATUS_OK || !request->answer) {
        bench_fail("gRPC: the call ended with status %d", (int)request->status);
    }
    grpc_byte_buffer_destroy(request->message);
    grpc_byte_buffer_destroy(request->answer);
    grpc_metadata_array_destroy(&request->initial);
    grpc_metadata_array_destroy(&request->trailing);
    grpc_slice_unref(request->details);
    grpc_call_unref(request->call);
}

void rpc_unary_source(const struct baseline *baseline, const int *fds)
{
    rpc_open(&rpc);
    rpc_connect(&rpc, rpc_receive_port(fds[2]));
    uint64_t sent = 0;
    for (int i = 0; i < fds[4] && sent < baseline->elements; i++) {
        baseline_make(baseline, sent++, element);
        request_send(&requests[i], &requests[i], baseline->size);
    }
    for (uint64_t done = 0; done < baseline->elements; done++) {
        struct request *request = rpc_next(&rpc);
        request_done(request);
        if (sent < baseline->elements) {
            baseline_make(baseline, sent++, element);
            request_send(request, request, baseline->size);
        }
    }
}

static void service_await(struct service *service)
{
    service->state = AWAITED;
    grpc_metadata_array_init(&service->metadata);
    rpc_check(grpc_server_request_registered_call(rpc.server, rpc.unary, &service->call,
                                                  &service->deadline, &service->metadata,
                                                  &service->payload, rpc.queue, rpc.queue, service),
              "request");
}

static void service_answer(struct service *service)
{
    service->state = ANSWERED;
    service->answer = rpc_buffer((const uint8_t *)"", 0);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {service->answer}},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status = GRPC_STATUS_OK}},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server = {&service->cancelled}},
    };
    rpc_check(grpc_call_start_batch(service->call, ops, sizeof(ops) / sizeof(*ops), service, NULL),
              "answer");
}

static void service_done(struct service *service)
{
    grpc_byte_buffer_destroy(service->answer);
    grpc_byte_buffer_destroy(service->payload);
    grpc_metadata_array_destroy(&service->metadata);
    grpc_call_unref(service->call);
}

/* Serves `elements` calls; `handle` takes a payload and answers at once or lets it wait. */
static void serve(const struct baseline *baseline, int window,
                  void (*handle)(const struct baseline *baseline, struct service *service))
{
    for (int i = 0; i < window; i++) {
        service_await(&services[i]);
    }
    uint64_t served = 0;
    while (served < baseline->elements) {
        struct service *service = rpc_next(&rpc);
        switch (service->state) {
        case AWAITED:
            handle(baseline, service);
            break;
        case FORWARDED:
            request_done(&service->request);
            service_answer(service);
            break;
        case ANSWERED:
            service_done(service);
            served++;
            service_await(service);
            break;
        }
    }
}

static void forward(const struct baseline *baseline, struct service *service)
{
    rpc_read(service->payload, element, baseline->size);
    baseline_stamp(baseline, element);
    service->state = FORWARDED;
    request_send(&service->request, service, baseline->size + BASELINE_STAMP_BYTES);
}

void rpc_unary_processor(const struct baseline *baseline, const int *fds)
{
    rpc_open(&rpc);
    rpc_connect(&rpc, rpc_receive_port(fds[0]));
    rpc_announce_port(fds[3], rpc_listen(&rpc));
    serve(baseline, fds[4], forward);
}

static struct baseline_sink sink;

static void consume(const struct baseline *baseline, struct service *service)
{
    rpc_read(service->payload, element, baseline->size + BASELINE_STAMP_BYTES);
    baseline_sink_take(&sink, element);
    service_answer(service);
}

void rpc_unary_sink(const struct baseline *baseline, const int *fds)
{
    baseline_sink_init(&sink, baseline);
    rpc_open(&rpc);
    rpc_announce_port(fds[1], rpc_listen(&rpc));
    serve(baseline, fds[4], consume);
    baseline_sink_report(&sink);
}
