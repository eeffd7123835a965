/* An aggregator: gathers elements and emits results. This one counts five at a time. */
#include <torvyn.h>

#define GROUP 5

static uint64_t count;
static uint64_t bytes;

static enum torvyn_result emit(struct torvyn_output *output)
{
    torvyn_write_number(output, count);
    torvyn_write_text(output, " elements, ");
    torvyn_write_number(output, bytes);
    torvyn_write_text(output, " bytes");
    output->content_type = "text/plain";
    count = 0;
    bytes = 0;
    return TORVYN_EMIT;
}

static enum torvyn_result ingest(struct torvyn_element *element, struct torvyn_output *output)
{
    count++;
    bytes += torvyn_size(element);
    return count == GROUP ? emit(output) : TORVYN_DROP;
}

/* There will be no more elements: called until it says TORVYN_END. */
static enum torvyn_result flush(struct torvyn_output *output)
{
    return count > 0 ? emit(output) : TORVYN_END;
}
TORVYN_AGGREGATOR(ingest, flush)
