/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "host/diff_files.h"

struct diff_args {
    const char *before;
    const char *after;
    bool strict;
};

static const struct tvn_opt diff_opts[] = {
    {.name = "strict",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct diff_args, strict),
     .help = "Fail when the version step is smaller than the changes need"},
    {0},
};

static const struct tvn_opt diff_operands[] = {
    {.name = "OLD",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct diff_args, before),
     .help = "A WIT folder, a .wit file or a component",
     .required = true},
    {.name = "NEW",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct diff_args, after),
     .help = "Its other version",
     .required = true},
    {0},
};

static const struct tvn_example diff_examples[] = {
    {"torvyn diff wit/v1 wit/v2", "What changed between two versions of a contract"},
    {"torvyn diff old.wasm new.wasm", "What a new build of a component needs and offers"},
    {"torvyn diff wit/v1 wit/v2 --strict --format json",
     "For a release: fail when the new version's number promises too much"},
    {0},
};

static const struct tvn_exit_meaning diff_exits[] = {
    {TVN_EXIT_OK, "Compared; with --strict, the version step is large enough"},
    {TVN_EXIT_ERROR, "Something cannot be read, or the version step is too small"},
    {TVN_EXIT_PREREQUISITE, "Wrong usage"},
    {0},
};

struct verdict {
    enum tvn_diff_level level;
    enum tvn_diff_level step; /* of the package's version */
    bool versioned;           /* both sides have a version */
};

static struct verdict judge(const struct tvn_diff_files *files)
{
    const struct tvn_package_id *before = tvn_diff_files_before(files);
    const struct tvn_package_id *after = tvn_diff_files_after(files);
    struct verdict verdict = {.level = tvn_diff_level(tvn_diff_files_result(files))};
    if (before && after && before->version.valid && after->version.valid) {
        verdict.versioned = true;
        verdict.step = tvn_diff_version_step(&before->version, &after->version);
    }
    return verdict;
}

static bool enough(const struct verdict *verdict)
{
    return !verdict->versioned || verdict->step >= verdict->level;
}

/* ---- text ---- */

static void add_form(struct tvn_strbuf *out, const char *word, const char *text)
{
    if (text && text[0] != '\0') {
        tvn_strbuf_printf(out, "         %s ", word);
        tvn_strbuf_add_escaped(out, tvn_str_of(text));
        tvn_strbuf_add_char(out, '\n');
    }
}

static void render_change(const struct tvn_diff_change *change, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "  %-5s  ", tvn_diff_level_name(change->level));
    tvn_strbuf_add_escaped(out, tvn_str_of(change->where));
    tvn_strbuf_add_text(out, ": ");
    tvn_strbuf_add_escaped(out, tvn_str_of(change->text));
    tvn_strbuf_add_text(out, change->abi_breaking ? " (ABI: build components again)\n" : "\n");
    add_form(out, "old:", change->before);
    add_form(out, "new:", change->after);
}

static void render_version(const struct tvn_diff_files *files, const struct verdict *verdict,
                           struct tvn_strbuf *out)
{
    if (!verdict->versioned) {
        return;
    }
    tvn_strbuf_add_text(out, "  Version: ");
    tvn_semver_print(&tvn_diff_files_before(files)->version, out);
    tvn_strbuf_add_text(out, " → ");
    tvn_semver_print(&tvn_diff_files_after(files)->version, out);
    if (verdict->step == TVN_DIFF_NONE) {
        tvn_strbuf_add_text(out, ", the same");
    } else {
        tvn_strbuf_printf(out, ", a %s step", tvn_diff_level_name(verdict->step));
    }
    tvn_strbuf_add_text(out, enough(verdict) ? "\n" : ": too small for these changes\n");
}

static void render_text(const struct tvn_diff_files *files, const struct verdict *verdict,
                        struct tvn_strbuf *out)
{
    const struct tvn_diff *diff = tvn_diff_files_result(files);
    /* The weightiest first. */
    for (int level = TVN_DIFF_MAJOR; level > TVN_DIFF_NONE; level--) {
        for (size_t i = 0; i < tvn_diff_count(diff); i++) {
            if ((int)tvn_diff_at(diff, i)->level == level) {
                render_change(tvn_diff_at(diff, i), out);
            }
        }
    }
    if (tvn_diff_dropped_count(diff) > 0) {
        tvn_strbuf_printf(out, "  … and %zu more\n", tvn_diff_dropped_count(diff));
    }
    if (verdict->level == TVN_DIFF_NONE) {
        tvn_strbuf_add_text(out, "  No changes.\n");
    } else {
        tvn_strbuf_printf(out, "\n  Changes: %s\n", tvn_diff_level_name(verdict->level));
    }
    render_version(files, verdict, out);
}

