/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:cli: environment, exit, the standard streams, terminals. What lists only what was granted
 * (environment, arguments) is no use of a capability; each variable handed out is.
 */
#include "base/utf8.h"
#include "wasi/context_internal.h"
#include "wasi/value_internal.h"

#include <string.h>
#include <unistd.h>

/* ---- environment ---- */

/* Is there a grant for this variable? The owner's check has the last word and counts. */
static bool variable_is_granted(const struct tvn_sandbox *sandbox, struct tvn_str name)
{
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        const struct tvn_grant *grant = &sandbox->grants[i];
        if (grant->capability == TVN_CAP_ENVIRONMENT &&
            (!grant->scope || tvn_str_is(name, grant->scope))) {
            return true;
        }
    }
    return false;
}

/*
 * "NAME=value" as a tuple; false to leave it out: not granted, no name, not UTF-8. *out_failed when
 * memory is exhausted.
 */
static bool variable_value(const struct tvn_wasi *wasi, struct tvn_arena *arena, const char *entry,
                           struct tvn_value *out_value, bool *out_failed)
{
    struct tvn_str text = tvn_str_of(entry);
    size_t equals = tvn_str_find(text, '=');
    if (equals == 0 || equals == SIZE_MAX) {
        return false;
    }
    struct tvn_str name = tvn_str_slice(text, 0, equals);
    if (!variable_is_granted(wasi->sandbox, name) || !tvn_utf8_valid(text.ptr, text.len)) {
        return false;
    }
    const char *scope = tvn_arena_strndup(arena, name.ptr, name.len);
    struct tvn_str copy = tvn_arena_str(arena, tvn_str_slice(text, equals + 1, text.len));
    if (!scope || !copy.ptr) {
        *out_failed = true;
        return false;
    }
    if (!wasi->ops->check(wasi->context, TVN_CAP_ENVIRONMENT, scope)) {
        return false;
    }
    if (!tvn_wasi_items(arena, 2, out_value)) {
        *out_failed = true;
        return false;
    }
    out_value->of.list.items[0] = tvn_wasi_string((struct tvn_str){scope, name.len});
    out_value->of.list.items[1] = tvn_wasi_string(copy);
    return true;
}

static enum tvn_status get_environment(const struct tvn_call_site *site,
                                       const struct tvn_value *args, uint32_t arg_count,
                                       struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)args;
    (void)arg_count;
    const struct tvn_wasi *wasi = site->host;
    const char *const *environment =
        wasi->environment ? wasi->environment : (const char *const *)environ;
    uint32_t capacity = 0;
    if (tvn_sandbox_has(wasi->sandbox, TVN_CAP_ENVIRONMENT)) {
        while (environment && environment[capacity] && capacity < TVN_WASI_ENVIRONMENT_MAX) {
            capacity++;
        }
    }
    struct tvn_value list;
    bool failed = !tvn_wasi_items(arena, capacity, &list);
    uint32_t used = 0;
    for (uint32_t i = 0; i < capacity && !failed; i++) {
        used += variable_value(wasi, arena, environment[i], &list.of.list.items[used], &failed);
    }
    if (failed) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    list.of.list.count = used;
    *out_result = list;
    return TVN_OK;
}

static enum tvn_status get_arguments(const struct tvn_call_site *site, const struct tvn_value *args,
                                     uint32_t arg_count, struct tvn_arena *arena,
                                     struct tvn_value *out_result)
{
    (void)args;
    (void)arg_count;
    const struct tvn_wasi *wasi = site->host;
    struct tvn_value list;
    if (!tvn_wasi_items(arena, wasi->argument ? 1 : 0, &list)) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    if (wasi->argument) {
        list.of.list.items[0] = tvn_wasi_string(tvn_str_of(wasi->argument));
    }
    *out_result = list;
    return TVN_OK;
}

/* The answer of initial-cwd and of the terminals: output goes through torvyn, never to a terminal.
 */
static enum tvn_status none(const struct tvn_call_site *site, const struct tvn_value *args,
                            uint32_t arg_count, struct tvn_arena *arena,
                            struct tvn_value *out_result)
{
    (void)site;
    (void)args;
    (void)arg_count;
    (void)arena;
    *out_result = tvn_wasi_case(0);
    return TVN_OK;
}

/* ---- exit ---- */

