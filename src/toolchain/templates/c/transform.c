/* A transform: makes one element of each that comes in, or drops it. */
#include <torvyn.h>

static enum torvyn_result process(struct torvyn_element *input, struct torvyn_output *output)
{
    /* Passes every element on. To change it, read it by torvyn_read(input), write the new payload
     * with torvyn_write(output, …) and return TORVYN_EMIT. */
    (void)input;
    (void)output;
    return TORVYN_PASS;
}
TORVYN_PROCESSOR(process)
