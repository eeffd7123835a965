/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * HTTP requests to a server of this machine behind a Unix socket.
 *
 * No redirects, proxies, cookies or other protocols. What the peer sends is bounded and otherwise
 * not judged here.
 *
 * Threads: the calling one, for as long as the request takes. Memory: bounded by body_max. Limits:
 * below; a socket's path is at most TVN_LOCAL_PATH_MAX bytes.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#define TVN_LOCAL_PATH_MAX     107u
#define TVN_LOCAL_HEADERS_MAX  65536 /* bytes of an answer's headers */
#define TVN_LOCAL_BODY_DEFAULT ((size_t)16 << 20)

struct tvn_local_request {
    const char *socket_path;
    const char *target; /* "/flows/main?x=1": sent as it is */
    const char *post;   /* JSON; NULL: GET */
    size_t body_max;    /* 0: TVN_LOCAL_BODY_DEFAULT. Of a stream: no limit */
    uint32_t timeout_ms;
    /*
     * For an answer that goes on: takes what came, instead of the body, if the status is 200; false
     * ends the request. timeout_ms is then the longest silence after the first byte.
     */
    bool (*take)(void *context, struct tvn_str bytes);
    /* Optional: called some ten times a second; false ends the request. */
    bool (*goes_on)(void *context);
    void *context;
};

enum tvn_local_result {
    TVN_LOCAL_ANSWERED,
    TVN_LOCAL_STOPPED, /* by take or goes_on */
    TVN_LOCAL_NOBODY,  /* nobody listens there */
    TVN_LOCAL_TIMED_OUT,
    TVN_LOCAL_TOO_LARGE,
    TVN_LOCAL_BROKEN,    /* the peer broke off, or does not speak HTTP */
    TVN_LOCAL_NO_MEMORY, /* ours */
};
const char *tvn_local_result_text(enum tvn_local_result result); /* "it takes no connections" */

/* COLD PATH. *out_status is written when ANSWERED. `out_body` is an initialised buffer. */
enum tvn_local_result tvn_local_call(const struct tvn_local_request *request, unsigned *out_status,
                                     struct tvn_strbuf *out_body);
