/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:filesystem: the ABI over file_internal.h and beneath_internal.h.
 *
 * Which right a method asks for: content, listings and link targets to read; every change, times
 * and links included, to write, on both sides; names, types, sizes and hashes either one. Without
 * the right to write the answer is read-only, without the right to read access, and not-permitted
 * for a path that leads out of its descriptor or to what is no file or directory.
 */
#include "base/num.h"
#include "base/utf8.h"
#include "wasi/call_internal.h"
#include "wasi/file_internal.h"
#include "wasi/filesystem_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one descriptor.write takes: the rest is the guest's to offer again. */
#define WRITE_MAX ((size_t)1 << 20)

#define METHOD(name) TVN_WASI_METHOD(name, tvn_wasi_filesystem_code)

static struct tvn_wasi_file *self_of(const struct tvn_wasi_call *call)
{
    return tvn_wasi_call_object(call, 0);
}

static int system_error(int result)
{
    return result == 0 ? 0 : errno;
}

/* A position as the kernel has them. */
static int offset_of(const struct tvn_value *value, off_t *out_offset)
{
    if (value->of.u > INT64_MAX) {
        return EINVAL;
    }
    *out_offset = (off_t)value->of.u;
    return 0;
}

/* ---- what a descriptor was opened for ---- */

static int need_file(const struct tvn_wasi_file *file, enum tvn_wasi_file_flags flag)
{
    if (file->is_directory) {
        return EISDIR;
    }
    return file->flags & flag ? 0 : EBADF;
}

static int need_readable(const struct tvn_wasi_file *file)
{
    int error = tvn_wasi_file_may_read(file);
    return error ? error : need_file(file, TVN_WASI_FILE_READ);
}

static int need_writable(const struct tvn_wasi_file *file)
{
    int error = tvn_wasi_file_may_write(file);
    return error ? error : need_file(file, TVN_WASI_FILE_WRITE);
}

/* ---- content ---- */

static int return_stream(struct tvn_wasi_call *call, enum tvn_wasi_resource resource,
                         const struct tvn_byte_stream *stream)
{
    if (!stream) {
        return ENOMEM;
    }
    tvn_wasi_call_return_own(call, resource, stream);
    return 0;
}

METHOD(read_via_stream)
{
    off_t offset = 0;
    int error = need_readable(self_of(call));
    error = error ? error : offset_of(&call->args[1], &offset);
    return error ? error
                 : return_stream(call, TVN_WASI_INPUT_STREAM,
                                 tvn_wasi_file_reader(self_of(call), offset));
}

METHOD(write_via_stream)
{
    off_t offset = 0;
    int error = need_writable(self_of(call));
    error = error ? error : offset_of(&call->args[1], &offset);
    return error ? error
                 : return_stream(call, TVN_WASI_OUTPUT_STREAM,
                                 tvn_wasi_file_writer(self_of(call), offset));
}

METHOD(append_via_stream)
{
    int error = need_writable(self_of(call));
    return error ? error
                 : return_stream(call, TVN_WASI_OUTPUT_STREAM,
                                 tvn_wasi_file_writer(self_of(call), -1));
}

METHOD(read_at)
{
    off_t offset = 0;
    int error = need_readable(self_of(call));
    error = error ? error : offset_of(&call->args[2], &offset);
    if (error) {
        return error;
    }
    size_t capacity = (size_t)tvn_min(call->args[1].of.u, (uint64_t)TVN_WASI_CHUNK_MAX);
    char *bytes = tvn_arena_alloc(call->arena, capacity > 0 ? capacity : 1);
    struct tvn_value pair;
    if (!bytes || !tvn_wasi_items(call->arena, 2, &pair)) {
        return ENOMEM;
    }
    ssize_t got;
    tvn_blocking_enter(call->wasi->blocking);
    do {
        got = pread(self_of(call)->fd, bytes, capacity, offset);
    } while (got < 0 && errno == EINTR);
    tvn_blocking_leave(call->wasi->blocking);
    if (got < 0) {
        return errno;
    }
    pair.of.list.items[0] = tvn_wasi_bytes(bytes, (size_t)got);
    pair.of.list.items[1].of.boolean = got == 0 && capacity > 0;
    tvn_wasi_call_return(call, pair);
    return 0;
}

