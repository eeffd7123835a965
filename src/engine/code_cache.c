/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "engine/code_cache_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

TVN_LOG_CATEGORY("engine");

#define DIRECTORY_FORBIDDEN 0077
#define KEY_DOMAIN          "torvyn code 1"
#define TEMP_AGE_SECONDS    3600 /* older: left by a crash */
#define TOUCH_AGE_SECONDS   3600 /* how exactly "recently used" is known */

static const char magic[8] = {'T', 'V', 'N', 'C', 'O', 'D', 'E', '1'};

/* ---- opening ---- */

static enum tvn_status find_secret(const struct tvn_code_cache_place *place,
                                   struct tvn_code_cache *cache)
{
    enum tvn_status status = TVN_NOT_FOUND;
    for (size_t i = 0; i < TVN_ARRAY_LEN(place->secret_directories); i++) {
        if (status == TVN_NOT_FOUND && place->secret_directories[i]) {
            status = tvn_code_read_secret(place->secret_directories[i], cache->secret);
            if (status == TVN_EXISTS) {
                tvn_log_warn("compiled code is not kept, because '%s' or its '%s' is not private "
                             "to this user",
                             place->secret_directories[i], TVN_CODE_SECRET_NAME);
            }
        }
    }
    return status;
}

struct tvn_code_cache *tvn_code_cache_open(const struct tvn_code_cache_place *place,
                                           uint64_t max_bytes)
{
    tvn_assert(place && place->directory);
    TVN_AUTO(tvn_code_cache) cache = tvn_calloc(1, sizeof(*cache));
    if (!cache) {
        return NULL;
    }
    cache->max_bytes = max_bytes ? max_bytes : TVN_CODE_CACHE_BYTES_DEFAULT;
    cache->directory_fd = -1;
    enum tvn_status status =
        tvn_code_open_directory(place->directory, DIRECTORY_FORBIDDEN, &cache->directory_fd);
    if (status == TVN_EXISTS) {
        tvn_log_warn("compiled code is not kept, because '%s' is not private to this user: "
                     "it must be a directory of theirs with mode 0700",
                     place->directory);
        return NULL;
    }
    if (status != TVN_OK || find_secret(place, cache) != TVN_OK) {
        tvn_log_debug("compiled code is not kept in '%s'", place->directory);
        return NULL;
    }
    return TVN_TAKE(cache);
}

void tvn_code_cache_close(struct tvn_code_cache *cache)
{
    if (cache) {
        tvn_fd_close(&cache->directory_fd);
        explicit_bzero(cache->secret, sizeof(cache->secret));
        tvn_free(cache);
    }
}

/* ---- one file ---- */

enum tvn_status tvn_code_key_of(const char *settings, struct tvn_str wasm,
                                struct tvn_code_key *out_key)
{
    tvn_assert(settings && out_key);
    /* The NULs keep the parts apart. */
    const struct tvn_str parts[] = {
        {KEY_DOMAIN, sizeof(KEY_DOMAIN)}, {settings, strlen(settings) + 1}, wasm};
    struct tvn_sha256 digest;
    TVN_TRY(tvn_sha256_of(parts, TVN_ARRAY_LEN(parts), &digest));
    tvn_sha256_text(&digest, out_key->text);
    return TVN_OK;
}

static enum tvn_status seal(const struct tvn_code_cache *cache, const struct tvn_code_key *key,
                            struct tvn_str code, struct tvn_code_trailer *out_trailer)
{
    memcpy(out_trailer->magic, magic, sizeof(magic));
    out_trailer->code_length = code.len;
    const struct tvn_str parts[] = {
        {(const char *)out_trailer, offsetof(struct tvn_code_trailer, mac)},
        {key->text, sizeof(key->text)},
        code,
    };
    return tvn_hmac_sha256_of((struct tvn_str){(const char *)cache->secret, sizeof(cache->secret)},
                              parts, TVN_ARRAY_LEN(parts), &out_trailer->mac);
}

/* The whole file is `bytes`. */
static bool is_sealed(const struct tvn_code_cache *cache, const struct tvn_code_key *key,
                      struct tvn_str bytes)
{
    struct tvn_code_trailer found, expected;
    tvn_assert(bytes.len > sizeof(found));
    size_t code_length = bytes.len - sizeof(found);
    memcpy(&found, bytes.ptr + code_length, sizeof(found));
    return memcmp(found.magic, magic, sizeof(magic)) == 0 && found.code_length == code_length &&
           seal(cache, key, tvn_str_slice(bytes, 0, code_length), &expected) == TVN_OK &&
           tvn_sha256_equal(&found.mac, &expected.mac);
}

static bool check_content(const struct tvn_code_cache *cache, const struct tvn_code_key *key,
                          int fd, uint64_t length)
{
    if (length <= sizeof(struct tvn_code_trailer) || length > SIZE_MAX) {
        return false;
    }
    /* Our own writers replace files and never change them, so the mapping stays whole. */
    void *bytes = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return false;
    }
    bool sealed = is_sealed(cache, key, (struct tvn_str){bytes, (size_t)length});
    munmap(bytes, (size_t)length);
    return sealed;
}

