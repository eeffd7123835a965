/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The inspection server on TCP: only where only this machine reaches it, and only with a token that
 * only this user can read. Memory: owns its socket and token.
 */
#include "base/diag.h"
#include "config/manifest.h"

#define TVN_INSPECTION_TOKEN_MIN 32 /* characters: 128 bits in hexadecimal */
#define TVN_INSPECTION_TOKEN_MAX 512

struct tvn_inspection_tcp {
    int fd;        /* listens; -1: not configured */
    char host[64]; /* "127.0.0.1", "[::1]" */
    uint16_t port;
    char *token; /* owned */
};

/* COLD PATH. Judges what the configuration says, without opening anything. E0702. */
TVN_NODISCARD enum tvn_status tvn_inspection_tcp_check(const struct tvn_manifest *manifest,
                                                       struct tvn_diag_sink *sink);
// COLD PATH. TVN_OK and fd -1 when it is not configured. E0702, E0004.
TVN_NODISCARD enum tvn_status tvn_inspection_tcp_open(const struct tvn_manifest *manifest,
                                                      struct tvn_diag_sink *sink,
                                                      struct tvn_inspection_tcp *out_tcp);
void tvn_inspection_tcp_close(struct tvn_inspection_tcp *tcp);
