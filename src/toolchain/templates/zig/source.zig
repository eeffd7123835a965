//! A source: called for one element after the other, until it says that there are no more.
const torvyn = @import("torvyn.zig");

const messages = 100;
var made: u64 = 0;

export fn pull(output: *torvyn.Output) torvyn.Result {
    if (made == messages) return .end;
    made += 1;
    output.print("Message {d}", .{made});
    output.contentType("text/plain");
    return .emit;
}
