/* SPDX-License-Identifier: Apache-2.0 */
#include "host/inspect_internal.h"

#include <sys/stat.h>

bool inspect_is_wit(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return false;
    }
    return S_ISDIR(info.st_mode) ||
           (S_ISREG(info.st_mode) && tvn_str_ends_with(tvn_str_of(path), TVN_STR(".wit")));
}

static size_t file_bytes(const struct tvn_diag_sink *sink)
{
    size_t bytes = 0;
    const struct tvn_diag_source *source;
    for (uint32_t i = 1; (source = tvn_diag_source(sink, i)); i++) {
        bytes += source->text.len;
    }
    return bytes;
}

/* The first package as a file has it, the others as blocks. */
static bool print_packages(struct tvn_inspection *inspection, const struct tvn_wit *wit)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    for (size_t i = 0; i < tvn_wit_package_count(wit); i++) {
        if (i == 0) {
            tvn_wit_print_package(tvn_wit_package_at(wit, i), &text);
        } else {
            tvn_strbuf_add_char(&text, '\n');
            tvn_wit_print_nested_package(tvn_wit_package_at(wit, i), &text);
        }
    }
    inspection->wit =
        text.failed ? NULL : tvn_arena_strndup(inspection->arena, tvn_strbuf_text(&text), text.len);
    return inspection->wit != NULL;
}

/* Worlds of the first package: those that the text is about. */
static bool add_worlds(struct tvn_inspection *inspection, const struct tvn_wit *wit)
{
    struct inspect_rows rows = {0};
    const struct tvn_package *package = tvn_wit_package_at(wit, 0);
    bool good = true;
    for (size_t i = 0; i < package->world_count && good; i++) {
        const struct tvn_world *world = package->worlds[i];
        const char *name = tvn_arena_strndup(inspection->arena, world->name.ptr, world->name.len);
        good = name && inspect_world(inspection, &rows, world, name);
    }
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    tvn_package_id_print(&package->id, &name);
    inspection->name = tvn_arena_strndup(inspection->arena, tvn_strbuf_text(&name), name.len);
    return inspect_take_rows(inspection, &rows) && good && inspection->name;
}

enum tvn_status inspect_wit(struct tvn_inspection *inspection, const char *path,
                            struct tvn_diag_sink *sink)
{
    TVN_AUTO(tvn_wit) wit = tvn_wit_create();
    if (!wit) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to inspect '%s'",
                              path);
    }
    tvn_wit_enable_all_features(wit);
    TVN_TRY(tvn_wit_add_path(wit, path, sink));
    TVN_TRY(tvn_wit_resolve(wit, sink));
    inspection->is_wit = true;
    inspection->path = tvn_arena_strndup(inspection->arena, path, strlen(path));
    inspection->file_bytes = file_bytes(sink);
    if (!inspection->path || !print_packages(inspection, wit) || !add_worlds(inspection, wit)) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to inspect '%s'",
                              path);
    }
    return TVN_OK;
}
