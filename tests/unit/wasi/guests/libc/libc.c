/* SPDX-License-Identifier: Apache-2.0 */
/* See libc.wit. */
#include "libc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

void exports_libc_leave(int32_t code)
{
    exit(code);
}

bool exports_libc_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}
