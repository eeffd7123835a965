/* SPDX-License-Identifier: Apache-2.0 */
/* The project in this folder: what `torvyn check` says, and vendored contracts. */
#include "base/file.h"
#include "contracts/canonical.h"
#include "host/check.h"
#include "host/doctor_internal.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define PROJECT   "Project"
#define CONTRACTS "Contracts"

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ---- vendored contracts ---- */

/* "torvyn-streaming" of "torvyn-streaming/types.wit". */
static struct tvn_str folder_of(const struct tvn_embedded_text *file)
{
    struct tvn_str name = tvn_str_of(file->name);
    size_t slash = tvn_str_find(name, '/');
    return tvn_str_slice(name, 0, slash == SIZE_MAX ? 0 : slash);
}

/* Does a .wit file of the folder itself name the package? */
static bool names_package(const char *folder, const char *package)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    bool found = false;
    while (directory && !found && (entry = readdir(directory))) {
        TVN_AUTO_FREE char *path = tvn_path_join(folder, entry->d_name);
        TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
        bool wit = path && tvn_str_ends_with(tvn_str_of(entry->d_name), TVN_STR(".wit"));
        found = wit && tvn_file_read_regular(path, TVN_WIT_FILE_MAX, &bytes) == TVN_OK &&
                memmem(bytes.ptr, bytes.len, package, strlen(package)) != NULL;
    }
    if (directory) {
        closedir(directory);
    }
    return found;
}

static bool write_file(struct doctor *doctor, const char *deps,
                       const struct tvn_embedded_text *file)
{
    TVN_AUTO_FREE char *path = tvn_path_join(deps, file->name);
    if (!path || tvn_file_put(path, (struct tvn_str){file->text, file->length}) != TVN_OK) {
        (void)tvn_diag_error(doctor->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "cannot write '%s': %s",
                             path ? path : deps, strerror(errno));
        return false;
    }
    return true;
}

/* The package's own files, without those of its deps. */
static bool vendor(struct doctor *doctor, const char *deps, struct tvn_str folder)
{
    for (const struct tvn_embedded_text *file = tvn_contracts_texts; file->name; file++) {
        struct tvn_str name = tvn_str_of(file->name);
        bool own = tvn_str_equal(folder_of(file), folder) &&
                   tvn_str_find(tvn_str_slice(name, folder.len + 1, name.len), '/') == SIZE_MAX;
        if (own && !write_file(doctor, deps, file)) {
            return false;
        }
    }
    return true;
}

/* A contract that the folder's WIT names: is it in deps? */
static void check_contract(struct doctor *doctor, const char *wit, struct tvn_str folder)
{
    TVN_AUTO_VALUE(tvn_strbuf) package = {0};
    TVN_AUTO_VALUE(tvn_strbuf) place = {0};
    tvn_strbuf_add_text(&package, "torvyn:");
    tvn_strbuf_add_str(&package, tvn_str_slice(folder, strlen("torvyn-"), folder.len));
    tvn_strbuf_printf(&place, "%s/deps/%.*s", wit, TVN_STR_ARG(folder));
    TVN_AUTO_FREE char *deps = tvn_path_join(wit, "deps");
    if (!deps || package.failed || place.failed) {
        doctor->failed = true;
        return;
    }
    bool streaming = tvn_str_is(folder, "torvyn-streaming"); /* the others build on it */
    if (!names_package(wit, tvn_strbuf_text(&package)) &&
        !(streaming && names_package(wit, "torvyn:"))) {
        return;
    }
    if (is_folder(tvn_strbuf_text(&place))) {
        doctor_add(doctor, CONTRACTS, TVN_DOCTOR_GOOD, NULL, "%s vendored in %s",
                   tvn_strbuf_text(&package), deps);
    } else if (doctor->options->fix && vendor(doctor, deps, folder)) {
        doctor_add(doctor, CONTRACTS, TVN_DOCTOR_FIXED, NULL, "%s vendored in %s",
                   tvn_strbuf_text(&package), deps);
    } else {
        doctor_add(doctor, CONTRACTS, TVN_DOCTOR_FAULT, "torvyn doctor --fix", "%s is not in %s",
                   tvn_strbuf_text(&package), deps);
    }
}

