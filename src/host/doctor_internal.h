/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* An examination while it goes on. */
#include "base/arena.h"
#include "base/vec.h"
#include "config/manifest.h"
#include "host/doctor.h"
#include "toolchain/probe.h"

struct doctor {
    const struct tvn_doctor_options *options;
    struct tvn_diag_sink *sink;
    struct tvn_arena *arena;
    struct tvn_probe *probe;
    struct tvn_manifest *manifest; /* NULL: no project, or one that cannot be read */
    bool project;                  /* there is a manifest's file */
    size_t faults;
    size_t fixed;
    bool failed; /* memory */
    TVN_VEC(struct tvn_doctor_check) checks;
};

/* doctor.c. `help` NULL: none. */
void doctor_add(struct doctor *doctor, const char *section, enum tvn_doctor_verdict verdict,
                const char *help, const char *format, ...) TVN_PRINTF(5, 6);

/* doctor_tools.c: the tools of each language in use. */
void doctor_tools(struct doctor *doctor);
/* doctor_project.c */
enum tvn_status doctor_project(struct doctor *doctor);
/* doctor_registry.c */
void doctor_registry(struct doctor *doctor);
