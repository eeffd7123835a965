/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/wast_runner_internal.h"

struct tvn_imports *tvn_wast_link(struct tvn_wast_run *run, const struct tvn_component *component)
{
    (void)run;
    (void)component;
    return tvn_imports_create();
}
