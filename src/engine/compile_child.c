/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compile_child.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "engine/compile_protocol_internal.h"
#include "engine/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NS_PER_SECOND UINT64_C(1000000000)

struct child {
    const struct tvn_compile_child_options *options;
    struct tvn_diag_sink *sink;
    uint32_t cpu_seconds_max;
    uint64_t memory_bytes_max;
    int request_fd; /* what it reads, whole */
    int message_fd; /* what it says in dying */
    int answer_fd;
    int pid_fd;
    pid_t pid;
    uint64_t begin_ns;
    uint64_t told_ns; /* progress */
    uint32_t done;    /* modules */
    bool timed_out;
};

static enum tvn_status no_memory(struct child *child)
{
    return tvn_diag_error(child->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                          "no memory to compile a component");
}

/* ---- request ---- */

static enum tvn_status write_request(const struct child *child)
{
    const struct tvn_compile_child_options *options = child->options;
    const struct tvn_compile_request request = {
        .magic = TVN_COMPILE_MAGIC,
        .memory_bytes_max = child->memory_bytes_max,
        .cpu_seconds_max = child->cpu_seconds_max,
        .module_count = options->module_count,
        .fuel = options->fuel,
    };
    TVN_TRY(tvn_fd_write_all(child->request_fd, &request, sizeof(request)));
    uint64_t offset =
        sizeof(request) + options->module_count * (uint64_t)sizeof(struct tvn_compile_range);
    for (uint32_t i = 0; i < options->module_count; i++) {
        const struct tvn_compile_range range = {.offset = offset,
                                                .length = options->modules[i].wasm.len};
        TVN_TRY(tvn_fd_write_all(child->request_fd, &range, sizeof(range)));
        offset += range.length;
    }
    for (uint32_t i = 0; i < options->module_count; i++) {
        TVN_TRY(tvn_fd_write_all(child->request_fd, options->modules[i].wasm.ptr,
                                 options->modules[i].wasm.len));
    }
    return TVN_OK;
}

/* ---- starting ---- */

/* The child has default dispositions and no blocked signal, whatever the caller has. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = error ? error : posix_spawnattr_setsigmask(attributes, &none);
    return error ? error : posix_spawnattr_setsigdefault(attributes, &all);
}

static int set_descriptors(posix_spawn_file_actions_t *actions, const struct child *child,
                           int write_fd)
{
    int error = posix_spawn_file_actions_adddup2(actions, child->request_fd, 0);
    error = error ? error : posix_spawn_file_actions_adddup2(actions, write_fd, 1);
    return error ? error : posix_spawn_file_actions_adddup2(actions, child->message_fd, 2);
}

static int spawn(struct child *child, int write_fd)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int error = posix_spawnattr_init(&attributes);
    if (error) {
        return error;
    }
    error = posix_spawn_file_actions_init(&actions);
    if (!error) {
        error = set_attributes(&attributes);
        error = error ? error : set_descriptors(&actions, child, write_fd);
        char argument[] = TVN_COMPILER_ARGUMENT;
        char *const argv[] = {(char *)(uintptr_t)child->options->program, argument, NULL};
        if (!error) {
            error = posix_spawn(&child->pid, child->options->program, &actions, &attributes, argv,
                                environ);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* A descriptor that is not one of the three that the child gets: dup2 to itself would leave it to
 * be closed. */
static int above_standard(int fd)
{
    if (fd < 0 || fd > 2) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    tvn_fd_close(&fd);
    return moved;
}

static enum tvn_status start(struct child *child)
{
    int pipe_fds[2] = {-1, -1};
    child->request_fd = above_standard(memfd_create("torvyn-compile", MFD_CLOEXEC));
    child->message_fd = above_standard(memfd_create("torvyn-compile-message", MFD_CLOEXEC));
    int error = child->request_fd < 0 || child->message_fd < 0 || write_request(child) != TVN_OK ||
                        pipe2(pipe_fds, O_CLOEXEC) != 0
                    ? errno
                    : 0;
    child->answer_fd = above_standard(pipe_fds[0]);
    pipe_fds[1] = above_standard(pipe_fds[1]);
    error = error ? error : spawn(child, pipe_fds[1]);
    tvn_fd_close(&pipe_fds[1]);
    if (error) {
        (void)tvn_diag_error(child->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                             "the compiler '%s' cannot be started: %s", child->options->program,
                             strerror(error));
        tvn_diag_note(child->sink, "components are compiled in a process of their own, which is "
                                   "limited in time and memory");
        return TVN_E_IO_ERROR;
    }
    /* Without it the child is killed by its number, which is its own until it is waited for. */
    child->pid_fd = pidfd_open(child->pid, 0);
    return TVN_OK;
}

