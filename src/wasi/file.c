/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "security/capability.h"
#include "wasi/context_internal.h"
#include "wasi/file_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

TVN_LOG_CATEGORY("wasi");

/* ---- preopens ---- */

static bool is_filesystem(enum tvn_capability capability)
{
    return capability == TVN_CAP_FILESYSTEM_READ || capability == TVN_CAP_FILESYSTEM_WRITE;
}

static bool is_granted(const struct tvn_sandbox *sandbox, enum tvn_capability capability,
                       const char *path)
{
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        if (tvn_grant_covers(&sandbox->grants[i], capability, path)) {
            return true;
        }
    }
    return false;
}

static void explain(const struct tvn_sandbox *sandbox, const char *path, int error)
{
    const char *component = sandbox->component ? sandbox->component : "";
    if (error == ENOSYS || error == EPERM) {
        tvn_log_error("component '%s' gets no directory '%s': paths are only opened with openat2, "
                      "which this kernel or container does not allow",
                      component, path);
    } else if (error == ELOOP) {
        tvn_log_warn(
            "component '%s' gets no directory '%s': a part of the path is a symbolic link; "
            "grant the path without links",
            component, path);
    } else if (error == TVN_BENEATH_SPECIAL) {
        tvn_log_warn("component '%s' gets no directory '%s': it is part of procfs", component,
                     path);
    } else {
        const char *text = strerrordesc_np(error);
        tvn_log_warn("component '%s' gets no directory '%s': %s", component, path,
                     text ? text : "unknown error");
    }
}

