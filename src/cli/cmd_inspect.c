/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/figures.h"
#include "host/inspect.h"

#include <inttypes.h>

enum section {
    SECTION_ALL,
    SECTION_INTERFACES,
    SECTION_CAPABILITIES,
    SECTION_METADATA,
    SECTION_SIZE,
    SECTION_CONTRACTS,
    SECTION_BENCHMARKS,
};
static const char *const section_names[] = {"all",  "interfaces", "capabilities", "metadata",
                                            "size", "contracts",  "benchmarks",   NULL};

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
     .help = "A component (a .wasm file), a .wit file or a WIT folder",
     .required = true},
    {0},
};

static const struct tvn_example inspect_examples[] = {
    {"torvyn inspect filter.wasm", "Everything that is known about a component"},
    {"torvyn inspect filter.wasm --show interfaces", "Its imports and exports as WIT"},
    {"torvyn inspect wit --show capabilities", "What the worlds of WIT text ask for"},
    {"torvyn inspect filter.wasm --format json", "The same for programs"},
    {0},
};

static const struct tvn_exit_meaning inspect_exits[] = {
    {TVN_EXIT_OK, "Success"},
    {TVN_EXIT_ERROR, "The target was not found, or is neither a component nor WIT"},
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
    if (inspection->is_wit) {
        tvn_strbuf_add_char(out, '\n');
        return;
    }
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
        tvn_strbuf_add_text(out, inspection->is_wit ? "// package: " : "// name: ");
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

static void add_world(struct tvn_strbuf *out, const char *world)
{
    if (world) {
        tvn_strbuf_add_text(out, " of world ");
        escaped(out, world);
    }
}

static void text_capabilities(const struct tvn_inspection *inspection, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < inspection->capability_count; i++) {
        const struct tvn_inspection_capability *row = &inspection->capabilities[i];
        tvn_strbuf_printf(out, "// capability: %s (granted by %s), for import ", row->key,
                          row->grant);
        escaped(out, row->import);
        add_world(out, row->world);
        tvn_strbuf_add_char(out, '\n');
    }
    if (inspection->capability_count == 0) {
        tvn_strbuf_add_text(out, "// capabilities: none is asked for\n");
    }
}

static void text_contracts(const struct tvn_inspection *inspection, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < inspection->contract_count; i++) {
        const struct tvn_inspection_contract *row = &inspection->contracts[i];
        tvn_strbuf_add_text(out, row->exported ? "// exports " : "// imports ");
        escaped(out, row->interface);
        if (row->role) {
            tvn_strbuf_add_text(out, ": a ");
            escaped(out, row->role);
        }
        add_world(out, row->world);
        tvn_strbuf_add_char(out, '\n');
    }
    struct tvn_str rest = tvn_str_of(inspection->built_for ? inspection->built_for : "");
    while (rest.len > 0) {
        size_t end = tvn_str_find(rest, '\n');
        tvn_strbuf_add_text(out, "// built for: ");
        tvn_strbuf_add_escaped(out, tvn_str_slice(rest, 0, end == SIZE_MAX ? rest.len : end));
        tvn_strbuf_add_char(out, '\n');
        rest = tvn_str_slice(rest, end == SIZE_MAX ? rest.len : end + 1, rest.len);
    }
}

static void text_benchmarks(const struct tvn_inspection *inspection, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < inspection->benchmark_count; i++) {
        const struct tvn_inspection_benchmark *row = &inspection->benchmarks[i];
        tvn_strbuf_add_text(out, "// benchmark ");
        escaped(out, row->name);
        tvn_strbuf_printf(out, ": %.0f elements/s, latency p50 %.1f µs, p99 %.1f µs\n",
                          row->throughput_eps, row->latency_p50_us, row->latency_p99_us);
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
    if (shows(args, SECTION_CAPABILITIES)) {
        text_capabilities(inspection, out);
    }
    if (args->show == SECTION_CONTRACTS) { /* else the WIT below says so */
        text_contracts(inspection, out);
    }
    if (shows(args, SECTION_BENCHMARKS)) {
        text_benchmarks(inspection, out);
    }
    if (args->show == SECTION_BENCHMARKS && inspection->benchmark_count == 0) {
        tvn_strbuf_add_text(out, "// benchmarks: there is no report in .torvyn/bench\n");
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

static void json_capabilities(struct tvn_json_writer *json, const struct tvn_inspection *inspection)
{
    tvn_json_key(json, "capabilities");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < inspection->capability_count; i++) {
        const struct tvn_inspection_capability *row = &inspection->capabilities[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "capability", row->key);
        tvn_json_field_text(json, "grant", row->grant);
        tvn_json_field_text(json, "import", row->import);
        tvn_json_field_text(json, "world", row->world);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void json_contracts(struct tvn_json_writer *json, const struct tvn_inspection *inspection)
{
    tvn_json_key(json, "contracts");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < inspection->contract_count; i++) {
        const struct tvn_inspection_contract *row = &inspection->contracts[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "direction", row->exported ? "export" : "import");
        tvn_json_field_text(json, "interface", row->interface);
        tvn_json_field_text(json, "role", row->role);
        tvn_json_field_text(json, "world", row->world);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_field_text(json, "built_for", inspection->built_for);
}

static void json_benchmarks(struct tvn_json_writer *json, const struct tvn_inspection *inspection)
{
    tvn_json_key(json, "benchmarks");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < inspection->benchmark_count; i++) {
        const struct tvn_inspection_benchmark *row = &inspection->benchmarks[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", row->name);
        tvn_json_field_real(json, "throughput_eps", row->throughput_eps);
        tvn_json_field_real(json, "latency_p50_us", row->latency_p50_us);
        tvn_json_field_real(json, "latency_p99_us", row->latency_p99_us);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
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
    if (inspection && shows(args, SECTION_CAPABILITIES)) {
        json_capabilities(&json, inspection);
    }
    if (inspection && shows(args, SECTION_CONTRACTS)) {
        json_contracts(&json, inspection);
    }
    if (inspection && shows(args, SECTION_BENCHMARKS)) {
        json_benchmarks(&json, inspection);
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
    .summary = "Show what a component or a contract is made of",
    .description =
        "Prints the component's world as WIT, with its size, the tools that made it, the "
        "capabilities that its imports ask for and benchmark reports of this folder as comments. "
        "Of WIT text it prints the packages. Nothing of the component is compiled or run.",
    .opts = inspect_opts,
    .operands = inspect_operands,
    .examples = inspect_examples,
    .exits = inspect_exits,
    .args_size = sizeof(struct inspect_args),
    .run = inspect_run,
};
