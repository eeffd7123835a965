/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/init_dialog.h"
#include "toolchain/init.h"
#include "toolchain/probe.h"

#define KEPT_SHOWN_MAX 10

struct init_args {
    const char *name;
    const char *template;
    const char *language;
    const char *contract_version;
    bool no_git;
    bool no_example;
    bool interactive;
    bool force;
};

/* Names are text, not choices of the parser: a wrong one is an error of init, with its exit code.
 */
static const struct tvn_opt init_opts[] = {
    {.name = "template",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct init_args, template),
     .value_name = "TEMPLATE",
     .help = "What to start with [default: transform]",
     .choices = tvn_template_names},
    {.name = "language",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct init_args, language),
     .value_name = "LANG",
     .help = "Language of the components [default: rust]",
     .choices = tvn_language_names},
    {.name = "no-git",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct init_args, no_git),
     .help = "Make no git repository"},
    {.name = "no-example",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct init_args, no_example),
     .help = "Contracts and build files only, no implementation"},
    {.name = "contract-version",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct init_args, contract_version),
     .value_name = "V",
     .help = "Version of Torvyn's contracts to target [default: 0.1.0]"},
    {.name = "interactive",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct init_args, interactive),
     .help = "Ask for what is not given"},
    {.name = "force",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct init_args, force),
     .help = "Write into a folder that is not empty; other files stay"},
    {0},
};

static const struct tvn_opt init_operands[] = {
    {.name = "PROJECT_NAME",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct init_args, name),
     .help = "Folder and project name [default: this folder and its name]"},
    {0},
};

static const struct tvn_example init_examples[] = {
    {"torvyn init my-transform", "A transform in Rust"},
    {"torvyn init sensors --template full-pipeline --language c",
     "A pipeline of two components in C"},
    {"torvyn init --interactive", "Asks, then creates the project in this folder"},
    {0},
};

static const struct tvn_exit_meaning init_exits[] = {
    {TVN_EXIT_OK, "The project was created"},
    {TVN_EXIT_ERROR, "The folder is not empty, or a name or value cannot be used"},
    {TVN_EXIT_PREREQUISITE, "Wrong usage"},
    {0},
};

/* ---- text ---- */

/* How much of a path is one entry of a folder whose path has `from` bytes: folders under
 * "components/" are shown as such, everything else flat, vendored contracts as one entry. */
static struct tvn_str entry_of(struct tvn_str path, size_t from)
{
    struct tvn_str below = tvn_str_slice(path, from, path.len);
    static const char vendored[] = "wit/deps/";
    if (tvn_str_starts_with(below, TVN_STR(vendored))) {
        return tvn_str_slice(below, 0, sizeof(vendored) - 1);
    }
    bool nested = tvn_str_starts_with(path, TVN_STR("components/"));
    size_t slash = tvn_str_find(below, '/');
    size_t depth = 0;
    for (size_t i = 0; i < from; i++) {
        depth += path.ptr[i] == '/';
    }
    bool is_folder = nested && depth < 2 && slash != SIZE_MAX;
    return is_folder ? tvn_str_slice(below, 0, slash + 1) : below;
}

struct tree {
    const struct tvn_init_report *report;
    struct tvn_strbuf *out;
};

static bool is_under(const struct tvn_template_file *file, struct tvn_str folder)
{
    return file->listed && tvn_str_starts_with(tvn_str_of(file->path), folder);
}

static void add_tree(const struct tree *tree, struct tvn_str folder, const char *indent);

static void add_entry(const struct tree *tree, struct tvn_str path, struct tvn_str entry,
                      const char *indent, bool last)
{
    tvn_strbuf_printf(tree->out, "  %s%s %.*s\n", indent, last ? "└──" : "├──", TVN_STR_ARG(entry));
    bool vendored = tvn_str_is(entry, "wit/deps/");
    if (!vendored && tvn_str_ends_with(entry, TVN_STR("/"))) {
        TVN_AUTO_VALUE(tvn_strbuf) deeper = {0};
        tvn_strbuf_printf(&deeper, "%s%s", indent, last ? "    " : "│   ");
        struct tvn_str folder = {path.ptr, (size_t)(entry.ptr - path.ptr) + entry.len};
        add_tree(tree, folder, tvn_strbuf_text(&deeper)); /* at most two levels */
    }
}

/* The entries of a folder, each once, in the order of the files. */
static void add_tree(const struct tree *tree, struct tvn_str folder, const char *indent)
{
    const struct tvn_init_report *report = tree->report;
    struct tvn_str path = {NULL, 0};
    struct tvn_str entry = {NULL, 0};
    for (size_t i = 0; i < report->file_count; i++) {
        if (!is_under(&report->files[i], folder)) {
            continue;
        }
        struct tvn_str next_path = tvn_str_of(report->files[i].path);
        struct tvn_str next = entry_of(next_path, folder.len);
        if (entry.ptr && !tvn_str_equal(entry, next)) {
            add_entry(tree, path, entry, indent, false);
        }
        path = next_path;
        entry = next;
    }
    if (entry.ptr) {
        add_entry(tree, path, entry, indent, true);
    }
}