/* ---- answers ---- */

static void tell_progress(struct child *child, uint64_t now_ns)
{
    if (now_ns - child->told_ns >= NS_PER_SECOND) {
        child->told_ns = now_ns;
        if (child->options->progress) {
            child->options->progress(child->options->context, child->done,
                                     now_ns - child->begin_ns);
        }
    }
}

/* Waits until there is something to read or the child has closed its end; false when time is up. */
static bool wait_for_answer(struct child *child)
{
    uint64_t wall_ns =
        child->cpu_seconds_max * NS_PER_SECOND * TVN_COMPILE_WALL_SECONDS_PER_CPU_SECOND;
    for (;;) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        tell_progress(child, now_ns);
        if (now_ns - child->begin_ns >= wall_ns) {
            child->timed_out = true;
            return false;
        }
        uint64_t left_ns = tvn_min(wall_ns - (now_ns - child->begin_ns),
                                   NS_PER_SECOND - (now_ns - child->told_ns));
        struct pollfd fd = {.fd = child->answer_fd, .events = POLLIN};
        int ready = poll(&fd, 1, (int)(left_ns / 1000000) + 1);
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return ready > 0;
        }
    }
}

static bool read_all(struct child *child, void *bytes, size_t length)
{
    size_t done = 0;
    while (done < length && wait_for_answer(child)) {
        ssize_t got = read(child->answer_fd, (char *)bytes + done, length - done);
        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            return false;
        }
    }
    return done == length;
}

/* The engine runs out of memory as its allocator or as the system calls it. */
static bool says_no_memory(const char *text)
{
    static const char *const needles[] = {"memory allocation of", "out of memory",
                                          "Cannot allocate memory", "out-of-memory"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(needles); i++) {
        if (strstr(text, needles[i])) {
            return true;
        }
    }
    return false;
}

/* `what`: what compiling the current module needs. */
static enum tvn_status too_complex(struct child *child, const char *what)
{
    const struct tvn_compile_module *module = &child->options->modules[child->done];
    (void)tvn_diag_error(child->sink, TVN_E_COMPONENT_TOO_COMPLEX, module->at,
                         "compiling core module %" PRIu32 " (%zu bytes) %s", module->number,
                         module->wasm.len, what);
    tvn_diag_help(child->sink, "split its largest functions: thousands of locals and blocks in one "
                               "function are what takes long");
    tvn_diag_note(child->sink, "[runtime] compile_cpu_seconds and compile_memory set the limits");
    return TVN_E_COMPONENT_TOO_COMPLEX;
}

static enum tvn_status too_much_memory(struct child *child)
{
    char what[64];
    snprintf(what, sizeof(what), "needs more than %" PRIu64 " MiB of memory",
             child->memory_bytes_max >> 20);
    return too_complex(child, what);
}

static enum tvn_status too_long(struct child *child, uint64_t seconds, const char *of)
{
    char what[64];
    snprintf(what, sizeof(what), "takes longer than %" PRIu64 " s%s", seconds, of);
    return too_complex(child, what);
}

static enum tvn_status module_failed(struct child *child, const char *text)
{
    const struct tvn_compile_module *module = &child->options->modules[child->done];
    if (says_no_memory(text)) {
        return too_much_memory(child);
    }
    return tvn_diag_error(child->sink, TVN_E_COMPONENT_INVALID, module->at,
                          "core module %" PRIu32 " cannot be compiled: %s", module->number, text);
}

