/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Torvyn for components in C: one header over the bindings that wit-bindgen makes of the
 * component's world.
 *
 *     #include <torvyn.h>
 *
 *     static enum torvyn_result shout(struct torvyn_element *input, struct torvyn_output *output)
 *     {
 *         struct torvyn_bytes text = torvyn_read(input);
 *         for (size_t i = 0; i < text.len; i++) {
 *             torvyn_write_char(output, (char)toupper(text.ptr[i]));
 *         }
 *         return TORVYN_EMIT;
 *     }
 *     TORVYN_PROCESSOR(shout)
 *
 * The header takes care of what the bindings leave to the component: every handle is dropped, every
 * string that the host handed over is freed, every error becomes one of the contract's. A function
 * returns what it decided, or torvyn_fail(KIND, "why").
 *
 * TORVYN_WORLD is the world's name with underscores; `torvyn build` defines it. With other tools:
 * -DTORVYN_WORLD=my_world, and bindings made with `wit-bindgen c --autodrop-borrows yes` in an
 * include path.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef TORVYN_WORLD
#error \
    "TORVYN_WORLD is not defined: build with `torvyn build`, or add -DTORVYN_WORLD=<the world's name with underscores>"
#endif
#define TORVYN_PASTE_(a, b)   a##b
#define TORVYN_JOIN_(a, b)    TORVYN_PASTE_(a, b)
#define TORVYN_TEXT_(text)    #text
#define TORVYN_HEADER__(name) TORVYN_TEXT_(name.h)
#define TORVYN_HEADER_(name)  TORVYN_HEADER__(name)
#include TORVYN_HEADER_(TORVYN_WORLD)

/* "my_world" + "_string_t" */
#define TORVYN_(suffix) TORVYN_JOIN_(TORVYN_WORLD, suffix)

/* ---- what functions return ---- */

enum torvyn_result {
    TORVYN_EMIT,  /* source, processor, aggregator: what is in `output` */
    TORVYN_PASS,  /* processor: the input's payload, copied by the host */
    TORVYN_DROP,  /* processor, filter, router: nothing goes on; aggregator: nothing yet */
    TORVYN_KEEP,  /* filter: the element goes on; router: to the ports that were named */
    TORVYN_END,   /* source: there is nothing more; aggregator's flush: that was all */
    TORVYN_IDLE,  /* source: nothing now; only after torvyn_paused() */
    TORVYN_READY, /* sink, lifecycle: done */
    TORVYN_PAUSE, /* sink: done, but wait before the next element */
    TORVYN_ERROR, /* by torvyn_fail */
};

enum torvyn_error_kind { /* what the runtime does about each is the flow's on_error */
                         TORVYN_INVALID_INPUT,
                         TORVYN_UNAVAILABLE,
                         TORVYN_INTERNAL,
                         TORVYN_DEADLINE_EXCEEDED,
                         TORVYN_FATAL,
};

/* Weak: one for the component, however many of its files include this header. */
#define TORVYN_SHARED_ __attribute__((weak))
TORVYN_SHARED_ enum torvyn_error_kind torvyn_error_kind_;
TORVYN_SHARED_ char torvyn_error_text_[512];
TORVYN_SHARED_ bool torvyn_paused_;

/* Remembers the error of this call (at most 511 bytes of `why`). Use: return torvyn_fail(…); */
static inline enum torvyn_result torvyn_fail(enum torvyn_error_kind kind, const char *why)
{
    torvyn_error_kind_ = kind;
    strncpy(torvyn_error_text_, why, sizeof(torvyn_error_text_) - 1);
    return TORVYN_ERROR;
}

/* Whether the runtime asked this source to wait. */
static inline bool torvyn_paused(void)
{
    return torvyn_paused_;
}

/* ---- elements that come in; valid during the call ---- */

struct torvyn_bytes {
    const uint8_t *ptr; /* not terminated */
    size_t len;
};

struct torvyn_element {
    uint64_t sequence;     /* from 0, in the flow */
    uint64_t timestamp_ns; /* since 1970 */
    struct torvyn_bytes content_type;
    /* The rest is for the functions below. */
    torvyn_streaming_types_stream_element_t *lent;
    TORVYN_(_list_u8_t) payload;
    bool was_read;
};

