/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are made: beside their place, then renamed. */
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_TRIES 100

static enum tvn_status out_of_memory(void)
{
    errno = ENOMEM;
    return TVN_E_OUT_OF_MEMORY;
}

enum tvn_status tvn_file_make_folders(const char *path)
{
    TVN_AUTO_FREE char *copy = tvn_strdup(path);
    if (!copy) {
        return out_of_memory();
    }
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            return TVN_E_IO_ERROR;
        }
        *slash = '/';
    }
    return TVN_OK;
}

/* A new file beside `path`; its name is in *out_name. */
static int create_beside(const char *path, struct tvn_strbuf *out_name)
{
    for (unsigned i = 0; i < TEMPORARY_TRIES; i++) {
        tvn_strbuf_reset(out_name);
        tvn_strbuf_printf(out_name, "%s.new-%ld-%u", path, (long)getpid(), i);
        if (out_name->failed) {
            errno = ENOMEM;
            return -1;
        }
        int fd = open(tvn_strbuf_text(out_name),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

enum tvn_status tvn_file_replace(const char *path, struct tvn_str content)
{
    TVN_AUTO_VALUE(tvn_strbuf) temporary = {0};
    int fd = create_beside(path, &temporary);
    if (fd < 0) {
        return errno == ENOMEM ? TVN_E_OUT_OF_MEMORY : TVN_E_IO_ERROR;
    }
    enum tvn_status status = tvn_fd_write_all(fd, content.ptr, content.len);
    if (close(fd) != 0 && status == TVN_OK) {
        status = TVN_E_IO_ERROR;
    }
    if (status == TVN_OK && rename(tvn_strbuf_text(&temporary), path) != 0) {
        status = TVN_E_IO_ERROR;
    }
    if (status != TVN_OK) {
        int saved = errno;
        unlink(tvn_strbuf_text(&temporary));
        errno = saved;
    }
    return status;
}

enum tvn_status tvn_file_put(const char *path, struct tvn_str content)
{
    TVN_TRY(tvn_file_make_folders(path));
    return tvn_file_replace(path, content);
}
