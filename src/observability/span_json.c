/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/span_json.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_BYTES 24

/* ---- values ---- */

static void field_hex(struct tvn_json_writer *json, const char *key, const uint8_t *bytes,
                      size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char text[33];
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    tvn_json_key(json, key);
    tvn_json_write_str(json, (struct tvn_str){text, 2 * length});
}

/* 64-bit numbers are strings in OTLP's JSON. */
static void field_number(struct tvn_json_writer *json, const char *key, uint64_t value)
{
    char text[NUMBER_BYTES];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    tvn_json_field_text(json, key, text);
}

static void field_str(struct tvn_json_writer *json, const char *key, struct tvn_str value)
{
    tvn_json_key(json, key);
    tvn_json_write_str(json, value);
}

static void attribute(struct tvn_json_writer *json, const char *key, const struct tvn_str *text,
                      int64_t number)
{
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "key", key);
    tvn_json_key(json, "value");
    tvn_json_begin_object(json);
    if (text) {
        field_str(json, "stringValue", *text);
    } else {
        char digits[NUMBER_BYTES];
        (void)snprintf(digits, sizeof(digits), "%" PRId64, number);
        tvn_json_field_text(json, "intValue", digits);
    }
    tvn_json_end_object(json);
    tvn_json_end_object(json);
}

/* ---- a span ---- */

/* Those of the span itself (0), or of the event with the number before. */
static void write_attributes(const struct tvn_trace_span *span, unsigned event_plus_one,
                             struct tvn_json_writer *json)
{
    tvn_json_key(json, "attributes");
    tvn_json_begin_array(json);
    for (unsigned i = 0; i < span->attribute_count; i++) {
        const struct tvn_trace_span_attribute *at = &span->attributes[i];
        if (at->event_plus_one == event_plus_one) {
            struct tvn_str text = tvn_trace_span_str(span, at->text);
            attribute(json, at->key, at->is_number ? NULL : &text, at->number);
        }
    }
    tvn_json_end_array(json);
}

static void write_events(const struct tvn_trace_span *span, struct tvn_json_writer *json)
{
    if (span->event_count > 0) {
        tvn_json_key(json, "events");
        tvn_json_begin_array(json);
        for (unsigned i = 0; i < span->event_count; i++) {
            tvn_json_begin_object(json);
            field_number(json, "timeUnixNano", span->events[i].at_unix_ns);
            tvn_json_field_text(json, "name", span->events[i].name);
            write_attributes(span, i + 1, json);
            tvn_json_end_object(json);
        }
        tvn_json_end_array(json);
    }
    if (span->dropped_events > 0) {
        tvn_json_field_u64(json, "droppedEventsCount", span->dropped_events);
    }
}

static void write_link(const struct tvn_trace_span *span, struct tvn_json_writer *json)
{
    if (!tvn_trace_span_has_link(span)) {
        return;
    }
    tvn_json_key(json, "links");
    tvn_json_begin_array(json);
    tvn_json_begin_object(json);
    field_hex(json, "traceId", span->link_trace_id, sizeof(span->link_trace_id));
    field_hex(json, "spanId", span->link_span_id, sizeof(span->link_span_id));
    tvn_json_end_object(json);
    tvn_json_end_array(json);
}

static void write_status(const struct tvn_trace_span *span, struct tvn_json_writer *json)
{
    if (span->status == TVN_TRACE_SPAN_UNSET) {
        return;
    }
    tvn_json_key(json, "status");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "code", span->status);
    if (span->status_text.length > 0) {
        field_str(json, "message", tvn_trace_span_str(span, span->status_text));
    }
    tvn_json_end_object(json);
}

void tvn_span_json(const struct tvn_trace_span *span, struct tvn_json_writer *json)
{
    tvn_json_begin_object(json);
    field_hex(json, "traceId", span->trace_id, sizeof(span->trace_id));
    field_hex(json, "spanId", span->span_id, sizeof(span->span_id));
    if (tvn_trace_span_has_parent(span)) {
        field_hex(json, "parentSpanId", span->parent_id, sizeof(span->parent_id));
    }
    if (span->tracestate.length > 0) {
        field_str(json, "traceState", tvn_trace_span_str(span, span->tracestate));
    }
    tvn_json_field_u64(json, "flags", tvn_trace_span_otlp_flags(span));
    field_str(json, "name", tvn_trace_span_name(span));
    tvn_json_field_u64(json, "kind", span->kind);
    field_number(json, "startTimeUnixNano", span->begin_unix_ns);
    field_number(json, "endTimeUnixNano", span->end_unix_ns);
    write_attributes(span, 0, json);
    if (span->dropped_attributes > 0) {
        tvn_json_field_u64(json, "droppedAttributesCount", span->dropped_attributes);
    }
    write_events(span, json);
    write_link(span, json);
    write_status(span, json);
    tvn_json_end_object(json);
}

/* ---- what is around spans ---- */

static void optional_attribute(struct tvn_json_writer *json, const char *key, const char *text)
{
    if (text) {
        struct tvn_str value = tvn_str_of(text);
        attribute(json, key, &value, 0);
    }
}

static void write_resource(const struct tvn_otlp_resource *resource, struct tvn_json_writer *json)
{
    tvn_json_key(json, "resource");
    tvn_json_begin_object(json);
    tvn_json_key(json, "attributes");
    tvn_json_begin_array(json);
    optional_attribute(json, "service.name", resource->service_name);
    optional_attribute(json, "service.version", resource->service_version);
    optional_attribute(json, "service.instance.id", resource->instance_id);
    optional_attribute(json, "host.name", resource->host_name);
    if (resource->pid != 0) {
        attribute(json, "process.pid", NULL, resource->pid);
    }
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

void tvn_span_json_begin_fields(const struct tvn_otlp_resource *resource,
                                struct tvn_json_writer *json)
{
    tvn_json_key(json, "resourceSpans");
    tvn_json_begin_array(json);
    tvn_json_begin_object(json);
    write_resource(resource, json);
    tvn_json_key(json, "scopeSpans");
    tvn_json_begin_array(json);
    tvn_json_begin_object(json);
    tvn_json_key(json, "scope");
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "name", "torvyn");
    tvn_json_field_text(json, "version", TVN_VERSION);
    tvn_json_end_object(json);
    tvn_json_key(json, "spans");
    tvn_json_begin_array(json);
}

void tvn_span_json_end_fields(struct tvn_json_writer *json)
{
    tvn_json_end_array(json); /* spans */
    tvn_json_end_object(json);
    tvn_json_end_array(json); /* scopeSpans */
    tvn_json_end_object(json);
    tvn_json_end_array(json); /* resourceSpans */
}

void tvn_span_json_batch(const struct tvn_otlp_resource *resource,
                         const struct tvn_trace_span *spans, size_t count, struct tvn_strbuf *out)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, out, 0);
    tvn_json_begin_object(&json);
    tvn_span_json_begin_fields(resource, &json);
    for (size_t i = 0; i < count; i++) {
        tvn_span_json(&spans[i], &json);
    }
    tvn_span_json_end_fields(&json);
    tvn_json_end_object(&json);
}
