/* A router: names the ports that an element goes to. A port is the start of an edge of the flow. */
#include <torvyn.h>

static enum torvyn_result route(struct torvyn_element *element, struct torvyn_ports *ports)
{
    /* With a second edge from this node, torvyn_send_to(ports, "its port") sends elements there. */
    if (torvyn_size(element) == 0) {
        return TORVYN_DROP;
    }
    torvyn_send_to(ports, "output");
    return TORVYN_KEEP;
}
TORVYN_ROUTER(route)
