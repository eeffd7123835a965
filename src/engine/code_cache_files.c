/* SPDX-License-Identifier: Apache-2.0 */
/* Private directories and files, and the secret: what may be trusted, and how it is made. */
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/code_cache_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE        0700
#define FILE_MODE             0600
#define SECRET_DIRECTORY_MODE 0022 /* forbidden: others may see that there is a secret */

/* ---- directories and files ---- */

/* mkdir -p; whether it worked shows when the directory is opened. */
static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, DIRECTORY_MODE);
        *slash = '/';
    }
    (void)mkdir(path, DIRECTORY_MODE);
}

enum tvn_status tvn_code_open_directory(const char *path, unsigned forbidden_mode, int *out_fd)
{
    tvn_assert(path && path[0] != '\0');
    TVN_AUTO_FREE char *copy = tvn_strdup(path);
    if (!copy) {
        return TVN_E_OUT_OF_MEMORY;
    }
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(path, flags);
    if (fd < 0 && errno == ENOENT) {
        make_directories(copy);
        fd = open(path, flags);
    }
    if (fd < 0) {
        return errno == ELOOP || errno == ENOTDIR ? TVN_EXISTS : TVN_NOT_FOUND;
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_uid != geteuid() ||
        (status.st_mode & forbidden_mode) != 0) {
        tvn_fd_close(&fd);
        return TVN_EXISTS;
    }
    *out_fd = fd;
    return TVN_OK;
}

enum tvn_status tvn_code_open_file(int directory_fd, const char *name, int *out_fd,
                                   uint64_t *out_length)
{
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? TVN_NOT_FOUND : TVN_EXISTS;
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
        (status.st_mode & (mode_t)07777) != FILE_MODE) {
        tvn_fd_close(&fd);
        return TVN_EXISTS;
    }
    *out_fd = fd;
    *out_length = (uint64_t)status.st_size;
    return TVN_OK;
}

enum tvn_status tvn_code_create_temp(int directory_fd, char out_name[TVN_CODE_TEMP_BYTES],
                                     int *out_fd)
{
    uint64_t number;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        return TVN_NOT_FOUND;
    }
    int length =
        snprintf(out_name, TVN_CODE_TEMP_BYTES, TVN_CODE_TEMP_PREFIX "%016" PRIx64, number);
    tvn_assert(length > 0 && length < TVN_CODE_TEMP_BYTES);
    int fd = openat(directory_fd, out_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    FILE_MODE);
    if (fd < 0) {
        return TVN_NOT_FOUND;
    }
    if (fchmod(fd, FILE_MODE) != 0) { /* the umask may have taken bits away */
        (void)unlinkat(directory_fd, out_name, 0);
        tvn_fd_close(&fd);
        return TVN_NOT_FOUND;
    }
    *out_fd = fd;
    return TVN_OK;
}

/* ---- the secret ---- */

/* Whoever links first wins; the others find that one. */
static enum tvn_status create_secret(int directory_fd)
{
    uint8_t secret[TVN_CODE_SECRET_BYTES];
    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
        return TVN_NOT_FOUND;
    }
    char name[TVN_CODE_TEMP_BYTES];
    int fd;
    TVN_TRY(tvn_code_create_temp(directory_fd, name, &fd));
    bool made =
        tvn_fd_write_all(fd, secret, sizeof(secret)) == TVN_OK && fsync(fd) == 0 &&
        (linkat(directory_fd, name, directory_fd, TVN_CODE_SECRET_NAME, 0) == 0 || errno == EEXIST);
    (void)unlinkat(directory_fd, name, 0);
    tvn_fd_close(&fd);
    explicit_bzero(secret, sizeof(secret));
    return made ? TVN_OK : TVN_NOT_FOUND;
}

static enum tvn_status read_secret(int directory_fd, uint8_t out_secret[TVN_CODE_SECRET_BYTES])
{
    int fd;
    uint64_t length;
    TVN_TRY(tvn_code_open_file(directory_fd, TVN_CODE_SECRET_NAME, &fd, &length));
    bool read_all = length == TVN_CODE_SECRET_BYTES &&
                    pread(fd, out_secret, TVN_CODE_SECRET_BYTES, 0) == TVN_CODE_SECRET_BYTES;
    tvn_fd_close(&fd);
    return read_all ? TVN_OK : TVN_EXISTS;
}

enum tvn_status tvn_code_read_secret(const char *directory,
                                     uint8_t out_secret[TVN_CODE_SECRET_BYTES])
{
    int fd;
    TVN_TRY(tvn_code_open_directory(directory, SECRET_DIRECTORY_MODE, &fd));
    enum tvn_status status = read_secret(fd, out_secret);
    if (status == TVN_NOT_FOUND) {
        status = create_secret(fd);
        if (status == TVN_OK) {
            status = read_secret(fd, out_secret);
        }
    }
    tvn_fd_close(&fd);
    return status;
}

/* ---- places ---- */

void tvn_code_cache_place_deinit(struct tvn_code_cache_place *place)
{
    if (place) {
        tvn_free(place->directory);
        for (size_t i = 0; i < TVN_ARRAY_LEN(place->secret_directories); i++) {
            tvn_free(place->secret_directories[i]);
        }
        *place = (struct tvn_code_cache_place){0};
    }
}

static const char *get_path(const char *name, bool absolute_only)
{
    const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe)
    bool usable = value && (absolute_only ? value[0] == '/' : value[0] != '\0');
    return usable ? value : NULL;
}

static bool switched_off(void)
{
    const char *value = get_path("TORVYN_CODE_CACHE", false);
    return value && (strcmp(value, "off") == 0 || strcmp(value, "0") == 0 ||
                     strcmp(value, "false") == 0 || strcmp(value, "no") == 0);
}

enum tvn_status tvn_code_cache_locate(struct tvn_code_cache_place *out_place)
{
    tvn_assert(out_place);
    const char *own = get_path("TORVYN_HOME", false);
    const char *home = get_path("HOME", true);
    const char *cache = get_path("XDG_CACHE_HOME", true); /* the standard: ignore relative ones */
    const char *state = get_path("XDG_STATE_HOME", true);
    if (switched_off() || !(own || cache || home) || !(state || home || own)) {
        return TVN_NOT_FOUND;
    }
    TVN_AUTO_VALUE(tvn_code_cache_place) place = {0};
    place.directory = own     ? tvn_path_join(own, "cache")
                      : cache ? tvn_path_join(cache, "torvyn/code")
                              : tvn_path_join(home, ".cache/torvyn/code");
    size_t count = 0;
    if (state || home) {
        place.secret_directories[count++] =
            state ? tvn_path_join(state, "torvyn") : tvn_path_join(home, ".local/state/torvyn");
    }
    if (own) {
        place.secret_directories[count++] = tvn_strdup(own);
    }
    if (!place.directory || !place.secret_directories[count - 1] || !place.secret_directories[0]) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *out_place = place;
    memset(&place, 0, sizeof(place)); /* the caller's now */
    return TVN_OK;
}