/* The payload: the first call copies it out of the host, further ones return the same. */
static inline struct torvyn_bytes torvyn_read(struct torvyn_element *element)
{
    if (!element->was_read) {
        torvyn_streaming_types_method_buffer_read_all(element->lent->payload, &element->payload);
        element->was_read = true;
    }
    return (struct torvyn_bytes){element->payload.ptr, element->payload.len};
}
/* Its length, without a copy. */
static inline uint64_t torvyn_size(const struct torvyn_element *element)
{
    return torvyn_streaming_types_method_buffer_size(element->lent->payload);
}
/* Nanoseconds until the flow's deadline; 0 without one. */
static inline uint64_t torvyn_deadline_ns(const struct torvyn_element *element)
{
    return torvyn_streaming_types_method_flow_context_deadline_ns(element->lent->context);
}

/* ---- elements that go out ---- */

struct torvyn_output {
    const char *content_type; /* "" at first */
    uint64_t timestamp_ns;    /* 0: the input's, or now */
    uint8_t *ptr;             /* what was written so far; the memory is used again */
    size_t len;
    size_t capacity;
    bool failed; /* no memory */
};

static inline void torvyn_write(struct torvyn_output *output, const void *bytes, size_t length)
{
    if (output->failed || length > SIZE_MAX / 2 - output->len) {
        output->failed = true;
        return;
    }
    if (output->len + length > output->capacity) {
        size_t capacity = (output->len + length) * 2 + 64;
        uint8_t *grown = realloc(output->ptr, capacity);
        if (!grown) {
            output->failed = true;
            return;
        }
        output->ptr = grown;
        output->capacity = capacity;
    }
    if (length > 0) {
        memcpy(output->ptr + output->len, bytes, length);
        output->len += length;
    }
}
static inline void torvyn_write_text(struct torvyn_output *output, const char *text)
{
    torvyn_write(output, text, strlen(text));
}
static inline void torvyn_write_char(struct torvyn_output *output, char c)
{
    torvyn_write(output, &c, 1);
}
static inline void torvyn_write_number(struct torvyn_output *output, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    torvyn_write(output, digits + at, sizeof(digits) - at);
}

/* ---- W3C trace context, in worlds that import torvyn:runtime/tracing ---- */

extern void torvyn_runtime_tracing_set_traceparent(TORVYN_(_string_t) * traceparent,
                                                   TORVYN_(_string_t) * tracestate);
extern void torvyn_runtime_tracing_traceparent(TORVYN_(_string_t) * ret);

/* A source: the headers that the element it is about to return came with; "" for none. */
static inline void torvyn_set_traceparent(const char *traceparent, const char *tracestate)
{
    TORVYN_(_string_t) parent;
    TORVYN_(_string_t) state;
    TORVYN_(_string_set)(&parent, traceparent);
    TORVYN_(_string_set)(&state, tracestate);
    torvyn_runtime_tracing_set_traceparent(&parent, &state);
}
/* The header for what is sent on behalf of the element of this call; "" when tracing is off. */
#define TORVYN_TRACEPARENT_BYTES 56
static inline void torvyn_traceparent(char out_header[TORVYN_TRACEPARENT_BYTES])
{
    TORVYN_(_string_t) header;
    torvyn_runtime_tracing_traceparent(&header);
    size_t length = header.len < TORVYN_TRACEPARENT_BYTES ? header.len : 0;
    if (length > 0) {
        memcpy(out_header, header.ptr, length);
    }
    out_header[length] = '\0';
    TORVYN_(_string_free)(&header);
}

/* The ports that a router chose; they are edges of the flow. */
#define TORVYN_PORTS_MAX 64
struct torvyn_ports {
    const char *names[TORVYN_PORTS_MAX];
    size_t count;
};
static inline void torvyn_send_to(struct torvyn_ports *ports, const char *name)
{
    if (ports->count < TORVYN_PORTS_MAX) {
        ports->names[ports->count++] = name;
    }
}

/* ---- from here on: what the macros below are made of ---- */

TORVYN_SHARED_ struct torvyn_output torvyn_output_;

/* Imported by every world that makes elements; in others nothing refers to it. */
extern bool
torvyn_streaming_buffer_allocator_allocate(uint64_t capacity_hint,
                                           torvyn_streaming_types_own_mutable_buffer_t *ret,
                                           torvyn_streaming_types_buffer_error_t *err);
