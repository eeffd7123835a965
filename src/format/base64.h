/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Base64 with padding (RFC 4648, section 4). Stateless. */
#include "base/str.h"

// WARM PATH. Appends the text of `length` bytes; out->failed tells when it does not fit.
void tvn_base64_add(struct tvn_strbuf *out, const uint8_t *bytes, size_t length);
