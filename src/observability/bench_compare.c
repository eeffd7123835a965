/* SPDX-License-Identifier: Apache-2.0 */
/* A benchmark against an earlier one. */
#include "base/assert.h"
#include "base/num.h"
#include "format/json.h"
#include "observability/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_US 1e3

const char *tvn_bench_metric_name(enum tvn_bench_metric metric)
{
    static const char *const names[TVN_BENCH_METRIC_COUNT] = {
        [TVN_BENCH_THROUGHPUT] = "throughput",
        [TVN_BENCH_LATENCY_P50] = "latency_p50",
        [TVN_BENCH_LATENCY_P99] = "latency_p99",
    };
    tvn_assert((unsigned)metric < TVN_BENCH_METRIC_COUNT);
    return names[metric];
}

/* ---- reading ---- */

/* False, and a sentence in *why, when it is no number or negative. */
static bool read_number(const struct tvn_json *object, const char *key, double *out_value,
                        struct tvn_strbuf *why)
{
    const struct tvn_json *value = tvn_json_get(object, key);
    enum tvn_json_kind kind = value ? tvn_json_kind(value) : TVN_JSON_NULL;
    if ((kind != TVN_JSON_INTEGER && kind != TVN_JSON_REAL) || !(tvn_json_real(value) >= 0)) {
        tvn_strbuf_printf(why, "'%s' is no number of at least 0", key);
        return false;
    }
    *out_value = tvn_json_real(value);
    return true;
}

static bool read_count(const struct tvn_json *object, const char *key, uint64_t *out_value,
                       struct tvn_strbuf *why)
{
    double value;
    if (!read_number(object, key, &value, why)) {
        return false;
    }
    if (value > 9e15) {
        tvn_strbuf_printf(why, "'%s' is too large", key);
        return false;
    }
    *out_value = (uint64_t)value;
    return true;
}

static bool read_round(const struct tvn_json *value, struct tvn_bench_round *round,
                       struct tvn_strbuf *why)
{
    if (!read_count(value, "duration_ns", &round->duration_ns, why) ||
        !read_count(value, "ready_ns", &round->ready_ns, why) ||
        !read_count(value, "elements", &round->elements, why) ||
        !read_count(value, "latency_p50_ns", &round->p50_ns, why) ||
        !read_count(value, "latency_p99_ns", &round->p99_ns, why)) {
        return false;
    }
    if (round->ready_ns >= round->duration_ns) {
        tvn_strbuf_add_text(why, "a round has no duration");
        return false;
    }
    return true;
}

static bool read_rounds(const struct tvn_json *root, struct tvn_bench_baseline *baseline,
                        struct tvn_strbuf *why)
{
    const struct tvn_json *rounds = tvn_json_get(root, "rounds");
    if (!rounds || tvn_json_kind(rounds) != TVN_JSON_ARRAY || tvn_json_count(rounds) == 0 ||
        tvn_json_count(rounds) > TVN_BENCH_ROUNDS_MAX) {
        tvn_strbuf_printf(why, "'rounds' is no list of 1 to %d rounds", TVN_BENCH_ROUNDS_MAX);
        return false;
    }
    baseline->round_count = (uint32_t)tvn_json_count(rounds);
    for (uint32_t i = 0; i < baseline->round_count; i++) {
        if (!read_round(tvn_json_at(rounds, i), &baseline->rounds[i], why)) {
            return false;
        }
    }
    return true;
}

static bool read_report(const struct tvn_json *root, struct tvn_bench_baseline *baseline,
                        struct tvn_strbuf *why)
{
    if (tvn_json_kind(root) != TVN_JSON_OBJECT) {
        tvn_strbuf_add_text(why, "it is no object");
        return false;
    }
    double format;
    if (!read_number(root, "format", &format, why)) {
        return false;
    }
    if (format != TVN_BENCH_FORMAT_VERSION) {
        tvn_strbuf_printf(why, "its format is %g, this version reads %d", format,
                          TVN_BENCH_FORMAT_VERSION);
        return false;
    }
    return read_number(root, "throughput_eps", &baseline->throughput_eps, why) &&
           read_number(root, "latency_p50_us", &baseline->latency_p50_us, why) &&
           read_number(root, "latency_p99_us", &baseline->latency_p99_us, why) &&
           read_count(root, "total_copies", &baseline->total_copies, why) &&
           read_count(tvn_json_get(root, "throughput"), "elements", &baseline->elements, why) &&
           read_number(tvn_json_get(root, "settings"), "rate", &baseline->rate, why) &&
           read_rounds(root, baseline, why);
}

