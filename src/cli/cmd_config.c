/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/suggest.h"
#include "cli/cli_internal.h"
#include "config/keys.h"
#include "config/manifest.h"

#include <inttypes.h>
#include <unistd.h>

#define COMMENT_COLUMN 46
#define NAMES_MAX      256

struct config_args {
    const char *key;
    const char *manifest;
    struct tvn_opt_list overrides;
};

static const struct tvn_opt config_opts[] = {
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct config_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml if there is one]"},
    {.name = "config",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct config_args, overrides),
     .value_name = "KEY=VALUE",
     .help = "Override configuration, as for run; may be given again"},
    {0},
};

static const struct tvn_opt config_operands[] = {
    {.name = "KEY",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct config_args, key),
     .help = "Only this section or key, such as runtime.worker_threads"},
    {0},
};

static const struct tvn_example config_examples[] = {
    {"torvyn config", "Every effective value and where it comes from"},
    {"torvyn config runtime.backpressure", "One section"},
    {"torvyn config --format json", "The same for programs"},
    {0},
};

static const struct tvn_exit_meaning config_exits[] = {
    {TVN_EXIT_OK, "Success"},
    {TVN_EXIT_ERROR, "The configuration is invalid, or there is no such key"},
    {TVN_EXIT_PREREQUISITE, "The manifest is missing; or wrong usage"},
    {0},
};

static bool is_value(const struct tvn_config_key *key)
{
    return tvn_config_section_is_layered(key->section) && key->type != TVN_CONFIG_TYPE_PART &&
           key->type != TVN_CONFIG_TYPE_ALIAS;
}

static void full_name(const struct tvn_config_key *key, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "%s.%s", tvn_config_section_path(key->section), key->name);
}

/* The section, what is below it, or the one key. */
static bool selects(const char *wanted, const struct tvn_config_key *key)
{
    if (!wanted) {
        return true;
    }
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    full_name(key, &name);
    struct tvn_str view = tvn_strbuf_view(&name);
    struct tvn_str want = tvn_str_of(wanted);
    return tvn_str_equal(view, want) ||
           (tvn_str_starts_with(view, want) && view.ptr[want.len] == '.');
}

static const char *canonical_key(struct tvn_cli *cli, const char *wanted)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    const struct tvn_config_key *key;
    for (size_t i = 0; wanted && (key = tvn_config_key_at(i)); i++) {
        if (!tvn_config_section_is_layered(key->section)) {
            continue;
        }
        TVN_AUTO_VALUE(tvn_strbuf) name = {0};
        full_name(key, &name);
        if (key->type == TVN_CONFIG_TYPE_ALIAS && tvn_str_is(tvn_strbuf_view(&name), wanted)) {
            tvn_strbuf_reset(&name);
            tvn_strbuf_printf(&name, "%s.%s", tvn_config_section_path(key->section), key->doc);
            return tvn_arena_strndup(cli->arena, name.ptr, name.len);
        }
        if (is_value(key) && selects(wanted, key)) {
            return wanted;
        }
        if (count < NAMES_MAX) {
            names[count] = tvn_arena_strndup(cli->arena, name.ptr, name.len);
            count += names[count] != NULL;
        }
    }
    if (wanted) {
        (void)tvn_diag_error(cli->sink, TVN_E_UNKNOWN_FIELD, TVN_SPAN_NONE,
                             "there is no configuration key '%s'", wanted);
        const char *near = tvn_suggest(tvn_str_of(wanted), names, count);
        if (near) {
            tvn_diag_help(cli->sink, "did you mean '%s'?", near);
        } else {
            tvn_diag_help(cli->sink, "run 'torvyn config' for all keys");
        }
    }
    return NULL;
}

