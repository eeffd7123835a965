/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams, environment, ends, clocks, random numbers, waits. */
#include "cases.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_lines(void)
{
    printf("one\ntwo\n");
    fflush(stdout);
    printf("three\n");
}

static void print_unfinished(void)
{
    printf("no end");
}

static void print_error(void)
{
    fprintf(stderr, "an error\n");
    printf("a line\n");
}

static void print_binary(void)
{
    const char bytes[] = {'a', '\0', '\x01', '\xff', '\n'};
    fwrite(bytes, 1, sizeof(bytes), stdout);
}

static void print_much(void)
{
    for (int i = 0; i < 20000; i++) {
        printf("line %d\n", i);
    }
}

static void print_long_line(void)
{
    for (int i = 0; i < 100000; i++) {
        putchar('x');
    }
    putchar('\n');
}

static void print_nothing(void)
{
    printf("write: %zd\n", write(STDOUT_FILENO, "", 0));
}

static void print_refused(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    fprintf(stderr, "%s\n", printf("x\n") < 0 ? "refused" : "printed");
}

static void copy_input(void)
{
    char bytes[1000];
    ssize_t got;
    size_t total = 0;
    while ((got = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0) {
        fwrite(bytes, 1, (size_t)got, stdout);
        total += (size_t)got;
    }
    fprintf(stderr, "%zu bytes, then %zd\n", total, got);
}

static void count_input(void)
{
    unsigned lines = 0;
    char line[100];
    while (fgets(line, sizeof(line), stdin)) {
        lines++;
    }
    printf("%u lines, end: %d\n", lines, feof(stdin) != 0);
}

static void input_is_no_file(void)
{
    report("seek", lseek(STDIN_FILENO, 0, SEEK_SET));
    printf("terminal: %d %d %d\n", isatty(0), isatty(1), isatty(2));
}

/* ---- environment ---- */

static void show_variable(const char *name)
{
    const char *value = getenv(name);
    printf("%s=%s\n", name, value ? value : "(not set)");
}

static void variables(void)
{
    show_variable("ONE");
    show_variable("TWO");
    show_variable("EMPTY");
}

static void variables_changed(void)
{
    setenv("ONE", "changed", 1);
    unsetenv("TWO");
    show_variable("ONE");
    show_variable("TWO");
}

/* ---- ends ---- */

static void leave_well(void)
{
    printf("leaving\n");
    exit(0);
}

static void leave_badly(void)
{
    printf("leaving\n");
    exit(3);
}

static void at_end(void)
{
    printf("at the end\n");
}

static void leave_in_order(void)
{
    atexit(at_end);
    printf("leaving\n");
    exit(0);
}

static void leave_at_once(void)
{
    printf("never seen");
    _Exit(4);
}

static void abort_program(void)
{
    abort();
}

static void divide_by_zero(void)
{
    volatile int zero = 0;
    printf("%d\n", 100 / zero);
}

static int recurse(volatile int depth)
{
    volatile char frame[1000];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

static void overflow_stack(void)
{
    printf("%d\n", recurse(0));
}

static void exhaust_memory(void)
{
    size_t total = 0;
    void *volatile taken; /* or the compiler knows that nobody looks */
    while ((taken = malloc(1 << 20))) {
        total++;
    }
    printf("%s, errno %s\n", total > 8 && total < 256 ? "an end" : "no end",
           errno == ENOMEM ? "ENOMEM" : "other");
}

/* ---- clocks ---- */

static uint64_t now_ns(clockid_t clock)
{
    struct timespec time = {0};
    if (clock_gettime(clock, &time) != 0) {
        report("clock_gettime", -1);
    }
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void clock_monotonic(void)
{
    uint64_t last = now_ns(CLOCK_MONOTONIC);
    bool forwards = true;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = now_ns(CLOCK_MONOTONIC);
        forwards &= now >= last;
        last = now;
    }
    printf("%s\n", forwards ? "forwards" : "backwards");
}

static void clock_wall(void)
{
    time_t now = time(NULL);
    printf("%s\n", now > 1700000000 && now < 7000000000 ? "a date" : "no date");
}

static void clock_resolution(void)
{
    struct timespec wall = {0}, monotonic = {0};
    report("wall", clock_getres(CLOCK_REALTIME, &wall));
    report("monotonic", clock_getres(CLOCK_MONOTONIC, &monotonic));
    printf("%s\n", wall.tv_sec == 0 && wall.tv_nsec > 0 && monotonic.tv_nsec > 0 ? "fine" : "not");
}

static void sleep_some(void)
{
    uint64_t start = now_ns(CLOCK_MONOTONIC);
    report("nanosleep", nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL));
    printf("%s\n", now_ns(CLOCK_MONOTONIC) - start >= 20000000 ? "long enough" : "too short");
}

/* ---- random ---- */

static void random_bytes(void)
{
    uint8_t one[64] = {0}, two[64] = {0};
    report("getentropy", getentropy(one, sizeof(one)));
    report("getentropy", getentropy(two, sizeof(two)));
    printf("%s\n", memcmp(one, two, sizeof(one)) != 0 ? "different" : "the same");
}

static void random_too_much(void)
{
    static uint8_t bytes[257];
    report("getentropy", getentropy(bytes, sizeof(bytes)));
}

/* ---- waits ---- */

static void poll_timeout(void)
{
    uint64_t start = now_ns(CLOCK_MONOTONIC);
    struct pollfd none = {.fd = STDIN_FILENO, .events = 0};
    printf("%d\n", poll(&none, 0, 10) <= 0);
    printf("%s\n", now_ns(CLOCK_MONOTONIC) - start < UINT64_C(60000000000) ? "came back" : "late");
}

static void poll_input(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char line[16] = "";
    printf("%d\n", poll(&input, 1, 10000));
    printf("readable: %d\n", (input.revents & POLLIN) != 0);
    report("read", read(STDIN_FILENO, line, 5));
    printf("%s\n", line);
}

static void poll_output(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    printf("%d\n", poll(&output, 1, 10000));
    printf("writable: %d\n", (output.revents & POLLOUT) != 0);
}

const struct program_case console_cases[] = {
    {"stdout-lines", print_lines},
    {"stdout-unfinished", print_unfinished},
    {"stdout-binary", print_binary},
    {"stdout-much", print_much},
    {"stdout-long-line", print_long_line},
    {"stdout-nothing", print_nothing},
    {"stdout-refused", print_refused},
    {"stderr-line", print_error},
    {"stdin-copy", copy_input},
    {"stdin-lines", count_input},
    {"stdin-is-no-file", input_is_no_file},
    {"environment", variables},
    {"environment-changed", variables_changed},
    {"exit-well", leave_well},
    {"exit-badly", leave_badly},
    {"exit-in-order", leave_in_order},
    {"exit-at-once", leave_at_once},
    {"trap-abort", abort_program},
    {"trap-divide", divide_by_zero},
    {"trap-stack", overflow_stack},
    {"memory-exhausted", exhaust_memory},
    {"clock-monotonic", clock_monotonic},
    {"clock-wall", clock_wall},
    {"clock-resolution", clock_resolution},
    {"clock-sleep", sleep_some},
    {"random-bytes", random_bytes},
    {"random-too-much", random_too_much},
    {"poll-timeout", poll_timeout},
    {"poll-input", poll_input},
    {"poll-output", poll_output},
    {NULL, NULL},
};