extern bool torvyn_streaming_buffer_allocator_clone_into_mutable(
    torvyn_streaming_types_borrow_buffer_t source, torvyn_streaming_types_own_mutable_buffer_t *ret,
    torvyn_streaming_types_buffer_error_t *err);

static inline struct torvyn_output *torvyn_output_begin_(void)
{
    torvyn_output_.content_type = "";
    torvyn_output_.timestamp_ns = 0;
    torvyn_output_.len = 0;
    torvyn_output_.failed = false;
    return &torvyn_output_;
}

static inline struct torvyn_element
torvyn_element_begin_(torvyn_streaming_types_stream_element_t *lent)
{
    return (struct torvyn_element){
        .sequence = lent->meta.sequence,
        .timestamp_ns = lent->meta.timestamp_ns,
        .content_type = {lent->meta.content_type.ptr, lent->meta.content_type.len},
        .lent = lent,
    };
}

static inline void torvyn_element_end_(struct torvyn_element *element)
{
    if (element->was_read) {
        TORVYN_(_list_u8_free)(&element->payload);
    }
    TORVYN_(_string_free)(&element->lent->meta.content_type);
}

/* The contract's error of torvyn_fail, or of a result that the role does not have. Returns false.
 */
static inline bool torvyn_raise_(enum torvyn_result result,
                                 torvyn_streaming_types_process_error_t *err)
{
    if (result != TORVYN_ERROR) {
        (void)torvyn_fail(TORVYN_INTERNAL,
                          "the function returned a result that its role does not have");
    }
    err->tag = (uint8_t)torvyn_error_kind_;
    if (torvyn_error_kind_ != TORVYN_DEADLINE_EXCEEDED) {
        TORVYN_(_string_dup)(&err->val.internal,
                             torvyn_error_text_); /* all texts are at the same place */
    }
    return false;
}

static inline bool torvyn_refused_(torvyn_streaming_types_buffer_error_t *error)
{
    if (error->tag == TORVYN_STREAMING_TYPES_BUFFER_ERROR_ALLOCATION_FAILED) {
        size_t length = error->val.allocation_failed.len;
        length = length < sizeof(torvyn_error_text_) ? length : sizeof(torvyn_error_text_) - 1;
        (void)torvyn_fail(TORVYN_UNAVAILABLE, "");
        memcpy(torvyn_error_text_, error->val.allocation_failed.ptr, length);
        torvyn_error_text_[length] = '\0';
    } else {
        (void)torvyn_fail(TORVYN_INTERNAL, "the host's buffer is too small");
    }
    torvyn_streaming_types_buffer_error_free(error);
    return false;
}

static inline void torvyn_finish_(torvyn_streaming_types_own_mutable_buffer_t buffer,
                                  const char *content_type,
                                  torvyn_streaming_types_output_element_t *out)
{
    torvyn_streaming_types_borrow_mutable_buffer_t writable =
        torvyn_streaming_types_borrow_mutable_buffer(buffer);
    if (content_type[0]) {
        TORVYN_(_string_t) type;
        TORVYN_(_string_set)(&type, content_type);
        torvyn_streaming_types_method_mutable_buffer_set_content_type(writable, &type);
    }
    out->payload = torvyn_streaming_types_method_mutable_buffer_freeze(writable);
    torvyn_streaming_types_mutable_buffer_drop_own(buffer);
}

/* An element of the host of what was written. False: torvyn_fail was called. */
static inline bool torvyn_emit_(struct torvyn_output *output, uint64_t sequence,
                                torvyn_streaming_types_output_element_t *out)
{
    if (output->failed) {
        (void)torvyn_fail(TORVYN_UNAVAILABLE, "no memory for the output");
        return false;
    }
    torvyn_streaming_types_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    if (!torvyn_streaming_buffer_allocator_allocate(output->len, &buffer, &error)) {
        return torvyn_refused_(&error);
    }
    TORVYN_(_list_u8_t) bytes = {output->ptr, output->len};
    if (output->len > 0 &&
        !torvyn_streaming_types_method_mutable_buffer_append(
            torvyn_streaming_types_borrow_mutable_buffer(buffer), &bytes, &error)) {
        torvyn_streaming_types_mutable_buffer_drop_own(buffer);
        return torvyn_refused_(&error);
    }
    torvyn_finish_(buffer, output->content_type, out);
    out->meta.sequence = sequence;
    out->meta.timestamp_ns = output->timestamp_ns;
    TORVYN_(_string_dup)(&out->meta.content_type, output->content_type);
    return true;
}

