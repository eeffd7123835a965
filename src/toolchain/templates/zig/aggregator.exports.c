/* What the component exports: functions of main.zig, in a role of torvyn.h. */
#define TORVYN_SYMBOLS
#include <torvyn.h>

enum torvyn_result ingest(struct torvyn_element *element, struct torvyn_output *output);
enum torvyn_result flush(struct torvyn_output *output);
TORVYN_AGGREGATOR(ingest, flush)
