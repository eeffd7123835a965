/* What the component exports: functions of main.zig, in a role of torvyn.h. */
#define TORVYN_SYMBOLS
#include <torvyn.h>

enum torvyn_result route(struct torvyn_element *element, struct torvyn_ports *ports);
TORVYN_ROUTER(route)
