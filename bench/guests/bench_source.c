/* SPDX-License-Identifier: Apache-2.0 */
/* A source of COUNT elements of SIZE bytes each; its configuration is "COUNT SIZE". */
#include "streaming_abi.h"

static uint8_t payload[SCRATCH_BYTES];
static uint8_t content_type[] = "text/plain";
static uint64_t left;
static uint32_t size;
static struct output_result result;
static struct verdict_result initialised;

static bool read_number(struct bytes *text, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;
    uint32_t digits = 0;
    while (text->length > 0 && *text->at >= '0' && *text->at <= '9' && number <= max) {
        number = number * 10 + (uint64_t)(*text->at - '0');
        text->at++;
        text->length--;
        digits++;
    }
    *out = number;
    return digits > 0 && number <= max;
}

static bool read_config(struct bytes text, uint64_t *count, uint64_t *bytes)
{
    if (!read_number(&text, UINT64_MAX / 20, count) || text.length == 0 || *text.at != ' ') {
        return false;
    }
    text.at++;
    text.length--;
    return read_number(&text, sizeof(payload), bytes) && text.length == 0;
}

EXPORT_FUNC("lifecycle", "init") struct verdict_result *init(uint8_t *config, uint32_t length)
{
    uint64_t bytes = 0;
    initialised.is_error = !read_config((struct bytes){config, length}, &left, &bytes);
    if (initialised.is_error) {
        static uint8_t text[] = "the configuration must be \"COUNT SIZE\"";
        initialised.error = (struct failure){INVALID_INPUT, {text, sizeof(text) - 1}};
    }
    size = (uint32_t)bytes;
    for (uint32_t i = 0; i < size; i++) {
        payload[i] = (uint8_t)('a' + i % 26);
    }
    return &initialised;
}

EXPORT_POST("lifecycle", "init") void init_return(struct verdict_result *returned)
{
    (void)returned;
    scratch_clear();
}

EXPORT_FUNC("lifecycle", "teardown") void teardown(void)
{
}

EXPORT_FUNC("source", "pull") struct output_result *pull(void)
{
    handle buffer;
    if (left == 0) {
        result.is_error = 0;
        result.ok.tag = 0;
    } else if (buffer_of(&(struct bytes){payload, size}, &buffer)) {
        left--;
        result.is_error = 0;
        result.ok.tag = 1;
        result.ok.element = (struct output_element){
            .meta = {0, 0, {content_type, sizeof(content_type) - 1}},
            .payload = buffer,
        };
    } else {
        result.is_error = 1;
        result.error = (struct failure){.reason = UNAVAILABLE};
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
