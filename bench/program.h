/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the benchmark programs have in common: options, failing, time. */
#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct tvn_diag_sink;

/* One "--name NUMBER" of the command line. */
struct bench_option {
    const char *name;
    uint64_t *value; /* holds the default */
    uint64_t max;
};

// COLD PATH. Reads options and up to `count` positional arguments; exits with `usage` if it cannot.
void bench_parse(int argc, char **argv, const char *usage, const struct bench_option *options,
                 uint32_t option_count, const char **positional, uint32_t positional_count);
/* Prints every diagnostic of the sink, or the code alone, and exits, unless status is TVN_OK. */
void bench_check(enum tvn_status status, const struct tvn_diag_sink *sink, const char *what);
TVN_COLD TVN_NORETURN void bench_fail(const char *format, ...) TVN_PRINTF(1, 2);
