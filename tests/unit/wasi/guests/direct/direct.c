/* SPDX-License-Identifier: Apache-2.0 */
/* See direct.wit. Uses nothing of the C library that needs the outside, so that no adapter is
 * linked in. */
#include "direct.h"

#include <stdlib.h>
#include <string.h>

typedef wasi_io_streams_stream_error_t stream_error;

/* ---- text ---- */

static void reply_bytes(direct_string_t *ret, const void *bytes, size_t length)
{
    ret->ptr = malloc(length > 0 ? length : 1);
    if (length > 0) {
        memcpy(ret->ptr, bytes, length);
    }
    ret->len = length;
}

static void reply(direct_string_t *ret, const char *text)
{
    reply_bytes(ret, text, strlen(text));
}

static void add_bytes(direct_string_t *text, const void *bytes, size_t length)
{
    text->ptr = realloc(text->ptr, text->len + length + 1);
    memcpy(text->ptr + text->len, bytes, length);
    text->len += length;
}

static void add(direct_string_t *text, const char *more)
{
    add_bytes(text, more, strlen(more));
}

static void add_number(direct_string_t *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add_bytes(text, digits + at, sizeof(digits) - at);
}

static void reply_error(direct_string_t *ret, stream_error *error)
{
    if (error->tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED) {
        reply(ret, "closed");
        return;
    }
    direct_string_t text;
    wasi_io_error_own_error_t own = error->val.last_operation_failed;
    wasi_io_error_method_error_to_debug_string(wasi_io_error_borrow_error(own), &text);
    wasi_filesystem_types_error_code_t code;
    ret->ptr = NULL;
    ret->len = 0;
    add(ret, wasi_filesystem_types_filesystem_error_code(wasi_io_error_borrow_error(own), &code)
                 ? "file: "
                 : "failed: ");
    add_bytes(ret, text.ptr, text.len);
    wasi_io_error_error_drop_own(own);
}

static void reply_outcome(direct_string_t *ret, bool ok, stream_error *error)
{
    if (ok) {
        reply(ret, "ok");
    } else {
        reply_error(ret, error);
    }
}

/* ---- output ---- */

static bool write_all(wasi_io_streams_borrow_output_stream_t out, const direct_string_t *text,
                      stream_error *error)
{
    size_t done = 0;
    while (done < text->len) {
        uint64_t permit;
        if (!wasi_io_streams_method_output_stream_check_write(out, &permit, error)) {
            return false;
        }
        size_t piece = text->len - done < permit ? text->len - done : (size_t)permit;
        direct_list_u8_t list = {text->ptr + done, piece};
        if (!wasi_io_streams_method_output_stream_write(out, &list, error)) {
            return false;
        }
        done += piece;
    }
    return wasi_io_streams_method_output_stream_flush(out, error);
}

void exports_direct_write(direct_string_t *text, direct_string_t *ret)
{
    stream_error error;
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    bool ok = write_all(wasi_io_streams_borrow_output_stream(out), text, &error);
    reply_outcome(ret, ok, &error);
    wasi_io_streams_output_stream_drop_own(out);
}

void exports_direct_blocking_write(direct_string_t *text, bool to_stderr, direct_string_t *ret)
{
    stream_error error;
    wasi_io_streams_own_output_stream_t out =
        to_stderr ? wasi_cli_stderr_get_stderr() : wasi_cli_stdout_get_stdout();
    wasi_io_streams_borrow_output_stream_t borrow = wasi_io_streams_borrow_output_stream(out);
    direct_list_u8_t list = {text->ptr, text->len};
    bool ok =
        wasi_io_streams_method_output_stream_blocking_write_and_flush(borrow, &list, &error) &&
        wasi_io_streams_method_output_stream_blocking_flush(borrow, &error);
    reply_outcome(ret, ok, &error);
    wasi_io_streams_output_stream_drop_own(out);
}

