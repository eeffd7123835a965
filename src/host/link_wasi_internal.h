/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the components of a flow import of WASI against what Torvyn has of it. */
#include "linker/link.h"

// COLD PATH. E0212 for each component's first import that does not fit; E0011.
TVN_NODISCARD enum tvn_status link_wasi_check(const struct tvn_link *link,
                                              struct tvn_diag_sink *sink);
