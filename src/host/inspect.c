/* SPDX-License-Identifier: Apache-2.0 */
#include "host/inspect.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "component/component.h"
#include "component/limits.h"
#include "contracts/version_section.h"
#include "contracts/wit.h"
#include "host/inspect_internal.h"

#include <errno.h>

void tvn_inspection_destroy(struct tvn_inspection *inspection)
{
    if (inspection) {
        tvn_arena_destroy(inspection->arena);
        tvn_free(inspection);
    }
}

static enum tvn_status no_memory(struct tvn_diag_sink *sink, const char *path)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to inspect '%s'",
                          path);
}

static enum tvn_status read_failed(struct tvn_diag_sink *sink, enum tvn_status status,
                                   const char *path)
{
    switch ((int)status) {
    case TVN_NOT_FOUND:
        (void)tvn_diag_error(sink, TVN_E_COMPONENT_NOT_FOUND, TVN_SPAN_NONE,
                             "file '%s' does not exist", path);
        tvn_diag_help(sink, "'torvyn build' leaves components in .torvyn/build");
        return TVN_E_COMPONENT_NOT_FOUND;
    case TVN_FULL:
        return tvn_diag_error(sink, TVN_E_COMPONENT_TOO_COMPLEX, TVN_SPAN_NONE,
                              "file '%s' is larger than %zu MiB", path,
                              TVN_COMPONENT_BYTES_MAX >> 20);
    case TVN_E_OUT_OF_MEMORY:
        return no_memory(sink, path);
    default:
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "file '%s' cannot be read: %s",
                              path, strerror(errno));
    }
}

/* ---- custom sections: unchecked bytes, read to the first fault ---- */