/* An element with the payload of another one. */
static inline bool torvyn_pass_(const struct torvyn_element *element,
                                torvyn_streaming_types_output_element_t *out)
{
    torvyn_streaming_types_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    if (!torvyn_streaming_buffer_allocator_clone_into_mutable(element->lent->payload, &buffer,
                                                              &error)) {
        return torvyn_refused_(&error);
    }
    torvyn_finish_(buffer, "", out);
    out->meta.sequence = element->sequence;
    out->meta.timestamp_ns = element->timestamp_ns;
    TORVYN_(_string_dup_n)(&out->meta.content_type, (const char *)element->content_type.ptr,
                           element->content_type.len);
    return true;
}

/* ---- the roles: each exports one interface of the contract, by functions of yours ---- */

/* enum torvyn_result function(struct torvyn_output *output): TORVYN_EMIT, TORVYN_END or TORVYN_IDLE
 */
#define TORVYN_SOURCE(function)                                                             \
    bool exports_torvyn_streaming_source_pull(                                              \
        exports_torvyn_streaming_source_option_output_element_t *ret,                       \
        exports_torvyn_streaming_source_process_error_t *err)                               \
    {                                                                                       \
        struct torvyn_output *output = torvyn_output_begin_();                              \
        enum torvyn_result result = function(output);                                       \
        ret->is_some = result == TORVYN_EMIT;                                               \
        if (ret->is_some && !torvyn_emit_(output, 0, &ret->val)) {                          \
            result = TORVYN_ERROR;                                                          \
        }                                                                                   \
        bool fine = result == TORVYN_EMIT || result == TORVYN_END || result == TORVYN_IDLE; \
        return fine || torvyn_raise_(result, err);                                          \
    }                                                                                       \
    void exports_torvyn_streaming_source_notify_backpressure(                               \
        exports_torvyn_streaming_source_backpressure_signal_t signal)                       \
    {                                                                                       \
        torvyn_paused_ = signal == TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_PAUSE;        \
    }

/* enum torvyn_result function(struct torvyn_element *input, struct torvyn_output *output):
 * TORVYN_EMIT, TORVYN_PASS or TORVYN_DROP */
#define TORVYN_PROCESSOR(function)                                                           \
    bool exports_torvyn_streaming_processor_process(                                         \
        exports_torvyn_streaming_processor_stream_element_t *input,                          \
        exports_torvyn_streaming_processor_process_result_t *ret,                            \
        exports_torvyn_streaming_processor_process_error_t *err)                             \
    {                                                                                        \
        struct torvyn_element element = torvyn_element_begin_(input);                        \
        struct torvyn_output *output = torvyn_output_begin_();                               \
        enum torvyn_result result = function(&element, output);                              \
        ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_EMIT;                               \
        if (result == TORVYN_DROP) {                                                         \
            ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_DROP;                           \
        } else if (result == TORVYN_EMIT &&                                                  \
                   !torvyn_emit_(output, element.sequence, &ret->val.emit)) {                \
            result = TORVYN_ERROR;                                                           \
        } else if (result == TORVYN_PASS && !torvyn_pass_(&element, &ret->val.emit)) {       \
            result = TORVYN_ERROR;                                                           \
        }                                                                                    \
        torvyn_element_end_(&element);                                                       \
        bool fine = result == TORVYN_EMIT || result == TORVYN_PASS || result == TORVYN_DROP; \
        return fine || torvyn_raise_(result, err);                                           \
    }

/* enum torvyn_result push(struct torvyn_element *element): TORVYN_READY or TORVYN_PAUSE;
 * enum torvyn_result complete(void): TORVYN_READY */