void exports_direct_write_zeroes(uint32_t count, direct_string_t *ret)
{
    stream_error error;
    uint64_t permit;
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    wasi_io_streams_borrow_output_stream_t borrow = wasi_io_streams_borrow_output_stream(out);
    bool ok =
        wasi_io_streams_method_output_stream_check_write(borrow, &permit, &error) &&
        wasi_io_streams_method_output_stream_write_zeroes(borrow, count, &error) &&
        wasi_io_streams_method_output_stream_blocking_write_zeroes_and_flush(borrow, 1, &error);
    reply_outcome(ret, ok, &error);
    wasi_io_streams_output_stream_drop_own(out);
}

void exports_direct_write_unpermitted(uint32_t count, bool check_first, direct_string_t *ret)
{
    stream_error error;
    uint64_t permit;
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    wasi_io_streams_borrow_output_stream_t borrow = wasi_io_streams_borrow_output_stream(out);
    direct_list_u8_t list = {calloc(count, 1), count};
    bool ok = (!check_first ||
               wasi_io_streams_method_output_stream_check_write(borrow, &permit, &error)) &&
              wasi_io_streams_method_output_stream_write(borrow, &list, &error);
    reply_outcome(ret, ok, &error);
    wasi_io_streams_output_stream_drop_own(out);
}

void exports_direct_blocking_write_large(uint32_t count, direct_string_t *ret)
{
    direct_string_t text = {calloc(count, 1), count};
    exports_direct_blocking_write(&text, false, ret);
}

void exports_direct_write_many(uint32_t times, direct_string_t *ret)
{
    static uint8_t line[] = "a line of a component\n";
    stream_error error;
    bool ok = true;
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    for (uint32_t i = 0; i < times && ok; i++) {
        direct_string_t text = {line, sizeof(line) - 1};
        direct_list_u8_t list = {line, sizeof(line) - 1};
        wasi_io_streams_borrow_output_stream_t borrow = wasi_io_streams_borrow_output_stream(out);
        wasi_io_streams_own_pollable_t pollable =
            wasi_io_streams_method_output_stream_subscribe(borrow);
        wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
        wasi_io_poll_pollable_drop_own(pollable);
        ok = write_all(borrow, &text, &error) &&
             wasi_io_streams_method_output_stream_blocking_write_and_flush(borrow, &list, &error);
    }
    reply_outcome(ret, ok, &error);
    wasi_io_streams_output_stream_drop_own(out);
}

bool exports_direct_output_is_ready(void)
{
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    wasi_io_streams_own_pollable_t pollable =
        wasi_io_streams_method_output_stream_subscribe(wasi_io_streams_borrow_output_stream(out));
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
    bool ready = wasi_io_poll_method_pollable_ready(wasi_io_poll_borrow_pollable(pollable));
    wasi_io_poll_pollable_drop_own(pollable);
    wasi_io_streams_output_stream_drop_own(out);
    return ready;
}

/* ---- input ---- */

void exports_direct_read(uint64_t count, bool blocking, direct_string_t *ret)
{
    stream_error error;
    direct_list_u8_t bytes;
    wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
    wasi_io_streams_borrow_input_stream_t borrow = wasi_io_streams_borrow_input_stream(in);
    bool ok = blocking
                  ? wasi_io_streams_method_input_stream_blocking_read(borrow, count, &bytes, &error)
                  : wasi_io_streams_method_input_stream_read(borrow, count, &bytes, &error);
    if (ok) {
        reply_bytes(ret, bytes.ptr, bytes.len);
        direct_list_u8_free(&bytes);
    } else {
        reply_error(ret, &error);
    }
    wasi_io_streams_input_stream_drop_own(in);
}

static void reply_count(direct_string_t *ret, bool ok, uint64_t count, stream_error *error)
{
    if (!ok) {
        reply_error(ret, error);
        return;
    }
    ret->ptr = NULL;
    ret->len = 0;
    add_number(ret, count);
}

void exports_direct_skip(uint64_t count, direct_string_t *ret)
{
    stream_error error;
    uint64_t skipped = 0;
    wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
    bool ok = wasi_io_streams_method_input_stream_blocking_skip(
        wasi_io_streams_borrow_input_stream(in), count, &skipped, &error);
    reply_count(ret, ok, skipped, &error);
    wasi_io_streams_input_stream_drop_own(in);
}

