/* SPDX-License-Identifier: Apache-2.0 */
/* See files.wit. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

typedef wasi_filesystem_types_own_descriptor_t own_descriptor;
typedef wasi_filesystem_types_borrow_descriptor_t descriptor;
typedef wasi_filesystem_types_error_code_t error_code;

static const char *const code_names[] = {
    "access",
    "would-block",
    "already",
    "bad-descriptor",
    "busy",
    "deadlock",
    "quota",
    "exist",
    "file-too-large",
    "illegal-byte-sequence",
    "in-progress",
    "interrupted",
    "invalid",
    "io",
    "is-directory",
    "loop",
    "too-many-links",
    "message-size",
    "name-too-long",
    "no-device",
    "no-entry",
    "no-lock",
    "insufficient-memory",
    "insufficient-space",
    "not-directory",
    "not-empty",
    "not-recoverable",
    "unsupported",
    "no-tty",
    "no-such-device",
    "overflow",
    "not-permitted",
    "pipe",
    "read-only",
    "invalid-seek",
    "text-file-busy",
    "cross-device",
};

#define PREOPENS_MAX 8
#define KEPT_FILE    8
#define KEPT_DIR     9
static own_descriptor known[10];
static uint32_t preopen_count;
static bool started;

static void start(void)
{
    wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t list;
    wasi_filesystem_preopens_get_directories(&list);
    for (size_t i = 0; i < list.len && i < PREOPENS_MAX; i++) {
        known[i] = list.ptr[i].f0;
        preopen_count++;
    }
    started = true;
}

/* ---- answers ---- */

static void add(files_string_t *text, const void *bytes, size_t length)
{
    text->ptr = realloc(text->ptr, text->len + length + 1);
    memcpy(text->ptr + text->len, bytes, length);
    text->len += length;
}

static void add_text(files_string_t *text, const char *more)
{
    add(text, more, strlen(more));
}

static void add_number(files_string_t *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(text, digits + at, sizeof(digits) - at);
}

static bool ok(files_string_t *ret, bool done, error_code code)
{
    add_text(ret, done ? "ok" : "error: ");
    if (!done) {
        add_text(ret, code_names[code]);
    }
    return done;
}

static bool is(const files_string_t *text, const char *name)
{
    return text->len == strlen(name) && memcmp(text->ptr, name, text->len) == 0;
}

/* ---- operations ---- */

static void stream_error(files_string_t *ret, wasi_io_streams_stream_error_t *error)
{
    error_code code;
    if (error->tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED) {
        add_text(ret, " closed");
        return;
    }
    wasi_io_error_own_error_t own = error->val.last_operation_failed;
    add_text(ret, " failed: ");
    add_text(ret,
             wasi_filesystem_types_filesystem_error_code(wasi_io_error_borrow_error(own), &code)
                 ? code_names[code]
                 : "?");
    wasi_io_error_error_drop_own(own);
}

static void open_and(files_string_t *ret, files_string_t *op, descriptor dir, files_string_t *path)
{
    bool keep_dir = is(op, "open-dir");
    wasi_filesystem_types_open_flags_t how = keep_dir ? 2 : 0;
    wasi_filesystem_types_descriptor_flags_t flags = 1;
    if (is(op, "create") || is(op, "create-read")) {
        how = 1;
        flags = is(op, "create") ? 2 : 1;
    } else if (is(op, "create-new")) {
        how = 1 | 4;
        flags = 2;
    } else if (is(op, "truncate") || is(op, "truncate-read")) {
        how = 8;
        flags = is(op, "truncate") ? 2 : 1;
    } else if (is(op, "open-write")) {
        flags = 2;
    } else if (is(op, "open-both")) {
        flags = 3;
    } else if (is(op, "open-mutate")) {
        flags = 32;
        how = 2;
    } else if (is(op, "open-nothing")) {
        flags = 0;
    }
    own_descriptor made;
    error_code code = 0;
    if (!ok(ret,
            wasi_filesystem_types_method_descriptor_open_at(dir, is(op, "open-nofollow") ? 0 : 1,
                                                            path, how, flags, &made, &code),
            code)) {
        return;
    }
    uint32_t slot = keep_dir ? KEPT_DIR : KEPT_FILE;
    if (known[slot].__handle != 0) {
        wasi_filesystem_types_descriptor_drop_own(known[slot]);
    }
    known[slot] = made;
}

static void read_all(files_string_t *ret, descriptor file)
{
    files_tuple2_list_u8_bool_t got;
    error_code code = 0;
    if (ok(ret, wasi_filesystem_types_method_descriptor_read(file, 100, 0, &got, &code), code)) {
        add_text(ret, ": ");
        add(ret, got.f0.ptr, got.f0.len);
    }
}

