/* SPDX-License-Identifier: Apache-2.0 */
/* From the files of a script to definitions, and from those to instances. */
#include "base/file.h"
#include "component/limits.h"
#include "programs/wast_runner_internal.h"

/* ---- files ---- */

/* Its file in text form has a binary one beside it when the converter could make one. */
static struct tvn_str file_name(const struct tvn_json *command)
{
    const struct tvn_json *name = tvn_json_get(command, "binary_filename");
    if (!name) {
        name = tvn_json_get(command, "filename");
    }
    return name && tvn_json_kind(name) == TVN_JSON_STRING ? tvn_json_string(name) : TVN_STR("");
}

static bool read_file(const struct tvn_wast_run *run, const struct tvn_json *command,
                      struct tvn_strbuf *reason, struct tvn_file_bytes *out)
{
    struct tvn_str name = file_name(command);
    TVN_AUTO_FREE char *bare = tvn_strndup(name.ptr, name.len);
    TVN_AUTO_FREE char *path = bare ? tvn_path_join(run->directory, bare) : NULL;
    if (!path || name.len == 0 || tvn_file_read(path, TVN_COMPONENT_BYTES_MAX, out) != TVN_OK) {
        tvn_strbuf_printf(reason, "cannot read '%s'", path ? path : "");
        return false;
    }
    return true;
}

/* ---- definitions ---- */

static void destroy_definition(struct tvn_wast_definition *definition)
{
    if (definition) {
        tvn_component_destroy(definition->component);
        tvn_free(definition->bytes);
        tvn_free(definition);
    }
}

static bool count_item(struct tvn_wast_run *run, struct tvn_strbuf *reason)
{
    if (run->item_count == TVN_WAST_ITEMS_MAX) {
        tvn_strbuf_add_text(reason, "too many definitions and instances");
        return false;
    }
    run->item_count++;
    return true;
}

static enum tvn_wast_load refused(const struct tvn_diag_sink *sink, enum tvn_status status,
                                  struct tvn_strbuf *reason)
{
    if (tvn_diag_count(sink) > 0) {
        tvn_strbuf_printf(reason, "%s: %s", tvn_status_code(status), tvn_diag_at(sink, 0)->message);
    } else {
        tvn_strbuf_printf(reason, "%s without a diagnostic", tvn_status_code(status));
        return TVN_WAST_BROKEN; /* a promise of the component layer */
    }
    return status == TVN_E_COMPONENT_INVALID || status == TVN_E_COMPONENT_TOO_COMPLEX
               ? TVN_WAST_REFUSED
               : TVN_WAST_BROKEN;
}

static enum tvn_wast_load decode(const struct tvn_wast_run *run, size_t length,
                                 struct tvn_strbuf *reason, struct tvn_wast_definition *definition)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    if (!sink) {
        return TVN_WAST_BROKEN;
    }
    uint32_t file = tvn_diag_add_binary_source(sink, "component");
    enum tvn_status status =
        tvn_component_decode(definition->bytes, length, file, sink, &definition->component);
    if (status == TVN_OK) {
        status = tvn_component_compile(definition->component, run->engine, sink);
    }
    return status == TVN_OK ? TVN_WAST_LOADED : refused(sink, status, reason);
}

/* Takes the buffer's bytes. */
static enum tvn_wast_load decode_buffer(const struct tvn_wast_run *run, struct tvn_strbuf *bytes,
                                        struct tvn_strbuf *reason,
                                        struct tvn_wast_definition *definition)
{
    if (bytes->failed) {
        tvn_strbuf_add_text(reason, "no memory");
        return TVN_WAST_BROKEN;
    }
    tvn_component_destroy(definition->component);
    definition->component = NULL;
    tvn_free(definition->bytes);
    definition->bytes = (uint8_t *)bytes->ptr;
    size_t length = bytes->len;
    *bytes = (struct tvn_strbuf){0};
    return decode(run, length, reason, definition);
}

/* A core module becomes a component: first around it, to have it validated, then with what it
 * exports lifted. */
static enum tvn_wast_load load_core(const struct tvn_wast_run *run,
                                    const struct tvn_file_bytes *file, struct tvn_strbuf *reason,
                                    struct tvn_wast_definition *definition)
{
    definition->is_core = true;
    TVN_AUTO_VALUE(tvn_strbuf) bytes = {0};
    if (tvn_wast_wrap_module(file->ptr, file->len, &bytes) != TVN_OK) {
        return TVN_WAST_BROKEN;
    }
    enum tvn_wast_load load = decode_buffer(run, &bytes, reason, definition);
    if (load != TVN_WAST_LOADED) {
        return load;
    }
    const struct tvn_document *document = tvn_component_document(definition->component);
    TVN_AUTO_VALUE(tvn_strbuf) lifted = {0};
    if (!tvn_wast_lift_module(file->ptr, file->len, &document->modules[0].type, &lifted)) {
        definition->unsupported = "core modules with imports are not linked";
        return TVN_WAST_LOADED;
    }
    return decode_buffer(run, &lifted, reason, definition);
}

static enum tvn_wast_load load_bytes(const struct tvn_wast_run *run, struct tvn_file_bytes *file,
                                     struct tvn_strbuf *reason,
                                     struct tvn_wast_definition *definition)
{
    if (tvn_wast_is_core_module(file->ptr, file->len)) {
        return load_core(run, file, reason, definition);
    }
    definition->bytes = TVN_TAKE(file->ptr);
    return decode(run, file->len, reason, definition);
}