static bool is_listed(const struct tvn_wasi_preopens *preopens, const char *path)
{
    for (size_t i = 0; i < preopens->count; i++) {
        if (strcmp(preopens->items[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static enum tvn_status add_preopen(struct tvn_wasi_preopens *preopens,
                                   const struct tvn_sandbox *sandbox, const char *path)
{
    int fd = -1;
    int error = tvn_beneath_root(path, &fd);
    if (error != 0) {
        explain(sandbox, path, error);
        return TVN_OK;
    }
    char *copy = tvn_strdup(path);
    if (!copy) {
        tvn_fd_close(&fd);
        return TVN_E_OUT_OF_MEMORY;
    }
    preopens->items[preopens->count++] = (struct tvn_wasi_preopen){
        .path = copy,
        .fd = fd,
        .can_read = is_granted(sandbox, TVN_CAP_FILESYSTEM_READ, path),
        .can_write = is_granted(sandbox, TVN_CAP_FILESYSTEM_WRITE, path),
    };
    return TVN_OK;
}

enum tvn_status tvn_wasi_preopens_init(struct tvn_wasi_preopens *preopens,
                                       const struct tvn_sandbox *sandbox)
{
    *preopens = (struct tvn_wasi_preopens){0};
    size_t capacity = 0;
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        capacity += is_filesystem(sandbox->grants[i].capability);
    }
    if (capacity == 0) {
        return TVN_OK;
    }
    if (capacity > TVN_WASI_PREOPENS_MAX) {
        tvn_log_warn("component '%s': only the first %d filesystem grants count",
                     sandbox->component ? sandbox->component : "", TVN_WASI_PREOPENS_MAX);
        capacity = TVN_WASI_PREOPENS_MAX;
    }
    preopens->items = tvn_calloc(capacity, sizeof(preopens->items[0]));
    if (!preopens->items) {
        return TVN_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < sandbox->grant_count && preopens->count < capacity; i++) {
        const struct tvn_grant *grant = &sandbox->grants[i];
        const char *path = grant->scope ? grant->scope : "/";
        if (is_filesystem(grant->capability) && !is_listed(preopens, path)) {
            TVN_TRY(add_preopen(preopens, sandbox, path)); /* the caller deinits */
        }
    }
    return TVN_OK;
}

void tvn_wasi_preopens_deinit(struct tvn_wasi_preopens *preopens)
{
    for (size_t i = 0; i < preopens->count; i++) {
        tvn_fd_close(&preopens->items[i].fd);
        tvn_free(preopens->items[i].path);
    }
    tvn_free(preopens->items);
    *preopens = (struct tvn_wasi_preopens){0};
}

/* ---- files ---- */

bool tvn_wasi_descriptor_take(struct tvn_wasi *wasi)
{
    if (wasi->descriptor_count >= TVN_WASI_DESCRIPTORS_MAX) {
        return false;
    }
    wasi->descriptor_count++;
    return true;
}

void tvn_wasi_descriptor_give_back(struct tvn_wasi *wasi)
{
    tvn_assert(wasi->descriptor_count > 0);
    wasi->descriptor_count--;
}

struct tvn_wasi_file *tvn_wasi_file_create(struct tvn_wasi *wasi,
                                           const struct tvn_wasi_preopen *preopen, int fd,
                                           bool is_directory, uint32_t flags)
{
    struct tvn_wasi_file *file = tvn_malloc(sizeof(*file));
    if (file) {
        *file = (struct tvn_wasi_file){.wasi = wasi,
                                       .preopen = preopen,
                                       .refs = 1,
                                       .fd = fd,
                                       .is_directory = is_directory,
                                       .flags = flags};
    }
    return file;
}

void tvn_wasi_file_unref(struct tvn_wasi_file *file)
{
    tvn_assert(file->refs > 0);
    if (--file->refs > 0) {
        return;
    }
    tvn_wasi_descriptor_give_back(file->wasi);
    tvn_fd_close(&file->fd);
    tvn_free(file);
}

static bool check(const struct tvn_wasi_file *file, enum tvn_capability capability)
{
    return file->wasi->ops->check(file->wasi->context, capability, file->preopen->path);
}

int tvn_wasi_file_may_read(const struct tvn_wasi_file *file)
{
    return check(file, TVN_CAP_FILESYSTEM_READ) && file->preopen->can_read ? 0 : EACCES;
}

int tvn_wasi_file_may_write(const struct tvn_wasi_file *file)
{
    return check(file, TVN_CAP_FILESYSTEM_WRITE) && file->preopen->can_write ? 0 : EROFS;
}

int tvn_wasi_file_may_look(const struct tvn_wasi_file *file)
{
    return check(file, file->preopen->can_read ? TVN_CAP_FILESYSTEM_READ : TVN_CAP_FILESYSTEM_WRITE)
               ? 0
               : EACCES;
}

int tvn_wasi_file_refuse(const struct tvn_wasi_file *file, enum tvn_beneath_refusal refusal,
                         bool writing, const struct tvn_beneath_path *path)
{
    /* No path, so that no scope covers it: scopes are absolute. */
    static const char outside[] = "outside of ";
    static const char special[] = "special file in ";
    const char *what = refusal == TVN_BENEATH_OUTSIDE ? outside : special;
    char scope[sizeof(special) + 2 * (size_t)PATH_MAX];
    snprintf(scope, sizeof(scope), "%s%.*s: %s", what, PATH_MAX - 1, file->preopen->path,
             path->text);
    (void)file->wasi->ops->check(
        file->wasi->context, writing ? TVN_CAP_FILESYSTEM_WRITE : TVN_CAP_FILESYSTEM_READ, scope);
    return EPERM;
}

/* ---- streams ---- */

struct file_stream {
    struct tvn_byte_stream stream;
    struct tvn_wasi_file *file; /* holds a reference */
    off_t offset;               /* -1: appends */
};

static struct file_stream *stream_of(struct tvn_byte_stream *stream)
{
    return TVN_CONTAINER_OF(stream, struct file_stream, stream);
}

static enum tvn_status fail(struct tvn_byte_stream *stream, int error)
{
    stream->error = error;
    return TVN_E_IO_ERROR;
}

static enum tvn_status reader_read(struct tvn_byte_stream *stream, char *bytes, size_t capacity,
                                   size_t *out_length)
{
    struct file_stream *reader = stream_of(stream);
    if (tvn_wasi_file_may_read(reader->file) != 0) {
        return TVN_E_CAPABILITY_DENIED;
    }
    const struct tvn_blocking *blocking = reader->file->wasi->blocking;
    ssize_t got;
    tvn_blocking_enter(blocking);
    do {
        got = pread(reader->file->fd, bytes, capacity, reader->offset);
    } while (got < 0 && errno == EINTR);
    tvn_blocking_leave(blocking);
    if (got < 0) {
        return fail(stream, errno);
    }
    if (got == 0) {
        return TVN_END;
    }
    reader->offset += got;
    *out_length = (size_t)got;
    return TVN_OK;
}

static enum tvn_status writer_room(struct tvn_byte_stream *stream, size_t *out_length)
{
    if (tvn_wasi_file_may_write(stream_of(stream)->file) != 0) {
        return TVN_E_CAPABILITY_DENIED;
    }
    *out_length = TVN_WASI_CHUNK_MAX;
    return TVN_OK;
}

static enum tvn_status writer_write(struct tvn_byte_stream *stream, const char *bytes,
                                    size_t length)
{
    struct file_stream *writer = stream_of(stream);
    const struct tvn_blocking *blocking = writer->file->wasi->blocking;
    while (length > 0) {
        /* SAFETY: pwritev2 does not write through iov_base, which has no const form. */
        struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
        tvn_blocking_enter(blocking);
        ssize_t done = writer->offset < 0 ? pwritev2(writer->file->fd, &piece, 1, -1, RWF_APPEND)
                                          : pwrite(writer->file->fd, bytes, length, writer->offset);
        tvn_blocking_leave(blocking);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return fail(stream, done < 0 ? errno : ENOSPC);
        }
        writer->offset += writer->offset < 0 ? 0 : done;
        bytes += done;
        length -= (size_t)done;
    }
    return TVN_OK;
}

static enum tvn_status writer_flush(struct tvn_byte_stream *stream)
{
    (void)stream;
    return TVN_OK; /* nothing is held back; `sync` is another thing */
}

static int always_ready(const struct tvn_byte_stream *stream, short *out_events)
{
    (void)stream;
    (void)out_events;
    return -1;
}

static void stream_destroy(struct tvn_byte_stream *stream)
{
    tvn_wasi_file_unref(stream_of(stream)->file);
    tvn_free(stream_of(stream));
}

static const struct tvn_byte_stream_ops reader_ops = {
    .read = reader_read,
    .wait_fd = always_ready,
    .destroy = stream_destroy,
};
static const struct tvn_byte_stream_ops writer_ops = {
    .room = writer_room,
    .write = writer_write,
    .flush = writer_flush,
    .wait_fd = always_ready,
    .destroy = stream_destroy,
};

static struct tvn_byte_stream *create_stream(struct tvn_wasi_file *file,
                                             const struct tvn_byte_stream_ops *ops, off_t offset)
{
    struct file_stream *created = tvn_malloc(sizeof(*created));
    if (!created) {
        return NULL;
    }
    file->refs++;
    *created = (struct file_stream){
        .stream = {.ops = ops, .refs = 1, .origin = TVN_BYTE_STREAM_FILE},
        .file = file,
        .offset = offset,
    };
    return &created->stream;
}

struct tvn_byte_stream *tvn_wasi_file_reader(struct tvn_wasi_file *file, off_t offset)
{
    tvn_assert(offset >= 0);
    return create_stream(file, &reader_ops, offset);
}

struct tvn_byte_stream *tvn_wasi_file_writer(struct tvn_wasi_file *file, off_t offset)
{
    return create_stream(file, &writer_ops, offset);
}

/* ---- listings ---- */

int tvn_wasi_listing_create(struct tvn_wasi_file *directory, struct tvn_wasi_listing **out_listing)
{
    if (!tvn_wasi_descriptor_take(directory->wasi)) {
        return EMFILE;
    }
    int fd = -1;
    int error = tvn_beneath_open_listing(directory->fd, &fd);
    struct tvn_wasi_listing *listing = error == 0 ? tvn_malloc(sizeof(*listing)) : NULL;
    if (!listing) {
        tvn_fd_close(&fd);
        tvn_wasi_descriptor_give_back(directory->wasi);
        return error == 0 ? ENOMEM : error;
    }
    directory->refs++;
    listing->directory = directory;
    listing->fd = fd;
    listing->at = 0;
    listing->length = 0;
    *out_listing = listing;
    return 0;
}

void tvn_wasi_listing_destroy(struct tvn_wasi_listing *listing)
{
    tvn_fd_close(&listing->fd);
    tvn_wasi_descriptor_give_back(listing->directory->wasi);
    tvn_wasi_file_unref(listing->directory);
    tvn_free(listing);
}

/* What a file system does not say about an entry must be looked up. */
static mode_t type_of_entry(const struct tvn_wasi_listing *listing, const struct dirent64 *entry)
{
    if (entry->d_type != DT_UNKNOWN) {
        return (mode_t)DTTOIF(entry->d_type);
    }
    struct stat info;
    return fstatat(listing->fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0
               ? info.st_mode & S_IFMT
               : 0;
}

int tvn_wasi_listing_next(struct tvn_wasi_listing *listing, const char **out_name, mode_t *out_type)
{
    *out_name = NULL;
    for (;;) {
        if (listing->at == listing->length) {
            ssize_t got = getdents64(listing->fd, listing->entries, sizeof(listing->entries));
            if (got <= 0) {
                return got < 0 && errno != ENOENT ? errno : 0; /* ENOENT: it was removed */
            }
            listing->at = 0;
            listing->length = (size_t)got;
        }
        /* SAFETY: the kernel packs whole entries, aligned to 8; the buffer is aligned as well. */
        const void *at = listing->entries + listing->at;
        const struct dirent64 *entry = at;
        listing->at += entry->d_reclen;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            *out_type = type_of_entry(listing, entry);
            *out_name = entry->d_name;
            return 0;
        }
    }
}
