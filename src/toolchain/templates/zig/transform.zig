//! A transform: makes one element of each that comes in, or drops it.
const torvyn = @import("torvyn.zig");

export fn process(input: *torvyn.Element, output: *torvyn.Output) torvyn.Result {
    // Passes every element on. To change it, read it by input.read(), write the new payload with output.write(…) and
    // return .emit.
    _ = input;
    _ = output;
    return .pass;
}
