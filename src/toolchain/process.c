/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/process.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENVIRONMENT_MAX 4096
#define SIGNAL_BASE     128
#define TICK_MS         20 /* how soon an end is seen that closes no pipe */

extern char **environ;

struct tvn_process {
    pid_t pid; /* -1: not running */
    int fd;
    int code;
    struct tvn_strbuf output;
    bool cut;
};

/* ---- starting ---- */

static size_t count_entries(const char *const *list)
{
    size_t count = 0;
    while (list && list[count]) {
        count++;
    }
    return count;
}

static bool same_name(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return length == strcspn(b, "=") && memcmp(a, b, length) == 0;
}

/* The caller's environment with `added` in place of entries of the same names. NULL: no memory. */
static const char **merged_environment(const char *const *added)
{
    size_t own = count_entries((const char *const *)environ);
    size_t more = count_entries(added);
    own = own < ENVIRONMENT_MAX ? own : ENVIRONMENT_MAX;
    const char **merged = tvn_calloc(own + more + 1, sizeof(*merged));
    if (!merged) {
        return NULL;
    }
    size_t count = 0;
    for (size_t i = 0; i < own; i++) {
        bool replaced = false;
        for (size_t k = 0; k < more; k++) {
            replaced |= same_name(environ[i], added[k]);
        }
        if (!replaced) {
            merged[count++] = environ[i];
        }
    }
    for (size_t k = 0; k < more; k++) {
        merged[count++] = added[k];
    }
    return merged;
}

/* Default dispositions and no blocked signal, whatever the caller has. */
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

static int set_actions(posix_spawn_file_actions_t *actions, const char *directory, int write_fd)
{
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    error = error ? error : posix_spawn_file_actions_adddup2(actions, write_fd, STDOUT_FILENO);
    error = error ? error : posix_spawn_file_actions_adddup2(actions, write_fd, STDERR_FILENO);
    if (!error && directory) {
        error = posix_spawn_file_actions_addchdir_np(actions, directory);
    }
    return error;
}

static int spawn(const struct tvn_process_options *options, const char **environment, int write_fd,
                 pid_t *out_pid)
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
        error = error ? error : set_actions(&actions, options->directory, write_fd);
        if (!error) {
            /* posix_spawn takes char *const[] for historical reasons and changes nothing. */
            error = posix_spawn(out_pid, options->argv[0], &actions, &attributes,
                                (char *const *)(uintptr_t)options->argv,
                                (char *const *)(uintptr_t)environment);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return error;
}

enum tvn_status tvn_process_start(const struct tvn_process_options *options,
                                  struct tvn_process **out_process)
{
    tvn_assert(options && options->argv && options->argv[0] && out_process);
    TVN_AUTO(tvn_process) process = tvn_calloc(1, sizeof(*process));
    TVN_AUTO_FREE const char **environment = merged_environment(options->environment);
    if (process) {
        process->pid = -1;
        process->fd = -1;
        tvn_strbuf_init(&process->output, TVN_PROCESS_OUTPUT_MAX);
    }
    if (!process || !environment) {
        return TVN_E_OUT_OF_MEMORY;
    }
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return TVN_NOT_FOUND;
    }
    process->fd = fds[0];
    int error = fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0
                    ? spawn(options, environment, fds[1], &process->pid)
                    : errno;
    tvn_fd_close(&fds[1]);
    if (error) {
        process->pid = -1;
        errno = error;
        return TVN_NOT_FOUND;
    }
    *out_process = TVN_TAKE(process);
    return TVN_OK;
}

void tvn_process_destroy(struct tvn_process *process)
{
    if (!process) {
        return;
    }
    int saved = errno;
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    tvn_fd_close(&process->fd);
    tvn_strbuf_deinit(&process->output);
    tvn_free(process);
    errno = saved;
}

/* ---- reading ---- */

static void keep(struct tvn_process *process, const char *bytes, size_t length)
{
    size_t room = TVN_PROCESS_OUTPUT_MAX - 1 - process->output.len;
    if (length > room) {
        length = room;
        process->cut = true;
    }
    if (!process->output.failed) {
        tvn_strbuf_add(&process->output, bytes, length);
    }
}

static void read_output(struct tvn_process *process)
{
    char bytes[4096];
    while (process->fd >= 0) {
        ssize_t length = read(process->fd, bytes, sizeof(bytes));
        if (length > 0) {
            keep(process, bytes, (size_t)length);
        } else if (length == 0) {
            tvn_fd_close(&process->fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            tvn_fd_close(&process->fd);
        }
    }
}

bool tvn_process_poll(struct tvn_process *process)
{
    read_output(process);
    if (process->pid < 0) {
        return true;
    }
    int status;
    pid_t ended = waitpid(process->pid, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) {
        return false;
    }
    process->pid = -1;
    if (ended < 0) {
        process->code = SIGNAL_BASE;
    } else {
        process->code = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_BASE + WTERMSIG(status);
    }
    read_output(process); /* what it wrote last; a process that it left behind is not waited for */
    tvn_fd_close(&process->fd);
    return true;
}

int tvn_process_fd(const struct tvn_process *process)
{
    return process->fd;
}

int tvn_process_exit_code(const struct tvn_process *process)
{
    tvn_assert(process->pid < 0);
    return process->code;
}

struct tvn_str tvn_process_output(const struct tvn_process *process)
{
    return tvn_strbuf_view(&process->output);
}

bool tvn_process_output_cut(const struct tvn_process *process)
{
    return process->cut || process->output.failed;
}

enum tvn_status tvn_process_run(const struct tvn_process_options *options, uint64_t timeout_ns,
                                struct tvn_strbuf *out, int *out_code)
{
    TVN_AUTO(tvn_process) process = NULL;
    TVN_TRY(tvn_process_start(options, &process));
    uint64_t start = tvn_clock_monotonic_ns();
    while (!tvn_process_poll(process)) {
        if (timeout_ns > 0 && tvn_clock_monotonic_ns() - start >= timeout_ns) {
            kill(process->pid, SIGKILL);
        }
        struct pollfd wait = {.fd = tvn_process_fd(process), .events = POLLIN};
        (void)poll(&wait, 1, TICK_MS);
    }
    tvn_strbuf_add_str(out, tvn_process_output(process));
    *out_code = process->code;
    return TVN_OK;
}
