/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source whose elements come with trace contexts: its configuration has lines "TRACEPARENT" or
 * "TRACEPARENT|TRACESTATE"; each is the context of one element, an empty one stands for none.
 */
#include <stdio.h>
#include <torvyn.h>

static char *lines; /* of the configuration, from the next one on */

static enum torvyn_result begin(const char *config)
{
    lines = strdup(config);
    return TORVYN_READY;
}

static void end(void)
{
}

static enum torvyn_result pull(struct torvyn_output *output)
{
    if (!lines || !*lines) {
        return TORVYN_END;
    }
    char *line = lines;
    char *line_end = strchr(line, '\n');
    lines = line_end ? line_end + 1 : NULL;
    if (line_end) {
        *line_end = '\0';
    }
    char *bar = strchr(line, '|');
    if (bar) {
        *bar++ = '\0';
    }
    if (*line) {
        torvyn_set_traceparent(line, bar ? bar : "");
    }
    torvyn_write_text(output, line);
    return TORVYN_EMIT;
}

TORVYN_SOURCE(pull)
TORVYN_LIFECYCLE(begin, end)