enum tvn_status tvn_bench_parse(struct tvn_str text, struct tvn_json **out_report,
                                struct tvn_strbuf *why)
{
    tvn_assert(out_report && why);
    struct tvn_json_error error;
    enum tvn_status status = tvn_json_parse(text, out_report, &error);
    if (status == TVN_E_CONSTRAINT_VIOLATION) {
        tvn_strbuf_printf(why, "it is no JSON: %s", error.text);
    }
    return status;
}

enum tvn_status tvn_bench_read_baseline(const struct tvn_json *report,
                                        struct tvn_bench_baseline *out_baseline,
                                        struct tvn_strbuf *why)
{
    tvn_assert(report && out_baseline && why);
    struct tvn_bench_baseline baseline = {0};
    if (!read_report(report, &baseline, why)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    *out_baseline = baseline;
    return TVN_OK;
}

/* ---- judging ---- */

struct sample {
    double values[TVN_BENCH_ROUNDS_MAX];
    uint32_t count;
};

static struct sample sample_of(const struct tvn_bench_round *rounds, uint32_t count,
                               enum tvn_bench_metric metric)
{
    struct sample sample = {.count = 0};
    for (uint32_t i = 0; i < count; i++) {
        const struct tvn_bench_round *round = &rounds[i];
        uint64_t latency_ns = metric == TVN_BENCH_LATENCY_P50 ? round->p50_ns : round->p99_ns;
        if (metric == TVN_BENCH_THROUGHPUT) {
            sample.values[sample.count++] =
                tvn_bench_rate(round->elements, round->duration_ns - round->ready_ns);
        } else if (latency_ns > 0) {
            sample.values[sample.count++] = (double)latency_ns / NS_PER_US;
        }
    }
    return sample;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

double tvn_bench_median(const double *values, uint32_t count)
{
    tvn_assert(count <= TVN_BENCH_ROUNDS_MAX);
    if (count == 0) {
        return 0;
    }
    double sorted[TVN_BENCH_ROUNDS_MAX];
    memcpy(sorted, values, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), compare_doubles);
    uint32_t half = count / 2;
    return count % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/* The best value but for a quarter of the rounds: the largest or the smallest. */
static double best(const struct sample *sample, bool more_is_better)
{
    struct sample sorted = *sample;
    qsort(sorted.values, sorted.count, sizeof(sorted.values[0]), compare_doubles);
    uint32_t from_end = (sorted.count - 1) / 4;
    return sorted.values[more_is_better ? sorted.count - 1 - from_end : from_end];
}

/* The worst value but for a tenth of the rounds: how bad noise alone made them. */
static double worst(const struct sample *sample, bool more_is_better)
{
    struct sample sorted = *sample;
    qsort(sorted.values, sorted.count, sizeof(sorted.values[0]), compare_doubles);
    uint32_t from_end = (sorted.count - 1) / 10;
    return sorted.values[more_is_better ? from_end : sorted.count - 1 - from_end];
}

/* How much worse: the same distance in both directions, half as fast is as bad as twice as slow. */
static double factor_of(double now, double before, bool more_is_better)
{
    return more_is_better ? before / tvn_max(now, 1e-9) : now / tvn_max(before, 1e-9);
}

/* How sure it is that values of `high` tend to be larger: one-sided Mann-Whitney, normal
 * approximation. */
static double confidence_larger(const struct sample *high, const struct sample *low)
{
    if (high->count == 0 || low->count == 0) {
        return 0;
    }
    double wins = 0;
    for (uint32_t i = 0; i < high->count; i++) {
        for (uint32_t k = 0; k < low->count; k++) {
            wins += high->values[i] > low->values[k]   ? 1
                    : high->values[i] < low->values[k] ? 0
                                                       : 0.5;
        }
    }
    double pairs = (double)high->count * low->count;
    double deviation = sqrt(pairs * (high->count + low->count + 1) / 12);
    double z = (wins - pairs / 2 - 0.5) / deviation; /* 0.5: continuity */
    return 0.5 * erfc(-z / sqrt(2));
}

static void judge(struct tvn_bench_change *change, const struct sample *now,
                  const struct sample *before, bool more_is_better, double threshold)
{
    change->now = tvn_bench_median(now->values, now->count);
    change->before = tvn_bench_median(before->values, before->count);
    if (now->count == 0 || before->count == 0 || change->before <= 0) {
        change->judged = false;
        return;
    }
    change->change = change->now / change->before - 1;
    bool larger = change->now > change->before;
    change->confidence = larger ? confidence_larger(now, before) : confidence_larger(before, now);
    double best_now = best(now, more_is_better);
    double best_before = best(before, more_is_better);
    change->best_change = best_now / tvn_max(best_before, 1e-9) - 1;
    change->beyond = factor_of(change->now, change->before, more_is_better) > 1 + threshold;
    change->worse =
        change->beyond && change->confidence >= TVN_BENCH_CONFIDENCE &&
        factor_of(best_now, best_before, more_is_better) > 1 + threshold &&
        factor_of(change->now, worst(before, more_is_better), more_is_better) > 1 + threshold;
}

void tvn_bench_compare(const struct tvn_bench_report *now, const struct tvn_bench_baseline *before,
                       double threshold, struct tvn_bench_comparison *out_comparison)
{
    tvn_assert(now && before && out_comparison && threshold >= 0);
    *out_comparison = (struct tvn_bench_comparison){.threshold = threshold};
    bool is_paced = now->rate > 0 || before->rate > 0;
    for (unsigned i = 0; i < TVN_BENCH_METRIC_COUNT; i++) {
        enum tvn_bench_metric metric = (enum tvn_bench_metric)i;
        struct sample new_sample = sample_of(now->rounds, now->round_count, metric);
        struct sample old_sample = sample_of(before->rounds, before->round_count, metric);
        struct tvn_bench_change *change = &out_comparison->changes[metric];
        change->judged = metric == TVN_BENCH_LATENCY_P50 ||
                         metric == (is_paced ? TVN_BENCH_LATENCY_P99 : TVN_BENCH_THROUGHPUT);
        judge(change, &new_sample, &old_sample, metric == TVN_BENCH_THROUGHPUT, threshold);
        out_comparison->regression |= change->judged && change->worse;
    }
}

const char *tvn_bench_verdict(const struct tvn_bench_comparison *comparison,
                              enum tvn_bench_metric metric)
{
    tvn_assert((unsigned)metric < TVN_BENCH_METRIC_COUNT);
    const struct tvn_bench_change *change = &comparison->changes[metric];
    if (!change->judged) {
        return "not judged";
    }
    if (change->beyond && !change->worse) {
        return metric == TVN_BENCH_THROUGHPUT ? "slower, not certain" : "later, not certain";
    }
    return change->worse ? "REGRESSION" : "ok";
}

void tvn_bench_write_change(const struct tvn_bench_change *change, struct tvn_json_writer *json)
{
    tvn_json_field_real(json, "before", change->before);
    tvn_json_field_real(json, "now", change->now);
    tvn_json_field_real(json, "change", change->change);
    tvn_json_field_real(json, "best_change", change->best_change);
    tvn_json_field_real(json, "confidence", change->confidence);
}

void tvn_bench_write_comparison(const struct tvn_bench_comparison *comparison,
                                struct tvn_json_writer *json)
{
    tvn_json_key(json, "comparison");
    tvn_json_begin_object(json);
    tvn_json_field_bool(json, "regression", comparison->regression);
    tvn_json_field_real(json, "threshold", comparison->threshold);
    for (unsigned i = 0; i < TVN_BENCH_METRIC_COUNT; i++) {
        const struct tvn_bench_change *change = &comparison->changes[i];
        tvn_json_key(json, tvn_bench_metric_name((enum tvn_bench_metric)i));
        tvn_json_begin_object(json);
        tvn_bench_write_change(change, json);
        tvn_json_field_text(json, "verdict",
                            tvn_bench_verdict(comparison, (enum tvn_bench_metric)i));
        tvn_json_field_bool(json, "worse", change->worse);
        tvn_json_field_bool(json, "judged", change->judged);
        tvn_json_end_object(json);
    }
    tvn_json_end_object(json);
}
