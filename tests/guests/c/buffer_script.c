/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A processor that makes its output as the payload says: a letter and a number N.
 *   a  appends N bytes of the pattern to a buffer made for them
 *   c  clones the payload and appends N bytes of the pattern
 *   g  the same as a, with the bytes and every result in memory that it grew by a moment ago
 *   s  appends N bytes one by one
 *   w  writes the pattern's N bytes, then the first half of them again
 *   o  appends N bytes beyond the end of its memory
 *   p  allocates with a return pointer beyond the end of its memory
 *   u  the same with a misaligned one
 *   m  makes N mutable buffers and drops none
 *   f  makes one and freezes it N times
 *   e  appends N bytes to a buffer made for none; its output is the buffer-error's number
 * Byte i of the pattern is i % 251.
 */
#include "streaming_abi.h"

#define PAGE_BYTES    65536
#define PATTERN_BYTES (8 * PAGE_BYTES)
#define NOWHERE       0xfffffff0u

IMPORT("types", "[method]mutable-buffer.write")
void mutable_buffer_write(handle self, uint64_t offset, const uint8_t *at, uint32_t length,
                          struct buffer_result *out);

static struct output_result result;
static uint8_t pattern[PATTERN_BYTES];
static uint8_t content_type[] = "application/octet-stream";

static void fill(uint8_t *at, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        at[i] = (uint8_t)(i % 251);
    }
}

static void check(const struct buffer_result *done)
{
    if (done->is_error) {
        __builtin_trap();
    }
}

static handle make(uint64_t capacity)
{
    struct buffer_result made;
    allocate(capacity, &made);
    check(&made);
    return made.buffer;
}

static void append(handle buffer, const uint8_t *at, uint32_t length)
{
    struct buffer_result appended;
    mutable_buffer_append(buffer, at, length, &appended);
    check(&appended);
}

static handle grown(uint32_t length)
{
    uint32_t pages = (length + 2 * sizeof(struct buffer_result)) / PAGE_BYTES + 1;
    uint8_t *fresh = (uint8_t *)((uint32_t)__builtin_wasm_memory_grow(0, (int)pages) * PAGE_BYTES);
    struct buffer_result *made = (struct buffer_result *)(fresh + pages * PAGE_BYTES) - 1;
    struct buffer_result *appended = made - 1;
    fill(fresh, length);
    allocate(length, made);
    check(made);
    mutable_buffer_append(made->buffer, fresh, length, appended);
    check(appended);
    return made->buffer;
}

static handle written(uint32_t length)
{
    struct buffer_result done;
    handle buffer = make(length);
    mutable_buffer_write(buffer, 0, pattern, length, &done);
    check(&done);
    mutable_buffer_write(buffer, 0, pattern, length / 2, &done);
    check(&done);
    return buffer;
}

static handle refused(uint32_t length)
{
    struct buffer_result appended;
    handle buffer = make(0);
    mutable_buffer_append(buffer, pattern, length, &appended);
    if (appended.is_error) {
        append(buffer, &appended.error.reason, 1);
    }
    return buffer;
}

static handle cloned(handle payload, uint32_t length)
{
    struct buffer_result made;
    clone_into_mutable(payload, &made);
    check(&made);
    append(made.buffer, pattern, length);
    return made.buffer;
}

static handle appended_one_by_one(uint32_t length)
{
    handle buffer = make(length);
    for (uint32_t i = 0; i < length; i++) {
        append(buffer, pattern + i, 1);
    }
    return buffer;
}

static handle misuse(uint8_t kind, uint32_t number)
{
    handle buffer = make(0);
    switch (kind) {
    case 'o':
        append(buffer, (const uint8_t *)NOWHERE, number);
        break;
    case 'p':
        allocate(0, (struct buffer_result *)NOWHERE);
        break;
    case 'u':
        allocate(0, (struct buffer_result *)((uint8_t *)&result + 1));
        break;
    case 'm':
        while (number-- > 0) {
            make(0);
        }
        break;
    case 'f':
        while (number-- > 0) {
            mutable_buffer_freeze(buffer);
        }
        break;
    default:
        __builtin_trap();
    }
    return buffer;
}

static handle output_of(uint8_t kind, uint32_t number, handle payload)
{
    handle buffer;
    switch (kind) {
    case 'a':
        buffer = make(number);
        append(buffer, pattern, number);
        return buffer;
    case 'c':
        return cloned(payload, number);
    case 'g':
        return grown(number);
    case 's':
        return appended_one_by_one(number);
    case 'w':
        return written(number);
    case 'e':
        return refused(number);
    default:
        return misuse(kind, number);
    }
}

EXPORT_FUNC("processor", "process")
struct output_result *process(uint64_t sequence, uint64_t timestamp_ns, uint8_t *type,
                              uint32_t type_length, handle payload, handle context)
{
    (void)type, (void)type_length;
    struct bytes command;
    buffer_read_all(payload, &command);
    uint32_t number = 0;
    for (uint32_t i = 1; i < command.length && command.at[i] != ' '; i++) {
        number = number * 10 + (command.at[i] - '0');
    }
    if (command.length == 0 || number > PATTERN_BYTES) {
        __builtin_trap();
    }
    fill(pattern, number);
    handle made = output_of(command.at[0], number, payload);
    result.is_error = 0;
    result.ok.tag = 0;
    result.ok.element = (struct output_element){
        .meta = {sequence, timestamp_ns, {content_type, sizeof(content_type) - 1}},
        .payload = mutable_buffer_freeze(made),
    };
    mutable_buffer_drop(made);
    buffer_drop(payload);
    flow_context_drop(context);
    return &result;
}

EXPORT_POST("processor", "process") void process_return(struct output_result *returned)
{
    (void)returned;
    scratch_clear();
}
