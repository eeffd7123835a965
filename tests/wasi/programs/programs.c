/* SPDX-License-Identifier: Apache-2.0 */
/* See programs.wit. */
#include "programs.h"

#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#define FIRST_GRANT 3

static bool run_failed;

const char *errno_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {EACCES, "EACCES"},
        {EAGAIN, "EAGAIN"},
        {EBADF, "EBADF"},
        {EBUSY, "EBUSY"},
        {EEXIST, "EEXIST"},
        {EFBIG, "EFBIG"},
        {EINVAL, "EINVAL"},
        {EIO, "EIO"},
        {EISDIR, "EISDIR"},
        {EILSEQ, "EILSEQ"},
        {ELOOP, "ELOOP"},
        {ENAMETOOLONG, "ENAMETOOLONG"},
        {ENOENT, "ENOENT"},
        {ENOSYS, "ENOSYS"},
        {ENOTCAPABLE, "ENOTCAPABLE"},
        {ENOTDIR, "ENOTDIR"},
        {ENOTEMPTY, "ENOTEMPTY"},
        {ENOTSUP, "ENOTSUP"},
        {EPERM, "EPERM"},
        {EPIPE, "EPIPE"},
        {EROFS, "EROFS"},
        {ESPIPE, "ESPIPE"},
        {EXDEV, "EXDEV"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].error == error) {
            return names[i].name;
        }
    }
    return strerror(error);
}

void report(const char *what, long result)
{
    printf("%s: %s\n", what, result >= 0 ? "ok" : errno_name(errno));
}

void enter_grant(void)
{
    __wasi_prestat_t grant;
    char path[PATH_MAX];
    if (__wasi_fd_prestat_get(FIRST_GRANT, &grant) != 0 || grant.u.dir.pr_name_len >= PATH_MAX ||
        __wasi_fd_prestat_dir_name(FIRST_GRANT, (uint8_t *)path, grant.u.dir.pr_name_len) != 0) {
        printf("no directory is granted\n");
        return;
    }
    path[grant.u.dir.pr_name_len] = '\0';
    if (chdir(path) != 0) {
        printf("chdir: %s\n", errno_name(errno));
    }
}

bool put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    size_t length = strlen(text);
    bool done = fd >= 0 && write(fd, text, length) == (ssize_t)length;
    if (!done) {
        printf("%s: cannot be made: %s\n", path, errno_name(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

void show(const char *path)
{
    char bytes[256];
    int fd = open(path, O_RDONLY);
    ssize_t length = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : -1;
    if (length < 0) {
        printf("%s: %s\n", path, errno_name(errno));
    } else {
        printf("%s: \"", path);
        for (ssize_t i = 0; i < length; i++) {
            printf(bytes[i] >= ' ' ? "%c" : "\\%02x", bytes[i]);
        }
        printf("\"\n");
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- the choice ---- */

static void fail_run(void)
{
    printf("failing\n");
    run_failed = true;
}

static bool run_case_of(const struct program_case *cases, const char *name)
{
    for (; cases->name; cases++) {
        if (strcmp(cases->name, name) == 0) {
            cases->run();
            return true;
        }
    }
    return false;
}

bool exports_programs_run(void)
{
    static const struct program_case own_cases[] = {{"run-fails", fail_run}, {NULL, NULL}};
    const struct program_case *const tables[] = {own_cases,  file_cases,    directory_cases,
                                                 path_cases, console_cases, socket_cases};
    char name[64] = "";
    programs_list_string_t arguments;
    wasi_cli_environment_get_arguments(&arguments);
    if (arguments.len > 0) {
        snprintf(name, sizeof(name), "%.*s", (int)arguments.ptr[0].len,
                 (const char *)arguments.ptr[0].ptr);
    }
    bool found = false;
    for (size_t i = 0; !found && i < sizeof(tables) / sizeof(tables[0]); i++) {
        found = run_case_of(tables[i], name);
    }
    if (!found) {
        fprintf(stderr, "there is no case '%s'\n", name);
    }
    fflush(NULL);
    return found && !run_failed;
}
