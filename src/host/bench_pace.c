/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bench_pace.h"

#include "base/assert.h"
#include "base/num.h"
#include "format/json.h"

#include <string.h>

#define PACE_MAX  1e9
#define COUNT_MAX 9e15

struct tvn_bench_pace_range tvn_bench_pace_range(const struct tvn_bench_pace *pace)
{
    tvn_assert(pace && pace->round_count <= TVN_BENCH_ROUNDS_MAX);
    double values[TVN_BENCH_ROUNDS_MAX];
    struct tvn_bench_pace_range range = {0};
    for (uint32_t i = 0; i < pace->round_count; i++) {
        double per_s = pace->rounds[i].per_s;
        values[i] = per_s;
        range.slowest = i == 0 ? per_s : tvn_min(range.slowest, per_s);
        range.fastest = tvn_max(range.fastest, per_s);
    }
    range.median = tvn_bench_median(values, pace->round_count);
    return range;
}

/* ---- JSON ---- */

void tvn_bench_write_pace(const struct tvn_bench_pace *pace, struct tvn_json_writer *json)
{
    tvn_assert(pace && json);
    if (pace->round_count == 0) {
        return;
    }
    struct tvn_bench_pace_range range = tvn_bench_pace_range(pace);
    tvn_json_key(json, "machine_pace");
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "yardstick", pace->yardstick);
    tvn_json_field_real(json, "per_s", range.median);
    tvn_json_field_real(json, "slowest_per_s", range.slowest);
    tvn_json_field_real(json, "fastest_per_s", range.fastest);
    tvn_json_key(json, "rounds");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < pace->round_count; i++) {
        tvn_json_begin_object(json);
        tvn_json_field_real(json, "per_s", pace->rounds[i].per_s);
        tvn_json_field_u64(json, "cpu_ns", pace->rounds[i].cpu_ns);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

/* A number from 0 to `max`. */
static bool read_number(const struct tvn_json *object, const char *key, double max,
                        double *out_value)
{
    const struct tvn_json *value = tvn_json_get(object, key);
    enum tvn_json_kind kind = value ? tvn_json_kind(value) : TVN_JSON_NULL;
    if (kind != TVN_JSON_INTEGER && kind != TVN_JSON_REAL) {
        return false;
    }
    *out_value = tvn_json_real(value);
    return *out_value >= 0 && *out_value <= max;
}

static bool read_yardstick(const struct tvn_json *object, char out_name[TVN_YARDSTICK_NAME_BYTES])
{
    const struct tvn_json *value = tvn_json_get(object, "yardstick");
    if (!value || tvn_json_kind(value) != TVN_JSON_STRING) {
        return false;
    }
    struct tvn_str name = tvn_json_string(value);
    if (name.len == 0 || name.len >= TVN_YARDSTICK_NAME_BYTES) {
        return false;
    }
    memcpy(out_name, name.ptr, name.len);
    out_name[name.len] = '\0';
    return true;
}

static bool read_rounds(const struct tvn_json *object, uint32_t round_count,
                        struct tvn_bench_pace *pace)
{
    const struct tvn_json *rounds = tvn_json_get(object, "rounds");
    if (!rounds || tvn_json_kind(rounds) != TVN_JSON_ARRAY ||
        tvn_json_count(rounds) != round_count) {
        return false;
    }
    for (uint32_t i = 0; i < round_count; i++) {
        const struct tvn_json *round = tvn_json_at(rounds, i);
        double cpu_ns;
        if (!read_number(round, "per_s", PACE_MAX, &pace->rounds[i].per_s) ||
            pace->rounds[i].per_s <= 0 || !read_number(round, "cpu_ns", COUNT_MAX, &cpu_ns)) {
            return false;
        }
        pace->rounds[i].cpu_ns = (uint64_t)cpu_ns;
    }
    pace->round_count = round_count;
    return true;
}

enum tvn_status tvn_bench_read_pace(const struct tvn_json *report, uint32_t round_count,
                                    struct tvn_bench_pace *out_pace, struct tvn_strbuf *why)
{
    tvn_assert(report && out_pace && why && round_count <= TVN_BENCH_ROUNDS_MAX);
    struct tvn_bench_pace pace = {.round_count = 0};
    const struct tvn_json *object = tvn_json_get(report, "machine_pace");
    if (object &&
        (!read_yardstick(object, pace.yardstick) || !read_rounds(object, round_count, &pace))) {
        tvn_strbuf_add_text(why, "'machine_pace' has no yardstick, or not a pace above 0 and a "
                                 "processor time for each round");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    *out_pace = pace;
    return TVN_OK;
}

/* ---- judging ---- */

/* What the rounds would have been at that pace. */
static void convert(struct tvn_bench_round *rounds, const struct tvn_bench_pace *pace, double per_s)
{
    for (uint32_t i = 0; i < pace->round_count; i++) {
        struct tvn_bench_round *round = &rounds[i];
        double ran_ns = (double)(round->duration_ns - round->ready_ns);
        double cpu_ns = tvn_min((double)pace->rounds[i].cpu_ns, ran_ns);
        double converted_ns = ran_ns - cpu_ns + cpu_ns * pace->rounds[i].per_s / per_s;
        converted_ns = tvn_min(tvn_max(converted_ns, 1.0), COUNT_MAX);
        double factor = converted_ns / ran_ns;
        round->duration_ns = (uint64_t)converted_ns;
        round->ready_ns = 0;
        round->p50_ns = (uint64_t)tvn_min((double)round->p50_ns * factor, COUNT_MAX);
        round->p99_ns = (uint64_t)tvn_min((double)round->p99_ns * factor, COUNT_MAX);
    }
}

/* The part of the time that others had the processor while the flow was ready. */
static double busy_part(const struct tvn_bench_round *rounds, uint32_t count)
{
    double ready_ns = 0;
    double duration_ns = 0;
    for (uint32_t i = 0; i < count; i++) {
        ready_ns += (double)rounds[i].ready_ns;
        duration_ns += (double)rounds[i].duration_ns;
    }
    return ready_ns / duration_ns;
}

static void look_around(struct tvn_bench_pace_comparison *pace, const struct tvn_bench_report *now,
                        const struct tvn_bench_baseline *before, double threshold)
{
    pace->spread = tvn_max(pace->before.fastest, pace->now.fastest) /
                       tvn_min(pace->before.slowest, pace->now.slowest) -
                   1;
    pace->busy_before = busy_part(before->rounds, before->round_count);
    pace->busy_now = busy_part(now->rounds, now->round_count);
    pace->threshold = threshold + tvn_max(pace->busy_now - pace->busy_before, 0.0);
}

/* In both readings, by the threshold of a machine as busy as this one. */
static void judge(struct tvn_bench_comparison *comparison,
                  const struct tvn_bench_comparison *measured,
                  const struct tvn_bench_comparison *converted,
                  const struct tvn_bench_comparison *converted_strictly)
{
    comparison->regression = false;
    for (size_t i = 0; i < TVN_BENCH_METRIC_COUNT; i++) {
        struct tvn_bench_change *change = &comparison->changes[i];
        change->worse = measured->changes[i].beyond && converted->changes[i].worse;
        change->beyond = converted_strictly->changes[i].beyond;
        comparison->regression |= change->judged && change->worse;
    }
}

void tvn_bench_compare_at_pace(const struct tvn_bench_report *now,
                               const struct tvn_bench_pace *now_pace,
                               const struct tvn_bench_baseline *before,
                               const struct tvn_bench_pace *before_pace, double threshold,
                               struct tvn_bench_comparison *out_comparison,
                               struct tvn_bench_pace_comparison *out_pace)
{
    tvn_assert(now && now_pace && before && before_pace && out_comparison && out_pace);
    *out_pace = (struct tvn_bench_pace_comparison){
        .is_known = now_pace->round_count > 0 && now_pace->round_count == now->round_count &&
                    before_pace->round_count > 0 &&
                    before_pace->round_count == before->round_count &&
                    strcmp(now_pace->yardstick, before_pace->yardstick) == 0,
        .before = tvn_bench_pace_range(before_pace),
        .now = tvn_bench_pace_range(now_pace),
    };
    tvn_bench_compare(now, before, threshold, out_comparison);
    if (!out_pace->is_known) {
        return;
    }
    look_around(out_pace, now, before, threshold);
    struct tvn_bench_report converted_now = *now;
    struct tvn_bench_baseline converted_before = *before;
    convert(converted_now.rounds, now_pace, out_pace->before.median);
    convert(converted_before.rounds, before_pace, out_pace->before.median);
    struct tvn_bench_comparison measured;
    struct tvn_bench_comparison strictly;
    tvn_bench_compare(now, before, out_pace->threshold, &measured);
    tvn_bench_compare(&converted_now, &converted_before, threshold, &strictly);
    tvn_bench_compare(&converted_now, &converted_before, out_pace->threshold, &out_pace->converted);
    judge(out_comparison, &measured, &out_pace->converted, &strictly);
}

void tvn_bench_write_pace_comparison(const struct tvn_bench_pace_comparison *pace,
                                     struct tvn_json_writer *json)
{
    tvn_assert(pace && json);
    if (!pace->is_known) {
        return;
    }
    tvn_json_key(json, "at_baseline_pace");
    tvn_json_begin_object(json);
    tvn_json_field_real(json, "before_per_s", pace->before.median);
    tvn_json_field_real(json, "now_per_s", pace->now.median);
    tvn_json_field_real(json, "change", pace->now.median / pace->before.median - 1);
    tvn_json_field_real(json, "spread", pace->spread);
    tvn_json_field_real(json, "busy_before", pace->busy_before);
    tvn_json_field_real(json, "busy_now", pace->busy_now);
    tvn_json_field_real(json, "threshold", pace->threshold);
    for (size_t i = 0; i < TVN_BENCH_METRIC_COUNT; i++) {
        const struct tvn_bench_change *change = &pace->converted.changes[i];
        tvn_json_key(json, tvn_bench_metric_name((enum tvn_bench_metric)i));
        tvn_json_begin_object(json);
        tvn_bench_write_change(change, json);
        tvn_json_field_bool(json, "worse", change->worse);
        tvn_json_end_object(json);
    }
    tvn_json_end_object(json);
}
