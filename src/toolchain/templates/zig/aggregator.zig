//! An aggregator: gathers elements and emits results. This one counts five at a time.
const torvyn = @import("torvyn.zig");

const group = 5;
var count: u64 = 0;
var bytes: u64 = 0;

fn emit(output: *torvyn.Output) torvyn.Result {
    output.print("{d} elements, {d} bytes", .{ count, bytes });
    output.contentType("text/plain");
    count = 0;
    bytes = 0;
    return .emit;
}

export fn ingest(element: *torvyn.Element, output: *torvyn.Output) torvyn.Result {
    count += 1;
    bytes += element.size();
    return if (count == group) emit(output) else .drop;
}

/// There will be no more elements: called until it says .end.
export fn flush(output: *torvyn.Output) torvyn.Result {
    return if (count > 0) emit(output) else .end;
}
