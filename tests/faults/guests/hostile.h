/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A guest that behaves well until its plan says otherwise. The plan is its configuration,
 * "SITE KIND": at the call SITE it fails by KIND. Calls that carry an element fail at the element
 * with sequence 3, pull at an instance's fourth call, the others always.
 */
#include "bench/guests/streaming_abi.h"

#define FAULTY_SEQUENCE 3u

enum kind {
    KIND_NONE,
    KIND_INVALID_INPUT, /* the five process-errors, in the contract's order */
    KIND_UNAVAILABLE,
    KIND_INTERNAL,
    KIND_DEADLINE_EXCEEDED,
    KIND_FATAL,
    KIND_UNREACHABLE,
    KIND_OUT_OF_BOUNDS,
    KIND_DIVIDE,
    KIND_STACK,
    KIND_FUEL, /* the same loop; what stops it is the node's setting */
    KIND_LOOP,
    KIND_MEMORY,
    KIND_BAD_VALUE,
    KIND_HANDLE,
    KIND_LEAK,
};

static const char *const kind_names[] = {
    [KIND_INVALID_INPUT] = "invalid-input",
    [KIND_UNAVAILABLE] = "unavailable",
    [KIND_INTERNAL] = "internal",
    [KIND_DEADLINE_EXCEEDED] = "deadline-exceeded",
    [KIND_FATAL] = "fatal",
    [KIND_UNREACHABLE] = "unreachable",
    [KIND_OUT_OF_BOUNDS] = "out-of-bounds",
    [KIND_DIVIDE] = "divide",
    [KIND_STACK] = "stack",
    [KIND_FUEL] = "fuel",
    [KIND_LOOP] = "loop",
    [KIND_MEMORY] = "memory",
    [KIND_BAD_VALUE] = "bad-value",
    [KIND_HANDLE] = "handle",
    [KIND_LEAK] = "leak",
};
#define KIND_COUNT (sizeof(kind_names) / sizeof(*kind_names))

static uint8_t planned_site[16];
static uint32_t planned_site_length;
static enum kind planned_kind;

static inline bool same(const uint8_t *bytes, uint32_t length, const char *text)
{
    uint32_t i = 0;
    while (i < length && text[i] && bytes[i] == (uint8_t)text[i]) {
        i++;
    }
    return i == length && !text[i];
}

/* False when the configuration is no plan. An empty one means to behave well. */
static inline bool read_plan(struct bytes text)
{
    uint32_t space = 0;
    while (space < text.length && text.at[space] != ' ') {
        space++;
    }
    if (text.length == 0) {
        return true;
    }
    if (space == text.length || space > sizeof(planned_site)) {
        return false;
    }
    for (uint32_t i = 0; i < space; i++) {
        planned_site[i] = text.at[i];
    }
    planned_site_length = space;
    for (uint32_t i = 1; i < KIND_COUNT; i++) {
        if (same(text.at + space + 1, text.length - space - 1, kind_names[i])) {
            planned_kind = (enum kind)i;
            return true;
        }
    }
    return false;
}

/* A zero that the compiler does not know. */
static volatile uint32_t zero;

static __attribute__((noinline)) uint32_t recurse(uint32_t depth)
{
    volatile uint8_t frame[256];
    frame[depth % sizeof(frame)] = (uint8_t)depth;
    return depth == UINT32_MAX ? 0 : recurse(depth + 1) + frame[depth % sizeof(frame)];
}

static void loop(void)
{
    while (zero == 0) {
    }
}

static void exhaust_memory(void)
{
    while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1) {
    }
    __builtin_trap();
}

static bool is_faulty(const char *site)
{
    return planned_kind != KIND_NONE && same(planned_site, planned_site_length, site);
}

/*
 * What the plan says for this call, done as far as it ends the call. The kinds that need the call's
 * own result or handles are returned to it.
 */
static inline enum kind misbehave(const char *site)
{
    if (!is_faulty(site)) {
        return KIND_NONE;
    }
    switch (planned_kind) {
    case KIND_UNREACHABLE:
        __builtin_trap();
    case KIND_OUT_OF_BOUNDS:
        return *(volatile enum kind *)(0x7fffff00u + zero);
    case KIND_DIVIDE:
        return (enum kind)(7u / zero);
    case KIND_STACK:
        return (enum kind)recurse(zero);
    case KIND_FUEL:
    case KIND_LOOP:
        loop();
        break;
    case KIND_MEMORY:
        exhaust_memory();
        break;
    case KIND_HANDLE:
        buffer_drop(12345);
        break;
    default:
        break;
    }
    return planned_kind;
}

static uint8_t fault_text[] = "as planned";

/* The process-error of a kind; false for other kinds. */
static inline bool failure_of(enum kind kind, struct failure *out)
{
    if (kind < KIND_INVALID_INPUT || kind > KIND_FATAL) {
        return false;
    }
    *out = (struct failure){(uint8_t)(kind - KIND_INVALID_INPUT),
                            {fault_text, sizeof(fault_text) - 1}};
    return true;
}

/* result<_ or signal or bool, process-error> after misbehave. */
static inline struct verdict_result *verdict_of(enum kind kind, uint8_t good)
{
    static struct verdict_result result;
    result = (struct verdict_result){.signal = good};
    if (failure_of(kind, &result.error)) {
        result.is_error = 1;
    } else if (kind == KIND_BAD_VALUE) {
        result.is_error = 7;
    }
    return &result;
}

/* The element's handles; a leak keeps the buffer's. */
static inline void drop_borrows(enum kind kind, handle payload, handle context)
{
    if (kind != KIND_LEAK) {
        buffer_drop(payload);
    }
    flow_context_drop(context);
}

static inline struct output_element element_of(uint64_t sequence, uint64_t timestamp_ns,
                                               handle payload)
{
    static uint8_t content_type[] = "text/plain";
    return (struct output_element){
        .meta = {sequence, timestamp_ns, {content_type, sizeof(content_type) - 1}},
        .payload = payload,
    };
}

EXPORT_FUNC("lifecycle", "init") struct verdict_result *init(uint8_t *config, uint32_t length)
{
    if (!read_plan((struct bytes){config, length})) {
        return verdict_of(KIND_FATAL, 0);
    }
    return verdict_of(misbehave("init"), 0);
}

EXPORT_POST("lifecycle", "init") void init_return(struct verdict_result *returned)
{
    (void)returned;
    scratch_clear();
}

EXPORT_FUNC("lifecycle", "teardown") void teardown(void)
{
    misbehave("teardown");
}
