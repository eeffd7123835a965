/*
 * Routes events by their "type": metrics to the port "metrics", logs to the port "logs", all others
 * to both.
 *
 * A router answers with names of ports. The runtime hands the same buffer to each branch: nothing
 * is copied.
 */
#define _GNU_SOURCE /* memmem */
#include "content_router.h"

#include <stdlib.h>
#include <string.h>

static const char *const ports[] = {"metrics", "logs"};

static bool has(const content_router_list_u8_t *text, const char *part)
{
    return memmem(text->ptr, text->len, part, strlen(part)) != NULL;
}

bool exports_torvyn_filtering_router_route(
    exports_torvyn_filtering_router_stream_element_t *element, content_router_list_string_t *ret,
    exports_torvyn_filtering_router_process_error_t *err)
{
    (void)err;
    content_router_list_u8_t payload;
    torvyn_streaming_types_method_buffer_read_all(element->payload, &payload);
    size_t first = 0;
    size_t count = 2; /* of unknown type: both */
    if (has(&payload, "\"type\":\"metric\"")) {
        count = 1;
    } else if (has(&payload, "\"type\":\"log\"")) {
        first = 1;
        count = 1;
    }
    content_router_list_u8_free(&payload);
    content_router_string_free(&element->meta.content_type);
    ret->ptr = calloc(count, sizeof(*ret->ptr)); /* the bindings free list and names */
    ret->len = count;
    if (!ret->ptr) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        content_router_string_dup(&ret->ptr[i], ports[first + i]);
    }
    return true;
}
