/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics as OTLP's messages (opentelemetry.proto.metrics.v1). */
#include "base/assert.h"
#include "observability/otlp_writer_internal.h"

#define RESOURCE_METRICS     1 /* of ExportMetricsServiceRequest */
#define SCOPE_METRICS        2
#define METRICS              2
#define METRIC_NAME          1
#define METRIC_DESCRIPTION   2
#define METRIC_UNIT          3
#define METRIC_GAUGE         5
#define METRIC_SUM           7
#define METRIC_HISTOGRAM     9
#define DATA_POINTS          1
#define TEMPORALITY          2
#define IS_MONOTONIC         3
#define CUMULATIVE           2
#define POINT_START          2
#define POINT_TIME           3
#define NUMBER_DOUBLE        4
#define NUMBER_INT           6
#define NUMBER_ATTRIBUTES    7
#define HISTOGRAM_COUNT      4
#define HISTOGRAM_SUM        5
#define HISTOGRAM_COUNTS     6
#define HISTOGRAM_BOUNDS     7
#define HISTOGRAM_ATTRIBUTES 9
#define HISTOGRAM_MIN        11
#define HISTOGRAM_MAX        12

#define BOUND_COUNT (TVN_METRIC_BOUND_LAST - TVN_METRIC_BOUND_FIRST + 1)

struct encoder {
    struct otlp_writer writer;
    const struct tvn_metrics_view *view;
    const struct tvn_otlp_metrics_options *options;
    const struct tvn_metric_row *row; /* whose metric is open; NULL: none is */
};

/* ---- points ---- */

static void begin_point(struct encoder *encoder, const struct tvn_metric_sample *sample)
{
    const struct tvn_otlp_metrics_options *options = encoder->options;
    uint64_t start_ns = options->started_unix_ns;
    if (sample->since_ns != 0 && sample->since_ns <= encoder->view->now_ns) {
        start_ns = options->now_unix_ns - (encoder->view->now_ns - sample->since_ns);
    }
    otlp_begin_item(&encoder->writer, DATA_POINTS);
    otlp_fixed64(&encoder->writer, POINT_START, "startTimeUnixNano", start_ns);
    otlp_fixed64(&encoder->writer, POINT_TIME, "timeUnixNano", options->now_unix_ns);
}

static void write_labels(struct encoder *encoder, uint32_t number,
                         const struct tvn_metric_sample *sample)
{
    otlp_begin_list(&encoder->writer, "attributes");
    for (uint32_t i = 0; i < sample->label_count; i++) {
        otlp_attribute_text(&encoder->writer, number, sample->labels[i].name,
                            tvn_str_of(sample->labels[i].value));
    }
    otlp_end_list(&encoder->writer);
}

static void write_number(struct encoder *encoder, const struct tvn_metric_sample *sample)
{
    begin_point(encoder, sample);
    if (sample->kind == TVN_METRIC_SAMPLE_REAL) {
        otlp_double(&encoder->writer, NUMBER_DOUBLE, "asDouble", sample->real);
    } else { /* sfixed64: no counter comes near 2^63 */
        otlp_fixed64(&encoder->writer, NUMBER_INT, "asInt", sample->whole & INT64_MAX);
    }
    write_labels(encoder, NUMBER_ATTRIBUTES, sample);
    otlp_end(&encoder->writer);
}

static void write_histogram(struct encoder *encoder, const struct tvn_metric_sample *sample)
{
    const struct tvn_histogram *histogram = sample->histogram;
    struct otlp_writer *writer = &encoder->writer;
    uint64_t counts[BOUND_COUNT + 1];
    double bounds[BOUND_COUNT];
    uint64_t before = 0;
    for (uint32_t i = 0; i < BOUND_COUNT; i++) {
        uint64_t to = tvn_histogram_count_to(histogram, TVN_METRIC_BOUND_FIRST + i);
        bounds[i] = (double)(UINT64_C(1) << (TVN_METRIC_BOUND_FIRST + i));
        counts[i] = to - before;
        before = to;
    }
    uint64_t count = tvn_histogram_count(histogram);
    counts[BOUND_COUNT] = count - before;
    begin_point(encoder, sample);
    otlp_fixed64(writer, HISTOGRAM_COUNT, "count", count);
    otlp_double(writer, HISTOGRAM_SUM, "sum", (double)tvn_histogram_sum(histogram));
    otlp_fixed64_list(writer, HISTOGRAM_COUNTS, "bucketCounts", counts, BOUND_COUNT + 1);
    otlp_double_list(writer, HISTOGRAM_BOUNDS, "explicitBounds", bounds, BOUND_COUNT);
    if (count > 0) {
        otlp_double(writer, HISTOGRAM_MIN, "min", (double)tvn_histogram_min(histogram));
        otlp_double(writer, HISTOGRAM_MAX, "max", (double)tvn_histogram_max(histogram));
    }
    write_labels(encoder, HISTOGRAM_ATTRIBUTES, sample);
    otlp_end(writer);
}

