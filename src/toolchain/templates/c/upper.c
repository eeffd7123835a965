/* A transform: makes one element of each that comes in, or drops it. */
#include <ctype.h>
#include <torvyn.h>

static enum torvyn_result process(struct torvyn_element *input, struct torvyn_output *output)
{
    struct torvyn_bytes text = torvyn_read(input);
    for (size_t i = 0; i < text.len; i++) {
        torvyn_write_char(output, (char)toupper(text.ptr[i]));
    }
    output->content_type = "text/plain";
    return TORVYN_EMIT;
}
TORVYN_PROCESSOR(process)
