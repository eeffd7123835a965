/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the two ends of compiling in a child say to each other; both are the same program. Numbers
 * are the machine's own.
 *
 * Request, a file on descriptor 0: header, a range per module, the modules' bytes. Answer, a pipe
 * from descriptor 1: for each module in order a head and its bytes: code, or after the first
 * failure the engine's message and nothing more.
 */
#include <assert.h>
#include <stdint.h>

#define TVN_COMPILE_MAGIC UINT64_C(0x31726c706d435654)
/* Beyond what the modules of a component of the greatest size can be compiled to. */
#define TVN_COMPILE_CODE_BYTES_MAX    ((uint64_t)1 << 30)
#define TVN_COMPILE_MESSAGE_BYTES_MAX 4096 /* that the child may write to descriptor 2 */

struct tvn_compile_request {
    uint64_t magic;
    uint64_t memory_bytes_max;
    uint32_t cpu_seconds_max;
    uint32_t module_count;
    uint32_t fuel; /* 0 or 1 */
    uint32_t reserved;
};

struct tvn_compile_range {
    uint64_t offset; /* in the request */
    uint64_t length;
};

struct tvn_compile_answer {
    uint64_t length;
    uint32_t failed; /* 0: code follows, 1: text */
    uint32_t reserved;
};

static_assert(sizeof(struct tvn_compile_request) == 32, "no padding");
static_assert(sizeof(struct tvn_compile_answer) == 16, "no padding");
