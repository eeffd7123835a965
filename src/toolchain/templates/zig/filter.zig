//! A filter: keeps or drops elements without changing them. This one keeps every second.
const torvyn = @import("torvyn.zig");

export fn evaluate(element: *torvyn.Element) torvyn.Result {
    return if (element.sequence % 2 == 0) .keep else .drop;
}
