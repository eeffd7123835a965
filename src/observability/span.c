/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/span.h"

#include "base/utf8.h"

#define DIGITS_MAX 20

void tvn_trace_span_init(struct tvn_trace_span *span)
{
    memset(span, 0, offsetof(struct tvn_trace_span, attributes));
    span->kind = TVN_TRACE_SPAN_INTERNAL;
}

void tvn_trace_span_copy(struct tvn_trace_span *to, const struct tvn_trace_span *from)
{
    memcpy(to, from, offsetof(struct tvn_trace_span, attributes));
    memcpy(to->attributes, from->attributes, from->attribute_count * sizeof(from->attributes[0]));
    memcpy(to->events, from->events, from->event_count * sizeof(from->events[0]));
    memcpy(to->text, from->text, from->text_length);
}

static size_t room(const struct tvn_trace_span *span)
{
    return TVN_TRACE_SPAN_TEXT_MAX - span->text_length;
}

/* There is room for it. */
static struct tvn_trace_span_text append(struct tvn_trace_span *span, const char *bytes,
                                         size_t length)
{
    struct tvn_trace_span_text text = {span->text_length, (uint16_t)length};
    if (length > 0) {
        memcpy(span->text + span->text_length, bytes, length);
    }
    span->text_length = (uint16_t)(span->text_length + length);
    return text;
}

/* What fits of it, up to a character. */
static struct tvn_trace_span_text add_text(struct tvn_trace_span *span, struct tvn_str text)
{
    size_t length = text.len < room(span) ? text.len : room(span);
    return append(span, text.ptr, length == 0 ? 0 : tvn_utf8_valid_prefix(text.ptr, length));
}

void tvn_trace_span_set_name(struct tvn_trace_span *span, struct tvn_str name)
{
    span->name = add_text(span, name);
}

static size_t write_digits(char out[DIGITS_MAX], uint64_t number)
{
    char reversed[DIGITS_MAX];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = reversed[count - 1 - i];
    }
    return count;
}

void tvn_trace_span_set_name_number(struct tvn_trace_span *span, struct tvn_str prefix,
                                    uint64_t number)
{
    char digits[DIGITS_MAX];
    size_t count = write_digits(digits, number);
    span->name = add_text(span, prefix);
    if (count <= room(span)) {
        span->name.length = (uint16_t)(span->name.length + append(span, digits, count).length);
    }
}

void tvn_trace_span_set_tracestate(struct tvn_trace_span *span, struct tvn_str tracestate)
{
    if (tracestate.len <= room(span)) {
        span->tracestate = append(span, tracestate.ptr, tracestate.len);
    }
}

void tvn_trace_span_set_error(struct tvn_trace_span *span, struct tvn_str text)
{
    span->status = TVN_TRACE_SPAN_ERROR;
    span->status_text = add_text(span, text);
}

/* NULL: no room. */
static struct tvn_trace_span_attribute *add_attribute(struct tvn_trace_span *span, const char *key)
{
    if (span->attribute_count == TVN_TRACE_SPAN_ATTRIBUTES_MAX || span->dropped_events > 0) {
        span->dropped_attributes++;
        return NULL;
    }
    struct tvn_trace_span_attribute *attribute = &span->attributes[span->attribute_count++];
    *attribute = (struct tvn_trace_span_attribute){.key = key, .event_plus_one = span->event_count};
    return attribute;
}

void tvn_trace_span_add_number(struct tvn_trace_span *span, const char *key, uint64_t value)
{
    struct tvn_trace_span_attribute *attribute = add_attribute(span, key);
    if (attribute) {
        attribute->is_number = true;
        attribute->number = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    }
}

void tvn_trace_span_add_text(struct tvn_trace_span *span, const char *key, struct tvn_str value)
{
    struct tvn_trace_span_attribute *attribute = add_attribute(span, key);
    if (attribute) {
        attribute->text = add_text(span, value);
    }
}

void tvn_trace_span_add_event(struct tvn_trace_span *span, const char *name, uint64_t at_unix_ns)
{
    if (span->event_count == TVN_TRACE_SPAN_EVENTS_MAX) {
        span->dropped_events++;
        return;
    }
    span->events[span->event_count++] =
        (struct tvn_trace_span_event){.name = name, .at_unix_ns = at_unix_ns};
}
