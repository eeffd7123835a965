/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A processor that does what the element says and emits what came of it; world transform:
 *
 *     read PATH         the file's first line
 *     write PATH        writes "written" there
 *     clock             "a time", if there is one
 *     env NAME          the variable's value
 *     error TEXT        a line on standard error, where \e, \n, \r and \b stand for those
 * characters errors N          N numbered lines on standard error error-length N    one line of N
 * times 'x' on standard error
 */
#include "transform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPLY_BYTES 256

static void read_file(const char *path, char reply[static REPLY_BYTES])
{
    FILE *file = fopen(path, "r");
    if (!file || !fgets(reply, REPLY_BYTES, file)) {
        snprintf(reply, REPLY_BYTES, "%s", file ? "empty" : strerror(errno));
    }
    reply[strcspn(reply, "\n")] = '\0';
    if (file) {
        fclose(file);
    }
}

static void write_file(const char *path, char reply[static REPLY_BYTES])
{
    FILE *file = fopen(path, "w");
    bool written = file && fputs("written\n", file) >= 0;
    if (file) {
        written &= fclose(file) == 0;
    }
    snprintf(reply, REPLY_BYTES, "%s", written ? "written" : strerror(errno));
}

static void read_variable(const char *name, char reply[static REPLY_BYTES])
{
    const char *value = getenv(name);
    snprintf(reply, REPLY_BYTES, "%s", value ? value : "not set");
}

static void read_clock(char reply[static REPLY_BYTES])
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(reply, REPLY_BYTES, "a time");
}

/* With stdio's buffer, so that the line is one write. */
static void print_line(FILE *file, const char *text)
{
    static const char names[] = "enrb";
    static const char characters[] = "\033\n\r\b";
    char line[REPLY_BYTES];
    size_t length = 0;
    for (; *text && length < sizeof(line) - 1; text++) {
        const char *name = *text == '\\' && text[1] ? strchr(names, text[1]) : NULL;
        line[length++] = name ? characters[name - names] : *text;
        text += name ? 1 : 0;
    }
    line[length++] = '\n';
    fwrite(line, 1, length, file);
    fflush(file);
}

static void print_errors(unsigned long count)
{
    for (unsigned long i = 1; i <= count; i++) {
        fprintf(stderr, "line %lu\n", i);
    }
}

static void print_long_error(unsigned long length)
{
    for (unsigned long i = 0; i < length; i++) {
        fputc('x', stderr);
    }
    fputc('\n', stderr);
}

static void obey(char *order, char reply[static REPLY_BYTES])
{
    static char error_buffer[65536];
    static bool buffered;
    if (!buffered) {
        setvbuf(stderr, error_buffer, _IOFBF, sizeof(error_buffer));
        buffered = true;
    }
    char *argument = strchr(order, ' ');
    if (argument) {
        *argument++ = '\0';
    } else {
        argument = order + strlen(order);
    }
    snprintf(reply, REPLY_BYTES, "done");
    if (strcmp(order, "read") == 0) {
        read_file(argument, reply);
    } else if (strcmp(order, "write") == 0) {
        write_file(argument, reply);
    } else if (strcmp(order, "env") == 0) {
        read_variable(argument, reply);
    } else if (strcmp(order, "clock") == 0) {
        read_clock(reply);
    } else if (strcmp(order, "error") == 0) {
        print_line(stderr, argument);
    } else if (strcmp(order, "print") == 0) {
        print_line(stdout, argument);
    } else if (strcmp(order, "errors") == 0) {
        print_errors(strtoul(argument, NULL, 10));
    } else if (strcmp(order, "error-length") == 0) {
        print_long_error(strtoul(argument, NULL, 10));
    } else {
        snprintf(reply, REPLY_BYTES, "unknown order '%s'", order);
    }
    fflush(stderr);
}

bool exports_torvyn_streaming_processor_process(
    exports_torvyn_streaming_processor_stream_element_t *input,
    exports_torvyn_streaming_processor_process_result_t *ret,
    exports_torvyn_streaming_processor_process_error_t *err)
{
    (void)err;
    transform_list_u8_t order;
    torvyn_streaming_types_method_buffer_read_all(input->payload, &order);
    char text[1024];
    snprintf(text, sizeof(text), "%.*s", (int)order.len, (const char *)order.ptr);
    transform_list_u8_free(&order);
    char reply[REPLY_BYTES];
    obey(text, reply);

    torvyn_streaming_buffer_allocator_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    transform_list_u8_t bytes = {(uint8_t *)reply, strlen(reply)};
    if (!torvyn_streaming_buffer_allocator_allocate(bytes.len, &buffer, &error)) {
        abort();
    }
    torvyn_streaming_types_borrow_mutable_buffer_t writable =
        torvyn_streaming_types_borrow_mutable_buffer(buffer);
    if (!torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error)) {
        abort();
    }
    ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_EMIT;
    ret->val.emit.meta = input->meta;
    ret->val.emit.payload = torvyn_streaming_types_method_mutable_buffer_freeze(writable);
    torvyn_streaming_types_mutable_buffer_drop_own(buffer);
    return true;
}
