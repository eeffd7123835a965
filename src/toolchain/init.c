/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/init.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "toolchain/build_internal.h"
#include "toolchain/probe.h"
#include "toolchain/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIT_TIMEOUT_NS    UINT64_C(60000000000)
#define FOLDER_LEVELS_MAX 64
#define PATH_BYTES_MAX    4096

void tvn_init_report_deinit(struct tvn_init_report *report)
{
    tvn_arena_destroy(report->arena);
    *report = (struct tvn_init_report){0};
}

static enum tvn_status no_memory(struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                          "no memory to create the project");
}

/* ---- what was asked for ---- */

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);
    bool valid =
        length > 0 && length <= TVN_INIT_NAME_MAX && is_letter(name[0]) && name[length - 1] != '-';
    for (size_t i = 0; valid && i < length; i++) {
        bool hyphen = name[i] == '-' && name[i + 1] != '-';
        valid = is_letter(name[i]) || is_digit(name[i]) || hyphen;
    }
    return valid;
}

/* A valid name like `name`; false when little would be left of it. */
static bool near_name(const char *name, char out_name[TVN_INIT_NAME_MAX + 1])
{
    size_t length = 0;
    for (; *name && length < TVN_INIT_NAME_MAX; name++) {
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
        if (is_letter(c) || (is_digit(c) && length > 0)) {
            out_name[length++] = c;
        } else if (length > 0 && out_name[length - 1] != '-') {
            out_name[length++] = '-';
        }
    }
    while (length > 0 && out_name[length - 1] == '-') {
        length--;
    }
    out_name[length] = '\0';
    return length > 0;
}

enum tvn_status tvn_init_check_name(const char *name, struct tvn_diag_sink *sink)
{
    if (is_name(name)) {
        return TVN_OK;
    }
    char near[TVN_INIT_NAME_MAX + 1];
    (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE,
                         "'%s' cannot be the name of a project", name);
    tvn_diag_note(sink,
                  "a name has lower-case letters, digits and single hyphens between them, starts "
                  "with a letter and has at most %d characters",
                  TVN_INIT_NAME_MAX);
    if (strcmp(name, ".") == 0 || strcmp(name, "./") == 0) {
        tvn_diag_help(sink, "leave it out to make this folder the project");
    } else if (strchr(name, '/')) {
        tvn_diag_help(sink, "go to the folder that shall hold the project, then name the project");
    } else if (near_name(name, near)) {
        tvn_diag_help(sink, "'%s' would do", near);
    } else {
        tvn_diag_help(sink, "give it a name: torvyn init my-project");
    }
    return TVN_E_CONSTRAINT_VIOLATION;
}

static enum tvn_status check_choice(const char *what, const char *given, const char *const *names,
                                    struct tvn_diag_sink *sink)
{
    size_t count = 0;
    for (; names[count]; count++) {
        if (strcmp(names[count], given) == 0) {
            return TVN_OK;
        }
    }
    (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE, "there is no %s '%s'",
                         what, given);
    TVN_AUTO_VALUE(tvn_strbuf) all = {0};
    for (size_t i = 0; i < count; i++) {
        tvn_strbuf_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    tvn_diag_note(sink, "possible values: %s", tvn_strbuf_text(&all));
    const char *near = tvn_suggest(tvn_str_of(given), names, count);
    if (near) {
        tvn_diag_help(sink, "did you mean '%s'?", near);
    } else {
        tvn_diag_help(sink, "choose one of them");
    }
    return TVN_E_CONSTRAINT_VIOLATION;
}

enum tvn_status tvn_init_check_template(const char *name, struct tvn_diag_sink *sink)
{
    return check_choice("template", name, tvn_template_names, sink);
}

enum tvn_status tvn_init_check_language(const char *name, struct tvn_diag_sink *sink)
{
    return check_choice("language", name, tvn_language_names, sink);
}

static enum tvn_status check_contract_version(const char *version, struct tvn_diag_sink *sink)
{
    const char *own = tvn_template_contract_version();
    if (!version || strcmp(version, own) == 0) {
        return TVN_OK;
    }
    (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE,
                         "this Torvyn has no contracts of version '%s'", version);
    tvn_diag_note(sink, "it has those of version %s", own);
    tvn_diag_help(sink, "leave --contract-version out, or use a Torvyn that has them");
    return TVN_E_CONSTRAINT_VIOLATION;
}

/* ---- where ---- */

/* The last part of the working directory. */
static const char *folder_name(struct tvn_arena *arena)
{
    char path[PATH_BYTES_MAX];
    if (!getcwd(path, sizeof(path))) {
        return NULL;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return tvn_arena_strndup(arena, name, strlen(name));
}

/* Nothing but a repository's own folder. TVN_NOT_FOUND: there is no such folder. */
static enum tvn_status check_empty(const char *folder, bool *out_empty)
{
    DIR *directory = opendir(folder);
    if (!directory) {
        return errno == ENOENT ? TVN_NOT_FOUND : TVN_E_IO_ERROR;
    }
    *out_empty = true;
    const struct dirent *entry;
    while (*out_empty && (entry = readdir(directory))) { // NOLINT(concurrency-mt-unsafe)
        *out_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                     strcmp(entry->d_name, ".git") == 0;
    }
    closedir(directory);
    return TVN_OK;
}

static enum tvn_status check_folder(const char *folder, bool force, struct tvn_diag_sink *sink)
{
    bool empty = true;
    enum tvn_status status = check_empty(folder, &empty);
    if (status == TVN_E_IO_ERROR) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "'%s' cannot be read: %s",
                              folder, strerror(errno));
    }
    if (empty || force) {
        return TVN_OK;
    }
    (void)tvn_diag_error(sink, TVN_E_DIRECTORY_EXISTS, TVN_SPAN_NONE,
                         strcmp(folder, ".") == 0 ? "this folder is not empty"
                                                  : "folder '%s' exists and is not empty",
                         folder);
    tvn_diag_help(sink, "choose another name, or use --force to overwrite the files that a new "
                        "project has");
    return TVN_E_DIRECTORY_EXISTS;
}