/* A stage has no exit status to give: leaving ends the instance. */
static void *leave(const struct tvn_call_site *site, uint32_t code)
{
    TVN_SITE_ENTER(site);
    (void)tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED, "called exit(%u)", code);
    return tvn_site_trapped(site);
}

static void *exit_status(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    return leave(env, slots[0].u32 == 0 ? 0 : 1);
}

static void *exit_with_code(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    return leave(env, slots[0].u32 & 0xff);
}

/* ---- standard streams ---- */

static void *give_stream(const struct tvn_call_site *site, union tvn_flat *slots,
                         enum tvn_wasi_resource resource, struct tvn_byte_stream *stream)
{
    const struct tvn_wasi *wasi = site->host;
    TVN_SITE_ENTER(site);
    uint32_t handle =
        tvn_site_give_own(site, wasi->world->resources[resource], tvn_wasi_rep_of(stream));
    if (handle == 0) {
        return tvn_site_trapped(site);
    }
    tvn_byte_stream_ref(stream);
    slots[0].u64 = handle;
    return NULL;
}

static void *get_stdin(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_wasi *wasi = site->host;
    return give_stream(site, slots, TVN_WASI_INPUT_STREAM, &wasi->input.stream);
}

static void *get_stdout(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_wasi *wasi = site->host;
    return give_stream(site, slots, TVN_WASI_OUTPUT_STREAM,
                       &wasi->consoles[TVN_WASI_STDOUT].stream);
}

static void *get_stderr(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_wasi *wasi = site->host;
    return give_stream(site, slots, TVN_WASI_OUTPUT_STREAM,
                       &wasi->consoles[TVN_WASI_STDERR].stream);
}

static const struct tvn_host_func environment_funcs[] = {
    {.name = "get-environment", .dynamic = get_environment},
    {.name = "get-arguments", .dynamic = get_arguments},
    {.name = "initial-cwd", .dynamic = none},
};
static const struct tvn_host_func exit_funcs[] = {
    {.name = "exit", .raw = exit_status},
    {.name = "exit-with-code", .raw = exit_with_code},
};
static const struct tvn_host_func stdin_funcs[] = {{.name = "get-stdin", .raw = get_stdin}};
static const struct tvn_host_func stdout_funcs[] = {{.name = "get-stdout", .raw = get_stdout}};
static const struct tvn_host_func stderr_funcs[] = {{.name = "get-stderr", .raw = get_stderr}};
static const struct tvn_host_func terminal_stdin_funcs[] = {
    {.name = "get-terminal-stdin", .dynamic = none},
};
static const struct tvn_host_func terminal_stdout_funcs[] = {
    {.name = "get-terminal-stdout", .dynamic = none},
};
static const struct tvn_host_func terminal_stderr_funcs[] = {
    {.name = "get-terminal-stderr", .dynamic = none},
};
static const struct tvn_host_resource terminal_input[] = {{.name = "terminal-input"}};
static const struct tvn_host_resource terminal_output[] = {{.name = "terminal-output"}};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:cli/environment@0.2.12", TVN_WASI_FUNCS(environment_funcs)},
    {.id = "wasi:cli/exit@0.2.12", TVN_WASI_FUNCS(exit_funcs)},
    {.id = "wasi:cli/stdin@0.2.12", TVN_WASI_FUNCS(stdin_funcs)},
    {.id = "wasi:cli/stdout@0.2.12", TVN_WASI_FUNCS(stdout_funcs)},
    {.id = "wasi:cli/stderr@0.2.12", TVN_WASI_FUNCS(stderr_funcs)},
    {.id = "wasi:cli/terminal-input@0.2.12", TVN_WASI_RESOURCES(terminal_input)},
    {.id = "wasi:cli/terminal-output@0.2.12", TVN_WASI_RESOURCES(terminal_output)},
    {.id = "wasi:cli/terminal-stdin@0.2.12", TVN_WASI_FUNCS(terminal_stdin_funcs)},
    {.id = "wasi:cli/terminal-stdout@0.2.12", TVN_WASI_FUNCS(terminal_stdout_funcs)},
    {.id = "wasi:cli/terminal-stderr@0.2.12", TVN_WASI_FUNCS(terminal_stderr_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_cli_interfaces = {TVN_WASI_LIST(interfaces)};
