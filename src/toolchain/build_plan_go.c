/* SPDX-License-Identifier: Apache-2.0 */
/* Go: a module for WASI 0.1 by go itself, whose files in torvyn/ speak the Canonical ABI; a
 * component by wasm-tools. */
#include "base/file.h"
#include "base/mem.h"
#include "toolchain/build_internal.h"
#include "toolchain/go_memory.h"

#include <errno.h>

static enum tvn_status no_source(struct build_plan *plan)
{
    (void)tvn_diag_error(plan->sink, TVN_E_IO_ERROR, plan->component->declared->name_span,
                         "%s has no source: there is no '%s'", build_needed_by(plan),
                         build_shown(plan, "go.mod"));
    tvn_diag_help(plan->sink, "write it, beside the package main of the component");
    return TVN_E_IO_ERROR;
}

static enum tvn_status compile(struct build_plan *plan, const char *go)
{
    char *here = build_working_directory(plan->arena);
    const char *module = build_in_work(plan, "go", ".wasm");
    const char **environment = TVN_ARENA_ARRAY(plan->arena, const char *, 4);
    if (!here || !module || !environment) {
        return TVN_E_OUT_OF_MEMORY;
    }
    environment[0] = "GOOS=wasip1";
    environment[1] = "GOARCH=wasm";
    environment[2] = "GOWORK=off"; /* the component is a module of its own */
    struct build_words words = {.arena = plan->arena};
    const char *const arguments[] = {go,          "build", "-buildmode=c-shared", "-buildvcs=false",
                                     "-trimpath", NULL};
    build_words_of(&words, arguments);
    if (plan->options->release) {
        build_word(&words, "-ldflags=-s -w");
    }
    build_word(&words, "-o");
    build_word(&words, build_join(plan->arena, here, module));
    build_word(&words, ".");
    return build_add_step(
        plan, &words,
        (struct build_step){.environment = environment, .directory = plan->root, .name = "go"});
}

static enum tvn_status not_ours(struct build_plan *plan, const char *path)
{
    (void)tvn_diag_error(plan->sink, TVN_E_COMPONENT_INVALID, TVN_SPAN_NONE,
                         "'%s', which go made of %s, cannot become a component", path,
                         build_needed_by(plan));
    tvn_diag_note(plan->sink, "it must hold the package torvyn as torvyn init writes it");
    tvn_diag_help(plan->sink, "import the package of the component's role in package main: "
                              "component/torvyn/processor, for example");
    return TVN_E_COMPONENT_INVALID;
}

/* go.wasm to shared.wasm */
static enum tvn_status share_memory(struct build_plan *plan)
{
    const char *from = build_in_work(plan, "go", ".wasm");
    const char *to = build_in_work(plan, "shared", ".wasm");
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    TVN_AUTO_VALUE(tvn_strbuf) changed = {.max = TVN_BUILD_COMPONENT_BYTES_MAX};
    if (!from || !to) {
        return build_no_memory(plan->sink);
    }
    if (tvn_file_read(from, TVN_BUILD_COMPONENT_BYTES_MAX, &bytes) != TVN_OK) {
        return tvn_diag_error(plan->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "'%s' cannot be read: %s",
                              from, strerror(errno));
    }
    enum tvn_status status =
        tvn_go_memory_share((struct tvn_str){(const char *)bytes.ptr, bytes.len}, &changed);
    if (status == TVN_E_OUT_OF_MEMORY) {
        return build_no_memory(plan->sink);
    }
    if (status != TVN_OK) {
        return not_ours(plan, from);
    }
    if (tvn_file_put(to, tvn_strbuf_view(&changed)) != TVN_OK) {
        return tvn_diag_error(plan->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "'%s' cannot be written: %s", to, strerror(errno));
    }
    return TVN_OK;
}

static enum tvn_status add_world(struct build_plan *plan)
{
    const char *tool = NULL;
    TVN_TRY(tvn_probe_require(plan->options->probe, TVN_TOOL_WASM_TOOLS, build_needed_by(plan),
                              plan->sink, &tool));
    struct build_words words = {.arena = plan->arena};
    const char *const arguments[] = {
        tool,
        "component",
        "embed",
        plan->component->wit,
        "--world",
        plan->component->world,
        build_in_work(plan, "shared", ".wasm"),
        "-o",
        build_in_work(plan, "module", ".wasm"),
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(arguments); i++) {
        build_word(&words, arguments[i]);
    }
    return build_add_step(plan, &words, (struct build_step){.name = "wasm-tools"});
}

enum tvn_status build_plan_go(struct build_plan *plan)
{
    const char *module = build_join(plan->arena, plan->root, "go.mod");
    const char *go = NULL;
    if (!module) {
        return TVN_E_OUT_OF_MEMORY;
    }
    if (!tvn_file_exists(module)) {
        return no_source(plan);
    }
    TVN_TRY(tvn_probe_require(plan->options->probe, TVN_TOOL_GO, build_needed_by(plan), plan->sink,
                              &go));
    TVN_TRY(compile(plan, go));
    struct build_words none = {.arena = plan->arena};
    TVN_TRY(
        build_add_step(plan, &none, (struct build_step){.act = share_memory, .name = "memory"}));
    TVN_TRY(add_world(plan));
    return build_component(plan);
}