/* ---- JSON ---- */

static void json_version(struct tvn_json_writer *json, const char *key,
                         const struct tvn_package_id *id)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    if (id && id->version.valid) {
        tvn_semver_print(&id->version, &text);
    }
    tvn_json_field_text(json, key, text.len > 0 ? tvn_strbuf_text(&text) : NULL);
}

static enum tvn_exit print_json(struct tvn_cli *cli, const struct diff_args *args,
                                const struct tvn_diff_files *files, enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    tvn_json_field_text(&json, "old", args->before);
    tvn_json_field_text(&json, "new", args->after);
    if (files) {
        const struct tvn_diff *diff = tvn_diff_files_result(files);
        struct verdict verdict = judge(files);
        tvn_json_field_text(&json, "level", tvn_diff_level_name(verdict.level));
        json_version(&json, "old_version", tvn_diff_files_before(files));
        json_version(&json, "new_version", tvn_diff_files_after(files));
        tvn_json_field_text(&json, "version_step",
                            verdict.versioned ? tvn_diff_level_name(verdict.step) : NULL);
        tvn_json_key(&json, "changes");
        tvn_json_begin_array(&json);
        for (size_t i = 0; i < tvn_diff_count(diff); i++) {
            const struct tvn_diff_change *change = tvn_diff_at(diff, i);
            tvn_json_begin_object(&json);
            tvn_json_field_text(&json, "level", tvn_diff_level_name(change->level));
            tvn_json_field_text(&json, "where", change->where);
            tvn_json_field_text(&json, "text", change->text);
            tvn_json_field_text(&json, "old", change->before);
            tvn_json_field_text(&json, "new", change->after);
            tvn_json_field_bool(&json, "abi_breaking", change->abi_breaking);
            tvn_json_end_object(&json);
        }
        tvn_json_end_array(&json);
        tvn_json_field_u64(&json, "dropped", tvn_diff_dropped_count(diff));
    }
    return tvn_cli_json_end(cli, code, &out, &json);
}

static void refuse_step(struct tvn_cli *cli, const struct verdict *verdict)
{
    (void)tvn_diag_error(cli->sink, TVN_E_VERSION_MISMATCH, TVN_SPAN_NONE,
                         "the changes are %s, the version says %s",
                         tvn_diff_level_name(verdict->level),
                         verdict->step == TVN_DIFF_NONE ? "that nothing changed"
                                                        : tvn_diff_level_name(verdict->step));
    tvn_diag_help(cli->sink, "raise the %s version of the new package",
                  tvn_diff_level_name(verdict->level));
}

static enum tvn_exit diff_run(struct tvn_cli *cli, const void *raw)
{
    const struct diff_args *args = raw;
    TVN_AUTO(tvn_diff_files) files = NULL;
    enum tvn_status status = tvn_host_diff_files(args->before, args->after, cli->sink, &files);
    enum tvn_exit code = status == TVN_OK ? TVN_EXIT_OK : TVN_EXIT_ERROR;
    struct verdict verdict = {0};
    if (files) {
        verdict = judge(files);
        if (args->strict && !enough(&verdict)) {
            refuse_step(cli, &verdict);
            code = TVN_EXIT_ERROR;
        }
    }
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, args, files, code);
    }
    if (!files) {
        return code;
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    render_text(files, &verdict, &out);
    return tvn_cli_print(cli, &out, code);
}

const struct tvn_command tvn_cmd_diff = {
    .name = "diff",
    .summary = "Show what changed between two versions of a contract",
    .description =
        "Compares WIT with WIT, or a component with a component, and says what kind of version "
        "step the changes are. Major: something was removed, renamed or changed. Minor: something "
        "was added. Patch: documentation.\n\n"
        "A new case of a variant is minor, but components that use the variant must be built "
        "again; a new field of a record is major. For components, what they import counts the "
        "other way round: to need more is major. Packages in deps are not compared.",
    .opts = diff_opts,
    .operands = diff_operands,
    .examples = diff_examples,
    .exits = diff_exits,
    .args_size = sizeof(struct diff_args),
    .run = diff_run,
};