/* ---- a repository ---- */

static bool is_in_repository(const char *folder)
{
    TVN_AUTO_FREE char *path = tvn_strdup(folder);
    for (size_t level = 0; path && level < FOLDER_LEVELS_MAX; level++) {
        TVN_AUTO_FREE char *git = tvn_path_join(path, ".git");
        if (!git || tvn_file_exists(git)) {
            return git != NULL;
        }
        char *up = tvn_path_join(path, "..");
        tvn_free(path);
        path = up;
    }
    return false;
}

/* A project without a repository is a project: what fails here is left. */
static bool make_repository(const struct tvn_init_options *options, const char *folder)
{
    const char *git =
        options->no_git || !options->probe ? NULL : tvn_probe_find(options->probe, TVN_TOOL_GIT);
    if (!git || is_in_repository(folder)) {
        return false;
    }
    const char *const argv[] = {git, "init", "--quiet", NULL};
    const struct tvn_process_options process = {.argv = argv, .directory = folder};
    TVN_AUTO_VALUE(tvn_strbuf) output = {0};
    int code = -1;
    return tvn_process_run(&process, GIT_TIMEOUT_NS, &output, &code) == TVN_OK && code == 0;
}

/* ---- all of it ---- */

static enum tvn_status check_options(const struct tvn_init_options *options,
                                     const struct tvn_init_report *report,
                                     struct tvn_diag_sink *sink)
{
    enum tvn_status result = TVN_OK;
    const enum tvn_status statuses[] = {
        tvn_init_check_name(report->name, sink),
        tvn_init_check_template(report->template, sink),
        tvn_init_check_language(report->language, sink),
        check_contract_version(options->contract_version, sink),
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(statuses); i++) {
        result = result == TVN_OK ? statuses[i] : result;
    }
    return result;
}

static bool is_of_project(const struct tvn_init_report *report, const char *path)
{
    for (size_t i = 0; i < report->file_count; i++) {
        if (strcmp(report->files[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* What is in the folder beside what will be written: a build may take it for the project's. */
static enum tvn_status find_kept(struct tvn_init_report *report, const char *folder)
{
    TVN_AUTO_VALUE(build_files) files = {0};
    enum tvn_status status = build_files_add(&files, report->arena, folder, NULL);
    if (status != TVN_OK && status != TVN_E_OUT_OF_MEMORY) {
        return TVN_OK; /* too much to be listed, or not readable: none of it is touched */
    }
    const char **kept = TVN_ARENA_ARRAY(report->arena, const char *, files.list.count + 1);
    if (status != TVN_OK || !kept) {
        return TVN_E_OUT_OF_MEMORY;
    }
    size_t prefix = strcmp(folder, ".") == 0 ? 0 : strlen(folder) + 1;
    for (size_t i = 0; i < files.list.count; i++) {
        const char *path = files.list.items[i] + prefix;
        if (!is_of_project(report, path)) {
            kept[report->kept_count++] = path;
        }
    }
    report->kept = kept;
    return TVN_OK;
}

static enum tvn_status write_files(const struct tvn_init_report *report, const char *folder,
                                   struct tvn_diag_sink *sink)
{
    for (size_t i = 0; i < report->file_count; i++) {
        const struct tvn_template_file *file = &report->files[i];
        TVN_AUTO_FREE char *path = tvn_path_join(folder, file->path);
        if (!path) {
            return no_memory(sink);
        }
        if (tvn_file_put(path, file->text) != TVN_OK) {
            return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "'%s' cannot be written: %s",
                                  path, strerror(errno));
        }
    }
    return TVN_OK;
}

enum tvn_status tvn_init_project(const struct tvn_init_options *options, struct tvn_diag_sink *sink,
                                 struct tvn_init_report *out_report)
{
    tvn_assert(options && sink && out_report);
    *out_report = (struct tvn_init_report){
        .arena = tvn_arena_create(0),
        .template = options->template ? options->template : TVN_TEMPLATE_DEFAULT,
        .language = options->language ? options->language : TVN_LANGUAGE_DEFAULT,
        .folder = options->name,
    };
    if (!out_report->arena) {
        return no_memory(sink);
    }
    out_report->name = options->name ? options->name : folder_name(out_report->arena);
    if (!out_report->name) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "the working directory has no name: %s", strerror(errno));
    }
    TVN_TRY(check_options(options, out_report, sink));
    const char *folder = options->name ? options->name : ".";
    TVN_TRY(check_folder(folder, options->force, sink));
    const struct tvn_template_options what = {
        .name = out_report->name,
        .template = out_report->template,
        .language = out_report->language,
        .example = !options->no_example,
    };
    if (tvn_template_render(&what, out_report->arena, &out_report->files,
                            &out_report->file_count) != TVN_OK) {
        return no_memory(sink);
    }
    if (options->force && find_kept(out_report, folder) != TVN_OK) {
        return no_memory(sink);
    }
    TVN_TRY(write_files(out_report, folder, sink));
    out_report->git = make_repository(options, folder);
    return TVN_OK;
}
