/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A benchmark's figures for people, spreadsheets and pull requests. The JSON form is
 * observability's. */
struct tvn_bench_comparison;
struct tvn_bench_pace;
struct tvn_bench_pace_comparison;
struct tvn_bench_report;
struct tvn_strbuf;

/* What there is to show. */
struct tvn_bench_figures {
    const struct tvn_bench_report *report;
    const struct tvn_bench_pace *pace;
    const struct tvn_bench_comparison *comparison;           /* NULL: none */
    const struct tvn_bench_pace_comparison *comparison_pace; /* with a comparison */
};

void tvn_bench_report_pretty(const struct tvn_bench_figures *figures, struct tvn_strbuf *out);
/* One figure a row: metric,part,value,unit. */
void tvn_bench_report_csv(const struct tvn_bench_figures *figures, struct tvn_strbuf *out);
void tvn_bench_report_markdown(const struct tvn_bench_figures *figures, struct tvn_strbuf *out);
