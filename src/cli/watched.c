/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watched.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdio.h>

static void destroy(struct tvn_watched_reading *reading)
{
    if (reading) {
        tvn_arena_destroy(reading->arena);
        tvn_free(reading);
    }
}

void tvn_watched_flows_deinit(struct tvn_watched_flows *watched)
{
    destroy(watched->last);
    destroy(watched->before);
    *watched = (struct tvn_watched_flows){0};
}

/* False, and why not in the reading, when the answer is not what it must be. */
static bool read_flow(struct tvn_watched_reading *reading, uint32_t peer, struct tvn_str id)
{
    char target[TVN_SAMPLE_NAME_MAX + 16];
    (void)snprintf(target, sizeof(target), "/flows/%.*s", TVN_STR_ARG(id));
    TVN_AUTO(tvn_json)
    json = tvn_peer_ask(&reading->peers.items[peer], target, NULL, &reading->why[peer]);
    if (!json) {
        return false;
    }
    if (reading->flow_count == TVN_WATCHED_FLOWS_MAX) {
        reading->left_out++;
        return true;
    }
    struct tvn_watched_flow *flow = &reading->flows[reading->flow_count];
    if (!tvn_flow_sample_read(json, reading->arena, &flow->sample)) {
        reading->why[peer] = "the answer is not that of this version of torvyn";
        return false;
    }
    flow->peer = peer;
    reading->flow_count++;
    return true;
}

static void read_peer(struct tvn_watched_reading *reading, uint32_t peer, const char *only)
{
    TVN_AUTO(tvn_json)
    json = tvn_peer_ask(&reading->peers.items[peer], "/flows", NULL, &reading->why[peer]);
    if (!json) {
        return;
    }
    const struct tvn_json *flows = tvn_json_get(json, "flows");
    if (!flows || tvn_json_kind(flows) != TVN_JSON_ARRAY) {
        reading->why[peer] = "the answer is not that of this version of torvyn";
        return;
    }
    for (size_t i = 0; i < tvn_json_count(flows); i++) {
        const struct tvn_json *id = tvn_json_get(tvn_json_at(flows, i), "id");
        if (!id || tvn_json_kind(id) != TVN_JSON_STRING ||
            !tvn_sample_is_flow_name(tvn_json_string(id))) {
            reading->why[peer] = "it names a flow as none can be named";
            return;
        }
        if ((!only || tvn_str_is(tvn_json_string(id), only)) &&
            !read_flow(reading, peer, tvn_json_string(id))) {
            return;
        }
    }
}

enum tvn_status tvn_watched_read(struct tvn_watched_flows *watched, const char *flow, uint64_t pid,
                                 struct tvn_diag_sink *sink)
{
    struct tvn_watched_reading *reading = tvn_calloc(1, sizeof(*reading));
    if (reading) {
        reading->arena = tvn_arena_create(0);
    }
    if (!reading || !reading->arena) {
        destroy(reading);
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to read the flows");
    }
    enum tvn_status status = tvn_peers_find(sink, &reading->peers);
    if (status != TVN_OK) {
        destroy(reading);
        return status;
    }
    for (uint32_t i = 0; i < reading->peers.count; i++) {
        if (pid == 0 || (uint64_t)reading->peers.items[i].pid == pid) {
            read_peer(reading, i, flow);
        }
    }
    destroy(watched->before);
    watched->before = watched->last;
    watched->last = reading;
    return TVN_OK;
}

const char *tvn_watched_problem(const struct tvn_watched_flows *watched, struct tvn_strbuf *text)
{
    tvn_assert(watched->last && text);
    const struct tvn_watched_reading *reading = watched->last;
    for (uint32_t i = 0; i < reading->peers.count; i++) {
        if (reading->why[i]) {
            tvn_strbuf_add_text(text, "the process at ");
            tvn_strbuf_add_escaped(text, tvn_str_of(reading->peers.items[i].path));
            tvn_strbuf_printf(text, " could not be asked: %s", reading->why[i]);
            return text->failed ? NULL : tvn_strbuf_text(text);
        }
    }
    return NULL;
}

const struct tvn_flow_sample *tvn_watched_earlier(const struct tvn_watched_flows *watched,
                                                  uint32_t flow)
{
    tvn_assert(watched->last && flow < watched->last->flow_count);
    const struct tvn_watched_flow *now = &watched->last->flows[flow];
    const struct tvn_watched_reading *before = watched->before;
    for (uint32_t i = 0; before && i < before->flow_count; i++) {
        const struct tvn_watched_flow *then = &before->flows[i];
        if (before->peers.items[then->peer].pid == watched->last->peers.items[now->peer].pid &&
            tvn_flow_sample_follows(&then->sample, &now->sample)) {
            return &then->sample;
        }
    }
    return NULL;
}