METHOD(write_at)
{
    off_t offset = 0;
    int error = need_writable(self_of(call));
    error = error ? error : offset_of(&call->args[2], &offset);
    if (error) {
        return error;
    }
    struct tvn_str bytes = call->args[1].of.bytes;
    ssize_t done;
    tvn_blocking_enter(call->wasi->blocking);
    do {
        done = pwrite(self_of(call)->fd, bytes.ptr, tvn_min(bytes.len, WRITE_MAX), offset);
    } while (done < 0 && errno == EINTR);
    tvn_blocking_leave(call->wasi->blocking);
    if (done < 0) {
        return errno;
    }
    tvn_wasi_call_return(call, tvn_wasi_u64((uint64_t)done));
    return 0;
}

METHOD(set_size)
{
    off_t size = 0;
    int error = need_writable(self_of(call));
    error = error ? error : offset_of(&call->args[1], &size);
    return error ? error : system_error(ftruncate(self_of(call)->fd, size));
}

METHOD(advise)
{
    static const int advices[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                  POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
    off_t offset = 0;
    off_t length = 0;
    int error = tvn_wasi_file_may_look(self_of(call));
    error = error ? error : offset_of(&call->args[1], &offset);
    error = error ? error : offset_of(&call->args[2], &length);
    if (error || self_of(call)->is_directory) {
        return error ? error : EBADF;
    }
    uint32_t advice = call->args[3].of.variant.index;
    tvn_assert(advice < TVN_ARRAY_LEN(advices));
    return posix_fadvise(self_of(call)->fd, offset, length, advices[advice]);
}

static int sync_waiting(const struct tvn_wasi *wasi, int fd, int (*sync_fd)(int fd))
{
    tvn_blocking_enter(wasi->blocking);
    int error = system_error(sync_fd(fd));
    tvn_blocking_leave(wasi->blocking);
    return error;
}

/* Directories are held as O_PATH, which cannot be synchronised. */
static int sync_file(const struct tvn_wasi_file *file, int (*sync_fd)(int fd))
{
    int error = tvn_wasi_file_may_look(file);
    if (error || !file->is_directory) {
        return error ? error : sync_waiting(file->wasi, file->fd, sync_fd);
    }
    int fd = -1;
    error = tvn_beneath_open_listing(file->fd, &fd);
    if (error == 0) {
        error = sync_waiting(file->wasi, fd, sync_fd);
        close(fd);
    }
    return error;
}

METHOD(sync_data)
{
    return sync_file(self_of(call), fdatasync);
}

METHOD(sync_all)
{
    return sync_file(self_of(call), fsync);
}

/* ---- about a descriptor ---- */

METHOD(get_flags)
{
    tvn_wasi_call_return(call, tvn_wasi_u64(self_of(call)->flags));
    return 0;
}

static int stat_self(const struct tvn_wasi_call *call, struct stat *out_stat)
{
    int error = tvn_wasi_file_may_look(self_of(call));
    return error ? error : system_error(fstat(self_of(call)->fd, out_stat));
}

METHOD(get_type)
{
    struct stat info;
    int error = stat_self(call, &info);
    if (error == 0) {
        tvn_wasi_call_return(call, tvn_wasi_file_type(info.st_mode));
    }
    return error;
}

static int return_stat(struct tvn_wasi_call *call, const struct stat *info)
{
    call->has_value = tvn_wasi_file_stat(call->arena, info, call->value);
    return call->has_value ? 0 : ENOMEM;
}

static int return_hash(struct tvn_wasi_call *call, const struct stat *info)
{
    call->has_value = tvn_wasi_file_hash(call->arena, info, call->value);
    return call->has_value ? 0 : ENOMEM;
}

METHOD(stat_descriptor)
{
    struct stat info;
    int error = stat_self(call, &info);
    return error ? error : return_stat(call, &info);
}

METHOD(metadata_hash)
{
    struct stat info;
    int error = stat_self(call, &info);
    return error ? error : return_hash(call, &info);
}

static int times_of(const struct tvn_wasi_call *call, uint32_t first, struct timespec times[2])
{
    int error = tvn_wasi_file_time(&call->args[first], &times[0]);
    return error ? error : tvn_wasi_file_time(&call->args[first + 1], &times[1]);
}

METHOD(set_times)
{
    struct timespec times[2];
    int error = tvn_wasi_file_may_write(self_of(call));
    error = error ? error : times_of(call, 1, times);
    return error ? error : system_error(utimensat(self_of(call)->fd, "", times, AT_EMPTY_PATH));
}

/* Answers no error: an object that can't be looked at is no one's equal. */
static enum tvn_status is_same_object(const struct tvn_call_site *site,
                                      const struct tvn_value *args, uint32_t arg_count,
                                      struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)site;
    (void)arg_count;
    (void)arena;
    const struct tvn_wasi_file *a = tvn_wasi_object_of(args[0].of.handle.rep);
    const struct tvn_wasi_file *b = tvn_wasi_object_of(args[1].of.handle.rep);
    struct stat info_a;
    struct stat info_b;
    bool same = fstat(a->fd, &info_a) == 0 && fstat(b->fd, &info_b) == 0 &&
                info_a.st_dev == info_b.st_dev && info_a.st_ino == info_b.st_ino;
    *out_result = (struct tvn_value){.of.boolean = same};
    return TVN_OK;
}