static void check_folder(struct doctor *doctor, const char *wit)
{
    struct tvn_str last = {0};
    for (const struct tvn_embedded_text *file = tvn_contracts_texts; file->name; file++) {
        struct tvn_str folder = folder_of(file);
        if (!tvn_str_equal(folder, last) && is_folder(wit)) {
            check_contract(doctor, wit, folder);
        }
        last = folder;
    }
}

static void check_contracts(struct doctor *doctor)
{
    const struct tvn_manifest *manifest = doctor->manifest;
    TVN_AUTO_FREE char *shared = tvn_path_join(manifest->directory, "wit");
    if (!shared) {
        doctor->failed = true;
        return;
    }
    check_folder(doctor, shared);
    for (size_t i = 0; i < manifest->component_count; i++) {
        TVN_AUTO_FREE char *root = tvn_path_join(manifest->directory, manifest->components[i].path);
        TVN_AUTO_FREE char *wit = root ? tvn_path_join(root, "wit") : NULL;
        struct stat a;
        struct stat b;
        doctor->failed |= !wit;
        if (wit && stat(wit, &a) == 0 &&
            (stat(shared, &b) != 0 || a.st_ino != b.st_ino || a.st_dev != b.st_dev)) {
            check_folder(doctor, wit);
        }
    }
}

/* ---- what checking says ---- */

/* The worst of the steps; SKIPPED if none was made. */
static enum tvn_check_verdict verdict_of(const struct tvn_check_report *report,
                                         enum tvn_check_step first, enum tvn_check_step last)
{
    enum tvn_check_verdict worst = TVN_CHECK_SKIPPED;
    for (unsigned step = first; step <= (unsigned)last; step++) {
        worst = report->steps[step] > worst ? report->steps[step] : worst;
    }
    return worst;
}

static void add_steps(struct doctor *doctor, const struct tvn_check_report *report)
{
    static const struct {
        const char *text;
        enum tvn_check_step first;
        enum tvn_check_step last;
    } rows[] = {
        {"manifest", TVN_CHECK_MANIFEST_PARSE, TVN_CHECK_MANIFEST_SCHEMA},
        {"WIT text and its dependencies", TVN_CHECK_WIT_SYNTAX, TVN_CHECK_WIT_RESOLUTION},
        {"worlds, capabilities and versions", TVN_CHECK_WORLD, TVN_CHECK_DEPRECATIONS},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        enum tvn_check_verdict verdict = verdict_of(report, rows[i].first, rows[i].last);
        if (verdict != TVN_CHECK_SKIPPED) {
            bool fault = verdict == TVN_CHECK_FAILED;
            doctor_add(doctor, PROJECT, fault ? TVN_DOCTOR_FAULT : TVN_DOCTOR_GOOD,
                       fault ? "torvyn check says more" : NULL, "%s: %s", rows[i].text,
                       fault                         ? "faults"
                       : verdict == TVN_CHECK_WARNED ? "warnings"
                                                     : "in order");
        }
    }
}

static enum tvn_status load(struct doctor *doctor)
{
    const struct tvn_config_options options = {0};
    TVN_AUTO(tvn_diag_sink) quiet = tvn_diag_sink_create(); /* checking reports the same */
    enum tvn_status status =
        quiet ? tvn_manifest_load(doctor->options->manifest, &options, quiet, &doctor->manifest)
              : TVN_E_OUT_OF_MEMORY;
    doctor->failed |= status == TVN_E_OUT_OF_MEMORY;
    return status;
}

enum tvn_status doctor_project(struct doctor *doctor)
{
    if (!doctor->project) {
        doctor_add(doctor, PROJECT, TVN_DOCTOR_OPTIONAL, NULL,
                   "there is no " TVN_MANIFEST_DEFAULT_PATH " here");
        return TVN_OK;
    }
    if (load(doctor) == TVN_OK) {
        check_contracts(doctor); /* first: checking then sees what was vendored */
    }
    TVN_AUTO_VALUE(tvn_check_report) report = {0};
    enum tvn_status status = tvn_host_check(doctor->options->manifest, doctor->sink, &report);
    add_steps(doctor, &report);
    return status == TVN_E_MANIFEST_NOT_FOUND || status == TVN_E_OUT_OF_MEMORY ? status : TVN_OK;
}