static void read_stream(files_string_t *ret, descriptor file)
{
    wasi_filesystem_types_own_input_stream_t stream;
    error_code code = 0;
    if (!ok(ret, wasi_filesystem_types_method_descriptor_read_via_stream(file, 1, &stream, &code),
            code)) {
        return;
    }
    wasi_io_streams_stream_error_t error;
    files_list_u8_t bytes;
    for (;;) {
        if (!wasi_io_streams_method_input_stream_blocking_read(
                wasi_io_streams_borrow_input_stream(stream), 4, &bytes, &error)) {
            stream_error(ret, &error);
            break;
        }
        add_text(ret, " ");
        add(ret, bytes.ptr, bytes.len);
    }
    wasi_io_streams_input_stream_drop_own(stream);
}

static void write_stream(files_string_t *ret, descriptor file, files_string_t *text, bool append)
{
    wasi_filesystem_types_own_output_stream_t stream;
    error_code code = 0;
    bool made =
        append ? wasi_filesystem_types_method_descriptor_append_via_stream(file, &stream, &code)
               : wasi_filesystem_types_method_descriptor_write_via_stream(file, 2, &stream, &code);
    if (!ok(ret, made, code)) {
        return;
    }
    wasi_io_streams_stream_error_t error;
    files_list_u8_t bytes = {text->ptr, text->len};
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(stream), &bytes, &error)) {
        stream_error(ret, &error);
    }
    wasi_io_streams_output_stream_drop_own(stream);
}

static void list(files_string_t *ret, descriptor dir)
{
    wasi_filesystem_types_own_directory_entry_stream_t stream;
    error_code code = 0;
    if (!ok(ret, wasi_filesystem_types_method_descriptor_read_directory(dir, &stream, &code),
            code)) {
        return;
    }
    uint64_t count = 0;
    bool has;
    do {
        wasi_filesystem_types_option_directory_entry_t entry;
        if (!wasi_filesystem_types_method_directory_entry_stream_read_directory_entry(
                wasi_filesystem_types_borrow_directory_entry_stream(stream), &entry, &code)) {
            add_text(ret, " ");
            add_text(ret, code_names[code]);
            has = code == WASI_FILESYSTEM_TYPES_ERROR_CODE_ILLEGAL_BYTE_SEQUENCE;
            continue;
        }
        has = entry.is_some;
        count += has;
    } while (has);
    add_text(ret, ": ");
    add_number(ret, count);
    wasi_filesystem_types_directory_entry_stream_drop_own(stream);
}

static void show_stat(files_string_t *ret, const wasi_filesystem_types_descriptor_stat_t *stat)
{
    static const char *const types[] = {"unknown", "block", "character", "directory",
                                        "fifo",    "link",  "file",      "socket"};
    add_text(ret, ": ");
    add_text(ret, types[stat->type]);
    add_text(ret, " ");
    add_number(ret, stat->size);
    add_text(ret, " ");
    add_number(ret, stat->data_modification_timestamp.val.seconds);
}

static bool on_paths(files_string_t *ret, files_string_t *op, descriptor dir, files_string_t *path,
                     descriptor other_dir, files_string_t *other)
{
    error_code code = 0;
    bool done;
    wasi_filesystem_types_new_timestamp_t time = {
        .tag = WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_TIMESTAMP, .val.timestamp = {1000, 5}};
    if (is(op, "mkdir")) {
        done = wasi_filesystem_types_method_descriptor_create_directory_at(dir, path, &code);
    } else if (is(op, "rmdir")) {
        done = wasi_filesystem_types_method_descriptor_remove_directory_at(dir, path, &code);
    } else if (is(op, "unlink")) {
        done = wasi_filesystem_types_method_descriptor_unlink_file_at(dir, path, &code);
    } else if (is(op, "symlink")) { /* path is the link, other its target */
        done = wasi_filesystem_types_method_descriptor_symlink_at(dir, other, path, &code);
    } else if (is(op, "rename")) {
        done =
            wasi_filesystem_types_method_descriptor_rename_at(dir, path, other_dir, other, &code);
    } else if (is(op, "link")) {
        done =
            wasi_filesystem_types_method_descriptor_link_at(dir, 0, path, other_dir, other, &code);
    } else if (is(op, "times")) {
        done =
            wasi_filesystem_types_method_descriptor_set_times_at(dir, 1, path, &time, &time, &code);
    } else if (is(op, "bad-time")) {
        time.val.timestamp.nanoseconds = 1000000000u;
        done =
            wasi_filesystem_types_method_descriptor_set_times_at(dir, 1, path, &time, &time, &code);
    } else {
        return false;
    }
    ok(ret, done, code);
    return true;
}

