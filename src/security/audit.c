/* SPDX-License-Identifier: Apache-2.0 */
#include "security/audit.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/json_writer.h"
#include "security/capability.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

TVN_LOG_CATEGORY("security");

struct tvn_audit {
    int fd; /* -1: not a descriptor of ours to write to */
    bool to_log;
    bool to_stderr;
    _Atomic uint64_t lost;
    _Atomic int error; /* errno of the first loss */
    char *path;        /* NULL unless the target is a file */
};

static void destroy(struct tvn_audit *audit)
{
    tvn_fd_close(&audit->fd);
    tvn_free(audit->path);
    tvn_free(audit);
}

static const char *error_text(int error)
{
    const char *text = strerrordesc_np(error);
    return text ? text : "unknown error";
}

/* The directory of the log may be missing, its parents may not. */
static int open_file(const char *path)
{
    TVN_AUTO_FREE char *directory = tvn_path_dirname(path);
    if (!directory) {
        errno = ENOMEM;
        return -1;
    }
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return -1;
    }
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
}

static enum tvn_status open_target(struct tvn_audit *audit, const struct tvn_manifest *manifest,
                                   struct tvn_diag_sink *sink)
{
    const struct tvn_config_security *config = &manifest->config.security;
    audit->to_stderr = config->audit_target == TVN_CONFIG_AUDIT_STDOUT;
    audit->to_log = config->audit_target == TVN_CONFIG_AUDIT_EVENT_SINK;
    if (config->audit_target != TVN_CONFIG_AUDIT_FILE) {
        return TVN_OK;
    }
    bool asked_for = config->audit_file[0] != '\0';
    audit->path =
        tvn_path_join(manifest->directory, asked_for ? config->audit_file : TVN_AUDIT_DEFAULT_FILE);
    audit->fd = audit->path ? open_file(audit->path) : -1;
    if (audit->fd >= 0) {
        return TVN_OK;
    }
    const char *why = audit->path ? error_text(errno) : "out of memory";
    const char *path = audit->path ? audit->path : TVN_AUDIT_DEFAULT_FILE;
    if (asked_for) {
        return tvn_diag_error(sink, TVN_E_AUDIT_LOG_FAILED, config->audit_file_span,
                              "cannot open the audit log '%s': %s", path, why);
    }
    tvn_diag_warning(sink, TVN_E_AUDIT_LOG_FAILED, TVN_SPAN_NONE,
                     "no audit log: cannot open '%s': %s", path, why);
    tvn_diag_help(sink, "set [security] audit_file, or audit_enabled = false");
    return TVN_OK;
}

enum tvn_status tvn_audit_open(const struct tvn_manifest *manifest, struct tvn_diag_sink *sink,
                               struct tvn_audit **out_audit)
{
    tvn_assert(manifest);
    tvn_assert(sink);
    tvn_assert(out_audit);
    struct tvn_audit *audit = tvn_calloc(1, sizeof(*audit));
    if (!audit) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "out of memory while opening the audit log");
    }
    audit->fd = -1;
    if (manifest->config.security.audit_enabled) {
        enum tvn_status status = open_target(audit, manifest, sink);
        if (status != TVN_OK) {
            destroy(audit);
            return status;
        }
    }
    *out_audit = audit;
    return TVN_OK;
}

enum tvn_status tvn_audit_close(struct tvn_audit *audit, struct tvn_diag_sink *sink)
{
    if (!audit) {
        return TVN_OK;
    }
    uint64_t lost = atomic_load(&audit->lost);
    enum tvn_status status = lost > 0 ? TVN_E_AUDIT_LOG_FAILED : TVN_OK;
    if (lost > 0 && sink) {
        status = tvn_diag_error(sink, TVN_E_AUDIT_LOG_FAILED, TVN_SPAN_NONE,
                                "%" PRIu64 " audit records were lost: %s", lost,
                                error_text(atomic_load(&audit->error)));
    }
    destroy(audit);
    return status;
}

static bool is_open(const struct tvn_audit *audit)
{
    return audit && (audit->fd >= 0 || audit->to_log || audit->to_stderr);
}

static void lose(struct tvn_audit *audit, int error)
{
    int none = 0;
    atomic_compare_exchange_strong(&audit->error, &none, error);
    atomic_fetch_add(&audit->lost, 1);
}

/* Begins {"time":"2026-01-02T03:04:05.678Z","event":… */
static void begin(struct tvn_json_writer *json, struct tvn_strbuf *line, const char *event)
{
    uint64_t now_ns = tvn_clock_wall_ns();
    time_t seconds = (time_t)(now_ns / 1000000000);
    struct tm utc = {0};
    (void)gmtime_r(&seconds, &utc);
    char text[40];
    size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    tvn_strbuf_init(line, TVN_AUDIT_LINE_MAX);
    tvn_json_writer_init(json, line, 0);
    tvn_json_begin_object(json);
    TVN_AUTO_VALUE(tvn_strbuf) time = {0};
    tvn_strbuf_printf(&time, "%.*s.%03uZ", (int)length, text, (unsigned)(now_ns / 1000000 % 1000));
    tvn_json_field_text(json, "time", tvn_strbuf_text(&time));
    tvn_json_field_text(json, "event", event);
}