static void render_kept(const struct tvn_init_report *report, struct tvn_strbuf *out)
{
    size_t shown = report->kept_count < KEPT_SHOWN_MAX ? report->kept_count : KEPT_SHOWN_MAX;
    if (shown > 0) {
        tvn_strbuf_add_text(out, "\n  Left as they were, though no part of the template:\n");
    }
    for (size_t i = 0; i < shown; i++) {
        tvn_strbuf_add_text(out, "    ");
        tvn_strbuf_add_escaped(out, tvn_str_of(report->kept[i]));
        tvn_strbuf_add_char(out, '\n');
    }
    if (shown < report->kept_count) {
        tvn_strbuf_printf(out, "    and %zu more\n", report->kept_count - shown);
    }
}

static void render_next(const struct tvn_init_report *report, bool example, struct tvn_strbuf *out)
{
    bool empty = strcmp(report->template, "empty") == 0;
    tvn_strbuf_add_text(out, "\n  Next steps:\n");
    if (report->folder) {
        tvn_strbuf_printf(out, "    cd %s\n", report->folder);
    }
    if (empty) {
        tvn_strbuf_add_text(out, "    Declare components and flows in Torvyn.toml, then:\n");
    } else if (!example) {
        tvn_strbuf_add_text(out, "    Write the code of what wit/world.wit says, then:\n");
    }
    tvn_strbuf_add_text(out, "    torvyn check              # Validate contracts and manifest\n"
                             "    torvyn build              # Compile to WebAssembly component\n"
                             "    torvyn run --limit 10     # Run and see output\n");
}

static void render_text(const struct tvn_init_report *report, bool example, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "  ✓ Created project \"%s\" with template \"%s\"\n\n  %s\n",
                      report->name, report->template, report->name);
    const struct tree tree = {.report = report, .out = out};
    add_tree(&tree, TVN_STR(""), "");
    render_kept(report, out);
    render_next(report, example, out);
}

/* ---- JSON ---- */

static enum tvn_exit print_json(struct tvn_cli *cli, const struct tvn_init_report *report,
                                enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    tvn_json_field_text(&json, "name", report->name);
    tvn_json_field_text(&json, "template", report->template);
    tvn_json_field_text(&json, "language", report->language);
    tvn_json_field_bool(&json, "git", report->git);
    tvn_json_key(&json, "files");
    tvn_json_begin_array(&json);
    for (size_t i = 0; code == TVN_EXIT_OK && i < report->file_count; i++) {
        tvn_json_write_text(&json, report->files[i].path);
    }
    tvn_json_end_array(&json);
    tvn_json_key(&json, "kept");
    tvn_json_begin_array(&json);
    for (size_t i = 0; code == TVN_EXIT_OK && i < report->kept_count; i++) {
        tvn_json_write_text(&json, report->kept[i]);
    }
    tvn_json_end_array(&json);
    return tvn_cli_json_end(cli, code, &out, &json);
}

static enum tvn_exit init_run(struct tvn_cli *cli, const void *raw)
{
    const struct init_args *args = raw;
    TVN_AUTO(tvn_probe) probe = tvn_probe_create(); /* NULL: no memory, and no repository */
    struct tvn_init_options options = {
        .name = args->name,
        .template = args->template,
        .language = args->language,
        .contract_version = args->contract_version,
        .force = args->force,
        .no_git = args->no_git,
        .no_example = args->no_example,
        .probe = probe,
    };
    TVN_AUTO_VALUE(tvn_init_report) report = {0};
    enum tvn_status status = args->interactive ? tvn_init_dialog(cli, &options) : TVN_OK;
    if (status == TVN_OK) {
        status = tvn_init_project(&options, cli->sink, &report);
    }
    enum tvn_exit code = status == TVN_OK ? TVN_EXIT_OK : TVN_EXIT_ERROR;
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, &report, code);
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    if (code == TVN_EXIT_OK && !cli->arguments->globals.quiet) {
        render_text(&report, !args->no_example, &out);
    }
    return tvn_cli_print(cli, &out, code);
}

const struct tvn_command tvn_cmd_init = {
    .name = "init",
    .summary = "Create a new project",
    .description =
        "Writes a project that builds and runs at once: the manifest, the contract of each "
        "component (wit/world.wit) with Torvyn's contracts beside it (wit/deps), build files of "
        "the language, and an implementation to start from.\n\n"
        "Templates: source, sink, transform, filter, router and aggregator are one component "
        "each; full-pipeline is a source and a transform with a flow; empty is a manifest. "
        "A git repository is made unless the folder is in one already.",
    .opts = init_opts,
    .operands = init_operands,
    .examples = init_examples,
    .exits = init_exits,
    .args_size = sizeof(struct init_args),
    .run = init_run,
};
