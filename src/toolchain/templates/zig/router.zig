//! A router: names the ports that an element goes to. A port is the start of an edge of the flow.
const torvyn = @import("torvyn.zig");

export fn route(element: *torvyn.Element, ports: *torvyn.Ports) torvyn.Result {
    // With a second edge from this node, its port's name sends elements there.
    if (element.size() == 0) return .drop;
    ports.sendTo("output");
    return .keep;
}