static bool read_u32(struct tvn_str *rest, uint32_t *out)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35 && rest->len > 0; shift += 7) {
        uint8_t byte = (uint8_t)rest->ptr[0];
        *rest = tvn_str_slice(*rest, 1, rest->len);
        if (shift == 28 && byte > 0x0f) {
            return false;
        }
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool read_text(struct tvn_str *rest, struct tvn_arena *arena, const char **out)
{
    uint32_t length;
    if (!read_u32(rest, &length) || length > rest->len) {
        return false;
    }
    *out = tvn_arena_strndup(arena, rest->ptr, length);
    *rest = tvn_str_slice(*rest, length, rest->len);
    return *out != NULL;
}

/* vec of field: vec of (name, version). */
static void read_producers(struct tvn_inspection *inspection, struct tvn_str section)
{
    struct tvn_inspection_producer *producers = TVN_ARENA_ARRAY(
        inspection->arena, struct tvn_inspection_producer, TVN_INSPECTION_PRODUCERS_MAX);
    inspection->producers = producers;
    uint32_t fields;
    if (!producers || !read_u32(&section, &fields)) {
        return;
    }
    const char *field;
    uint32_t values;
    while (fields-- > 0 && read_text(&section, inspection->arena, &field) &&
           read_u32(&section, &values)) {
        while (values-- > 0 && inspection->producer_count < TVN_INSPECTION_PRODUCERS_MAX) {
            struct tvn_inspection_producer producer = {.field = field};
            if (!read_text(&section, inspection->arena, &producer.name) ||
                !read_text(&section, inspection->arena, &producer.version)) {
                return;
            }
            producers[inspection->producer_count++] = producer;
        }
    }
}

/* Subsection 0 of "component-name" is the component's own name. */
static void read_name(struct tvn_inspection *inspection, struct tvn_str section)
{
    while (section.len > 0) {
        char id = section.ptr[0];
        section = tvn_str_slice(section, 1, section.len);
        uint32_t length;
        if (!read_u32(&section, &length) || length > section.len) {
            return;
        }
        struct tvn_str content = tvn_str_slice(section, 0, length);
        const char *name;
        if (id == 0 && read_text(&content, inspection->arena, &name)) {
            inspection->name = name;
            return;
        }
        section = tvn_str_slice(section, length, section.len);
    }
}

/* ---- what the decoder knows ---- */

static const struct tvn_inspection_item *
copy_items(struct tvn_arena *arena, const struct tvn_world_item *items, size_t count)
{
    static const char *const kinds[] = {
        [TVN_WORLD_INTERFACE] = "interface", [TVN_WORLD_FUNC] = "func", [TVN_WORLD_TYPE] = "type"};
    struct tvn_inspection_item *copies = TVN_ARENA_ARRAY(arena, struct tvn_inspection_item, count);
    for (size_t i = 0; copies && i < count; i++) {
        copies[i].kind = kinds[items[i].kind];
        copies[i].name = tvn_arena_strndup(arena, items[i].name.ptr, items[i].name.len);
        if (!copies[i].name) {
            return NULL;
        }
    }
    return copies;
}

static bool copy_world(struct tvn_inspection *inspection, const struct tvn_world *world)
{
    TVN_AUTO_VALUE(tvn_strbuf) wit = {0};
    tvn_wit_print_world(world, &wit);
    inspection->wit =
        wit.failed ? NULL : tvn_arena_strndup(inspection->arena, tvn_strbuf_text(&wit), wit.len);
    inspection->imports = copy_items(inspection->arena, world->imports, world->import_count);
    inspection->import_count = world->import_count;
    inspection->exports = copy_items(inspection->arena, world->exports, world->export_count);
    inspection->export_count = world->export_count;
    return inspection->wit && inspection->imports && inspection->exports;
}

static bool copy_modules(struct tvn_inspection *inspection, const struct tvn_document *document)
{
    struct tvn_inspection_module *modules =
        TVN_ARENA_ARRAY(inspection->arena, struct tvn_inspection_module, document->module_count);
    inspection->modules = modules;
    inspection->module_count = document->module_count;
    for (uint32_t i = 0; modules && i < document->module_count; i++) {
        modules[i] = (struct tvn_inspection_module){document->modules[i].offset,
                                                    document->modules[i].length};
        inspection->module_bytes += document->modules[i].length;
    }
    return modules != NULL;
}

static enum tvn_status fill(struct tvn_inspection *inspection, const char *path,
                            const struct tvn_file_bytes *bytes, struct tvn_diag_sink *sink)
{
    uint32_t file = tvn_diag_add_binary_source(sink, path);
    TVN_AUTO(tvn_component) component = NULL;
    TVN_TRY(tvn_component_decode(bytes->ptr, bytes->len, file, sink, &component));
    inspection->path = tvn_arena_strndup(inspection->arena, path, strlen(path));
    inspection->file_bytes = bytes->len;
    if (!inspection->path || !copy_world(inspection, tvn_component_world(component)) ||
        !copy_modules(inspection, tvn_component_document(component))) {
        return no_memory(sink, path);
    }
    struct tvn_str section;
    if (tvn_component_custom_section(component, TVN_STR("producers"), &section)) {
        read_producers(inspection, section);
    }
    if (tvn_component_custom_section(component, TVN_STR("component-name"), &section)) {
        read_name(inspection, section);
    }
    struct inspect_rows rows = {0};
    bool good = inspect_world(inspection, &rows, tvn_component_world(component), NULL);
    if (tvn_component_custom_section(component, TVN_STR(TVN_VERSION_SECTION), &section) &&
        section.len <= TVN_VERSION_SECTION_BYTES_MAX) {
        inspection->built_for = tvn_arena_strndup(inspection->arena, section.ptr, section.len);
    }
    return inspect_take_rows(inspection, &rows) && good ? TVN_OK : no_memory(sink, path);
}

static enum tvn_status inspect_component(struct tvn_inspection *inspection, const char *path,
                                         struct tvn_diag_sink *sink)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    enum tvn_status status = tvn_file_read(path, TVN_COMPONENT_BYTES_MAX, &bytes);
    return status == TVN_OK ? fill(inspection, path, &bytes, sink)
                            : read_failed(sink, status, path);
}

enum tvn_status tvn_host_inspect_file(const char *path, struct tvn_diag_sink *sink,
                                      struct tvn_inspection **out_inspection)
{
    tvn_assert(path && sink && out_inspection);
    TVN_AUTO(tvn_inspection) inspection = tvn_calloc(1, sizeof(*inspection));
    if (inspection) {
        inspection->arena = tvn_arena_create(0);
    }
    if (!inspection || !inspection->arena) {
        return no_memory(sink, path);
    }
    TVN_TRY(inspect_is_wit(path) ? inspect_wit(inspection, path, sink)
                                 : inspect_component(inspection, path, sink));
    if (!inspect_benchmarks(inspection)) {
        return no_memory(sink, path);
    }
    *out_inspection = TVN_TAKE(inspection);
    return TVN_OK;
}
