/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "wasi/filesystem_internal.h"
#include "wasi/value_internal.h"

#include <errno.h>

#define NS_PER_S 1000000000u

/* Cases of error-code, in the interface's order. */
enum code {
    CODE_ACCESS,
    CODE_WOULD_BLOCK,
    CODE_ALREADY,
    CODE_BAD_DESCRIPTOR,
    CODE_BUSY,
    CODE_DEADLOCK,
    CODE_QUOTA,
    CODE_EXIST,
    CODE_FILE_TOO_LARGE,
    CODE_ILLEGAL_BYTE_SEQUENCE,
    CODE_IN_PROGRESS,
    CODE_INTERRUPTED,
    CODE_INVALID,
    CODE_IO,
    CODE_IS_DIRECTORY,
    CODE_LOOP,
    CODE_TOO_MANY_LINKS,
    CODE_MESSAGE_SIZE,
    CODE_NAME_TOO_LONG,
    CODE_NO_DEVICE,
    CODE_NO_ENTRY,
    CODE_NO_LOCK,
    CODE_INSUFFICIENT_MEMORY,
    CODE_INSUFFICIENT_SPACE,
    CODE_NOT_DIRECTORY,
    CODE_NOT_EMPTY,
    CODE_NOT_RECOVERABLE,
    CODE_UNSUPPORTED,
    CODE_NO_TTY,
    CODE_NO_SUCH_DEVICE,
    CODE_OVERFLOW,
    CODE_NOT_PERMITTED,
    CODE_PIPE,
    CODE_READ_ONLY,
    CODE_INVALID_SEEK,
    CODE_TEXT_FILE_BUSY,
    CODE_CROSS_DEVICE,
};

static const struct {
    int error;
    enum code code;
} codes[] = {
    {EACCES, CODE_ACCESS},
    {EAGAIN, CODE_WOULD_BLOCK},
    {EALREADY, CODE_ALREADY},
    {EBADF, CODE_BAD_DESCRIPTOR},
    {EBUSY, CODE_BUSY},
    {EDEADLK, CODE_DEADLOCK},
    {EDQUOT, CODE_QUOTA},
    {EEXIST, CODE_EXIST},
    {EFBIG, CODE_FILE_TOO_LARGE},
    {EILSEQ, CODE_ILLEGAL_BYTE_SEQUENCE},
    {EINPROGRESS, CODE_IN_PROGRESS},
    {EINTR, CODE_INTERRUPTED},
    {EINVAL, CODE_INVALID},
    {EIO, CODE_IO},
    {EISDIR, CODE_IS_DIRECTORY},
    {ELOOP, CODE_LOOP},
    {EMLINK, CODE_TOO_MANY_LINKS},
    {EMSGSIZE, CODE_MESSAGE_SIZE},
    {ENAMETOOLONG, CODE_NAME_TOO_LONG},
    {ENODEV, CODE_NO_DEVICE},
    {ENOENT, CODE_NO_ENTRY},
    {ENOLCK, CODE_NO_LOCK},
    {ENOMEM, CODE_INSUFFICIENT_MEMORY},
    {EMFILE, CODE_INSUFFICIENT_MEMORY}, /* the interface has no word for descriptors */
    {ENFILE, CODE_INSUFFICIENT_MEMORY},
    {ENOSPC, CODE_INSUFFICIENT_SPACE},
    {ENOTDIR, CODE_NOT_DIRECTORY},
    {ENOTEMPTY, CODE_NOT_EMPTY},
    {ENOTRECOVERABLE, CODE_NOT_RECOVERABLE},
    {ENOTSUP, CODE_UNSUPPORTED},
    {ENOSYS, CODE_UNSUPPORTED},
    {ENOTTY, CODE_NO_TTY},
    {ENXIO, CODE_NO_SUCH_DEVICE},
    {EOVERFLOW, CODE_OVERFLOW},
    {EPERM, CODE_NOT_PERMITTED},
    {EPIPE, CODE_PIPE},
    {EROFS, CODE_READ_ONLY},
    {ESPIPE, CODE_INVALID_SEEK},
    {ETXTBSY, CODE_TEXT_FILE_BUSY},
    {EXDEV, CODE_CROSS_DEVICE},
};

