/* SPDX-License-Identifier: Apache-2.0 */
#include "host/check.h"

#include "base/assert.h"
#include "base/mem.h"
#include "host/check_internal.h"
#include "host/contract_versions.h"
#include "host/inspection_tcp.h"
#include "security/capability.h"

const char *tvn_check_step_name(enum tvn_check_step step)
{
    static const char *const names[] = {"manifest-parse", "manifest-schema", "wit-syntax",
                                        "wit-resolution", "world",           "capabilities",
                                        "deprecations"};
    tvn_assert((unsigned)step < TVN_ARRAY_LEN(names));
    return names[step];
}

const char *tvn_check_verdict_name(enum tvn_check_verdict verdict)
{
    static const char *const names[] = {"skipped", "passed", "warned", "failed"};
    tvn_assert((unsigned)verdict < TVN_ARRAY_LEN(names));
    return names[verdict];
}

void tvn_check_report_deinit(struct tvn_check_report *report)
{
    tvn_arena_destroy(report->arena);
    *report = (struct tvn_check_report){0};
}

enum tvn_status check_no_memory(struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                          "no memory to check the project");
}

/* ---- verdicts: what was added to the sink since ---- */

struct count {
    size_t errors;
    size_t warnings;
};

static struct count count_now(const struct check *check)
{
    return (struct count){tvn_diag_error_count(check->sink), tvn_diag_warning_count(check->sink)};
}

static enum tvn_check_verdict judge(size_t errors, size_t warnings)
{
    return errors > 0 ? TVN_CHECK_FAILED : warnings > 0 ? TVN_CHECK_WARNED : TVN_CHECK_PASSED;
}

static enum tvn_check_verdict since(const struct check *check, struct count before)
{
    return judge(tvn_diag_error_count(check->sink) - before.errors,
                 tvn_diag_warning_count(check->sink) - before.warnings);
}

static void keep_first(enum tvn_status *first, enum tvn_status status)
{
    *first = *first == TVN_OK ? status : *first;
}

/* ---- the manifest ---- */

static bool is_parse_error(enum tvn_status status)
{
    return status == TVN_E_MANIFEST_NOT_FOUND || status == TVN_E_MANIFEST_PARSE_ERROR ||
           status == TVN_E_IO_ERROR || status == TVN_E_OUT_OF_MEMORY;
}

/* Reading is one call for both steps: the kind of error tells which of them failed. */
static enum tvn_status check_manifest(struct check *check, const char *path,
                                      struct tvn_check_report *report)
{
    struct count before = count_now(check);
    enum tvn_status status = tvn_manifest_load(path, NULL, check->sink, &check->manifest);
    if (status == TVN_OK) {
        status = tvn_security_check_manifest(check->manifest, check->sink);
        keep_first(&status, tvn_inspection_tcp_check(check->manifest, check->sink));
    } else if (is_parse_error(status)) {
        report->steps[TVN_CHECK_MANIFEST_PARSE] = TVN_CHECK_FAILED;
        return status;
    }
    if (check->manifest) {
        enum tvn_status references = check_flows(check);
        status = status == TVN_OK ? references : status;
    }
    report->steps[TVN_CHECK_MANIFEST_PARSE] = TVN_CHECK_PASSED;
    report->steps[TVN_CHECK_MANIFEST_SCHEMA] = since(check, before);
    return status;
}

/* ---- the components ---- */

typedef enum tvn_status (*component_step)(struct check *check, struct check_component *component);

static enum tvn_status capabilities_of(struct check *check, struct check_component *component)
{
    return component->world ? check_capabilities(check, component) : TVN_OK;
}

static enum tvn_status deprecations_of(struct check *check, struct check_component *component)
{
    if (component->world) {
        check_deprecations(check, component);
    }
    return TVN_OK;
}

