/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Components of a linked flow that are older than their sources. */
#include "linker/link.h"

/* COLD PATH. A warning for each component that the manifest declares, once in a sink. */
void host_warn_stale(const struct tvn_link *link, struct tvn_diag_sink *sink);
