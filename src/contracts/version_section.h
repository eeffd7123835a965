/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The custom section of a component that says which contracts it was built for: the version that
 * the project targets, and for each package that its world names the lowest version that will do.
 * `torvyn build` writes it, linking reads it; without it the names of imports are what counts.
 *
 * Text, one statement a line, unknown ones are skipped:
 *
 *     contract 0.1.0
 *     needs torvyn:streaming 0.1.0
 *
 * Limits: TVN_VERSION_SECTION_BYTES_MAX; of a longer section nothing is read.
 */
#include "contracts/model.h"

#define TVN_VERSION_SECTION           "torvyn-contract"
#define TVN_VERSION_SECTION_BYTES_MAX 65536

/* COLD PATH. Appends the section's text. `packages`: "torvyn:streaming@0.1.0"; those without a
 * version are left out. */
void tvn_version_section_print(const char *contract_version, const char *const *packages,
                               size_t package_count, struct tvn_strbuf *out);
/* COLD PATH. Appends the whole custom section as WebAssembly has it: id, length, name, text. */
void tvn_version_section_encode(struct tvn_str text, struct tvn_strbuf *out);
/* COLD PATH. The lowest version of a package ("torvyn", "streaming") that will do. False when the
 * text, which may be anything, does not say. */
bool tvn_version_section_needs(struct tvn_str text, struct tvn_str namespace_name,
                               struct tvn_str name, struct tvn_semver *out_version);
