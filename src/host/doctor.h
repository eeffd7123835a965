/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What this machine and this project lack: the program itself, the tools of every language in use,
 * the project's manifest, contracts and vendored WIT packages, and the registry. Tools are asked
 * for their version; nothing of the project is run. The registry of the project's configuration is
 * connected to, if there is one; nothing is sent.
 *
 * Without a project all languages are looked at, and only the lack of all of them is a fault.
 *
 * Memory: the report's arena. Limits: TVN_DOCTOR_CHECKS_MAX checks.
 */
#include "base/diag.h"

#define TVN_DOCTOR_CHECKS_MAX 512

enum tvn_doctor_verdict {
    TVN_DOCTOR_GOOD,
    TVN_DOCTOR_FIXED,    /* was a fault, is repaired */
    TVN_DOCTOR_OPTIONAL, /* not there, not needed here */
    TVN_DOCTOR_FAULT,
};
const char *tvn_doctor_verdict_name(enum tvn_doctor_verdict verdict);

struct tvn_doctor_check {
    const char *section; /* "C toolchain" */
    enum tvn_doctor_verdict verdict;
    const char *text;
    const char *help; /* NULL: none */
};

struct tvn_arena;

struct tvn_doctor_report {
    struct tvn_arena *arena;
    const struct tvn_doctor_check *checks;
    size_t count;
    size_t faults;
    size_t fixed;
};
void tvn_doctor_report_deinit(struct tvn_doctor_report *report);
TVN_DEFINE_CLEANUP_VALUE(tvn_doctor_report, tvn_doctor_report_deinit)

struct tvn_doctor_options {
    const char *manifest; /* NULL: ./Torvyn.toml, if there is one */
    /* Vendor contracts that the project's WIT names but wit/deps lacks, and add Rust's target where
     * rustup is there. */
    bool fix;
};

/*
 * COLD PATH. Faults are in the report, and as diagnostics in the sink: E0010 for a missing tool,
 * those of checking for the project (tvn_host_check). TVN_OK unless E0011 or E0001 (a manifest that
 * was named is missing). The report must be deinitialised in any case.
 */
TVN_NODISCARD enum tvn_status tvn_host_doctor(const struct tvn_doctor_options *options,
                                              struct tvn_diag_sink *sink,
                                              struct tvn_doctor_report *out_report);
