/* What the component exports: functions of main.zig, in a role of torvyn.h. */
#define TORVYN_SYMBOLS
#include <torvyn.h>

enum torvyn_result push(struct torvyn_element *element);
enum torvyn_result complete(void);
TORVYN_SINK(push, complete)
