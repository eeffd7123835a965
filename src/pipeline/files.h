/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The files that a flow is made of, reads and writes: none of them may be written as something
 * else. */
#include "linker/link.h"

#include <sys/stat.h>

/*
 * COLD PATH. What the file at `info` is to the flow, as "the manifest" or "the file that node 'in'
 * reads", added to `out`; false when it is nothing to it, or no regular file. `output_fd` is what
 * stdout means to the flow; `written`: files that its sinks write and that of its dead letters
 * count too.
 */
bool tvn_flow_file_use(const struct tvn_link *link, int output_fd, const struct stat *info,
                       bool written, struct tvn_strbuf *out);
/* The regular file that the built-in stage reads or writes; false when it is none, or not there. */
bool tvn_flow_file_of(const struct tvn_link_stage *stage, int output_fd, struct stat *out_info);