/* ---- metrics ---- */

static const char *unit_of(const struct tvn_metric_row *row)
{
    static const char *const units[] = {
        [TVN_METRIC_UNIT_NONE] = "1",  [TVN_METRIC_UNIT_COUNT] = "1",
        [TVN_METRIC_UNIT_NS] = "ns",   [TVN_METRIC_UNIT_BYTES] = "By",
        [TVN_METRIC_UNIT_RATIO] = "1", [TVN_METRIC_UNIT_PER_SECOND] = "1/s",
    };
    return units[row->unit];
}

static void open_metric(struct encoder *encoder, const struct tvn_metric_row *row)
{
    struct otlp_writer *writer = &encoder->writer;
    otlp_begin_item(writer, METRICS);
    otlp_text(writer, METRIC_NAME, "name", tvn_str_of(row->name));
    otlp_text(writer, METRIC_DESCRIPTION, "description", tvn_str_of(row->what));
    otlp_text(writer, METRIC_UNIT, "unit", tvn_str_of(unit_of(row)));
    if (row->kind == TVN_METRIC_KIND_COUNTER) {
        otlp_begin(writer, METRIC_SUM, "sum");
    } else if (row->kind == TVN_METRIC_KIND_HISTOGRAM) {
        otlp_begin(writer, METRIC_HISTOGRAM, "histogram");
    } else {
        otlp_begin(writer, METRIC_GAUGE, "gauge");
    }
    otlp_begin_list(writer, "dataPoints");
    encoder->row = row;
}

static void close_metric(struct encoder *encoder)
{
    struct otlp_writer *writer = &encoder->writer;
    if (!encoder->row) {
        return;
    }
    enum tvn_metric_kind kind = encoder->row->kind;
    otlp_end_list(writer);
    if (kind == TVN_METRIC_KIND_COUNTER || kind == TVN_METRIC_KIND_HISTOGRAM) {
        otlp_u32(writer, TEMPORALITY, "aggregationTemporality", CUMULATIVE);
    }
    if (kind == TVN_METRIC_KIND_COUNTER) {
        otlp_bool(writer, IS_MONOTONIC, "isMonotonic", true);
    }
    otlp_end(writer);
    otlp_end(writer);
    encoder->row = NULL;
}

static void add_family(void *context, const struct tvn_metric_row *row)
{
    (void)row;
    close_metric(context);
}

static void add_sample(void *context, const struct tvn_metric_row *row,
                       const struct tvn_metric_sample *sample)
{
    struct encoder *encoder = context;
    if (!encoder->row) {
        open_metric(encoder, row);
    }
    if (sample->kind == TVN_METRIC_SAMPLE_HISTOGRAM) {
        write_histogram(encoder, sample);
    } else {
        write_number(encoder, sample);
    }
}

void tvn_otlp_metrics(const struct tvn_metrics_view *view,
                      const struct tvn_otlp_metrics_options *options, struct tvn_strbuf *out)
{
    tvn_assert(view && options && options->resource && out);
    struct encoder encoder = {.view = view, .options = options};
    const struct tvn_metrics_visitor visitor = {add_family, add_sample, &encoder};
    otlp_writer_init(&encoder.writer, options->encoding, out);
    otlp_begin_list(&encoder.writer, "resourceMetrics");
    otlp_begin_item(&encoder.writer, RESOURCE_METRICS);
    otlp_resource(&encoder.writer, options->resource);
    otlp_begin_list(&encoder.writer, "scopeMetrics");
    otlp_begin_item(&encoder.writer, SCOPE_METRICS);
    otlp_scope(&encoder.writer);
    otlp_begin_list(&encoder.writer, "metrics");
    tvn_metrics_visit_some(view, options->first_flow, options->flow_count, &visitor);
    close_metric(&encoder);
    otlp_end_list(&encoder.writer);
    otlp_end(&encoder.writer);
    otlp_end_list(&encoder.writer);
    otlp_end(&encoder.writer);
    otlp_end_list(&encoder.writer);
    otlp_writer_finish(&encoder.writer);
}
