/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which path is answered by whom. A new one is a row of the table, and a function declared in
 * inspection.h.
 */
#include "base/assert.h"
#include "host/inspection.h"

struct route {
    bool is_post;
    const char *path; /* "{flow}" stands for the name of a flow */
    tvn_inspection_answer answer;
};

static const struct route routes[] = {
    {false, "/health", tvn_inspection_get_health},
    {false, "/metrics", tvn_inspection_get_metrics},
    {false, "/flows", tvn_inspection_get_flows},
    {false, "/flows/{flow}", tvn_inspection_get_flow},
    {true, "/level", tvn_inspection_post_process_level},
    {false, "/flows/{flow}/tap", tvn_inspection_get_tap},
    {true, "/flows/{flow}/level", tvn_inspection_post_level},
    {true, "/flows/{flow}/pause", tvn_inspection_post_pause},
    {true, "/flows/{flow}/resume", tvn_inspection_post_resume},
    {true, "/flows/{flow}/drain", tvn_inspection_post_drain},
    {true, "/flows/{flow}/cancel", tvn_inspection_post_cancel},
};

/* Takes "/name" off the front of *rest; false when there is none. */
static bool next_segment(struct tvn_str *rest, struct tvn_str *out_name)
{
    if (rest->len == 0 || rest->ptr[0] != '/') {
        return false;
    }
    struct tvn_str after = tvn_str_slice(*rest, 1, rest->len);
    size_t slash = tvn_str_find(after, '/');
    size_t end = slash == SIZE_MAX ? after.len : slash;
    *out_name = tvn_str_slice(after, 0, end);
    *rest = tvn_str_slice(after, end, after.len);
    return true;
}

static struct tvn_host_flow *find_flow(const struct tvn_inspection *inspection,
                                       struct tvn_str escaped)
{
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    tvn_http_unescape(escaped, &name);
    for (uint32_t i = 0; i < inspection->host->flow_count && !name.failed; i++) {
        struct tvn_host_flow *flow = &inspection->host->flows[i];
        if (tvn_str_is(tvn_strbuf_view(&name), flow->link->flow_name)) {
            return flow;
        }
    }
    return NULL;
}

static bool matches(const struct tvn_inspection *inspection, const struct route *route,
                    struct tvn_str path, struct tvn_inspection_call *call)
{
    struct tvn_str pattern = tvn_str_of(route->path);
    struct tvn_str wanted;
    struct tvn_str given;
    while (next_segment(&pattern, &wanted)) {
        if (!next_segment(&path, &given)) {
            return false;
        }
        if (tvn_str_is(wanted, "{flow}")) {
            call->flow = find_flow(inspection, given);
            if (!call->flow) {
                return false;
            }
        } else if (!tvn_str_equal(wanted, given)) {
            return false;
        }
    }
    return path.len == 0;
}

void tvn_inspection_refuse(struct tvn_http_response *response, unsigned status, const char *why)
{
    tvn_assert(response && why);
    response->status = status;
    tvn_strbuf_printf(&response->body, "{\"error\":\"%s\"}\n", why);
}

void tvn_inspection_route(void *context, const struct tvn_http_request *request,
                          struct tvn_http_response *response)
{
    struct tvn_inspection *inspection = context;
    for (size_t i = 0; i < TVN_ARRAY_LEN(routes); i++) {
        struct tvn_inspection_call call = {.request = request};
        if (!matches(inspection, &routes[i], request->path, &call)) {
            continue;
        }
        if (routes[i].is_post != request->is_post) {
            response->allow = routes[i].is_post ? "POST" : "GET, HEAD";
            continue;
        }
        response->allow = NULL;
        routes[i].answer(inspection, &call, response);
        return;
    }
    if (response->allow) {
        tvn_inspection_refuse(response, 405, "method not allowed");
    } else {
        tvn_inspection_refuse(response, 404, "not found");
    }
}
