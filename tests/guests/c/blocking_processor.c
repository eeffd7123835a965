/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A processor that says so on standard error and then reads a line from standard input for each
 * element, however long that takes; it drops the element. At the end of input it goes on at once.
 */
#include "managed_transform.h"

#include <stdio.h>

bool exports_torvyn_streaming_lifecycle_init(
    managed_transform_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    managed_transform_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
}

bool exports_torvyn_streaming_processor_process(
    exports_torvyn_streaming_processor_stream_element_t *input,
    exports_torvyn_streaming_processor_process_result_t *ret,
    exports_torvyn_streaming_processor_process_error_t *err)
{
    (void)err;
    char line[256];
    fprintf(stderr, "reading %llu\n", (unsigned long long)input->meta.sequence);
    if (fgets(line, sizeof(line), stdin)) {
        fprintf(stderr, "read %s", line);
    }
    managed_transform_string_free(&input->meta.content_type);
    ret->tag = TORVYN_STREAMING_TYPES_PROCESS_RESULT_DROP;
    return true;
}
