/* What the component exports: functions of main.zig, in a role of torvyn.h. */
#define TORVYN_SYMBOLS
#include <torvyn.h>

enum torvyn_result evaluate(struct torvyn_element *element);
TORVYN_FILTER(evaluate)
