/* What the component exports: functions of main.zig, in a role of torvyn.h. */
#define TORVYN_SYMBOLS
#include <torvyn.h>

enum torvyn_result process(struct torvyn_element *input, struct torvyn_output *output);
TORVYN_PROCESSOR(process)
