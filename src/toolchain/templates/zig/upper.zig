//! A transform: makes one element of each that comes in, or drops it.
const std = @import("std");
const torvyn = @import("torvyn.zig");

export fn process(input: *torvyn.Element, output: *torvyn.Output) torvyn.Result {
    for (input.read()) |byte| {
        output.write(&.{std.ascii.toUpper(byte)});
    }
    output.contentType("text/plain");
    return .emit;
}