void exports_direct_splice(uint64_t count, bool blocking, direct_string_t *ret)
{
    stream_error error;
    uint64_t moved = 0;
    wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    wasi_io_streams_borrow_input_stream_t from = wasi_io_streams_borrow_input_stream(in);
    wasi_io_streams_borrow_output_stream_t to = wasi_io_streams_borrow_output_stream(out);
    bool ok =
        blocking
            ? wasi_io_streams_method_output_stream_blocking_splice(to, from, count, &moved, &error)
            : wasi_io_streams_method_output_stream_splice(to, from, count, &moved, &error);
    reply_count(ret, ok, moved, &error);
    wasi_io_streams_output_stream_drop_own(out);
    wasi_io_streams_input_stream_drop_own(in);
}

/* ---- poll ---- */

uint64_t exports_direct_sleep(uint64_t ns)
{
    uint64_t start = wasi_clocks_monotonic_clock_now();
    wasi_io_streams_own_pollable_t timer =
        wasi_clocks_monotonic_clock_subscribe_instant(start + ns);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(timer));
    wasi_io_poll_pollable_drop_own(timer);
    return wasi_clocks_monotonic_clock_now() - start;
}

void exports_direct_poll_timers(direct_list_u64_t *ns, bool with_stdin, direct_string_t *ret)
{
    wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
    size_t count = ns->len + with_stdin;
    wasi_io_poll_own_pollable_t *own = calloc(count + 1, sizeof(*own));
    wasi_io_poll_borrow_pollable_t *borrows = calloc(count + 1, sizeof(*borrows));
    size_t used = 0;
    if (with_stdin) {
        own[used++] =
            wasi_io_streams_method_input_stream_subscribe(wasi_io_streams_borrow_input_stream(in));
    }
    for (size_t i = 0; i < ns->len; i++) {
        own[used++] = wasi_clocks_monotonic_clock_subscribe_duration(ns->ptr[i]);
    }
    for (size_t i = 0; i < count; i++) {
        borrows[i] = wasi_io_poll_borrow_pollable(own[i]);
    }
    wasi_io_poll_list_borrow_pollable_t list = {borrows, count};
    direct_list_u32_t ready;
    wasi_io_poll_poll(&list, &ready);
    ret->ptr = NULL;
    ret->len = 0;
    for (size_t i = 0; i < ready.len; i++) {
        add(ret, i > 0 ? " " : "");
        add_number(ret, ready.ptr[i]);
    }
    for (size_t i = 0; i < count; i++) {
        wasi_io_poll_pollable_drop_own(own[i]);
    }
    wasi_io_streams_input_stream_drop_own(in);
}

bool exports_direct_drop_stream_first(void)
{
    wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
    wasi_io_streams_own_pollable_t pollable =
        wasi_io_streams_method_input_stream_subscribe(wasi_io_streams_borrow_input_stream(in));
    wasi_io_streams_input_stream_drop_own(in);
    bool ready = wasi_io_poll_method_pollable_ready(wasi_io_poll_borrow_pollable(pollable));
    wasi_io_poll_pollable_drop_own(pollable);
    return ready;
}

