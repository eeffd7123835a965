/* A filter: keeps or drops elements without changing them. This one keeps every second. */
#include <torvyn.h>

static enum torvyn_result evaluate(struct torvyn_element *element)
{
    return element->sequence % 2 == 0 ? TORVYN_KEEP : TORVYN_DROP;
}
TORVYN_FILTER(evaluate)
