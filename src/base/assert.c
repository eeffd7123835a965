/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ASSERT_LINE_MAX 512

TVN_COLD void tvn_assert_failed(const char *expression, const char *file, int line)
{
    /* No stdio stream: its lock or buffer may be what is broken. */
    char text[ASSERT_LINE_MAX];
    int length = snprintf(text, sizeof(text), "torvyn: assertion '%s' failed at %s:%d\n",
                          expression, file, line);
    if (length > 0) {
        size_t size = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
        ssize_t written = write(STDERR_FILENO, text, size);
        (void)written; /* nothing left to tell it to */
    }
    abort();
}
