/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The machine's pace beside a benchmark's rounds, and comparisons that know it.
 *
 * A machine runs at more than one pace: by its clock, and by who shares its cores. So each round
 * has the pace that the yardstick found meanwhile, and a comparison converts the rounds of both
 * sides to the baseline's pace: of a round's time, the part in which the flow's thread had the
 * processor is longer or shorter by as much as the yardstick was. What it waited for stays as it
 * is.
 *
 * A flow follows the yardstick for the greater part, never exactly. Whichever part that is, its
 * true change is between what was measured and what is converted: a regression is one in both.
 *
 * Who is interrupted finds its caches cold, which the yardstick, warm by then, does not show. So
 * the threshold grows by the part of the time that other programs had the processor while the flow
 * was ready, as far as it is more than for the baseline.
 *
 * Threads: plain data. Memory: nothing is owned. Limits: TVN_BENCH_ROUNDS_MAX rounds.
 */
#include "host/yardstick.h"
#include "observability/bench.h"

struct tvn_bench_round_pace {
    double per_s;    /* pieces of the yardstick's work, more than 0 */
    uint64_t cpu_ns; /* that the flow's thread had the processor */
};

struct tvn_bench_pace {
    char yardstick[TVN_YARDSTICK_NAME_BYTES];
    struct tvn_bench_round_pace rounds[TVN_BENCH_ROUNDS_MAX];
    uint32_t round_count; /* the report's; 0: not measured */
};

/* Of rounds, pieces of work a second; all 0 without. */
struct tvn_bench_pace_range {
    double median;
    double slowest;
    double fastest;
};
struct tvn_bench_pace_range tvn_bench_pace_range(const struct tvn_bench_pace *pace);

/* COLD PATH. A field "machine_pace"; none where nothing was measured. */
void tvn_bench_write_pace(const struct tvn_bench_pace *pace, struct tvn_json_writer *json);

/*
 * COLD PATH. Of a report with so many rounds; one that has no pace is read as one without rounds.
 * TVN_E_CONSTRAINT_VIOLATION with a sentence in *why.
 */
TVN_NODISCARD enum tvn_status tvn_bench_read_pace(const struct tvn_json *report,
                                                  uint32_t round_count,
                                                  struct tvn_bench_pace *out_pace,
                                                  struct tvn_strbuf *why);

/* What the pace says beside a comparison. */
struct tvn_bench_pace_comparison {
    bool is_known; /* both have one, of the same yardstick; else nothing was converted */
    struct tvn_bench_pace_range before;
    struct tvn_bench_pace_range now;
    double spread;      /* by how much the fastest round of both was faster than the slowest */
    double busy_before; /* the part of the time that other programs had the processor: 0 to 1 */
    double busy_now;
    double threshold;                      /* for a regression */
    struct tvn_bench_comparison converted; /* to the baseline's pace, by that threshold */
};

/*
 * COLD PATH. *out_comparison has what was measured; its verdicts are those of both readings. It is
 * as tvn_bench_compare says where the pace of either is not known.
 */
void tvn_bench_compare_at_pace(const struct tvn_bench_report *now,
                               const struct tvn_bench_pace *now_pace,
                               const struct tvn_bench_baseline *before,
                               const struct tvn_bench_pace *before_pace, double threshold,
                               struct tvn_bench_comparison *out_comparison,
                               struct tvn_bench_pace_comparison *out_pace);
/* A field "at_baseline_pace"; none where the pace of either is not known. */
void tvn_bench_write_pace_comparison(const struct tvn_bench_pace_comparison *pace,
                                     struct tvn_json_writer *json);
