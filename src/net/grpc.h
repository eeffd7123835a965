/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unary gRPC over an HTTP client: the frame around a message, the headers of a call, and what its
 * answer says. Messages are not compressed.
 *
 * Threads: no state. Memory: results point into the answer or are inside the result. Limits: below.
 */
#include "net/http_client.h"

#define TVN_GRPC_FRAME_BYTES 5   /* before a message */
#define TVN_GRPC_TEXT_MAX    256 /* of a status' message; the rest is left out */

/* The codes that callers tell apart. */
enum tvn_grpc_code {
    TVN_GRPC_OK = 0,
    TVN_GRPC_CANCELLED = 1,
    TVN_GRPC_UNKNOWN = 2,
    TVN_GRPC_DEADLINE_EXCEEDED = 4,
    TVN_GRPC_PERMISSION_DENIED = 7,
    TVN_GRPC_RESOURCE_EXHAUSTED = 8,
    TVN_GRPC_ABORTED = 10,
    TVN_GRPC_OUT_OF_RANGE = 11,
    TVN_GRPC_UNIMPLEMENTED = 12,
    TVN_GRPC_INTERNAL = 13,
    TVN_GRPC_UNAVAILABLE = 14,
    TVN_GRPC_DATA_LOSS = 15,
    TVN_GRPC_UNAUTHENTICATED = 16,
    TVN_GRPC_CODE_MAX = 16,
};
const char *tvn_grpc_code_name(unsigned code); /* "UNAVAILABLE" */

struct tvn_grpc_result {
    unsigned code; /* 0 to TVN_GRPC_CODE_MAX */
    char text[TVN_GRPC_TEXT_MAX];
    struct tvn_str message; /* OK: in the answer */
    bool has_retry_info;    /* the server says when to come again */
    uint64_t retry_ms;
};

/* WARM PATH. A frame in `out`, which is empty: begin, write the message behind it, end. */
void tvn_grpc_frame_begin(struct tvn_strbuf *out);
void tvn_grpc_frame_end(struct tvn_strbuf *out);

/* COLD PATH. What an answer (ANSWERED) says; hostile input. */
void tvn_grpc_read(const struct tvn_http_answer *answer, struct tvn_grpc_result *out_result);
