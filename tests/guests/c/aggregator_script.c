/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An aggregator that does what the payload says. "=TEXT" returns TEXT at once, "#N" makes flush
 * return N elements with the payloads "0", "1" …, any other payload is absorbed. After '!' it
 * misbehaves: t traps, e returns an error; "!f" and a letter is for flush: t, e, m, o and n as in
 * router_script.c, h the second element's payload is no handle, k 100000 elements without payload.
 */
#include "streaming_abi.h"

#define INGEST  "torvyn:aggregation/aggregator@0.1.0#ingest"
#define FLUSH   "torvyn:aggregation/aggregator@0.1.0#flush"
#define FLUSHED 2000
#define MANY    100000

static struct output_result result;
static struct {
    uint8_t is_error;
    union {
        struct {
            struct output_element *at;
            uint32_t length;
        } ok;
        struct failure error;
    };
} flushed;
_Static_assert(sizeof(flushed) == 16, "as lowered");

static struct output_element elements[MANY];
static uint32_t flush_count;
static uint8_t flush_fault;
static uint8_t text[] = "the aggregator is worn out";
static uint8_t content_type[] = "text/plain";

static uint32_t number_of(struct bytes digits)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < digits.length; i++) {
        number = number * 10 + (digits.at[i] - '0');
    }
    return number;
}

static void absorb(struct bytes command)
{
    if (command.length > 1 && command.at[0] == '#') {
        flush_count = number_of((struct bytes){command.at + 1, command.length - 1});
        if (flush_count > FLUSHED) {
            __builtin_trap();
        }
    } else if (command.length > 2 && command.at[0] == '!' && command.at[1] == 'f') {
        flush_fault = command.at[2];
    } else if (command.length > 1 && command.at[0] == '!' && command.at[1] == 'e') {
        result.is_error = 1;
        result.error = (struct failure){INVALID_INPUT, {text, sizeof(text) - 1}};
    } else if (command.length > 0 && command.at[0] == '!') {
        __builtin_trap();
    }
}

EXPORT(INGEST)
void *ingest(uint64_t sequence, uint64_t timestamp_ns, uint8_t *type, uint32_t type_length,
             handle payload, handle context)
{
    (void)type, (void)type_length;
    struct bytes command;
    buffer_read_all(payload, &command);
    result = (struct output_result){0};
    if (command.length > 0 && command.at[0] == '=') {
        struct bytes content = {command.at + 1, command.length - 1};
        result.ok.tag = 1;
        result.ok.element.meta =
            (struct element_meta){sequence, timestamp_ns, {content_type, sizeof(content_type) - 1}};
        if (!buffer_of(&content, &result.ok.element.payload)) {
            __builtin_trap();
        }
    } else {
        absorb(command);
    }
    buffer_drop(payload);
    flow_context_drop(context);
    return &result;
}

EXPORT("cabi_post_" INGEST) void ingest_return(void *returned)
{
    (void)returned;
    scratch_clear();
}

static struct bytes decimal(uint32_t number)
{
    static uint8_t digits[10];
    uint32_t at = sizeof(digits);
    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return (struct bytes){digits + at, (uint32_t)sizeof(digits) - at};
}

static void fill(void)
{
    for (uint32_t i = 0; i < flush_count; i++) {
        struct bytes content = decimal(i);
        elements[i].meta = (struct element_meta){0, 0, {content_type, sizeof(content_type) - 1}};
        if (!buffer_of(&content, &elements[i].payload)) {
            __builtin_trap();
        }
    }
    flushed.is_error = 0;
    flushed.ok.at = elements;
    flushed.ok.length = flush_count;
}

EXPORT(FLUSH) void *flush(void)
{
    fill();
    switch (flush_fault) {
    case 0:
        break;
    case 'e':
        flushed.is_error = 1;
        flushed.error = (struct failure){INTERNAL, {text, sizeof(text) - 1}};
        break;
    case 'm':
        flushed.ok.at = (struct output_element *)(uintptr_t)4;
        break;
    case 'o':
        flushed.ok.at = (struct output_element *)(uintptr_t)0xfffffff0u;
        break;
    case 'n':
        flushed.ok.length = UINT32_MAX;
        break;
    case 'h':
        elements[1].payload = 4711;
        break;
    case 'k':
        flushed.ok.length = MANY;
        break;
    default:
        __builtin_trap();
    }
    return &flushed;
}

EXPORT("cabi_post_" FLUSH) void flush_return(void *returned)
{
    (void)returned;
    for (uint32_t i = 0; i < flush_count; i++) {
        elements[i] = (struct output_element){0}; /* who still reads the list sees it */
    }
    scratch_clear();
}
