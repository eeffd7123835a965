/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The head of an HTTP/1.1 request, read strictly, and whether a peer may ask for it.
 *
 * Of what RFC 9112 leaves to a server only the narrow form is read, so that no second reader can
 * come to another end of a request: lines end in CR LF; one space between the parts of the request
 * line; the target begins with '/'; the version is HTTP/1.1; a header's name is a token right
 * before its colon; no folded lines; no control characters; a body has exactly one Content-Length
 * and no coding. Everything else is refused with a status.
 *
 * Threads: any. Memory: views borrow from the bytes. Limits: below.
 */
#include "base/compiler.h"
#include "base/str.h"

#include <stdint.h>

#define TVN_HTTP_HEAD_MAX    8192
#define TVN_HTTP_HEADERS_MAX 64
#define TVN_HTTP_BODY_MAX    65536

struct tvn_http_head {
    bool is_post; /* else GET or HEAD */
    bool is_head;
    bool keep_alive;
    bool has_origin;
    struct tvn_str path;  /* begins with '/'; escapes are left as they are, and valid */
    struct tvn_str query; /* what follows '?', likewise; empty without one */
    struct tvn_str host;
    struct tvn_str authorization; /* ptr NULL without one */
    struct tvn_str content_type;  /* likewise */
    uint64_t content_length;      /* 0 without one */
};

/* Why a request is refused. */
struct tvn_http_refusal {
    unsigned status; /* 0: it is not refused */
    const char *why; /* static; needs no escapes */
};

#define TVN_HTTP_HEAD_BROKEN SIZE_MAX

/* WARM PATH. Bytes of the head at the front, the empty line included; 0 while it is not complete;
 * TVN_HTTP_HEAD_BROKEN when it cannot become one. */
size_t tvn_http_head_length(struct tvn_str bytes);

/* WARM PATH. Reads a complete head. *out_head is whole only without a refusal. */
struct tvn_http_refusal tvn_http_head_parse(struct tvn_str bytes, struct tvn_http_head *out_head);

/* What a listener asks of its peers. */
struct tvn_http_policy {
    bool peer_refused; /* another user's process */
    uint16_t port;     /* that the Host names; 0: any */
    const char *host;  /* a Host beside localhost, 127.0.0.1 and [::1]; NULL: none */
    const char *token; /* bearer token; NULL: none is asked for */
};

/*
 * WARM PATH. Refused: peers of other users; a Host that is not this machine, whatever a name server
 * says, and any Origin (a browser's page); no or another token (compared in constant time); a POST
 * that is not application/json; a body beyond TVN_HTTP_BODY_MAX.
 */
struct tvn_http_refusal tvn_http_judge(const struct tvn_http_head *head,
                                       const struct tvn_http_policy *policy);

/* WARM PATH. Appends `text` with its escapes resolved; it is part of a path or query that was
 * parsed. '+' stays as it is. */
void tvn_http_unescape(struct tvn_str text, struct tvn_strbuf *out);
/* WARM PATH. The first parameter of this name, still escaped; false when there is none. */
bool tvn_http_query_find(struct tvn_str query, const char *name, struct tvn_str *out_value);

const char *tvn_http_reason(unsigned status); /* "Not Found" */