/* "Torvyn.toml:12", "TORVYN_RUNTIME_WORKER_THREADS", "--config", "default". */
static void place(const struct tvn_cli *cli, const struct tvn_config_key *key,
                  const struct tvn_config_origin *origin, struct tvn_strbuf *out)
{
    char variable[TVN_CONFIG_VARIABLE_MAX];
    struct tvn_diag_place at = {0};
    const struct tvn_diag_source *source = tvn_diag_source(cli->sink, origin->span.file);
    if (origin->layer == TVN_CONFIG_LAYER_ENVIRONMENT) {
        tvn_strbuf_add_str(out, tvn_config_variable_name(key, variable));
    } else if (origin->layer == TVN_CONFIG_LAYER_FLAG) {
        tvn_strbuf_add_text(out, "--config");
    } else if (source && tvn_diag_locate(cli->sink, origin->span, &at)) {
        tvn_strbuf_add_escaped(out, tvn_str_of(source->name));
        tvn_strbuf_printf(out, ":%" PRIu32, at.line);
    } else {
        tvn_strbuf_add_text(out, "default");
    }
}

/* ---- text: TOML whose comments say where a value comes from ---- */

static void toml_text(struct tvn_str text, struct tvn_strbuf *out)
{
    struct tvn_json_writer json; /* a JSON string is a TOML string */
    tvn_json_writer_init(&json, out, 0);
    tvn_json_write_str(&json, text);
}

static void toml_value(const struct tvn_config_key *key, const struct tvn_config_value *value,
                       struct tvn_strbuf *out)
{
    switch (value->kind) {
    case TVN_CONFIG_VALUE_NONE:
        return;
    case TVN_CONFIG_VALUE_TEXT:
        toml_text(value->text, out);
        return;
    case TVN_CONFIG_VALUE_BOOLEAN:
        tvn_strbuf_add_text(out, value->boolean ? "true" : "false");
        return;
    case TVN_CONFIG_VALUE_INTEGER:
        if (key->type == TVN_CONFIG_TYPE_SIZE) {
            tvn_strbuf_add_char(out, '"');
            tvn_config_print_size(value->integer, out);
            tvn_strbuf_add_char(out, '"');
        } else {
            tvn_strbuf_printf(out, "%" PRIu64, value->integer);
        }
        return;
    case TVN_CONFIG_VALUE_REAL: {
        struct tvn_json_writer json;
        tvn_json_writer_init(&json, out, 0);
        tvn_json_write_real(&json, value->real);
        return;
    }
    }
}

static void render_key(const struct tvn_cli *cli, const struct tvn_manifest *manifest,
                       const struct tvn_config_key *key, struct tvn_strbuf *out)
{
    struct tvn_config_value value;
    tvn_config_value_of(&manifest->config, key, &value);
    size_t start = out->len;
    bool none = value.kind == TVN_CONFIG_VALUE_NONE;
    tvn_strbuf_printf(out, none ? "# %s is not set" : "%s = ", key->name);
    toml_value(key, &value, out);
    if (!none) {
        size_t width = out->len - start;
        tvn_strbuf_add_repeat(out, ' ', width < COMMENT_COLUMN ? COMMENT_COLUMN - width : 1);
        tvn_strbuf_add_text(out, "# ");
        place(cli, key, &manifest->origins[tvn_config_key_index(key)], out);
    }
    tvn_strbuf_add_char(out, '\n');
}

static void render_text(const struct tvn_cli *cli, const struct tvn_manifest *manifest,
                        const char *wanted, struct tvn_strbuf *out)
{
    enum tvn_config_section section = TVN_SECTION_COUNT;
    const struct tvn_config_key *key;
    for (size_t i = 0; (key = tvn_config_key_at(i)); i++) {
        if (!is_value(key) || !selects(wanted, key)) {
            continue;
        }
        if (key->section != section) {
            tvn_strbuf_printf(out, "%s[%s]\n", out->len > 0 ? "\n" : "",
                              tvn_config_section_path(key->section));
            section = key->section;
        }
        render_key(cli, manifest, key, out);
    }
}