static void finish(struct tvn_audit *audit, struct tvn_json_writer *json, struct tvn_strbuf *line)
{
    tvn_json_end_object(json);
    if (audit->to_log) {
        tvn_log_info("%s", tvn_strbuf_text(line));
    } else {
        tvn_strbuf_add_char(line, '\n');
        int fd = audit->to_stderr ? STDERR_FILENO : audit->fd;
        if (!line->failed && tvn_fd_write_all(fd, line->ptr, line->len) != TVN_OK) {
            lose(audit, errno);
        }
    }
    if (line->failed) {
        lose(audit, EMSGSIZE);
    }
    tvn_strbuf_deinit(line);
}

static void add_scope(struct tvn_json_writer *json, const char *scope)
{
    tvn_json_key(json, "scope");
    if (scope) {
        size_t length = strnlen(scope, TVN_AUDIT_SCOPE_MAX);
        tvn_json_write_str(json, (struct tvn_str){scope, length});
    } else {
        tvn_json_write_null(json);
    }
}

void tvn_audit_resolution(struct tvn_audit *audit, const char *flow, const char *node,
                          const struct tvn_sandbox *sandbox)
{
    tvn_assert(sandbox);
    if (!is_open(audit)) {
        return;
    }
    struct tvn_strbuf line;
    struct tvn_json_writer json;
    begin(&json, &line, "grant-resolution");
    tvn_json_field_text(&json, "flow", flow);
    tvn_json_field_text(&json, "component", node);
    tvn_json_key(&json, "grants");
    tvn_json_begin_array(&json);
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) grant = {.max = (size_t)2 * TVN_SECURITY_SCOPE_MAX};
        tvn_grant_print(&sandbox->grants[i], &grant);
        tvn_json_write_str(&json, tvn_strbuf_view(&grant));
    }
    tvn_json_end_array(&json);
    tvn_json_field_u64(&json, "max_memory_bytes", sandbox->max_memory_bytes);
    finish(audit, &json, &line);
}

static void write_total(struct tvn_audit *audit, const struct tvn_guard *guard,
                        enum tvn_capability capability, const char *event, uint64_t count)
{
    struct tvn_strbuf line;
    struct tvn_json_writer json;
    begin(&json, &line, event);
    tvn_json_field_text(&json, "component", guard->sandbox->component);
    tvn_json_field_text(&json, "capability", tvn_capability_grant_name(capability));
    tvn_json_field_u64(&json, "count", count);
    finish(audit, &json, &line);
}

void tvn_audit_exercises(struct tvn_audit *audit, const struct tvn_guard *guard)
{
    tvn_assert(guard);
    if (!is_open(audit)) {
        return;
    }
    for (unsigned i = 0; i < TVN_CAP_COUNT; i++) {
        uint64_t exercised = tvn_stat_get(&guard->exercised[i]);
        uint64_t denied = tvn_stat_get(&guard->denials[i]);
        enum tvn_capability capability = (enum tvn_capability)i;
        if (exercised > 0) {
            write_total(audit, guard, capability, "capability-exercised", exercised);
        }
        if (denied > TVN_AUDIT_DENIALS_MAX) {
            write_total(audit, guard, capability, "capability-denied-total", denied);
        }
    }
}

/* A path that leads out of its grant, or to what is no file: it is told by a text, not by a path,
 * so that no scope can cover it. */
static bool is_violation(enum tvn_capability capability, const char *scope)
{
    bool is_path = capability == TVN_CAP_FILESYSTEM_READ || capability == TVN_CAP_FILESYSTEM_WRITE;
    return is_path && scope && scope[0] != '/';
}

void tvn_audit_denied(void *context, const struct tvn_guard *guard, enum tvn_capability capability,
                      const char *scope)
{
    struct tvn_audit *audit = context;
    tvn_assert(guard);
    if (!is_open(audit) || tvn_stat_get(&guard->denials[capability]) > TVN_AUDIT_DENIALS_MAX) {
        return;
    }
    struct tvn_strbuf line;
    struct tvn_json_writer json;
    bool violation = is_violation(capability, scope);
    begin(&json, &line, violation ? "sandbox-violation" : "capability-denied");
    tvn_json_field_text(
        &json, "code",
        tvn_status_code(violation ? TVN_E_SANDBOX_VIOLATION : TVN_E_CAPABILITY_DENIED));
    tvn_json_field_text(&json, "component", guard->sandbox->component);
    tvn_json_field_text(&json, "capability", tvn_capability_grant_name(capability));
    add_scope(&json, scope);
    finish(audit, &json, &line);
}
