/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Two versions of contracts, from files: WIT folders, WIT files or components. Decodes only:
 * nothing is compiled or run.
 *
 * Memory: what was read lives in the comparison until tvn_diff_files_destroy.
 * Limits: those of WIT sets (contracts/wit.h), of components (component/limits.h) and of
 * comparisons (contracts/diff.h).
 */
#include "base/diag.h"
#include "contracts/diff.h"

struct tvn_diff_files;

// COLD PATH. Both must be components, or both WIT. E0001 style: E0210 for a missing file, E0100,
// E0101, E0211, E0213, E0004, E0011.
TVN_NODISCARD enum tvn_status tvn_host_diff_files(const char *before, const char *after,
                                                  struct tvn_diag_sink *sink,
                                                  struct tvn_diff_files **out_files);
void tvn_diff_files_destroy(struct tvn_diff_files *files);
TVN_DEFINE_CLEANUP(tvn_diff_files, tvn_diff_files_destroy)

const struct tvn_diff *tvn_diff_files_result(const struct tvn_diff_files *files);
/* The package that both are about ("torvyn:streaming" with its two versions); NULL when there is
 * none, as for components. */
const struct tvn_package_id *tvn_diff_files_before(const struct tvn_diff_files *files);
const struct tvn_package_id *tvn_diff_files_after(const struct tvn_diff_files *files);
