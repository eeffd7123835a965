/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* An owner of a context that writes everything down: what was written, in how many pieces, and
 * which capabilities were asked for. */
#include "base/str.h"
#include "security/capability.h"
#include "wasi/wasi.h"

#include <stdio.h>

struct recorder {
    struct tvn_strbuf out[2]; /* each write as "[bytes]" */
    uint32_t writes[2];
    uint64_t uses[TVN_CAP_COUNT];
    uint64_t denials[TVN_CAP_COUNT];
    char last_scope[256];
    char last_denied[256];
    const struct tvn_sandbox *sandbox; /* NULL: everything is allowed */
    enum tvn_status write_status;
    uint64_t deadline_ns;
    bool discard; /* count writes, keep nothing: makes no allocation */
};

static inline bool recorder_check(void *context, enum tvn_capability capability, const char *scope)
{
    struct recorder *recorder = context;
    bool allowed = !recorder->sandbox;
    for (size_t i = 0; !allowed && i < recorder->sandbox->grant_count; i++) {
        allowed = tvn_grant_covers(&recorder->sandbox->grants[i], capability, scope);
    }
    (allowed ? recorder->uses : recorder->denials)[capability]++;
    snprintf(recorder->last_scope, sizeof(recorder->last_scope), "%s", scope ? scope : "");
    if (!allowed) {
        snprintf(recorder->last_denied, sizeof(recorder->last_denied), "%s", scope ? scope : "");
    }
    return allowed;
}

static inline enum tvn_status recorder_write(void *context, enum tvn_wasi_stream_kind stream,
                                             const char *bytes, size_t length)
{
    struct recorder *recorder = context;
    if (recorder->write_status != TVN_OK) {
        return recorder->write_status;
    }
    recorder->writes[stream]++;
    if (recorder->discard) {
        return TVN_OK;
    }
    tvn_strbuf_add_char(&recorder->out[stream], '[');
    tvn_strbuf_add(&recorder->out[stream], bytes, length);
    tvn_strbuf_add_char(&recorder->out[stream], ']');
    return TVN_OK;
}

static inline uint64_t recorder_deadline(void *context)
{
    return ((struct recorder *)context)->deadline_ns;
}

static const struct tvn_wasi_ops recorder_ops = {
    .check = recorder_check,
    .write = recorder_write,
    .deadline_ns = recorder_deadline,
};

static inline void recorder_deinit(struct recorder *recorder)
{
    tvn_strbuf_deinit(&recorder->out[0]);
    tvn_strbuf_deinit(&recorder->out[1]);
}
