/* SPDX-License-Identifier: Apache-2.0 */
#include "host/peers.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/num.h"
#include "host/inspection.h"
#include "net/local_client.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ENTRIES_MAX 65536u /* of the state directory that are looked at */

/* ---- who is there ---- */

/* "torvyn.sock", "torvyn-<digits>.sock" */
static bool is_socket_name(struct tvn_str name)
{
    uint64_t pid;
    struct tvn_str prefix = TVN_STR("torvyn-");
    struct tvn_str suffix = TVN_STR(".sock");
    if (tvn_str_is(name, "torvyn.sock")) {
        return true;
    }
    return name.len > prefix.len + suffix.len && tvn_str_starts_with(name, prefix) &&
           tvn_str_ends_with(name, suffix) &&
           tvn_parse_u64(name.ptr + prefix.len, name.len - prefix.len - suffix.len, &pid);
}

/* True when a process of this user, or root's, listens there. */
static bool is_alive(struct tvn_peer *peer)
{
    struct stat info;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static_assert(sizeof(address.sun_path) == sizeof(peer->path), "a path that fits");
    memcpy(address.sun_path, peer->path, sizeof(peer->path));
    if (lstat(peer->path, &info) != 0 || !S_ISSOCK(info.st_mode) || info.st_uid != geteuid()) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    struct ucred owner = {0};
    socklen_t length = sizeof(owner);
    bool connected = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    bool busy = !connected && errno == EAGAIN; /* it listens, but its backlog is full */
    bool ours = connected && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &length) == 0 &&
                (owner.uid == geteuid() || owner.uid == 0);
    bool alive = busy || ours;
    peer->pid = ours ? owner.pid : 0;
    tvn_fd_close(&fd);
    return alive;
}

static int by_path(const void *left, const void *right)
{
    const struct tvn_peer *a = left;
    const struct tvn_peer *b = right;
    size_t length_a = strlen(a->path);
    size_t length_b = strlen(b->path);
    if (length_a != length_b) {
        return length_a < length_b ? -1 : 1; /* torvyn.sock first, small numbers before large */
    }
    return strcmp(a->path, b->path);
}

static void collect(DIR *folder, const char *directory, struct tvn_peers *peers)
{
    const struct dirent *entry = NULL;
    for (uint32_t i = 0; i < ENTRIES_MAX && (entry = readdir(folder)); i++) {
        if (peers->count == TVN_PEERS_MAX || !is_socket_name(tvn_str_of(entry->d_name))) {
            continue;
        }
        struct tvn_peer *peer = &peers->items[peers->count];
        *peer = (struct tvn_peer){0};
        int length = snprintf(peer->path, sizeof(peer->path), "%s/%s", directory, entry->d_name);
        if (length > 0 && (size_t)length < sizeof(peer->path) && is_alive(peer)) {
            peers->count++;
        }
    }
    qsort(peers->items, peers->count, sizeof(peers->items[0]), by_path);
}

enum tvn_status tvn_peers_find(struct tvn_diag_sink *sink, struct tvn_peers *out_peers)
{
    char directory[PATH_MAX];
    tvn_assert(sink && out_peers);
    out_peers->count = 0;
    if (!tvn_inspection_state_directory(directory, sizeof(directory))) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "the state directory's path is too long");
    }
    DIR *folder = opendir(directory);
    if (!folder && errno == ENOENT) {
        return TVN_OK;
    }
    if (!folder) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "the state directory '%s' cannot be read: %s", directory,
                              strerror(errno));
    }
    enum tvn_status status = TVN_OK;
    if (tvn_inspection_directory_is_safe(directory)) {
        collect(folder, directory, out_peers);
    } else {
        status = tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                                "the state directory '%s' is not ours, or others may write to it",
                                directory);
    }
    (void)closedir(folder);
    return status;
}

/* ---- one answer ---- */

struct tvn_json *tvn_peer_ask(const struct tvn_peer *peer, const char *target, const char *post,
                              const char **out_why)
{
    const struct tvn_local_request request = {
        .socket_path = peer->path,
        .target = target,
        .post = post,
        .body_max = TVN_PEER_ANSWER_MAX,
        .timeout_ms = TVN_PEER_TIMEOUT_MS,
    };
    TVN_AUTO_VALUE(tvn_strbuf) body = {0};
    unsigned status = 0;
    enum tvn_local_result result = tvn_local_call(&request, &status, &body);
    if (result != TVN_LOCAL_ANSWERED) {
        *out_why = tvn_local_result_text(result);
        return NULL;
    }
    if (status < 200 || status > 299) {
        *out_why = status == 404 ? "it is not there any more" : "the process refuses";
        return NULL;
    }
    struct tvn_json *value = NULL;
    struct tvn_json_error error;
    if (tvn_json_parse(tvn_strbuf_view(&body), &value, &error) != TVN_OK) {
        *out_why = "the answer is no JSON";
        return NULL;
    }
    return value;
}

/* ---- answers that go on ---- */

struct line_reader {
    const struct tvn_peer_reader *reader;
    struct tvn_strbuf line;
    const char *why;
};

static bool take_line(struct line_reader *lines)
{
    TVN_AUTO(tvn_json) object = NULL;
    struct tvn_json_error error;
    if (tvn_json_parse(tvn_strbuf_view(&lines->line), &object, &error) != TVN_OK ||
        tvn_json_kind(object) != TVN_JSON_OBJECT) {
        lines->why = "a line is no JSON object";
        return false;
    }
    tvn_strbuf_reset(&lines->line);
    return lines->reader->take(lines->reader->context, object);
}

static bool take_bytes(void *context, struct tvn_str bytes)
{
    struct line_reader *lines = context;
    while (bytes.len > 0) {
        size_t end = tvn_str_find(bytes, '\n');
        bool is_whole = end != SIZE_MAX;
        size_t length = is_whole ? end : bytes.len;
        tvn_strbuf_add(&lines->line, bytes.ptr, length);
        if (lines->line.failed) {
            lines->why = "a line is too long";
            return false;
        }
        if (is_whole && !take_line(lines)) {
            return false;
        }
        bytes = tvn_str_slice(bytes, is_whole ? length + 1 : length, bytes.len);
    }
    return true;
}

static bool goes_on(void *context)
{
    const struct line_reader *lines = context;
    return lines->reader->goes_on(lines->reader->context);
}

const char *tvn_peer_read(const struct tvn_peer *peer, const char *target,
                          const struct tvn_peer_reader *reader)
{
    struct line_reader lines = {.reader = reader};
    const struct tvn_local_request request = {
        .socket_path = peer->path,
        .target = target,
        .body_max = TVN_PEER_LINE_MAX,
        .timeout_ms = 2 * TVN_PEER_TIMEOUT_MS,
        .take = take_bytes,
        .goes_on = goes_on,
        .context = &lines,
    };
    TVN_AUTO_VALUE(tvn_strbuf) body = {0};
    unsigned status = 200;
    tvn_strbuf_init(&lines.line, TVN_PEER_LINE_MAX);
    enum tvn_local_result result = tvn_local_call(&request, &status, &body);
    tvn_strbuf_deinit(&lines.line);
    if (result == TVN_LOCAL_STOPPED) {
        return lines.why;
    }
    if (result == TVN_LOCAL_ANSWERED) {
        return status == 200   ? NULL
               : status == 503 ? "the flow has as many taps as it can"
                               : "the process refuses";
    }
    return tvn_local_result_text(result);
}
