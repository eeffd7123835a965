/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/connector.h"

#include "base/assert.h"
#include "base/num.h"
#include "connectors/connector_internal.h"
#include "types/flow_stats.h"
#include "types/intern.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>

void tvn_connector_options_default(struct tvn_connector_options *options)
{
    tvn_assert(options);
    *options = (struct tvn_connector_options){.fd = -1};
}

enum tvn_status tvn_connector_create_source(const struct tvn_connector_options *options,
                                            struct tvn_invoker **out_invoker)
{
    tvn_assert(options && out_invoker);
    switch (options->spec.kind) {
    case TVN_CONNECTOR_GENERATOR:
        return tvn_generator_create(options, out_invoker);
    case TVN_CONNECTOR_STDIN:
    case TVN_CONNECTOR_FILE:
        return tvn_line_source_create(options, out_invoker);
    case TVN_CONNECTOR_STDOUT:
    case TVN_CONNECTOR_STDERR:
        break;
    }
    return TVN_E_CONSTRAINT_VIOLATION;
}

enum tvn_status tvn_connector_create_sink(const struct tvn_connector_options *options,
                                          struct tvn_invoker **out_invoker)
{
    tvn_assert(options && out_invoker);
    switch (options->spec.kind) {
    case TVN_CONNECTOR_STDOUT:
    case TVN_CONNECTOR_STDERR:
    case TVN_CONNECTOR_FILE:
        return tvn_line_sink_create(options, out_invoker);
    case TVN_CONNECTOR_GENERATOR:
    case TVN_CONNECTOR_STDIN:
        break;
    }
    return TVN_E_CONSTRAINT_VIOLATION;
}

enum tvn_status tvn_connector_init(struct tvn_connector *connector,
                                   const struct tvn_connector_options *options,
                                   const struct tvn_invoker_ops *ops, enum tvn_role role)
{
    tvn_assert(options->magazine && options->intern && options->stats);
    static const struct tvn_str text_plain = {"text/plain", 10};
    uint32_t content_type = 0;
    TVN_TRY(tvn_intern_add(options->intern, text_plain.ptr, text_plain.len, &content_type));
    uint64_t limit = (*options->magazine)->max_buffer_bytes;
    if (options->max_buffer_bytes > 0) {
        limit = tvn_min(limit, options->max_buffer_bytes);
    }
    *connector = (struct tvn_connector){
        .invoker = {.ops = ops, .role = role},
        .magazine = options->magazine,
        .budget = options->budget,
        .stats = options->stats,
        .max_bytes = limit,
        .content_type = content_type,
    };
    return TVN_OK;
}

enum tvn_outcome tvn_connector_emit(struct tvn_connector *connector, const char *bytes,
                                    size_t length, struct tvn_call *call)
{
    struct tvn_buffer *buffer = NULL;
    enum tvn_status status = tvn_buffer_acquire(*connector->magazine, length, TVN_OWNER_HOST,
                                                connector->budget, &buffer);
    if (TVN_UNLIKELY(status != TVN_OK)) {
        *call->fault = (struct tvn_fault){.code = status, .error = TVN_PROCESS_UNAVAILABLE};
        snprintf(call->fault->text, sizeof(call->fault->text),
                 "no buffer of %zu bytes for the next element%s", length,
                 status == TVN_E_BUDGET_EXCEEDED ? ": the flow's max_buffer_memory is used up"
                                                 : "");
        return TVN_OUTCOME_ERROR;
    }
    status = tvn_buffer_write(buffer, 0, bytes, length);
    tvn_assert(status == TVN_OK);
    status = tvn_buffer_freeze(buffer);
    tvn_assert(status == TVN_OK);
    buffer->content_type = connector->content_type;
    tvn_copy_record(&connector->stats->copies, TVN_COPY_HOST_SERIALIZE, length);
    tvn_stat_add(&connector->stats->produced_bytes, length);
    call->out->payload = tvn_buffer_id_of(buffer);
    call->out->content_type = connector->content_type;
    call->out_count = 1;
    return TVN_OUTCOME_EMIT;
}

enum tvn_outcome tvn_connector_io_fault(struct tvn_fault *fault, const char *doing,
                                        const char *name, int error)
{
    char reason[128];
    const char *text = strerror_r(error, reason, sizeof(reason));
    *fault = (struct tvn_fault){.code = TVN_E_IO_ERROR, .error = TVN_PROCESS_FATAL};
    snprintf(fault->text, sizeof(fault->text), "cannot %s '%s': %s%s", doing, name, text,
             error == EPIPE ? " (its reader has gone)" : "");
    return TVN_OUTCOME_DEAD;
}

void tvn_connector_name(const struct tvn_connector_options *options,
                        char out_name[TVN_CONNECTOR_NAME_MAX])
{
    if (options->spec.kind == TVN_CONNECTOR_FILE) {
        snprintf(out_name, TVN_CONNECTOR_NAME_MAX, "%.*s", TVN_STR_ARG(options->spec.path));
    } else {
        snprintf(out_name, TVN_CONNECTOR_NAME_MAX, "%s",
                 tvn_connector_kind_name(options->spec.kind));
    }
}

enum tvn_status tvn_connector_lock(int fd, int operation)
{
    if (flock(fd, operation | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        errno = EBUSY;
        return TVN_E_IO_ERROR;
    }
    return TVN_OK;
}
