/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/letters.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "connectors/dead_letter.h"
#include "pipeline/files.h"
#include "resources/lease.h"
#include "resources/magazine.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct tvn_letters {
    struct tvn_dead_letter_file *file;
    const struct tvn_link *link;
    const struct tvn_intern *intern;
    struct tvn_magazine *const *magazine;
};

bool tvn_letters_are_wanted(const struct tvn_link *link)
{
    for (uint32_t i = 0; i < link->stage_count; i++) {
        const struct tvn_manifest_node *node = link->stages[i].node;
        if (node && node->on_error == TVN_MANIFEST_ON_ERROR_DEAD_LETTER) {
            return true;
        }
    }
    return false;
}

static enum tvn_status cannot_open(const struct tvn_manifest_flow *flow, const char *path,
                                   enum tvn_status status, struct tvn_diag_sink *sink)
{
    int error = status == TVN_E_IO_ERROR ? errno : ENOMEM;
    struct tvn_span at =
        flow->dead_letter_file_span.file ? flow->dead_letter_file_span : flow->span;
    if (status == TVN_E_CONSTRAINT_VIOLATION) {
        (void)tvn_diag_error(sink, status, at, "'%s' is no file that can be appended to", path);
    } else {
        (void)tvn_diag_error(sink, status, at, "cannot open the file of dead letters '%s': %s",
                             path, strerror(error));
    }
    tvn_diag_help(sink, "set [flow.%s] dead_letter_file to a file in a folder that exists",
                  flow->name);
    return status;
}

static enum tvn_status open_file(struct tvn_letters *letters, struct tvn_diag_sink *sink)
{
    static const enum tvn_dead_letter_payload payloads[] = {
        [TVN_MANIFEST_DEAD_LETTER_TEXT] = TVN_DEAD_LETTER_TEXT,
        [TVN_MANIFEST_DEAD_LETTER_BASE64] = TVN_DEAD_LETTER_BASE64,
        [TVN_MANIFEST_DEAD_LETTER_OMIT] = TVN_DEAD_LETTER_OMIT,
    };
    const struct tvn_manifest_flow *flow = letters->link->flow;
    tvn_assert(flow); /* only its nodes have a policy */
    TVN_AUTO_FREE char *path =
        tvn_path_join(letters->link->manifest->directory, flow->dead_letter_file);
    if (!path) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory for flow '%s'",
                              flow->name);
    }
    struct stat info;
    TVN_AUTO_VALUE(tvn_strbuf) use = {0};
    if (stat(path, &info) == 0 &&
        tvn_flow_file_use(letters->link, STDOUT_FILENO, &info, false, &use)) {
        (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, flow->dead_letter_file_span,
                             "'%s' cannot take dead letters: it is %s", path,
                             tvn_strbuf_text(&use));
        tvn_diag_help(sink, "name another file");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    enum tvn_status status = tvn_dead_letter_open(path, payloads[flow->dead_letter_payload],
                                                  flow->dead_letter_max_size, &letters->file);
    return status == TVN_OK ? TVN_OK : cannot_open(flow, path, status, sink);
}

enum tvn_status tvn_letters_open(const struct tvn_link *link, const struct tvn_intern *intern,
                                 struct tvn_magazine *const *magazine, struct tvn_diag_sink *sink,
                                 struct tvn_letters **out_letters)
{
    tvn_assert(link && intern && magazine && sink && out_letters);
    if (!tvn_letters_are_wanted(link)) {
        *out_letters = NULL;
        return TVN_OK;
    }
    TVN_AUTO(tvn_letters) letters = tvn_calloc(1, sizeof(*letters));
    if (!letters) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory for flow '%s'",
                              link->flow_name);
    }
    letters->link = link;
    letters->intern = intern;
    letters->magazine = magazine;
    TVN_TRY(open_file(letters, sink));
    *out_letters = TVN_TAKE(letters);
    return TVN_OK;
}

void tvn_letters_close(struct tvn_letters *letters)
{
    if (letters) {
        tvn_dead_letter_close(letters->file);
        tvn_free(letters);
    }
}

bool tvn_letters_take(void *context, uint32_t stage, const struct tvn_element *element,
                      const struct tvn_flow_failure *failure)
{
    const struct tvn_letters *letters = context;
    tvn_assert(letters && stage < letters->link->stage_count && element && failure);
    bool is_error = failure->outcome == TVN_OUTCOME_ERROR;
    struct tvn_dead_letter letter = {
        .flow = letters->link->flow_name,
        .node = letters->link->stages[stage].name,
        .sequence = element->sequence,
        .timestamp_ns = element->timestamp_ns,
        .code = failure->code,
        .error = is_error ? tvn_process_error_name(failure->error) : NULL,
        .cause = failure->text,
        .attempts = failure->attempts,
        .content_type = tvn_intern_name(letters->intern, element->content_type),
    };
    struct tvn_lease lease = {0};
    if (element->payload.raw != 0) {
        struct tvn_buffer *buffer = NULL;
        enum tvn_status status = tvn_magazine_find(*letters->magazine, element->payload, &buffer);
        tvn_assert(status == TVN_OK);
        tvn_lease_begin(&lease, buffer, TVN_LEASE_SCOPE);
        letter.payload = buffer->bytes;
        letter.payload_bytes = buffer->length;
    }
    bool written = tvn_dead_letter_write(letters->file, &letter);
    if (tvn_lease_is_held(&lease)) {
        tvn_lease_end(&lease);
    }
    return written;
}

void tvn_letters_report(const struct tvn_letters *letters, struct tvn_diag_sink *sink)
{
    if (!letters) {
        return;
    }
    const char *why;
    uint64_t lost = tvn_dead_letter_lost(letters->file, &why);
    if (lost > 0) {
        tvn_diag_warning(sink, TVN_E_IO_ERROR, letters->link->flow->span,
                         "%" PRIu64 " dead letter%s could not be written: %s", lost,
                         lost == 1 ? "" : "s", why);
        tvn_diag_help(sink,
                      "move the file of dead letters away, or raise [flow.%s] dead_letter_max_size",
                      letters->link->flow_name);
    }
}
