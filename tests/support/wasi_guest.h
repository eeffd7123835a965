/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A component that runs on the WASI host: loaded and compiled once per test program, instantiated
 * once per test with the grants that the test wants. Calls are dynamic and answer with what they
 * returned.
 */
#include "base/file.h"
#include "component/engine.h"
#include "component/instance.h"
#include "wasi/wasi.h"

#include "tvn_test.h"
#include "wasi_recorder.h"

#define WASI_CONTEXT         1
#define WASI_GUEST_BYTES_MAX ((size_t)16 << 20)

/* What a test program has one of. */
struct wasi_guest {
    struct tvn_engine *engine;
    struct tvn_imports *imports;
    struct tvn_wasi_world *world;
    struct tvn_file_bytes bytes;
    struct tvn_component *component;
};

/* What a test has. */
struct wasi_run {
    struct recorder recorder;
    struct tvn_sandbox sandbox;
    struct tvn_wasi *wasi;
    struct tvn_instance *instance;
    struct tvn_arena *arena;
    _Atomic int cancel;
};

static inline void wasi_print_diags(const struct tvn_diag_sink *sink)
{
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        print_error("%s: %s\n", tvn_status_code(tvn_diag_at(sink, i)->code),
                    tvn_diag_at(sink, i)->message);
    }
}

static inline int wasi_guest_load(struct wasi_guest *guest, const char *file)
{
    struct tvn_diag_sink *sink = tvn_diag_sink_create();
    struct tvn_engine_options options = {.max_memory_bytes = (uint64_t)64 << 20};
    guest->imports = tvn_imports_create();
    bool loaded = tvn_engine_create(&options, sink, &guest->engine) == TVN_OK && guest->imports &&
                  tvn_wasi_add_imports(guest->imports, WASI_CONTEXT, &guest->world) == TVN_OK &&
                  tvn_file_read(file, WASI_GUEST_BYTES_MAX, &guest->bytes) == TVN_OK &&
                  tvn_component_decode(guest->bytes.ptr, guest->bytes.len,
                                       tvn_diag_add_binary_source(sink, file), sink,
                                       &guest->component) == TVN_OK &&
                  tvn_component_compile(guest->component, guest->engine, sink) == TVN_OK;
    tvn_test_keep_signal_handlers();
    wasi_print_diags(sink);
    tvn_diag_sink_destroy(sink);
    return loaded ? 0 : -1;
}

static inline void wasi_guest_unload(struct wasi_guest *guest)
{
    tvn_component_destroy(guest->component);
    tvn_file_bytes_deinit(&guest->bytes);
    tvn_imports_destroy(guest->imports);
    tvn_wasi_world_destroy(guest->world);
    tvn_engine_destroy(guest->engine);
}

/* grants: what the guest may do. options: may set argument, environment, stdin_fd, cancel_fd. */
static inline void wasi_run_start(struct wasi_run *run, const struct wasi_guest *guest,
                                  const struct tvn_grant *grants, size_t grant_count,
                                  struct tvn_wasi_options options)
{
    *run = (struct wasi_run){0};
    run->sandbox =
        (struct tvn_sandbox){.component = "guest", .grants = grants, .grant_count = grant_count};
    run->recorder.sandbox = &run->sandbox;
    options.world = guest->world;
    options.sandbox = &run->sandbox;
    options.ops = &recorder_ops;
    options.context = &run->recorder;
    options.cancel = &run->cancel;
    run->arena = tvn_arena_create(0);
    assert_non_null(run->arena);
    assert_status(tvn_wasi_create(&options, &run->wasi), TVN_OK);
    struct tvn_instance_options instance_options = {
        .name = "guest",
        .imports = guest->imports,
        .contexts = {[WASI_CONTEXT] = run->wasi},
        .max_memory_bytes = (uint64_t)64 << 20,
        .cancel = &run->cancel,
    };
    struct tvn_diag_sink *sink = tvn_diag_sink_create();
    enum tvn_status status = tvn_instance_create(guest->engine, guest->component, &instance_options,
                                                 10000, sink, &run->instance);
    wasi_print_diags(sink);
    tvn_diag_sink_destroy(sink);
    assert_status(status, TVN_OK);
}

static inline void wasi_run_end(struct wasi_run *run)
{
    tvn_wasi_flush(run->wasi);
    tvn_instance_destroy(run->instance);
    tvn_wasi_destroy(run->wasi);
    tvn_arena_destroy(run->arena);
    recorder_deinit(&run->recorder);
}

static inline enum tvn_status wasi_invoke(struct wasi_run *run, const char *name,
                                          const struct tvn_value *args, uint32_t count,
                                          struct tvn_value *out_result)
{
    const struct tvn_export *export =
        tvn_instance_find_export(run->instance, TVN_STR(""), tvn_str_of(name));
    assert_non_null(export);
    return tvn_export_invoke(export, args, count, run->arena, out_result);
}

/* A call that succeeds. WASI_CALL(run, "write", wasi_text("x")) */
static inline struct tvn_value wasi_call(struct wasi_run *run, const char *name,
                                         const struct tvn_value *args, uint32_t count)
{
    struct tvn_value result = {0};
    enum tvn_status status = wasi_invoke(run, name, args, count, &result);
    if (status != TVN_OK) {
        print_error("%s: %s\n", name, tvn_instance_fault(run->instance)->text);
    }
    assert_status(status, TVN_OK);
    return result;
}
#define WASI_ARGS(...)         \
    (const struct tvn_value[]) \
    {                          \
        __VA_ARGS__            \
    }
#define WASI_COUNT(...)       (uint32_t)(TVN_ARRAY_LEN(((const struct tvn_value[]){__VA_ARGS__})))
#define WASI_CALL0(run, name) wasi_call((run), (name), NULL, 0)
#define WASI_CALL(run, name, ...) \
    wasi_call((run), (name), WASI_ARGS(__VA_ARGS__), WASI_COUNT(__VA_ARGS__))

/* A call that kills the instance; the fault's text has `text` in it. */
static inline void wasi_assert_fault(struct wasi_run *run, const char *name,
                                     const struct tvn_value *args, uint32_t count,
                                     enum tvn_status code, const char *text)
{
    struct tvn_value result = {0};
    assert_status(wasi_invoke(run, name, args, count, &result), code);
    const struct tvn_fault *fault = tvn_instance_fault(run->instance);
    assert_status(fault->code, code);
    if (!strstr(fault->text, text)) {
        fail_msg("fault is '%s', expected '%s' in it", fault->text, text);
    }
}
#define WASI_FAULT0(run, name, code, text) wasi_assert_fault((run), (name), NULL, 0, (code), (text))
#define WASI_FAULT(run, name, code, text, ...)                                                \
    wasi_assert_fault((run), (name), WASI_ARGS(__VA_ARGS__), WASI_COUNT(__VA_ARGS__), (code), \
                      (text))

static inline struct tvn_value wasi_text(const char *text)
{
    return (struct tvn_value){.of.string = tvn_str_of(text)};
}
static inline struct tvn_value wasi_number(uint64_t number)
{
    return (struct tvn_value){.of.u = number};
}
static inline struct tvn_value wasi_bool(bool value)
{
    return (struct tvn_value){.of.boolean = value};
}
#define assert_reply(value, text) assert_str((value).of.string, text)
static inline struct tvn_str wasi_written(const struct wasi_run *run,
                                          enum tvn_wasi_stream_kind kind)
{
    return tvn_strbuf_view(&run->recorder.out[kind]);
}
