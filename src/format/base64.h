/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Base64 (RFC 4648, section 4). Stateless. */
#include "base/str.h"

// WARM PATH. Appends the text of `length` bytes, with padding; out->failed tells when it does not
// fit.
void tvn_base64_add(struct tvn_strbuf *out, const uint8_t *bytes, size_t length);
// WARM PATH. Appends the bytes that `text` stands for; the padding may be missing. False when it is
// no base64, and nothing is appended then; out->failed tells when it does not fit.
TVN_NODISCARD bool tvn_base64_decode(struct tvn_strbuf *out, struct tvn_str text);