/* ---- paths ---- */

/* The path of argument `index` relative to argument `object`, after the right was checked. */
static int path_of(const struct tvn_wasi_call *call, const struct tvn_wasi_file *base,
                   uint32_t index, struct tvn_beneath_path *path)
{
    if (!base->is_directory) {
        return ENOTDIR;
    }
    return tvn_beneath_path_set(path, call->args[index].of.string);
}

/* What the path layer answered, with refusals told to the guard. */
static int settle(const struct tvn_wasi_file *base, int error, bool writing,
                  const struct tvn_beneath_path *path)
{
    return error < 0 ? tvn_wasi_file_refuse(base, (enum tvn_beneath_refusal)error, writing, path)
                     : error;
}

static bool follows(const struct tvn_wasi_call *call, uint32_t index)
{
    return (call->args[index].of.u & 1) != 0; /* path-flags: symlink-follow */
}

static int stat_path(const struct tvn_wasi_call *call, struct stat *out_stat)
{
    const struct tvn_wasi_file *base = self_of(call);
    struct tvn_beneath_path path;
    int error = tvn_wasi_file_may_look(base);
    error = error ? error : path_of(call, base, 2, &path);
    if (error) {
        return error;
    }
    return settle(base, tvn_beneath_stat(base->fd, &path, follows(call, 1), out_stat), false,
                  &path);
}

METHOD(stat_at)
{
    struct stat info;
    int error = stat_path(call, &info);
    return error ? error : return_stat(call, &info);
}

METHOD(metadata_hash_at)
{
    struct stat info;
    int error = stat_path(call, &info);
    return error ? error : return_hash(call, &info);
}

METHOD(set_times_at)
{
    const struct tvn_wasi_file *base = self_of(call);
    struct tvn_beneath_path path;
    struct timespec times[2];
    int error = tvn_wasi_file_may_write(base);
    error = error ? error : times_of(call, 3, times);
    error = error ? error : path_of(call, base, 2, &path);
    if (error) {
        return error;
    }
    return settle(base, tvn_beneath_set_times(base->fd, &path, follows(call, 1), times), true,
                  &path);
}

