/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The versions of Torvyn's contracts that a manifest names: check, link and run tell the same. */
#include "config/manifest.h"
#include "contracts/model.h"

/* Of the contracts in wit/. */
#define HOST_CONTRACT_OLDEST  "0.1.0"
#define HOST_CONTRACT_CURRENT "0.1.0"

/* Older than what is still meant to be used. False without a version. */
bool host_contract_is_old(const struct tvn_semver *version);

/*
 * COLD PATH. A warning for the project's contract_version, and one for each node's interface, that
 * is older (E0110) or newer (E0201) than the contracts of this Torvyn.
 */
void host_warn_versions(const struct tvn_manifest *manifest, struct tvn_diag_sink *sink);
