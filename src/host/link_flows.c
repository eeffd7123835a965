/* SPDX-License-Identifier: Apache-2.0 */
#include "host/link_flows.h"

#include "base/assert.h"
#include "base/mem.h"
#include "host/contract_versions.h"
#include "host/link_wasi_internal.h"
#include "host/stale.h"
#include "pipeline/pipeline.h"
#include "security/capability.h"

#include <sys/stat.h>

void tvn_flow_links_deinit(struct tvn_flow_links *links)
{
    for (size_t i = 0; i < links->count; i++) {
        tvn_link_destroy(links->items[i].link);
    }
    tvn_free(links->items);
    tvn_manifest_destroy(links->manifest);
    *links = (struct tvn_flow_links){0};
}

static bool reports(const struct tvn_diag_sink *sink, enum tvn_status code)
{
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, i);
        if (diagnostic->severity == TVN_SEVERITY_ERROR && diagnostic->code == code) {
            return true;
        }
    }
    return false;
}

/* The interface, with its version, that the component exports for the stage's role. */
static struct tvn_str interface_of(const struct tvn_link_stage *stage)
{
    struct tvn_str plain = tvn_str_of(tvn_role_interface(stage->role));
    if (stage->kind != TVN_LINK_STAGE_COMPONENT) {
        return plain;
    }
    const struct tvn_world *world = tvn_component_world(stage->component->component);
    for (size_t i = 0; i < world->export_count; i++) {
        enum tvn_role role;
        if (tvn_role_from_interface(world->exports[i].name, &role) && role == stage->role) {
            return world->exports[i].name;
        }
    }
    return plain;
}

/* Without what every component has. */
static void add_grants(const struct tvn_sandbox *sandbox, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        if (!tvn_capability_is_intrinsic(sandbox->grants[i].capability)) {
            tvn_strbuf_add_text(out, out->len > 0 ? ", " : "");
            tvn_grant_print(&sandbox->grants[i], out);
        }
    }
}

static enum tvn_status describe(struct tvn_flow_link *item, struct tvn_diag_sink *sink)
{
    struct tvn_arena *arena = item->link->arena;
    uint32_t count = item->link->stage_count;
    struct tvn_flow_stage *stages = TVN_ARENA_ARRAY(arena, struct tvn_flow_stage, count);
    for (uint32_t i = 0; stages && i < count; i++) {
        const struct tvn_link_stage *stage = &item->link->stages[i];
        TVN_AUTO_VALUE(tvn_strbuf) grants = {0};
        add_grants(&stage->sandbox, &grants);
        struct tvn_str interface = interface_of(stage);
        stages[i].interface = tvn_arena_strndup(arena, interface.ptr, interface.len);
        stages[i].grants = tvn_arena_strndup(arena, tvn_strbuf_text(&grants), grants.len);
        if (!stages[i].interface || !stages[i].grants || grants.failed) {
            stages = NULL;
        }
    }
    item->stages = stages;
    return stages ? TVN_OK
                  : tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                                   "no memory to link the flow");
}

/* `name` NULL: the first flow, or the implicit one. */
static enum tvn_status link_one(struct tvn_flow_links *links,
                                const struct tvn_flow_links_options *options, const char *name,
                                struct tvn_diag_sink *sink)
{
    const struct tvn_link_options link_options = {.flow = name, .components = options->components};
    struct tvn_flow_link *item = &links->items[links->count];
    enum tvn_status status = tvn_link_create(links->manifest, &link_options, sink, &item->link);
    item->flow = name ? name : "main"; /* the implicit flow */
    links->count++;
    TVN_TRY(status);
    status = tvn_pipeline_check_size(item->link, sink);
    status = status == TVN_OK ? link_wasi_check(item->link, sink) : status;
    if (status != TVN_OK) {
        tvn_link_destroy(item->link);
        item->link = NULL;
        return status;
    }
    host_warn_stale(item->link, sink);
    return describe(item, sink);
}

/* A folder that is not there would go unnoticed: what is not in it is looked for elsewhere. */
static enum tvn_status check_components_folder(const char *folder, struct tvn_diag_sink *sink)
{
    struct stat info;
    if (!folder || (stat(folder, &info) == 0 && S_ISDIR(info.st_mode))) {
        return TVN_OK;
    }
    (void)tvn_diag_error(sink, TVN_E_COMPONENT_NOT_FOUND, TVN_SPAN_NONE,
                         "there is no folder '%s' of components", folder);
    tvn_diag_help(sink, "name the folder that holds the compiled components, or leave "
                        "--components out");
    return TVN_E_COMPONENT_NOT_FOUND;
}

static enum tvn_status link_flows(struct tvn_flow_links *links,
                                  const struct tvn_flow_links_options *options,
                                  struct tvn_diag_sink *sink)
{
    TVN_TRY(tvn_manifest_load(options->manifest_path, NULL, sink, &links->manifest));
    host_warn_versions(links->manifest, sink);
    TVN_TRY(check_components_folder(options->components, sink));
    const struct tvn_manifest *manifest = links->manifest;
    links->items = tvn_calloc(manifest->flow_count + 1, sizeof(*links->items));
    if (!links->items) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the flows");
    }
    const char *flow = options->flow;
    if (flow && strncmp(flow, "flow.", 5) == 0) {
        flow += 5;
    }
    if (!flow && options->first_only && manifest->flow_count > 0) {
        flow = manifest->flows[0].name;
    }
    if (flow || manifest->flow_count == 0) {
        return link_one(links, options, flow, sink);
    }
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < manifest->flow_count; i++) {
        enum tvn_status status = link_one(links, options, manifest->flows[i].name, sink);
        result = result == TVN_OK ? status : result;
    }
    return result;
}

enum tvn_status tvn_host_link_flows(const struct tvn_flow_links_options *options,
                                    struct tvn_diag_sink *sink, struct tvn_flow_links *out_links)
{
    tvn_assert(options && sink && out_links);
    *out_links = (struct tvn_flow_links){0};
    enum tvn_status status = link_flows(out_links, options, sink);
    out_links->missing =
        reports(sink, TVN_E_COMPONENT_NOT_FOUND) || reports(sink, TVN_E_MANIFEST_NOT_FOUND);
    return status;
}
