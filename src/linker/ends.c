/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of a flow: --input and --output replace its sources and sinks; a flow without them gets
 * the built-in generator and the built-in stdout sink.
 */
#include "linker/link_internal.h"

struct end_kind {
    enum tvn_role role;
    const char *option;  /* "--input" */
    const char *name;    /* of an added stage */
    const char *builtin; /* of an added stage */
    const char *const *given;
    size_t given_count;
};

static enum tvn_status no_memory(struct tvn_link_build *build)
{
    return tvn_diag_error(build->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                          "no memory to link the flow");
}

static uint32_t count_role(const struct tvn_link *link, enum tvn_role role, uint32_t *out_last)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < link->stage_count; i++) {
        if (link->stages[i].role == role) {
            *out_last = i;
            count++;
        }
    }
    return count;
}

/* Splits NODE=SPEC when NODE names a stage; else all of it is the spec. */
static uint32_t named_stage(struct tvn_link_build *build, const char *given, const char **out_spec)
{
    const char *equals = strchr(given, '=');
    *out_spec = given;
    if (!equals) {
        return UINT32_MAX;
    }
    const char *name = tvn_arena_strndup(build->link->arena, given, (size_t)(equals - given));
    uint32_t index = name ? tvn_link_find_stage(build->link, name) : UINT32_MAX;
    if (index != UINT32_MAX) {
        *out_spec = equals + 1;
    }
    return index;
}

/* What follows this flow's name and '/' before an equals sign; NULL: it does not begin so. */
static const char *after_flow(const struct tvn_link *link, const char *given)
{
    size_t length = strlen(link->flow_name);
    bool named = strncmp(given, link->flow_name, length) == 0 && given[length] == '/';
    return named && strchr(given, '=') ? given + length + 1 : NULL;
}

/* NODE=SPEC, behind FLOW/ perhaps, whose node is the one that will be added: its spec. NULL: not
 * so. */
static const char *spec_of_added(const struct end_kind *kind, const char *after, uint32_t count)
{
    size_t length = strlen(kind->name);
    bool named = strncmp(after, kind->name, length) == 0 && after[length] == '=';
    return named && count == 0 ? after + length + 1 : NULL;
}

static enum tvn_status replace(struct tvn_link_build *build, const struct end_kind *kind,
                               const char *whole)
{
    const char *given = whole;
    const char *after = after_flow(build->link, whole);
    if (!after && build->options->one_of_several) {
        return TVN_OK; /* another flow's */
    }
    const char *spec = NULL;
    uint32_t index = named_stage(build, after ? after : given, &spec);
    if (after && index == UINT32_MAX) { /* no node of it: a path, or a mistake */
        uint32_t ignored = 0;
        spec = spec_of_added(kind, after, count_role(build->link, kind->role, &ignored));
        if (!spec && build->options->one_of_several) {
            return tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, TVN_SPAN_NONE,
                                  "%s %s: flow '%s' has no such node", kind->option, given,
                                  build->link->flow_name);
        }
        spec = spec ? spec : given;
    }
    uint32_t last = 0;
    uint32_t count = count_role(build->link, kind->role, &last);
    if (index == UINT32_MAX) {
        const char *of_added = after ? NULL : spec_of_added(kind, given, count);
        spec = of_added ? of_added : spec;
        if (count > 1) {
            (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, TVN_SPAN_NONE,
                                 "%s %s: flow '%s' has several %ss", kind->option, given,
                                 build->link->flow_name, tvn_role_name(kind->role));
            tvn_diag_help(build->sink, "name the node: %s NODE=%s", kind->option, given);
            return TVN_E_TOPOLOGY_INVALID;
        }
        if (count == 0) { /* an end will be added: remember it by adding it now */
            struct tvn_link_stage added = {.kind = TVN_LINK_STAGE_BUILTIN,
                                           .name = kind->name,
                                           .config = "",
                                           .role = kind->role,
                                           .builtin = spec};
            return tvn_link_add_stage(build, &added) ? TVN_OK : no_memory(build);
        }
        index = last;
    }
    struct tvn_link_stage *stage = &build->link->stages[index];
    if (stage->role != kind->role) {
        return tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, TVN_SPAN_NONE,
                              "%s %s: node '%s' is a %s, not a %s", kind->option, given,
                              stage->name, tvn_role_name(stage->role), tvn_role_name(kind->role));
    }
    stage->kind = TVN_LINK_STAGE_BUILTIN;
    stage->builtin = spec;
    stage->replaced = true;
    return TVN_OK;
}

/*
 * The only stage whose input (or output) nothing is connected to; UINT32_MAX when there is none or
 * several. The other end, if it was added too, counts only when there is nothing else: with
 * --output a lone processor has no input and neither has the sink that --output added.
 */
static uint32_t open_end(const struct tvn_link *link, enum tvn_role end)
{
    enum tvn_role other = end == TVN_ROLE_SOURCE ? TVN_ROLE_SINK : TVN_ROLE_SOURCE;
    uint32_t found = UINT32_MAX;
    uint32_t found_other = UINT32_MAX;
    for (uint32_t i = 0; i < link->stage_count; i++) {
        bool connected = link->stages[i].role == end;
        for (uint32_t e = 0; e < link->edge_count; e++) {
            connected |= end == TVN_ROLE_SOURCE ? link->edges[e].to == i : link->edges[e].from == i;
        }
        if (connected) {
            continue;
        }
        bool added = link->stages[i].role == other && !link->stages[i].node;
        uint32_t *place = added ? &found_other : &found;
        if (*place != UINT32_MAX) {
            return UINT32_MAX;
        }
        *place = i;
    }
    return found != UINT32_MAX ? found : found_other;
}

/* Adds the end if the flow has none, and connects an end that nobody connected (added ones). */
static enum tvn_status complete(struct tvn_link_build *build, const struct end_kind *kind)
{
    struct tvn_link *link = build->link;
    uint32_t end = 0;
    uint32_t count = count_role(link, kind->role, &end);
    if (count == 0) {
        struct tvn_link_stage added = {.kind = TVN_LINK_STAGE_BUILTIN,
                                       .name = kind->name,
                                       .config = "",
                                       .role = kind->role,
                                       .builtin = kind->builtin};
        if (!tvn_link_add_stage(build, &added)) {
            return no_memory(build);
        }
        end = link->stage_count - 1;
    } else if (count > 1 || link->stages[end].node) {
        return TVN_OK;
    }
    uint32_t inner = open_end(link, kind->role);
    if (inner == UINT32_MAX) {
        return TVN_OK; /* the graph check says what is wrong */
    }
    bool is_source = kind->role == TVN_ROLE_SOURCE;
    link->edges[link->edge_count++] = (struct tvn_link_edge){
        .from = is_source ? end : inner,
        .to = is_source ? inner : end,
        .from_port = "output",
        .to_port = "input",
        .backpressure = link->flow ? link->flow->backpressure : link->manifest->config.backpressure,
    };
    return TVN_OK;
}

enum tvn_status tvn_link_apply_ends(struct tvn_link_build *build)
{
    const struct tvn_link_options *options = build->options;
    const struct end_kind kinds[] = {
        {TVN_ROLE_SOURCE, "--input", "source", "generator", options->inputs, options->input_count},
        {TVN_ROLE_SINK, "--output", "sink", "stdout", options->outputs, options->output_count},
    };
    for (size_t k = 0; k < TVN_ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; i < kinds[k].given_count; i++) {
            TVN_TRY(replace(build, &kinds[k], kinds[k].given[i]));
        }
    }
    TVN_TRY(complete(build, &kinds[0]));
    return complete(build, &kinds[1]);
}