enum tvn_wast_load tvn_wast_load(struct tvn_wast_run *run, const struct tvn_json *command,
                                 struct tvn_strbuf *reason,
                                 struct tvn_wast_definition **out_definition)
{
    TVN_AUTO_VALUE(tvn_file_bytes) file = {0};
    struct tvn_wast_definition *definition = tvn_calloc(1, sizeof(*definition));
    if (!definition || !read_file(run, command, reason, &file)) {
        tvn_free(definition);
        return TVN_WAST_BROKEN;
    }
    enum tvn_wast_load load = load_bytes(run, &file, reason, definition);
    if (load != TVN_WAST_LOADED || !count_item(run, reason)) {
        destroy_definition(definition);
        return load == TVN_WAST_LOADED ? TVN_WAST_BROKEN : load;
    }
    definition->older = run->definitions;
    run->definitions = definition;
    const struct tvn_json *name = tvn_json_get(command, "name");
    if (name) {
        definition->name = tvn_arena_str(run->arena, tvn_json_string(name));
    }
    *out_definition = definition;
    return TVN_WAST_LOADED;
}

const struct tvn_wast_definition *tvn_wast_find_definition(const struct tvn_wast_run *run,
                                                           struct tvn_str name)
{
    const struct tvn_wast_definition *definition = run->definitions;
    while (definition && name.len > 0 && !tvn_str_equal(definition->name, name)) {
        definition = definition->older;
    }
    return definition;
}

/* ---- instances ---- */

static enum tvn_wast_start not_started(const struct tvn_diag_sink *sink, enum tvn_status status,
                                       struct tvn_strbuf *reason)
{
    tvn_strbuf_printf(reason, "%s: %s", tvn_status_code(status),
                      tvn_diag_count(sink) > 0 ? tvn_diag_at(sink, 0)->message : "no diagnostic");
    switch ((int)status) {
    case TVN_E_COMPONENT_TRAPPED:
    case TVN_E_COMPONENT_TIMEOUT:
        return TVN_WAST_TRAPPED;
    case TVN_E_IMPORT_UNKNOWN:
    case TVN_E_COMPONENT_INVALID:
        return TVN_WAST_UNLINKED;
    default:
        return TVN_WAST_NOT_STARTED;
    }
}

static void destroy_instance(struct tvn_wast_instance *instance)
{
    if (instance) {
        tvn_instance_destroy(instance->instance);
        tvn_imports_destroy(instance->imports);
        tvn_free(instance);
    }
}

static enum tvn_wast_start create_instance(struct tvn_wast_run *run, struct tvn_strbuf *reason,
                                           struct tvn_wast_instance *instance)
{
    const struct tvn_component *component = instance->definition->component;
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    struct tvn_wast_links *links = NULL;
    instance->imports = sink ? tvn_imports_create() : NULL;
    if (!instance->imports || !tvn_wast_link(run, component, instance->imports, &links)) {
        tvn_strbuf_add_text(reason, "no memory");
        return TVN_WAST_NOT_STARTED;
    }
    const struct tvn_instance_options options = {
        .name = "component",
        .imports = instance->imports,
        .contexts = {[TVN_WAST_CONTEXT_LINKS] = links, [TVN_WAST_CONTEXT_HOST] = run}};
    enum tvn_status status = tvn_instance_create(run->engine, component, &options,
                                                 TVN_WAST_TIMEOUT_MS, sink, &instance->instance);
    return status == TVN_OK ? TVN_WAST_STARTED : not_started(sink, status, reason);
}

enum tvn_wast_start tvn_wast_start(struct tvn_wast_run *run,
                                   const struct tvn_wast_definition *definition,
                                   struct tvn_str name, struct tvn_strbuf *reason)
{
    run->current = NULL;
    if (run->validate_only) {
        return TVN_WAST_UNSUPPORTED;
    }
    if (definition->unsupported) {
        tvn_strbuf_add_text(reason, definition->unsupported);
        return TVN_WAST_UNSUPPORTED;
    }
    struct tvn_wast_instance *instance = tvn_calloc(1, sizeof(*instance));
    if (!instance) {
        return TVN_WAST_NOT_STARTED;
    }
    instance->definition = definition;
    enum tvn_wast_start start = create_instance(run, reason, instance);
    if (start != TVN_WAST_STARTED || !count_item(run, reason)) {
        destroy_instance(instance);
        return start == TVN_WAST_STARTED ? TVN_WAST_NOT_STARTED : start;
    }
    instance->older = run->instances;
    run->instances = instance;
    instance->name = tvn_arena_str(run->arena, name);
    run->current = instance;
    return TVN_WAST_STARTED;
}

struct tvn_wast_instance *tvn_wast_find_instance(const struct tvn_wast_run *run,
                                                 struct tvn_str name)
{
    if (name.len == 0) {
        return run->current;
    }
    struct tvn_wast_instance *instance = run->instances;
    while (instance && !tvn_str_equal(instance->name, name)) {
        instance = instance->older;
    }
    return instance;
}

/* The last first: what an instance holds belongs to earlier ones. */
void tvn_wast_run_deinit(struct tvn_wast_run *run)
{
    while (run->instances) {
        struct tvn_wast_instance *instance = run->instances;
        run->instances = instance->older;
        destroy_instance(instance);
    }
    while (run->definitions) {
        struct tvn_wast_definition *definition = run->definitions;
        run->definitions = definition->older;
        destroy_definition(definition);
    }
    tvn_vec_deinit(&run->held);
    tvn_arena_destroy(run->arena);
    run->arena = NULL;
    run->current = NULL;
}
