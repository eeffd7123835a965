/*
 * Sentences out of tokens: tokens are gathered until one ends with '.', '!' or '?', then the
 * sentence goes on as one element. What is left at the end of the stream comes out of flush.
 */
#include "stream_aggregator.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_TYPE "text/plain"
#define SENTENCE_MAX 65536 /* a text without an end is cut here */

static struct {
    char bytes[SENTENCE_MAX];
    size_t length;
    uint64_t count;
} sentence;

/* A buffer of the host with a copy of the text, frozen: one counted copy. */
static bool buffer_of(const char *text, size_t length, const char *type,
                      torvyn_streaming_types_own_buffer_t *out)
{
    torvyn_streaming_buffer_allocator_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    if (!torvyn_streaming_buffer_allocator_allocate(length, &buffer, &error)) {
        torvyn_streaming_types_buffer_error_free(&error);
        return false;
    }
    torvyn_streaming_types_borrow_mutable_buffer_t writable =
        torvyn_streaming_types_borrow_mutable_buffer(buffer);
    stream_aggregator_list_u8_t bytes = {(uint8_t *)text, length};
    bool written = torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error);
    if (written) {
        stream_aggregator_string_t content_type;
        stream_aggregator_string_set(&content_type, type);
        torvyn_streaming_types_method_mutable_buffer_set_content_type(writable, &content_type);
        *out = torvyn_streaming_types_method_mutable_buffer_freeze(writable);
    } else {
        torvyn_streaming_types_buffer_error_free(&error);
    }
    torvyn_streaming_types_mutable_buffer_drop_own(buffer); /* dead since freeze */
    return written;
}

/* What was gathered, without white space around it, becomes an element. */
static bool emit(exports_torvyn_aggregation_aggregator_output_element_t *out,
                 exports_torvyn_aggregation_aggregator_process_error_t *err)
{
    const char *at = sentence.bytes;
    size_t length = sentence.length;
    while (length > 0 && isspace((unsigned char)*at)) {
        at++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)at[length - 1])) {
        length--;
    }
    sentence.length = 0;
    if (!buffer_of(at, length, CONTENT_TYPE, &out->payload)) {
        err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
        stream_aggregator_string_dup(&err->val.internal, "no buffer");
        return false;
    }
    out->meta.sequence = sentence.count++; /* advisory */
    out->meta.timestamp_ns = 0;
    stream_aggregator_string_dup(&out->meta.content_type, CONTENT_TYPE);
    return true;
}

static bool ends_sentence(const stream_aggregator_list_u8_t *token)
{
    size_t length = token->len;
    while (length > 0 && isspace(token->ptr[length - 1])) {
        length--;
    }
    return length > 0 && strchr(".!?", token->ptr[length - 1]) != NULL;
}

bool exports_torvyn_aggregation_aggregator_ingest(
    exports_torvyn_aggregation_aggregator_stream_element_t *element,
    exports_torvyn_aggregation_aggregator_option_output_element_t *ret,
    exports_torvyn_aggregation_aggregator_process_error_t *err)
{
    stream_aggregator_list_u8_t token;
    torvyn_streaming_types_method_buffer_read_all(element->payload, &token);
    stream_aggregator_string_free(&element->meta.content_type);
    bool fits = token.len <= SENTENCE_MAX - sentence.length;
    if (fits) {
        memcpy(sentence.bytes + sentence.length, token.ptr, token.len);
        sentence.length += token.len;
    }
    ret->is_some = ends_sentence(&token);
    stream_aggregator_list_u8_free(&token);
    if (!fits) {
        err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INVALID_INPUT;
        stream_aggregator_string_dup(&err->val.invalid_input, "a sentence of more than 64 KiB");
        return false;
    }
    return ret->is_some ? emit(&ret->val, err) : true;
}

bool exports_torvyn_aggregation_aggregator_flush(
    exports_torvyn_aggregation_aggregator_list_output_element_t *ret,
    exports_torvyn_aggregation_aggregator_process_error_t *err)
{
    ret->ptr = NULL;
    ret->len = 0;
    bool blank = true;
    for (size_t i = 0; i < sentence.length; i++) {
        blank = blank && isspace((unsigned char)sentence.bytes[i]);
    }
    if (blank) {
        return true;
    }
    ret->ptr = calloc(1, sizeof(*ret->ptr)); /* the bindings free it after the call */
    ret->len = 1;
    if (!ret->ptr) {
        abort();
    }
    return emit(ret->ptr, err);
}
