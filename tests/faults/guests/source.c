/* SPDX-License-Identifier: Apache-2.0 */
/* Ten lines per instance, "line 0" to "line 9". */
#include "hostile.h"

static uint32_t pulled;
static struct output_result result;

EXPORT_FUNC("source", "pull") struct output_result *pull(void)
{
    enum kind kind = pulled == FAULTY_SEQUENCE ? misbehave("pull") : KIND_NONE;
    result = (struct output_result){0};
    if (failure_of(kind, &result.error)) {
        result.is_error = 1;
        pulled++; /* a process-error is no reason to fail again */
        return &result;
    }
    if (kind == KIND_BAD_VALUE) {
        result.is_error = 7;
        return &result;
    }
    handle buffer;
    uint8_t line[] = "line 0";
    line[5] += (uint8_t)pulled;
    if (pulled < 10 && buffer_of(&(struct bytes){line, sizeof(line) - 1}, &buffer)) {
        pulled++;
        result.ok.tag = 1;
        result.ok.element = element_of(0, 0, buffer);
    }
    return &result;
}

EXPORT_POST("source", "pull") void pull_return(struct output_result *returned)
{
    (void)returned;
    scratch_clear();
}

EXPORT_FUNC("source", "notify-backpressure") void notify_backpressure(uint32_t signal)
{
    (void)signal;
}