METHOD(readlink_at)
{
    const struct tvn_wasi_file *base = self_of(call);
    struct tvn_beneath_path path;
    int error = tvn_wasi_file_may_read(base);
    error = error ? error : path_of(call, base, 1, &path);
    char *target = error ? NULL : tvn_arena_alloc(call->arena, PATH_MAX);
    if (!target) {
        return error ? error : ENOMEM;
    }
    size_t length = 0;
    error = settle(base, tvn_beneath_readlink(base->fd, &path, target, PATH_MAX, &length), false,
                   &path);
    if (error) {
        return error;
    }
    if (target[0] == '/') {
        return EPERM; /* the interface's rule: names of the host's are not told */
    }
    if (!tvn_utf8_valid(target, length)) {
        return EILSEQ;
    }
    tvn_wasi_call_return(call, tvn_wasi_string((struct tvn_str){target, length}));
    return 0;
}

typedef int (*change_func)(int dir, const struct tvn_beneath_path *path);

static int change_path(const struct tvn_wasi_call *call, change_func change)
{
    const struct tvn_wasi_file *base = self_of(call);
    struct tvn_beneath_path path;
    int error = tvn_wasi_file_may_write(base);
    error = error ? error : path_of(call, base, 1, &path);
    return error ? error : settle(base, change(base->fd, &path), true, &path);
}

METHOD(create_directory_at)
{
    return change_path(call, tvn_beneath_mkdir);
}

METHOD(remove_directory_at)
{
    return change_path(call, tvn_beneath_rmdir);
}

METHOD(unlink_file_at)
{
    return change_path(call, tvn_beneath_unlink);
}

METHOD(symlink_at)
{
    const struct tvn_wasi_file *base = self_of(call);
    struct tvn_beneath_path target;
    struct tvn_beneath_path path;
    int error = tvn_wasi_file_may_write(base);
    error = error ? error : path_of(call, base, 1, &target);
    error = error ? error : path_of(call, base, 2, &path);
    if (error) {
        return error;
    }
    if (target.text[0] == '/') {
        return tvn_wasi_file_refuse(base, TVN_BENEATH_OUTSIDE, true, &target);
    }
    return settle(base, tvn_beneath_symlink(&target, base->fd, &path), true, &path);
}

/* Two places, both of which must allow changes: else a link or a new name would carry a file of a
 * directory that is only readable to where it can be written. */
static int change_two(const struct tvn_wasi_call *call, uint32_t first,
                      struct tvn_wasi_file *bases[2], struct tvn_beneath_path paths[2])
{
    bases[0] = self_of(call);
    bases[1] = tvn_wasi_call_object(call, first + 1);
    int error = tvn_wasi_file_may_write(bases[0]);
    error = error ? error : tvn_wasi_file_may_write(bases[1]);
    error = error ? error : path_of(call, bases[0], first, &paths[0]);
    return error ? error : path_of(call, bases[1], first + 2, &paths[1]);
}

/* As `settle`, told about the path that leads out. */
static int settle_two(struct tvn_wasi_file *const bases[2], const struct tvn_beneath_path paths[2],
                      int error)
{
    struct stat info;
    if (error >= 0) {
        return error;
    }
    size_t which = tvn_beneath_stat(bases[0]->fd, &paths[0], false, &info) < 0 ? 0 : 1;
    return settle(bases[which], error, true, &paths[which]);
}

METHOD(link_at)
{
    struct tvn_wasi_file *bases[2];
    struct tvn_beneath_path paths[2];
    int error = change_two(call, 2, bases, paths);
    if (error) {
        return error;
    }
    error = tvn_beneath_link(bases[0]->fd, &paths[0], follows(call, 1), bases[1]->fd, &paths[1]);
    return settle_two(bases, paths, error);
}