#define TORVYN_SINK(push, complete)                                                            \
    bool exports_torvyn_streaming_sink_push(                                                   \
        exports_torvyn_streaming_sink_stream_element_t *lent,                                  \
        exports_torvyn_streaming_sink_backpressure_signal_t *ret,                              \
        exports_torvyn_streaming_sink_process_error_t *err)                                    \
    {                                                                                          \
        struct torvyn_element element = torvyn_element_begin_(lent);                           \
        enum torvyn_result result = push(&element);                                            \
        torvyn_element_end_(&element);                                                         \
        *ret = result == TORVYN_PAUSE ? TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_PAUSE       \
                                      : TORVYN_STREAMING_TYPES_BACKPRESSURE_SIGNAL_READY;      \
        return result == TORVYN_READY || result == TORVYN_PAUSE || torvyn_raise_(result, err); \
    }                                                                                          \
    bool exports_torvyn_streaming_sink_complete(                                               \
        exports_torvyn_streaming_sink_process_error_t *err)                                    \
    {                                                                                          \
        enum torvyn_result result = complete();                                                \
        return result == TORVYN_READY || torvyn_raise_(result, err);                           \
    }

/* enum torvyn_result function(struct torvyn_element *element): TORVYN_KEEP or TORVYN_DROP */
#define TORVYN_FILTER(function)                                             \
    bool exports_torvyn_filtering_filter_evaluate(                          \
        exports_torvyn_filtering_filter_stream_element_t *lent, bool *ret,  \
        exports_torvyn_filtering_filter_process_error_t *err)               \
    {                                                                       \
        struct torvyn_element element = torvyn_element_begin_(lent);        \
        enum torvyn_result result = function(&element);                     \
        torvyn_element_end_(&element);                                      \
        *ret = result == TORVYN_KEEP;                                       \
        return *ret || result == TORVYN_DROP || torvyn_raise_(result, err); \
    }

/* enum torvyn_result function(struct torvyn_element *element, struct torvyn_ports *ports):
 * TORVYN_KEEP after torvyn_send_to for each port, or TORVYN_DROP */
#define TORVYN_ROUTER(function)                                                                 \
    bool exports_torvyn_filtering_router_route(                                                 \
        exports_torvyn_filtering_router_stream_element_t *lent, TORVYN_(_list_string_t) * ret,  \
        exports_torvyn_filtering_router_process_error_t * err)                                  \
    {                                                                                           \
        struct torvyn_element element = torvyn_element_begin_(lent);                            \
        struct torvyn_ports ports = {.count = 0};                                               \
        enum torvyn_result result = function(&element, &ports);                                 \
        torvyn_element_end_(&element);                                                          \
        ret->ptr = NULL;                                                                        \
        ret->len = 0;                                                                           \
        if (result == TORVYN_KEEP && ports.count > 0) {                                         \
            ret->ptr = malloc(ports.count * sizeof(*ret->ptr));                                 \
            result =                                                                            \
                ret->ptr ? result : torvyn_fail(TORVYN_UNAVAILABLE, "no memory for the ports"); \
            for (; ret->ptr && ret->len < ports.count; ret->len++) {                            \
                TORVYN_(_string_dup)(&ret->ptr[ret->len], ports.names[ret->len]);               \
            }                                                                                   \
        }                                                                                       \
        return result == TORVYN_KEEP || result == TORVYN_DROP || torvyn_raise_(result, err);    \
    }

/* enum torvyn_result ingest(struct torvyn_element *element, struct torvyn_output *output):
 * TORVYN_EMIT or TORVYN_DROP; enum torvyn_result flush(struct torvyn_output *output): TORVYN_EMIT,
 * and called again, until TORVYN_END */
