/*
 * Content policy: rejects tokens of a list of blocked words.
 *
 * A filter makes no buffers: it reads the token (one counted copy) and says yes or no; the runtime
 * passes the element itself on, or drops it.
 */
#include "managed_filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLOCKED_DEFAULT "blocked_word"

struct word {
    const char *at;
    size_t length;
};

static char *blocked; /* words, separated by commas */
static uint64_t filtered;

bool exports_torvyn_streaming_lifecycle_init(
    managed_filter_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    blocked =
        config->len > 0 ? strndup((const char *)config->ptr, config->len) : strdup(BLOCKED_DEFAULT);
    if (!blocked) {
        abort();
    }
    managed_filter_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
    if (filtered > 0) {
        printf("[content-filter] Filtered %llu token(s) during this flow.\n",
               (unsigned long long)filtered);
        fflush(stdout);
    }
    free(blocked);
}

static struct word trim(struct word word)
{
    while (word.length > 0 && isspace((unsigned char)word.at[0])) {
        word.at++;
        word.length--;
    }
    while (word.length > 0 && isspace((unsigned char)word.at[word.length - 1])) {
        word.length--;
    }
    return word;
}

static bool is_blocked(struct word token)
{
    for (const char *at = blocked; *at;) {
        struct word word = trim((struct word){at, strcspn(at, ",")});
        if (word.length == token.length && strncasecmp(word.at, token.at, word.length) == 0) {
            return true;
        }
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return false;
}

bool exports_torvyn_filtering_filter_evaluate(
    exports_torvyn_filtering_filter_stream_element_t *element, bool *ret,
    exports_torvyn_filtering_filter_process_error_t *err)
{
    (void)err;
    managed_filter_list_u8_t payload;
    torvyn_streaming_types_method_buffer_read_all(element->payload, &payload);
    *ret = !is_blocked(trim((struct word){(const char *)payload.ptr, payload.len}));
    filtered += !*ret;
    managed_filter_list_u8_free(&payload);
    managed_filter_string_free(&element->meta.content_type);
    return true;
}
