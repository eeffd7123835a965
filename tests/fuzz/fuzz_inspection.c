/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what peers of the inspection server send: read, judged and answered for a host with
 * a flow, as on the socket (first byte even) or on TCP with a token (odd). Oracle: a head is
 * complete at one place however it arrives; only known statuses; every answer but /metrics is one
 * JSON value; what is refused, and what only reads, changes nothing.
 */
#include "base/assert.h"
#include "base/num.h"
#include "format/json.h"
#include "host/inspection.h"
#include "net/http_request.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char manifest[] = "[torvyn]\n"
                               "name = \"case\"\n"
                               "version = \"0.1.0\"\n"
                               "contract_version = \"0.1.0\"\n"
                               "[flow.main.nodes.source]\n"
                               "component = \"builtin:generator\"\n"
                               "interface = \"torvyn:streaming/source\"\n"
                               "[flow.main.nodes.sink]\n"
                               "component = \"builtin:file:/dev/null\"\n"
                               "interface = \"torvyn:streaming/sink\"\n"
                               "[[flow.main.edges]]\n"
                               "from = { node = \"source\", port = \"output\" }\n"
                               "to = { node = \"sink\", port = \"input\" }\n"
                               "[security]\n"
                               "audit_enabled = false\n";

static struct tvn_inspection inspection;

/* ---- a host whose flow has not begun ---- */

static char folder[PATH_MAX];

static void clean_up(void)
{
    char path[PATH_MAX + 16];
    tvn_metrics_source_destroy(inspection.metrics);
    tvn_host_destroy(inspection.host);
    (void)snprintf(path, sizeof(path), "%s/Torvyn.toml", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void make_host(void)
{
    char path[PATH_MAX + 16];
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(folder, sizeof(folder), "%s/torvyn-fuzz-XXXXXX", temporary ? temporary : "/tmp");
    tvn_assert(mkdtemp(folder));
    (void)setenv("TORVYN_HOME", folder, 1); /* no configuration of the user's */
    (void)snprintf(path, sizeof(path), "%s/Torvyn.toml", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    tvn_assert(fd >= 0 && write(fd, manifest, sizeof(manifest) - 1) == sizeof(manifest) - 1);
    close(fd);
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    const struct tvn_host_options options = {.manifest_path = path, .output_fd = STDERR_FILENO};
    tvn_assert(sink && tvn_host_create(&options, sink, &inspection.host) == TVN_OK);
    tvn_assert(tvn_metrics_source_create(inspection.host, &inspection.metrics) == TVN_OK);
    (void)atexit(clean_up);
}

/* ---- what must not change ---- */

struct state {
    enum tvn_observe_level level;
    bool pause;
    enum tvn_stop asked;
    enum tvn_stop stop;
};

static struct state state_now(void)
{
    struct tvn_host_flow *flow = &inspection.host->flows[0];
    return (struct state){
        .level = tvn_recorder_level(flow->recorder),
        .pause = flow->stop.pause,
        .asked = tvn_stop_level(&flow->asked),
        .stop = tvn_stop_level(&flow->stop.flag),
    };
}

static void expect_unchanged(struct state before)
{
    struct state now = state_now();
    tvn_assert(now.level == before.level && now.pause == before.pause);
    tvn_assert(now.asked == before.asked && now.stop == before.stop);
}

/* ---- one request ---- */

static void expect_json(struct tvn_str text)
{
    TVN_AUTO(tvn_json) root = NULL;
    struct tvn_json_error error;
    tvn_assert(tvn_json_parse(text, &root, &error) == TVN_OK);
}

static void finish_stream(struct tvn_http_response *response)
{
    char piece[512];
    for (int i = 0; i < 4; i++) {
        ssize_t length =
            response->stream.read(response->stream.context, piece, sizeof(piece), i > 0);
        tvn_assert(length <= (ssize_t)sizeof(piece));
    }
    response->stream.close(response->stream.context);
}

static void answer(const struct tvn_http_head *head, struct tvn_str body, bool is_unix)
{
    const struct tvn_http_request request = {
        .is_post = head->is_post,
        .path = head->path,
        .query = head->query,
        .body = body,
        .is_unix = is_unix,
    };
    struct state before = state_now();
    struct tvn_http_response response = {.status = 200, .content_type = "application/json"};
    tvn_inspection_route(&inspection, &request, &response);
    tvn_assert(strcmp(tvn_http_reason(response.status), "Other") != 0 && !response.body.failed);
    tvn_assert((response.status == 405) == (response.allow != NULL));
    if (!head->is_post || response.status >= 400) {
        expect_unchanged(before);
    }
    if (response.stream.read) {
        finish_stream(&response);
    } else if (strcmp(response.content_type, "application/json") == 0) {
        expect_json(tvn_strbuf_view(&response.body));
    }
    tvn_strbuf_deinit(&response.body);
}

/* Bytes of the request at the front; 0 when the connection is over. */
static size_t take_request(struct tvn_str bytes, const struct tvn_http_policy *policy, bool is_unix)
{
    struct tvn_http_head head;
    size_t length = tvn_http_head_length(bytes);
    size_t half = tvn_http_head_length(tvn_str_slice(bytes, 0, bytes.len / 2));
    tvn_assert(half == 0 || half == length);
    if (length == 0 || length == TVN_HTTP_HEAD_BROKEN || length > TVN_HTTP_HEAD_MAX) {
        return 0;
    }
    struct tvn_http_refusal refusal = tvn_http_head_parse(tvn_str_slice(bytes, 0, length), &head);
    if (refusal.status == 0) {
        tvn_assert(head.path.len > 0 && head.path.ptr[0] == '/' && head.host.ptr);
        tvn_assert(head.is_post || head.content_length == 0);
        refusal = tvn_http_judge(&head, policy);
    }
    if (refusal.status != 0) {
        tvn_assert(refusal.status >= 400 && refusal.why);
        tvn_assert(strcmp(tvn_http_reason(refusal.status), "Other") != 0);
        return 0;
    }
    tvn_assert(head.content_length <= TVN_HTTP_BODY_MAX && !head.has_origin);
    if (head.content_length > bytes.len - length) {
        return 0;
    }
    size_t end = length + (size_t)head.content_length;
    answer(&head, tvn_str_slice(bytes, length, end), is_unix);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tvn_http_policy on_socket = {0};
    static const struct tvn_http_policy on_tcp = {
        .host = "127.0.0.1", .port = 9100, .token = "0123456789abcdef0123456789abcdef"};
    if (!inspection.host) {
        make_host();
    }
    if (size == 0) {
        return 0;
    }
    bool is_unix = data[0] % 2 == 0;
    struct tvn_str rest = {(const char *)data + 1, size - 1};
    for (size_t taken = SIZE_MAX; rest.len > 0 && taken > 0;) {
        taken = take_request(rest, is_unix ? &on_socket : &on_tcp, is_unix);
        rest = tvn_str_slice(rest, taken, rest.len);
    }
    /* Ready for the next input. */
    struct tvn_host_flow *flow = &inspection.host->flows[0];
    tvn_recorder_set_level(flow->recorder, TVN_OBSERVE_PRODUCTION);
    flow->stop.pause = false;
    flow->asked = TVN_STOP_NONE;
    return 0;
}
