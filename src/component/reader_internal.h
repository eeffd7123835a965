/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Bounded reading of WebAssembly binaries: every access is checked against the end of the section
 * that is being read, and every error says where it is.
 *
 * Memory: views into the caller's bytes. Limits: inputs below 4 GiB.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "base/diag.h"

#include <stdint.h>

/* What everything that decodes one document shares. */
struct tvn_decode_context {
    const uint8_t *bytes;
    struct tvn_diag_sink *sink;
    uint32_t file;
    struct tvn_arena *arena;
    uint64_t steps_left;    /* of work on types: substituting, comparing, walking */
    enum tvn_status failed; /* what was reported, TVN_OK so far */
};

/* COLD PATH. Adds an error at `offset` of the document. */
TVN_COLD void tvn_decode_report(struct tvn_decode_context *context, enum tvn_status status,
                                uint32_t offset, const char *format, ...) TVN_PRINTF(4, 5);
/* The same as an expression of that status, which compilers and analysers see to be an error. */
#define tvn_decode_fail(context, status, offset, ...) \
    (tvn_decode_report((context), (status), (offset), __VA_ARGS__), (status))
#define tvn_decode_invalid(context, offset, ...) \
    tvn_decode_fail((context), TVN_E_COMPONENT_INVALID, (offset), __VA_ARGS__)
/* What was reported last. */
static inline enum tvn_status tvn_decode_failure(const struct tvn_decode_context *context)
{
    tvn_assert(context->failed > TVN_OK);
    return context->failed;
}

TVN_COLD void tvn_decode_report_unsupported(struct tvn_decode_context *context, uint32_t offset,
                                            const char *feature);
TVN_COLD void tvn_decode_report_folded(struct tvn_decode_context *context, enum tvn_status status,
                                       uint32_t offset, const char *what);
/* E0211 for what this phase leaves out: "… is not supported". */
static inline enum tvn_status tvn_decode_unsupported(struct tvn_decode_context *context,
                                                     uint32_t offset, const char *feature)
{
    tvn_decode_report_unsupported(context, offset, feature);
    return TVN_E_COMPONENT_INVALID;
}
/* Reports what a vector or a constructor returned: TVN_FULL is a limit. */
static inline enum tvn_status tvn_decode_folded(struct tvn_decode_context *context,
                                                enum tvn_status status, uint32_t offset,
                                                const char *what)
{
    tvn_decode_report_folded(context, status, offset, what);
    return tvn_decode_failure(context);
}
/* Zeroed arena memory. NULL: the error is reported and in context->failed. */
TVN_NODISCARD void *tvn_decode_alloc(struct tvn_decode_context *context, size_t count, size_t size);
#define TVN_DECODE_ARRAY(context, type, count) \
    ((type *)tvn_decode_alloc((context), (count), sizeof(type)))
#define TVN_DECODE_NEW(context, type) TVN_DECODE_ARRAY(context, type, 1)
/* Work on types is bounded over the whole document. E0213. */
TVN_NODISCARD enum tvn_status tvn_decode_charge(struct tvn_decode_context *context, uint32_t offset,
                                                uint64_t steps);

/* A name for a "%.*s" in a message, cut where it gets long. */
#define TVN_DECODE_NAME(view) (int)((view).len < 120 ? (view).len : 120), (view).ptr

struct tvn_reader {
    struct tvn_decode_context *context;
    uint32_t at; /* offsets into the document */
    uint32_t end;
};

static inline bool tvn_reader_at_end(const struct tvn_reader *reader)
{
    return reader->at >= reader->end;
}
static inline uint32_t tvn_reader_left(const struct tvn_reader *reader)
{
    return reader->end - reader->at;
}

// WARM PATH. Each adds E0211 when the bytes are not there or not well-formed; *out is untouched
// then.
TVN_NODISCARD enum tvn_status tvn_reader_byte(struct tvn_reader *reader, uint8_t *out_byte);
TVN_NODISCARD enum tvn_status tvn_reader_u32(struct tvn_reader *reader, uint32_t *out_value);
TVN_NODISCARD enum tvn_status tvn_reader_u64(struct tvn_reader *reader, uint64_t *out_value);
/* Signed LEB128 of at most `bits` bits (33 for type indices). */
TVN_NODISCARD enum tvn_status tvn_reader_signed(struct tvn_reader *reader, unsigned bits,
                                                int64_t *out_value);
/* A length and that many bytes of UTF-8; the view points into the document. */
TVN_NODISCARD enum tvn_status tvn_reader_name(struct tvn_reader *reader, struct tvn_str *out_name);
TVN_NODISCARD enum tvn_status tvn_reader_skip(struct tvn_reader *reader, uint32_t length);
/* The count of a vector whose items take at least `item_bytes_min` bytes each: never more than can
 * follow. */
TVN_NODISCARD enum tvn_status tvn_reader_count(struct tvn_reader *reader, uint32_t item_bytes_min,
                                               uint32_t *out_count);
/* A reader for the next `length` bytes, which this one skips. */
TVN_NODISCARD enum tvn_status tvn_reader_slice(struct tvn_reader *reader, uint32_t length,
                                               struct tvn_reader *out_slice);
/* Everything must have been read. */
TVN_NODISCARD enum tvn_status tvn_reader_finish(const struct tvn_reader *reader, const char *what);