/* Notes that it is in use, roughly; what is not noted is evicted earlier, no more. */
static void touch(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && time(NULL) - status.st_mtime > TOUCH_AGE_SECONDS) {
        (void)futimens(fd, NULL);
    }
}

void tvn_code_cache_remove(struct tvn_code_cache *cache, const struct tvn_code_key *key)
{
    tvn_assert(cache && key);
    (void)unlinkat(cache->directory_fd, key->text, 0);
}

enum tvn_status tvn_code_cache_find(struct tvn_code_cache *cache, const struct tvn_code_key *key,
                                    int *out_fd)
{
    tvn_assert(cache && key && out_fd);
    int fd = -1;
    uint64_t length = 0;
    enum tvn_status status = tvn_code_open_file(cache->directory_fd, key->text, &fd, &length);
    if (status == TVN_NOT_FOUND) {
        return TVN_NOT_FOUND;
    }
    if (status != TVN_OK || !check_content(cache, key, fd, length)) {
        tvn_log_debug("kept code '%s' is damaged or not ours, compiling again", key->text);
        tvn_fd_close(&fd);
        tvn_code_cache_remove(cache, key);
        return TVN_NOT_FOUND;
    }
    touch(fd);
    *out_fd = fd;
    return TVN_OK;
}

bool tvn_code_cache_put(struct tvn_code_cache *cache, const struct tvn_code_key *key,
                        struct tvn_str code)
{
    tvn_assert(cache && key);
    tvn_assert(code.ptr && code.len > 0);
    struct tvn_code_trailer trailer;
    char name[TVN_CODE_TEMP_BYTES];
    int fd;
    if (code.len > cache->max_bytes || seal(cache, key, code, &trailer) != TVN_OK ||
        tvn_code_create_temp(cache->directory_fd, name, &fd) != TVN_OK) {
        return false;
    }
    bool kept = tvn_fd_write_all(fd, code.ptr, code.len) == TVN_OK &&
                tvn_fd_write_all(fd, &trailer, sizeof(trailer)) == TVN_OK && fsync(fd) == 0 &&
                renameat(cache->directory_fd, name, cache->directory_fd, key->text) == 0;
    if (!kept) {
        tvn_log_debug("compiled code could not be kept: %s", strerror(errno));
        (void)unlinkat(cache->directory_fd, name, 0);
    }
    tvn_fd_close(&fd);
    return kept;
}

/* ---- eviction ---- */

struct kept_file {
    struct timespec used;
    uint64_t bytes;
    struct tvn_code_key key;
};

struct kept_files {
    TVN_VEC(struct kept_file) files;
    uint64_t bytes;
};

static bool is_key(const char *name)
{
    return strspn(name, "0123456789abcdef") == TVN_SHA256_TEXT_BYTES - 1 &&
           name[TVN_SHA256_TEXT_BYTES - 1] == '\0';
}

/* Anything that is neither ours nor a leftover is let alone. */
static void look_at(struct tvn_code_cache *cache, const char *name, struct kept_files *kept)
{
    bool temp = strncmp(name, TVN_CODE_TEMP_PREFIX, strlen(TVN_CODE_TEMP_PREFIX)) == 0;
    struct stat status;
    if ((!temp && !is_key(name)) ||
        fstatat(cache->directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return;
    }
    if (temp) {
        if (time(NULL) - status.st_mtime > TEMP_AGE_SECONDS) {
            (void)unlinkat(cache->directory_fd, name, 0);
        }
        return;
    }
    struct kept_file file = {.used = status.st_mtim, .bytes = (uint64_t)status.st_size};
    memcpy(file.key.text, name, sizeof(file.key.text));
    enum tvn_status pushed = tvn_vec_push(&kept->files, TVN_CODE_FILES_MAX, file);
    if (pushed == TVN_OK) {
        kept->bytes += file.bytes;
    } else {
        tvn_code_cache_remove(cache, &file.key);
    }
}

static int compare_use(const void *a, const void *b)
{
    const struct kept_file *left = a, *right = b;
    if (left->used.tv_sec != right->used.tv_sec) {
        return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
    }
    if (left->used.tv_nsec != right->used.tv_nsec) {
        return left->used.tv_nsec < right->used.tv_nsec ? -1 : 1;
    }
    return memcmp(left->key.text, right->key.text, sizeof(left->key.text));
}

void tvn_code_cache_sweep(struct tvn_code_cache *cache)
{
    tvn_assert(cache);
    int fd = openat(cache->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        tvn_fd_close(&fd);
        return;
    }
    struct kept_files kept = {0};
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        look_at(cache, entry->d_name, &kept);
    }
    closedir(directory);
    if (kept.bytes > cache->max_bytes) {
        qsort(kept.files.items, kept.files.count, sizeof(kept.files.items[0]), compare_use);
    }
    for (size_t i = 0; i < kept.files.count && kept.bytes > cache->max_bytes; i++) {
        tvn_code_cache_remove(cache, &kept.files.items[i].key);
        kept.bytes -= kept.files.items[i].bytes;
    }
    tvn_vec_deinit(&kept.files);
}
