/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * HTTP calls that cannot hurt the caller: one POST at a time or several, each with limits on time
 * and size, waited for in small steps and given up at any moment.
 *
 * Redirects are not followed, cookies and files of credentials not used; only http and https.
 * Proxies come from the environment (http_proxy, https_proxy, no_proxy). Certificates are checked.
 *
 * Threads: a client and its calls belong to one thread at a time; tvn_http_client_wake may be
 * called by any. Memory: bounded by the limits; a call's body is borrowed until it is destroyed.
 * Limits: below, and in the options.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#define TVN_HTTP_URL_MAX            2048
#define TVN_HTTP_ANSWER_HEADERS_MAX 16384 /* bytes of all headers and trailers */

struct tvn_http_client;
struct tvn_http_call;

struct tvn_http_call_options {
    const char *url;
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    struct tvn_str body;
    bool http2;                  /* only HTTP/2; without TLS by prior knowledge */
    uint32_t connect_timeout_ms; /* name look-up included */
    uint32_t timeout_ms;         /* of all */
    size_t answer_max;           /* bytes of the answer's body */
};

enum tvn_http_failure {
    TVN_HTTP_ANSWERED,    /* no failure: there is a status */
    TVN_HTTP_UNREACHABLE, /* no connection */
    TVN_HTTP_TIMED_OUT,
    TVN_HTTP_TOO_LARGE,
    TVN_HTTP_BROKEN,    /* the peer broke off or does not speak the protocol */
    TVN_HTTP_NO_MEMORY, /* ours */
};

struct tvn_http_answer {
    enum tvn_http_failure failure;
    const char *why;           /* static; of a failure */
    unsigned status;           /* ANSWERED */
    uint64_t retry_after_s;    /* what the header Retry-After asks for; 0: there is none */
    struct tvn_strbuf headers; /* "name:value\n" each, trailers too */
    struct tvn_strbuf body;
};

/* COLD PATH. Is it an absolute URL of http or https with a host, without query and fragment, and
 * within TVN_HTTP_URL_MAX? */
TVN_NODISCARD bool tvn_http_url_is_valid(const char *url);
/* COLD PATH. "https://host:port" of a valid URL: what may be shown. out->failed without memory. */
void tvn_http_url_origin(const char *url, struct tvn_strbuf *out);
/* COLD PATH. The path of a valid URL, "/" when it has none. */
void tvn_http_url_path(const char *url, struct tvn_strbuf *out);

// COLD PATH. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_http_client_create(struct tvn_http_client **out_client);
/* No call may be left. */
void tvn_http_client_destroy(struct tvn_http_client *client);
TVN_DEFINE_CLEANUP(tvn_http_client, tvn_http_client_destroy)

// COLD PATH. Begins a POST. TVN_E_OUT_OF_MEMORY; all else is told by the answer.
TVN_NODISCARD enum tvn_status tvn_http_client_post(struct tvn_http_client *client,
                                                   const struct tvn_http_call_options *options,
                                                   struct tvn_http_call **out_call);
/* COLD PATH. Lets the calls go on until one has an answer, somebody wakes the client, or the time
 * is over. May return early. */
void tvn_http_client_wait(struct tvn_http_client *client, uint32_t timeout_ms);
/* WARM PATH. Any thread: the next or present wait returns. */
void tvn_http_client_wake(struct tvn_http_client *client);

/* The answer, as long as the call lives; NULL: under way. */
const struct tvn_http_answer *tvn_http_call_answer(const struct tvn_http_call *call);
/* The last header or trailer of that name, in lower case. False: there is none. */
TVN_NODISCARD bool tvn_http_answer_header(const struct tvn_http_answer *answer, const char *name,
                                          struct tvn_str *out_value);
/* Gives up what is under way. NULL is allowed. */
void tvn_http_call_destroy(struct tvn_http_call *call);
TVN_DEFINE_CLEANUP(tvn_http_call, tvn_http_call_destroy)
