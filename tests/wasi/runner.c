/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi-runner [--grant CAPABILITY]… [--env NAME=VALUE]… [--landlock] COMPONENT ARGUMENT
 *
 * Runs the component's `run` once under the grants, with the process's standard streams. Exits with
 * 0 or 1 as it answers, 70 after a fault, which goes to stderr, 77 when the kernel has no Landlock,
 * 2 for mistakes of the caller.
 */
#include "base/arena.h"
#include "base/file.h"
#include "component/engine.h"
#include "component/instance.h"
#include "component/limits.h"
#include "security/capability.h"
#include "wasi/landlock.h"
#include "wasi/wasi.h"

#include <stdio.h>
#include <string.h>

enum {
    CONTEXT = 1,
    ITEMS_MAX = 32,
    TIMEOUT_MS = 30000,
    MEMORY_BYTES = 32 << 20,
    EXIT_USAGE = 2,
    EXIT_FAULT = 70,
    EXIT_SKIPPED = 77
};

struct options {
    struct tvn_grant grants[ITEMS_MAX];
    size_t grant_count;
    const char *environment[ITEMS_MAX + 1]; /* NULL at the end */
    size_t environment_count;
    bool landlock;
    const char *path;
    const char *argument;
};

static int complain(const struct tvn_diag_sink *sink, const char *what)
{
    (void)fprintf(stderr, "wasi-runner: %s\n", what);
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        (void)fprintf(stderr, "%s: %s\n", tvn_status_code(tvn_diag_at(sink, i)->code),
                      tvn_diag_at(sink, i)->message);
    }
    return EXIT_USAGE;
}

/* ---- what WASI asks for ---- */

static bool check(void *context, enum tvn_capability capability, const char *scope)
{
    const struct options *options = context;
    for (size_t i = 0; i < options->grant_count; i++) {
        if (tvn_grant_covers(&options->grants[i], capability, scope)) {
            return true;
        }
    }
    return false;
}

static enum tvn_status write_out(void *context, enum tvn_wasi_stream_kind stream, const char *bytes,
                                 size_t length)
{
    (void)context;
    return tvn_fd_write_all(stream == TVN_WASI_STDOUT ? 1 : 2, bytes, length);
}

static const struct tvn_wasi_ops wasi_ops = {.check = check, .write = write_out};

/* ---- the run ---- */

static int call_run(struct tvn_instance *instance)
{
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    const struct tvn_export *run = tvn_instance_find_export(instance, TVN_STR(""), TVN_STR("run"));
    if (!arena || !run) {
        (void)fputs("wasi-runner: the component has no export 'run'\n", stderr);
        return EXIT_USAGE;
    }
    struct tvn_value result = {0};
    enum tvn_status status = tvn_export_invoke(run, NULL, 0, arena, &result);
    return status == TVN_OK ? (int)result.of.variant.index : EXIT_FAULT;
}

static int run_instance(struct tvn_engine *engine, struct tvn_imports *imports,
                        const struct tvn_component *component, struct tvn_wasi *wasi,
                        struct tvn_diag_sink *sink)
{
    struct tvn_instance_options options = {
        .name = "program",
        .imports = imports,
        .contexts = {[CONTEXT] = wasi},
        .max_memory_bytes = MEMORY_BYTES,
    };
    TVN_AUTO(tvn_instance) instance = NULL;
    if (tvn_instance_create(engine, component, &options, TIMEOUT_MS, sink, &instance) != TVN_OK) {
        return complain(sink, "cannot instantiate");
    }
    tvn_instance_set_limits(instance, TIMEOUT_MS, 0);
    int result = call_run(instance);
    tvn_wasi_flush(wasi);
    if (result == EXIT_FAULT) {
        const struct tvn_fault *fault = tvn_instance_fault(instance);
        (void)fprintf(stderr, "%s: %s\n", tvn_status_code(fault->code), fault->text);
    }
    return result;
}

static int run_component(const struct options *options, struct tvn_engine *engine,
                         struct tvn_imports *imports, const struct tvn_wasi_world *world,
                         struct tvn_diag_sink *sink)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    TVN_AUTO(tvn_component) component = NULL;
    if (tvn_file_read(options->path, TVN_COMPONENT_BYTES_MAX, &bytes) != TVN_OK ||
        tvn_component_decode((const uint8_t *)bytes.ptr, bytes.len,
                             tvn_diag_add_binary_source(sink, options->path), sink,
                             &component) != TVN_OK ||
        tvn_component_compile(component, engine, sink) != TVN_OK) {
        return complain(sink, "cannot load the component");
    }
    const struct tvn_sandbox sandbox = {.component = "program",
                                        .max_memory_bytes = MEMORY_BYTES,
                                        .invocation_timeout_ms = TIMEOUT_MS,
                                        .grants = options->grants,
                                        .grant_count = options->grant_count};
    const struct tvn_wasi_options wasi_options = {.world = world,
                                                  .sandbox = &sandbox,
                                                  .ops = &wasi_ops,
                                                  .context = (void *)options,
                                                  .argument = options->argument,
                                                  .environment = options->environment,
                                                  .stdin_fd = 0,
                                                  .cancel_fd = -1};
    TVN_AUTO(tvn_wasi) wasi = NULL;
    if (tvn_wasi_create(&wasi_options, &wasi) != TVN_OK) {
        return complain(sink, "no memory");
    }
    if (options->landlock) {
        enum tvn_status status = tvn_wasi_landlock((const struct tvn_sandbox *[]){&sandbox}, 1);
        if (status != TVN_OK) {
            return status == TVN_NOT_FOUND ? EXIT_SKIPPED : complain(sink, "Landlock failed");
        }
    }
    return run_instance(engine, imports, component, wasi, sink);
}

static bool parse(int argc, char **argv, struct tvn_arena *arena, struct tvn_diag_sink *sink,
                  struct options *options)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--landlock") == 0) {
            options->landlock = true;
        } else if (strcmp(argv[i], "--grant") == 0 && i + 1 < argc &&
                   options->grant_count < ITEMS_MAX) {
            if (tvn_grant_parse(arena, tvn_str_of(argv[++i]), TVN_SPAN_NONE, sink,
                                &options->grants[options->grant_count++]) != TVN_OK) {
                return false;
            }
        } else if (strcmp(argv[i], "--env") == 0 && i + 1 < argc &&
                   options->environment_count < ITEMS_MAX) {
            options->environment[options->environment_count++] = argv[++i];
        } else {
            return false;
        }
    }
    if (i + 2 != argc) {
        return false;
    }
    options->path = argv[i];
    options->argument = argv[i + 1];
    return true;
}

int main(int argc, char **argv)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct options options = {0};
    if (!sink || !arena || !parse(argc, argv, arena, sink, &options)) {
        return complain(sink, "[--grant CAPABILITY]… [--env NAME=VALUE]… [--landlock] COMPONENT "
                              "ARGUMENT");
    }
    TVN_AUTO(tvn_engine) engine = NULL;
    if (tvn_engine_create(&(struct tvn_engine_options){0}, sink, &engine) != TVN_OK) {
        return complain(sink, "no engine");
    }
    TVN_AUTO(tvn_wasi_world) world = NULL;
    TVN_AUTO(tvn_imports) imports = tvn_imports_create();
    if (!imports || tvn_wasi_add_imports(imports, CONTEXT, &world) != TVN_OK) {
        return complain(sink, "no memory");
    }
    return run_component(&options, engine, imports, world, sink);
}