void exports_direct_many_pollables(uint32_t count)
{
    wasi_io_poll_own_pollable_t *own = calloc(count, sizeof(*own));
    for (uint32_t i = 0; i < count; i++) {
        own[i] = wasi_clocks_monotonic_clock_subscribe_duration(UINT64_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        wasi_io_poll_pollable_drop_own(own[i]);
    }
    free(own);
}

void exports_direct_bad_handle(void)
{
    wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
    wasi_io_poll_method_pollable_ready((wasi_io_poll_borrow_pollable_t){in.__handle});
}

void exports_direct_bad_pointer(void)
{
    stream_error error;
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    direct_list_u8_t list = {(uint8_t *)(uintptr_t)0xfffffff0u, 64};
    wasi_io_streams_method_output_stream_blocking_write_and_flush(
        wasi_io_streams_borrow_output_stream(out), &list, &error);
}

/* ---- clocks, random ---- */

uint64_t exports_direct_monotonic(void)
{
    return wasi_clocks_monotonic_clock_now();
}

uint64_t exports_direct_wall(void)
{
    wasi_clocks_wall_clock_datetime_t now;
    wasi_clocks_wall_clock_now(&now);
    return now.seconds * 1000000000u + now.nanoseconds;
}

uint64_t exports_direct_resolutions(void)
{
    wasi_clocks_wall_clock_datetime_t wall;
    wasi_clocks_wall_clock_resolution(&wall);
    return wasi_clocks_monotonic_clock_resolution() + wall.seconds + wall.nanoseconds;
}

void exports_direct_timezone(direct_string_t *ret)
{
    wasi_clocks_timezone_datetime_t when = {0};
    wasi_clocks_timezone_timezone_display_t display;
    wasi_clocks_timezone_display(&when, &display);
    ret->ptr = NULL;
    ret->len = 0;
    add_bytes(ret, display.name.ptr, display.name.len);
    add_number(ret, (uint64_t)(display.utc_offset + wasi_clocks_timezone_utc_offset(&when)));
    add(ret, display.in_daylight_saving_time ? "!" : "");
}

void exports_direct_random(uint64_t count, direct_list_u8_t *ret)
{
    wasi_random_random_get_random_bytes(count, ret);
}

uint64_t exports_direct_random_number(void)
{
    return wasi_random_random_get_random_u64();
}

uint64_t exports_direct_insecure_number(void)
{
    return wasi_random_insecure_get_insecure_random_u64();
}

uint64_t exports_direct_seed(void)
{
    direct_tuple2_u64_u64_t seed;
    wasi_random_insecure_seed_insecure_seed(&seed);
    return seed.f0 ^ seed.f1;
}

/* ---- cli ---- */

void exports_direct_environment(direct_string_t *ret)
{
    direct_list_tuple2_string_string_t variables;
    direct_list_string_t arguments;
    direct_string_t cwd;
    ret->ptr = NULL;
    ret->len = 0;
    wasi_cli_environment_get_environment(&variables);
    for (size_t i = 0; i < variables.len; i++) {
        add_bytes(ret, variables.ptr[i].f0.ptr, variables.ptr[i].f0.len);
        add(ret, "=");
        add_bytes(ret, variables.ptr[i].f1.ptr, variables.ptr[i].f1.len);
        add(ret, "\n");
    }
    wasi_cli_environment_get_arguments(&arguments);
    for (size_t i = 0; i < arguments.len; i++) {
        add(ret, ">");
        add_bytes(ret, arguments.ptr[i].ptr, arguments.ptr[i].len);
    }
    add(ret, wasi_cli_environment_initial_cwd(&cwd) ? "cwd" : "");
}

bool exports_direct_is_terminal(void)
{
    wasi_cli_terminal_stdout_own_terminal_output_t terminal;
    return wasi_cli_terminal_stdout_get_terminal_stdout(&terminal);
}

void exports_direct_leave(uint8_t code, bool plain)
{
    if (plain) {
        wasi_cli_exit_result_void_void_t status = {.is_err = code != 0};
        wasi_cli_exit_exit(&status);
    } else {
        wasi_cli_exit_exit_with_code(code);
    }
}

/* ---- what is denied ---- */

uint32_t exports_direct_directories(void)
{
    wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t list;
    wasi_filesystem_preopens_get_directories(&list);
    return (uint32_t)list.len;
}

uint32_t exports_direct_network(direct_string_t *what)
{
    wasi_sockets_network_error_code_t code = 255;
    if (what->len == 3 && what->ptr[0] == 't') {
        wasi_sockets_tcp_create_socket_own_tcp_socket_t tcp;
        wasi_sockets_tcp_create_socket_create_tcp_socket(0, &tcp, &code);
    } else if (what->len == 3) {
        wasi_sockets_udp_create_socket_own_udp_socket_t udp;
        wasi_sockets_udp_create_socket_create_udp_socket(1, &udp, &code);
    } else {
        wasi_sockets_ip_name_lookup_own_resolve_address_stream_t found;
        wasi_sockets_instance_network_own_network_t network =
            wasi_sockets_instance_network_instance_network();
        direct_string_t name = {(uint8_t *)"example.org", 11};
        wasi_sockets_ip_name_lookup_resolve_addresses(wasi_sockets_network_borrow_network(network),
                                                      &name, &found, &code);
        wasi_sockets_network_network_drop_own(network);
    }
    return code;
}
