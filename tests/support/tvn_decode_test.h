/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A guest that is only decoded. */
#include "base/file.h"
#include "component/component.h"

#include "tvn_test.h"

#ifndef TVN_GUEST_DIR /* the build gives it */
#define TVN_GUEST_DIR "guests"
#endif

struct decoded {
    struct tvn_diag_sink *sink;
    struct tvn_file_bytes file;
    struct tvn_component *component; /* NULL: refused */
    enum tvn_status status;
};

static TVN_UNUSED void decode_bytes(struct decoded *decoded, const void *bytes, size_t length)
{
    *decoded = (struct decoded){.sink = tvn_diag_sink_create()};
    assert_non_null(decoded->sink);
    uint32_t file = tvn_diag_add_binary_source(decoded->sink, "test.wasm");
    decoded->status = tvn_component_decode(bytes, length, file, decoded->sink, &decoded->component);
}

static TVN_UNUSED void read_guest(const char *name, struct tvn_file_bytes *out_bytes)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.wasm", TVN_GUEST_DIR, name);
    assert_status(tvn_file_read(path, (size_t)64 << 20, out_bytes), TVN_OK);
}

static TVN_UNUSED void decode_guest(struct decoded *decoded, const char *name)
{
    struct tvn_file_bytes bytes;
    read_guest(name, &bytes);
    decode_bytes(decoded, bytes.ptr, bytes.len);
    decoded->file = bytes;
    assert_diag_status(decoded->status, TVN_OK, decoded->sink);
}

static TVN_UNUSED void decoded_stop(struct decoded *decoded)
{
    tvn_component_destroy(decoded->component);
    tvn_diag_sink_destroy(decoded->sink);
    tvn_file_bytes_deinit(&decoded->file);
}

/* Refused with one diagnostic that contains `text`; at `offset` unless that is UINT32_MAX. */
static TVN_UNUSED void assert_refused(const struct decoded *decoded, enum tvn_status code,
                                      uint32_t offset, const char *text)
{
    assert_diag_status(decoded->status, code, decoded->sink);
    assert_null(decoded->component);
    assert_int_equal(tvn_diag_error_count(decoded->sink), 1);
    const struct tvn_diagnostic *diagnostic = tvn_diag_at(decoded->sink, 0);
    if (!strstr(diagnostic->message, text)) {
        fail_msg("'%s' does not contain '%s'", diagnostic->message, text);
    }
    if (offset != UINT32_MAX) {
        assert_int_equal(diagnostic->primary.span.offset, offset);
    }
}