static bool on_path_values(files_string_t *ret, files_string_t *op, descriptor dir,
                           files_string_t *path)
{
    error_code code = 0;
    wasi_filesystem_types_descriptor_stat_t stat;
    wasi_filesystem_types_metadata_hash_value_t a;
    wasi_filesystem_types_metadata_hash_value_t b;
    files_string_t target;
    if (is(op, "stat") || is(op, "lstat")) {
        if (ok(ret,
               wasi_filesystem_types_method_descriptor_stat_at(dir, is(op, "stat"), path, &stat,
                                                               &code),
               code)) {
            show_stat(ret, &stat);
        }
    } else if (is(op, "readlink")) {
        if (ok(ret, wasi_filesystem_types_method_descriptor_readlink_at(dir, path, &target, &code),
               code)) {
            add_text(ret, ": ");
            add(ret, target.ptr, target.len);
        }
    } else if (is(op, "hash")) { /* the same as that of the kept file? */
        if (ok(ret,
               wasi_filesystem_types_method_descriptor_metadata_hash_at(dir, 1, path, &a, &code) &&
                   wasi_filesystem_types_method_descriptor_metadata_hash(
                       wasi_filesystem_types_borrow_descriptor(known[KEPT_FILE]), &b, &code),
               code)) {
            add_text(ret, a.lower == b.lower && a.upper == b.upper ? ": same" : ": other");
        }
    } else {
        return false;
    }
    return true;
}

static void on_descriptor(files_string_t *ret, files_string_t *op, descriptor file,
                          descriptor other, files_string_t *text)
{
    error_code code = 0;
    wasi_filesystem_types_new_timestamp_t now = {.tag = WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_NOW};
    wasi_filesystem_types_new_timestamp_t keep = {
        .tag = WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_NO_CHANGE};
    uint64_t count = 0;
    wasi_filesystem_types_descriptor_flags_t flags;
    wasi_filesystem_types_descriptor_stat_t stat;
    files_list_u8_t bytes = {text->ptr, text->len};
    if (is(op, "read")) {
        read_all(ret, file);
    } else if (is(op, "read-stream")) {
        read_stream(ret, file);
    } else if (is(op, "write-stream")) {
        write_stream(ret, file, text, false);
    } else if (is(op, "append")) {
        write_stream(ret, file, text, true);
    } else if (is(op, "list")) {
        list(ret, file);
    } else if (is(op, "write")) {
        ok(ret, wasi_filesystem_types_method_descriptor_write(file, &bytes, 1, &count, &code),
           code);
    } else if (is(op, "set-size")) {
        ok(ret, wasi_filesystem_types_method_descriptor_set_size(file, 3, &code), code);
    } else if (is(op, "set-size-huge")) {
        ok(ret, wasi_filesystem_types_method_descriptor_set_size(file, UINT64_MAX, &code), code);
    } else if (is(op, "set-times")) {
        ok(ret, wasi_filesystem_types_method_descriptor_set_times(file, &keep, &now, &code), code);
    } else if (is(op, "sync")) {
        ok(ret,
           wasi_filesystem_types_method_descriptor_sync(file, &code) &&
               wasi_filesystem_types_method_descriptor_sync_data(file, &code),
           code);
    } else if (is(op, "advise")) {
        ok(ret, wasi_filesystem_types_method_descriptor_advise(file, 0, 10, 3, &code), code);
    } else if (is(op, "same")) {
        add_text(ret, wasi_filesystem_types_method_descriptor_is_same_object(file, other) ? "yes"
                                                                                          : "no");
    } else if (is(op, "flags")) {
        if (ok(ret, wasi_filesystem_types_method_descriptor_get_flags(file, &flags, &code), code)) {
            add_text(ret, ": ");
            add_number(ret, flags);
        }
    } else if (is(op, "self")) {
        if (ok(ret, wasi_filesystem_types_method_descriptor_stat(file, &stat, &code), code)) {
            show_stat(ret, &stat);
        }
    } else {
        add_text(ret, "unknown operation");
    }
}

void exports_files_run(files_string_t *op, uint32_t dir, files_string_t *path, uint32_t other_dir,
                       files_string_t *other, files_string_t *ret)
{
    *ret = (files_string_t){0};
    if (!started) {
        start();
    }
    if (is(op, "count")) {
        add_number(ret, preopen_count);
        return;
    }
    descriptor base = wasi_filesystem_types_borrow_descriptor(known[dir]);
    descriptor other_base = wasi_filesystem_types_borrow_descriptor(known[other_dir]);
    if (!on_paths(ret, op, base, path, other_base, other) && !on_path_values(ret, op, base, path)) {
        if (path->len > 0 && op->len >= 4 &&
            (memcmp(op->ptr, "open", 4) == 0 || memcmp(op->ptr, "crea", 4) == 0 ||
             memcmp(op->ptr, "trun", 4) == 0)) {
            open_and(ret, op, base, path);
        } else {
            on_descriptor(ret, op, base, other_base, other);
        }
    }
}

uint32_t exports_files_exhaust(files_string_t *path, uint32_t count)
{
    own_descriptor *made = calloc(count, sizeof(*made));
    error_code code;
    uint32_t used = 0;
    if (!started) {
        start();
    }
    while (used < count && wasi_filesystem_types_method_descriptor_open_at(
                               wasi_filesystem_types_borrow_descriptor(known[0]), 0, path, 0, 1,
                               &made[used], &code)) {
        used++;
    }
    for (uint32_t i = 0; i < used; i++) {
        wasi_filesystem_types_descriptor_drop_own(made[i]);
    }
    free(made);
    return used;
}