METHOD(rename_at)
{
    struct tvn_wasi_file *bases[2];
    struct tvn_beneath_path paths[2];
    int error = change_two(call, 1, bases, paths);
    if (error) {
        return error;
    }
    error = tvn_beneath_rename(bases[0]->fd, &paths[0], bases[1]->fd, &paths[1]);
    return settle_two(bases, paths, error);
}

/* ---- open-at ---- */

enum open_flags { OPEN_CREATE = 1, OPEN_DIRECTORY = 2, OPEN_EXCLUSIVE = 4, OPEN_TRUNCATE = 8 };

static int sync_flags_of(uint64_t flags)
{
    int sync = flags & TVN_WASI_FILE_DATA_SYNC ? O_DSYNC : 0;
    return flags & (TVN_WASI_FILE_SYNC | TVN_WASI_FILE_REQUESTED_SYNC) ? O_SYNC : sync;
}

static int open_rights(const struct tvn_wasi_file *base, const struct tvn_beneath_open *options,
                       bool mutates)
{
    if (options->write || options->create || options->truncate || mutates) {
        int error = tvn_wasi_file_may_write(base);
        if (error) {
            return error;
        }
    }
    if (options->read) {
        return tvn_wasi_file_may_read(base);
    }
    return tvn_wasi_file_may_look(base);
}

/* The flags that get-flags tells: a directory can be changed when its preopen can, asked for or
 * not, since the preview 1 adapter never asks. */
static uint32_t flags_of(const struct tvn_wasi_file *base, uint64_t asked, bool is_directory)
{
    uint32_t flags = (uint32_t)asked & ~(uint32_t)TVN_WASI_FILE_MUTATE_DIRECTORY;
    if (is_directory && base->preopen->can_write) {
        flags |= TVN_WASI_FILE_MUTATE_DIRECTORY;
    }
    return flags;
}

static int open_file(struct tvn_wasi_call *call, const struct tvn_beneath_open *options,
                     const struct tvn_beneath_path *path)
{
    struct tvn_wasi_file *base = self_of(call);
    struct stat info;
    int fd = -1;
    bool writing = options->write || options->create;
    int error = settle(base, tvn_beneath_open(base->fd, path, options, &fd, &info), writing, path);
    if (error) {
        return error;
    }
    bool is_directory = S_ISDIR(info.st_mode);
    struct tvn_wasi_file *file =
        tvn_wasi_file_create(call->wasi, base->preopen, fd, is_directory,
                             flags_of(base, call->args[4].of.u, is_directory));
    if (!file) {
        close(fd);
        return ENOMEM;
    }
    tvn_wasi_call_return_own(call, TVN_WASI_DESCRIPTOR, file);
    return 0;
}

METHOD(open_at)
{
    const struct tvn_wasi_file *base = self_of(call);
    uint64_t how = call->args[3].of.u;
    uint64_t flags = call->args[4].of.u;
    const struct tvn_beneath_open options = {
        .read = (flags & TVN_WASI_FILE_READ) != 0,
        .write = (flags & TVN_WASI_FILE_WRITE) != 0,
        .create = (how & OPEN_CREATE) != 0,
        .exclusive = (how & OPEN_EXCLUSIVE) != 0,
        .truncate = (how & OPEN_TRUNCATE) != 0,
        .directory = (how & OPEN_DIRECTORY) != 0,
        .follow = follows(call, 1),
        .sync_flags = sync_flags_of(flags),
    };
    struct tvn_beneath_path path;
    int error = open_rights(base, &options, (flags & TVN_WASI_FILE_MUTATE_DIRECTORY) != 0);
    error = error ? error : path_of(call, base, 2, &path);
    if (error) {
        return error;
    }
    if (!tvn_wasi_descriptor_take(call->wasi)) {
        return EMFILE;
    }
    error = open_file(call, &options, &path);
    if (error) {
        tvn_wasi_descriptor_give_back(call->wasi);
    }
    return error;
}

/* ---- listings ---- */

