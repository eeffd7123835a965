/* A sink: takes elements out of the pipeline. This one prints them. */
#include <stdio.h>
#include <torvyn.h>

static enum torvyn_result push(struct torvyn_element *element)
{
    struct torvyn_bytes text = torvyn_read(element);
    printf("[%llu] %.*s\n", (unsigned long long)element->sequence, (int)text.len,
           (const char *)text.ptr);
    return fflush(stdout) == 0 ? TORVYN_READY : torvyn_fail(TORVYN_UNAVAILABLE, "cannot print");
}

static enum torvyn_result complete(void)
{
    return TORVYN_READY; /* there will be no more elements: write out what was held back */
}
TORVYN_SINK(push, complete)
