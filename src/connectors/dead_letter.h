/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A file of dead letters: elements that a stage could not process, with the cause, one JSON object
 * a line:
 *
 *   {"flow":"main","node":"parse","sequence":7,"timestamp_ns":…,"code":"E0204","error":"internal",
 *    "cause":"…","attempts":0,"content_type":"text/plain","payload":"…"}
 *
 * `code` is null for a plain process-error, `error` null for a trap or timeout. A payload that is
 * no UTF-8, and every payload on request, is "payload_base64" instead.
 *
 * Several flows and processes may append to one file: a line is written at once. What cannot be
 * written is counted, and the flow goes on.
 *
 * Threads: that of the flow. Memory: a line's text, kept up to TVN_DEAD_LETTER_KEPT_BYTES.
 * Limits: max_file_bytes; a line has at most TVN_DEAD_LETTER_LINE_MAX bytes.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

#define TVN_DEAD_LETTER_LINE_MAX \
    ((size_t)128 << 20) /* 16 MiB, each byte escaped by six, and more */
#define TVN_DEAD_LETTER_KEPT_BYTES ((size_t)64 << 10)

enum tvn_dead_letter_payload {
    TVN_DEAD_LETTER_TEXT, /* as text where it is UTF-8 */
    TVN_DEAD_LETTER_BASE64,
    TVN_DEAD_LETTER_OMIT,
};

struct tvn_dead_letter_file;

/*
 * COLD PATH. Opens for appending; makes the file (mode 0600) and its folder, not that one's
 * parents. TVN_E_IO_ERROR with errno, TVN_E_CONSTRAINT_VIOLATION when it is no regular file,
 * TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_dead_letter_open(const char *path,
                                                   enum tvn_dead_letter_payload payload,
                                                   uint64_t max_file_bytes,
                                                   struct tvn_dead_letter_file **out_file);
void tvn_dead_letter_close(struct tvn_dead_letter_file *file); /* NULL is allowed */
TVN_DEFINE_CLEANUP(tvn_dead_letter_file, tvn_dead_letter_close)

struct tvn_dead_letter {
    const char *flow;
    const char *node;
    uint64_t sequence;
    uint64_t timestamp_ns;
    enum tvn_status code; /* TVN_OK: none */
    const char *error;    /* "invalid-input"; NULL: none */
    const char *cause;    /* what the component said */
    uint32_t attempts;    /* retries made before */
    struct tvn_str content_type;
    const uint8_t *payload;
    size_t payload_bytes;
};

/* WARM PATH. Writes one line; false when it could not, and counted it as lost. */
bool tvn_dead_letter_write(struct tvn_dead_letter_file *file, const struct tvn_dead_letter *letter);

/* How many letters were lost, and why the first one was; *out_why lives as long as the file. */
uint64_t tvn_dead_letter_lost(const struct tvn_dead_letter_file *file, const char **out_why);
