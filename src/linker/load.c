/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "component/limits.h"
#include "linker/link_internal.h"

#include <errno.h>

uint32_t tvn_link_component_roles(const struct tvn_component *component)
{
    const struct tvn_world *world = tvn_component_world(component);
    uint32_t roles = 0;
    for (size_t i = 0; i < world->export_count; i++) {
        enum tvn_role role;
        if (world->exports[i].kind == TVN_WORLD_INTERFACE &&
            tvn_role_from_interface(world->exports[i].name, &role)) {
            roles |= 1u << role;
        }
    }
    return roles;
}

static enum tvn_status read_failed(struct tvn_link_build *build, enum tvn_status status,
                                   const char *path, struct tvn_span at)
{
    int error = errno;
    switch ((int)status) {
    case TVN_NOT_FOUND:
        (void)tvn_diag_error(build->sink, TVN_E_COMPONENT_NOT_FOUND, at,
                             "component file '%s' does not exist", path);
        tvn_diag_help(build->sink,
                      "build the component first, or correct the path (relative to the manifest)");
        return TVN_E_COMPONENT_NOT_FOUND;
    case TVN_FULL:
        (void)tvn_diag_error(build->sink, TVN_E_COMPONENT_TOO_COMPLEX, at,
                             "component file '%s' is larger than %zu MiB", path,
                             TVN_COMPONENT_BYTES_MAX >> 20);
        return TVN_E_COMPONENT_TOO_COMPLEX;
    case TVN_E_OUT_OF_MEMORY:
        return tvn_diag_error(build->sink, TVN_E_OUT_OF_MEMORY, at,
                              "no memory for component file '%s'", path);
    default:
        (void)tvn_diag_error(build->sink, TVN_E_IO_ERROR, at,
                             "component file '%s' cannot be read: %s", path,
                             error == ENOTSUP ? "it is no regular file" : strerror(error));
        if (error == EISDIR || error == ENOTSUP) {
            tvn_diag_help(build->sink, "name the component's .wasm file");
        }
        return TVN_E_IO_ERROR;
    }
}

enum tvn_status tvn_link_load(struct tvn_link_build *build, const char *path, struct tvn_span at,
                              struct tvn_link_component **out_component)
{
    struct tvn_link *link = build->link;
    for (uint32_t i = 0; i < link->component_count; i++) {
        if (strcmp(link->components[i].path, path) == 0) {
            *out_component = &link->components[i];
            return TVN_OK;
        }
    }
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    enum tvn_status status = tvn_file_read_regular(path, TVN_COMPONENT_BYTES_MAX, &bytes);
    if (status != TVN_OK) {
        return read_failed(build, status, path, at);
    }
    uint32_t file = tvn_diag_add_binary_source(build->sink, path);
    struct tvn_component *component;
    TVN_TRY(tvn_component_decode(bytes.ptr, bytes.len, file, build->sink, &component));
    /* There is room: one per stage at most. */
    struct tvn_link_component *entry = &link->components[link->component_count++];
    *entry = (struct tvn_link_component){
        .path = path, .component = component, .bytes = TVN_TAKE(bytes.ptr)};
    *out_component = entry;
    return TVN_OK;
}
