/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From sources to components: for each component a plan of commands by its language, run with the
 * ecosystem's own tools, several components at once. What comes out gets the section of
 * contracts/version_section.h and is put into place whole: .torvyn/build/<component>.wasm in the
 * project's folder; for Rust also where its own tools would have put it.
 *
 * A component is built again when anything that it was built from changed: its files, its WIT,
 * what its compiler says it read, the commands. The record of that lies beside it.
 *
 * The project is judged already (host/check.h); that told each component's world.
 *
 * Threads: the calling one; the tools are processes. Memory: the report's arena.
 * Limits: TVN_BUILD_JOBS_MAX processes, TVN_BUILD_FILES_MAX files and TVN_BUILD_DEPTH_MAX levels of
 * folders a component, TVN_BUILD_COMPONENT_BYTES_MAX bytes of component.
 */
#include "config/manifest.h"

#define TVN_BUILD_JOBS_MAX            8
#define TVN_BUILD_FILES_MAX           20000
#define TVN_BUILD_DEPTH_MAX           32
#define TVN_BUILD_COMPONENT_BYTES_MAX ((size_t)256 << 20)

struct tvn_probe;

/* What is built, and what checking found out about it. */
struct tvn_build_component {
    const struct tvn_manifest_component *declared;
    const char *wit;             /* folder of the package that has its world */
    const char *world;           /* the world's name */
    const char *const *packages; /* that the world names: "torvyn:streaming@0.1.0" */
    size_t package_count;
};

enum tvn_build_outcome {
    TVN_BUILD_SKIPPED, /* nothing was tried: another one cannot be planned */
    TVN_BUILD_FAILED,
    TVN_BUILD_FRESH, /* nothing had to be done */
    TVN_BUILD_DONE,
};
const char *tvn_build_outcome_name(enum tvn_build_outcome outcome); /* "built" */

struct tvn_build_result {
    const char *name;
    const char *language;
    enum tvn_build_outcome outcome;
    const char *output;  /* path; NULL when there is none */
    uint64_t bytes;      /* of the output */
    struct tvn_str log;  /* what the tools printed, as it is */
    const char *failure; /* of FAILED: "clang-19 ended with status 1" */
};

/* A component that is being built. */
struct tvn_build_progress {
    const char *name;
    uint64_t elapsed_ns;
    struct tvn_str line; /* what its tool printed last, as it is, without the end of line; or "" */
};

struct tvn_build_options {
    const struct tvn_manifest *manifest;
    const struct tvn_build_component *components;
    size_t component_count;
    struct tvn_probe *probe;
    bool release;
    unsigned jobs; /* processes at once; 0: as many as there are processors */
    /* Called when a component is started, when it is finished, and when another process is building
     * it, which is waited for; may be NULL. */
    void (*waiting)(void *data, const struct tvn_build_component *component);
    void (*started)(void *data, const struct tvn_build_component *component);
    void (*finished)(void *data, const struct tvn_build_result *result);
    /* Called about ten times a second while tools run; may be NULL. */
    void (*running)(void *data, const struct tvn_build_progress *jobs, size_t count);
    void *data;
};

struct tvn_build_report {
    struct tvn_arena *arena;
    const struct tvn_build_result *results; /* in the order of the components */
    size_t result_count;
    size_t failed_count;
};
void tvn_build_report_deinit(struct tvn_build_report *report);
TVN_DEFINE_CLEANUP_VALUE(tvn_build_report, tvn_build_report_deinit)

/*
 * COLD PATH. E0010 when a tool is missing (then nothing is started), E0012 when one fails (what it
 * printed is in the result), E0211 when what was built is no component, E0004, E0011.
 * The report is written in any case and must be deinitialised.
 */
TVN_NODISCARD enum tvn_status tvn_build(const struct tvn_build_options *options,
                                        struct tvn_diag_sink *sink,
                                        struct tvn_build_report *out_report);

struct tvn_arena;

/*
 * COLD PATH. The newest source of the component's folder, or of its WIT, that changed after
 * `output` was made; NULL when there is none, or the folder cannot be read. In the arena.
 */
const char *tvn_build_newer_source(const struct tvn_manifest *manifest,
                                   const struct tvn_manifest_component *component,
                                   const char *output, struct tvn_arena *arena);
