//! Torvyn for components in Zig: the functions of torvyn.h, which exports.c makes available.
const std = @import("std");

pub const Result = enum(c_int) { emit, pass, drop, keep, end, idle, ready, pause, failed };
pub const ErrorKind = enum(c_int) { invalid_input, unavailable, internal, deadline_exceeded, fatal };

extern fn torvyn_symbol_fail(kind: ErrorKind, why: [*:0]const u8) Result;
extern fn torvyn_symbol_read(element: *Element, length: *usize) ?[*]const u8;
extern fn torvyn_symbol_size(element: *const Element) u64;
extern fn torvyn_symbol_write(output: *Output, bytes: [*]const u8, length: usize) void;
extern fn torvyn_symbol_content_type(output: *Output, content_type: [*:0]const u8) void;
extern fn torvyn_symbol_send_to(ports: *Ports, name: [*:0]const u8) void;

pub fn fail(kind: ErrorKind, why: [*:0]const u8) Result {
    return torvyn_symbol_fail(kind, why);
}

/// An element that came in; valid during the call.
pub const Element = extern struct {
    sequence: u64,
    timestamp_ns: u64,

    /// The payload: the first call copies it out of the host.
    pub fn read(self: *Element) []const u8 {
        var length: usize = 0;
        const ptr = torvyn_symbol_read(self, &length) orelse return "";
        return ptr[0..length];
    }
    /// Its length, without a copy.
    pub fn size(self: *const Element) u64 {
        return torvyn_symbol_size(self);
    }
};

/// The element that goes out.
pub const Output = opaque {
    pub fn write(self: *Output, bytes: []const u8) void {
        torvyn_symbol_write(self, bytes.ptr, bytes.len);
    }
    pub fn print(self: *Output, comptime format: []const u8, args: anytype) void {
        var text: [1024]u8 = undefined;
        self.write(std.fmt.bufPrint(&text, format, args) catch text[0..]);
    }
    pub fn contentType(self: *Output, content_type: [*:0]const u8) void {
        torvyn_symbol_content_type(self, content_type);
    }
};

/// The ports that a router chose.
pub const Ports = opaque {
    pub fn sendTo(self: *Ports, name: [*:0]const u8) void {
        torvyn_symbol_send_to(self, name);
    }
};
