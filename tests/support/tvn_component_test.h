/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Guests for unit tests: a component from the guest directory, decoded, compiled and started, with
 * one engine for the program.
 *
 *     static struct guest guest;
 *     guest_start(&guest, "echo", NULL);
 *     … guest_call(&guest, "u32", args, 1, &result) …
 *     guest_stop(&guest);
 */
#include "base/file.h"
#include "component/engine.h"
#include "component/instance.h"

#include "tvn_test.h"

struct guest {
    struct tvn_diag_sink *sink;
    struct tvn_file_bytes bytes;
    struct tvn_component *component;
    struct tvn_imports *imports; /* lent by the test, or own */
    bool own_imports;
    struct tvn_instance *instance;
    struct tvn_arena *arena; /* of results */
    struct tvn_instance_options options;
};

#define GUEST_TIMEOUT_MS 10000

#ifndef TVN_GUEST_DIR /* the build gives it */
#define TVN_GUEST_DIR "guests"
#endif

static struct tvn_engine *guest_engine;

/* Of the program's group: TVN_TEST_MAIN_WITH(name, tests, guest_engine_start, guest_engine_stop).
 */
static TVN_UNUSED int guest_engine_start_with(const struct tvn_engine_options *options)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    assert_diag_status(tvn_engine_create(options, sink, &guest_engine), TVN_OK, sink);
    tvn_test_keep_signal_handlers();
    return 0;
}

static TVN_UNUSED int guest_engine_start(void **state)
{
    (void)state;
    return guest_engine_start_with(&(struct tvn_engine_options){0});
}

static TVN_UNUSED int guest_engine_stop(void **state)
{
    (void)state;
    tvn_engine_destroy(guest_engine);
    guest_engine = NULL;
    return 0;
}

/* Decoded and compiled. */
static TVN_UNUSED void guest_load(struct guest *guest, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.wasm", TVN_GUEST_DIR, name);
    *guest = (struct guest){.sink = tvn_diag_sink_create()};
    assert_non_null(guest->sink);
    assert_status(tvn_file_read(path, TVN_COMPONENT_BYTES_MAX, &guest->bytes), TVN_OK);
    uint32_t file = tvn_diag_add_binary_source(guest->sink, path);
    assert_diag_status(tvn_component_decode(guest->bytes.ptr, guest->bytes.len, file, guest->sink,
                                            &guest->component),
                       TVN_OK, guest->sink);
    if (!guest_engine) {
        guest_engine_start(NULL);
    }
    assert_diag_status(tvn_component_compile(guest->component, guest_engine, guest->sink), TVN_OK,
                       guest->sink);
    guest->options.name = name;
}

/* The status of creating an instance; `imports` may be NULL: nothing is offered. */
static TVN_UNUSED enum tvn_status guest_instantiate(struct guest *guest,
                                                    struct tvn_imports *imports)
{
    guest->own_imports = !imports;
    guest->imports = imports ? imports : tvn_imports_create();
    guest->options.imports = guest->imports;
    guest->arena = tvn_arena_create(0);
    assert_non_null(guest->arena);
    return tvn_instance_create(guest_engine, guest->component, &guest->options, GUEST_TIMEOUT_MS,
                               guest->sink, &guest->instance);
}

static TVN_UNUSED void guest_start(struct guest *guest, const char *name,
                                   struct tvn_imports *imports)
{
    guest_load(guest, name);
    assert_diag_status(guest_instantiate(guest, imports), TVN_OK, guest->sink);
}

static TVN_UNUSED void guest_stop(struct guest *guest)
{
    tvn_instance_destroy(guest->instance);
    if (guest->own_imports) {
        tvn_imports_destroy(guest->imports);
    }
    tvn_component_destroy(guest->component);
    tvn_file_bytes_deinit(&guest->bytes);
    tvn_diag_sink_destroy(guest->sink);
    if (guest->arena) {
        tvn_arena_destroy(guest->arena);
    }
    *guest = (struct guest){0};
}

static TVN_UNUSED const struct tvn_export *guest_export(struct guest *guest, const char *name)
{
    const struct tvn_export *export =
        tvn_instance_find_export(guest->instance, (struct tvn_str){"", 0}, tvn_str_of(name));
    if (!export) {
        print_error("no export '%s'\n", name);
    }
    assert_non_null(export);
    return export;
}

static TVN_UNUSED enum tvn_status guest_call(struct guest *guest, const char *name,
                                             const struct tvn_value *args, uint32_t count,
                                             struct tvn_value *out_result)
{
    struct tvn_value ignored;
    return tvn_export_invoke(guest_export(guest, name), args, count, guest->arena,
                             out_result ? out_result : &ignored);
}

/* Functions of integers alone. */
static TVN_UNUSED enum tvn_status guest_call_u32(struct guest *guest, const char *name, uint32_t a,
                                                 uint32_t b, uint32_t *out_result)
{
    struct tvn_value args[2] = {{.of.u = a}, {.of.u = b}};
    struct tvn_value result = {0};
    enum tvn_status status =
        guest_call(guest, name, args, guest_export(guest, name)->type->param_count, &result);
    if (out_result && status == TVN_OK) {
        *out_result = (uint32_t)result.of.u;
    }
    return status;
}

#define assert_guest_fault(guest, expected, part) \
    guest_assert_fault((guest), (expected), (part), __FILE__, __LINE__)

static TVN_UNUSED void guest_assert_fault(const struct guest *guest, enum tvn_status code,
                                          const char *part, const char *file, int line)
{
    const struct tvn_fault *fault = tvn_instance_fault(guest->instance);
    if (!tvn_instance_is_dead(guest->instance) || fault->code != code ||
        !strstr(fault->text, part)) {
        print_error("fault is %s '%s', expected %s with '%s'\n", tvn_status_code(fault->code),
                    fault->text, tvn_status_code(code), part);
        _fail(file, line);
    }
}

/* A diagnostic of the sink holds `part` in its message, notes or help. */
#define assert_guest_diag(guest, part) guest_assert_diag((guest), (part), __FILE__, __LINE__)

static TVN_UNUSED void guest_assert_diag(const struct guest *guest, const char *part,
                                         const char *file, int line)
{
    for (size_t i = 0; i < tvn_diag_count(guest->sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(guest->sink, i);
        bool found = strstr(diagnostic->message, part) != NULL ||
                     (diagnostic->help && strstr(diagnostic->help, part));
        for (size_t k = 0; k < diagnostic->note_count; k++) {
            found |= strstr(diagnostic->notes[k], part) != NULL;
        }
        if (found) {
            return;
        }
        print_error("diagnostic: %s (%s)\n", diagnostic->message,
                    diagnostic->help ? diagnostic->help : "");
    }
    print_error("no diagnostic says '%s'\n", part);
    _fail(file, line);
}
