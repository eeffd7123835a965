/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The path of every element of a host's flow. Threads: as the host's. */
#include "host/host.h"
#include "observability/trace.h"

/*
 * COLD PATH. Between tvn_host_create and tvn_host_run: level DIAGNOSTIC, every element with a trace
 * id. Destroy the trace before the host. TVN_E_OUT_OF_MEMORY with a diagnostic.
 */
TVN_NODISCARD enum tvn_status tvn_host_trace(struct tvn_host *host, bool show_buffers,
                                             struct tvn_diag_sink *sink,
                                             struct tvn_trace **out_trace);
