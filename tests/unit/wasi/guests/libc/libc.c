/* SPDX-License-Identifier: Apache-2.0 */
/* See libc.wit. */
#include "libc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *text_of(const libc_string_t *string)
{
    char *text = malloc(string->len + 1);
    memcpy(text, string->ptr, string->len);
    text[string->len] = '\0';
    return text;
}

void exports_libc_print(libc_string_t *text)
{
    printf("%.*s", (int)text->len, (const char *)text->ptr);
}

void exports_libc_print_line_buffered(libc_string_t *text)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    exports_libc_print(text);
}

int32_t exports_libc_flush(void)
{
    return fflush(stdout) == 0 ? 0 : errno;
}

void exports_libc_print_error(libc_string_t *text)
{
    fprintf(stderr, "%.*s", (int)text->len, (const char *)text->ptr);
}

void exports_libc_read_all(libc_string_t *ret)
{
    size_t length = 0, capacity = 4096;
    char *bytes = malloc(capacity);
    ssize_t got;
    while ((got = read(STDIN_FILENO, bytes + length, capacity - length)) > 0) {
        length += (size_t)got;
        if (length == capacity) {
            bytes = realloc(bytes, capacity *= 2);
        }
    }
    ret->ptr = (uint8_t *)bytes;
    ret->len = length;
}

bool exports_libc_get_variable(libc_string_t *name, libc_string_t *ret)
{
    const char *value = getenv(text_of(name));
    if (value) {
        libc_string_dup(ret, value);
    }
    return value != NULL;
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t exports_libc_sleep_ms(uint32_t ms)
{
    uint64_t start = now_ns(CLOCK_MONOTONIC);
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000},
              NULL);
    return now_ns(CLOCK_MONOTONIC) - start;
}

uint64_t exports_libc_time(void)
{
    return now_ns(CLOCK_REALTIME);
}

uint32_t exports_libc_random(void)
{
    uint32_t number = 0;
    getentropy(&number, sizeof(number));
    return number;
}

int32_t exports_libc_open(libc_string_t *path)
{
    int fd = open(text_of(path), O_RDONLY);
    return fd >= 0 ? 0 : errno;
}

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s: %s\n", #condition, \
                     strerror(errno));                                                             \
        }                                                                                          \
    } while (0)

static const char *at(const char *directory, const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

void exports_libc_use_files(libc_string_t *directory, libc_string_t *ret)
{
    static char found[4096];
    const char *dir = text_of(directory);
    char line[64] = "";
    struct stat info;
    struct stat other;
    found[0] = '\0';

    FILE *file = fopen(at(dir, "notes.txt"), "w");
    EXPECT(file && fputs("one\ntwo\n", file) >= 0 && fclose(file) == 0);
    file = fopen(at(dir, "notes.txt"), "a");
    EXPECT(file && fputs("three\n", file) >= 0 && fclose(file) == 0);
    file = fopen(at(dir, "notes.txt"), "r+");
    EXPECT(file && fgets(line, sizeof(line), file) && strcmp(line, "one\n") == 0);
    EXPECT(fseek(file, 8, SEEK_SET) == 0 && fgets(line, sizeof(line), file) &&
           strcmp(line, "three\n") == 0);
    EXPECT(fseek(file, -1, SEEK_END) == 0 && fputs("!\n", file) >= 0 && fclose(file) == 0);
    EXPECT(stat(at(dir, "notes.txt"), &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 15);
    EXPECT(truncate(at(dir, "notes.txt"), 4) == 0);
    EXPECT(stat(at(dir, "notes.txt"), &info) == 0 && info.st_size == 4);

    EXPECT(mkdir(at(dir, "sub"), 0777) == 0);
    EXPECT(mkdir(at(dir, "sub"), 0777) < 0 && errno == EEXIST);
    EXPECT(link(at(dir, "notes.txt"), at(dir, "sub/linked")) == 0);
    EXPECT(stat(at(dir, "sub/linked"), &other) == 0 && other.st_ino == info.st_ino &&
           other.st_nlink == 2);
    EXPECT(symlink("linked", at(dir, "sub/soft")) == 0);
    EXPECT(readlink(at(dir, "sub/soft"), line, sizeof(line)) == 6);
    EXPECT(lstat(at(dir, "sub/soft"), &other) == 0 && S_ISLNK(other.st_mode));
    EXPECT(rename(at(dir, "notes.txt"), at(dir, "sub/moved")) == 0);
    EXPECT(stat(at(dir, "notes.txt"), &other) < 0 && errno == ENOENT);
    struct timespec times[2] = {{.tv_sec = 10}, {.tv_sec = 20}};
    EXPECT(utimensat(AT_FDCWD, at(dir, "sub/moved"), times, 0) == 0);
    EXPECT(stat(at(dir, "sub/moved"), &other) == 0 && other.st_mtim.tv_sec == 20);

    DIR *listing = opendir(at(dir, "sub"));
    int names = 0;
    struct dirent *entry;
    while (listing && (entry = readdir(listing)) != NULL) {
        names += entry->d_name[0] != '.';
    }
    EXPECT(listing && names == 3);
    int fd = listing ? openat(dirfd(listing), "new", O_CREAT | O_EXCL | O_RDWR, 0666) : -1;
    EXPECT(fd >= 0 && pwrite(fd, "xyz", 3, 2) == 3 && pread(fd, line, 3, 2) == 3 && line[2] == 'z');
    EXPECT(fsync(fd) == 0 && fdatasync(fd) == 0 && ftruncate(fd, 1) == 0 && fstat(fd, &info) == 0 &&
           info.st_size == 1);
    EXPECT(listing && mkdirat(dirfd(listing), "deeper", 0777) == 0);
    EXPECT(listing && openat(dirfd(listing), "../..", O_RDONLY) < 0);
    close(fd);
    if (listing) {
        closedir(listing);
    }
    EXPECT(rmdir(at(dir, "sub")) < 0 && errno == ENOTEMPTY);
    EXPECT(rmdir(at(dir, "sub/deeper")) == 0);
    EXPECT(unlink(at(dir, "sub/moved")) == 0 && unlink(at(dir, "sub/linked")) == 0);
    EXPECT(unlink(at(dir, "sub/soft")) == 0 && unlink(at(dir, "sub/new")) == 0);
    EXPECT(rmdir(at(dir, "sub")) == 0);
    libc_string_dup(ret, found);
}

void exports_libc_leave(int32_t code)
{
    exit(code);
}

bool exports_libc_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}
