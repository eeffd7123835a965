/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A component for every role that does what the element's payload says; as a source, what the next
 * line of its configuration says. "=TEXT" puts TEXT out (a filter accepts, a sink is ready),
 * "cTYPE" puts out with that content type, "-" puts nothing out (a processor drops, a filter
 * rejects, an aggregator absorbs, a sink says pause, a source ends). "gTEXT" is as "=TEXT", with
 * the result in memory that the call has just grown by. After '!' it misbehaves: e, f and d return
 * an error, a after it was refused a buffer, t traps, b keeps its borrows, x returns a result
 * outside of the memory, u an unaligned one, v one that is not valid, h a payload that is no
 * handle; p puts out and traps in post-return, w calls the host there; r puts out, and the next
 * call's realloc traps, o: it returns nonsense. push has no post-return.
 */
#include "streaming_abi.h"

#define FILTER(name)     "torvyn:filtering/filter@0.1.0#" name
#define AGGREGATOR(name) "torvyn:aggregation/aggregator@0.1.0#" name
#define CONFIG_MAX       4096
#define PAGE_BYTES       65536u

static struct output_result output;
static struct verdict_result verdict;
static uint8_t text[] = "the guest is worn out";
static uint8_t default_type[] = "text/plain";
static uint8_t after; /* what post-return does */

static uint8_t config[CONFIG_MAX];
static uint32_t config_length;
static uint32_t config_at;

static uint8_t letter(struct bytes command, uint32_t index)
{
    return index < command.length ? command.at[index] : 0;
}

/* What all entries have in common. True: an error, in *failed. */
static bool misbehave(struct bytes command, struct failure *failed)
{
    if (letter(command, 0) != '!') {
        return false;
    }
    struct buffer_result refused;
    switch (letter(command, 1)) {
    case 'a':
        allocate(UINT64_C(1) << 40, &refused);
        *failed = (struct failure){INTERNAL, {text, sizeof(text) - 1}};
        return true;
    case 'e':
        *failed = (struct failure){INVALID_INPUT, {text, sizeof(text) - 1}};
        return true;
    case 'f':
        *failed = (struct failure){FATAL, {text, sizeof(text) - 1}};
        return true;
    case 'd':
        *failed = (struct failure){DEADLINE_EXCEEDED, {0, 0}};
        return true;
    case 't':
        __builtin_trap();
    default:
        after = letter(command, 1);
        return false;
    }
}

static void put_out(struct bytes command, uint64_t sequence)
{
    struct bytes type = {default_type, sizeof(default_type) - 1};
    if (letter(command, 0) == 'c') {
        type = (struct bytes){command.at + 1, command.length - 1};
    }
    output.ok.element.meta = (struct element_meta){sequence, 0, type};
    if (!buffer_of(&command, &output.ok.element.payload)) {
        __builtin_trap();
    }
    if (after == 'h') {
        output.ok.element.payload = 4711;
    }
}

/* The end of memory that was not there before. */
static void *fresh(uint32_t size)
{
    uint8_t *page = (uint8_t *)((uint32_t)__builtin_wasm_memory_grow(0, 1) * PAGE_BYTES);
    return page + PAGE_BYTES - size;
}

/* Where the result is, or where a guest that misbehaves says that it is. */
static void *answer(void *result)
{
    return after == 'x'   ? (void *)(uintptr_t)0xfffffff0u
           : after == 'u' ? (uint8_t *)result + 2
                          : result;
}

/* `present` and `absent` are the cases of the result. */
static void *answer_output(struct bytes command, uint64_t sequence, uint8_t present)
{
    output = (struct output_result){0};
    output.is_error = misbehave(command, &output.error);
    if (!output.is_error) {
        bool puts = letter(command, 0) != '-';
        output.ok.tag = puts ? present : !present;
        if (puts) {
            put_out(command, sequence);
        }
    }
    if (after == 'v') {
        output.is_error = 2;
    }
    if (letter(command, 0) == 'g') {
        struct output_result *grown = fresh(sizeof(output));
        *grown = output;
        return grown;
    }
    return answer(&output);
}

