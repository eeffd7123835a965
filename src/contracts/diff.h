/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What changed between two versions of contracts, and how much of a version step that is.
 *
 * Major: something was removed, renamed or changed, ownership included, a record got another field.
 * Minor: something was added; a new case of a variant, enum or flags is minor but breaks the ABI.
 * Patch: documentation and gates. What a component imports counts the other way round: to need more
 * is major, to need less is minor.
 *
 * Threads: any one. Memory: one arena; the sides must live as long as the comparison, not longer.
 * Limits: TVN_DIFF_CHANGES_MAX changes are kept, all are counted.
 */
#include "contracts/model.h"

#define TVN_DIFF_CHANGES_MAX 4096
#define TVN_DIFF_STEPS_MAX   ((size_t)1 << 24) /* names and types looked at */

enum tvn_diff_level { TVN_DIFF_NONE, TVN_DIFF_PATCH, TVN_DIFF_MINOR, TVN_DIFF_MAJOR };
/* "none", "patch", "minor", "major". */
const char *tvn_diff_level_name(enum tvn_diff_level level);

struct tvn_diff_change {
    enum tvn_diff_level level;
    const char *where;  /* "torvyn:streaming/types.element-meta" */
    const char *text;   /* "field 'sequence' was removed" */
    const char *before; /* the old form; NULL when there is nothing to show */
    const char *after;
    bool abi_breaking; /* of a minor change: components must be built again all the same */
};

/* One version: the packages of a WIT folder, or the world of a component. */
struct tvn_diff_side {
    const struct tvn_package *const *packages;
    size_t package_count;
    const struct tvn_world *component; /* NULL: packages */
};

struct tvn_diff;

/*
 * COLD PATH. Packages and interfaces are matched by name, whatever their versions.
 * TVN_FULL when there is more to compare than TVN_DIFF_STEPS_MAX, TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_diff_compare(const struct tvn_diff_side *before,
                                               const struct tvn_diff_side *after,
                                               struct tvn_diff **out_diff);
void tvn_diff_destroy(struct tvn_diff *diff);
TVN_DEFINE_CLEANUP(tvn_diff, tvn_diff_destroy)

/* The greatest of all changes, also of those that were not kept. */
enum tvn_diff_level tvn_diff_level(const struct tvn_diff *diff);
size_t tvn_diff_count(const struct tvn_diff *diff);
size_t tvn_diff_dropped_count(const struct tvn_diff *diff);
const struct tvn_diff_change *tvn_diff_at(const struct tvn_diff *diff, size_t index);

/* The step from one version to the other: NONE for the same, MAJOR also for a step back. */
enum tvn_diff_level tvn_diff_version_step(const struct tvn_semver *before,
                                          const struct tvn_semver *after);
