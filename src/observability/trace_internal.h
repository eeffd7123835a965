/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "observability/trace.h"

/* trace_json.c: the words for what a call was and came to. */
const char *tvn_trace_operation_name(enum tvn_entry entry); /* "pull" */
const char *tvn_trace_result_name(enum tvn_entry entry, enum tvn_outcome outcome, bool has_output);
const char *tvn_trace_end_name(enum tvn_trace_end end); /* "done" */
