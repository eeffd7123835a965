/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/figures.h"
#include "host/inspect.h"

#include <inttypes.h>

enum section { SECTION_ALL, SECTION_INTERFACES, SECTION_METADATA, SECTION_SIZE };
static const char *const section_names[] = {"all", "interfaces", "metadata", "size", NULL};

struct inspect_args {
    const char *target;
    unsigned show; /* enum section */
};

static const struct tvn_opt inspect_opts[] = {
    {.name = "show",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct inspect_args, show),
     .value_name = "SECTION",
     .help = "What to show [default: all]",
     .choices = section_names},
    {0},
};

static const struct tvn_opt inspect_operands[] = {
    {.name = "TARGET",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct inspect_args, target),
     .help = "A component: a .wasm file",
     .required = true},
    {0},
};

static const struct tvn_example inspect_examples[] = {
    {"torvyn inspect filter.wasm", "Everything that is known about a component"},
    {"torvyn inspect filter.wasm --show interfaces", "Its imports and exports as WIT"},
    {"torvyn inspect filter.wasm --format json", "The same for programs"},
    {0},
};

static const struct tvn_exit_meaning inspect_exits[] = {
    {TVN_EXIT_OK, "Success"},
    {TVN_EXIT_ERROR, "The target was not found, or is not a component"},
    {TVN_EXIT_PREREQUISITE, "Wrong usage"},
    {0},
};

static bool shows(const struct inspect_args *args, enum section section)
{
    return args->show == SECTION_ALL || args->show == (unsigned)section;
}

/* ---- text: everything but WIT is a WIT comment, so that the whole is WIT ---- */

static void escaped(struct tvn_strbuf *out, const char *text)
{
    tvn_strbuf_add_escaped(out, tvn_str_of(text));
}

static void text_size(const struct tvn_inspection *inspection, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "// file: ");
    escaped(out, inspection->path);
    tvn_strbuf_add_text(out, ", ");
    tvn_figure_bytes(out, inspection->file_bytes);
    tvn_strbuf_printf(out, "\n// core modules: %zu, ", inspection->module_count);
    tvn_figure_bytes(out, inspection->module_bytes);
    tvn_strbuf_add_char(out, '\n');
    for (size_t i = 0; i < inspection->module_count; i++) {
        const struct tvn_inspection_module *module = &inspection->modules[i];
        tvn_strbuf_printf(out, "//   module %zu: ", i);
        tvn_figure_bytes(out, module->length);
        tvn_strbuf_printf(out, " at byte 0x%" PRIx32 "\n", module->offset);
    }
}

static void text_metadata(const struct tvn_inspection *inspection, struct tvn_strbuf *out)
{
    if (inspection->name) {
        tvn_strbuf_add_text(out, "// name: ");
        escaped(out, inspection->name);
        tvn_strbuf_add_char(out, '\n');
    }
    for (size_t i = 0; i < inspection->producer_count; i++) {
        const struct tvn_inspection_producer *producer = &inspection->producers[i];
        tvn_strbuf_add_text(out, "// ");
        escaped(out, producer->field);
        tvn_strbuf_add_text(out, ": ");
        escaped(out, producer->name);
        if (producer->version[0] != '\0') {
            tvn_strbuf_add_char(out, ' ');
            escaped(out, producer->version);
        }
        tvn_strbuf_add_char(out, '\n');
    }
}

static void render_text(const struct inspect_args *args, const struct tvn_inspection *inspection,
                        struct tvn_strbuf *out)
{
    if (shows(args, SECTION_SIZE)) {
        text_size(inspection, out);
    }
    if (shows(args, SECTION_METADATA)) {
        text_metadata(inspection, out);
    }
    if (args->show == SECTION_ALL) {
        tvn_strbuf_add_char(out, '\n');
    }
    if (shows(args, SECTION_INTERFACES)) {
        tvn_strbuf_add_text(out, inspection->wit);
    }
}

/* ---- JSON ---- */

static void json_items(struct tvn_json_writer *json, const char *key,
                       const struct tvn_inspection_item *items, size_t count)
{
    tvn_json_key(json, key);
    tvn_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "kind", items[i].kind);
        tvn_json_field_text(json, "name", items[i].name);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void json_metadata(struct tvn_json_writer *json, const struct tvn_inspection *inspection)
{
    tvn_json_key(json, "metadata");
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "name", inspection->name);
    tvn_json_key(json, "producers");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < inspection->producer_count; i++) {
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "field", inspection->producers[i].field);
        tvn_json_field_text(json, "name", inspection->producers[i].name);
        tvn_json_field_text(json, "version", inspection->producers[i].version);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

static void json_size(struct tvn_json_writer *json, const struct tvn_inspection *inspection)
{
    tvn_json_key(json, "size");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "file_bytes", inspection->file_bytes);
    tvn_json_field_u64(json, "module_bytes", inspection->module_bytes);
    tvn_json_key(json, "modules");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < inspection->module_count; i++) {
        tvn_json_begin_object(json);
        tvn_json_field_u64(json, "offset", inspection->modules[i].offset);
        tvn_json_field_u64(json, "bytes", inspection->modules[i].length);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

static enum tvn_exit print_json(struct tvn_cli *cli, const struct inspect_args *args,
                                const struct tvn_inspection *inspection, enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    tvn_json_field_text(&json, "target", args->target);
    if (inspection && shows(args, SECTION_SIZE)) {
        json_size(&json, inspection);
    }
    if (inspection && shows(args, SECTION_METADATA)) {
        json_metadata(&json, inspection);
    }
    if (inspection && shows(args, SECTION_INTERFACES)) {
        json_items(&json, "imports", inspection->imports, inspection->import_count);
        json_items(&json, "exports", inspection->exports, inspection->export_count);
        tvn_json_field_text(&json, "wit", inspection->wit);
    }
    return tvn_cli_json_end(cli, code, &out, &json);
}

static enum tvn_exit inspect_run(struct tvn_cli *cli, const void *raw)
{
    const struct inspect_args *args = raw;
    TVN_AUTO(tvn_inspection) inspection = NULL;
    enum tvn_status status = tvn_host_inspect_file(args->target, cli->sink, &inspection);
    enum tvn_exit code = status == TVN_OK ? TVN_EXIT_OK : TVN_EXIT_ERROR;
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, args, inspection, code);
    }
    if (!inspection) {
        return code;
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    render_text(args, inspection, &out);
    return tvn_cli_print(cli, &out, code);
}

const struct tvn_command tvn_cmd_inspect = {
    .name = "inspect",
    .summary = "Show what a component imports and exports",
    .description = "Prints the component's world as WIT, with its size and the tools that made it "
                   "as comments. Nothing of the component is compiled or run.",
    .opts = inspect_opts,
    .operands = inspect_operands,
    .examples = inspect_examples,
    .exits = inspect_exits,
    .args_size = sizeof(struct inspect_args),
    .run = inspect_run,
};
