/* A source: called for one element after the other, until it says that there are no more. */
#include <torvyn.h>

#define MESSAGES 100

static uint64_t made;

static enum torvyn_result pull(struct torvyn_output *output)
{
    if (made == MESSAGES) {
        return TORVYN_END;
    }
    made++;
    torvyn_write_text(output, "Message ");
    torvyn_write_number(output, made);
    output->content_type = "text/plain";
    return TORVYN_EMIT;
}
TORVYN_SOURCE(pull)