/* One module's answer. TVN_END: the child has ended or hangs. */
static enum tvn_status receive(struct child *child)
{
    struct tvn_compile_answer head;
    if (!read_all(child, &head, sizeof(head))) {
        return TVN_END;
    }
    uint64_t length_max = head.failed ? TVN_COMPILE_MESSAGE_BYTES_MAX : TVN_COMPILE_CODE_BYTES_MAX;
    if (head.length > length_max) {
        return too_complex(child, "makes too much code");
    }
    TVN_AUTO_FREE char *bytes = tvn_malloc((size_t)head.length + 1);
    if (!bytes) {
        return no_memory(child);
    }
    if (!read_all(child, bytes, (size_t)head.length)) {
        return TVN_END;
    }
    bytes[head.length] = '\0';
    if (head.failed) {
        return module_failed(child, bytes);
    }
    const struct tvn_compile_child_options *options = child->options;
    return options->take(options->context, child->done,
                         (struct tvn_str){bytes, (size_t)head.length}, child->sink);
}

/* ---- the end ---- */

static void kill_child(const struct child *child)
{
    if (child->pid_fd < 0 || pidfd_send_signal(child->pid_fd, SIGKILL, NULL, 0) != 0) {
        (void)kill(child->pid, SIGKILL);
    }
}

static enum tvn_status explain_death(struct child *child, int result, const struct rusage *usage)
{
    char text[TVN_COMPILE_MESSAGE_BYTES_MAX];
    ssize_t length = pread(child->message_fd, text, sizeof(text) - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    int signal_number = WIFSIGNALED(result) ? WTERMSIG(result) : 0;
    uint64_t cpu_seconds = (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec);
    if (child->timed_out) {
        return too_long(
            child, child->cpu_seconds_max * (uint64_t)TVN_COMPILE_WALL_SECONDS_PER_CPU_SECOND, "");
    }
    if (signal_number == SIGXCPU ||
        (signal_number == SIGKILL && cpu_seconds >= child->cpu_seconds_max)) {
        return too_long(child, child->cpu_seconds_max, " of processor time");
    }
    if (says_no_memory(text)) {
        return too_much_memory(child);
    }
    const struct tvn_compile_module *module = &child->options->modules[child->done];
    /* The kernel's way to say that the machine has no memory left. */
    enum tvn_status code = signal_number == SIGKILL ? TVN_E_OUT_OF_MEMORY
                           : signal_number          ? TVN_E_COMPONENT_INVALID
                                                    : TVN_E_INTERNAL;
    (void)tvn_diag_error(child->sink, code, module->at,
                         "the compiler ended at core module %" PRIu32 " with %s %d", module->number,
                         signal_number ? "signal" : "exit code",
                         signal_number ? signal_number : WEXITSTATUS(result));
    text[strcspn(text, "\r\n")] = '\0';
    if (text[0] != '\0') {
        tvn_diag_note(child->sink, "it said: %s", text);
    }
    return code;
}

static enum tvn_status finish(struct child *child, enum tvn_status status)
{
    if (status != TVN_END || child->timed_out) { /* else it ended by itself */
        kill_child(child);
    }
    int result = 0;
    struct rusage usage = {0};
    pid_t ended;
    do { /* an embedder that ignores SIGCHLD takes the result away: ECHILD */
        ended = wait4(child->pid, &result, 0, &usage);
    } while (ended < 0 && errno == EINTR);
    return status == TVN_END ? explain_death(child, result, &usage) : status;
}

enum tvn_status tvn_compile_child_run(const struct tvn_compile_child_options *options,
                                      struct tvn_diag_sink *sink)
{
    tvn_assert(options && options->program && options->take && sink);
    tvn_assert(options->modules && options->module_count > 0);
    struct child child = {
        .options = options,
        .sink = sink,
        .cpu_seconds_max =
            options->cpu_seconds_max ? options->cpu_seconds_max : TVN_COMPILE_CPU_SECONDS_DEFAULT,
        .memory_bytes_max = options->memory_bytes_max ? options->memory_bytes_max
                                                      : TVN_COMPILE_MEMORY_BYTES_DEFAULT,
        .request_fd = -1,
        .message_fd = -1,
        .answer_fd = -1,
        .pid_fd = -1,
    };
    child.begin_ns = child.told_ns = tvn_clock_monotonic_ns();
    enum tvn_status status = start(&child);
    tvn_fd_close(&child.request_fd);
    if (status == TVN_OK) {
        while (status == TVN_OK && child.done < options->module_count) {
            status = receive(&child);
            child.done += status == TVN_OK;
        }
        status = finish(&child, status);
    }
    tvn_fd_close(&child.answer_fd);
    tvn_fd_close(&child.message_fd);
    tvn_fd_close(&child.pid_fd);
    return status;
}
