/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a whole project: `torvyn check`, `torvyn link` and `torvyn inspect` look at it.
 * Oracle: every refusal has a diagnostic, nothing is started or connected to, and no file of the
 * project changes.
 *
 * The input is files, each behind a line "//= NAME"; names that are not in the list below are left
 * out.
 */
#include "base/assert.h"
#include "host/check.h"
#include "host/inspect.h"
#include "host/link_flows.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
    "Torvyn.toml",      "wit/world.wit",           "wit/more.wit", "wit/deps/a.wit",
    "wit/deps/b/b.wit", "wit/deps/b/c.wit",        "x.wasm",       "y.wasm",
    "part/wit/p.wit",   ".torvyn/build/demo.wasm",
};
#define NAMES TVN_ARRAY_LEN(names)

static char root[PATH_MAX];

/* ---- what must not happen: these stand before the C library's ---- */

static TVN_NORETURN void forbidden(void)
{
    abort();
}

pid_t fork(void)
{
    forbidden();
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    (void)path;
    (void)argv;
    (void)envp;
    forbidden();
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    (void)pid;
    (void)path;
    (void)actions;
    (void)attributes;
    (void)argv;
    (void)envp;
    forbidden();
}

int socket(int domain, int type, int protocol)
{
    (void)domain;
    (void)type;
    (void)protocol;
    forbidden();
}

/* ---- the project ---- */

static void remove_root(void)
{
    static const char *const folders[] = {"wit/deps/b", "wit/deps",      "wit",    "part/wit",
                                          "part",       ".torvyn/build", ".torvyn"};
    if (chdir(root) == 0) {
        for (size_t i = 0; i < NAMES; i++) {
            (void)unlink(names[i]);
        }
        for (size_t i = 0; i < TVN_ARRAY_LEN(folders); i++) {
            (void)rmdir(folders[i]);
        }
        (void)!chdir("/");
        (void)rmdir(root);
    }
}

static void make_root(void)
{
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(root, sizeof(root), "%s/torvyn-fuzz-XXXXXX", temporary ? temporary : "/tmp");
    tvn_assert(mkdtemp(root));
    (void)setenv("TORVYN_HOME", root, 1); /* no configuration of the user's */
    (void)atexit(remove_root);
}

/* The inputs are named relative to the working directory, so it is left only while one is tried. */
static void make_folders(void)
{
    static const char *const folders[] = {"wit",      "wit/deps", "wit/deps/b",   "part",
                                          "part/wit", ".torvyn",  ".torvyn/build"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(folders); i++) {
        tvn_assert(mkdir(folders[i], 0700) == 0 || errno == EEXIST);
    }
}

static void write_file(struct tvn_str name, struct tvn_str content)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (!tvn_str_is(name, names[i])) {
            continue;
        }
        int fd = open(names[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        tvn_assert(fd >= 0);
        tvn_assert(write(fd, content.ptr, content.len) == (ssize_t)content.len);
        close(fd);
        return;
    }
}

static void write_files(struct tvn_str rest)
{
    static const char mark[] = "//= ";
    while (rest.len > sizeof(mark) && memcmp(rest.ptr, mark, sizeof(mark) - 1) == 0) {
        size_t line = tvn_str_find(rest, '\n');
        if (line == SIZE_MAX) {
            return;
        }
        struct tvn_str name = tvn_str_slice(rest, sizeof(mark) - 1, line);
        rest = tvn_str_slice(rest, line + 1, rest.len);
        const char *next = memmem(rest.ptr, rest.len, "\n//= ", 5);
        size_t end = next ? (size_t)(next - rest.ptr) : rest.len;
        write_file(name, tvn_str_slice(rest, 0, end));
        rest = next ? tvn_str_slice(rest, end + 1, rest.len) : (struct tvn_str){0};
    }
}

/* Names, sizes and times of everything below the working directory, as one number. */
static uint64_t state_of(const char *path, unsigned depth)
{
    uint64_t state = 0;
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        char child[PATH_MAX];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(child, sizeof(child), "%.2000s/%s", path, entry->d_name);
        tvn_assert(lstat(child, &info) == 0);
        uint64_t words[] = {(uint64_t)info.st_ino, (uint64_t)info.st_mode, (uint64_t)info.st_size,
                            (uint64_t)info.st_mtim.tv_sec, (uint64_t)info.st_mtim.tv_nsec};
        for (size_t i = 0; i < TVN_ARRAY_LEN(words); i++) {
            words[i] *= 0x9e3779b97f4a7c15u;
            state += words[i] ^ words[i] >> 29 ^ i;
        }
        state += S_ISDIR(info.st_mode) && depth < 8 ? state_of(child, depth + 1) * 31 : 0;
    }
    if (directory) {
        closedir(directory);
    }
    return state;
}

/* ---- what looks at it ---- */

static struct tvn_diag_sink *new_sink(void)
{
    struct tvn_diag_sink *sink = tvn_diag_sink_create();
    tvn_assert(sink);
    return sink;
}

static void check_diagnostics(const struct tvn_diag_sink *sink, enum tvn_status status)
{
    tvn_assert(status >= TVN_OK);
    tvn_assert(status == TVN_OK || tvn_diag_error_count(sink) > 0);
    tvn_assert(status != TVN_E_INTERNAL);
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        struct tvn_diag_place place;
        tvn_assert(tvn_diag_at(sink, i)->message[0] != '\0');
        (void)tvn_diag_locate(sink, tvn_diag_at(sink, i)->primary.span, &place);
    }
}

static void try_check(void)
{
    TVN_AUTO(tvn_diag_sink) sink = new_sink();
    TVN_AUTO_VALUE(tvn_check_report) report = {0};
    check_diagnostics(sink, tvn_host_check(NULL, sink, &report));
}

static void try_link(void)
{
    TVN_AUTO(tvn_diag_sink) sink = new_sink();
    TVN_AUTO_VALUE(tvn_flow_links) links = {0};
    const struct tvn_flow_links_options options = {0};
    check_diagnostics(sink, tvn_host_link_flows(&options, sink, &links));
}

static void try_inspect(const char *path)
{
    TVN_AUTO(tvn_diag_sink) sink = new_sink();
    TVN_AUTO(tvn_inspection) inspection = NULL;
    check_diagnostics(sink, tvn_host_inspect_file(path, sink, &inspection));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char before[PATH_MAX];
    if (root[0] == '\0') {
        make_root();
    }
    tvn_assert(getcwd(before, sizeof(before)) && chdir(root) == 0);
    make_folders();
    write_files((struct tvn_str){(const char *)data, size});
    uint64_t state = state_of(".", 0);
    try_check();
    try_link();
    try_inspect("x.wasm");
    try_inspect("wit");
    tvn_assert(state_of(".", 0) == state);
    for (size_t i = 0; i < NAMES; i++) {
        (void)unlink(names[i]);
    }
    tvn_assert(chdir(before) == 0);
    return 0;
}
