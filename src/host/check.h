/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The seven steps of checking a project: what its manifest and its WIT text say, and whether they
 * agree. Nothing is compiled or run, no component binary is needed.
 *
 * The WIT of a component is the folder wit/ in its path, else the project's wit/. A folder that
 * holds no .wit file itself holds packages, one a folder. The world of a component is, in this
 * order: the only one of its own folder, the one named as the component, the first that exports the
 * interface of a node that uses the component, and lifecycle if that node has a configuration.
 *
 * Memory: the report has an arena of its own. Limits: TVN_CHECK_PACKAGES_MAX packages in a wit/
 * folder, and those of the manifest and of WIT text.
 */
#include "base/diag.h"

#define TVN_CHECK_PACKAGES_MAX 256

enum tvn_check_step {
    TVN_CHECK_MANIFEST_PARSE,
    TVN_CHECK_MANIFEST_SCHEMA,
    TVN_CHECK_WIT_SYNTAX,
    TVN_CHECK_WIT_RESOLUTION,
    TVN_CHECK_WORLD,
    TVN_CHECK_CAPABILITIES,
    TVN_CHECK_DEPRECATIONS,
    TVN_CHECK_STEP_COUNT,
};
const char *tvn_check_step_name(enum tvn_check_step step); /* "manifest-parse" */

enum tvn_check_verdict {
    TVN_CHECK_SKIPPED, /* an earlier step failed */
    TVN_CHECK_PASSED,
    TVN_CHECK_WARNED,
    TVN_CHECK_FAILED,
};
const char *tvn_check_verdict_name(enum tvn_check_verdict verdict); /* "passed" */

struct tvn_check_component {
    const char *name;
    const char *world;           /* NULL: not found, and so are the following */
    const char *wit;             /* folder of the package that defines it */
    const char *const *packages; /* that it names: "torvyn:streaming@0.1.0", each once */
    size_t package_count;
    enum tvn_check_verdict verdict;
};

struct tvn_arena;

struct tvn_check_report {
    struct tvn_arena *arena;
    const char *manifest_path;
    enum tvn_check_verdict steps[TVN_CHECK_STEP_COUNT];
    size_t wit_files; /* of the project itself: without what stands under deps */
    const struct tvn_check_component *components;
    size_t component_count;
};

/*
 * COLD PATH. Checks the project of a manifest (NULL: ./Torvyn.toml) as far as its faults allow; the
 * report is written in any case and must be deinitialised. E0001, E0002, E07xx for the manifest,
 * E0100, E0101 for WIT, E0102 for worlds, E0103 for capabilities, E0201 for contract versions,
 * E0004, E0011. Warnings: E0110, and capabilities that are not needed.
 */
TVN_NODISCARD enum tvn_status tvn_host_check(const char *manifest_path, struct tvn_diag_sink *sink,
                                             struct tvn_check_report *out_report);
void tvn_check_report_deinit(struct tvn_check_report *report);
TVN_DEFINE_CLEANUP_VALUE(tvn_check_report, tvn_check_report_deinit)
