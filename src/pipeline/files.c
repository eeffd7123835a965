/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/files.h"

#include "base/file.h"
#include "base/mem.h"
#include "connectors/spec.h"
#include "pipeline/letters.h"

#include <unistd.h>

bool tvn_flow_file_of(const struct tvn_link_stage *stage, int output_fd, struct stat *out_info)
{
    struct tvn_connector_spec spec;
    struct tvn_str text = tvn_str_of(stage->builtin);
    enum tvn_status status = stage->role == TVN_ROLE_SOURCE
                                 ? tvn_connector_spec_parse_source(text, &spec)
                                 : tvn_connector_spec_parse_sink(text, &spec);
    int found = -1;
    if (status != TVN_OK) {
        return false; /* whoever makes it says what is wrong */
    }
    if (spec.kind == TVN_CONNECTOR_FILE) {
        TVN_AUTO_FREE char *path = tvn_strndup(spec.path.ptr, spec.path.len);
        found = path ? stat(path, out_info) : -1;
    } else if (spec.kind == TVN_CONNECTOR_STDIN) {
        found = fstat(STDIN_FILENO, out_info);
    } else if (spec.kind == TVN_CONNECTOR_STDOUT) {
        found = fstat(output_fd, out_info);
    } else if (spec.kind == TVN_CONNECTOR_STDERR) {
        found = fstat(STDERR_FILENO, out_info);
    }
    return found == 0 && S_ISREG(out_info->st_mode);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_at(const char *path, const struct stat *info)
{
    struct stat there;
    return path && stat(path, &there) == 0 && is_same(&there, info);
}

static bool is_of_stage(const struct tvn_link_stage *stage, int output_fd, const struct stat *info,
                        bool written, struct tvn_strbuf *out)
{
    struct stat there;
    if (stage->kind == TVN_LINK_STAGE_COMPONENT) {
        if (is_at(stage->component->path, info)) {
            tvn_strbuf_printf(out, "the component of node '%s'", stage->name);
            return true;
        }
        return false;
    }
    bool source = stage->role == TVN_ROLE_SOURCE;
    if ((source || written) && tvn_flow_file_of(stage, output_fd, &there) &&
        is_same(&there, info)) {
        tvn_strbuf_printf(out, "the file that node '%s' %s", stage->name,
                          source ? "reads" : "writes");
        return true;
    }
    return false;
}

bool tvn_flow_file_use(const struct tvn_link *link, int output_fd, const struct stat *info,
                       bool written, struct tvn_strbuf *out)
{
    if (!S_ISREG(info->st_mode)) {
        return false;
    }
    if (is_at(link->manifest->path, info)) {
        tvn_strbuf_add_text(out, "the manifest");
        return true;
    }
    for (uint32_t i = 0; i < link->stage_count; i++) {
        if (is_of_stage(&link->stages[i], output_fd, info, written, out)) {
            return true;
        }
    }
    TVN_AUTO_FREE char *letters =
        written && tvn_letters_are_wanted(link)
            ? tvn_path_join(link->manifest->directory, link->flow->dead_letter_file)
            : NULL;
    if (is_at(letters, info)) {
        tvn_strbuf_add_text(out, "the flow's file of dead letters");
        return true;
    }
    return false;
}
