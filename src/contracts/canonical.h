/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The canonical WIT packages of this version (the repository's wit/), built into the program. */
#include "base/embedded.h"
#include "contracts/wit.h"

/* Every file of wit/, name relative to it ("torvyn-streaming/types.wit"); ends with a NULL name. */
extern const struct tvn_embedded_text tvn_contracts_texts[];

// COLD PATH. Adds them all to `wit`; the caller resolves.
TVN_NODISCARD enum tvn_status tvn_contracts_add_canonical(struct tvn_wit *wit,
                                                          struct tvn_diag_sink *sink);