METHOD(read_directory)
{
    struct tvn_wasi_file *base = self_of(call);
    struct tvn_wasi_listing *listing = NULL;
    int error = tvn_wasi_file_may_read(base);
    if (error || !base->is_directory) {
        return error ? error : ENOTDIR;
    }
    error = tvn_wasi_listing_create(base, &listing);
    if (error == 0) {
        tvn_wasi_call_return_own(call, TVN_WASI_DIRECTORY_ENTRY_STREAM, listing);
    }
    return error;
}

METHOD(read_directory_entry)
{
    struct tvn_wasi_listing *listing = tvn_wasi_call_object(call, 0);
    const char *name = NULL;
    mode_t type = 0;
    int error = tvn_wasi_file_may_read(listing->directory);
    error = error ? error : tvn_wasi_listing_next(listing, &name, &type);
    if (error) {
        return error;
    }
    if (!name) {
        tvn_wasi_call_return(call, tvn_wasi_case(0));
        return 0;
    }
    if (!tvn_utf8_valid(name, strlen(name))) {
        return EILSEQ; /* the guest may go on with the next one */
    }
    struct tvn_value entry;
    struct tvn_str copy = tvn_arena_str(call->arena, tvn_str_of(name));
    if (!copy.ptr || !tvn_wasi_items(call->arena, 2, &entry)) {
        return ENOMEM;
    }
    entry.of.list.items[0] = tvn_wasi_file_type(type);
    entry.of.list.items[1] = tvn_wasi_string(copy);
    call->has_value = tvn_wasi_case_of(call->arena, 1, entry, call->value);
    return call->has_value ? 0 : ENOMEM;
}

static void drop_listing(void *host, struct tvn_guest *guest, uint64_t rep)
{
    (void)host;
    (void)guest;
    tvn_wasi_listing_destroy(tvn_wasi_object_of(rep));
}

static void drop_descriptor(void *host, struct tvn_guest *guest, uint64_t rep)
{
    (void)host;
    (void)guest;
    tvn_wasi_file_unref(tvn_wasi_object_of(rep));
}

/* ---- preopens ---- */

/* A descriptor of its own for each call: the guest may drop it. NULL: no memory, or too many. */
static struct tvn_wasi_file *open_preopen(struct tvn_wasi *wasi,
                                          const struct tvn_wasi_preopen *preopen)
{
    if (!tvn_wasi_descriptor_take(wasi)) {
        return NULL;
    }
    int fd = fcntl(preopen->fd, F_DUPFD_CLOEXEC, 0);
    uint32_t flags = (preopen->can_read ? TVN_WASI_FILE_READ : 0u) |
                     (preopen->can_write ? TVN_WASI_FILE_MUTATE_DIRECTORY : 0u);
    struct tvn_wasi_file *file =
        fd >= 0 ? tvn_wasi_file_create(wasi, preopen, fd, true, flags) : NULL;
    if (!file) {
        if (fd >= 0) {
            close(fd);
        }
        tvn_wasi_descriptor_give_back(wasi);
    }
    return file;
}

static enum tvn_status get_directories(const struct tvn_call_site *site,
                                       const struct tvn_value *args, uint32_t arg_count,
                                       struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)args;
    (void)arg_count;
    struct tvn_wasi *wasi = site->host;
    size_t count = wasi->preopens.count;
    struct tvn_value list;
    if (!tvn_wasi_items(arena, (uint32_t)count, &list)) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    for (size_t i = 0; i < count; i++) { /* all memory first: descriptors could not be given back */
        if (!tvn_wasi_items(arena, 2, &list.of.list.items[i])) {
            return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
        }
    }
    uint32_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tvn_wasi_preopen *preopen = &wasi->preopens.items[i];
        struct tvn_wasi_file *file = open_preopen(wasi, preopen);
        if (file) {
            struct tvn_value *pair = list.of.list.items[used++].of.list.items;
            pair[0] =
                tvn_wasi_handle(wasi->world->resources[TVN_WASI_DESCRIPTOR], tvn_wasi_rep_of(file));
            pair[1] = tvn_wasi_string(tvn_str_of(preopen->path));
        }
    }
    list.of.list.count = used;
    *out_result = list;
    return TVN_OK;
}

