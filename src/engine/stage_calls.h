/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The compiled calls of the Torvyn contracts: flat slots and fixed offsets, no type walk, no
 * allocation. The offsets hold because binding checks an export's type against the canonical
 * contract; a unit test checks them against the model's layouts.
 */
#include "engine/stage_internal.h"

/* result<option<output-element>, process-error> and result<process-result, process-error> */
enum {
    TVN_OUTPUT_SIZE = 48,
    TVN_OUTPUT_ALIGN = 8,
    TVN_OUTPUT_TAG = 0,
    TVN_OUTPUT_CASE = 8, /* option: 1 is some; process-result: 0 is emit */
    TVN_OUTPUT_SEQUENCE = 16,
    TVN_OUTPUT_TIMESTAMP = 24,
    TVN_OUTPUT_CONTENT_TYPE = 32,
    TVN_OUTPUT_PAYLOAD = 40,
    TVN_OUTPUT_ERROR = 8,
};
/* result<bool | backpressure-signal | _, process-error> */
enum {
    TVN_VERDICT_SIZE = 16,
    TVN_VERDICT_ALIGN = 4,
    TVN_VERDICT_TAG = 0,
    TVN_VERDICT_VALUE = 4,
    TVN_VERDICT_ERROR = 4,
};
/* process-error */
enum { TVN_ERROR_CASE = 0, TVN_ERROR_TEXT = 4 };

// HOT PATH. The invoke operation of a component stage.
enum tvn_outcome tvn_stage_invoke(struct tvn_invoker *invoker, enum tvn_entry entry,
                                  struct tvn_call *call);
