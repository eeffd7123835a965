/*
 * Keeps the lines of dpkg's log that change what is installed.
 *
 *     2026-01-31 12:00:00 install libfoo1:amd64 <none> 1.2-3
 *     0          11       20
 *
 * The action stands at a fixed place, so the filter reads just those bytes of the buffer.
 */
#include "content_filter.h"

#include <string.h>

#define ACTION_OFFSET 20
#define ACTION_WINDOW 8 /* the longest action and the space behind it: "install ", "upgrade " */

static bool starts_with(const content_filter_list_u8_t *bytes, const char *text)
{
    size_t length = strlen(text);
    return bytes->len >= length && memcmp(bytes->ptr, text, length) == 0;
}

bool exports_torvyn_filtering_filter_evaluate(
    exports_torvyn_filtering_filter_stream_element_t *element, bool *ret,
    exports_torvyn_filtering_filter_process_error_t *err)
{
    (void)err;
    content_filter_list_u8_t action;
    torvyn_streaming_types_method_buffer_read(element->payload, ACTION_OFFSET, ACTION_WINDOW,
                                              &action);
    *ret = starts_with(&action, "install ") || starts_with(&action, "upgrade ") ||
           starts_with(&action, "remove ");
    content_filter_list_u8_free(&action);
    content_filter_string_free(&element->meta.content_type);
    return true;
}
