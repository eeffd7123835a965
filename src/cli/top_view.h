/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What `torvyn top` shows of a flow: lines of text, or fields of a JSON object. */
#include "base/str.h"
#include "cli/flow_sample.h"

struct tvn_json_writer;

/* `earlier` NULL: since the flow's start. */
struct tvn_top_flow {
    const struct tvn_flow_sample *earlier;
    const struct tvn_flow_sample *later;
};

/* COLD PATH. Lines that end in '\n'; with `colour`, escape sequences for the heat of queues. */
void tvn_top_text(const struct tvn_top_flow *flow, bool colour, struct tvn_strbuf *out);
/* One object. Shares that nobody knows are null. */
void tvn_top_json(const struct tvn_top_flow *flow, struct tvn_json_writer *json);

/* Cuts every line of `text` to `columns` characters and the whole to `rows` lines; escape sequences
 * are kept and take no room. */
void tvn_top_fit(struct tvn_str text, uint32_t columns, uint32_t rows, struct tvn_strbuf *out);
