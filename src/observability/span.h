/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A span of a distributed trace as a plain value, and what takes finished spans away: the exporter.
 * (struct tvn_span of base/diag.h is a place in a document.)
 *
 * Spans and their parents:
 *     flow:{flow}                            a trace of its own
 *       backpressure:{from}→{to}             level DIAGNOSTIC
 *     element:{sequence}                     a trace of its own, or the incoming one; linked to
 * flow: component:{component}:invoke:{sequence} resource:transfer:{buffer}         level DIAGNOSTIC
 *         resource:copy:{buffer}             level DIAGNOSTIC
 *
 * Threads: a span belongs to one thread at a time. Memory: everything is inside the span; keys and
 * event names have static storage. Limits: the constants below; a text that does not fit is cut at
 * a character, a tracestate that does not fit is left out whole.
 */
#include "base/status.h"
#include "base/str.h"

#include <assert.h>

#define TVN_TRACE_SPAN_TEXT_MAX       1280 /* bytes of all texts of a span */
#define TVN_TRACE_SPAN_ATTRIBUTES_MAX 12
#define TVN_TRACE_SPAN_EVENTS_MAX     8

enum tvn_trace_span_kind { /* OTLP's numbers */
                           TVN_TRACE_SPAN_INTERNAL = 1,
                           TVN_TRACE_SPAN_SERVER = 2,
                           TVN_TRACE_SPAN_CLIENT = 3,
                           TVN_TRACE_SPAN_PRODUCER = 4,
                           TVN_TRACE_SPAN_CONSUMER = 5,
};

enum tvn_trace_span_status { /* OTLP's numbers */
                             TVN_TRACE_SPAN_UNSET = 0,
                             TVN_TRACE_SPAN_OK = 1,
                             TVN_TRACE_SPAN_ERROR = 2,
};

/* A text in tvn_trace_span.text; valid UTF-8. */
struct tvn_trace_span_text {
    uint16_t offset;
    uint16_t length;
};

struct tvn_trace_span_attribute {
    const char *key;        /* static storage: "torvyn.operation" */
    bool is_number;         /* else text */
    uint8_t event_plus_one; /* the event that it belongs to; 0: the span itself */
    struct tvn_trace_span_text text;
    int64_t number;
};

struct tvn_trace_span_event {
    const char *name; /* static storage: "queue.depth" */
    uint64_t at_unix_ns;
};

struct tvn_trace_span {
    uint8_t trace_id[16]; /* never all zero */
    uint8_t span_id[8];   /* never all zero */
    uint8_t parent_id[8]; /* all zero: none */
    uint8_t link_trace_id[16];
    uint8_t link_span_id[8]; /* all zero: no link */
    uint64_t begin_unix_ns;
    uint64_t end_unix_ns; /* not before begin */
    uint8_t trace_flags;  /* W3C: bit 0 is "sampled" */
    bool has_remote_parent;
    uint8_t kind;   /* enum tvn_trace_span_kind */
    uint8_t status; /* enum tvn_trace_span_status */
    uint8_t attribute_count;
    uint8_t event_count;
    uint16_t dropped_attributes; /* for which there was no room; events' too */
    uint16_t dropped_events;
    uint16_t text_length; /* bytes used of `text` */
    struct tvn_trace_span_text name;
    struct tvn_trace_span_text tracestate;  /* W3C's header value; empty: none */
    struct tvn_trace_span_text status_text; /* ERROR only */
    struct tvn_trace_span_attribute attributes[TVN_TRACE_SPAN_ATTRIBUTES_MAX];
    struct tvn_trace_span_event events[TVN_TRACE_SPAN_EVENTS_MAX];
    char text[TVN_TRACE_SPAN_TEXT_MAX]; /* last: only text_length bytes mean something */
};
static_assert(sizeof(struct tvn_trace_span) == 1792, "the queue of an exporter holds thousands");

// WARM PATH. All zero, kind INTERNAL, status UNSET. `text` is not cleared.
void tvn_trace_span_init(struct tvn_trace_span *span);
/* WARM PATH. Copies what is used of `from`. */
void tvn_trace_span_copy(struct tvn_trace_span *to, const struct tvn_trace_span *from);

