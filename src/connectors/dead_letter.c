/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/dead_letter.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/connector_internal.h"
#include "format/base64.h"
#include "format/json_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct tvn_dead_letter_file {
    int fd;
    enum tvn_dead_letter_payload payload;
    uint64_t max_bytes;
    struct tvn_strbuf line;
    bool torn; /* the last write ended within a line */
    uint64_t lost;
    const char *why;
};

/* The folder of the file may be missing, its parents may not. */
static enum tvn_status open_file(struct tvn_dead_letter_file *file, const char *path)
{
    TVN_AUTO_FREE char *directory = tvn_path_dirname(path);
    if (!directory) {
        return TVN_E_OUT_OF_MEMORY;
    }
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return TVN_E_IO_ERROR;
    }
    /* A pipe that nobody reads must not hold the flow: O_NONBLOCK means nothing to a file. */
    file->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat info;
    if (file->fd < 0 || fstat(file->fd, &info) != 0) {
        return TVN_E_IO_ERROR;
    }
    if (!S_ISREG(info.st_mode)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    /* Flows may share it, line by line; with a sink it would get mixed up. */
    return tvn_connector_lock(file->fd, LOCK_SH);
}

enum tvn_status tvn_dead_letter_open(const char *path, enum tvn_dead_letter_payload payload,
                                     uint64_t max_file_bytes,
                                     struct tvn_dead_letter_file **out_file)
{
    tvn_assert(path && out_file);
    TVN_AUTO(tvn_dead_letter_file) file = tvn_calloc(1, sizeof(*file));
    if (!file) {
        return TVN_E_OUT_OF_MEMORY;
    }
    file->fd = -1;
    file->payload = payload;
    file->max_bytes = max_file_bytes;
    tvn_strbuf_init(&file->line, TVN_DEAD_LETTER_LINE_MAX);
    enum tvn_status status = open_file(file, path);
    if (status != TVN_OK) {
        int error = errno;
        tvn_dead_letter_close(TVN_TAKE(file));
        errno = error;
        return status;
    }
    *out_file = TVN_TAKE(file);
    return TVN_OK;
}

void tvn_dead_letter_close(struct tvn_dead_letter_file *file)
{
    if (!file) {
        return;
    }
    tvn_fd_close(&file->fd);
    tvn_strbuf_deinit(&file->line);
    tvn_free(file);
}

static void add_payload(struct tvn_dead_letter_file *file, struct tvn_json_writer *json,
                        const struct tvn_dead_letter *letter)
{
    if (file->payload == TVN_DEAD_LETTER_OMIT) {
        return;
    }
    if (file->payload == TVN_DEAD_LETTER_TEXT &&
        tvn_utf8_valid(letter->payload, letter->payload_bytes)) {
        const char *text = letter->payload ? (const char *)letter->payload : "";
        tvn_json_key(json, "payload");
        tvn_json_write_str(json, (struct tvn_str){text, letter->payload_bytes});
        return;
    }
    tvn_json_key(json, "payload_base64");
    tvn_json_write_text(json, "");
    /* Its digits need no escape: they go between the two quotes. */
    tvn_assert(file->line.failed || file->line.ptr[file->line.len - 1] == '"');
    if (!file->line.failed) {
        file->line.len--;
    }
    tvn_base64_add(&file->line, letter->payload, letter->payload_bytes);
    tvn_strbuf_add_char(&file->line, '"');
}

static void format_line(struct tvn_dead_letter_file *file, const struct tvn_dead_letter *letter)
{
    struct tvn_json_writer json;
    tvn_strbuf_reset(&file->line);
    if (file->torn) {
        tvn_strbuf_add_char(&file->line, '\n');
    }
    tvn_json_writer_init(&json, &file->line, 0);
    tvn_json_begin_object(&json);
    tvn_json_field_text(&json, "flow", letter->flow);
    tvn_json_field_text(&json, "node", letter->node);
    tvn_json_field_u64(&json, "sequence", letter->sequence);
    tvn_json_field_u64(&json, "timestamp_ns", letter->timestamp_ns);
    tvn_json_field_text(&json, "code",
                        letter->code == TVN_OK ? NULL : tvn_status_code(letter->code));
    tvn_json_field_text(&json, "error", letter->error);
    tvn_json_field_text(&json, "cause", letter->cause);
    tvn_json_field_u64(&json, "attempts", letter->attempts);
    tvn_json_key(&json, "content_type");
    tvn_json_write_str(&json, letter->content_type);
    add_payload(file, &json, letter);
    tvn_json_end_object(&json);
    tvn_strbuf_add_char(&file->line, '\n');
}

static void lose(struct tvn_dead_letter_file *file, const char *why)
{
    if (file->lost++ == 0) {
        file->why = why;
    }
}

static void write_line(struct tvn_dead_letter_file *file)
{
    struct stat info;
    if (file->line.failed) {
        lose(file, "the element is too large for a line");
    } else if (fstat(file->fd, &info) != 0) {
        lose(file, strerrordesc_np(errno));
    } else if ((uint64_t)info.st_size > file->max_bytes ||
               file->line.len > file->max_bytes - (uint64_t)info.st_size) {
        lose(file, "the file has reached dead_letter_max_size");
    } else if (tvn_fd_write_all(file->fd, file->line.ptr, file->line.len) != TVN_OK) {
        lose(file, strerrordesc_np(errno));
        file->torn = true;
    } else {
        file->torn = false;
    }
}

bool tvn_dead_letter_write(struct tvn_dead_letter_file *file, const struct tvn_dead_letter *letter)
{
    tvn_assert(file && letter);
    tvn_assert(letter->flow && letter->node && letter->cause);
    uint64_t lost = file->lost;
    format_line(file, letter);
    write_line(file);
    if (file->line.len > TVN_DEAD_LETTER_KEPT_BYTES || file->line.failed) {
        tvn_strbuf_deinit(&file->line);
        tvn_strbuf_init(&file->line, TVN_DEAD_LETTER_LINE_MAX);
    }
    return file->lost == lost;
}

uint64_t tvn_dead_letter_lost(const struct tvn_dead_letter_file *file, const char **out_why)
{
    *out_why = file->why ? file->why : "";
    return file->lost;
}
