/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a new project consists of: the files under templates/ with names filled in, the WIT of the
 * contracts and, for C, the SDK's header. All of them are built into the program.
 *
 * Threads: any. Memory: the caller's arena. Limits: TVN_TEMPLATE_FILES_MAX files.
 */
#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

#define TVN_TEMPLATE_FILES_MAX 128
#define TVN_TEMPLATE_DEFAULT   "transform"
#define TVN_LANGUAGE_DEFAULT   "rust"

/* Each ends with NULL. */
extern const char *const tvn_template_names[];
extern const char *const tvn_language_names[];
/* The version of the contracts that this program carries: "0.1.0". */
const char *tvn_template_contract_version(void);

struct tvn_template_file {
    const char *path; /* below the project's folder */
    struct tvn_str text;
    bool listed; /* shown to the user: not what tools maintain */
};

struct tvn_template_options {
    const char *name;     /* of the project, valid (init.h) */
    const char *template; /* one of tvn_template_names */
    const char *language; /* one of tvn_language_names */
    bool example;         /* with an implementation */
};

/* COLD PATH. The files in the order in which they are listed. TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_template_render(const struct tvn_template_options *options,
                                                  struct tvn_arena *arena,
                                                  const struct tvn_template_file **out_files,
                                                  size_t *out_count);
