/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * torvyn:streaming for a guest without a C library: the canonical ABI by hand, so that a benchmark
 * measures the host and not a binding generator. Layouts follow wit/torvyn-streaming.
 */
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAMING(interface) "torvyn:streaming/" interface "@0.1.0"
#define IMPORT(interface, name) \
    __attribute__((import_module(STREAMING(interface)), import_name(name)))
#define EXPORT(name)                 __attribute__((export_name(name)))
#define EXPORT_FUNC(interface, name) EXPORT(STREAMING(interface) "#" name)
#define EXPORT_POST(interface, name) EXPORT("cabi_post_" STREAMING(interface) "#" name)

typedef int32_t handle;

/* list<u8> and string */
struct bytes {
    uint8_t *at;
    uint32_t length;
};

/* result<mutable-buffer, buffer-error>; result<_, buffer-error> has nothing in the ok case */
struct buffer_result {
    uint8_t is_error;
    union {
        handle buffer;
        struct {
            uint8_t reason;
            struct bytes text;
        } error;
    };
};
_Static_assert(sizeof(struct buffer_result) == 16, "four words");

struct element_meta {
    uint64_t sequence;
    uint64_t timestamp_ns;
    struct bytes content_type;
};

struct output_element {
    struct element_meta meta;
    handle payload;
};

enum process_error { INVALID_INPUT, UNAVAILABLE, INTERNAL, DEADLINE_EXCEEDED, FATAL };

struct failure {
    uint8_t reason; /* enum process_error */
    struct bytes text;
};

/* result<option<output-element>, process-error> and result<process-result, process-error> */
struct output_result {
    uint8_t is_error;
    alignas(8) union {
        struct {
            uint8_t tag; /* of option: 1 is some; of process-result: 0 is emit, 1 is drop */
            struct output_element element;
        } ok;
        struct failure error;
    };
};
_Static_assert(offsetof(struct output_result, ok.element.meta.content_type) == 32, "as lowered");
_Static_assert(offsetof(struct output_result, ok.element.payload) == 40, "as lowered");
_Static_assert(sizeof(struct output_result) == 48, "as lowered");

/* result<backpressure-signal, process-error> and result<_, process-error> */
struct verdict_result {
    uint8_t is_error;
    union {
        uint8_t signal; /* 0 is ready */
        struct failure error;
    };
};
_Static_assert(offsetof(struct verdict_result, signal) == 4, "as lowered");
_Static_assert(sizeof(struct verdict_result) == 16, "as lowered");

IMPORT("types", "[method]buffer.read-all") void buffer_read_all(handle self, struct bytes *out);
IMPORT("types", "[resource-drop]buffer") void buffer_drop(handle self);
IMPORT("types", "[resource-drop]flow-context") void flow_context_drop(handle self);
IMPORT("types", "[method]mutable-buffer.append")
void mutable_buffer_append(handle self, const uint8_t *at, uint32_t length,
                           struct buffer_result *out);
IMPORT("types", "[method]mutable-buffer.freeze") handle mutable_buffer_freeze(handle self);
IMPORT("types", "[resource-drop]mutable-buffer") void mutable_buffer_drop(handle self);
IMPORT("buffer-allocator", "allocate")
void allocate(uint64_t capacity_hint, struct buffer_result *out);
IMPORT("buffer-allocator", "clone-into-mutable")
void clone_into_mutable(handle source, struct buffer_result *out);

/*
 * Memory for what the host passes in lives until the call's post-return: a stack of bytes that is
 * emptied there.
 */
#define SCRATCH_BYTES (1u << 20)
static struct {
    alignas(16) uint8_t bytes[SCRATCH_BYTES];
    uint32_t used;
} scratch;

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, uint32_t old_size, uint32_t alignment, uint32_t size)
{
    uint32_t at = (scratch.used + alignment - 1) & ~(alignment - 1);
    if (old || size > SCRATCH_BYTES - at) {
        __builtin_trap(); /* the host only asks for new memory here */
    }
    (void)old_size;
    scratch.used = at + size;
    return scratch.bytes + at;
}

static inline void scratch_clear(void)
{
    scratch.used = 0;
}

/* Appends `content` to a buffer and freezes it. False when the host refuses; the buffer is gone
 * then, too. */
static inline bool finish_buffer(handle buffer, const struct bytes *content, handle *out)
{
    struct buffer_result appended;
    mutable_buffer_append(buffer, content->at, content->length, &appended);
    if (!appended.is_error) {
        *out = mutable_buffer_freeze(buffer);
    }
    mutable_buffer_drop(buffer);
    return !appended.is_error;
}

/* A frozen buffer with a copy of `content`. False when the host has none to give. */
static inline bool buffer_of(const struct bytes *content, handle *out)
{
    struct buffer_result allocated;
    allocate(content->length, &allocated);
    return !allocated.is_error && finish_buffer(allocated.buffer, content, out);
}
