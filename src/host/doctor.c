/* SPDX-License-Identifier: Apache-2.0 */
#include "host/doctor.h"

#include "base/assert.h"
#include "base/mem.h"
#include "host/doctor_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

const char *tvn_doctor_verdict_name(enum tvn_doctor_verdict verdict)
{
    static const char *const names[] = {"good", "fixed", "optional", "fault"};
    tvn_assert((unsigned)verdict < TVN_ARRAY_LEN(names));
    return names[verdict];
}

void tvn_doctor_report_deinit(struct tvn_doctor_report *report)
{
    tvn_arena_destroy(report->arena);
    *report = (struct tvn_doctor_report){0};
}

void doctor_add(struct doctor *doctor, const char *section, enum tvn_doctor_verdict verdict,
                const char *help, const char *format, ...)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    va_list args;
    va_start(args, format);
    tvn_strbuf_vprintf(&text, format, args);
    va_end(args);
    struct tvn_doctor_check check = {
        .section = section,
        .verdict = verdict,
        .text = tvn_arena_strndup(doctor->arena, tvn_strbuf_text(&text), text.len),
        .help = help ? tvn_arena_strndup(doctor->arena, help, strlen(help)) : NULL,
    };
    doctor->faults += verdict == TVN_DOCTOR_FAULT;
    doctor->fixed += verdict == TVN_DOCTOR_FIXED;
    enum tvn_status status = tvn_vec_push(&doctor->checks, TVN_DOCTOR_CHECKS_MAX, check);
    doctor->failed |= !check.text || (help && !check.help) || status == TVN_E_OUT_OF_MEMORY;
}

static void publish(struct doctor *doctor, struct tvn_doctor_report *out_report)
{
    size_t count = doctor->checks.count;
    struct tvn_doctor_check *checks =
        TVN_ARENA_ARRAY(doctor->arena, struct tvn_doctor_check, count + 1);
    for (size_t i = 0; checks && i < count; i++) {
        checks[i] = doctor->checks.items[i];
    }
    out_report->checks = checks;
    out_report->count = checks ? count : 0;
    out_report->faults = doctor->faults;
    out_report->fixed = doctor->fixed;
    doctor->failed |= !checks;
}

static enum tvn_status examine(struct doctor *doctor)
{
    doctor_add(doctor, "Torvyn CLI", TVN_DOCTOR_GOOD, NULL, "torvyn " TVN_VERSION);
    enum tvn_status status = doctor_project(doctor);
    doctor_tools(doctor);
    doctor_registry(doctor);
    return status;
}

enum tvn_status tvn_host_doctor(const struct tvn_doctor_options *options,
                                struct tvn_diag_sink *sink, struct tvn_doctor_report *out_report)
{
    tvn_assert(options && sink && out_report);
    *out_report = (struct tvn_doctor_report){.arena = tvn_arena_create(0)};
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();
    struct doctor doctor = {
        .options = options, .sink = sink, .arena = out_report->arena, .probe = probe};
    const char *path = options->manifest ? options->manifest : TVN_MANIFEST_DEFAULT_PATH;
    doctor.project = options->manifest || access(path, F_OK) == 0;
    enum tvn_status status = TVN_OK;
    if (doctor.arena && probe) {
        status = examine(&doctor);
        publish(&doctor, out_report);
    }
    tvn_manifest_destroy(doctor.manifest);
    tvn_vec_deinit(&doctor.checks);
    if (doctor.failed || !doctor.arena || !probe) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to look at this machine");
    }
    return status;
}
