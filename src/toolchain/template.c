/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/template.h"

#include "base/assert.h"
#include "base/embedded.h"
#include "contracts/canonical.h"

/* templates/, names relative to it; and sdk/. Both end with a NULL name. */
extern const struct tvn_embedded_text tvn_toolchain_templates[];
extern const struct tvn_embedded_text tvn_toolchain_sdk[];

#define PARTS_MAX  2
#define EXTRAS_MAX 3
#define SDK_MAX    9

/* A component of a template. */
struct part {
    const char *folder; /* "" or "components/source/"; NULL ends the list */
    const char *name;   /* NULL: the project's */
    const char *world;  /* world/<world>.wit */
    const char *code;   /* <language>/<code>.<extension> */
};

struct project_template {
    const char *name;
    const char *manifest;
    struct part parts[PARTS_MAX + 1];
};

static const struct project_template templates[] = {
    {"source", "manifest/component.toml", {{"", NULL, "source", "source"}}},
    {"sink", "manifest/component.toml", {{"", NULL, "sink", "sink"}}},
    {"transform", "manifest/component.toml", {{"", NULL, "transform", "transform"}}},
    {"filter", "manifest/component.toml", {{"", NULL, "filter", "filter"}}},
    {"router", "manifest/component.toml", {{"", NULL, "router", "router"}}},
    {"aggregator", "manifest/component.toml", {{"", NULL, "aggregator", "aggregator"}}},
    {"full-pipeline",
     "manifest/pipeline.toml",
     {{"components/source/", "source", "source", "source"},
      {"components/transform/", "transform", "transform", "upper"}}},
    {"empty", "manifest/empty.toml", {{NULL, NULL, NULL, NULL}}},
};
const char *const tvn_template_names[] = {"source",        "sink",   "transform",
                                          "filter",        "router", "aggregator",
                                          "full-pipeline", "empty",  NULL};

struct extra {
    const char *from; /* below templates/ or sdk/; NULL ends the list */
    const char *to;   /* below the component's folder */
    bool listed;
};

struct language {
    const char *name;
    const char *extension;
    const char *source; /* where the code goes; {{role}} is the world's template */
    struct extra extras[EXTRAS_MAX + 1];
    const char *exports; /* where <language>/<world>.exports.c goes; NULL: there is none */
    struct extra sdk[SDK_MAX + 1]; /* its own part of sdk/, as it is */
    bool uses_c;                   /* include/torvyn.h */
    const char *gitignore;
    /* What the language's own runtime needs to start, as lines of the manifest. */
    const char *grants;
};

static const struct language languages[] = {
    {.name = "rust",
     .extension = "rs",
     .source = "src/lib.rs",
     .extras = {{"rust/Cargo.toml", "Cargo.toml", true}, {"rust/Cargo.lock", "Cargo.lock", false}},
     .gitignore = "gitignore"},
    {.name = "c",
     .extension = "c",
     .source = "src/{{role}}.c",
     .uses_c = true,
     .gitignore = "gitignore"},
    {.name = "python",
     .extension = "py",
     .source = "app.py",
     .gitignore = "gitignore-python",
     .grants = "\n# Python seeds its hashes when it starts.\n[security.grants.{{component}}]\n"
               "capabilities = [\"wasi:random\", \"wasi:cli/stdout\", \"wasi:cli/stderr\"]\n"},
    {.name = "javascript",
     .extension = "js",
     .source = "component.js",
     .extras = {{"javascript/package.json", "package.json", true}},
     .gitignore = "gitignore-javascript",
     .grants = "\n# The JavaScript engine reads the clock when it starts.\n"
               "[security.grants.{{component}}]\n"
               "capabilities = [\"wasi:clocks\", \"wasi:cli/stdout\", \"wasi:cli/stderr\"]\n"},
    {.name = "go",
     .extension = "go",
     .source = "main.go",
     .extras = {{"go/go.mod", "go.mod", true}},
     .sdk = {{"go/torvyn.go", "torvyn/torvyn.go", true},
             {"go/host.go", "torvyn/host.go", false},
             {"go/source.go", "torvyn/source/source.go", false},
             {"go/processor.go", "torvyn/processor/processor.go", false},
             {"go/sink.go", "torvyn/sink/sink.go", false},
             {"go/filter.go", "torvyn/filter/filter.go", false},
             {"go/router.go", "torvyn/router/router.go", false},
             {"go/aggregator.go", "torvyn/aggregator/aggregator.go", false},
             {"go/lifecycle.go", "torvyn/lifecycle/lifecycle.go", false}},
     .gitignore = "gitignore",
     .grants = "\n# Go's runtime reads the clock and seeds its hashes when it starts.\n"
               "[security.grants.{{component}}]\n"
               "capabilities = [\"wasi:clocks\", \"wasi:random\", \"wasi:cli/stdout\", "
               "\"wasi:cli/stderr\"]\n"},
    {.name = "zig",
     .extension = "zig",
     .source = "src/main.zig",
     .exports = "src/exports.c",
     .sdk = {{"zig/torvyn.zig", "src/torvyn.zig", true}},
     .uses_c = true,
     .gitignore = "gitignore"},
};
const char *const tvn_language_names[] = {"rust", "c", "python", "javascript", "go", "zig", NULL};