/* ---- JSON ---- */

static void json_value(struct tvn_json_writer *json, const struct tvn_config_value *value)
{
    tvn_json_key(json, "value");
    switch (value->kind) {
    case TVN_CONFIG_VALUE_NONE:
        tvn_json_write_null(json);
        return;
    case TVN_CONFIG_VALUE_TEXT:
        tvn_json_write_str(json, value->text);
        return;
    case TVN_CONFIG_VALUE_BOOLEAN:
        tvn_json_write_bool(json, value->boolean);
        return;
    case TVN_CONFIG_VALUE_INTEGER:
        tvn_json_write_u64(json, value->integer);
        return;
    case TVN_CONFIG_VALUE_REAL:
        tvn_json_write_real(json, value->real);
        return;
    }
}

static void json_key(const struct tvn_cli *cli, const struct tvn_manifest *manifest,
                     const struct tvn_config_key *key, struct tvn_json_writer *json)
{
    const struct tvn_config_origin *origin = &manifest->origins[tvn_config_key_index(key)];
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    TVN_AUTO_VALUE(tvn_strbuf) where = {0};
    struct tvn_config_value value;
    full_name(key, &name);
    place(cli, key, origin, &where);
    tvn_config_value_of(&manifest->config, key, &value);
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "key", tvn_strbuf_text(&name));
    json_value(json, &value);
    tvn_json_field_text(json, "layer", tvn_config_layer_name(origin->layer));
    tvn_json_field_text(json, "from", tvn_strbuf_text(&where));
    tvn_json_end_object(json);
}

static enum tvn_exit print_json(struct tvn_cli *cli, const struct tvn_manifest *manifest,
                                const char *wanted, enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    tvn_json_key(&json, "values");
    tvn_json_begin_array(&json);
    const struct tvn_config_key *key;
    for (size_t i = 0; manifest && (key = tvn_config_key_at(i)); i++) {
        if (is_value(key) && selects(wanted, key)) {
            json_key(cli, manifest, key, &json);
        }
    }
    tvn_json_end_array(&json);
    return tvn_cli_json_end(cli, code, &out, &json);
}

static enum tvn_exit config_run(struct tvn_cli *cli, const void *raw)
{
    const struct config_args *args = raw;
    TVN_AUTO(tvn_manifest) manifest = NULL;
    struct tvn_config_options options = {.overrides = args->overrides.items,
                                         .override_count = args->overrides.count};
    const char *wanted = canonical_key(cli, args->key);
    enum tvn_exit code = args->key && !wanted ? TVN_EXIT_ERROR : TVN_EXIT_OK;
    if (code == TVN_EXIT_OK) {
        bool project = args->manifest || access(TVN_MANIFEST_DEFAULT_PATH, F_OK) == 0;
        enum tvn_status status =
            project ? tvn_manifest_load(args->manifest, &options, cli->sink, &manifest)
                    : tvn_manifest_without_project(&options, cli->sink, &manifest);
        code = status == TVN_OK                     ? TVN_EXIT_OK
               : status == TVN_E_MANIFEST_NOT_FOUND ? TVN_EXIT_PREREQUISITE
                                                    : TVN_EXIT_ERROR;
    }
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, manifest, wanted, code);
    }
    if (!manifest) {
        return code;
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    render_text(cli, manifest, wanted, &out);
    return tvn_cli_print(cli, &out, code);
}

const struct tvn_command tvn_cmd_config = {
    .name = "config",
    .summary = "Show every configuration value and where it comes from",
    .description = "Prints the effective configuration as TOML: built-in defaults, below your "
                   "config.toml, below the project's manifest, below TORVYN_ variables, below "
                   "--config. The comment behind a value says which of them it is from.",
    .opts = config_opts,
    .operands = config_operands,
    .examples = config_examples,
    .exits = config_exits,
    .args_size = sizeof(struct config_args),
    .run = config_run,
};
