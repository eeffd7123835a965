/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an output was built from. A record is text: the plan's key, the output's state, the state
 * of every file of the component and its WIT, then of every file that a compiler said it read. A
 * state is size and time of the last change: a file that changed during a build is seen by the
 * next one, as is one that is older than before.
 */
#include "base/file.h"
#include "base/mem.h"
#include "toolchain/build_internal.h"

#include <sys/stat.h>

#define RECORD_BYTES_MAX  ((size_t)16 << 20)
#define DEPFILE_BYTES_MAX ((size_t)4 << 20)
#define READ_LINE         "read "

static void add_state(struct tvn_strbuf *out, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        tvn_strbuf_printf(out, "%s\tmissing\n", path);
        return;
    }
    tvn_strbuf_printf(out, "%s\t%lld\t%lld.%09ld\n", path, (long long)info.st_size,
                      (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

/* Lock files are inputs that tools also write. */
static bool is_lock(const char *path)
{
    return tvn_str_ends_with(tvn_str_of(path), TVN_STR("Cargo.lock"));
}

static const char *inputs_now(struct build_plan *plan, bool with_locks)
{
    TVN_AUTO_VALUE(build_files) files = {0};
    TVN_AUTO_VALUE(tvn_strbuf) out = {.max = RECORD_BYTES_MAX};
    const char *include = build_join(plan->arena, plan->project, "include");
    if (!include || build_files_add(&files, plan->arena, include, NULL) != TVN_OK ||
        build_files_add(&files, plan->arena, plan->root, NULL) != TVN_OK ||
        build_files_add(&files, plan->arena, plan->component->wit, NULL) != TVN_OK) {
        return NULL;
    }
    for (size_t i = 0; i < files.list.count; i++) {
        if (with_locks || !is_lock(files.list.items[i])) {
            add_state(&out, files.list.items[i]);
        }
    }
    return out.failed ? NULL : tvn_arena_strndup(plan->arena, tvn_strbuf_text(&out), out.len);
}

const char *build_record_inputs(struct build_plan *plan)
{
    return inputs_now(plan, false);
}

static void add_head(struct build_plan *plan, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "key %s\noutput ", plan->key);
    add_state(out, plan->output);
    if (plan->mirror) {
        tvn_strbuf_add_text(out, "output ");
        add_state(out, plan->mirror);
    }
}

/* ---- what compilers read ---- */

/* A name of a make rule, "\ " being a blank in it. Takes it off *rest; false at the end. */
static bool next_name(struct tvn_str *rest, struct tvn_strbuf *out)
{
    tvn_strbuf_reset(out);
    size_t i = 0;
    while (i < rest->len && (strchr(" \t\r\n", rest->ptr[i]) ||
                             (rest->ptr[i] == '\\' && i + 1 < rest->len &&
                              (rest->ptr[i + 1] == '\n' || rest->ptr[i + 1] == '\r')))) {
        i += rest->ptr[i] == '\\' ? 2 : 1;
    }
    for (; i < rest->len && !strchr(" \t\r\n", rest->ptr[i]); i++) {
        if (rest->ptr[i] == '\\' && i + 1 < rest->len && rest->ptr[i + 1] == ' ') {
            i++;
        }
        tvn_strbuf_add_char(out, rest->ptr[i]);
    }
    *rest = tvn_str_slice(*rest, i, rest->len);
    return out->len > 0;
}

/* The names of the prerequisites in a depfile, each with its state. */
static void add_depfile(struct build_plan *plan, const char *path, struct tvn_strbuf *out)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    if (tvn_file_read(path, DEPFILE_BYTES_MAX, &bytes) != TVN_OK) {
        return;
    }
    struct tvn_str rest = {(const char *)bytes.ptr, bytes.len};
    while (next_name(&rest, &name) && !out->failed && !name.failed) {
        bool target = name.ptr[name.len - 1] == ':';
        bool made = tvn_str_starts_with(tvn_strbuf_view(&name), tvn_str_of(plan->work));
        if (!target && !made && !strchr(tvn_strbuf_text(&name), '\t')) {
            tvn_strbuf_add_text(out, READ_LINE);
            add_state(out, tvn_strbuf_text(&name));
        }
    }
    out->failed |= name.failed;
}

/* ---- reading and writing ---- */

static bool same_reads(struct tvn_str rest)
{
    while (rest.len > 0) {
        size_t end = tvn_str_find(rest, '\n');
        if (end == SIZE_MAX || !tvn_str_starts_with(rest, TVN_STR(READ_LINE))) {
            return false;
        }
        struct tvn_str line = tvn_str_slice(rest, strlen(READ_LINE), end + 1);
        size_t tab = tvn_str_find(line, '\t');
        TVN_AUTO_FREE char *path = tab == SIZE_MAX ? NULL : tvn_strndup(line.ptr, tab);
        TVN_AUTO_VALUE(tvn_strbuf) now = {0};
        if (!path) {
            return false;
        }
        add_state(&now, path);
        if (now.failed || !tvn_str_equal(tvn_strbuf_view(&now), line)) {
            return false;
        }
        rest = tvn_str_slice(rest, end + 1, rest.len);
    }
    return true;
}

bool build_record_is_fresh(struct build_plan *plan)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    if (!tvn_file_exists(plan->output) ||
        tvn_file_read(plan->record, RECORD_BYTES_MAX, &bytes) != TVN_OK) {
        return false;
    }
    const char *inputs = inputs_now(plan, true);
    TVN_AUTO_VALUE(tvn_strbuf) now = {.max = RECORD_BYTES_MAX};
    add_head(plan, &now);
    tvn_strbuf_add_text(&now, inputs ? inputs : "");
    struct tvn_str recorded = {(const char *)bytes.ptr, bytes.len};
    if (!inputs || now.failed || !tvn_str_starts_with(recorded, tvn_strbuf_view(&now))) {
        return false;
    }
    return same_reads(tvn_str_slice(recorded, now.len, recorded.len));
}

/* Whether `after` has all lines of `before`, in order: files were added, none was changed. */
static bool has_lines_of(struct tvn_str after, struct tvn_str before)
{
    while (before.len > 0) {
        size_t end = tvn_str_find(before, '\n') + 1;
        size_t other = tvn_str_find(after, '\n');
        if (other == SIZE_MAX) {
            return false;
        }
        other++;
        if (tvn_str_equal(tvn_str_slice(before, 0, end), tvn_str_slice(after, 0, other))) {
            before = tvn_str_slice(before, end, before.len);
        }
        after = tvn_str_slice(after, other, after.len);
    }
    return true;
}

void build_record_write(struct build_plan *plan, const char *inputs)
{
    /* A tool may have added files of its own. */
    const char *after = inputs ? inputs_now(plan, true) : NULL;
    if (!after) {
        return; /* the next build has nothing to compare with, and builds */
    }
    if (has_lines_of(tvn_str_of(after), tvn_str_of(inputs))) {
        inputs = after;
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {.max = RECORD_BYTES_MAX};
    add_head(plan, &out);
    tvn_strbuf_add_text(&out, inputs);
    for (size_t i = 0; i < plan->depfiles.count; i++) {
        add_depfile(plan, plan->depfiles.items[i], &out);
    }
    enum tvn_status status =
        out.failed ? TVN_E_OUT_OF_MEMORY : tvn_file_put(plan->record, tvn_strbuf_view(&out));
    (void)status; /* as above */
}