struct render {
    const struct tvn_template_options *options;
    const struct language *language;
    struct tvn_arena *arena;
    struct tvn_template_file *files;
    size_t count;
};

struct value {
    const char *name;
    const char *text;
};

/* ---- what is built in ---- */

static const struct tvn_embedded_text *find(const struct tvn_embedded_text *texts, const char *name)
{
    while (texts->name && strcmp(texts->name, name) != 0) {
        texts++;
    }
    return texts->name ? texts : NULL;
}

const char *tvn_template_contract_version(void)
{
    return "0.1.0"; /* a test compares it with wit/ */
}

/* Names that WIT reserves cannot name a world without an escape, which few tools understand. */
static bool is_wit_keyword(const char *name)
{
    static const char *const keywords[] = {
#define TVN_WIT_KEYWORD(id, text) text,
#include "contracts/wit_keywords.def"
#undef TVN_WIT_KEYWORD
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(keywords); i++) {
        if (strcmp(keywords[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- filling in ---- */

static const char *value_of(const struct value *values, struct tvn_str name)
{
    for (; values->name; values++) {
        if (tvn_str_is(name, values->name)) {
            return values->text;
        }
    }
    return NULL;
}

/* Replaces every {{name}}. A name without a value is a fault of the template. */
static struct tvn_str fill(struct render *render, struct tvn_str text, const struct value *values)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    for (size_t i = 0; i < text.len;) {
        size_t end = SIZE_MAX;
        struct tvn_str rest = tvn_str_slice(text, i, text.len);
        if (tvn_str_starts_with(rest, TVN_STR("{{"))) {
            end = tvn_str_find(rest, '}');
        }
        const char *value = end == SIZE_MAX ? NULL : value_of(values, tvn_str_slice(rest, 2, end));
        if (value) {
            tvn_strbuf_add_text(&out, value);
            i += end + 2;
        } else {
            tvn_strbuf_add_char(&out, text.ptr[i++]);
        }
    }
    if (out.failed) {
        return (struct tvn_str){NULL, 0};
    }
    return tvn_arena_str(render->arena, tvn_strbuf_view(&out));
}

static enum tvn_status add(struct render *render, const char *path, struct tvn_str text,
                           bool listed)
{
    if (!path || !text.ptr) {
        return TVN_E_OUT_OF_MEMORY;
    }
    tvn_assert(render->count < TVN_TEMPLATE_FILES_MAX);
    render->files[render->count++] =
        (struct tvn_template_file){.path = path, .text = text, .listed = listed};
    return TVN_OK;
}

static enum tvn_status add_template(struct render *render, const char *from, const char *path,
                                    const struct value *values, bool listed)
{
    const struct tvn_embedded_text *file = from ? find(tvn_toolchain_templates, from) : NULL;
    if (!file) {
        tvn_assert(!from);
        return TVN_E_OUT_OF_MEMORY; /* `from` could not be made */
    }
    return add(render, path, fill(render, (struct tvn_str){file->text, file->length}, values),
               listed);
}

/* ---- the parts ---- */

static const char *path_of(struct render *render, const char *folder, const char *name)
{
    return tvn_arena_printf(render->arena, "%s%s", folder, name);
}

static enum tvn_status add_contracts(struct render *render, const char *folder)
{
    for (const struct tvn_embedded_text *file = tvn_contracts_texts; file->name; file++) {
        const char *path = tvn_arena_printf(render->arena, "%swit/deps/%s", folder, file->name);
        TVN_TRY(add(render, path, (struct tvn_str){file->text, file->length}, true));
    }
    return TVN_OK;
}

static enum tvn_status add_code(struct render *render, const struct part *part,
                                const struct value *values)
{
    const struct language *language = render->language;
    if (!render->options->example) {
        return TVN_OK;
    }
    const char *from = tvn_arena_printf(render->arena, "%s/%s.%s", language->name, part->code,
                                        language->extension);
    struct tvn_str source = fill(render, tvn_str_of(language->source), values);
    const char *to = source.ptr ? path_of(render, part->folder, source.ptr) : NULL;
    TVN_TRY(add_template(render, from, to, values, true));
    if (!language->exports) {
        return TVN_OK;
    }
    from = tvn_arena_printf(render->arena, "%s/%s.exports.c", language->name, part->world);
    to = path_of(render, part->folder, language->exports);
    return add_template(render, from, to, values, true);
}

static enum tvn_status add_sdk(struct render *render, const struct part *part)
{
    for (const struct extra *extra = render->language->sdk; extra->from; extra++) {
        const struct tvn_embedded_text *file = find(tvn_toolchain_sdk, extra->from);
        tvn_assert(file);
        TVN_TRY(add(render, path_of(render, part->folder, extra->to),
                    (struct tvn_str){file->text, file->length}, extra->listed));
    }
    return TVN_OK;
}

static enum tvn_status add_part(struct render *render, const struct part *part)
{
    const char *name = part->name ? part->name : render->options->name;
    const char *wit =
        is_wit_keyword(name) ? tvn_arena_printf(render->arena, "%s-component", name) : name;
    const char *world = tvn_arena_printf(render->arena, "world/%s.wit", part->world);
    if (!wit || !world) {
        return TVN_E_OUT_OF_MEMORY;
    }
    const struct value values[] = {{"component", name},
                                   {"wit", wit},
                                   {"role", part->world},
                                   {"contract", tvn_template_contract_version()},
                                   {NULL, NULL}};
    for (const struct extra *extra = render->language->extras; extra->from; extra++) {
        TVN_TRY(add_template(render, extra->from, path_of(render, part->folder, extra->to), values,
                             extra->listed));
    }
    TVN_TRY(
        add_template(render, world, path_of(render, part->folder, "wit/world.wit"), values, true));
    TVN_TRY(add_contracts(render, part->folder));
    TVN_TRY(add_code(render, part, values));
    return add_sdk(render, part);
}

/* The grants of all components, one table each. */
static const char *grants_of(struct render *render, const struct project_template *template)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    const char *lines = render->language->grants ? render->language->grants : "";
    for (const struct part *part = template->parts; part->folder; part++) {
        const struct value values[] = {
            {"component", part->name ? part->name : render->options->name}, {NULL, NULL}};
        struct tvn_str filled = fill(render, tvn_str_of(lines), values);
        if (!filled.ptr) {
            return NULL;
        }
        tvn_strbuf_add_str(&out, filled);
    }
    return out.failed ? NULL : tvn_arena_strndup(render->arena, tvn_strbuf_text(&out), out.len);
}

static enum tvn_status add_project(struct render *render, const struct project_template *template)
{
    const char *grants = grants_of(render, template);
    if (!grants) {
        return TVN_E_OUT_OF_MEMORY;
    }
    bool is_c = render->language->uses_c && template->parts[0].folder;
    const struct value values[] = {
        {"name", render->options->name},
        {"template", render->options->template},
        {"language", render->options->language},
        {"contract", tvn_template_contract_version()},
        {"grants", grants},
        {"about", is_c ? "- `include/torvyn.h`: what makes a component short to write. It explains "
                         "itself.\n"
                       : ""},
        {NULL, NULL},
    };
    TVN_TRY(add_template(render, template->manifest, "Torvyn.toml", values, true));
    for (const struct part *part = template->parts; part->folder; part++) {
        TVN_TRY(add_part(render, part));
    }
    if (!template->parts[0].folder) {
        TVN_TRY(add_contracts(render, ""));
    }
    if (is_c) {
        const struct tvn_embedded_text *header = find(tvn_toolchain_sdk, "c/torvyn.h");
        tvn_assert(header);
        TVN_TRY(
            add(render, "include/torvyn.h", (struct tvn_str){header->text, header->length}, true));
    }
    TVN_TRY(add_template(render, render->language->gitignore, ".gitignore", values, true));
    return add_template(render, "README.md", "README.md", values, true);
}

static const struct language *find_language(const char *name)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(languages); i++) {
        if (strcmp(languages[i].name, name) == 0) {
            return &languages[i];
        }
    }
    return NULL;
}

static const struct project_template *find_template(const char *name)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(templates); i++) {
        if (strcmp(templates[i].name, name) == 0) {
            return &templates[i];
        }
    }
    return NULL;
}

enum tvn_status tvn_template_render(const struct tvn_template_options *options,
                                    struct tvn_arena *arena,
                                    const struct tvn_template_file **out_files, size_t *out_count)
{
    struct render render = {
        .options = options,
        .language = find_language(options->language),
        .arena = arena,
        .files = TVN_ARENA_ARRAY(arena, struct tvn_template_file, TVN_TEMPLATE_FILES_MAX)};
    const struct project_template *template = find_template(options->template);
    tvn_assert(render.language && template);
    if (!render.files) {
        return TVN_E_OUT_OF_MEMORY;
    }
    TVN_TRY(add_project(&render, template));
    *out_files = render.files;
    *out_count = render.count;
    return TVN_OK;
}
