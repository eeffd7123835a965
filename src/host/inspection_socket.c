/* SPDX-License-Identifier: Apache-2.0 */
/* Where the inspection server listens. Nothing that is not ours is used, changed or removed. */
#include "base/file.h"
#include "host/inspection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) ==
                  sizeof(((struct tvn_inspection_socket *)0)->path),
              "a path that fits is one that can be bound");

static bool set_path(char *out, size_t size, const char *directory, const char *name)
{
    int length = snprintf(out, size, "%s/%s", directory, name);
    return length > 0 && (size_t)length < size;
}

bool tvn_inspection_state_directory(char *out, size_t size)
{
    const char *state = getenv("TORVYN_STATE_DIR");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *temporary = getenv("TMPDIR");
    int length;
    if (state && state[0]) {
        length = snprintf(out, size, "%s", state);
    } else if (runtime && runtime[0]) {
        length = snprintf(out, size, "%s/torvyn", runtime);
    } else {
        length = snprintf(out, size, "%s/torvyn-%lu",
                          temporary && temporary[0] ? temporary : "/tmp", (unsigned long)geteuid());
    }
    return length > 0 && (size_t)length < size;
}

bool tvn_inspection_directory_is_safe(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* What an earlier process of ours left behind. */
static void remove_own_socket(const char *path)
{
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode) && info.st_uid == geteuid()) {
        (void)unlink(path);
    }
}

/* -1 when another process has it. */
static int take_lock(const char *directory)
{
    char path[PATH_MAX];
    if (!set_path(path, sizeof(path), directory, "torvyn.lock")) {
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        tvn_fd_close(&fd);
    }
    return fd;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    /* On the socket, so that its file never has another mode. */
    if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int error = errno;
        tvn_fd_close(&fd);
        errno = error;
    }
    return fd;
}

void tvn_inspection_socket_open(struct tvn_inspection_socket *out_socket)
{
    *out_socket = (struct tvn_inspection_socket){.fd = -1, .lock_fd = -1};
    char *directory = out_socket->directory;
    char *why = out_socket->why;
    size_t why_size = sizeof(out_socket->why);
    if (!tvn_inspection_state_directory(directory, sizeof(out_socket->directory))) {
        (void)snprintf(why, why_size, "its path is too long");
        return;
    }
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        (void)snprintf(why, why_size, "it cannot be made: %s", strerror(errno));
        return;
    }
    if (!tvn_inspection_directory_is_safe(directory)) {
        (void)snprintf(why, why_size,
                       "it is no directory of this user's, or others may write to it");
        return;
    }
    out_socket->lock_fd = take_lock(directory);
    char name[40] = "torvyn.sock";
    if (out_socket->lock_fd < 0) {
        (void)snprintf(name, sizeof(name), "torvyn-%ld.sock", (long)getpid());
    }
    if (!set_path(out_socket->path, sizeof(out_socket->path), directory, name)) {
        (void)snprintf(why, why_size, "its path is too long for a socket");
        tvn_fd_close(&out_socket->lock_fd);
        return;
    }
    remove_own_socket(out_socket->path);
    out_socket->fd = listen_at(out_socket->path);
    if (out_socket->fd < 0) {
        (void)snprintf(why, why_size, "the socket cannot be made: %s", strerror(errno));
        tvn_fd_close(&out_socket->lock_fd);
    }
}

void tvn_inspection_socket_remove(struct tvn_inspection_socket *socket)
{
    remove_own_socket(socket->path);
    tvn_fd_close(&socket->lock_fd);
}
