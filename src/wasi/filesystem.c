/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:filesystem, denied: there are no preopened directories, so no descriptor can ever exist and
 * no method of one can be reached.
 */
#include "wasi/context_internal.h"
#include "wasi/value_internal.h"

static enum tvn_status get_directories(const struct tvn_call_site *site,
                                       const struct tvn_value *args, uint32_t arg_count,
                                       struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)args;
    (void)arg_count;
    return tvn_wasi_items(arena, 0, out_result) ? TVN_OK : tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
}

/* No stream error comes from a file. */
static enum tvn_status filesystem_error_code(const struct tvn_call_site *site,
                                             const struct tvn_value *args, uint32_t arg_count,
                                             struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)site;
    (void)args;
    (void)arg_count;
    (void)arena;
    *out_result = tvn_wasi_case(0);
    return TVN_OK;
}

static const struct tvn_host_func type_funcs[] = {
    {.name = "filesystem-error-code", .dynamic = filesystem_error_code},
};
static const struct tvn_host_resource type_resources[] = {
    {.name = "descriptor"},
    {.name = "directory-entry-stream"},
};
static const struct tvn_host_func preopen_funcs[] = {
    {.name = "get-directories", .dynamic = get_directories},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:filesystem/types@0.2.12",
     TVN_WASI_FUNCS(type_funcs),
     TVN_WASI_RESOURCES(type_resources),
     .absent = tvn_wasi_no_such_object},
    {.id = "wasi:filesystem/preopens@0.2.12", TVN_WASI_FUNCS(preopen_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_filesystem_interfaces = {TVN_WASI_LIST(interfaces)};