#define TORVYN_AGGREGATOR(ingest, flush)                                                     \
    bool exports_torvyn_aggregation_aggregator_ingest(                                       \
        exports_torvyn_aggregation_aggregator_stream_element_t *lent,                        \
        exports_torvyn_aggregation_aggregator_option_output_element_t *ret,                  \
        exports_torvyn_aggregation_aggregator_process_error_t *err)                          \
    {                                                                                        \
        struct torvyn_element element = torvyn_element_begin_(lent);                         \
        struct torvyn_output *output = torvyn_output_begin_();                               \
        enum torvyn_result result = ingest(&element, output);                                \
        ret->is_some = result == TORVYN_EMIT;                                                \
        if (ret->is_some && !torvyn_emit_(output, element.sequence, &ret->val)) {            \
            result = TORVYN_ERROR;                                                           \
        }                                                                                    \
        torvyn_element_end_(&element);                                                       \
        return result == TORVYN_EMIT || result == TORVYN_DROP || torvyn_raise_(result, err); \
    }                                                                                        \
    bool exports_torvyn_aggregation_aggregator_flush(                                        \
        exports_torvyn_aggregation_aggregator_list_output_element_t *ret,                    \
        exports_torvyn_aggregation_aggregator_process_error_t *err)                          \
    {                                                                                        \
        enum torvyn_result result = TORVYN_EMIT;                                             \
        ret->ptr = NULL;                                                                     \
        ret->len = 0;                                                                        \
        for (;;) {                                                                           \
            struct torvyn_output *output = torvyn_output_begin_();                           \
            result = flush(output);                                                          \
            if (result != TORVYN_EMIT) {                                                     \
                break;                                                                       \
            }                                                                                \
            void *grown = realloc(ret->ptr, (ret->len + 1) * sizeof(*ret->ptr));             \
            if (!grown) {                                                                    \
                result = torvyn_fail(TORVYN_UNAVAILABLE, "no memory for the results");       \
                break;                                                                       \
            }                                                                                \
            ret->ptr = grown;                                                                \
            if (!torvyn_emit_(output, 0, &ret->ptr[ret->len])) {                             \
                result = TORVYN_ERROR;                                                       \
                break;                                                                       \
            }                                                                                \
            ret->len++;                                                                      \
        }                                                                                    \
        if (result == TORVYN_END) {                                                          \
            return true;                                                                     \
        }                                                                                    \
        exports_torvyn_aggregation_aggregator_list_output_element_free(ret);                 \
        return torvyn_raise_(result, err);                                                   \
    }

/* For worlds that export torvyn:streaming/lifecycle. enum torvyn_result init(const char *config):
 * TORVYN_READY; the node's configuration, "" without one. void teardown(void). */
#define TORVYN_LIFECYCLE(init, teardown)                                                       \
    bool exports_torvyn_streaming_lifecycle_init(                                              \
        TORVYN_(_string_t) * config, exports_torvyn_streaming_lifecycle_process_error_t * err) \
    {                                                                                          \
        char *text = malloc(config->len + 1);                                                  \
        enum torvyn_result result =                                                            \
            torvyn_fail(TORVYN_UNAVAILABLE, "no memory for the configuration");                \
        if (text) {                                                                            \
            if (config->len > 0) {                                                             \
                memcpy(text, config->ptr, config->len);                                        \
            }                                                                                  \
            text[config->len] = '\0';                                                          \
            result = init(text);                                                               \
            free(text);                                                                        \
        }                                                                                      \
        TORVYN_(_string_free)(config);                                                         \
        return result == TORVYN_READY || torvyn_raise_(result, err);                           \
    }                                                                                          \
    void exports_torvyn_streaming_lifecycle_teardown(void)                                     \
    {                                                                                          \
        teardown();                                                                            \
    }

/* ---- for code in other languages that is linked with this: the functions as symbols ---- */

#ifdef TORVYN_SYMBOLS
const uint8_t *torvyn_symbol_read(struct torvyn_element *element, size_t *length);
const uint8_t *torvyn_symbol_read(struct torvyn_element *element, size_t *length)
{
    struct torvyn_bytes bytes = torvyn_read(element);
    *length = bytes.len;
    return bytes.ptr;
}
uint64_t torvyn_symbol_size(const struct torvyn_element *element);
uint64_t torvyn_symbol_size(const struct torvyn_element *element)
{
    return torvyn_size(element);
}
void torvyn_symbol_write(struct torvyn_output *output, const uint8_t *bytes, size_t length);
void torvyn_symbol_write(struct torvyn_output *output, const uint8_t *bytes, size_t length)
{
    torvyn_write(output, bytes, length);
}
/* `content_type` outlives the call of the component's function. */
void torvyn_symbol_content_type(struct torvyn_output *output, const char *content_type);
void torvyn_symbol_content_type(struct torvyn_output *output, const char *content_type)
{
    output->content_type = content_type;
}
void torvyn_symbol_send_to(struct torvyn_ports *ports, const char *name);
void torvyn_symbol_send_to(struct torvyn_ports *ports, const char *name)
{
    torvyn_send_to(ports, name);
}
enum torvyn_result torvyn_symbol_fail(enum torvyn_error_kind kind, const char *why);
enum torvyn_result torvyn_symbol_fail(enum torvyn_error_kind kind, const char *why)
{
    return torvyn_fail(kind, why);
}
#endif
