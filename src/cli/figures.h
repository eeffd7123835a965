/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Numbers as people read them. */
#include <stdint.h>

struct tvn_strbuf;

void tvn_figure_count(struct tvn_strbuf *out, uint64_t value);     /* "1,234,567" */
void tvn_figure_bytes(struct tvn_strbuf *out, uint64_t bytes);     /* "210 B", "1.2 MiB" */
void tvn_figure_seconds(struct tvn_strbuf *out, uint64_t ns);      /* "0.03s", "2m 05s" */
void tvn_figure_milliseconds(struct tvn_strbuf *out, uint64_t ns); /* "12ms" */
/* Exactly, in the largest unit that fits: "5m", "90s", "300ms". */
void tvn_figure_duration(struct tvn_strbuf *out, uint64_t ns);
/* Events a second; 0 when no time has passed. */
double tvn_figure_rate(uint64_t count, uint64_t ns);
