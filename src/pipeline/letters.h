/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The dead letters of one flow: what a stage with on_error = "dead-letter" could not process goes
 * to the file that the flow's dead_letter_file names.
 *
 * Threads: that of the flow. Memory and limits: connectors/dead_letter.h.
 */
#include "linker/link.h"
#include "reactor/flow.h"
#include "types/intern.h"

struct tvn_letters;

/*
 * COLD PATH. *out_letters is NULL when no stage has the policy. What is pointed to outlives the
 * letters. E0004, E0702, E0011.
 */
/* Does a node of the flow send what it cannot process to the file? */
bool tvn_letters_are_wanted(const struct tvn_link *link);

TVN_NODISCARD enum tvn_status tvn_letters_open(const struct tvn_link *link,
                                               const struct tvn_intern *intern,
                                               struct tvn_magazine *const *magazine,
                                               struct tvn_diag_sink *sink,
                                               struct tvn_letters **out_letters);
void tvn_letters_close(struct tvn_letters *letters); /* NULL is allowed */
TVN_DEFINE_CLEANUP(tvn_letters, tvn_letters_close)

/* WARM PATH. tvn_flow_options.dead_letter; `context` is the letters. False when it could not be
 * written. */
bool tvn_letters_take(void *context, uint32_t stage, const struct tvn_element *element,
                      const struct tvn_flow_failure *failure);

/* COLD PATH. A warning when some could not be written. NULL is allowed. */
void tvn_letters_report(const struct tvn_letters *letters, struct tvn_diag_sink *sink);
