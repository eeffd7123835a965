/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The processes of this user that can be inspected: torvyn.sock and torvyn-<pid>.sock in the state
 * directory, and requests to them. What a peer says is not trusted: bounded, and strictly JSON.
 *
 * Threads: the calling one. Limits: TVN_PEERS_MAX processes, TVN_PEER_ANSWER_MAX bytes an answer,
 * TVN_PEER_TIMEOUT_MS a request.
 */
#include "base/diag.h"
#include "format/json.h"

#define TVN_PEERS_MAX       64u
#define TVN_PEER_ANSWER_MAX ((size_t)4 << 20)
#define TVN_PEER_TIMEOUT_MS 2000u
#define TVN_PEER_LINE_MAX   ((size_t)65536) /* of a stream */

struct tvn_peer {
    char path[108]; /* of the socket */
    int64_t pid;    /* as the kernel says; 0: unknown */
};

struct tvn_peers {
    struct tvn_peer items[TVN_PEERS_MAX];
    uint32_t count;
};

/*
 * COLD PATH. Those that somebody listens at, torvyn.sock first. E0004 when the state directory is
 * not ours alone or cannot be read; that there is none means: no peers.
 */
TVN_NODISCARD enum tvn_status tvn_peers_find(struct tvn_diag_sink *sink,
                                             struct tvn_peers *out_peers);

/* COLD PATH. NULL and what was wrong in *out_why (static) when there is no answer, its status is
 * not 2xx, or it is no JSON. `post`: NULL for GET. */
struct tvn_json *tvn_peer_ask(const struct tvn_peer *peer, const char *target, const char *post,
                              const char **out_why);

/*
 * COLD PATH. An answer that goes on, line by line, each a JSON object; `take` returns false to end
 * it, and so does `goes_on`, which is asked some ten times a second. NULL when the peer or one of
 * them ended it; else what was wrong (static).
 */
struct tvn_peer_reader {
    bool (*take)(void *context, const struct tvn_json *object);
    bool (*goes_on)(void *context);
    void *context;
};
const char *tvn_peer_read(const struct tvn_peer *peer, const char *target,
                          const struct tvn_peer_reader *reader);
