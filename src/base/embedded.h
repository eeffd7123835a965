/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Text files built into the program by cmake's tvn_embed_text; an array ends with an entry whose
 * name is NULL. */
#include <stddef.h>

struct tvn_embedded_text {
    const char *name;
    const char *text; /* one NUL beyond length */
    size_t length;
};
