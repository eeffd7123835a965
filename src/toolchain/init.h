/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A new project in a folder: `torvyn init`. Files are written beside their place and renamed, so
 * that a link that stands there is replaced, never followed.
 *
 * Threads: one. Memory: the report's arena. Limits: TVN_INIT_NAME_MAX bytes of name, and those of
 * template.h.
 */
#include "base/diag.h"
#include "toolchain/template.h"

#define TVN_INIT_NAME_MAX 64

struct tvn_probe;

struct tvn_init_options {
    const char *name;             /* NULL: the working directory's name, and its folder */
    const char *template;         /* NULL: TVN_TEMPLATE_DEFAULT */
    const char *language;         /* NULL: TVN_LANGUAGE_DEFAULT */
    const char *contract_version; /* NULL: this program's */
    bool force;                   /* also into a folder that is not empty */
    bool no_git;
    bool no_example;
    struct tvn_probe *probe; /* finds git; NULL as no_git */
};

struct tvn_init_report {
    struct tvn_arena *arena;
    const char *name;
    const char *template;
    const char *language;
    const char *folder; /* NULL: the working directory */
    const struct tvn_template_file *files;
    size_t file_count;
    const char *const *kept; /* paths of files that were there before and are not the project's */
    size_t kept_count;
    bool git; /* a repository was made */
};
void tvn_init_report_deinit(struct tvn_init_report *report);
TVN_DEFINE_CLEANUP_VALUE(tvn_init_report, tvn_init_report_deinit)

/* What is wrong with a project's name: E0702, with a name that would do if there is one near. A
 * name is words of lower-case letters and digits with single hyphens between, the first character a
 * letter. */
TVN_NODISCARD enum tvn_status tvn_init_check_name(const char *name, struct tvn_diag_sink *sink);
TVN_NODISCARD enum tvn_status tvn_init_check_template(const char *name, struct tvn_diag_sink *sink);
TVN_NODISCARD enum tvn_status tvn_init_check_language(const char *name, struct tvn_diag_sink *sink);

/*
 * COLD PATH. E0702 for options, E0003 for a folder that is not empty, E0004, E0011. The report is
 * written in any case and must be deinitialised.
 */
TVN_NODISCARD enum tvn_status tvn_init_project(const struct tvn_init_options *options,
                                               struct tvn_diag_sink *sink,
                                               struct tvn_init_report *out_report);
