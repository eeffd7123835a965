/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics as Prometheus' text, and as a page of the reference. */
#include "base/assert.h"
#include "observability/metrics.h"

#include <inttypes.h>

#define NS_PER_SECOND 1e9

static void add_label(struct tvn_strbuf *out, const struct tvn_metric_label *label)
{
    tvn_strbuf_printf(out, "%s=\"", label->name);
    for (const char *c = label->value; *c; c++) {
        if (*c == '\n') {
            tvn_strbuf_add_text(out, "\\n");
            continue;
        }
        if (*c == '"' || *c == '\\') {
            tvn_strbuf_add_char(out, '\\');
        }
        tvn_strbuf_add_char(out, *c);
    }
    tvn_strbuf_add_char(out, '"');
}

static void sample_name(struct tvn_strbuf *out, const struct tvn_metric_row *row,
                        const struct tvn_metric_sample *sample, const char *suffix, const char *le)
{
    tvn_strbuf_printf(out, "%s%s", row->prometheus, suffix);
    for (uint32_t i = 0; i < sample->label_count; i++) {
        tvn_strbuf_add_char(out, i == 0 ? '{' : ',');
        add_label(out, &sample->labels[i]);
    }
    if (le) {
        tvn_strbuf_printf(out, "%cle=\"%s\"", sample->label_count == 0 ? '{' : ',', le);
    }
    tvn_strbuf_add_text(out, sample->label_count > 0 || le ? "} " : " ");
}

static void add_histogram(struct tvn_strbuf *out, const struct tvn_metric_row *row,
                          const struct tvn_metric_sample *sample)
{
    uint64_t count = tvn_histogram_count(sample->histogram);
    for (uint32_t bits = TVN_METRIC_BOUND_FIRST; bits <= TVN_METRIC_BOUND_LAST; bits++) {
        TVN_AUTO_VALUE(tvn_strbuf) le = {0};
        tvn_strbuf_printf(&le, "%.12g", (double)(UINT64_C(1) << bits) / NS_PER_SECOND);
        sample_name(out, row, sample, "_bucket", tvn_strbuf_text(&le));
        tvn_strbuf_printf(out, "%" PRIu64 "\n", tvn_histogram_count_to(sample->histogram, bits));
    }
    sample_name(out, row, sample, "_bucket", "+Inf");
    tvn_strbuf_printf(out, "%" PRIu64 "\n", count);
    sample_name(out, row, sample, "_sum", NULL);
    tvn_strbuf_printf(out, "%.15g\n", (double)tvn_histogram_sum(sample->histogram) / NS_PER_SECOND);
    sample_name(out, row, sample, "_count", NULL);
    tvn_strbuf_printf(out, "%" PRIu64 "\n", count);
}

static void add_family(void *context, const struct tvn_metric_row *row)
{
    static const char *const types[] = {
        [TVN_METRIC_KIND_COUNTER] = "counter",     [TVN_METRIC_KIND_GAUGE] = "gauge",
        [TVN_METRIC_KIND_HISTOGRAM] = "histogram", [TVN_METRIC_KIND_DERIVED] = "gauge",
        [TVN_METRIC_KIND_STATE] = "gauge",
    };
    tvn_strbuf_printf(context, "# HELP %s %s\n# TYPE %s %s\n", row->prometheus, row->what,
                      row->prometheus, types[row->kind]);
}

static void add_sample(void *context, const struct tvn_metric_row *row,
                       const struct tvn_metric_sample *sample)
{
    struct tvn_strbuf *out = context;
    if (sample->kind == TVN_METRIC_SAMPLE_HISTOGRAM) {
        add_histogram(out, row, sample);
        return;
    }
    sample_name(out, row, sample, "", NULL);
    if (sample->kind == TVN_METRIC_SAMPLE_REAL) {
        tvn_strbuf_printf(out, "%.15g\n", sample->real);
    } else if (row->unit == TVN_METRIC_UNIT_NS) {
        tvn_strbuf_printf(out, "%.15g\n", (double)sample->whole / NS_PER_SECOND);
    } else {
        tvn_strbuf_printf(out, "%" PRIu64 "\n", sample->whole);
    }
}

void tvn_metrics_prometheus(const struct tvn_metrics_view *view, struct tvn_strbuf *out)
{
    tvn_assert(view && out);
    const struct tvn_metrics_visitor visitor = {add_family, add_sample, out};
    tvn_metrics_visit(view, &visitor);
}

void tvn_metrics_reference(struct tvn_strbuf *out)
{
    static const char *const titles[] = {"Flows",        "Components",   "Streams",
                                         "Buffer pools", "Capabilities", "The process"};
    int scope = -1;
    for (unsigned i = 0; i < TVN_METRIC_COUNT; i++) {
        const struct tvn_metric_row *row = tvn_metric_row((enum tvn_metric)i);
        if ((int)row->scope != scope) {
            scope = (int)row->scope;
            const char *labels = tvn_metric_scope_labels(row->scope);
            tvn_strbuf_printf(out, "\n## %s\n\n", titles[scope]);
            if (labels[0]) {
                tvn_strbuf_printf(out, "Labels: `%s`.\n\n", labels);
            }
            tvn_strbuf_add_text(out,
                                "| metric | kind | unit | Prometheus | |\n|---|---|---|---|---|\n");
        }
        tvn_strbuf_printf(out, "| `%s` | %s | %s | `%s` | %s |\n", row->name,
                          tvn_metric_kind_name(row->kind), tvn_metric_unit_name(row->unit),
                          row->prometheus, row->what);
    }
}