uint32_t tvn_wasi_filesystem_code(int error)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(codes); i++) {
        if (codes[i].error == error) {
            return codes[i].code;
        }
    }
    return CODE_IO;
}

struct tvn_value tvn_wasi_file_type(mode_t mode)
{
    enum { UNKNOWN, BLOCK, CHARACTER, DIRECTORY, FIFO, LINK, REGULAR, SOCKET };
    switch (mode & S_IFMT) {
    case S_IFBLK:
        return tvn_wasi_case(BLOCK);
    case S_IFCHR:
        return tvn_wasi_case(CHARACTER);
    case S_IFDIR:
        return tvn_wasi_case(DIRECTORY);
    case S_IFIFO:
        return tvn_wasi_case(FIFO);
    case S_IFLNK:
        return tvn_wasi_case(LINK);
    case S_IFREG:
        return tvn_wasi_case(REGULAR);
    case S_IFSOCK:
        return tvn_wasi_case(SOCKET);
    default:
        return tvn_wasi_case(UNKNOWN);
    }
}

/* option<datetime>; none for a time before 1970, which datetime cannot hold. */
static bool time_value(struct tvn_arena *arena, const struct timespec *time,
                       struct tvn_value *out_value)
{
    if (time->tv_sec < 0) {
        *out_value = tvn_wasi_case(0);
        return true;
    }
    struct tvn_value record;
    if (!tvn_wasi_items(arena, 2, &record)) {
        return false;
    }
    record.of.list.items[0] = tvn_wasi_u64((uint64_t)time->tv_sec);
    record.of.list.items[1] = tvn_wasi_u64((uint64_t)time->tv_nsec);
    return tvn_wasi_case_of(arena, 1, record, out_value);
}

bool tvn_wasi_file_stat(struct tvn_arena *arena, const struct stat *info,
                        struct tvn_value *out_value)
{
    struct tvn_value record;
    if (!tvn_wasi_items(arena, 6, &record)) {
        return false;
    }
    struct tvn_value *items = record.of.list.items;
    items[0] = tvn_wasi_file_type(info->st_mode);
    items[1] = tvn_wasi_u64(info->st_nlink);
    items[2] = tvn_wasi_u64((uint64_t)info->st_size);
    if (!time_value(arena, &info->st_atim, &items[3]) ||
        !time_value(arena, &info->st_mtim, &items[4]) ||
        !time_value(arena, &info->st_ctim, &items[5])) {
        return false;
    }
    *out_value = record;
    return true;
}

bool tvn_wasi_file_hash(struct tvn_arena *arena, const struct stat *info,
                        struct tvn_value *out_value)
{
    const uint64_t identity[] = {info->st_dev, info->st_ino, info->st_dev};
    struct tvn_value record;
    if (!tvn_wasi_items(arena, 2, &record)) {
        return false;
    }
    record.of.list.items[0] = tvn_wasi_u64(tvn_map_hash(&identity[0], 2 * sizeof(identity[0])));
    record.of.list.items[1] = tvn_wasi_u64(tvn_map_hash(&identity[1], 2 * sizeof(identity[0])));
    *out_value = record;
    return true;
}

int tvn_wasi_file_time(const struct tvn_value *value, struct timespec *out_time)
{
    enum { NO_CHANGE, NOW, TIMESTAMP };
    if (value->of.variant.index != TIMESTAMP) {
        *out_time = (struct timespec){.tv_nsec = value->of.variant.index == NO_CHANGE ? UTIME_OMIT
                                                                                      : UTIME_NOW};
        return 0;
    }
    const struct tvn_value *fields = value->of.variant.value->of.list.items;
    if (fields[1].of.u >= NS_PER_S) {
        return EINVAL;
    }
    if (fields[0].of.u > INT64_MAX) {
        return EOVERFLOW;
    }
    *out_time =
        (struct timespec){.tv_sec = (time_t)fields[0].of.u, .tv_nsec = (long)fields[1].of.u};
    return 0;
}