static enum tvn_status for_each(struct check *check, enum tvn_check_step step, component_step run,
                                struct tvn_check_report *report)
{
    struct count before = count_now(check);
    enum tvn_status result = TVN_OK;
    if (step == TVN_CHECK_DEPRECATIONS) {
        host_warn_versions(check->manifest, check->sink);
    }
    for (size_t i = 0; i < check->component_count; i++) {
        struct check_component *component = &check->components[i];
        struct count own = count_now(check);
        keep_first(&result, run(check, component));
        component->errors += tvn_diag_error_count(check->sink) - own.errors;
        component->warnings += tvn_diag_warning_count(check->sink) - own.warnings;
    }
    report->steps[step] = since(check, before);
    return result;
}

static bool fill_world(struct check *check, const struct check_component *from,
                       struct tvn_check_component *to)
{
    const struct tvn_str name = from->world->name;
    const char *path = check_wit_path_of(check, from->folder, from->world);
    to->world = tvn_arena_strndup(check->arena, name.ptr, name.len);
    to->wit = path ? tvn_arena_strndup(check->arena, path, strlen(path)) : NULL;
    return to->world && to->wit &&
           check_world_packages(check, from->world, &to->packages, &to->package_count);
}

static enum tvn_status fill_components(struct check *check, struct tvn_check_report *report)
{
    struct tvn_check_component *components =
        TVN_ARENA_ARRAY(check->arena, struct tvn_check_component, check->component_count + 1);
    if (!components) {
        return check_no_memory(check->sink);
    }
    for (size_t i = 0; i < check->component_count; i++) {
        const struct check_component *from = &check->components[i];
        const char *name = from->declared->name;
        bool unusable = !from->folder || !check_folder_usable(from->folder);
        components[i] = (struct tvn_check_component){
            .name = tvn_arena_strndup(check->arena, name, strlen(name)),
            .verdict = unusable ? TVN_CHECK_FAILED : judge(from->errors, from->warnings),
        };
        if (!components[i].name || (from->world && !fill_world(check, from, &components[i]))) {
            return check_no_memory(check->sink);
        }
    }
    report->components = components;
    report->component_count = check->component_count;
    report->wit_files = check->wit_files;
    return TVN_OK;
}

static enum tvn_status check_contracts(struct check *check, struct tvn_check_report *report)
{
    enum tvn_status result = check_wit_find(check);
    if (result != TVN_OK) {
        report->steps[TVN_CHECK_MANIFEST_SCHEMA] = TVN_CHECK_FAILED; /* it names wrong folders */
    }
    struct count before = count_now(check);
    keep_first(&result, check_wit_parse(check));
    report->steps[TVN_CHECK_WIT_SYNTAX] = since(check, before);
    before = count_now(check);
    keep_first(&result, check_wit_resolve(check));
    report->steps[TVN_CHECK_WIT_RESOLUTION] = since(check, before);
    keep_first(&result, for_each(check, TVN_CHECK_WORLD, check_world, report));
    keep_first(&result, for_each(check, TVN_CHECK_CAPABILITIES, capabilities_of, report));
    keep_first(&result, for_each(check, TVN_CHECK_DEPRECATIONS, deprecations_of, report));
    keep_first(&result, fill_components(check, report));
    return result;
}

enum tvn_status tvn_host_check(const char *manifest_path, struct tvn_diag_sink *sink,
                               struct tvn_check_report *out_report)
{
    tvn_assert(sink && out_report);
    const char *path = manifest_path ? manifest_path : TVN_MANIFEST_DEFAULT_PATH;
    *out_report = (struct tvn_check_report){.arena = tvn_arena_create(0), .manifest_path = ""};
    char *copy =
        out_report->arena ? tvn_arena_strndup(out_report->arena, path, strlen(path)) : NULL;
    if (!copy) {
        return check_no_memory(sink);
    }
    out_report->manifest_path = copy;
    struct check check = {.sink = sink, .arena = out_report->arena};
    enum tvn_status status = check_manifest(&check, manifest_path, out_report);
    if (check.manifest) {
        /* What is wrong with one capability's name does not hide what is wrong with the WIT. */
        keep_first(&status, check_contracts(&check, out_report));
    }
    check_wit_release(&check);
    tvn_manifest_destroy(check.manifest);
    return status;
}
