/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/program.h"

#include "base/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("error: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static TVN_NORETURN void usage_error(const char *usage)
{
    fprintf(stderr, "usage: %s\n", usage);
    exit(2);
}

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end || number > max) {
        return false;
    }
    *out = number;
    return true;
}

static const struct bench_option *find(const char *name, const struct bench_option *options,
                                       uint32_t option_count)
{
    for (uint32_t i = 0; i < option_count; i++) {
        if (strcmp(name, options[i].name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

void bench_parse(int argc, char **argv, const char *usage, const struct bench_option *options,
                 uint32_t option_count, const char **positional, uint32_t positional_count)
{
    uint32_t given = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            if (given == positional_count) {
                usage_error(usage);
            }
            positional[given++] = argv[i];
            continue;
        }
        const struct bench_option *option = find(argv[i], options, option_count);
        i++;
        if (!option || i == argc || !read_number(argv[i], option->max, option->value)) {
            usage_error(usage);
        }
    }
}

void bench_check(enum tvn_status status, const struct tvn_diag_sink *sink, const char *what)
{
    if (status == TVN_OK) {
        return;
    }
    for (size_t i = 0; sink && i < tvn_diag_count(sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, i);
        fprintf(stderr, "%s: %s\n", tvn_severity_name(diagnostic->severity), diagnostic->message);
        for (size_t j = 0; j < diagnostic->note_count; j++) {
            fprintf(stderr, "  note: %s\n", diagnostic->notes[j]);
        }
    }
    bench_fail("%s: %s", what, tvn_status_code(status));
}
