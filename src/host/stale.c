/* SPDX-License-Identifier: Apache-2.0 */
#include "host/stale.h"

#include "toolchain/build.h"

static bool is_said(const struct tvn_diag_sink *sink, struct tvn_str message)
{
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        if (tvn_str_equal(tvn_str_of(tvn_diag_at(sink, i)->message), message)) {
            return true;
        }
    }
    return false;
}

/* What the stage's node names, or the only one of an implicit flow; NULL: a file. */
static const struct tvn_manifest_component *declared(const struct tvn_link *link,
                                                     const struct tvn_link_stage *stage)
{
    if (stage->node) {
        return tvn_manifest_find_component(link->manifest, stage->node->component);
    }
    return link->manifest->component_count == 1 ? &link->manifest->components[0] : NULL;
}

void host_warn_stale(const struct tvn_link *link, struct tvn_diag_sink *sink)
{
    for (uint32_t i = 0; i < link->stage_count; i++) {
        const struct tvn_link_stage *stage = &link->stages[i];
        const struct tvn_manifest_component *component =
            stage->kind == TVN_LINK_STAGE_COMPONENT ? declared(link, stage) : NULL;
        const char *source = component ? tvn_build_newer_source(link->manifest, component,
                                                                stage->component->path, link->arena)
                                       : NULL;
        TVN_AUTO_VALUE(tvn_strbuf) message = {0};
        if (source) {
            tvn_strbuf_printf(&message, "component '%s' is older than its source '%s'",
                              component->name, source);
        }
        if (source && !message.failed && !is_said(sink, tvn_strbuf_view(&message))) {
            tvn_diag_warning(sink, TVN_OK, component->name_span, "%s", tvn_strbuf_text(&message));
            tvn_diag_help(sink, "torvyn build");
        }
    }
}
