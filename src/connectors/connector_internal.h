/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What generator, line source and line sink have in common. */
#include "connectors/connector.h"
#include "resources/magazine.h"

#define TVN_CONNECTOR_NAME_MAX 256

/* First field of every connector. */
struct tvn_connector {
    struct tvn_invoker invoker;
    struct tvn_magazine *const *magazine;
    struct tvn_budget *budget;
    struct tvn_stage_stats *stats;
    uint64_t max_bytes; /* of one payload */
    uint32_t content_type;
};

/* Everything but the invoker's ops; interns text/plain. */
TVN_NODISCARD enum tvn_status tvn_connector_init(struct tvn_connector *connector,
                                                 const struct tvn_connector_options *options,
                                                 const struct tvn_invoker_ops *ops,
                                                 enum tvn_role role);
/*
 * HOT PATH. A frozen buffer with these bytes, copied and counted, as payload of *out.
 * EMIT, or ERROR with *fault: unavailable when no buffer is to be had now.
 */
enum tvn_outcome tvn_connector_emit(struct tvn_connector *connector, const char *bytes,
                                    size_t length, struct tvn_call *call);
/* DEAD with E0004: "cannot read 'path': reason". */
enum tvn_outcome tvn_connector_io_fault(struct tvn_fault *fault, const char *doing,
                                        const char *name, int error);
/* The spec's name for messages, cut to fit. */
void tvn_connector_name(const struct tvn_connector_options *options,
                        char out_name[TVN_CONNECTOR_NAME_MAX]);

TVN_NODISCARD enum tvn_status tvn_generator_create(const struct tvn_connector_options *options,
                                                   struct tvn_invoker **out_invoker);
TVN_NODISCARD enum tvn_status tvn_line_source_create(const struct tvn_connector_options *options,
                                                     struct tvn_invoker **out_invoker);
TVN_NODISCARD enum tvn_status tvn_line_sink_create(const struct tvn_connector_options *options,
                                                   struct tvn_invoker **out_invoker);

/*
 * COLD PATH. Claims an open file: LOCK_SH or LOCK_EX of flock. TVN_E_IO_ERROR with EBUSY when
 * another descriptor, of this process or another, stands against it. A file system without locks is
 * taken as it is.
 */
TVN_NODISCARD enum tvn_status tvn_connector_lock(int fd, int operation);
