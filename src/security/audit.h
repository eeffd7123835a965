/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The audit log: one JSON object a line, appended. Grant resolutions and denials are written as
 * they happen; exercises are counted by the guard and written as a total when an instance ends.
 *
 * A denial carries the code E0500; one for a path that leads out of its grant, or to what is no
 * file, is the event "sandbox-violation" with E0501.
 *
 * Target "stdout" writes to stderr, because stdout carries the pipeline's output; "event-sink"
 * writes to the log as torvyn_security at level info.
 *
 * Threads: any; a record is one write call on a descriptor opened O_APPEND, so lines never mix.
 * Limits: TVN_AUDIT_LINE_MAX bytes a record, TVN_AUDIT_SCOPE_MAX of a scope (the rest is cut);
 * TVN_AUDIT_DENIALS_MAX denials of one capability by one instance are written one by one, further
 * ones only as a total.
 */
#include "base/diag.h"
#include "config/manifest.h"
#include "security/guard.h"

#define TVN_AUDIT_LINE_MAX     ((size_t)64 << 10)
#define TVN_AUDIT_SCOPE_MAX    1024
#define TVN_AUDIT_DENIALS_MAX  1000
#define TVN_AUDIT_DEFAULT_FILE ".torvyn/audit.jsonl"

struct tvn_audit;

/*
 * COLD PATH. Opens what [security] asks for; creates the file's directory. A disabled log is valid
 * and writes nothing. E0510 when the file cannot be opened; only a warning, and no log, if nobody
 * named that file.
 */
TVN_NODISCARD enum tvn_status tvn_audit_open(const struct tvn_manifest *manifest,
                                             struct tvn_diag_sink *sink,
                                             struct tvn_audit **out_audit);
/* NULL is allowed. Frees. TVN_E_AUDIT_LOG_FAILED if any record was lost; reported in the sink
 * (which may be NULL). */
enum tvn_status tvn_audit_close(struct tvn_audit *audit, struct tvn_diag_sink *sink);

/* Each returns nothing: a record that cannot be written is counted, and close reports it. */
void tvn_audit_resolution(struct tvn_audit *audit, const char *flow, const char *node,
                          const struct tvn_sandbox *sandbox);
void tvn_audit_exercises(struct tvn_audit *audit, const struct tvn_guard *guard);
/* A tvn_guard_denied; context is the struct tvn_audit. */
void tvn_audit_denied(void *context, const struct tvn_guard *guard, enum tvn_capability capability,
                      const char *scope);
