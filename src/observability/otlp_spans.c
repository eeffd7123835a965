/* SPDX-License-Identifier: Apache-2.0 */
/* Spans as OTLP's messages (opentelemetry.proto.trace.v1). */
#include "base/assert.h"
#include "observability/otlp_writer_internal.h"

#define RESOURCE_SPANS          1 /* of ExportTraceServiceRequest */
#define SCOPE_SPANS             2
#define SPANS                   2
#define SPAN_TRACE_ID           1
#define SPAN_ID                 2
#define SPAN_TRACE_STATE        3
#define SPAN_PARENT_ID          4
#define SPAN_NAME               5
#define SPAN_KIND               6
#define SPAN_START              7
#define SPAN_END                8
#define SPAN_ATTRIBUTES         9
#define SPAN_DROPPED_ATTRIBUTES 10
#define SPAN_EVENTS             11
#define SPAN_DROPPED_EVENTS     12
#define SPAN_LINKS              13
#define SPAN_STATUS             15
#define SPAN_FLAGS              16
#define EVENT_TIME              1
#define EVENT_NAME              2
#define EVENT_ATTRIBUTES        3
#define LINK_TRACE_ID           1
#define LINK_SPAN_ID            2
#define STATUS_MESSAGE          2
#define STATUS_CODE             3

/* Those of the span itself (0), or of the event with the number before. */
static void write_attributes(struct otlp_writer *writer, const struct tvn_trace_span *span,
                             unsigned event_plus_one, uint32_t number)
{
    otlp_begin_list(writer, "attributes");
    for (unsigned i = 0; i < span->attribute_count; i++) {
        const struct tvn_trace_span_attribute *at = &span->attributes[i];
        if (at->event_plus_one != event_plus_one) {
            continue;
        }
        if (at->is_number) {
            otlp_attribute_number(writer, number, at->key, at->number);
        } else {
            otlp_attribute_text(writer, number, at->key, tvn_trace_span_str(span, at->text));
        }
    }
    otlp_end_list(writer);
}

static void write_events(struct otlp_writer *writer, const struct tvn_trace_span *span)
{
    otlp_begin_list(writer, "events");
    for (unsigned i = 0; i < span->event_count; i++) {
        otlp_begin_item(writer, SPAN_EVENTS);
        otlp_fixed64(writer, EVENT_TIME, "timeUnixNano", span->events[i].at_unix_ns);
        otlp_text(writer, EVENT_NAME, "name", tvn_str_of(span->events[i].name));
        write_attributes(writer, span, i + 1, EVENT_ATTRIBUTES);
        otlp_end(writer);
    }
    otlp_end_list(writer);
    if (span->dropped_events > 0) {
        otlp_u32(writer, SPAN_DROPPED_EVENTS, "droppedEventsCount", span->dropped_events);
    }
}

static void write_link(struct otlp_writer *writer, const struct tvn_trace_span *span)
{
    otlp_begin_list(writer, "links");
    otlp_begin_item(writer, SPAN_LINKS);
    otlp_id(writer, LINK_TRACE_ID, "traceId", span->link_trace_id, sizeof(span->link_trace_id));
    otlp_id(writer, LINK_SPAN_ID, "spanId", span->link_span_id, sizeof(span->link_span_id));
    otlp_end(writer);
    otlp_end_list(writer);
}

static void write_status(struct otlp_writer *writer, const struct tvn_trace_span *span)
{
    otlp_begin(writer, SPAN_STATUS, "status");
    if (span->status_text.length > 0) {
        otlp_text(writer, STATUS_MESSAGE, "message", tvn_trace_span_str(span, span->status_text));
    }
    otlp_u32(writer, STATUS_CODE, "code", span->status);
    otlp_end(writer);
}

static void write_span(struct otlp_writer *writer, const struct tvn_trace_span *span)
{
    otlp_begin_item(writer, SPANS);
    otlp_id(writer, SPAN_TRACE_ID, "traceId", span->trace_id, sizeof(span->trace_id));
    otlp_id(writer, SPAN_ID, "spanId", span->span_id, sizeof(span->span_id));
    if (span->tracestate.length > 0) {
        otlp_text(writer, SPAN_TRACE_STATE, "traceState",
                  tvn_trace_span_str(span, span->tracestate));
    }
    if (tvn_trace_span_has_parent(span)) {
        otlp_id(writer, SPAN_PARENT_ID, "parentSpanId", span->parent_id, sizeof(span->parent_id));
    }
    otlp_text(writer, SPAN_NAME, "name", tvn_trace_span_name(span));
    otlp_u32(writer, SPAN_KIND, "kind", span->kind);
    otlp_fixed64(writer, SPAN_START, "startTimeUnixNano", span->begin_unix_ns);
    otlp_fixed64(writer, SPAN_END, "endTimeUnixNano", span->end_unix_ns);
    write_attributes(writer, span, 0, SPAN_ATTRIBUTES);
    if (span->dropped_attributes > 0) {
        otlp_u32(writer, SPAN_DROPPED_ATTRIBUTES, "droppedAttributesCount",
                 span->dropped_attributes);
    }
    write_events(writer, span);
    if (tvn_trace_span_has_link(span)) {
        write_link(writer, span);
    }
    if (span->status != TVN_TRACE_SPAN_UNSET) {
        write_status(writer, span);
    }
    otlp_fixed32(writer, SPAN_FLAGS, "flags", tvn_trace_span_otlp_flags(span));
    otlp_end(writer);
}

void tvn_otlp_spans(const struct tvn_otlp_resource *resource, enum tvn_otlp_encoding encoding,
                    const struct tvn_trace_span *spans, size_t count, struct tvn_strbuf *out)
{
    tvn_assert(resource && (spans || count == 0) && out);
    if (encoding == TVN_OTLP_JSON) {
        tvn_span_json_batch(resource, spans, count, out);
        return;
    }
    struct otlp_writer writer;
    otlp_writer_init(&writer, encoding, out);
    otlp_begin_list(&writer, "resourceSpans");
    otlp_begin_item(&writer, RESOURCE_SPANS);
    otlp_resource(&writer, resource);
    otlp_begin_list(&writer, "scopeSpans");
    otlp_begin_item(&writer, SCOPE_SPANS);
    otlp_scope(&writer);
    otlp_begin_list(&writer, "spans");
    for (size_t i = 0; i < count; i++) {
        write_span(&writer, &spans[i]);
    }
    otlp_end_list(&writer);
    otlp_end(&writer);
    otlp_end_list(&writer);
    otlp_end(&writer);
    otlp_end_list(&writer);
    otlp_writer_finish(&writer);
}
