/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a run did, for people and for programs, from the same report. */
#include <stdbool.h>
#include <stdint.h>

struct tvn_host;
struct tvn_json_writer;
struct tvn_run_report;
struct tvn_strbuf;

/* The "── Summary ──" block. `ending` is "failed" or the like; NULL
 * after a normal end. */
void tvn_run_report_text(const struct tvn_host *host, const struct tvn_run_report *report,
                         const char *ending, struct tvn_strbuf *out);
/* "SIGTERM"; NULL for what ends no run, such as 0. */
const char *tvn_run_signal_name(int number);
/* Fields of the command's object: flow, state, elements, … */
void tvn_run_report_json(const struct tvn_host *host, const struct tvn_run_report *report,
                         struct tvn_json_writer *json);
/* "5 / 64" of the fullest queue; false when the flow has no queue. */
bool tvn_run_report_peak(const struct tvn_host *host, const struct tvn_run_report *report,
                         uint64_t *out_peak, uint64_t *out_capacity);
/* All payload copies, without MetadataMarshal. */
uint64_t tvn_run_report_copies(const struct tvn_run_report *report);
