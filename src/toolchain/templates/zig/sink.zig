//! A sink: takes elements out of the pipeline. This one prints them.
const torvyn = @import("torvyn.zig");

extern fn printf(format: [*:0]const u8, ...) c_int;
extern fn fflush(file: ?*anyopaque) c_int;

export fn push(element: *torvyn.Element) torvyn.Result {
    const text = element.read();
    _ = printf("[%llu] %.*s\n", element.sequence, @as(c_int, @intCast(text.len)), text.ptr);
    if (fflush(null) != 0) return torvyn.fail(.unavailable, "cannot print");
    return .ready;
}

export fn complete() torvyn.Result {
    return .ready; // there will be no more elements: write out what was held back
}