static void *answer_verdict(struct bytes command, uint8_t good, uint8_t bad)
{
    verdict = (struct verdict_result){0};
    verdict.is_error = misbehave(command, &verdict.error);
    if (!verdict.is_error) {
        verdict.signal = letter(command, 0) == '-' ? bad : good;
    }
    if (after == 'v') {
        verdict.signal = 2;
    }
    if (letter(command, 0) == 'g') {
        struct verdict_result *grown = fresh(sizeof(verdict));
        *grown = verdict;
        return grown;
    }
    return answer(&verdict);
}

/* The last thing that a call does: room is free again, or what is left is what was asked for. */
static void finish(void)
{
    uint8_t how = after;
    after = 0;
    scratch_clear();
    if (how == 'p') {
        __builtin_trap();
    } else if (how == 'w') {
        struct buffer_result allocated;
        allocate(1, &allocated);
    } else if (how == 'r') {
        scratch.used = SCRATCH_BYTES;
    } else if (how == 'o') {
        scratch.used = 0x80000000u;
    }
}

static struct bytes take_in(handle payload, handle context)
{
    struct bytes command;
    buffer_read_all(payload, &command);
    if (letter(command, 0) != '!' || letter(command, 1) != 'b') {
        buffer_drop(payload);
        flow_context_drop(context);
    }
    return command;
}

#define ELEMENT                                                                                    \
    uint64_t sequence, uint64_t timestamp_ns, uint8_t *type, uint32_t type_length, handle payload, \
        handle context
#define UNUSED_META (void)timestamp_ns, (void)type, (void)type_length

EXPORT_FUNC("processor", "process") void *process(ELEMENT)
{
    UNUSED_META;
    return answer_output(take_in(payload, context), sequence, 0);
}

EXPORT(AGGREGATOR("ingest")) void *ingest(ELEMENT)
{
    UNUSED_META;
    return answer_output(take_in(payload, context), sequence, 1);
}

EXPORT(FILTER("evaluate")) void *evaluate(ELEMENT)
{
    UNUSED_META, (void)sequence;
    return answer_verdict(take_in(payload, context), 1, 0);
}

EXPORT_FUNC("sink", "push") void *push(ELEMENT)
{
    UNUSED_META, (void)sequence;
    void *result = answer_verdict(take_in(payload, context), 0, 1);
    finish();
    return result;
}

EXPORT_POST("processor", "process") void process_return(void *result)
{
    (void)result;
    finish();
}

EXPORT("cabi_post_" AGGREGATOR("ingest")) void ingest_return(void *result)
{
    (void)result;
    finish();
}

EXPORT("cabi_post_" FILTER("evaluate")) void evaluate_return(void *result)
{
    (void)result;
    finish();
}

/* ---- the source ---- */

static struct bytes next_line(void)
{
    struct bytes line = {config + config_at, 0};
    while (config_at < config_length && config[config_at] != '\n') {
        config_at++;
        line.length++;
    }
    config_at++;
    return line;
}

EXPORT_FUNC("source", "pull") void *pull(void)
{
    uint32_t at = config_at;
    return answer_output(next_line(), at, 1);
}

EXPORT_POST("source", "pull") void pull_return(void *result)
{
    (void)result;
    finish();
}

EXPORT_FUNC("source", "notify-backpressure") void notify_backpressure(int32_t signal)
{
    (void)signal;
}

/* ---- the rest ---- */

EXPORT(AGGREGATOR("flush")) void *flush(void)
{
    static struct {
        uint8_t is_error;
        void *at;
        uint32_t length;
        uint32_t unused;
    } nothing;
    return &nothing;
}

EXPORT_FUNC("sink", "complete") void *complete(void)
{
    verdict = (struct verdict_result){0};
    return &verdict;
}

EXPORT_FUNC("lifecycle", "init") void *init(uint8_t *at, uint32_t length)
{
    if (length > CONFIG_MAX) {
        __builtin_trap();
    }
    for (uint32_t i = 0; i < length; i++) {
        config[i] = at[i];
    }
    config_length = length;
    scratch_clear();
    verdict = (struct verdict_result){0};
    return &verdict;
}

EXPORT_FUNC("lifecycle", "teardown") void teardown(void)
{
}