/* Only errors of streams over files are the file system's. */
static enum tvn_status filesystem_error_code(const struct tvn_call_site *site,
                                             const struct tvn_value *args, uint32_t arg_count,
                                             struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)arg_count;
    uint64_t error = args[0].of.handle.rep;
    if (tvn_wasi_error_origin(error) != TVN_BYTE_STREAM_FILE) {
        *out_result = tvn_wasi_case(0);
        return TVN_OK;
    }
    struct tvn_value code = tvn_wasi_case(tvn_wasi_filesystem_code(tvn_wasi_error_number(error)));
    return tvn_wasi_case_of(arena, 1, code, out_result) ? TVN_OK
                                                        : tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
}

static const struct tvn_host_func type_funcs[] = {
    {.name = "[method]descriptor.read-via-stream", .dynamic = read_via_stream},
    {.name = "[method]descriptor.write-via-stream", .dynamic = write_via_stream},
    {.name = "[method]descriptor.append-via-stream", .dynamic = append_via_stream},
    {.name = "[method]descriptor.advise", .dynamic = advise},
    {.name = "[method]descriptor.sync-data", .dynamic = sync_data},
    {.name = "[method]descriptor.get-flags", .dynamic = get_flags},
    {.name = "[method]descriptor.get-type", .dynamic = get_type},
    {.name = "[method]descriptor.set-size", .dynamic = set_size},
    {.name = "[method]descriptor.set-times", .dynamic = set_times},
    {.name = "[method]descriptor.read", .dynamic = read_at},
    {.name = "[method]descriptor.write", .dynamic = write_at},
    {.name = "[method]descriptor.read-directory", .dynamic = read_directory},
    {.name = "[method]descriptor.sync", .dynamic = sync_all},
    {.name = "[method]descriptor.create-directory-at", .dynamic = create_directory_at},
    {.name = "[method]descriptor.stat", .dynamic = stat_descriptor},
    {.name = "[method]descriptor.stat-at", .dynamic = stat_at},
    {.name = "[method]descriptor.set-times-at", .dynamic = set_times_at},
    {.name = "[method]descriptor.link-at", .dynamic = link_at},
    {.name = "[method]descriptor.open-at", .dynamic = open_at},
    {.name = "[method]descriptor.readlink-at", .dynamic = readlink_at},
    {.name = "[method]descriptor.remove-directory-at", .dynamic = remove_directory_at},
    {.name = "[method]descriptor.rename-at", .dynamic = rename_at},
    {.name = "[method]descriptor.symlink-at", .dynamic = symlink_at},
    {.name = "[method]descriptor.unlink-file-at", .dynamic = unlink_file_at},
    {.name = "[method]descriptor.is-same-object", .dynamic = is_same_object},
    {.name = "[method]descriptor.metadata-hash", .dynamic = metadata_hash},
    {.name = "[method]descriptor.metadata-hash-at", .dynamic = metadata_hash_at},
    {.name = "[method]directory-entry-stream.read-directory-entry",
     .dynamic = read_directory_entry},
    {.name = "filesystem-error-code", .dynamic = filesystem_error_code},
};
static const struct tvn_host_resource type_resources[] = {
    {.name = "descriptor", .drop = drop_descriptor},
    {.name = "directory-entry-stream", .drop = drop_listing},
};
static const struct tvn_host_func preopen_funcs[] = {
    {.name = "get-directories", .dynamic = get_directories},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:filesystem/types@0.2.12",
     TVN_WASI_FUNCS(type_funcs),
     TVN_WASI_RESOURCES(type_resources)},
    {.id = "wasi:filesystem/preopens@0.2.12", TVN_WASI_FUNCS(preopen_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_filesystem_interfaces = {TVN_WASI_LIST(interfaces)};