static inline struct tvn_str tvn_trace_span_str(const struct tvn_trace_span *span,
                                                struct tvn_trace_span_text text)
{
    return (struct tvn_str){span->text + text.offset, text.length};
}
static inline struct tvn_str tvn_trace_span_name(const struct tvn_trace_span *span)
{
    return tvn_trace_span_str(span, span->name);
}
static inline bool tvn_trace_span_has_parent(const struct tvn_trace_span *span)
{
    uint64_t id;
    memcpy(&id, span->parent_id, sizeof(id));
    return id != 0;
}
static inline bool tvn_trace_span_has_link(const struct tvn_trace_span *span)
{
    uint64_t id;
    memcpy(&id, span->link_span_id, sizeof(id));
    return id != 0;
}

/* What OTLP's field `flags` has: W3C's, and whether the parent is known to be remote. */
static inline uint32_t tvn_trace_span_otlp_flags(const struct tvn_trace_span *span)
{
    return span->trace_flags | 0x100u | (span->has_remote_parent ? 0x200u : 0);
}

/* WARM PATH. Each may be called once a span. Invalid UTF-8 ends the text. */
void tvn_trace_span_set_name(struct tvn_trace_span *span, struct tvn_str name);
void tvn_trace_span_set_tracestate(struct tvn_trace_span *span, struct tvn_str tracestate);
void tvn_trace_span_set_error(struct tvn_trace_span *span, struct tvn_str text);
/* "component:" + name + ":invoke:" + number without a formatter. */
void tvn_trace_span_set_name_number(struct tvn_trace_span *span, struct tvn_str prefix,
                                    uint64_t number);
/* WARM PATH. After tvn_trace_span_add_event they belong to that event: the span's own come first.
 */
void tvn_trace_span_add_number(struct tvn_trace_span *span, const char *key, uint64_t value);
void tvn_trace_span_add_text(struct tvn_trace_span *span, const char *key, struct tvn_str value);
void tvn_trace_span_add_event(struct tvn_trace_span *span, const char *name, uint64_t at_unix_ns);

/*
 * ---- exporters ----
 *
 * span_exporter.h has queue, thread and batches for all of them: a receiver is only a transport.
 */

struct tvn_span_exporter;

struct tvn_span_exporter_stats {
    uint64_t exported; /* spans that the receiver took */
    uint64_t dropped;  /* spans that were lost: queue full, refused, receiver given up */
    uint64_t waiting;  /* spans in the queue: lost when the exporter is destroyed now */
};

struct tvn_span_exporter_ops {
    /* WARM PATH. Any thread. Takes copies of finished spans; all, or from the first that does not
     * fit into the queue on, none. Never waits for a receiver. What does not fit is counted as
     * dropped. */
    void (*offer)(struct tvn_span_exporter *self, const struct tvn_trace_span *spans, size_t count);
    /* COLD PATH. Any thread. True: what was offered before has been exported or dropped. False: not
     * until deadline_ns (CLOCK_MONOTONIC). */
    bool (*flush)(struct tvn_span_exporter *self, uint64_t deadline_ns);
    /* Any thread. */
    void (*stats)(struct tvn_span_exporter *self, struct tvn_span_exporter_stats *out_stats);
    /* COLD PATH. Nobody offers any more. Does not wait for a receiver: what is left is dropped. */
    void (*destroy)(struct tvn_span_exporter *self);
};

/* Embedded as the first field of every implementation. */
struct tvn_span_exporter {
    const struct tvn_span_exporter_ops *ops;
};

static inline void tvn_span_exporter_offer(struct tvn_span_exporter *exporter,
                                           const struct tvn_trace_span *spans, size_t count)
{
    exporter->ops->offer(exporter, spans, count);
}
TVN_NODISCARD static inline bool tvn_span_exporter_flush(struct tvn_span_exporter *exporter,
                                                         uint64_t deadline_ns)
{
    return exporter->ops->flush(exporter, deadline_ns);
}
static inline void tvn_span_exporter_stats(struct tvn_span_exporter *exporter,
                                           struct tvn_span_exporter_stats *out_stats)
{
    exporter->ops->stats(exporter, out_stats);
}
static inline void tvn_span_exporter_destroy(struct tvn_span_exporter *exporter)
{
    if (exporter) {
        exporter->ops->destroy(exporter);
    }
}
TVN_DEFINE_CLEANUP(tvn_span_exporter, tvn_span_exporter_destroy)
